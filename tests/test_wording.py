"""Suggestions, and dataclasses in one line."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import retarget
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.pose.detection import Detections
from graphics_ml.wording import frame_ranges, renumbered, short_repr, suggestion
from tests.motion.swinging import swinging


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("smoothign", ("smoothing", "height"), "; did you mean 'smoothing'?"),
        ("HIPS", ("Hips", "Spine"), "; did you mean 'Hips'?"),
        ("zzz", ("height", "camera"), "; there are height, camera"),
        ("zzz", [f"bone {i}" for i in range(100)], ""),
    ],
)
def test_an_unknown_name_gets_the_likely_one_or_all_if_they_are_few(name, known, said):
    assert suggestion(name, known) == said


def test_arrays_are_told_by_kind_and_shape_and_small_values_whole():
    @short_repr
    @dataclass
    class Example:
        frames: np.ndarray
        place: np.ndarray
        names: tuple
        rate: Fraction
        inner: object
        secret: int = field(default=0, repr=False)

    inside = Skeleton(("hips",), (-1,), np.zeros((1, 3)))
    example = Example(np.zeros((90, 2), bool), np.array([1.0, 2.0]), tuple("abcdef"), Fraction(25), inside)
    assert repr(example) == (
        "Example(frames=bool[90, 2], place=[1.0, 2.0], names=tuple[6], rate=Fraction(25, 1), inner=Skeleton[1])"
    )


def test_what_users_print_is_one_short_line():
    motion = swinging(40)
    _, report = retarget(motion, motion.skeleton)
    nowhere = np.full((40, 33, 3), np.nan)
    flat = np.zeros((40, 33))
    seen = Detections(
        nowhere[..., :2], flat, nowhere, flat, flat, np.zeros(40, bool), Fraction(25), (64, 48), "1", "none"
    )
    for thing in (motion, motion.skeleton, report, seen):
        said = repr(thing)
        assert said.startswith(type(thing).__name__) and "\n" not in said and len(said) < 400, said
    assert isinstance(motion, Motion) and "[40, " in repr(motion)


def test_frames_are_named_by_their_spans():
    frames = [i in (0, 3, 4, 5, 9) for i in range(10)]
    assert frame_ranges(frames) == "frames 0, 3-5, 9"
    assert frame_ranges(frames, 2) == "frames 0, 3-5 and 1 more spans"
    assert frame_ranges([False, True]) == "frame 1"


def test_frames_in_a_sentence_are_numbered_otherwise_and_other_numbers_stay():
    mask = np.isin(np.arange(40), [3, 4, 5, 9, 20, 21])
    sentence = f"the left leg was bent by 2 degrees in 8% of 40 frames: {frame_ranges(mask, 2)}; 3.5 m"
    assert renumbered(sentence, lambda frame: 2 * frame + 100) == (
        "the left leg was bent by 2 degrees in 8% of 40 frames: frames 106-110, 118 and 1 more spans; 3.5 m"
    )
    assert renumbered("it jumps at frame 3, as in a cut", lambda frame: frame + 1) == "it jumps at frame 4, as in a cut"


def test_spans_of_frames_that_meet_at_another_rate_become_one():
    said = "it was filled in: frames 1, 3-9, 15-16, 18, 40-42 and 3 more spans, and sharp at frames 7-8"
    assert renumbered(said, lambda frame: 100 + frame // 2) == (
        "it was filled in: frames 100-104, 107-109, 120-121 and 3 more spans, and sharp at frames 103-104"
    )
    assert renumbered("at frames 2-3 and 7 m", lambda frame: frame // 2) == "at frame 1 and 7 m"
    assert renumbered("frames 2 and 9 more spans", lambda frame: frame) == "frames 2 and 9 more spans"
