"""Contacts that a motion carries stay with its frames and its sides through all that changes these."""

from fractions import Fraction

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.motion.blend import blend, concatenate
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.mirror import mirror
from graphics_ml.motion.resample import resample, sample, trim
from graphics_ml.motion.retarget import retarget
from tests.motion.builds import with_lengths
from tests.motion.swinging import swinging
from tests.motion.test_retarget import walk


def stepping(frames=60):
    """A motion whose feet stand by turns, a quarter of a second each, the toes a frame longer than the heel."""
    motion = swinging(frames)
    every = round(float(motion.fps) / 4)
    left = np.arange(frames) // every % 2 == 0
    toes = left | np.concatenate(([False], left[:-1]))
    return motion.replace(contacts=np.stack((left, toes, ~left, ~left), axis=1))


def test_contacts_are_four_truths_a_frame():
    motion = swinging(5)
    for wrong in (np.ones((5, 2), bool), np.ones((4, 4), bool), np.ones((5, 4))):
        with pytest.raises(ValueError, match="contacts"):
            motion.replace(contacts=wrong)


def test_they_are_cut_with_the_frames():
    motion = stepping()
    np.testing.assert_array_equal(motion.frames(7, 20).contacts, motion.contacts[7:20])
    part = trim(motion, 0.5, 1.0)
    first = round(0.5 * float(motion.fps))
    np.testing.assert_array_equal(part.contacts, motion.contacts[first : first + len(part)])


@pytest.mark.parametrize("factor", [Fraction(2), Fraction(1, 2), Fraction(7, 5)])
def test_at_another_rate_each_frame_has_those_of_the_nearest(factor):
    motion = stepping()
    other = resample(motion, motion.fps * factor)
    nearest = np.floor(np.arange(len(other)) / float(factor) + 0.5 + 1e-9).astype(int)
    np.testing.assert_array_equal(other.contacts, motion.contacts[nearest])
    assert sample(motion, np.array([0.0, 1e9]), motion.fps).contacts.shape == (2, 4)


def test_mirrored_the_other_foot_stands_and_twice_mirrored_the_same():
    motion = stepping()
    other = mirror(motion).contacts
    np.testing.assert_array_equal(other[:, :2], motion.contacts[:, 2:])
    np.testing.assert_array_equal(mirror(mirror(motion)).contacts, motion.contacts)


def test_between_two_motions_a_foot_stands_where_it_stands_in_both():
    first, second = stepping(), mirror(stepping())
    second = first.replace(contacts=second.contacts)
    weights = np.repeat([0.0, 0.5, 1.0], 20)
    both = blend(first, second, weights).contacts
    np.testing.assert_array_equal(both[:20], first.contacts[:20])
    np.testing.assert_array_equal(both[20:40], first.contacts[20:40] & second.contacts[20:40])
    np.testing.assert_array_equal(both[40:], second.contacts[40:])


def test_one_behind_the_other_they_go_on_and_are_unknown_where_one_does_not_tell():
    motion = stepping()
    whole = concatenate(motion.frames(0, 40), motion.frames(31, 60), 9 / float(motion.fps), align=False)
    np.testing.assert_array_equal(whole.contacts, motion.contacts)
    assert concatenate(motion, motion.replace(contacts=None)).contacts is None


@pytest.mark.parametrize(("name", "format"), [("a.npz", None), ("a.npz", "soma")])
def test_a_file_that_has_a_place_for_them_gives_them_back(name, format, tmp_path):
    motion = stepping()
    if format == "soma":
        target = formats.bodies.skeleton("soma")
        motion = retarget(walk(), target)[0]
        motion = motion.replace(contacts=stepping(len(motion)).contacts)
    formats.save(motion, tmp_path / name, format)
    np.testing.assert_array_equal(formats.load(tmp_path / name).contacts, motion.contacts)


def test_retargeting_plants_the_feet_that_the_motion_says_stand():
    motion = walk()
    target = with_lengths(motion.skeleton, {"shin": 1.2, "foot": 0.8, "": 1})
    never, always = (np.full((len(motion), 4), stands) for stands in (False, True))
    results = []
    for contacts in (never, always):
        carried, _ = retarget(motion.replace(contacts=contacts), target)
        given, _ = retarget(motion, target, contacts=contacts)
        np.testing.assert_array_equal(carried.rotations, given.rotations)
        np.testing.assert_array_equal(carried.contacts, contacts)
        results.append(carried)
    assert np.abs(results[0].positions() - results[1].positions()).max() > 0.01


@pytest.mark.parametrize("added", ["bone", "object"])
def test_they_stay_when_the_path_goes_on_a_joint_that_is_added(added):
    motion = walk().replace(contacts=stepping(90).contacts)
    assert len(motion) == 90
    np.testing.assert_array_equal(retarget(motion, motion.skeleton, root=added)[0].contacts, motion.contacts)


def test_of_what_was_filmed_hands_are_left_alone_and_the_floor_is_at_zero():
    motion, target = walk(), standard_skeleton(1.2)
    motion = motion.replace(root_positions=motion.root_positions + np.array([0, 0.01, 0]))
    filmed = motion.replace(provenance={"source": {"format": "film"}})
    said, _ = retarget(motion, target, hand_lock=0.0, floor=0.0)
    np.testing.assert_array_equal(retarget(filmed, target)[0].rotations, said.rotations)
    np.testing.assert_array_equal(retarget(filmed, target)[0].root_positions, said.root_positions)
    asked, _ = retarget(filmed, target, hand_lock=1.0, floor=0.3)
    np.testing.assert_array_equal(asked.root_positions, retarget(motion, target, floor=0.3)[0].root_positions)
    assert not np.array_equal(asked.root_positions, said.root_positions)
