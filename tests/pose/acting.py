"""Bodies that move by formula, and what a perfect detector would see of them."""

from fractions import Fraction

import numpy as np

from graphics_ml.motion.camera import Camera, focal_length, look_at
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.rotations import quaternion_from_axis_angle
from graphics_ml.pose.body import BALLS, HINGES, JOINTS, Points, Pose, place, t_pose
from graphics_ml.pose.detection import LANDMARKS, Detections, Hands
from graphics_ml.pose.landmarks import USED, points_on_body


def ball(joint):
    return next(k for k, group in enumerate(BALLS) if joint in group)


def hinge(joint, movement):
    return next(k for k, (j, m, _) in enumerate(HINGES) if (j, m) == (joint, movement))


def standing(frames=60, fps=30, height=1.75) -> Pose:
    """Someone who stands with feet apart on y = 0 and waves both arms, bending the elbows; hips over the origin."""
    pose = t_pose(frames)
    time = np.arange(frames) / fps
    root = np.zeros((frames, 3))
    root[:, 1] = 0.53 * height
    balls, hinges = pose.balls.copy(), pose.hinges.copy()
    for side, s in (("left", 1), ("right", -1)):
        down = -s * (1.1 + 0.5 * np.sin(2 * np.pi * 0.5 * time + s))
        balls[:, ball(f"{side}_upper_arm")] = quaternion_from_axis_angle(down[:, None] * np.array([0, 0, 1.0]))
        hinges[:, hinge(f"{side}_forearm", "flexion")] = 0.7 + 0.5 * np.sin(2 * np.pi * 0.7 * time)
        apart = s * 0.12
        balls[:, ball(f"{side}_thigh")] = quaternion_from_axis_angle(np.array([0, 0, apart]))
        hinges[:, hinge(f"{side}_foot", "eversion")] = -0.12
    root[:, 1] -= 0.491 * height * (1 - np.cos(0.12))
    return Pose(root, balls, hinges)


def walking(frames=90, fps=30, height=1.75, in_place=False) -> Pose:
    """Someone who walks along +X at 0.9 m/s, or on a treadmill: planted feet lie flat on the floor and do not slip."""
    period, stride, stance = 1.1, 1.0, 0.6
    pose = standing(frames, fps, height)
    time = np.arange(frames) / fps
    ahead = stride / period * (time - time.mean())
    drop = 0.52 * height  # of the hips above the floor
    balls, hinges = pose.balls.copy(), pose.hinges.copy()
    balls[:, 0] = quaternion_from_axis_angle(np.array([0, np.pi / 2, 0]))
    for side, shift in (("left", 0.0), ("right", 0.5)):
        cycle = (time - time.mean()) / period + shift
        begun, phase = np.floor(cycle), cycle % 1
        swing = np.clip((phase - stance) / (1 - stance), 0, 1)
        foot = stride * (begun - shift + stance / 2 + swing * swing * (3 - 2 * swing)) - ahead
        up = 0.039 * height + 0.08 * np.sin(np.pi * swing) ** 2
        thigh, bend = leg_angles(foot, drop - up, 0.245 * height, 0.246 * height)
        balls[:, ball(f"{side}_thigh")] = quaternion_from_axis_angle(thigh[:, None] * np.array([1.0, 0, 0]))
        hinges[:, hinge(f"{side}_shin", "flexion")] = bend
        hinges[:, hinge(f"{side}_foot", "eversion")] = 0
        hinges[:, hinge(f"{side}_foot", "plantarflexion")] = -thigh - bend
    root = np.stack((np.zeros(frames) if in_place else ahead, np.full(frames, drop), np.zeros(frames)), axis=1)
    return Pose(root, balls, hinges)


def climbing(frames=90, fps=30, height=1.75) -> Pose:
    """Someone who climbs a ladder at 0.5 m/s, one foot after the other: each rests on a rung or swings to the next but
    one."""
    pose = standing(frames, fps, height)
    time = np.arange(frames) / fps
    period, rise = 1.2, 0.6
    up = rise / period * time
    balls, hinges = pose.balls.copy(), pose.hinges.copy()
    for side, shift in (("left", 0.0), ("right", 0.5)):
        cycle = time / period + shift
        swing = np.clip((cycle % 1 - 0.5) / 0.5, 0, 1)
        rung = rise * (np.floor(cycle) - shift + swing * swing * (3 - 2 * swing))
        thigh, bend = leg_angles(np.full(frames, 0.2), up + 0.6 - rung, 0.245 * height, 0.246 * height)
        balls[:, ball(f"{side}_thigh")] = quaternion_from_axis_angle(thigh[:, None] * np.array([1.0, 0, 0]))
        hinges[:, hinge(f"{side}_shin", "flexion")] = bend
        hinges[:, hinge(f"{side}_foot", "eversion")] = 0
        hinges[:, hinge(f"{side}_foot", "plantarflexion")] = -thigh - bend
    return Pose(pose.root + up[:, None] * np.array([0, 1.0, 0]), balls, hinges)


