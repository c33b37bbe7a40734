"""What a detector's landmarks say about the body: where each sits on it, and how far it is to be believed.

A landmark is a point fixed to a joint of `pose.body`. `gather` turns detections into evidence for the solver: pixels
and metric bone vectors in the camera's axes, each with a weight, after mending frames in which the detector mistook
left for right.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from graphics_ml.motion.rotations import cross, normalize
from graphics_ml.pose.body import JOINTS, SEGMENTS, Points
from graphics_ml.pose.detection import LANDMARKS, MIRRORED, Detections, Hands
from graphics_ml.pose.places import takes_between
from graphics_ml.pose.sides import cuts, mend_sides

# Where landmarks sit, as parts of the body height in the frame of a joint (T-pose axes), for the left side. The joint
# centres are those of the standard skeleton. Faces, hands and feet are where the detector puts them, not where they
# are: a face comes out smaller than it is, with the ears two hundredths of the height too far ahead (mean of our
# character and another with known heads, on 39 films); knuckles lie half as far apart as real ones (a palm of 32 mm,
# on filmed characters with known knuckles as on people seen by four cameras); and the foot index is the big toe.
_ON_BODY = {
    "nose": ("head", (0.0, 0.033, 0.056)),
    "left_eye": ("head", (0.014, 0.052, 0.044)),
    "left_ear": ("head", (0.029, 0.043, 0.020)),
    "mouth_left": ("head", (0.010, 0.015, 0.047)),
    "left_shoulder": ("left_shoulder", (0.089, 0.005, 0.0)),
    "left_elbow": ("left_forearm", (0.0, 0.0, 0.0)),
    "left_wrist": ("left_hand", (0.0, 0.0, 0.0)),
    "left_pinky": ("left_hand", (0.042, -0.002, -0.009)),
    "left_index": ("left_hand", (0.048, -0.003, 0.010)),
    "left_thumb": ("left_hand", (0.033, -0.006, 0.013)),
    "left_hip": ("hips", (0.055, 0.0, 0.0)),
    "left_knee": ("left_shin", (0.0, 0.0, 0.0)),
    "left_ankle": ("left_foot", (0.0, 0.0, 0.0)),
    "left_heel": ("left_foot", (0.0, -0.034, -0.022)),
    "left_foot_index": ("left_foot", (-0.010, -0.032, 0.098)),
}
# Which segment's scale a landmark's place follows.
_SEGMENT = {"head": "head", "hand": "hands", "foot": "feet", "hips": "pelvis", "shoulder": "shoulders"}
# How closely the detector follows each kind of landmark in the picture, metres at the person's distance.
_SPREAD = {
    **dict.fromkeys(("knee", "ankle", "wrist", "elbow"), 0.020),
    **dict.fromkeys(("shoulder", "hip"), 0.025),
    **dict.fromkeys(("heel", "foot_index"), 0.025),
    **dict.fromkeys(("pinky", "index", "thumb"), 0.035),
    **dict.fromkeys(("nose", "eye", "ear", "mouth"), 0.020),
}
AVERAGE_HEIGHT = 1.7
"""Metres, of the people whose size the detector's metric landmarks have, and for whom errors in metres are meant."""
_HIDDEN_TRUST = 0.2  # part of a seen landmark's weight that a hidden one keeps in the picture


def _names():
    right = [LANDMARKS[MIRRORED[LANDMARKS.index(name)]] for name in _ON_BODY]
    return tuple(name for name in LANDMARKS if name in _ON_BODY or name in right)


USED = _names()
"""The landmarks that the solver uses, in the detector's order."""


def _kind(name):
    return name.removeprefix("left_").removeprefix("right_").removesuffix("_left").removesuffix("_right")


