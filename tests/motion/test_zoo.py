"""The zoo: skeletons of all kinds, recognised without a map; tests/benchmarks/zoo.py prints each figure."""

import pytest

from graphics_ml.motion.bone_map import recognize
from tests.motion.zoo import PUBLIC, SPINE_ROLES, count_right, hard, known, public


def share_right(animals):
    right = total = 0
    wrong = []
    for one in animals:
        r, n, what = count_right(one, recognize(one.skeleton))
        right, total = right + r, total + n
        wrong += [f"{one.family}: {fault}" for fault in what]
    assert total > 20 * len(animals) - 120
    return right / total, wrong


def test_public_naming_schemes_that_no_data_file_holds_are_recognised():
    share, wrong = share_right([public(family) for family in PUBLIC])
    assert share >= 0.99, wrong


def test_known_schemes_with_more_fewer_and_reordered_bones_are_recognised():
    share, wrong = share_right(known(60))
    assert share >= 0.99, wrong[:20]


@pytest.mark.parametrize("kind", ["language", "numbers", "abbreviations"])
def test_names_that_say_nothing_leave_the_body_to_its_shape(kind):
    """Seeds other than those on which the recogniser was looked at while it was made."""
    share, wrong = share_right([one for one in hard(90, seed=31) if one.family == f"hard: {kind}"])
    assert share >= 0.95, wrong[:20]


def test_a_wrong_map_is_counted_as_wrong():
    """The count itself can fail: sides exchanged, a spine out of order, a role given to a joint that has none."""
    animal = public("MHX")
    found = recognize(animal.skeleton)
    right, total, _ = count_right(animal, found)
    assert right == total
    roles = dict(found.roles)
    roles["left_foot"], roles["right_foot"] = roles["right_foot"], roles["left_foot"]
    roles["spine"], roles["chest"] = roles["chest"], roles["spine"]
    wrong = count_right(animal, type(found)(roles))
    assert wrong[0] == total - 3 and wrong[1] == total
    kinect = public("Kinect")
    more = dict(recognize(kinect.skeleton).roles) | {"left_shoulder": "SpineMid"}
    assert count_right(kinect, type(found)(more))[:2] == (19, 20)
    assert set(SPINE_ROLES) <= set(found.roles)
