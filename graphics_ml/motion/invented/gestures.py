"""Kinds of doing something with the hands, standing, stepping about, sitting or walking."""

import numpy as np

from graphics_ml.motion.invented.arms import DIRECTIONS, PLACES, draw_arms, draw_fingers, hold
from graphics_ml.motion.invented.body import ARM, SIDES
from graphics_ml.motion.invented.curves import drift, min_jerk, smoothed
from graphics_ml.motion.invented.gait import step_on, walking
from graphics_ml.motion.invented.plans import draw_times, from_hold_to_hold, move_arms, tremble
from graphics_ml.motion.invented.stances import sit_about, stand_about, step_about
from graphics_ml.motion.invented.tracks import wrist_about

_TALK = (
    "ahead low",
    "bent low",
    "side bent",
    "clasped",
    "belly",
    "chest",
    "hanging",
    "away",
    "hip",
    "anywhere",
    "folded",
)
_SELF = (*PLACES, "hanging")
_OPEN = ("overhead", "side", "raised", "ahead", "back", "away", "hanging", "anywhere")


def _anywhere(rng, times, gravity, moving=0.3):
    """The legs under a gesture."""
    kind = rng.random()
    if kind < 0.45:
        return stand_about(rng, times, rng.uniform(0.4, 1.6))
    if kind < 0.45 + 0.25:
        return sit_about(rng, times)
    if kind < 1 - moving * 0.5:
        return step_about(rng, times)
    return step_on(rng, times, gravity, walking(rng))


def idle(rng, times, gravity):
    """Standing with arms that rest, and now and then change how."""
    tracks = stand_about(rng, times, rng.uniform(0.3, 1.5))
    if rng.random() < 0.7:
        move_arms(rng, tracks, times, pause=3.0, alike=0.6)
    tremble(rng, tracks, times)
    return tracks


def talk(rng, times, gravity):
    """Gesturing while talking: short strokes between holds before the body."""
    tracks = _anywhere(rng, times, gravity)
    move_arms(rng, tracks, times, pause=rng.uniform(0.1, 0.8), alike=0.45, names=_TALK)
    strokes = drift(rng, times, 6, rng.uniform(0.18, 0.35)) * rng.uniform(0.02, 0.16)
    for k, side in enumerate(SIDES):
        tracks[f"{side}_wrist"] += strokes[:, 3 * k : 3 * k + 3] * (1, 0.8, 0.5)
    tremble(rng, tracks, times)
    return tracks


def gesture(rng, times, gravity):
    """Arms from anywhere to anywhere, in one's own time."""
    tracks = _anywhere(rng, times, gravity)
    move_arms(rng, tracks, times, pause=rng.uniform(0.05, 1.2), alike=0.5)
    tremble(rng, tracks, times)
    return tracks


def touch_self(rng, times, gravity):
    """Hands to head, face, hips, chest, behind the back."""
    tracks = _anywhere(rng, times, gravity)
    both = rng.random() < 0.5
    move_arms(rng, tracks, times, pause=0.8, alike=0.5, names=_SELF, sides=tuple(SIDES) if both else ("left",))
    tremble(rng, tracks, times)
    return tracks