def _bones():
    def middle(name):
        return {f"left_{name}": 0.5, f"right_{name}": 0.5}

    ends = {
        "trunk": (middle("hip"), middle("shoulder")),
        "hips": ({"right_hip": 1.0}, {"left_hip": 1.0}),
        "shoulders": ({"right_shoulder": 1.0}, {"left_shoulder": 1.0}),
        "neck": (middle("shoulder"), middle("ear")),
        "face": (middle("ear"), {"nose": 1.0}),
        "ears": ({"right_ear": 1.0}, {"left_ear": 1.0}),
    }
    for side in ("left", "right"):
        for bone, start, end in (
            ("upper arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("hand", "wrist", "index"),
            ("palm", "pinky", "index"),
            ("thigh", "hip", "knee"),
            ("shin", "knee", "ankle"),
            ("instep", "ankle", "foot_index"),
            ("knuckles", "pinky", "index"),
            ("metacarpal", "wrist", "index"),
        ):
            ends[f"{side} {bone}"] = ({f"{side}_{start}": 1.0}, {f"{side}_{end}": 1.0})
    combinations = np.zeros((len(ends), len(USED)))
    for row, (start, end) in enumerate(ends.values()):
        for sign, parts in ((-1, start), (1, end)):
            for name, part in parts.items():
                combinations[row, USED.index(name)] += sign * part
    return tuple(ends), combinations


BONE_NAMES, BONES = _bones()
"""Names of the B bone vectors, and (B, L) each as a combination of landmarks: where it ends less where it starts."""


# A metric foot is mostly a guess from the shin: its heel always lies straight below the ankle, which leaves heel to toe
# out altogether, and its toes are off by three times what this length allows a long limb. Knuckles and metacarpals are
# seen by the model of a hand: they are short, and right within 15 degrees or so.
_BONE_ERROR = {"instep": 2.5, "knuckles": 0.1, "metacarpal": 0.2}
BONE_ERROR = np.array([_BONE_ERROR.get(name.split()[-1], 1.0) for name in BONE_NAMES])
"""(B,) expected error of each bone vector over that of a long limb's."""


# The detector's metric legs are straighter and further apart than real ones: so far, as part of their lengths, a bone's
# lower end lies further in and ahead in the axes of hips and trunk (on twelve films of our character, eleven of another
# and on a person seen by four cameras alike).
_LEG_BIAS = {"thigh": (-0.03, 0.06), "shin": (-0.04, -0.06)}


# Bones that are seen by the model of a hand: the points where they start and end, and whose place they take.
_HAND_BONES = {"knuckles": (17, 5, "palm"), "metacarpal": (0, 5, "hand")}
_HAND_DEPTH = 1.2  # its depth is too small; on filmed characters anything from 1.0 to 1.4 is as good
# Of filmed hands one in three is wrong by 60 degrees and more below the first score, one in thirty above the second.
_HAND_SCORE = (0.6, 0.9)


def bone_vector(bones: np.ndarray, name: str) -> np.ndarray:
    """(..., 3) the one of this name among bone vectors (..., B, 3)."""
    return bones[..., BONE_NAMES.index(name), :]


@dataclass(frozen=True)
class FurtherView:
    """What another calibrated camera saw at the same moments.

    Attributes:
        rays: (F, L, 2) x/z and y/z of the landmarks `USED` in its axes; 0 where unknown.
        weight, visibility: as the `pixel_weight` and `visibility` of Evidence.
        rotation: (3, 3) from the first camera's axes to its own.
        position: (3,) of it in the first camera's axes, metres.
    """

    rays: np.ndarray
    weight: np.ndarray
    visibility: np.ndarray
    rotation: np.ndarray
    position: np.ndarray

    def frames(self, chosen) -> "FurtherView":
        """Some of the frames; `chosen` is a slice or an index array."""
        return replace(self, rays=self.rays[chosen], weight=self.weight[chosen], visibility=self.visibility[chosen])


@dataclass(frozen=True)
class Evidence:
    """What was seen of a person in F frames.

    Attributes:
        pixels: (F, L, 2) of the landmarks `USED`; 0 where unknown.
        pixel_weight: (F, L) inverse of the expected error in metres at the person's distance; 0 where unknown.
        bones: (F, B, 3) metres, in the axes of the camera (x right, y down, z away); 0 where unknown.
        bone_weight: (F, B) how much they count, 1 for the detector's; 0 where unknown.
        visibility: (F, L) 0..1.
        fps: frames per second.
        size: (width, height) of the picture.
        breaks: (F,) bool, frames that begin another take.
        exchanged: frames in which left and right were exchanged.
        lifted: whether bones are the lifter's, in the axes of the camera, and not the detector's, in those of one that
            looks straight at the person.
        others: what further cameras saw.
    """

    pixels: np.ndarray
    pixel_weight: np.ndarray
    bones: np.ndarray
    bone_weight: np.ndarray
    visibility: np.ndarray
    breaks: np.ndarray
    fps: Fraction
    size: tuple[int, int]
    exchanged: tuple[int, ...] = ()
    lifted: bool = False
    others: tuple[FurtherView, ...] = ()

    def __len__(self):
        return len(self.pixels)

    def takes(self) -> list[slice]:
        """The frames between breaks, in order."""
        return takes_between(self.breaks)

    def seen(self) -> np.ndarray:
        """(F,) how much was seen in each frame, 0 for nothing."""
        return self.pixel_weight.sum(axis=1) + sum(view.weight.sum(axis=1) for view in self.others)

    def visible(self) -> np.ndarray:
        """(F, L) 0..1, visibility in the camera that sees each landmark best."""
        return np.max([self.visibility, *(view.visibility for view in self.others)], axis=0)

    def frames(self, chosen) -> "Evidence":
        """Some of the frames, without what was `exchanged`; `chosen` is a slice or an index array."""
        return Evidence(
            self.pixels[chosen],
            self.pixel_weight[chosen],
            self.bones[chosen],
            self.bone_weight[chosen],
            self.visibility[chosen],
            self.breaks[chosen],
            self.fps,
            self.size,
            lifted=self.lifted,
            others=tuple(view.frames(chosen) for view in self.others),
        )


def points_on_body(height: float) -> Points:
    """The landmarks `USED` on a standard body of this height in metres."""
    joints, places = [], []
    for name in USED:
        own = name in _ON_BODY
        joint, place = _ON_BODY[name if own else LANDMARKS[MIRRORED[LANDMARKS.index(name)]]]
        joints.append(JOINTS.index(joint if own else joint.replace("left", "right")))
        places.append(np.array(place) * (1 if own else (-1, 1, 1)))
    return Points(np.array(joints), np.array(places) * height)


def segment_of_points() -> np.ndarray:
    """(L, S): which segment's scale moves each landmark in its joint's frame, 1 or 0."""
    basis = np.zeros((len(USED), len(SEGMENTS)))
    names = list(SEGMENTS)
    for row, joint in enumerate(points_on_body(1.0).joints):
        segment = _SEGMENT.get(JOINTS[joint].removeprefix("left_").removeprefix("right_"))
        if segment:
            basis[row, names.index(segment)] = 1
    return basis


# Directions in which landmarks may sit elsewhere than on a standard body, the same on both sides.
ADJUSTMENTS = (("hip", (0, 1, 0)), ("hip", (0, 0, 1)), ("shoulder", (0, 1, 0)))


def adjustable_points() -> np.ndarray:
    """(L, 3, A): how each landmark moves in its joint's frame with each of the ADJUSTMENTS."""
    basis = np.zeros((len(USED), 3, len(ADJUSTMENTS)))
    for a, (kind, direction) in enumerate(ADJUSTMENTS):
        for row, name in enumerate(USED):
            if _kind(name) == kind:
                basis[row, :, a] = direction
    return basis


def gather(detections: Detections, swapped: np.ndarray | None = None) -> Evidence:
    """Evidence from detections, left and right exchanged where that is what continuity asks for.

    Args:
        detections: F frames.
        swapped: (F,) bool, frames in which somebody saw that what comes out still has its sides wrong: there they are
            exchanged once more, hands too.
    """
    keep = [detections.landmarks.index(name) for name in USED]
    pixels = np.array(detections.keypoints[:, keep], dtype=np.float64)
    world = np.array(detections.world[:, keep], dtype=np.float64)
    visibility = np.where(detections.found[:, None], detections.visibility[:, keep], 0.0).astype(np.float64)
    known = np.isfinite(pixels).all(-1) & np.isfinite(world).all(-1)
    visibility = np.where(known, np.clip(np.nan_to_num(visibility), 0, 1), 0.0)
    pixels, world = np.where(known[..., None], pixels, 0.0), np.where(known[..., None], world, 0.0)

    breaks, some = cuts(pixels, visibility, detections.fps, USED), visibility.max(axis=1) > 0
    order = mended = mend_sides(pixels, world[..., 2], some, breaks, detections.fps, USED)
    if swapped is not None:
        other = [USED.index(LANDMARKS[MIRRORED[LANDMARKS.index(name)]]) for name in USED]
        order = np.where(swapped[:, None], mended[:, other], mended)
    visibility, known = (np.take_along_axis(values, order, axis=1) for values in (visibility, known))
    pixels, world = (np.take_along_axis(values, order[..., None], axis=1) for values in (pixels, world))

    seen = detections.found[:, None] & known
    # On filmed characters hidden arms are two to four times further off than seen ones in the picture; their metric
    # bones are as good as others.
    trust = np.where(seen, _HIDDEN_TRUST + (1 - _HIDDEN_TRUST) * visibility, 0.0)
    spread = np.array([_SPREAD[_kind(name)] for name in USED])
    bone_seen = np.stack([seen[:, row != 0].all(axis=1) for row in BONES], axis=1)
    lifted = bool(detections.lifter)
    bones = np.where(bone_seen[..., None], BONES @ world if lifted else _with_bent_legs(BONES @ world), 0.0)
    bone_weight = bone_seen.astype(float)
    wrists = [USED.index("left_wrist"), USED.index("right_wrist")]
    _add_hands(bones, bone_weight, _hands(detections.hands, swapped), mended[:, wrists] != wrists)
    return Evidence(
        pixels=pixels,
        pixel_weight=trust / spread,
        bones=bones,
        bone_weight=bone_weight,
        visibility=np.where(seen, visibility, 0.0),
        breaks=breaks,
        fps=detections.fps,
        size=tuple(detections.image_size),
        exchanged=tuple(int(f) for f in np.flatnonzero((mended != np.arange(len(USED))).any(axis=1))),
        lifted=lifted,
    )


def _with_bent_legs(bones):
    """Bones (F, B, 3) less the detector's bias of legs, as long as before."""
    across, up = normalize(bone_vector(bones, "hips")), bone_vector(bones, "trunk")
    ahead = normalize(cross(across, up))
    bones = bones.copy()
    for side, s in (("left", 1.0), ("right", -1.0)):
        for bone, (aside, forward) in _LEG_BIAS.items():
            row = BONE_NAMES.index(f"{side} {bone}")
            length = np.linalg.norm(bones[:, row], axis=-1, keepdims=True)
            bones[:, row] = length * normalize(bones[:, row] + length * (s * aside * across + forward * ahead))
    return bones


def _hands(hands, swapped):
    """The hands, left for right in the swapped frames."""
    if not hands or swapped is None:
        return hands
    points, score = (np.where(swapped.reshape(-1, *(1,) * (part.ndim - 1)), part[:, ::-1], part) for part in hands)
    return Hands(points, score)


def _add_hands(bones, weight, hands, exchanged):
    """Fill in, in place, vectors (F, B, 3) and weights (F, B) of the bones that the model of a hand sees.

    Args:
        exchanged: (F, 2) bool, hands that were taken for each other.
    """
    for name, (start, end, replaced) in _HAND_BONES.items():
        rows, others = ([BONE_NAMES.index(f"{side} {bone}") for side in ("left", "right")] for bone in (name, replaced))
        weight[:, rows] = 0
        if hands:
            low, high = _HAND_SCORE
            sure = np.where(exchanged, 0.0, np.clip((hands.score - low) / (high - low), 0, 1))
            along = np.nan_to_num(hands.points[:, :, end] - hands.points[:, :, start]) * (1, 1, _HAND_DEPTH)
            length = np.linalg.norm(BONES[rows] @ points_on_body(AVERAGE_HEIGHT).locals, axis=-1, keepdims=True)
            bones[:, rows] = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9) * length
            weight[:, rows] = sure
            weight[:, others] *= 1 - sure
