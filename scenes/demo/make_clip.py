"""Make the demo's film: our own character walks up, waves and bends its knees; its motion and the truth lie beside it.

    python scenes/demo/make_clip.py

The motion is computed, not captured. Feet are planned first: where and when each stands, rolls over its heel and ball,
and swings. The hips follow the planned steps, the legs reach for the feet by inverse kinematics, and arms and spine
follow a few keys and the rhythm of the steps. So the contacts are exact: a foot that stands does not move.

It writes clip.npz (the motion), clip.mp4 and clip.truth.npz (every joint of the rendered rig, and the camera).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

from graphics_ml import formats
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.kinematics import local_rotations, transforms
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle, quaternion_from_columns, rotate, unroll

FPS = 24
FRAMES = 100
HEIGHT = 1.72
STEP_TIME, STEP_LENGTH, FEET_APART, END_APART = 0.55, 0.60, 0.15, 0.24
FIRST_STRIKE, STEPS = -0.75, 4  # the film begins in the middle of the walk; a last step closes up
TURN = np.radians(50)  # how far the path bends before it ends facing +Z at the origin
HEEL_FIRST, HEEL_OFF = np.radians(-17), np.radians(42)  # pitch of the foot as it lands and as it leaves

SIDES = ("left", "right")


@dataclass(frozen=True)
class Footfall:
    """A foot stands at `place` (3,), the ankle's when flat, turned by `heading`, from `strike` to `lift` seconds."""

    strike: float
    lift: float
    place: np.ndarray
    heading: float


def main() -> None:
    from graphics_ml.blender.characters import Character, build_character
    from graphics_ml.blender.scene import empty_scene
    from graphics_ml.motion.camera import Camera, focal_length, look_at
    from graphics_ml.tasks.film import film_motion

    here = Path(__file__).parent
    motion = choreography()
    formats.save(motion, here / "clip.npz")
    empty_scene()
    position = np.array([1.35, 1.30, 3.35])
    focal = focal_length(480, 480, np.radians(40))
    camera = Camera(480, 480, focal, (240, 240), look_at(position, [-0.2, 0.80, 0.0]), position)
    film_motion(motion, build_character(Character(height=HEIGHT)), here / "clip.mp4", seed=10, camera=camera, samples=8)


def choreography() -> Motion:
    """Four steps along a bend, a wave, a knee bend: 100 frames on the standard skeleton."""
    time = np.arange(FRAMES) / FPS
    skeleton = standard_skeleton(HEIGHT)
    joint = {name: i for i, name in enumerate(skeleton.names)}
    feet = {side: foot_path(time, falls, skeleton, joint, side) for side, falls in footfalls(skeleton, joint).items()}

    # The rhythm: 1 where the right foot lands, -1 where the left one does; it dies away as the walk ends.
    beat = np.pi * (time - FIRST_STRIKE) / STEP_TIME
    walking = 1 - ease(time, 1.0, 1.6)
    swing, sway = walking * np.cos(beat), walking * np.sin(beat)
    squat = keys(time, (2.86, 0), (3.02, -0.03), (3.42, 1), (3.60, 1), (3.98, 0.0), (4.3, 0))
    wave = ease(time, 1.35, 1.85) - ease(time, 2.62, 3.10)

    along = hips_along(time)
    place, heading = path(along)
    left, ahead = compass(heading)
    hips = place + 0.022 * -sway[:, None] * left
    hips[:, 1] = 0.530 * HEIGHT - 0.020 - walking * (0.014 + 0.016 * np.cos(2 * beat)) - 0.27 * squat
    hips += ((0.025 * walking - 0.20 * squat)[:, None]) * ahead
    idle = 1 - walking
    # The closing foot lands wider: the hips end in the middle of the feet.
    closing = (END_APART - FEET_APART) / 2 * (1 if STEPS % 2 else -1)
    hips += (idle * (closing + 0.012 * np.sin(2.1 * time + 0.4)))[:, None] * left

    world_yaw = turn(heading + np.radians(5) * swing, 1)
    local = {"hips": multiply(world_yaw, tilt(np.radians(3.0 * walking + 30 * squat), np.radians(-2.5) * sway))}
    for name in ("spine", "chest", "upper_chest"):
        lean = np.radians(0.8 + 0.8 * walking + 3.5 * squat - 1.2 * wave)
        side = np.radians(1.0) * sway + np.radians(1.6) * wave
        local[name] = multiply(turn(np.radians(-3.4) * swing, 1), tilt(lean, side))
    look = keys(time, (0, 8), (0.9, 14), (1.5, 22), (2.6, 20), (3.2, 6), (4.2, 4)) - np.degrees(heading) * 0.25
    nod = np.radians(keys(time, (0, 2), (1.5, -1), (2.0, -4), (2.25, 3), (2.5, -3), (2.9, 0), (3.45, -18), (4.1, 0)))
    for name in ("neck", "head"):
        yaw = np.radians(look / 2) + np.radians(2.6) * swing
        local[name] = multiply(turn(yaw, 1), tilt(nod / 2 - np.radians(1.0), np.radians(-1.4) * wave))

    rhythm = 7.8 * (time - 1.7)
    reach = 85 * np.maximum(squat, 0)
    arms = {
        "left": dict(flex=9 + 20 * swing + reach, abduct=9 + 3 * wave, twist=0 * time, bend=22 + 9 * swing + 4 * squat),
        "right": dict(
            flex=(9 - 20 * swing) * (1 - wave) + reach + 16 * wave,
            abduct=9 + 66 * wave,
            twist=-92 * wave,
            bend=(22 - 9 * swing + 4 * squat) * (1 - wave) + wave * (88 + 27 * np.sin(rhythm)),
        ),
    }
    for side, arm in arms.items():
        shrug = 10 * wave if side == "right" else 0 * time
        hand_lag = wave * 20 * np.sin(rhythm - 0.9) if side == "right" else 0 * time
        local |= arm_rotations(side, arm, shrug, hand_lag)

    rotations = np.tile([1.0, 0, 0, 0], (FRAMES, len(skeleton), 1))
    for name, rotation in local.items():
        rotations[:, joint[name]] = rotation
    world, _ = transforms(rotations, hips, skeleton.offsets, skeleton.parents)
    for side, (ankle, foot_yaw, pitch) in feet.items():
        pelvis = world[:, joint["hips"]]
        hip = hips + rotate(pelvis, skeleton.offsets[joint[f"{side}_thigh"]])
        outward = np.radians(7 if side == "left" else -7)
        forward = rotate(turn((foot_yaw + heading) / 2 + outward, 1), np.array([0.0, 0, 1]))
        thigh, shin = leg(hip, ankle, forward, skeleton, joint, side)
        world[:, joint[f"{side}_thigh"]], world[:, joint[f"{side}_shin"]] = thigh, shin
        world[:, joint[f"{side}_foot"]] = multiply(turn(foot_yaw, 1), turn(pitch, 0))
        # The toes stay flat while the heel rises.
        world[:, joint[f"{side}_toes"]] = multiply(turn(foot_yaw, 1), turn(np.minimum(pitch, 0), 0))
    rotations = unroll(local_rotations(world, skeleton.parents))
    return Motion(skeleton, rotations, hips, FPS, provenance={"made by": "scenes/demo/make_clip.py"})


