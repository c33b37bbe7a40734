import subprocess
import sys

from graphics_ml.keypoints import BLAZEPOSE, COCO, COCO_LINKS, FACE, FLIPPED, LINKS, PARTS, TOUCHING, WHOLE_BODY
from graphics_ml.pose.detection import LANDMARKS, MIRRORED


def test_the_133_keypoints_come_in_the_blocks_of_coco_wholebody():
    assert len(set(WHOLE_BODY)) == len(WHOLE_BODY) == 133
    starts = [
        WHOLE_BODY.index(name) for name in ("nose", "left_big_toe", "face-0", "left_hand_root", "right_hand_root")
    ]
    assert starts == [0, 17, 23, 91, 112]
    assert WHOLE_BODY[:17] == COCO and WHOLE_BODY[23:91] == FACE
    assert WHOLE_BODY[22] == "right_heel" and WHOLE_BODY[132] == "right_pinky_finger4"


def test_the_other_side_of_the_other_side_is_the_keypoint_itself():
    assert sorted(FLIPPED) == list(range(133))
    assert all(FLIPPED[other] == index for index, other in enumerate(FLIPPED))
    middle = [WHOLE_BODY[index] for index, other in enumerate(FLIPPED) if index == other]
    assert middle == ["nose", *(f"face-{n}" for n in (8, 27, 28, 29, 30, 33, 51, 57, 62, 66))]


def test_flipping_agrees_with_the_landmarks_of_the_detector():
    assert len(set(BLAZEPOSE)) == len(LANDMARKS)
    for landmark, keypoint in enumerate(BLAZEPOSE):
        assert FLIPPED[keypoint] == BLAZEPOSE[MIRRORED[landmark]]
        if LANDMARKS[landmark] in WHOLE_BODY:
            assert WHOLE_BODY[keypoint] == LANDMARKS[landmark]


def test_links_are_the_same_on_both_sides():
    for links in (COCO_LINKS, LINKS):
        undirected = {frozenset(link) for link in links}
        assert len(undirected) == len(links)
        assert {frozenset(FLIPPED[end] for end in link) for link in undirected} == undirected
    assert {end for link in LINKS for end in link} == set(range(133))


def test_parts_that_meet_at_a_keypoint_are_on_its_side():
    other = [PARTS.index("_".join({"left": "right", "right": "left"}.get(w, w) for w in p.split("_"))) for p in PARTS]
    for keypoint, parts in enumerate(TOUCHING):
        assert 0 not in parts
        assert {other[part] for part in parts} == set(TOUCHING[FLIPPED[keypoint]])


def test_the_names_need_the_standard_library_only():
    code = "import sys, graphics_ml.keypoints; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
