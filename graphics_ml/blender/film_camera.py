# SPDX-License-Identifier: GPL-3.0-or-later
"""A film behind the character: a camera in the open scene that sees as the film's did, with the film as its background,
in step with the motion that was captured from it.

Blender shows one picture of a film for each frame of the scene, whatever the rates of both. Where these differ, or a
picture is shown for longer, the number of the picture is keyed.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender.actions import write_object_keys
from graphics_ml.blender.animation_data import assign, curves_of
from graphics_ml.blender.scene import blender_from_ours, frame_rate, unit_length
from graphics_ml.blender.stage import SENSOR
from graphics_ml.motion.camera import Camera, from_plain
from graphics_ml.motion.resample import sampled_vectors
from graphics_ml.motion.rotations import (
    conjugate,
    multiply,
    normalize,
    quaternion_from_matrix,
    rotate,
)

FILM = "graphics_ml_film"
"""Custom property of a camera that was made for a film: the film's path."""


@dataclass(frozen=True)
class FilmedView:
    """How a film was seen while it was captured.

    Args:
        film: the file.
        fps: pictures a second.
        start: seconds into the film of the motion's first frame.
        frames: of the motion, at `fps`.
        camera: of the first frame, in the captured motion's world.
        turns: (F, 4) of each frame's camera axes, wxyz; None of a camera that stood still.
    """

    film: Path
    fps: Fraction
    start: float
    frames: int
    camera: Camera
    turns: np.ndarray | None = None

    @classmethod
    def of(cls, motion, film: Path) -> "FilmedView | None":
        """The view of a captured motion, by its provenance; None where that tells of no camera."""
        seen, source = (motion.provenance.get(name) for name in ("camera", "source"))
        try:
            camera = from_plain(seen)
            turns = normalize(np.array(seen["turns"], dtype=np.float64)) if "turns" in seen else None
            start = float(source["start"])
        except (KeyError, TypeError, ValueError):
            return None
        if turns is not None and turns.shape != (len(motion), 4):
            return None
        return cls(film, motion.fps, start, len(motion), camera, turns)

    def carried(self, turn: np.ndarray, shift: np.ndarray) -> "FilmedView":
        """The view with its world turned (4,) and then shifted (3,), metres."""
        seen = self.camera
        camera = replace(seen, rotation=rotate(turn, seen.rotation), position=rotate(turn, seen.position) + shift)
        turns = None if self.turns is None else multiply(self.turns, conjugate(turn))
        return replace(self, camera=camera, turns=turns)

    def picture(self, frames: np.ndarray, first: int, rate: Fraction) -> np.ndarray:
        """The film's pictures, numbered from 0, that scene frames show where the motion begins at `first`."""
        seconds = self.start + (np.asarray(frames) - first) / float(rate)
        return np.floor(seconds * float(self.fps) + 0.5 + 1e-6).astype(int)


def show_film(
    view: FilmedView, first: int, scale: float = 1.0, thing: bpy.types.Object | None = None
) -> bpy.types.Object:
    """Put the film behind the character in the current scene.

    Args:
        view: of the film.
        first: scene frame of the motion's first; the scene has the rate that it is shown at.
        scale: of the character's path over the captured one's. The camera's place is scaled with it, which gives the
            same picture.
        thing: a camera to use; that which shows the same film already, or a new one, when None.

    Returns:
        the camera. It is the scene's camera where that had none.

    Raises:
        RuntimeError: Blender cannot read the film.
    """
    scene = bpy.context.scene
    picture = bpy.data.images.load(str(view.film), check_existing=True)
    thing = thing or _camera_of(scene, view.film)
    rate = frame_rate(scene)
    count = int((view.frames - 1) * rate / view.fps) + 1
    _let_go(thing)
    _place(thing, view, scale)
    if view.turns is not None:
        _turn(thing, view, first, rate)
    _set_lens(scene, thing.data, view.camera)
    _set_background(thing.data, picture, view, first, count, rate)
    if scene.camera is None:
        scene.camera = thing
    return thing