def footfalls(skeleton, joint) -> dict[str, list[Footfall]]:
    """Where each foot stands, in order; the steps alternate, right first, and the last one closes up."""
    ankle_height = skeleton.rest_positions()[joint["left_foot"], 1]
    falls = {side: [] for side in SIDES}
    for step in range(-2, STEPS + 1):
        side = SIDES[1 - step % 2]
        place, heading = path(np.array([min(step, STEPS - 1) * STEP_LENGTH]))
        left, _ = compass(heading)
        apart = FEET_APART if step < STEPS else 2 * END_APART - FEET_APART
        aside = apart / 2 if side == "left" else -apart / 2
        place = place[0] + aside * left[0] + np.array([0, ankle_height, 0])
        outward = np.radians(6 if side == "left" else -6)
        strike = FIRST_STRIKE + step * STEP_TIME
        lift = np.inf if step >= STEPS - 1 else strike + STEP_TIME + 0.11
        falls[side].append(Footfall(strike, lift, place, heading[0] + outward))
    return falls


def foot_path(time, falls, skeleton, joint, side):
    """Ankle (F, 3), heading (F,) and pitch (F,) of a foot; its heel and its ball stay put while they are down."""
    ball = skeleton.offsets[joint[f"{side}_toes"]]
    heel = np.array([0, ball[1], -0.03 * HEIGHT])
    ankle, heading, pitch = np.zeros((len(time), 3)), np.zeros(len(time)), np.zeros(len(time))
    for fall, following in zip(falls, [*falls[1:], None], strict=True):
        stands = (time >= fall.strike) & (time < fall.lift)
        ankle[stands], pitch[stands] = standing(time[stands], fall, ball, heel)
        heading[stands] = fall.heading
        if following is None:
            continue
        swings = (time >= fall.lift) & (time < following.strike)
        span = (fall.lift, following.strike)
        (before, leaving), _ = standing(np.array([fall.lift - 1e-3, fall.lift]), fall, ball, heel)
        (arriving,), _ = standing(np.array([following.strike]), following, ball, heel)
        speed = 0.8 * (leaving - before) / 1e-3
        ankle[swings] = CubicHermiteSpline(span, (leaving, arriving), (speed, [0, -0.25, 0]))(time[swings])
        part = (time[swings] - span[0]) / (span[1] - span[0])
        ankle[swings, 1] += 0.045 * 16 * part**2 * (1 - part) ** 2
        pitch[swings] = PchipInterpolator(
            (0, 0.12, 0.55, 0.85, 1), (HEEL_OFF, 1.08 * HEEL_OFF, 0.1, HEEL_FIRST, HEEL_FIRST)
        )(part)
        heading[swings] = fall.heading + (following.heading - fall.heading) * ease(part, 0, 1)
    return ankle, heading, pitch


