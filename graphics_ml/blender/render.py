# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a stage as arrays: by Cycles on the CPU for films, by Workbench for quick previews.

Cycles needs no graphics driver and gives the same pixels on every machine; few samples, a denoiser, and a background
that is rendered only once keep it at some tenths of a second for 480 x 480. Workbench is several times faster and needs
OpenGL, which Mesa provides in software; where there is none Cycles stands in.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender.scene import quiet
from graphics_ml.blender.stage import camera_in_scene, picture_of, place_camera, skins_in
from graphics_ml.motion.camera import Camera


def render_frames(
    scene: bpy.types.Scene, frames: Iterable[int], armature: bpy.types.Object, samples: int = 8
) -> Iterator[np.ndarray]:
    """Render a character that moves in front of a camera and things that stand still.

    The still picture is rendered once; of each frame only the part with the character and its shadow.

    Args:
        scene: a stage with a camera; its render settings and current frame change.
        frames: numbers on the scene's timeline.
        armature: of the character.
        samples: per pixel; what noise they leave is removed by Open Image Denoise.

    Yields:
        uint8 (H, W, 3), RGB.
    """
    use_cycles(scene)
    scene.view_layers[0].update()
    camera = camera_in_scene(scene)
    skins = skins_in(scene, armature)
    with tempfile.TemporaryDirectory(prefix="graphics-ml-", ignore_cleanup_errors=True) as folder:
        picture = Path(folder) / "frame.bmp"
        scene.render.filepath = str(picture)
        for skin in skins:
            skin.hide_render = True
        still = render_part(scene, picture, (0, 0, camera.width, camera.height), 4 * samples)
        for skin in skins:
            skin.hide_render = False
        for frame in frames:
            scene.frame_set(frame)
            part = left, top, right, bottom = picture_of(scene, armature, camera)
            pixels = still.copy()
            fresh = render_part(scene, picture, part, samples)
            share = _feather(part, still.shape)
            mixed = fresh * share + still[top:bottom, left:right] * (1 - share)
            pixels[top:bottom, left:right] = np.round(mixed).astype(np.uint8)
            yield pixels


def render_preview(
    scene: bpy.types.Scene, frames: Iterable[int], cameras: Iterable[Camera], samples: int = 4
) -> Iterator[np.ndarray]:
    """Render quickly, with a camera that may move.

    Args:
        scene: a stage; its render settings, camera and current frame change.
        frames: numbers on the scene's timeline.
        cameras: one for each frame, all of one picture size.
        samples: per pixel, where Workbench cannot run and Cycles stands in.

    Yields:
        uint8 (H, W, 3), RGB.
    """
    use_cycles(scene)
    use_workbench(scene)
    thing = None
    with tempfile.TemporaryDirectory(prefix="graphics-ml-", ignore_cleanup_errors=True) as folder:
        picture = Path(folder) / "frame.bmp"
        scene.render.filepath = str(picture)
        for frame, camera in zip(frames, cameras, strict=True):
            thing = place_camera(scene, camera, thing)
            scene.frame_set(frame)
            whole = 0, 0, camera.width, camera.height
            try:
                pixels = render_part(scene, picture, whole, samples)
            except RuntimeError:
                if scene.render.engine == "CYCLES":
                    raise
                scene.render.engine = "CYCLES"
                pixels = render_part(scene, picture, whole, samples)
            yield pixels


def read_bmp(path: Path) -> np.ndarray:
    """Pixels uint8 (H, W, 3), RGB, of an uncompressed 24-bit BMP, what Blender writes fastest.

    Raises:
        ValueError: the file is of another kind.
    """
    data = Path(path).read_bytes()
    start, (width, height) = int.from_bytes(data[10:14], "little"), np.frombuffer(data, "<i4", 2, 18)
    bits, compression = int.from_bytes(data[28:30], "little"), int.from_bytes(data[30:34], "little")
    if data[:2] != b"BM" or bits != 24 or compression != 0:
        raise ValueError(f"{path} is no uncompressed 24-bit BMP")
    stride = (3 * width + 3) // 4 * 4
    rows = np.frombuffer(data, np.uint8, stride * abs(height), start).reshape(abs(height), stride)
    pixels = rows[:, : 3 * width].reshape(abs(height), width, 3)[:, :, ::-1]
    return np.ascontiguousarray(pixels[::-1] if height > 0 else pixels)


def render_part(scene: bpy.types.Scene, path: Path, part: tuple[int, int, int, int], samples: int) -> np.ndarray:
    """Pixels uint8 (h, w, 3) of the part (left, top, right, bottom) of the scene's picture, at its current frame.

    Args:
        path: of the BMP file that the scene renders to.

    Raises:
        RuntimeError: the scene's engine cannot run here.
    """
    render = scene.render
    left, top, right, bottom = part
    render.use_border = render.use_crop_to_border = True
    # Blender cuts the product with the picture's size down to whole pixels, counted from below.
    render.border_min_x, render.border_max_x = ((x + 0.25) / render.resolution_x for x in (left, right))
    low, high = render.resolution_y - bottom, render.resolution_y - top
    render.border_min_y, render.border_max_y = ((y + 0.25) / render.resolution_y for y in (low, high))
    scene.cycles.samples = samples
    with quiet():
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return read_bmp(path)


def _feather(part, shape, hidden=2, width=8):
    """How much (h, w, 1) of a freshly rendered part is shown: its rim, where the denoiser sees less, fades out."""
    left, top, right, bottom = part
    ramps = []
    for low, high, size in ((top, bottom, shape[0]), (left, right, shape[1])):
        at = np.arange(low, high) + 0.5
        from_low = at - low if low > 0 else np.full(at.shape, np.inf)
        from_high = high - at if high < size else np.full(at.shape, np.inf)
        ramps.append(np.clip((np.minimum(from_low, from_high) - hidden) / width, 0, 1))
    return np.minimum(ramps[0][:, None], ramps[1])[..., None]


def use_cycles(scene: bpy.types.Scene) -> None:
    """Let the scene be rendered to BMP files by Cycles on the CPU, the same pixels each time."""
    with quiet():  # Cycles says at its first use that it found no CUDA
        _use_cycles(scene)


def _use_cycles(scene):
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.use_persistent_data = False
    render.use_compositing = render.use_sequencer = False
    render.film_transparent = False
    render.use_overwrite, render.use_file_extension = True, False
    render.image_settings.file_format, render.image_settings.color_mode = "BMP", "RGB"
    render.dither_intensity = 0
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    cycles.device = "CPU"
    cycles.seed, cycles.use_adaptive_sampling = 0, False
    cycles.max_bounces = 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.use_denoising = True
    # Colour alone: with albedo and normals the denoiser takes three times as long as the rendering.
    cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB"
    cycles.denoising_quality = "FAST"


def use_workbench(scene: bpy.types.Scene) -> None:
    """After `use_cycles`: by Workbench instead."""
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.render_aa = "FXAA"  # five samples would draw the shadows five times
    scene.display.light_direction = (0.35, 0.45, 0.82)  # of the shadows
    scene.display.shadow_focus = 0.2
    shading = scene.display.shading
    shading.light, shading.color_type, shading.studio_light = "STUDIO", "TEXTURE", "paint.sl"
    shading.background_type = "WORLD"
    shading.show_shadows, shading.shadow_intensity = True, 0.5
    shading.show_cavity, shading.cavity_type = True, "SCREEN"
    shading.curvature_ridge_factor, shading.curvature_valley_factor = 0.6, 0.8
    shading.show_object_outline = False
    shading.show_specular_highlight = True
