"""Numbers read from text and written to it, and half turns, against float(), decimals and NumPy."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphics_ml.formats import digits, half_turns
from tests.formats.twins import implementations

READERS = implementations(digits.read_numbers_plainly, "read_numbers")


def numbers_in(text):
    """All readers' answer."""
    data = text.encode() if isinstance(text, str) else text
    plain, *others = (read(data) for read in READERS)
    for other in others:
        np.testing.assert_array_equal(plain, other)
        np.testing.assert_array_equal(np.signbit(plain), np.signbit(other))
    return plain


DECIMAL = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e4, 1e4).map(lambda value: f"{value:.6f}"),
    st.floats(-1e30, 1e30).map(lambda value: f"{value:.6g}"),
    st.from_regex(r"\A[+-]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,16})[eE][+-]?[0-9]{1,2}\Z"),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9).map(str),
    st.from_regex(r"\A[+-]?[0-9]{0,12}(\.[0-9]{0,12})?\Z").filter(lambda word: any(c.isdigit() for c in word)),
)


BLANKS = st.lists(st.sampled_from([" ", "\n", "\t", "\r\n", "  \n"]), min_size=40, max_size=40)


@given(words=st.lists(DECIMAL, max_size=40), blanks=BLANKS)
@settings(max_examples=300)
def test_numbers_are_what_float_makes_of_them(words, blanks):
    text = "".join(word + blank for word, blank in zip(words, blanks, strict=False))
    expected = [float(word) for word in words]
    np.testing.assert_array_equal(numbers_in(text), expected)
    np.testing.assert_array_equal(numbers_in(text.rstrip()), expected)


def test_numbers_in_many_pieces_are_what_float_makes_of_them(monkeypatch):
    random = np.random.default_rng(0)
    words = [
        f"{value:.{places}f}"
        for value, places in zip(random.normal(size=9000) * 200, random.integers(0, 9, 9000), strict=True)
    ]
    text = " ".join(words)
    monkeypatch.setattr(digits, "CHUNK", 4096)
    np.testing.assert_array_equal(numbers_in(text), [float(word) for word in words])


@pytest.mark.parametrize(
    "word",
    [
        "1.2.3",
        "-",
        ".",
        "--1",
        "1-2",
        "1e",
        "e5",
        "0x10",
        "inf",
        "nan",
        "1_0",
        "1,5",
        "-.",
        "é",
        "1e400",
        "1e5.5",
        "1e.5",
        "1.e",
        "1e-",
        "1e+-5",
        "1ee5",
        "1e5e5",
        "1.5e-",
        ".e5",
        "-e5",
        "1e5-5",
        "1\x002",
        "\0",
        "\x01.5",
    ],
)
@pytest.mark.parametrize("around", ["{}", "1.5 {} 2.5", "1 2 3\n{}\n", "1.25 " * 9 + "{} 3"])
def test_what_is_no_number_is_named_with_its_place(word, around):
    data = around.format(word).encode()
    for reader in READERS:
        with pytest.raises(digits.NotANumber) as caught:
            reader(data)
        assert data[caught.value.position :].startswith(word.encode()) and caught.value.text == word.encode()


@given(values=st.lists(st.floats(-1e13, 1e13), min_size=6, max_size=6))
@example(values=[0.0, -0.0, -1e-9, 999999.9999999, -1000.0000005, 1e12])
@settings(max_examples=200)
def test_numbers_are_written_as_with_six_decimals(values):
    text = digits.write_numbers(np.array(values).reshape(2, 3))
    assert [len(line.split()) for line in text.splitlines()] == [3, 3]
    for ours, value in zip(text.split(), values, strict=True):
        assert len(ours.split(b".")[1]) == 6
        assert (
            abs(Decimal(ours.decode()) - Decimal(value)) <= Decimal("5.01e-7") + abs(Decimal(value)) * Decimal(2) ** -52
        )


@given(degrees=st.lists(st.floats(-3600, 3600), min_size=1, max_size=20))
def test_half_turns_are_those_of_sine_and_cosine(degrees):
    degrees = np.array(degrees)
    half = np.radians(degrees) / 2
    sine, cosine = half_turns.half_turn(degrees)
    sign = np.sign(sine * np.sin(half) + cosine * np.cos(half))
    np.testing.assert_allclose(sign * sine, np.sin(half), atol=1e-13)
    np.testing.assert_allclose(sign * cosine, np.cos(half), atol=1e-13)
