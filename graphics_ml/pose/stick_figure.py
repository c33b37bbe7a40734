"""Stick figures on a floor, drawn without Blender: bones as lines with depth, the floor's grid ray by ray.

The farther bone is drawn first (the painter's algorithm); a bone is as thick as perspective makes it. The floor is
found by meeting each pixel's ray with it, and its lines are as soft as a pixel is wide there, so that they neither
crawl nor flicker when the camera follows a walk.
"""

import numpy as np

from graphics_ml.motion.body_shape import descends
from graphics_ml.motion.camera import Camera
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.pose.overlay import draw_line

_SKY, _HORIZON, _GROUND, _LINES = (np.array(c, dtype=np.float64) for c in (
    (196, 208, 222), (226, 231, 237), (218, 221, 226), (150, 158, 170)
))  # fmt: skip
_SHADOW, _OUTLINE = (120, 126, 136), (28, 30, 36)
_BONE = 0.013  # of the body's height: half the thickness of a bone


class Floor:
    """A floor with lines every `step` metres under a sky, seen by a camera that may travel without turning.

    Args:
        camera: from where it is seen at first.
        floor: its height, metres.
        step: metres from line to line.
    """

    def __init__(self, camera: Camera, floor: float = 0.0, step: float = 0.5):
        self.step = step
        x = (np.arange(camera.width) + 0.5 - camera.centre[0]) / camera.focal
        y = ((np.arange(camera.height) + 0.5 - camera.centre[1]) / camera.focal)[:, None]
        right, down, ahead = camera.rotation
        ray = [x * right[axis] + y * down[axis] + ahead[axis] for axis in range(3)]
        above = camera.position[1] - floor
        falls = -ray[1] * np.sign(above)
        rise = np.clip(-falls, 0, 0.6)[..., None] / 0.6
        self.picture = np.round(_HORIZON + (_SKY - _HORIZON) * rise).astype(np.uint8)
        self.seen = falls > 1e-6
        depth = abs(above) / falls[self.seen]
        share = np.exp(-depth / (60 * step))[:, None]
        self.ground = _HORIZON + (_GROUND - _HORIZON) * share
        self.strength = np.exp(-depth / (24 * step))
        self.places = [depth * ray[axis][self.seen] for axis in (0, 2)]  # from below the camera
        # How much of the floor one pixel covers, for soft edges: its depth across, and what the slant adds along.
        across = depth / camera.focal
        slant = [np.abs(right[axis]) + np.abs(ray[axis][self.seen] / falls[self.seen]) for axis in (0, 2)]
        self.pixels = [across * one + 1e-9 for one in slant]

    def seen_from(self, position) -> np.ndarray:
        """The picture, uint8 (H, W, 3), of the camera at `position` (3,), as high as it was at first."""
        lines = np.zeros(len(self.strength))
        for axis, away, pixel in zip((0, 2), self.places, self.pixels, strict=True):
            place = away + position[axis]
            for every, half in ((self.step, 0.012), (2 * self.step, 0.024)):
                off = np.abs(place - every * np.round(place / every))
                cover = np.clip(0.5 + (half * self.step - off) / pixel, 0, 1)
                # A line thinner than a pixel fades.
                np.maximum(lines, cover * np.clip(1.5 - 4 * pixel / every, 0, 1), out=lines)
        picture = self.picture.copy()
        ink = (lines * self.strength)[:, None]
        picture[self.seen] = np.round(self.ground + (_LINES - self.ground) * ink).astype(np.uint8)
        return picture


def draw_shadow(picture: np.ndarray, camera: Camera, bones: np.ndarray, height: float, floor: float = 0.0) -> None:
    """Draw what bones (B, 2, 3), metres, cast on the floor from straight above; arguments as draw_figure."""
    flat = np.array(bones)
    flat[..., 1] = floor
    dark = np.zeros_like(picture)
    for start, end, thickness in _lines(camera, flat, 1.5 * height):
        draw_line(dark, start, end, (100, 100, 100), thickness)
    rows = dark[..., 0].any(axis=1)
    share = dark[rows] / 255
    picture[rows] = np.round(picture[rows] * (1 - share) + np.array(_SHADOW) * share).astype(np.uint8)


def draw_figure(picture: np.ndarray, camera: Camera, bones: np.ndarray, colours, height: float) -> None:
    """Draw bones onto a picture, uint8 (H, W, 3), writable.

    Args:
        bones: (B, 2, 3) world positions of the bones' ends, metres; what is not in front of the camera is left out.
        colours: B colours of three values 0..255.
        height: of the body, metres, which says how thick bones are.
    """
    far_first = np.argsort(-camera.to_camera(bones.mean(axis=1))[:, 2])
    lines = list(_lines(camera, bones, height))
    for bone in far_first:
        start, end, thickness = lines[bone]
        draw_line(picture, start, end, _OUTLINE, thickness + 2)
        draw_line(picture, start, end, colours[bone], thickness)


def bone_joints(skeleton: Skeleton, top: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What lines a stick figure has: (B, 2) joints from parent to child, and (E,) indices of end sites to add.

    A root that only carries the body, as the one of Bandai-Namco's files does, gives no line: it lies on the floor.

    Args:
        top: joint on which the figure hangs, such as the hips; others, such as the controls of a rig, are left out.
    """
    inside = [descends(skeleton, joint, top) for joint in range(len(skeleton))]
    carries = top == 0 and len(skeleton.children[0]) == 1
    pairs = [
        (parent, joint)
        for joint, parent in enumerate(skeleton.parents)
        if parent >= 0 and inside[parent] and not (carries and parent == 0)
    ]
    ends = [i for i, end in enumerate(skeleton.end_sites) if inside[end.joint] and np.linalg.norm(end.offset) > 1e-6]
    return np.array(pairs, dtype=int).reshape(-1, 2), np.array(ends, dtype=int)


def _lines(camera, bones, height):
    """Pixels of both ends, and thickness in pixels, of each bone (B, 2, 3)."""
    ends = camera.project(bones)
    depth = np.maximum(camera.to_camera(bones)[..., 2].mean(axis=-1), 1e-6)
    for (start, end), away in zip(ends, depth, strict=True):
        yield start, end, max(1.0, 2 * _BONE * height * camera.focal / away)