def standing(time, fall, ball, heel):
    """Ankle (N, 3) and pitch (N,) of a foot that lands on its heel, lies flat, and rolls off over its ball."""
    landing = HEEL_FIRST * (1 - ease(time, fall.strike, fall.strike + 0.13))
    leaving = HEEL_OFF * np.clip((time - fall.lift + 0.26) / 0.26, 0, 1) ** 2 if np.isfinite(fall.lift) else 0
    pitch = landing + leaving
    flat = turn(np.full(len(time), fall.heading), 1)
    pivot = np.where(pitch[:, None] > 0, ball, heel)
    return fall.place + rotate(flat, pivot) - rotate(multiply(flat, turn(pitch, 0)), pivot), pitch


def hips_along(time):
    """How far along the path (F,) the hips are: between the feet at each strike, over them at the end."""
    strikes = FIRST_STRIKE + STEP_TIME * np.arange(-2, STEPS)
    places = STEP_LENGTH * (np.arange(-2, STEPS) - 0.5)
    end = STEP_LENGTH * (STEPS - 1)
    times = [*strikes, strikes[-1] + STEP_TIME, strikes[-1] + 1.6 * STEP_TIME, 9.0]
    return PchipInterpolator(times, [*places, end - 0.05, end + 0.012, end + 0.012])(time)


def path(along):
    """Place (N, 3) on the floor and heading (N,) at a way (N,) along the walk; it ends at the origin, facing +Z."""
    end = STEP_LENGTH * (STEPS - 1)
    fine = np.linspace(-4 * STEP_LENGTH, end + 0.5, 2000)
    heading = TURN * (1 - ease(fine, 0.1 * end, end))
    steps = np.stack((np.sin(heading), 0 * heading, np.cos(heading)), axis=-1) * (fine[1] - fine[0])
    places = np.cumsum(steps, axis=0)
    places -= places[np.searchsorted(fine, end)]
    at = np.stack([np.interp(along, fine, column) for column in places.T], axis=-1)
    return at, np.interp(along, fine, heading)


def compass(heading):
    """Directions to the left and ahead (N, 3) of headings (N,)."""
    c, s, zero = np.cos(heading), np.sin(heading), 0 * heading
    return np.stack((c, zero, -s), axis=-1), np.stack((s, zero, c), axis=-1)


def leg(hip, ankle, forward, skeleton, joint, side):
    """World rotations (F, 4) of thigh and shin that bring the ankle to its place, knee toward `forward` (F, 3)."""
    thigh = np.linalg.norm(skeleton.offsets[joint[f"{side}_shin"]])
    shin = np.linalg.norm(skeleton.offsets[joint[f"{side}_foot"]])
    line = ankle - hip
    distance = np.linalg.norm(line, axis=-1, keepdims=True)
    if distance.max() > 0.999 * (thigh + shin):
        raise ValueError(f"the {side} foot is out of reach at frame {distance.argmax()}; lower the hips")
    down = line / distance
    aside = forward - (forward * down).sum(axis=-1, keepdims=True) * down
    aside /= np.linalg.norm(aside, axis=-1, keepdims=True)
    foot = (thigh**2 - shin**2 + distance**2) / (2 * distance)
    knee = hip + foot * down + np.sqrt(thigh**2 - foot**2) * aside
    hinge = np.cross(-down, aside)
    return tuple(quaternion_from_columns(np.cross(up, np.cross(hinge, up)), up) for up in (hip - knee, knee - ankle))


def arm_rotations(side, arm, shrug, hand_lag):
    """Local rotations (F, 4) of an arm by degrees: forward, out from the side, about itself, at the elbow."""
    flex, abduct, twist, bend = (np.radians(arm[key]) for key in ("flex", "abduct", "twist", "bend"))
    lowered = multiply(turn(-flex, 0), turn(abduct - np.pi / 2, 2))
    rotations = {
        "shoulder": turn(np.radians(shrug), 2),
        "upper_arm": multiply(lowered, turn(twist, 0)),
        "forearm": turn(-bend, 1),
        "hand": multiply(turn(np.radians(-hand_lag), 1), turn(np.radians(-6 + 0 * flex), 2)),
    }
    mirror = np.array([1.0, 1, 1, 1] if side == "left" else [1.0, 1, -1, -1])
    return {f"{side}_{part}": rotation * mirror for part, rotation in rotations.items()}


def turn(angle, axis):
    """Rotations (F, 4) by angles (F,) about the x, y or z axis."""
    vector = np.zeros((*np.shape(angle), 3))
    vector[..., axis] = angle
    return quaternion_from_axis_angle(vector)


def tilt(forward, side):
    """Rotations (F, 4) that lean forward and then raise the left side, by angles (F,)."""
    return multiply(turn(forward, 0), turn(side, 2))


def ease(value, start, end):
    """0 before `start`, 1 after `end`, smooth to the second derivative between (Perlin's quintic)."""
    x = np.clip((value - start) / (end - start), 0, 1)
    return x**3 * (x * (6 * x - 15) + 10)


def keys(time, *points):
    """Values (F,) through (time, value) keys without overshoot."""
    times, values = zip(*points, strict=True)
    return PchipInterpolator(times, values, extrapolate=False)(np.clip(time, times[0], times[-1]))


if __name__ == "__main__":
    main()
