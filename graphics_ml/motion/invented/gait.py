"""Walking, jogging and running, ahead, sideways, backwards, in curves, on the spot and on a treadmill.

Feet are planted first: each lands where the body will be in the middle of its stance, rolls over heel and ball and
swings on; hips, trunk and arms follow the same phase, and legs come by inverse kinematics, so feet do not slide.
Timing and amplitudes are those of measured gait: stance 0.60 of a stride and the foot's angles from Winter, "The
Biomechanics and Motor Control of Human Gait" (1991); pelvis list and rotation from Saunders, Inman and Eberhart, J.
Bone and Joint Surgery 1953; running from Novacheck, "The biomechanics of running", Gait and Posture 1998.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.invented.arms import draw_fingers, swung_arm
from graphics_ml.motion.invented.body import HIP_WIDTH, HIPS, SIDES
from graphics_ml.motion.invented.curves import drift, min_jerk
from graphics_ml.motion.invented.tracks import Tracks, standing


@dataclass
class Gait:
    """The style of a gait; lengths in body heights, angles in radians.

    Args:
        speed: body heights a second.
        cadence: steps a second.
        duty: part of a stride that a foot is on the floor.
        course: direction of travel against the body's, 0 ahead, pi backwards, pi / 2 to the left.
        turning: radians a second to the left.
    """

    speed: float
    cadence: float
    duty: float
    course: float = 0.0
    turning: float = 0.0
    wander: float = 0.0  # how much the heading drifts
    width: float = 0.9  # of the track, in hip widths
    toe_out: float = 0.12
    crouch: float = 0.01
    bounce: float = 0.008
    sway: float = 0.012
    lean: float = 0.05
    stoop: float = 0.03
    pelvis_turn: float = 0.08
    pelvis_list: float = 0.05
    counter: float = 0.12  # how far the chest turns against the pelvis
    push_off: float = 0.95  # pitch of the foot when it leaves
    heel_strike: float = 0.32
    clearance: float = 0.012  # of the ball in mid-swing
    kick_up: float = 0.0  # more pitch in early swing, and more height
    arm_swing: float = 0.35
    elbow: float = 0.35
    elbow_swing: float = 0.2
    arms_out: float = 0.15
    limp: float = 0.0  # how much earlier one foot lands, in steps
    uneven: tuple[float, float] = (1.0, 1.0)  # of the two sides' lift and arm swing


def walking(rng) -> Gait:
    """Strolling to striding, in anybody's manner."""
    speed = rng.uniform(0.25, 1.05)
    # Steps lengthen and quicken together: cadence grows with the root of speed (Winter 1991, chapter 2).
    cadence = 1.86 * np.sqrt(speed / 0.75) * rng.normal(1, 0.09)
    energy = rng.uniform(0.4, 1.7)
    return Gait(
        speed=speed,
        cadence=cadence,
        duty=np.clip(0.655 - 0.06 * speed + rng.normal(0, 0.012), 0.57, 0.68),
        wander=rng.gamma(1.0, 0.06),
        width=rng.normal(0.9, 0.35),
        toe_out=rng.normal(0.14, 0.12),
        crouch=0.006 + rng.gamma(1.0, 0.010),
        bounce=0.009 * energy,
        sway=rng.uniform(0.006, 0.024),
        lean=rng.normal(0.04, 0.07),
        stoop=rng.normal(0.08, 0.14),
        pelvis_turn=rng.uniform(0.03, 0.18),
        pelvis_list=rng.uniform(0.02, 0.12),
        counter=rng.uniform(0.03, 0.28),
        push_off=np.clip(0.35 + 0.75 * speed * rng.uniform(0.8, 1.1), 0.3, 1.15),
        heel_strike=rng.uniform(0.0, 0.4),
        clearance=rng.gamma(2.0, 0.006) + 0.006,
        kick_up=rng.gamma(1.0, 0.12),
        arm_swing=rng.gamma(2.0, 0.17) * energy,
        elbow=rng.gamma(2.0, 0.18) + 0.1,
        elbow_swing=rng.uniform(0, 0.45),
        arms_out=rng.normal(0.2, 0.13),
        limp=rng.normal(0, 0.04) if rng.random() < 0.8 else rng.uniform(-0.25, 0.25),
        uneven=tuple(rng.normal(1, 0.15, 2)),
    )


