# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the camera stands and how it moves: people fill a drawn part of the picture, seen from any side and height."""

import numpy as np

from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.surroundings import Cameras
from graphics_ml.motion.camera import Camera, focal_length, look_at

_WEAKER = (1.0, 0.7, 0.7, 0.7, 0.0)  # each time, what puts people out of the picture; in the end all are in it
_CLEAR = 0.3  # metres between the lens and the nearest person
_LOWEST = 0.08  # metres of the lens above the floor


def draw(section: Cameras, rng: np.random.Generator, around: Around) -> dict:
    """The clip's camera: "cameras" (one for each moment), "aperture" (metres across; 0 sees all sharply) and "focus"
    (metres ahead), besides the values drawn."""
    values = section.draw(rng)
    side, tremble = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi, (6, 2))
    points = np.concatenate(around.people, axis=1)
    times = np.arange(len(points)) / around.fps
    path = _path(points, times) if values["move"] == "follow" else np.zeros((len(times), 3))
    seen = _outline((points - path[:, None]).reshape(-1, 3))
    for weaker in _WEAKER:
        # People of whom too much is cut off come nearer to the middle, and then the camera goes farther away.
        values["off_centre"] *= weaker
        values["fill"] = min(values["fill"], max(1.0, weaker * values["fill"]))
        first = _framed(values, side, seen, around.width, around.height)
        cameras = [_moved(first, values, tremble, times[i] - times.mean(), path[i]) for i in range(len(times))]
        shown = [max(map(len, around.limbs_in_picture(cameras[i], i)), default=12) for i in range(len(times))]
        if min(shown) >= section.show:
            break
    focus = float(np.median(first.to_camera(seen)[:, 2]))
    # A thin lens of diameter A focused at f, far beyond its focal length, spreads infinity over A * focal / f pixels.
    aperture = 2 * values["blur"] * max(around.width, around.height) * focus / first.focal
    return values | dict(side=float(side), aperture=float(aperture), focus=focus, cameras=cameras)


def _path(points, times):
    """The straight way (M, 3) on which the people's middle goes best, level, from 0 at the clip's middle."""
    away = times - times.mean()
    speed = np.polyfit(away, points.mean(axis=1), 1)[0] * [1, 0, 1]
    return away[:, None] * speed


def _outline(points):
    """Those of the points (N, 3) that are the farthest in some direction: they span what all do in a picture."""
    golden = np.pi * (3 - np.sqrt(5))  # a sunflower's spiral on a ball (Vogel 1979)
    up = np.linspace(-1, 1, 200)
    level = np.sqrt(1 - up**2)
    directions = np.stack([level * np.cos(golden * np.arange(200)), up, level * np.sin(golden * np.arange(200))])
    return points[np.unique((points @ directions).argmax(axis=0))]


def _framed(values, side, points, width, height):
    """The camera that sees the points (N, 3) as large as asked for, at its distance by bisection."""
    azimuth, elevation = np.radians(values["azimuth"]), np.radians(values["elevation"])
    outward = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    focal = focal_length(width, height, np.radians(values["field_of_view"]))
    size, middle = np.array([width, height]), (points.min(axis=0) + points.max(axis=0)) / 2
    # Their middle goes off the picture's by a part of the room that they leave, or of what is cut off.
    shift = values["off_centre"] * np.array([np.cos(side), np.sin(side)])

    def at(distance):
        position = middle + distance * outward
        position[1] = max(position[1], _LOWEST)
        if np.linalg.norm((position - middle)[[0, 2]]) < 1e-3 * distance:
            position[2] += 1e-3 * distance
        camera = Camera(width, height, focal, size / 2, look_at(position, middle, np.radians(values["roll"])), position)
        if camera.to_camera(points)[:, 2].min() < _CLEAR:
            return camera, np.inf
        for _ in range(3):
            seen = camera.project(points)
            if np.isnan(seen).any():  # it has turned too far to have all people before it
                return camera, np.inf
            low, high = seen.min(axis=0), seen.max(axis=0)
            room = np.abs(size - (high - low)) / 2
            wanted = size / 2 + shift * room
            camera = camera.replace(rotation=_turned_to(camera, (low + high) / 2, wanted))
        if camera.to_camera(points)[:, 2].min() < _CLEAR:
            return camera, np.inf
        return camera, ((high - low) / size).max()

    near, far = 0.05, 2.0
    while at(far)[1] > values["fill"] and far < 1e4:
        near, far = far, 2 * far
    for _ in range(16):
        between = (near + far) / 2
        near, far = (between, far) if at(between)[1] > values["fill"] else (near, between)
    return at(far)[0]


def _turned_to(camera, seen, wanted):
    """The camera's rotation after it turned so that what is at the pixel `seen` comes to be at `wanted`."""
    rays = np.append((np.stack([seen, wanted]) - camera.centre) / camera.focal, np.ones((2, 1)), axis=1)
    a, b = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    axis, cosine = np.cross(a, b), a @ b
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return (np.eye(3) + cross + cross @ cross / (1 + cosine)) @ camera.rotation  # Rodrigues


def _moved(camera, values, tremble, time, offset):
    """The camera as it is `time` seconds from the clip's middle."""
    if values["move"] == "still":
        return camera
    # Hands shake with some tenths to a few hertz; a tripod's head or a dolly hardly.
    amount = np.radians(values["shake"]) * (1 if values["move"] == "hand" else 0.2)
    speeds = 2 * np.pi * np.array([0.4, 1.7])
    swing = (np.sin(speeds * time + tremble) * [0.8, 0.2]).sum(axis=1)
    turn = amount * swing[:3]
    if values["move"] == "pan":
        turn[1] += np.radians(values["pan"]) * time
    cx, cy, cz = np.cos(turn)
    sx, sy, sz = np.sin(turn)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    sway = 0.3 * amount * swing[3:]  # metres: the arms are some 30 cm long
    return camera.replace(
        rotation=about_x @ about_y @ about_z @ camera.rotation, position=camera.position + offset + sway
    )
