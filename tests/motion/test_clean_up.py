"""Cleaning up: steps in a fixed order, each that of the library, with the quality before and after it."""

import numpy as np
import pytest

from graphics_ml.motion.bone_map import recognize_moving
from graphics_ml.motion.clean_up import CleanUp, CleanUpError
from graphics_ml.motion.filters import smooth_motion
from graphics_ml.motion.foot_lock import foot_lock
from graphics_ml.motion.mirror import mirror
from graphics_ml.motion.quality import quality
from graphics_ml.motion.skeleton import Skeleton
from tests.motion.swinging import swinging


@pytest.fixture
def motion():
    shaken = swinging(90)
    noise = np.random.default_rng(7).normal(0, 0.01, shaken.root_positions.shape)
    return shaken.replace(root_positions=shaken.root_positions + noise)


def test_whatever_order_they_are_asked_in_the_steps_are_the_same(motion):
    bones = recognize_moving(motion)
    asked = dict(reduce_keys=0.01, foot_lock=1.0, mirror=True, smooth=4.0)
    work, turned_round = CleanUp(motion, bones, **asked), CleanUp(motion, bones, **dict(reversed(asked.items())))
    names = [step.name for step in work]
    assert names == list(work.names) == ["smooth", "mirror", "foot lock", "reduce keys"]
    assert [step.name for step in turned_round] == names
    np.testing.assert_array_equal(work.motion.rotations, turned_round.motion.rotations)
    assert work.keys.motion is work.motion


def test_each_step_does_what_the_library_does_and_shows_the_quality_on_both_sides(motion):
    bones = recognize_moving(motion)
    work, by_hand = CleanUp(motion, bones, smooth=4.0, mirror=True, foot_lock=0.8), motion
    changes = (
        lambda one: smooth_motion(one, 4.0, 12.0),
        mirror,
        lambda one: foot_lock(one, bones.roles, strength=0.8).motion,
    )
    for step, change in zip(work, changes, strict=True):
        before, by_hand = by_hand, change(by_hand)
        np.testing.assert_allclose(work.motion.positions(), by_hand.positions(), atol=1e-12)
        jerk = next(figure for figure in step.figures if figure.name == "jerk")
        assert jerk.before == pytest.approx(quality(before, bones).jerk)
        assert jerk.after == pytest.approx(quality(by_hand, bones).jerk)


def test_only_what_frames_keep_is_measured_in_the_contacts_from_before(motion):
    bones = recognize_moving(motion)
    (smooth,) = CleanUp(motion, bones, smooth=4.0)
    contacts = quality(motion, bones).contacts
    work = smooth_motion(motion, 4.0, 12.0)
    slip = next(figure for figure in smooth.figures if figure.name == "feet slip")
    assert slip.after == pytest.approx(1000 * quality(work, bones, contacts=contacts).skate.mean_slip)
    (stay,) = CleanUp(motion, bones, in_place=True)
    assert "feet slip" not in [figure.name for figure in stay.figures]


def test_a_step_that_cannot_be_done_leaves_what_was_before_it(motion):
    motion, bones = motion.replace(fps=120), recognize_moving(motion)
    work = CleanUp(motion, bones, mirror=True, smooth=0.1)
    with pytest.raises(CleanUpError, match=r"^smooth: a cutoff of 0\.1 Hz is too low") as told:
        list(work)
    assert told.value.step == "smooth" and work.motion is motion
    tail = motion.skeleton
    names = [f"part {n}" for n in range(len(tail))]
    chain = motion.replace(skeleton=Skeleton(names, range(-1, len(tail) - 1), tail.offsets))
    with pytest.raises(CleanUpError, match=r"^then: "):
        list(CleanUp(motion, bones, then=chain))


def test_of_a_single_frame_it_is_said_that_nothing_moves_and_only_what_can_be_measured_is_shown(motion):
    work = CleanUp(
        motion.frames(0, 1),
        recognize_moving(motion),
        smooth=4.0,
        mirror=True,
        foot_lock=1.0,
        ground=True,
        reduce_keys=0.01,
    )
    steps = {step.name: step for step in work}
    assert {name for name, step in steps.items() if "a single frame has no" in str(step)} == {
        "smooth",
        "foot lock",
        "reduce keys",
    }
    assert {figure.name for step in steps.values() for figure in step.figures} == {"penetration"}
    few = CleanUp(motion.frames(0, 3), recognize_moving(motion), smooth=4.0)
    assert [figure.name for step in few for figure in step.figures] == ["feet slip", "penetration"]
