# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture of a scene as it stands, and what Cycles itself knows of every pixel: depth, normals, motion, object.

The passes go straight into a multilayer EXR file, without the compositor, and come back as arrays. They are made with
one sample through the middle of each pixel, as a ray caster would, so that no value mixes two surfaces.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender.render import render_part, use_cycles, use_workbench
from graphics_ml.blender.scene import ours_from_blender, quiet
from graphics_ml.wording import short_repr

_BEYOND = 1e9  # metres; Cycles writes 1e10 where there is nothing


@short_repr
@dataclass(frozen=True, eq=False)
class Passes:
    """What the camera sees, per pixel.

    Args:
        depth: (H, W) float32, metres along the camera's axis; inf where there is nothing.
        normals: (H, W, 3) float32, unit, world, our axes; NaN where there is nothing.
        flow: (H, W, 2) float32, pixels (x right, y down) to where the point is seen at the scene's next frame; NaN
            where there is nothing.
        indices: (H, W) uint16, each object's `pass_index`; 0 where there is nothing.
    """

    depth: np.ndarray
    normals: np.ndarray
    flow: np.ndarray
    indices: np.ndarray


def render(
    scene: bpy.types.Scene,
    seed: int = 0,
    samples: int = 16,
    denoise: bool = True,
    bounces: int = 1,
    engine: str = "cycles",
    aperture: float = 0.0,
    focus: float = 1.0,
    threads: int = 0,
) -> np.ndarray:
    """The scene's picture at its current frame.

    The pixels depend on the scene and on these values alone, not on what was rendered before nor on `threads`.

    Args:
        scene: with a camera; its render settings change, but for how its light becomes colour (its view transform).
        seed: of the samples.
        samples: per pixel.
        denoise: whether Open Image Denoise removes the noise that they leave.
        bounces: how often light is followed from surface to surface.
        engine: "cycles", or "workbench": quick, with its own light and plain materials; where it cannot run, Cycles.
        aperture: metres across of Cycles's lens; with 0 all is sharp.
        focus: metres ahead that are sharp.
        threads: of Cycles; 0 is one for each core.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    _set_up(scene, aperture, focus, threads)
    scene.cycles.seed, scene.cycles.use_denoising, scene.cycles.max_bounces = seed % 2**31, denoise, bounces
    whole = 0, 0, scene.render.resolution_x, scene.render.resolution_y
    with tempfile.TemporaryDirectory(prefix="graphics-ml-", ignore_cleanup_errors=True) as folder:
        picture = Path(folder) / "frame.bmp"
        scene.render.filepath = str(picture)
        if engine == "workbench":
            use_workbench(scene)
            try:
                return render_part(scene, picture, whole, samples)
            except RuntimeError:
                scene.render.engine = "CYCLES"
        return render_part(scene, picture, whole, samples)


def render_passes(scene: bpy.types.Scene, threads: int = 0) -> Passes:
    """What Cycles sees through the middle of each pixel, at the scene's current frame.

    The flow is to what the scene's animation shows at the next frame: what is posed without keys stands still in it.

    Args:
        scene: with a camera; its render settings and its first view layer's passes change.
        threads: of Cycles; 0 is one for each core.
    """
    _set_up(scene, 0, 1, threads)
    cycles, layer, output = scene.cycles, scene.view_layers[0], scene.render.image_settings
    cycles.samples, cycles.use_denoising, cycles.max_bounces = 1, False, 0
    was = cycles.pixel_filter_type, cycles.filter_width, scene.render.use_border
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 0.01
    scene.render.use_border = False
    passes = ("use_pass_z", "use_pass_normal", "use_pass_vector", "use_pass_object_index")
    try:
        for name in passes:
            setattr(layer, name, True)
        if hasattr(output, "media_type"):  # from 5.0 on
            output.media_type = "MULTI_LAYER_IMAGE"
        output.file_format, output.exr_codec, output.color_depth = "OPEN_EXR_MULTILAYER", "NONE", "32"
        if hasattr(output, "use_exr_interleave"):  # else each pass is a part of its own
            output.use_exr_interleave = True
        with tempfile.TemporaryDirectory(prefix="graphics-ml-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "passes.exr"
            scene.render.filepath = str(path)
            with quiet():
                bpy.ops.render.render(write_still=True, scene=scene.name)
            channels = read_plain_exr(path)
    finally:
        if hasattr(output, "media_type"):
            output.media_type = "IMAGE"
        output.file_format = "BMP"
        for name in passes:
            setattr(layer, name, False)
        cycles.pixel_filter_type, cycles.filter_width, scene.render.use_border = was
    return _passes({name.removeprefix(f"{layer.name}."): values for name, values in channels.items()})


def render_people(scene: bpy.types.Scene, people: Iterable[Iterable[bpy.types.Object]]) -> Passes:
    """As `render_passes`, with people in place of objects.

    Args:
        people: the meshes of each; hair that grows on them is theirs.

    Returns:
        with `indices` that number the people from 1; all else is 0.
    """
    before = {thing: thing.pass_index for thing in scene.objects}
    try:
        for thing in before:
            thing.pass_index = 0
        for instance, skins in enumerate(people, start=1):
            for skin in skins:
                skin.pass_index = instance
        return render_passes(scene)
    finally:
        for thing, index in before.items():
            thing.pass_index = index


def read_plain_exr(path: Path) -> dict[str, np.ndarray]:
    """The channels, name to float32 (H, W), of an EXR file of one part, scan lines and no compression.

    The layout is OpenEXR's, "OpenEXR File Layout": magic number, version and flags, attributes, a table of offsets,
    then line by line its number, its size and one run of values for each channel.

    Raises:
        ValueError: the file is of another kind, or cut off.
    """
    data = Path(path).read_bytes()
    if data[:4] != b"v/1\x01" or data[4] != 2 or data[5] & 0b11010:  # tiles, deep data or several parts
        raise ValueError(f"{path} is no EXR file of one part with scan lines")
    attributes, at = _attributes(data, 8)
    channels = _channels(attributes.get("channels", b""))
    if attributes.get("compression") != b"\0" or not channels or any(kind != 2 for _, kind in channels):
        raise ValueError(f"{path} is compressed, or holds other values than 32-bit floats")
    left, top, right, bottom = np.frombuffer(attributes["dataWindow"], "<i4").tolist()
    width, height = right - left + 1, bottom - top + 1
    line = 8 + 4 * width * len(channels)
    if len(data) < at + height * (8 + line):
        raise ValueError(f"{path} is cut off")
    lines = np.frombuffer(data, np.uint8, height * line, at + 8 * height).reshape(height, line)
    values = np.ascontiguousarray(lines[:, 8:]).view("<f4").reshape(height, len(channels), width)
    return {name: np.ascontiguousarray(values[:, i]) for i, (name, _) in enumerate(channels)}


def _set_up(scene, aperture, focus, threads):
    tone = scene.view_settings.view_transform
    use_cycles(scene)
    scene.view_settings.view_transform = tone
    lens = scene.camera.data
    lens.dof.use_dof = aperture > 0
    if aperture > 0:
        lens.dof.focus_distance, lens.dof.aperture_fstop = focus, lens.lens / 1000 / aperture
    scene.render.threads_mode = "FIXED" if threads else "AUTO"
    if threads:
        scene.render.threads = threads


def _passes(channels):
    depth = channels["Depth.Z"]
    nothing = depth > _BEYOND
    normals = np.stack([channels[f"Normal.{axis}"] for axis in "XYZ"], axis=-1)
    # Vector holds the way from the frame before (X, Y) and to the next (Z, W), the latter counted backwards; y is up.
    flow = np.stack([-channels["Vector.Z"], channels["Vector.W"]], axis=-1)
    flow[nothing] = normals[nothing] = np.nan
    indices = np.round(channels["Object Index.X" if "Object Index.X" in channels else "IndexOB.X"]).astype(np.uint16)
    return Passes(np.where(nothing, np.float32(np.inf), depth), ours_from_blender(normals), flow, indices)


def _attributes(data, at):
    """The header's attributes, name to bytes, and where it ends."""
    found = {}
    while data[at] != 0:
        name, _, at = _words(data, at)
        size = int.from_bytes(data[at : at + 4], "little")
        found[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return found, at + 1


def _words(data, at):
    """An attribute's name and type, and where its size stands."""
    middle = data.index(b"\0", at)
    end = data.index(b"\0", middle + 1)
    return data[at:middle].decode(), data[middle + 1 : end].decode(), end + 1


def _channels(listed):
    """(name, kind of value) of each channel, in the order in which the lines hold them."""
    found, at = [], 0
    while at < len(listed) - 1:
        end = listed.index(b"\0", at)
        found.append((listed[at:end].decode(), int.from_bytes(listed[end + 1 : end + 5], "little")))
        at = end + 17
    return found