def leg_angles(ahead, below, thigh, shin):
    """Turn of the thigh and bend of the knee, radians about +X, that put the ankle this far ahead of and below the hip
    (law of cosines)."""
    reach = np.hypot(ahead, below)
    bend = np.pi - np.arccos(np.clip((thigh**2 + shin**2 - reach**2) / (2 * thigh * shin), -1, 1))
    inside = np.arccos(np.clip((thigh**2 + reach**2 - shin**2) / (2 * thigh * reach), -1, 1))
    return -np.arctan2(ahead, below) - inside, bend


def camera(distance=4.0, tilt_height=1.5, roll=0.0, width=1280, height=720, fov=55.0, side=0.0) -> Camera:
    """A camera on the +Z side that looks at the hips."""
    position = np.array([side, tilt_height, distance])
    return Camera(
        width,
        height,
        focal_length(width, height, np.radians(fov)),
        (width / 2, height / 2),
        look_at(position, (0.0, 0.95, 0.0), roll),
        position,
    )


def seen(pose: Pose, eye: Camera, fps=30, height=1.75, noise=0.0, depth_noise=0.0, seed=0) -> Detections:
    """What a detector sees: exact pixels and metric landmarks, but for noise in pixels and in metres of depth."""
    rng = np.random.default_rng(seed)
    at = points_on_body(height).at(place(pose, standard_skeleton(height).offsets))
    frames = len(pose)
    pixels, world = np.zeros((frames, 33, 2)), np.zeros((frames, 33, 3))
    where = [LANDMARKS.index(name) for name in USED]
    pixels[:, where] = eye.project(at) + noise * rng.normal(size=(*at.shape[:2], 2))
    local = eye.to_camera(at)
    hips = local[:, [USED.index("left_hip"), USED.index("right_hip")]].mean(axis=1, keepdims=True)
    world[:, where] = local - hips
    world[:, where, 2] += depth_noise * rng.normal(size=at.shape[:2])
    visibility = np.full((frames, 33), 0.95)
    return Detections(
        keypoints=pixels,
        depth=np.zeros((frames, 33)),
        world=world,
        visibility=visibility,
        presence=visibility,
        found=np.ones(frames, dtype=bool),
        fps=Fraction(fps),
        image_size=(eye.width, eye.height),
        person="the only one",
        detector="a formula",
    )


def seen_hands(pose: Pose, eye: Camera, height=1.75, score=1.0) -> Hands:
    """What a detector of hands sees of wrists and of the knuckles of index and little finger."""
    joints = [JOINTS.index(f"{side}_hand") for side in ("left", "right") for _ in range(3)]
    left = height * np.array([(0, 0, 0), (0.052, 0, 0.0125), (0.042, 0, -0.0225)])
    knuckles = Points(np.array(joints), np.concatenate((left, left * (-1, 1, 1))))
    at = knuckles.at(place(pose, standard_skeleton(height).offsets)).reshape(-1, 2, 3, 3)
    depth = eye.to_camera(at)[..., 2]
    points = np.zeros((len(pose), 2, 21, 3))
    points[:, :, [0, 5, 17], :2] = eye.project(at)
    points[:, :, [0, 5, 17], 2] = (depth - depth[..., :1]) * eye.focal / depth
    return Hands(points, np.full((len(pose), 2), score))


def unseen(detections: Detections, frames) -> Detections:
    """The same with nobody found in some frames."""
    changed = {
        name: getattr(detections, name).copy() for name in ("keypoints", "depth", "world", "visibility", "found")
    }
    for name in ("keypoints", "depth", "world"):
        changed[name][frames] = np.nan
    changed["visibility"][frames] = 0
    changed["found"][frames] = False
    return detections.replace(**changed)
