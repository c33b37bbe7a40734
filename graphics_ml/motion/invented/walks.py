"""Kinds of going somewhere."""

import numpy as np

from graphics_ml.motion.invented.gait import running, step_on, walking


def walk(rng, times, gravity):
    """Ahead, more or less straight."""
    return step_on(rng, times, gravity, walking(rng))


def run(rng, times, gravity):
    """Jogging and running ahead."""
    return step_on(rng, times, gravity, running(rng))


def treadmill(rng, times, gravity):
    """Walking or running on a belt."""
    gait = walking(rng) if rng.random() < 0.7 else running(rng, rng.uniform(1.0, 2.2))
    gait.wander *= 0.3
    return step_on(rng, times, gravity, gait, treadmill=True)


def on_the_spot(rng, times, gravity):
    """Marching or jogging in place, knees up."""
    gait = walking(rng) if rng.random() < 0.6 else running(rng, rng.uniform(0.9, 1.4))
    gait.speed = abs(rng.normal(0, 0.03))
    gait.clearance = rng.uniform(0.03, 0.24)
    gait.kick_up *= 0.5
    gait.heel_strike = rng.uniform(-0.4, 0)
    gait.push_off = rng.uniform(0.2, 0.7)
    return step_on(rng, times, gravity, gait)


def sideways(rng, times, gravity):
    """Side steps, to the left."""
    gait = walking(rng) if rng.random() < 0.75 else running(rng, rng.uniform(0.8, 1.3))
    gait.speed = min(gait.speed * 0.6, 0.8)
    gait.course = rng.uniform(0.35, 0.65) * np.pi
    gait.width = rng.uniform(1.3, 2.4)
    gait.arm_swing *= 0.3
    return step_on(rng, times, gravity, gait)


def backwards(rng, times, gravity):
    """Walking backwards."""
    gait = walking(rng)
    gait.speed *= 0.7
    gait.course = rng.uniform(0.85, 1.15) * np.pi
    gait.kick_up *= 0.3
    return step_on(rng, times, gravity, gait)


def curve(rng, times, gravity):
    """Walking or running in a curve, tight or wide."""
    gait = walking(rng) if rng.random() < 0.75 else running(rng, rng.uniform(1.0, 2.0))
    gait.turning = rng.uniform(0.4, 1.9) / max(gait.speed, 0.7)
    return step_on(rng, times, gravity, gait)


KINDS = {
    "walk": (walk, 8),
    "run": (run, 5),
    "treadmill": (treadmill, 4),
    "on the spot": (on_the_spot, 3),
    "sideways": (sideways, 3),
    "backwards": (backwards, 2),
    "curve": (curve, 4),
}
