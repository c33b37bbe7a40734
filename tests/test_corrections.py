"""The words of corrections, both ways, and what they may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphics_ml.corrections import SIDES, Plant, Span, SpanAgain, read_again, read_plant, read_span
from graphics_ml.jobs import Animate, Capture, JobError, as_plain, from_plain

times = st.integers(0, 10**10).map(lambda microseconds: microseconds / 1e6)
spans = st.tuples(times, times).filter(lambda both: both[0] < both[1]).map(lambda both: Span(*both))


@given(spans, st.sampled_from(SIDES))
def test_words_that_are_written_are_read_again(span, side):
    assert read_span(str(span)) == span
    assert read_plant(str(Plant(side, span))) == Plant(side, span)
    again = SpanAgain(span, {"smoothing": "3.5", "person": "left"})
    assert read_again(str(again)) == again


@pytest.mark.parametrize(
    ("setting", "word", "said"),
    [
        ("swap", "1.9-1.2", "earlier time first"),
        ("swap", "2-2", "earlier time first"),
        ("swap", "1.2", "no span of time"),
        ("swap", "-1-2", "no span of time"),
        ("swap", "1e1-20", "no span of time"),
        ("plant", "2.0-3.1", "names no foot"),
        ("plant", "hand:2.0-3.1", "names no foot"),
        ("plant", "left:3-2", "earlier time first"),
        ("again", "2-3", "how to solve"),
        ("again", "2-3:", "how to solve"),
        ("again", "2-3:smoothing", "how to solve"),
        ("again", "2-3:smothing=2", "did you mean 'smoothing'"),
        ("again", "2-3:smoothing=99", "smoothing is 99"),
        ("again", "2-3:foot_lock=a", "foot_lock is 'a'"),
        ("again", "2-3:person=0", "person is '0'"),
    ],
)
def test_a_wrong_word_is_one_sentence_that_names_the_setting(setting, word, said):
    with pytest.raises(JobError, match=f"^{setting}: ") as caught:
        Capture(video="a.mp4", output="b.npz", **{setting: (word,)})
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_span_solved_again_is_the_same_capture_but_for_what_differs():
    job = Animate(video="a.mp4", output="b.blend", smoothing=2.0, again="1-2:foot_lock=0,person=2")
    span, there = job.solved_again(job.again[0])
    assert span == Span(1, 2) and (there.smoothing, there.foot_lock, there.person) == (2.0, 0.0, "2")


def test_corrections_survive_the_way_through_plain_values_and_none_leave_nothing_there():
    job = Capture(video="a.mp4", output="b.npz", swap=("1-2", "3-4.5"), plant="left:0-1")
    assert from_plain("capture", as_plain(job)) == job
    assert not {"swap", "plant", "again"} & set(as_plain(Capture(video="a.mp4", output="b.npz")))