def reach(rng, times, gravity):
    """One hand or both to targets in front, above, aside, below, the trunk going along (Flash and Hogan 1985)."""
    tracks = _anywhere(rng, times, gravity, moving=0)
    starts, lengths = draw_times(rng, times, rng.uniform(0.2, 0.9))
    count = len(starts) + 1
    both = rng.random() < 0.3
    arms = draw_arms(rng, count, 0.95, ("hanging", "ahead low", "bent low"))
    aims = np.stack((rng.normal(0.1, 0.7, count), rng.normal(0.0, 0.6, count), rng.uniform(0.75, 1.0, count)), axis=1)
    home = rng.random(count) < 0.3
    pointing = rng.random() < 0.4
    for side in SIDES if both else ("left",):
        keys = np.where(home[:, None], arms[f"{side}_wrist"], aims + rng.normal(0, 0.05, aims.shape))
        tracks[f"{side}_wrist"] = from_hold_to_hold(times, starts, lengths, keys)
        fingers = np.where(home[:, None], arms[f"{side}_fingers"], draw_fingers(rng, count) * (0.2 if pointing else 1))
        hands = np.where(home[:, None], arms[f"{side}_hand"], rng.normal((0, 0.1, 0), (0.7, 0.3, 0.12), (count, 3)))
        tracks[f"{side}_hand"] = from_hold_to_hold(times, starts, lengths, hands)
        tracks[f"{side}_fingers"] = from_hold_to_hold(times, starts, lengths, fingers)
        girdle = np.stack((0.22 * keys[:, 0] * ~home, -0.25 * (keys[:, 2] - 0.6) * ~home), axis=1)
        tracks[f"{side}_clavicle"] = from_hold_to_hold(times, starts, lengths, np.clip(girdle, -0.3, 0.55))
    # The trunk bends down to low targets, turns to those aside, and the eyes follow the hand.
    part = rng.uniform(0.1, 0.8) * ~home
    across = np.zeros((count, 3)) if both else np.stack((0 * part, 0 * part, -0.35 * part * (0.4 - aims[:, 1])), axis=1)
    bend = across + np.stack((part * np.clip(-aims[:, 0] * 0.5, -0.2, 0.9), -0.2 * part * aims[:, 1], 0 * part), axis=1)
    bend = from_hold_to_hold(times, starts - 0.08, lengths * 1.15, bend)
    tracks["lumbar"] += 0.45 * bend
    tracks["thorax"] += 0.45 * bend
    tracks["pelvis"][:, 1] += 0.4 * np.maximum(bend[:, 0], 0)
    gaze = np.stack((-0.45 * aims[:, 0], 0 * part, 0.4 * (aims[:, 1] + 0.2)), axis=1) * ~home[:, None]
    gaze = from_hold_to_hold(times, starts - 0.15, lengths * 0.6, gaze)
    tracks["neck"] += 0.4 * gaze
    tracks["head"] += 0.5 * gaze
    tremble(rng, tracks, times)
    return tracks


def wave(rng, times, gravity):
    """A raised hand, or both, waved from the elbow or with the whole arm."""
    tracks = _anywhere(rng, times, gravity)
    if rng.random() < 0.5:
        move_arms(rng, tracks, times, pause=2.0)
    frequency, begin = rng.uniform(0.8, 2.6), rng.uniform(0.0, 0.8)
    up = min_jerk((times - begin) / rng.uniform(0.4, 0.8))
    if rng.random() < 0.6:
        up = up - min_jerk((times - begin - rng.uniform(1.6, 3.0)) / 0.7)
    up = np.clip(up, 0, 1)[:, None]
    raised = np.array([rng.uniform(0.6, 2.0), rng.normal(0.0, 0.4), rng.uniform(0.5, 1.0)])
    amount = rng.gamma(2.0, 0.1) * np.array([0.2, rng.uniform(0.4, 1.2), 0.1])
    for side in SIDES if rng.random() < 0.25 else ("left",):
        beat = np.sin(2 * np.pi * frequency * (times - begin))[:, None]
        wrist, hand = tracks[f"{side}_wrist"], tracks[f"{side}_hand"]
        wrist += up * (raised + amount * beat - wrist)
        hand += up * (np.array([rng.uniform(-0.6, 0.6), 0.2, 0]) + 0.25 * beat * (0.3, 0.3, 1) - hand)
        tracks[f"{side}_fingers"] += up * ((0.05, 0.0, 0.5) - tracks[f"{side}_fingers"])
        clavicle = tracks[f"{side}_clavicle"]
        clavicle += up * ((0.2, 0.0) - clavicle)
    tremble(rng, tracks, times)
    return tracks


def clap(rng, times, gravity):
    """Both hands together and apart, before the belly to over the head."""
    tracks = _anywhere(rng, times, gravity)
    apart = rng.uniform(0.05, 0.35)
    beat = 0.5 - 0.5 * np.cos(2 * np.pi * np.cumsum(np.full(len(times), rng.uniform(0.7, 3.2)) * (times[1] - times[0])))
    beat = beat ** rng.uniform(0.6, 1.5) * apart
    height = rng.uniform(-0.12, 0.1) + 0.02 * drift(rng, times, 1, 1.0)[:, 0]
    ahead = rng.uniform(0.14, 0.26)
    if rng.random() < 0.2:
        height, ahead = height + 0.3, 0.12
    shoulder = np.array([0.104, 0.08, 0.0])
    for side in SIDES:
        place = np.stack((0.022 + beat, height, ahead - 0.4 * beat), axis=1) - shoulder
        reach = np.linalg.norm(place, axis=1, keepdims=True) / ARM
        tracks[f"{side}_wrist"] = np.concatenate((wrist_about(place), reach), axis=1)
        tracks[f"{side}_hand"] = (rng.uniform(0.2, 0.9), rng.uniform(-0.1, 0.4), 0.0)
        tracks[f"{side}_fingers"] = (0.08, 0.0, 0.3)
        tracks[f"{side}_elbow"] = rng.uniform(-0.1, 0.4)
    tremble(rng, tracks, times)
    return tracks


