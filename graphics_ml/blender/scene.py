# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender scene: an empty one, its exact frame rate, its axes, and quiet operators."""

import contextlib
import ctypes
import io
import logging
import os
import sys
import threading
from collections.abc import Generator
from fractions import Fraction

import bpy
import numpy as np

from graphics_ml.motion.rotations import multiply

# Blender is Z up and its characters face -Y; ours are Y up and face +Z: (x, y, z) there is (x, z, -y) here. As a
# rotation that is a quarter turn about -X.
_TO_OURS = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0])
_TO_BLENDER = np.array([np.sqrt(0.5), np.sqrt(0.5), 0, 0])


def empty_scene() -> bpy.types.Scene:
    """Start over with factory settings and a scene that holds nothing.

    Add-ons that were enabled by hand stay enabled; all data and handlers are gone.
    """
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.unit_settings.scale_length = 1.0
    return bpy.context.scene


def set_frame_rate(scene: bpy.types.Scene, fps: Fraction) -> None:
    """Give the scene an exact frame rate, by Blender's convention: 24000/1001 is 24 with a base of 1.001."""
    fps = Fraction(fps)
    scene.render.fps = min(max(1, round(fps)), 32767)
    scene.render.fps_base = float(scene.render.fps / fps)


def frame_rate(scene: bpy.types.Scene) -> Fraction:
    """The scene's frame rate as the simplest fraction that its 32-bit base stands for.

    What is within one part in 100,000 of an NTSC rate is that rate: FBX writes 24000/1001 as 23.976.
    """
    base = scene.render.fps_base
    nearest = Fraction(base).limit_denominator(1_000)
    if abs(float(nearest) - base) > 1e-7 * base:
        nearest = Fraction(base).limit_denominator(1_000_000)
    rate = scene.render.fps / nearest
    ntsc = Fraction(1000 * round(rate * Fraction(1001, 1000)), 1001)
    return ntsc if ntsc and abs(rate / ntsc - 1) < Fraction(1, 100_000) else rate


def unit_length() -> float:
    """Metres that one of Blender's units stands for in the current scene."""
    settings = bpy.context.scene.unit_settings
    return 1.0 if settings.system == "NONE" else settings.scale_length


def world_matrix(obj: bpy.types.Object) -> np.ndarray:
    """Where an object is now, (4, 4) in Blender's axes and units; Blender itself keeps no count of hidden ones."""
    if obj.visible_get():
        return np.array(obj.matrix_world)
    with evaluation_scene(obj) as scene:
        now = bpy.context.scene
        scene.frame_set(now.frame_current, subframe=now.frame_subframe)
        return np.array(obj.evaluated_get(scene.view_layers[0].depsgraph).matrix_world)


@contextlib.contextmanager
def evaluation_scene(obj: bpy.types.Object):
    """A scene for the block in which an object can be evaluated at any frame.

    Only what the object depends on is in it: meshes are spared, and the animator's scene stays at its frame. A hidden
    object is shown in it, and what add-ons do at each change of frame, which is meant for the animator's scene, is left
    undone.
    """
    scene, current = bpy.data.scenes.new("evaluation"), bpy.context.scene
    handlers = (bpy.app.handlers.frame_change_pre, bpy.app.handlers.frame_change_post)
    kept, hidden = [list(functions) for functions in handlers], obj.hide_viewport
    try:
        scene.collection.objects.link(obj)
        scene.render.fps, scene.render.fps_base = current.render.fps, current.render.fps_base
        if hidden:
            obj.hide_viewport = False
        for functions in handlers:
            functions.clear()
        yield scene
    finally:
        for functions, those in zip(handlers, kept, strict=True):
            functions[:] = those
        if hidden:
            obj.hide_viewport = True
        bpy.data.scenes.remove(scene)


def ours_from_blender(points: np.ndarray) -> np.ndarray:
    """World points or directions (..., 3) of Blender in our axes."""
    return np.stack((points[..., 0], points[..., 2], -points[..., 1]), axis=-1)


def blender_from_ours(points: np.ndarray) -> np.ndarray:
    """Our world points or directions (..., 3) in Blender's axes."""
    return np.stack((points[..., 0], -points[..., 2], points[..., 1]), axis=-1)


def ours_from_blender_rotation(q: np.ndarray) -> np.ndarray:
    """World rotations (..., 4) of frames in Blender's axes as rotations of the same frames in ours."""
    return multiply(_TO_OURS, q)


def blender_from_ours_rotation(q: np.ndarray) -> np.ndarray:
    """World rotations (..., 4) of frames in our axes as rotations of the same frames in Blender's."""
    return multiply(_TO_BLENDER, q)


@contextlib.contextmanager
def gltf_clock(scene: bpy.types.Scene):
    """Within the block the scene's times are right for Blender's glTF importer and exporter, which take the frames per
    second for fps times fps_base where the rest of Blender divides."""
    base = scene.render.fps_base
    scene.render.fps_base = 1 / base
    try:
        yield
    finally:
        scene.render.fps_base = base


def to_its_end(steps: Generator):
    """Run what lets a window answer in between to its end, without a window; gives its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def first_line(error: BaseException) -> str:
    """What an operator's or importer's error says, without its traceback, for use within a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")]
    if not lines:
        return type(error).__name__
    line = lines[-1] if "Traceback" in str(error) else lines[0]
    return line.removeprefix("Error: ").rstrip(".")


@contextlib.contextmanager
def quiet():
    """Keep what Blender, its add-ons and its drivers print off the terminal, which belongs to the command.

    All that this thread, C code or a log writes is dropped; what other threads write to standard error, such as a
    progress bar, still comes out.

    Raises:
        KeyboardInterrupt: also where Blender made another error of it.
    """
    logged = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), _others_errors_kept(), _dropped(1), _dropped(2):
            yield
    except RuntimeError as error:
        if "KeyboardInterrupt" in str(error):
            raise KeyboardInterrupt from error
        raise
    finally:
        logging.disable(logged)


class _OtherThreads(io.TextIOBase):
    """A stream that drops what the thread which made it writes, and passes on what others do."""

    def __init__(self, stream):
        self.stream, self.owner = stream, threading.get_ident()

    def write(self, text):
        return len(text) if threading.get_ident() == self.owner else self.stream.write(text)

    def flush(self):
        self.stream.flush()

    def isatty(self):
        return self.stream.isatty()

    def fileno(self):
        return self.stream.fileno()


_terminal = None  # where file descriptor 2 led; never closed, because another thread may just be writing to it


@contextlib.contextmanager
def _others_errors_kept():
    global _terminal
    try:
        apart = sys.stderr.fileno() != 2
    except (AttributeError, OSError, ValueError):
        apart = True
    if apart:
        stream = sys.stderr
    else:
        sys.stderr.flush()
        if _terminal is None:
            _terminal = open(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
        else:
            os.dup2(2, _terminal.fileno())
        stream = _terminal
    others = stream and _OtherThreads(stream)
    try:
        with contextlib.redirect_stderr(others):
            yield
    finally:
        if others:  # a log handler that was made meanwhile goes on writing to it
            others.owner = None


@contextlib.contextmanager
def _dropped(descriptor):
    """What C code writes to standard output (1) or standard error (2) goes nowhere."""
    try:
        kept = os.dup(descriptor)
    except OSError:
        # Blender's own window on Windows has neither.
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if descriptor == 1 and sys.__stdout__ is not None:
        sys.__stdout__.flush()
    os.dup2(nowhere, descriptor)
    try:
        yield
    finally:
        # C's own buffer must be emptied before the descriptor is given back, or its lines come out later.
        ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)
