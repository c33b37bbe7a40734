# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender scene: an empty one, its exact frame rate, its axes, and quiet operators."""

import contextlib
import ctypes
import io
import logging
import os
import sys
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

    All that goes to standard output or to a log is dropped, and what C code writes to standard error; what else Python
    writes there (warnings, tracebacks, a progress bar in another thread) still comes out.
    """
    logged = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), _python_errors_kept(), _dropped(1), _dropped(2):
            yield
    finally:
        logging.disable(logged)


@contextlib.contextmanager
def _python_errors_kept():
    """Python's standard error keeps writing where file descriptor 2 leads now, wherever that will lead meanwhile."""
    global _errors
    try:
        apart = sys.stderr is None or sys.stderr.fileno() != 2
    except (OSError, ValueError):
        apart = True
    if apart:
        yield
        return
    sys.stderr.flush()
    if _errors is None:
        _errors = open(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)  # noqa: SIM115
    else:
        os.dup2(2, _errors.fileno())
    with contextlib.redirect_stderr(_errors):
        yield
    _errors.flush()


_errors = None  # never closed: another thread may just be writing to it


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
