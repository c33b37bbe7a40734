"""Calibrated cameras around bodies that move by formula, and their films' clocks."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.pose.body import Pose
from graphics_ml.pose.calibrated_camera import CalibratedCamera
from graphics_ml.pose.several_views import Filmed
from tests.pose.acting import seen

LENS = np.array([-0.06, 0.03, 4e-4, -3e-4])


def around(count=4, distance=4.0, width=1280, height=720) -> list[CalibratedCamera]:
    """Cameras in a ring, each at another height and with another lens."""
    cameras = []
    for k in range(count):
        angle = 2 * np.pi * k / count + 0.4
        place = np.array([distance * np.sin(angle), 1.2 + 0.3 * k, distance * np.cos(angle)])
        turned = look_at(place, np.array([0, 0.9, 0]), roll=0.1 * k - 0.15)
        camera = Camera(width, height, 1000.0 + 20 * k, (width / 2 + 5 * k, height / 2 - 4), turned, place)
        cameras.append(CalibratedCamera(f"cam{k + 1}", camera, (1 - 0.2 * k) * LENS))
    return cameras


def filmed(camera: CalibratedCamera, pose: Pose, fps=30, noise=0.0, seed=0, height=1.75) -> Filmed:
    """What a detector sees in the film of one camera, through its lens; its metric landmarks are no good."""
    detections = seen(pose, camera.camera, fps, height, depth_noise=0.15, seed=seed)
    plain = (detections.keypoints - camera.camera.centre) / camera.camera.focal
    in_front = np.concatenate((plain, np.ones((*plain.shape[:2], 1))), axis=-1)
    own = camera.camera.replace(rotation=np.eye(3), position=np.zeros(3))
    pixels = replace(camera, camera=own).project(in_front)
    pixels = pixels + noise * np.random.default_rng(seed).normal(size=pixels.shape)
    return Filmed(Path(f"{camera.name}.mp4"), camera, detections.replace(keypoints=pixels))
