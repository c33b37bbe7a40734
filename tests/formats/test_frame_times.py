"""Frame times as files round them, and the rates they mean."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphics_ml.formats.frame_times import frame_rate, frame_time_text


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0.0333333", 30), ("0.033333", 30), ("0.033", 30), ("0.0333333351", 30), (".0333333333333333", 30),
        ("0.0083333", 120), ("0.00833333", 120), ("0.016667", 60), ("0.016666", 60), ("0.0167", 60), ("0.04", 25),
        ("0.0416667", 24), ("0.04170833", Fraction(24000, 1001)), ("0.0333667", Fraction(30000, 1001)),
        ("0.0166833", Fraction(60000, 1001)), ("0.01", 100), ("1", 1), ("1e-2", 100), ("0.0331", Fraction(10000, 331)),
        ("0.0344828", 29),
    ],
)  # fmt: skip
def test_a_rounded_frame_time_is_the_rate_it_rounds(text, rate):
    assert frame_rate(text) == rate


@given(numerator=st.integers(1, 10**6), denominator=st.integers(1, 10**4))
def test_any_frame_rate_comes_back_exactly(numerator, denominator):
    rate = Fraction(numerator, denominator)
    if Fraction(1, 1000) < rate < 100_000:
        assert frame_rate(frame_time_text(rate)) == rate