def running(rng, speed=None) -> Gait:
    """Jogging to fast running."""
    speed = rng.uniform(1.1, 3.2) if speed is None else speed
    cadence = np.clip(rng.normal(2.55 + 0.18 * speed, 0.15), 2.2, 3.8)
    duty = np.clip(0.46 - 0.065 * speed + rng.normal(0, 0.02), 0.2, 0.44)
    return Gait(
        speed=speed,
        cadence=cadence,
        # A leg covers no more than three quarters of its length while it stands.
        duty=min(duty, 0.18 * cadence / speed),
        wander=rng.gamma(1.0, 0.05),
        width=rng.normal(0.35, 0.25),
        toe_out=rng.normal(0.1, 0.08),
        crouch=rng.uniform(0.02, 0.05),
        sway=rng.uniform(0.002, 0.01),
        lean=rng.normal(0.10, 0.05),
        stoop=rng.normal(0.06, 0.08),
        pelvis_turn=rng.uniform(0.05, 0.2),
        pelvis_list=rng.uniform(0.03, 0.1),
        counter=rng.uniform(0.12, 0.4),
        push_off=rng.uniform(0.8, 1.15),
        heel_strike=rng.uniform(-0.15, 0.3),
        clearance=0.03 + 0.035 * speed * rng.uniform(0.6, 1.2),
        kick_up=rng.uniform(0.2, 0.7) * min(speed / 2, 1.2),
        arm_swing=rng.uniform(0.35, 0.95),
        elbow=rng.normal(1.5, 0.35),
        elbow_swing=rng.uniform(0.0, 0.5),
        arms_out=rng.normal(0.3, 0.18),
        limp=rng.normal(0, 0.015),
        uneven=tuple(rng.normal(1, 0.08, 2)),
    )


def step_on(rng, times, gravity, gait: Gait, treadmill: bool = False) -> Tracks:
    """The tracks of a gait.

    Args:
        times: (F,) seconds.
        gravity: body heights a second squared.
        treadmill: whether the ground runs back under the body, so that it stays where it is.
    """
    tracks = standing(len(times))
    stride = 2 / gait.cadence
    phase = rng.random()
    path, heading, heading_at = _path(rng, times, gait, stride)
    swings = {}
    for number, (side, sign) in enumerate(SIDES.items()):
        offset = phase + 0.5 * number + (0.5 * gait.limp if number else 0)
        swings[side] = _plant(tracks, times, gait, side, sign, stride, offset, path, heading_at, gait.uneven[number])
    cycle = times / stride + phase
    place = path(times)
    tracks["hips"] = np.stack((place[:, 0], _height(gait, cycle, gravity), place[:, 1]), axis=1)
    _carry(rng, tracks, times, gait, cycle, heading)
    _swing_arms(rng, tracks, gait, cycle)
    if treadmill:
        for name, columns in (("hips", (0, 2)), ("left_sole", (0, 2)), ("right_sole", (0, 2))):
            tracks[name][:, columns] -= place
    return tracks


def _path(rng, times, gait, stride):
    """Place over the ground and heading as functions of time, known a stride beyond both ends."""
    margin = 2 * stride
    fine = np.linspace(times[0] - margin, times[-1] + margin, 64 + 8 * int((times[-1] - times[0]) / stride + 4))
    heading = gait.turning * fine + gait.wander * drift(rng, fine, 1, 2.0)[:, 0]
    heading -= np.interp(times[0], fine, heading)
    pace = gait.speed * (1 + 0.04 * drift(rng, fine, 1, 1.5)[:, 0])
    course = heading + gait.course
    velocity = pace[:, None] * np.stack((np.sin(course), np.cos(course)), axis=1)
    steps = (velocity[1:] + velocity[:-1]) / 2 * np.diff(fine)[:, None]
    along = np.concatenate((np.zeros((1, 2)), np.cumsum(steps, axis=0)))
    start = np.array([np.interp(times[0], fine, column) for column in along.T])

    def path(at):
        return np.stack([np.interp(at, fine, column) for column in along.T], axis=-1) - start

    return path, np.interp(times, fine, heading), lambda at: np.interp(at, fine, heading)


def _plant(tracks, times, gait, side, sign, stride, offset, path, heading_at, lift):
    """One foot: where it stands, and how it gets there."""
    cycle = times / stride + offset
    step = np.floor(cycle)
    share = cycle - step  # 0 at landing, `duty` at leaving
    middle = 0.5 * gait.duty

    def landed(number):
        at = (number - offset + middle) * stride
        turn = heading_at(at)
        aside = sign * HIP_WIDTH * gait.width
        place = path(at) + aside * np.stack((np.cos(turn), -np.sin(turn)), axis=-1)
        return np.concatenate((place, (turn + sign * gait.toe_out)[:, None]), axis=1)

    here, there = landed(step), landed(step + 1)
    swing = np.clip((share - gait.duty) / (1 - gait.duty), 0, 1)
    moved = here + min_jerk(swing)[:, None] * (there - here)
    # The ankle lies a third of a foot behind the middle of what one stands on.
    back = 0.035
    ahead = np.cos(gait.course)
    tracks[f"{side}_sole"] = np.stack(
        (
            moved[:, 0] - back * np.sin(moved[:, 2]),
            lift * gait.clearance * 64 * (swing * (1 - swing)) ** 3,
            moved[:, 1] - back * np.cos(moved[:, 2]),
        ),
        axis=1,
    )
    tracks[f"{side}_foot"] = np.stack((moved[:, 2], _pitch(gait, share, swing, ahead), 0 * share), axis=1)


