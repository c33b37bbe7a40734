"""Skeletons refuse what is no tree and never change."""

import numpy as np
import pytest

from graphics_ml.motion.rotations import quaternion_from_euler
from graphics_ml.motion.skeleton import EndSite, Skeleton


def a_skeleton(**changes):
    given = dict(names=("a", "b", "c"), parents=(-1, 0, 1), offsets=[[0, 1, 0], [1, 0, 0], [1, 0, 0]])
    return Skeleton(**given | changes)


def test_the_rest_pose_follows_the_rest_orientations():
    quarter = quaternion_from_euler(np.array([0, 0, np.pi / 2]), "XYZ")
    skeleton = a_skeleton(rest_orientations=[quarter, [1, 0, 0, 0], quarter])
    np.testing.assert_allclose(skeleton.rest_positions(), [[0, 1, 0], [0, 2, 0], [0, 3, 0]], atol=1e-12)
    turns, places = skeleton.rest_transforms()
    np.testing.assert_allclose(places, skeleton.rest_positions())
    np.testing.assert_allclose(np.abs(turns[2]), [0, 0, 0, 1], atol=1e-12)


def test_joints_are_found_by_name_and_by_family():
    skeleton = a_skeleton(parents=(-1, 0, 0))
    assert len(skeleton) == 3 and skeleton.index("c") == 2
    assert skeleton.children == ((1, 2), (), ())
    with pytest.raises(KeyError, match="no joint 'd'"):
        skeleton.index("d")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(names=("a", "b", "b")), "not unique: b"),
        (dict(names=()), "one parent for each"),
        (dict(parents=(-1, 0)), "one parent for each"),
        (dict(parents=(0, 0, 1)), "-1 for the first"),
        (dict(parents=(-1, -1, 0)), "'b' has parent -1"),
        (dict(parents=(-1, 2, 1)), "'b' has parent 2"),
        (dict(parents=(-1, 1, 0)), "'b' has parent 1"),
        (dict(offsets=np.zeros((2, 3))), "offsets have shape"),
        (dict(offsets=np.full((3, 3), np.inf)), "not finite"),
        (dict(rest_orientations=np.zeros((3, 4))), "zero quaternion"),
        (dict(rest_orientations=np.zeros((3, 3))), "rest orientations have shape"),
        (dict(end_sites=[EndSite(3, [0, 0, 0])]), "end site"),
        (dict(channels=[()]), "channels"),
    ],
)
def test_what_is_no_skeleton_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        a_skeleton(**changes)


def test_a_skeleton_never_changes():
    given = np.zeros((3, 3))
    skeleton = a_skeleton(offsets=given, end_sites=[EndSite(2, given[0])])
    given += 1
    assert not skeleton.offsets.any() and not skeleton.end_sites[0].offset.any()
    for array in (skeleton.offsets, skeleton.rest_orientations, skeleton.end_sites[0].offset):
        with pytest.raises(ValueError):
            array[0] = 1
    with pytest.raises(AttributeError):
        skeleton.names = ()
    assert skeleton.replace(names=("x", "y", "z")).names == ("x", "y", "z") and skeleton.names[0] == "a"


def test_rest_orientations_become_unit():
    skeleton = a_skeleton(rest_orientations=[[2, 0, 0, 0], [0, 3, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(skeleton.rest_orientations, [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]])
