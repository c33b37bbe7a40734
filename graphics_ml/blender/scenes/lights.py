# SPDX-License-Identifier: GPL-3.0-or-later
"""Light: suns, lamps and windows of any colour temperature, and the sky, even, painted or the user's HDRI.

Strengths are not drawn but what arrives at the people, so that pictures are neither black nor white whatever the lamps'
distances; a part of it comes from the sky, the rest is shared by the lamps.
"""

import bpy
import numpy as np

from graphics_ml.blender.scene import blender_from_ours
from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.making import load_picture, picture_image
from graphics_ml.blender.scenes.pools import part_of
from graphics_ml.blender.scenes.surroundings import Lights


def draw(section: Lights, rng: np.random.Generator, around: Around) -> dict:
    """The clip's light: "tone", "sky" and "lamps", each with its linear RGB "colour" and its strength."""
    points = around.points()
    place = points.mean(axis=0)
    reach = 2.0 + float(np.linalg.norm(points - place, axis=1).max())
    exposure, share = section.exposure.draw(rng), section.sky_share.draw(rng)
    kind, count, tone = section.sky.draw(rng), section.lamps.draw(rng), section.tone.draw(rng)
    if kind == "hdri" and not section.hdris:
        kind = "painted" if rng.uniform() < 0.5 else "even"
    if count == 0:
        share = 1.0
    sky = dict(
        kind=kind,
        strength=exposure * share,
        turn=float(rng.uniform(0, 2 * np.pi)),
        colour=_source_colour(section, rng),
    )
    if kind == "painted":
        sky["seed"] = int(rng.integers(2**31))
    if kind == "hdri":
        own = part_of([path.name for path in section.hdris], around.seed, around.split)
        sky["path"] = str(section.hdris[own[rng.integers(len(own))]])
    parts = rng.dirichlet(np.full(count, 0.8)) if count else ()
    lamps = [_lamp(section, rng, place, reach, exposure * (1 - share) * part) for part in parts]
    return dict(exposure=exposure, sky_share=share, tone=tone, sky=sky, lamps=lamps)


def make(values: dict, around: Around, collection: bpy.types.Collection, looks: bool = True) -> None:
    """Put the lamps into the collection, and the sky around the current scene; without `looks` nothing.

    Raises:
        FileError: the HDRI cannot be read.
    """
    if not looks:
        return
    for lamp in values["lamps"]:
        light = bpy.data.lights.new("Light", dict(sun="SUN", lamp="POINT", window="AREA")[lamp["kind"]])
        light.color, light.energy = lamp["colour"], lamp["strength"]
        if lamp["kind"] == "sun":
            light.angle = lamp["angle"]
        elif lamp["kind"] == "lamp":
            light.shadow_soft_size = lamp["size"] / 2
        else:
            light.shape, light.size = "DISK", lamp["size"]
        thing = bpy.data.objects.new("Light", light)
        z = blender_from_ours(np.array(lamp["toward"]))  # lights shine along their -z
        x = np.cross([0, 1, 0] if abs(z[1]) < 0.9 else [1, 0, 0], z)
        x /= np.linalg.norm(x)
        place = np.eye(4)
        place[:3] = np.stack(
            [x, np.cross(z, x), z, blender_from_ours(np.array(lamp.get("position", (0, 0, 0))))], axis=1
        )
        thing.matrix_world = place.T.tolist()
        collection.objects.link(thing)
    scene = bpy.context.scene
    scene.view_settings.view_transform = values["tone"]
    scene.world = _sky(values["sky"])


