"""Frames made up for the tests of what reads and writes them: people as ellipses, no Blender."""

import numpy as np

from graphics_ml.datasets.frame import HIDDEN, NOT_LABELLED, VISIBLE, Frame, Person, box_of_mask
from graphics_ml.motion.camera import Camera, focal_length, look_at

KEYPOINTS = 133


def made_frame(index=0, people=2, split="train", size=(48, 64), clip=None, data_set="0123456789abcdef") -> Frame:
    """A frame of random people, the same for the same arguments."""
    rng = np.random.default_rng([index, people])
    height, width = size
    position = np.array([0.0, 1.5, 4.0])
    focal = focal_length(width, height, np.radians(50))
    camera = Camera(width, height, focal, (width / 2, height / 2), look_at(position, np.array([0, 1.0, 0])), position)
    instances, parts = np.zeros(size, np.uint16), np.zeros(size, np.uint8)
    filmed = []
    for instance in range(1, people + 1):
        person, shape = _person(instance, camera, rng)
        instances[shape], parts[shape] = instance, 1 + instance % 20
        filmed.append(person)
    filmed = [_with_box(person, instances == person.instance) for person in filmed]
    depth = np.where(instances > 0, rng.uniform(2, 6, size), np.inf)
    normals = np.where(instances[..., None] > 0, _unit(rng.normal(size=(*size, 3))), np.nan)
    flow = np.where(instances[..., None] > 0, rng.normal(0, 30, size=(*size, 2)), np.nan)
    return Frame(
        index,
        split,
        index if clip is None else clip,
        0 if clip is None else index,
        data_set,
        camera,
        tuple(filmed),
        {"lights": {"sun": rng.uniform(), "name": "Säule"}, "effects": [np.float32(0.5), None]},
        camera.replace(position=position + 0.01),
        rng.integers(0, 256, (*size, 3), dtype=np.uint8),
        depth.astype(np.float32),
        normals.astype(np.float32),
        flow.astype(np.float32),
        instances,
        parts,
    )


def _person(instance, camera, rng):
    place = rng.uniform([-1, 0, -1], [1, 0.2, 1])
    world = place + rng.uniform([-0.3, 0, -0.2], [0.3, 1.7, 0.2], (KEYPOINTS, 3))
    world[rng.choice(KEYPOINTS, 5, replace=False)] = np.nan
    pixels = camera.project(world)
    inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(axis=1)
    visibility = np.where(inside, rng.choice([HIDDEN, VISIBLE], KEYPOINTS, p=[0.3, 0.7]), NOT_LABELLED)
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    middle, reach = np.nanmean(pixels, axis=0), np.nanmax(np.abs(pixels - np.nanmean(pixels, axis=0)), axis=0)
    shape = (((x - middle[0]) / reach[0]) ** 2 + ((y - middle[1]) / reach[1]) ** 2) < 1
    about = (
        instance,
        f"character {instance}",
        f"walk {instance}",
        0.5,
        np.zeros(4),
        _box_around(pixels[~np.isnan(pixels[:, 0])]),
    )
    joints = (("hips", "head"), rng.normal(size=(2, 3)), _unit(rng.normal(size=(2, 4))))
    return Person(
        *about, world, camera.to_camera(world), pixels, visibility, rng.random(KEYPOINTS) < 0.8, *joints
    ), shape


def _box_around(points):
    low, high = points.min(axis=0), points.max(axis=0)
    return np.concatenate([low, high - low])


def _with_box(person, mask):
    return Person(**vars(person) | {"box": box_of_mask(mask)})


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