def stretch(rng, times, gravity):
    """Arms far out and up, the trunk bent to a side, back or ahead, slowly."""
    tracks = stand_about(rng, times, 0.5) if rng.random() < 0.75 else sit_about(rng, times)
    starts, lengths = draw_times(rng, times, 0.6, 1.0)
    count = len(starts) + 1
    move_arms(rng, tracks, times, pause=0.8, alike=0.75, names=_OPEN)
    bend = rng.standard_normal((count, 3)) * np.radians((22, 20, 24)) + np.radians((5, 0, 0))
    bend = from_hold_to_hold(times, starts, lengths, np.clip(bend, *np.radians(((-25, -30, -35), (70, 30, 35)))))
    tracks["lumbar"] += 0.45 * bend
    tracks["thorax"] += 0.45 * bend
    tracks["pelvis"][:, 1] += 0.35 * np.maximum(bend[:, 0], 0)
    tremble(rng, tracks, times)
    return tracks


def walk_and_do(rng, times, gravity):
    """Walking with hands that are busy: one or both in a hold, or going from hold to hold."""
    tracks = step_on(rng, times, gravity, walking(rng))
    sides = tuple(SIDES) if rng.random() < 0.4 else ("left",)
    if rng.random() < 0.5:
        for side in sides:
            hold(rng, tracks, side, str(rng.choice(tuple(DIRECTIONS) + tuple(PLACES))))
    else:
        move_arms(rng, tracks, times, pause=0.8, sides=sides)
    tremble(rng, tracks, times)
    return tracks


def box(rng, times, gravity):
    """Punches from a guard, stepping or standing."""
    tracks = step_about(rng, times, 0.6, 0.05, 0.1) if rng.random() < 0.6 else stand_about(rng, times)
    frames = 1 / (times[1] - times[0])
    twist = np.zeros(len(times))
    for side, sign in SIDES.items():
        guard = np.array([rng.normal(0.55, 0.15), rng.normal(-0.55, 0.12), rng.uniform(0.42, 0.6)])
        tracks[f"{side}_wrist"] = guard + drift(rng, times, 3, 0.4) * 0.05
        tracks[f"{side}_fingers"] = (0.95, 0.9, 0.0)
        tracks[f"{side}_hand"] = (rng.uniform(0, 0.6), 0.0, 0.0)
        tracks[f"{side}_elbow"] = rng.normal(-0.1, 0.15)
        now = rng.uniform(0, 1.0)
        while now < times[-1]:
            out, back = rng.uniform(0.16, 0.3), rng.uniform(0.22, 0.45)
            blow = min_jerk((times - now) / out) - min_jerk((times - now - out) / back)
            kind = rng.random()
            aim = (0.35, -0.45, 0.97) if kind < 0.65 else (0.5, -0.35, 0.7) if kind < 0.85 else (1.0, -0.5, 0.6)
            aim = np.array(aim) + rng.normal(0, 0.08, 3) - guard
            tracks[f"{side}_wrist"] += blow[:, None] * aim
            tracks[f"{side}_hand"] -= blow[:, None] * (0.5, 0, 0)
            tracks[f"{side}_elbow"] += blow[:, None] * (0.1 if kind < 0.65 else 0.8)
            tracks[f"{side}_clavicle"] += blow[:, None] * (0.05, -0.25)
            twist -= sign * blow * rng.uniform(0.2, 0.6)
            now += out + back + rng.exponential(0.6)
    twist = smoothed(np.clip(twist, -0.8, 0.8), round(0.08 * frames))
    tracks["pelvis"][:, 0] += 0.35 * twist
    tracks["thorax"][:, 2] += 0.5 * twist
    tracks["head"][:, 2] -= 0.6 * twist
    tracks["hips"][:, 1] -= rng.uniform(0.01, 0.05)
    return tracks


KINDS = {
    "idle": (idle, 4),
    "talk": (talk, 6),
    "gesture": (gesture, 8),
    "touch self": (touch_self, 5),
    "reach": (reach, 7),
    "wave": (wave, 4),
    "clap": (clap, 2),
    "stretch": (stretch, 4),
    "walk and do": (walk_and_do, 5),
    "box": (box, 3),
}