def _pitch(gait, share, swing, ahead):
    """The foot's pitch: flat from a fifth to a half of the stance, up on the ball to its end, toes up before landing;
    played backwards where one walks backwards, and weakly where one goes sideways."""
    along = np.clip(share / gait.duty, 0, 1)
    strength = np.abs(ahead) ** 0.7
    strike, leave = gait.heel_strike * strength, gait.push_off * strength
    down, up = 1 - min_jerk(along / 0.22), min_jerk((along - 0.5) / 0.5)
    if ahead < -0.3:
        # Landing on the ball and leaving over the heel.
        strike, leave = -0.6 * leave, -0.7 * strike
    curl = gait.kick_up * 2.6 * np.sin(np.pi * np.clip(swing / 0.75, 0, 1)) ** 2
    stance = -strike * down + leave * up * (share <= gait.duty)
    flight = leave * (1 - min_jerk(swing / 0.75)) - strike * min_jerk((swing - 0.5) / 0.5) + curl
    return np.where(share <= gait.duty, stance, flight)


def _height(gait, cycle, gravity):
    """Of the hips: highest in the middle of the stance when walking; a parabola between steps when running."""
    step = 1 / gait.cadence
    base = HIPS - gait.crouch
    since = (2 * cycle) % 1  # in steps, 0 when a foot lands
    if gait.duty >= 0.5:
        return base + gait.bounce * np.cos(2 * np.pi * (since - gait.duty)) - gait.bounce
    stance = 2 * gait.duty
    flight = (1 - stance) * step
    upwards = gravity * flight / 2
    late = (since - stance) * step
    airborne = upwards * late - gravity * late**2 / 2
    sunk = -upwards * stance * step / np.pi * np.sin(np.pi * since / stance)
    return base + np.where(since < stance, sunk, airborne)


def _carry(rng, tracks, times, gait, cycle, heading):
    """Pelvis, spine and head over the steps. The left foot stands in the middle of its stance at cycle duty / 2."""
    beat = 2 * np.pi * (cycle - gait.duty / 2)
    ahead = np.cos(gait.course)
    over_left = gait.sway * np.cos(beat)
    tracks["hips"][:, 0] += over_left * np.cos(heading)
    tracks["hips"][:, 2] -= over_left * np.sin(heading)
    # A quarter of a stride before, the left leg is ahead.
    turn = -gait.pelvis_turn * ahead * np.cos(beat + np.pi / 2 * 0.9)
    listing = gait.pelvis_list * np.cos(beat - 0.4)
    slow = drift(rng, times, 8, 1.1) * np.radians(1.6)
    tracks["pelvis"] = np.stack(
        (heading + turn, gait.lean + 0.015 * np.cos(2 * beat) + slow[:, 0], listing + slow[:, 1]), axis=1
    )
    lower = rng.uniform(0.3, 0.7)
    bend = np.stack((gait.stoop + slow[:, 2], listing + slow[:, 3], -turn * 1.0 + slow[:, 4]), axis=1)
    counter = gait.counter * ahead * np.cos(beat + np.pi / 2 * 0.9)
    tracks["lumbar"] = lower * bend
    tracks["thorax"] = (1 - lower) * bend + np.stack((0 * turn, 0 * turn, counter), axis=1)
    look = drift(rng, times, 3, 1.6) * np.radians((6, 3, 10)) + np.radians(rng.normal((0, 0, 0), (8, 3, 10)))
    look -= np.stack((0.6 * (gait.lean + bend[:, 0]), 0 * turn, counter), axis=1)
    share = rng.uniform(0.3, 0.6)
    tracks["neck"], tracks["head"] = share * look, (1 - share) * look


def _swing_arms(rng, tracks, gait, cycle):
    ahead = np.cos(gait.course)
    for number, side in enumerate(SIDES):
        # Against the leg of its own side, which is ahead when it lands.
        beat = np.cos(2 * np.pi * (cycle + 0.5 * number - 0.04))
        swing = -gait.arm_swing * gait.uneven[1 - number] * beat * ahead
        forwards = 0.06 + 0.12 * gait.arm_swing - 0.3 * max(gait.elbow - 1, 0)
        elbow = gait.elbow + gait.elbow_swing * (swing / max(gait.arm_swing, 0.1))
        tracks[f"{side}_wrist"] = swung_arm(forwards + swing, gait.arms_out, elbow, 0.25 * min(gait.elbow, 1.2))
        tracks[f"{side}_clavicle"] = np.stack((0.02 * beat, -0.12 * swing), axis=1)
        tracks[f"{side}_hand"] = rng.normal((-0.2, 0.0, 0.0), (0.25, 0.15, 0.08)) + 0.12 * swing[:, None] * (0, 1, 0)
        tracks[f"{side}_fingers"] = draw_fingers(rng, 1)
        tracks[f"{side}_elbow"] = rng.normal(0, 0.15)