def _sky(sky):
    world = bpy.data.worlds.new("Sky")
    if world.node_tree is None:  # before 5.0
        world.use_nodes = True
    tree = world.node_tree
    background = next(node for node in tree.nodes if node.type == "BACKGROUND")
    background.inputs["Strength"].default_value = sky["strength"]
    background.inputs["Color"].default_value = (*sky["colour"], 1)
    world.color = np.clip(np.array(sky["colour"]) * sky["strength"], 0, 1)  # what Workbench shows
    if sky["kind"] == "even":
        return world
    if sky["kind"] == "painted":
        image = picture_image("Sky", paint_sky(sky))
    else:
        image = load_picture(sky["path"])
        background.inputs["Strength"].default_value = sky["strength"] / _level_light(image)
    # By itself Cycles looks at a turned picture in 4096 x 2048 directions, which takes longer than the picture.
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256
    texture, turn, place = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexEnvironment", "Mapping", "TexCoord"))
    texture.image = image
    turn.inputs["Rotation"].default_value = (0, 0, sky["turn"])
    tree.links.new(place.outputs["Generated"], turn.inputs["Vector"])
    tree.links.new(turn.outputs["Vector"], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Color"], background.inputs["Color"])
    return world


def _level_light(image):
    """How bright white level ground is under a picture of the light all around."""
    wide, tall = image.size
    pixels = np.empty(wide * tall * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(tall, wide, image.channels)[tall // 2 :, :, :3]  # the first row is the lowest
    up = np.pi * (np.arange(tall // 2, tall) + 0.5) / tall - np.pi / 2
    falling = np.sin(up) * np.cos(up)
    return max(1e-6, float((pixels @ _LUMINANCE).mean(axis=1) @ falling / falling.sum()))


def paint_sky(sky: dict, height: int = 96) -> np.ndarray:
    """A painted sky all around, float32 (height, 2 * height, 3), linear, straight up in the first row.

    White level ground under it is as bright as the sky's colour.
    """
    rng = np.random.default_rng(sky["seed"])
    up = np.cos(np.pi * (np.arange(height) + 0.5) / height)[:, None, None]
    round_ = 2 * np.pi * (np.arange(2 * height) + 0.5) / (2 * height)
    zenith = np.array([0.25, 0.45, 1.0]) ** rng.uniform(0, 1)
    horizon, ground = zenith + (1 - zenith) * rng.uniform(0.3, 1), rng.uniform(0.05, 0.5) * np.array([1, 0.93, 0.85])
    picture = np.where(up > 0, horizon + (zenith - horizon) * np.abs(up) ** rng.uniform(0.3, 0.8), ground)
    picture = np.repeat(picture, 2 * height, axis=1)
    waves = sum(
        rng.normal() / n * np.sin(n * round_[None] + m * np.arccos(up[..., 0]) + rng.uniform(0, 6.3))
        for n in range(1, 9)
        for m in (-7, 3, 11)
    )
    clouds = np.clip(waves * rng.uniform(0.2, 1.2) - rng.uniform(-0.5, 0.8), 0, 1)[..., None] * (up > 0)
    picture += (rng.uniform(0.5, 1.3) - picture) * clouds
    falling = np.maximum(up, 0) * np.sqrt(1 - up**2)
    mean = (picture.mean(axis=2, keepdims=True) * falling).sum() / (falling.sum() * 2 * height)
    return (picture / mean * np.array(sky["colour"])).astype(np.float32)


def temperature_colour(kelvin: float) -> np.ndarray:
    """Linear RGB (3,) of a black body of 1667 to 25000 K, luminance 1; its locus by Kim et al., US patent 7024034."""
    t = 1000 / kelvin
    if kelvin < 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin < 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin < 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    return np.maximum(_SRGB_FROM_XYZ @ xyz, 0)


_SRGB_FROM_XYZ = np.array(  # IEC 61966-2-1
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def _source_colour(section, rng):
    """As a camera balanced for daylight sees it half corrected: of luminance 1."""
    colour = np.sqrt(temperature_colour(section.temperature.draw(rng)))
    tint = section.tint.draw(rng)
    any_colour = rng.uniform(0.05, 1, 3)
    colour = (1 - tint) * colour + tint * any_colour / (any_colour @ _LUMINANCE)
    return (colour / (colour @ _LUMINANCE)).tolist()


def _lamp(section, rng, place, reach, light):
    """One source whose light on what faces it makes white things `light` bright."""
    kind, colour = section.kind.draw(rng), _source_colour(section, rng)
    zenith, azimuth = np.radians(section.zenith_angle.draw(rng)), rng.uniform(0, 2 * np.pi)
    angle = np.radians(section.softness.draw(rng))
    toward = np.array([np.sin(zenith) * np.sin(azimuth), np.cos(zenith), np.sin(zenith) * np.cos(azimuth)])
    lamp = dict(kind=kind, colour=colour, toward=toward.tolist(), angle=float(angle))
    if kind == "sun":
        return lamp | dict(strength=np.pi * light)
    away = reach * rng.uniform(0.6, 1.0)
    position = place + away * toward
    size = 2 * away * np.tan(angle / 2)
    # What arrives is P / (4 pi r^2) from a bulb's power P, and P / (pi r^2) in front of a flat source, over pi again.
    power = np.pi * light * away**2 * (4 * np.pi if kind == "lamp" else np.pi)
    return lamp | dict(position=position.tolist(), size=float(max(size, 0.02)), strength=float(power))
