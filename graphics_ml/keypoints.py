"""Names of the keypoints and body parts with which people in pictures are labelled.

COCO's 17 (Lin et al. 2014, "Microsoft COCO"), the 133 of COCO-WholeBody (Jin et al. 2020, "Whole-Body Human Pose
Estimation in the Wild") of which they are the first, and where the 33 landmarks of BlazePose lie among them. Left and
right are the person's own. Parts are those that every humanoid rig has, whatever the number of its spine's bones.
"""

import itertools

COCO = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""COCO's person keypoints in order."""

FEET = tuple(f"{side}_{place}" for side in ("left", "right") for place in ("big_toe", "small_toe", "heel"))

FACE = tuple(f"face-{n}" for n in range(68))
"""The 68 points of the face, in the order of iBUG 300-W (Sagonas et al. 2013): the outline 0-16 from the right ear
round the chin, the right brow 17-21 and the left 22-26, both from the person's right, the nose's bridge 27-30 downward
and its lower edge 31-35, the right eye 36-41 and the left 42-47, each from the corner at the person's right over the
upper lid, the lips' outer border 48-59 from the right corner over the upper lip, and their inner border 60-67."""

HAND = (
    "hand_root",
    *(f"{finger}{n}" for finger in ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
      for n in (1, 2, 3, 4)),
)  # fmt: skip
"""A hand's 21 points without their side: the wrist, then three joints and the tip of each finger, thumb first."""

WHOLE_BODY = COCO + FEET + FACE + tuple(f"{side}_{point}" for side in ("left", "right") for point in HAND)
"""COCO-WholeBody's 133 keypoints in order."""

BLAZEPOSE = tuple(
    WHOLE_BODY.index(name)
    for name in (
        *("nose", "face-42", "left_eye", "face-45", "face-39", "right_eye", "face-36", "left_ear", "right_ear"),
        *("face-54", "face-48", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
        *("left_wrist", "right_wrist", "left_pinky_finger1", "right_pinky_finger1"),
        *("left_forefinger1", "right_forefinger1", "left_thumb2", "right_thumb2"),
        *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
        *("left_heel", "right_heel", "left_big_toe", "right_big_toe"),
    )
)
"""For each of the 33 landmarks of `pose.detection.LANDMARKS` its index in WHOLE_BODY."""


def _flipped_face():
    """Other side of each point of the face, of 68."""
    pairs = [(n, 16 - n) for n in range(8)] + [(17 + n, 26 - n) for n in range(5)]
    pairs += [(31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (59, 55), (58, 56), (60, 64), (61, 63), (67, 65)]
    other = list(range(68))
    for a, b in pairs:
        other[a], other[b] = b, a
    return other


def _flipped():
    sides = {"left": "right", "right": "left"}
    face = WHOLE_BODY.index(FACE[0])
    for index, name in enumerate(WHOLE_BODY):
        side, _, place = name.partition("_")
        if name in FACE:
            yield face + _flipped_face()[index - face]
        else:
            yield WHOLE_BODY.index(f"{sides[side]}_{place}") if side in sides else index


FLIPPED = tuple(_flipped())
"""For each of WHOLE_BODY the index of its counterpart on the other side, itself in the middle."""

COCO_LINKS = (
    *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10)),
    *((1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
)
"""Pairs of COCO's keypoints to draw lines between, as COCO's own files list them (there from 1)."""


def _links():
    yield from COCO_LINKS
    for side in ("left", "right"):
        ankle, root = (WHOLE_BODY.index(f"{side}_{name}") for name in ("ankle", "hand_root"))
        yield from ((ankle, WHOLE_BODY.index(f"{side}_{place}")) for place in ("big_toe", "small_toe", "heel"))
        yield WHOLE_BODY.index(f"{side}_wrist"), root
        for finger in range(5):
            chain = [root, *range(root + 1 + 4 * finger, root + 5 + 4 * finger)]
            yield from itertools.pairwise(chain)
    face = WHOLE_BODY.index(FACE[0])
    lines = (range(17), range(17, 22), range(22, 27), range(27, 31), range(31, 36))
    loops = (range(36, 42), range(42, 48), range(48, 60), range(60, 68))
    for line in (*lines, *((*loop, loop[0]) for loop in loops)):
        yield from ((face + a, face + b) for a, b in itertools.pairwise(line))


LINKS = tuple(_links())
"""Pairs of WHOLE_BODY to draw lines between."""

PARTS = (
    *("none", "pelvis", "trunk", "head"),
    *(f"{side}_{part}" for side in ("left", "right")
      for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")),
)  # fmt: skip
"""Body parts of the part mask by their number; 0 is what is no person. The head is with its neck, the trunk with the
shoulder blades."""

_TOUCHING = {
    "shoulder": ("trunk", "upper_arm"),
    "elbow": ("upper_arm", "forearm"),
    "wrist": ("forearm", "hand"),
    "hip": ("pelvis", "thigh"),
    "knee": ("thigh", "shin"),
    "ankle": ("shin", "foot"),
    **dict.fromkeys(HAND[:2], ("forearm", "hand")),
    **dict.fromkeys(HAND[2:], ("hand",)),
    **dict.fromkeys(("big_toe", "small_toe", "heel"), ("foot",)),
}


def _touching(name):
    side, _, place = name.partition("_")
    parts = _TOUCHING.get(place, ("head",))
    return tuple(PARTS.index(part if part in PARTS else f"{side}_{part}") for part in parts)


TOUCHING = tuple(_touching(name) for name in WHOLE_BODY)
"""For each of WHOLE_BODY the numbers of the PARTS that meet there."""