def _camera_of(scene, film):
    """The camera that shows the film, or a new one."""
    for thing in scene.objects:
        if thing.type == "CAMERA" and thing.get(FILM) == str(film) and thing.library is None:
            return thing
    thing = bpy.data.objects.new(f"Film {film.stem}", bpy.data.cameras.new(f"Film {film.stem}"))
    thing[FILM] = str(film)
    scene.collection.objects.link(thing)
    return thing


def _let_go(thing):
    """Take from a camera what else would move it or its lens. Nothing of an animator's camera is lost: its action is
    kept, all else is muted."""
    for constraint in thing.constraints:
        constraint.mute = True
    for one in (thing, thing.data):
        animation = one.animation_data
        if animation is None:
            continue
        if animation.action is not None and FILM not in thing:
            animation.action.use_fake_user = True
        animation.action = None
        for moving in (*animation.nla_tracks, *animation.drivers):
            moving.mute = True


def _place(thing, view, scale):
    right, down, ahead = blender_from_ours(view.camera.rotation)
    place = np.eye(4)
    position = blender_from_ours(scale * view.camera.position) / unit_length()
    place[:3] = np.stack([right, -down, -ahead, position], axis=1)
    thing.parent = None
    thing.matrix_world = place.T.tolist()
    bpy.context.view_layer.update()


def _turn(thing, view, first, rate):
    """Key a camera that turns where it stands."""
    turns = normalize(sampled_vectors(view.turns, view.fps, rate)) if rate != view.fps else view.turns
    # Of the camera's own axes: those of the first frame are what it stands in.
    world = multiply(conjugate(turns), quaternion_from_matrix(view.camera.rotation))
    position = np.array(thing.matrix_world.translation)
    position = np.array([position[0], position[2], -position[1]]) * unit_length()
    thing.rotation_mode = "QUATERNION"
    action = bpy.data.actions.new(thing.name)
    write_object_keys(thing, action, position - rotate(world, position), world, first)
    assign(thing, action)  # with the slot that it has by now


def _set_lens(scene, lens, camera):
    """Focal length and centre so that the whole film just fits into the scene's picture, whatever its format."""
    render = scene.render
    format_of_scene = render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)
    wider = camera.width / camera.height >= format_of_scene
    side = camera.width if wider else camera.height
    lens.type = "PERSP"
    lens.sensor_fit = "HORIZONTAL" if wider else "VERTICAL"
    lens.sensor_width = lens.sensor_height = SENSOR
    lens.lens = camera.focal * SENSOR / side
    lens.shift_x = (camera.width / 2 - camera.centre[0]) / side
    lens.shift_y = (camera.centre[1] - camera.height / 2) / side
    far = 4 * np.linalg.norm(camera.position) / unit_length()
    lens.clip_end = max(lens.clip_end, far)


def _set_background(lens, picture, view, first, count, rate):
    found = [one for one in lens.background_images if one.image == picture]
    background = found[0] if found else lens.background_images.new()
    lens.show_background_images = True
    background.source, background.image = "IMAGE", picture
    background.frame_method, background.display_depth, background.alpha = "FIT", "BACK", 1.0
    user = background.image_user
    user.frame_start, user.frame_duration, user.use_cyclic, user.use_auto_refresh = first, count, False, True
    frames = first + np.arange(count)
    # Blender shows the picture (frame - frame_start) + offset, numbered from 0.
    offsets = view.picture(frames, first, rate) - np.arange(count)
    user.frame_offset = int(offsets[0])
    changes = np.flatnonzero(np.diff(offsets)) + 1
    if len(changes):
        path = f"background_images[{list(lens.background_images).index(background)}].image_user.frame_offset"
        for row in (0, *changes):
            user.frame_offset = int(offsets[row])
            lens.keyframe_insert(path, frame=int(frames[row]))
        for curve in curves_of(lens.animation_data.action):
            for key in curve.keyframe_points:
                key.interpolation = "CONSTANT"
