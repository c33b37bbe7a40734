"""Kinds of moving the whole body on the spot: squats, lunges, picking up, sitting down, kicks, jumps, dance."""

import numpy as np

from graphics_ml.motion.invented.arms import draw_arms
from graphics_ml.motion.invented.body import HIP_WIDTH, HIPS, SIDES, THIGH
from graphics_ml.motion.invented.curves import min_jerk, pulse
from graphics_ml.motion.invented.flight import fly
from graphics_ml.motion.invented.plans import HELD, from_hold_to_hold, move_arms, move_trunk, tremble
from graphics_ml.motion.invented.settle import balance, lower_to_reach
from graphics_ml.motion.invented.stances import over_the_feet, put_feet, stand_about, step_about
from graphics_ml.motion.invented.tracks import Tracks, standing


def _base(rng, times, apart=1.0):
    """Standing on feet that are drawn, with arms that are drawn."""
    tracks = standing(len(times))
    width = HIP_WIDTH * np.clip(rng.normal(apart, 0.3), 0.6, 4)
    stagger = rng.normal(0, 0.03)
    for side, sign in SIDES.items():
        tracks[f"{side}_sole"] = (sign * width, 0, sign * stagger)
        tracks[f"{side}_foot"] = (sign * rng.uniform(0.0, 0.4), 0, 0)
    _put_arms(tracks, draw_arms(rng, 1, 0.8))
    move_trunk(rng, tracks, times, 0.6)
    return tracks


def _put_arms(tracks, arms, weight=1.0, sides=tuple(SIDES)):
    """Arms of single poses (one row) or of all times, as far as the weight (F,) says."""
    weight = np.reshape(weight, (-1, 1))
    for side in sides:
        for name in HELD:
            tracks[f"{side}_{name}"] += weight * (arms[f"{side}_{name}"] - tracks[f"{side}_{name}"])


def _over_the_middle(tracks, times, share=0.8):
    """The centre of mass over the middle of both feet, in time."""
    middle = (tracks["left_sole"] + tracks["right_sole"])[:, [0, 2]] / 2 + (0, 0.03)
    balance(tracks, middle, share, window=max(1, round(0.15 / (times[1] - times[0]))))


def _repeats(rng, times, slow=(0.9, 2.2)):
    """0..1..0 over and over, with rests at both ends, each time a little different; (F,)."""
    level, now = np.zeros(len(times)), rng.uniform(-0.8, 0.5)
    while now < times[-1]:
        down, hold, up = rng.uniform(*slow) * 0.5, rng.exponential(0.2), rng.uniform(*slow) * 0.45
        level += rng.uniform(0.75, 1.0) * pulse(times, now, down, hold, up)
        now += down + hold + up + rng.exponential(0.25)
    return level


def squat(rng, times, gravity):
    """Knee bends, shallow to deep, arms ahead or as drawn."""
    tracks = _base(rng, times, rng.uniform(1.0, 2.6))
    level = _repeats(rng, times) * rng.uniform(0.35, 1.0)
    tracks["hips"][:, 1] -= level * rng.uniform(0.16, 0.33)
    tracks["pelvis"][:, 1] += level * rng.uniform(0.2, 0.75)
    tracks["lumbar"][:, 0] += level * rng.uniform(-0.1, 0.3)
    tracks["neck"][:, 0] -= level * rng.uniform(0, 0.4)
    tracks["hips"][:, 2] -= 0.08 * level
    heel = rng.uniform(0, 0.5) * level if rng.random() < 0.3 else 0 * level
    for side in SIDES:
        tracks[f"{side}_foot"][:, 1] += heel
        tracks[f"{side}_knee"] += rng.uniform(-0.05, 0.25) * level[:, None]
    if rng.random() < 0.7:
        _put_arms(tracks, draw_arms(rng, 1, 0.95), np.clip(level, 0, 1))
    _over_the_middle(tracks, times)
    return tracks


def lunge(rng, times, gravity):
    """Long steps ahead, aside or back, and down into them, and back again."""
    tracks = _base(rng, times)
    steps, sunk, now = [], np.zeros(len(times)), rng.uniform(0, 0.5)
    heel = {side: np.zeros(len(times)) for side in SIDES}
    lean = np.zeros(len(times))
    side = str(rng.choice(tuple(SIDES)))
    alternate = rng.random() < 0.6
    home = {
        one: (tracks[f"{one}_sole"][0, 0], tracks[f"{one}_sole"][0, 2], tracks[f"{one}_foot"][0, 0]) for one in SIDES
    }
    while now < times[-1]:
        course, far = rng.choice((0.0, 0.0, 0.9, np.pi)) + rng.normal(0, 0.25), rng.uniform(0.25, 0.5)
        sign, out, stay, back = SIDES[side], rng.uniform(0.5, 0.8), rng.uniform(0.3, 1.2), rng.uniform(0.5, 0.8)
        x, z, turn = home[side]
        steps.append(
            (
                side,
                now,
                out,
                x + sign * far * np.sin(course),
                z + far * np.cos(course),
                turn + sign * 0.4 * np.sin(course),
            )
        )
        steps.append((side, now + out + stay, back, x, z, turn))
        down = pulse(times, now + 0.5 * out, 0.5 * out + 0.3 * stay, 0.4 * stay, 0.3 * stay + 0.4 * back)
        sunk += rng.uniform(0.2, 0.8) * far * down
        hind = side if np.cos(course) < -0.5 else ("right" if side == "left" else "left")
        heel[hind] += rng.uniform(0.4, 0.9) * abs(np.cos(course)) * down
        lean += rng.uniform(-0.05, 0.5) * down
        now += out + stay + back + rng.exponential(0.3)
        if alternate:
            side = "right" if side == "left" else "left"
    put_feet(tracks, times, steps, rng.uniform(0.03, 0.08))
    over_the_feet(tracks, times)
    for one in SIDES:
        tracks[f"{one}_foot"][:, 1] += heel[one]
    tracks["hips"][:, 1] -= sunk
    tracks["pelvis"][:, 1] += lean
    if rng.random() < 0.6:
        move_arms(rng, tracks, times, pause=0.6, alike=0.7)
    return tracks


def pick_up(rng, times, gravity):
    """Down to something on the floor or low, by the back or by the knees, with one hand or both, and up with it."""
    tracks = _base(rng, times, rng.uniform(0.9, 2.2))
    start, down, stay, up = rng.uniform(0, 0.8), rng.uniform(0.6, 1.3), rng.uniform(0.05, 0.5), rng.uniform(0.6, 1.4)
    level = pulse(times, start, down, stay, up)
    if rng.random() < 0.4:
        level += pulse(times, start + down + stay + up + rng.uniform(0.2, 0.8), down, stay, up)
    knees = rng.uniform(0.0, 1.0)
    bend = rng.uniform(0.55, 1.0) * (1.9 - 1.0 * knees)
    tracks["hips"][:, 1] -= level * (0.03 + 0.24 * knees)
    tracks["pelvis"][:, 1] += 0.6 * bend * level
    share = rng.uniform(0.3, 0.7)
    tracks["lumbar"][:, 0] += 0.42 * bend * share * level
    tracks["thorax"][:, 0] += 0.42 * bend * (1 - share) * level
    tracks["thorax"][:, 2] += rng.normal(0, 0.25) * level
    tracks["neck"][:, 0] -= rng.uniform(-0.1, 0.4) * level
    tracks["hips"][:, 2] -= 0.06 * level
    _over_the_middle(tracks, times)
    place = np.array([0.0, rng.uniform(0.03, 0.22), rng.uniform(0.12, 0.3)])
    both = rng.random() < 0.5
    wide = rng.uniform(0.03, 0.14)
    carried = draw_arms(rng, 1, 0.97, ("bent low", "ahead low", "belly", "ahead", "hanging"))
    after = min_jerk((times - start - down - stay) / up)
    for side, sign in SIDES.items():
        if side == "left" or both:
            _put_arms(tracks, carried, after, (side,))
            target = place + np.array([sign * wide + (0.0 if both else 0.04), 0, 0])
            tracks[f"{side}_touch"] = np.column_stack((np.broadcast_to(target, (len(times), 3)), np.minimum(level, 1)))
            tracks[f"{side}_hand"] = (rng.normal(0, 0.3), rng.normal(0, 0.2), 0)
            grip = min_jerk((times - start - down) / 0.3)[:, None]
            tracks[f"{side}_fingers"] = (1 - grip) * (0.1, 0.0, 0.5) + grip * (0.6, 0.5, 0.2)
    return tracks


def sit_down(rng, times, gravity):
    """Down onto a chair that is not there and up again."""
    tracks = _base(rng, times, rng.uniform(0.9, 1.5))
    level, now = np.zeros(len(times)), rng.uniform(-1.2, 0.8)
    while now < times[-1]:
        down, stay, up = rng.uniform(0.9, 1.6), rng.uniform(0.4, 1.6), rng.uniform(0.9, 1.6)
        level += pulse(times, now, down, stay, up)
        now += down + stay + up + rng.uniform(0.2, 1.0)
    seat = rng.normal(0.275, 0.02) + 0.055
    low = np.clip(level, 0, 1)
    # Whoever sits down or gets up leans ahead on the way, and not when there.
    way = 4 * low * (1 - low)
    tracks["hips"][:, 1] -= low * (HIPS - seat)
    tracks["hips"][:, 2] -= low * THIGH * rng.uniform(0.75, 0.95)
    tracks["pelvis"][:, 1] += rng.uniform(0.3, 0.7) * way - rng.uniform(-0.05, 0.2) * low
    tracks["lumbar"][:, 0] += rng.uniform(0, 0.3) * way + rng.uniform(-0.05, 0.25) * low
    tracks["neck"][:, 0] -= 0.25 * way
    if rng.random() < 0.7:
        _put_arms(tracks, draw_arms(rng, 1, 0.9, ("ahead low", "bent low", "ahead", "clasped", "belly")), low)
    tremble(rng, tracks, times)
    return tracks


def kick(rng, times, gravity):
    """Kicks ahead, aside and up, knees raised, legs swung back, balanced over the other foot."""
    tracks = _base(rng, times)
    now, lean, roll = rng.uniform(0.1, 0.6), np.zeros(len(times)), np.zeros(len(times))
    side = str(rng.choice(tuple(SIDES)))
    weight = {one: np.zeros(len(times)) for one in SIDES}
    leg = {one: np.zeros((len(times), 5)) for one in SIDES}
    while now < times[-1]:
        kind = rng.integers(0, 4)
        draw, hit, stay, back = (
            rng.uniform(0.25, 0.5),
            rng.uniform(0.14, 0.4),
            rng.exponential(0.15),
            rng.uniform(0.4, 0.7),
        )
        cocked = np.array([(60, 5, 5, 100, 5), (45, 30, 20, 95, 5), (70, 8, 0, 105, 10), (-5, 5, 0, 60, 20)][kind])
        struck = np.array([(80, 5, 0, 10, 20), (50, 42, 10, 15, 10), (85, 5, 0, 80, 0), (-18, 8, 0, 30, 30)][kind])
        ends = np.radians(rng.normal((cocked, struck), (8, 6, 6, 12, 8)) * rng.uniform(0.6, 1.05))
        first, second = min_jerk((times - now) / draw), min_jerk((times - now - draw) / hit)
        gone = min_jerk((times - now - draw - hit - stay) / back)
        live = (times > now) & (times < now + draw + hit + stay + back)
        leg[side] = np.where(live[:, None], ends[0] + second[:, None] * (ends[1] - ends[0]), leg[side])
        weight[side] += first - gone
        effort = second - gone
        lean += effort * (-0.3 * rng.random(), -0.1, -0.2 * rng.random(), 0.5 * rng.random())[kind]
        roll += SIDES[side] * effort * (0.05, 0.35 * rng.random(), 0.05, 0.0)[kind]
        now += draw + hit + stay + back + rng.exponential(0.25)
        if rng.random() < 0.5:
            side = "right" if side == "left" else "left"
    bound = np.radians(((-20, -20, -40, 0, -24), (120, 45, 43, 138, 48)))
    for one in SIDES:
        tracks[f"{one}_leg"] = np.column_stack((np.clip(leg[one], *bound), np.clip(weight[one], 0, 1)))
    tracks["pelvis"][:, 1] += lean
    tracks["pelvis"][:, 2] += roll
    tracks["lumbar"][:, 1] += 0.4 * roll
    move_arms(rng, tracks, times, pause=0.4, alike=0.5, names=("guard", "side", "away", "side bent", "bent low", "hip"))
    # Before a foot leaves the weight is over the other, so the free leg's weight is seen early and late.
    fps = 1 / (times[1] - times[0])
    early = {one: np.clip(2 * np.maximum(np.roll(w, -round(0.15 * fps)), w), 0, 1) for one, w in weight.items()}
    share = (0.5 + 0.5 * early["right"] - 0.5 * early["left"])[:, None]
    left, right = (tracks[f"{one}_sole"][:, [0, 2]] + (0, 0.03) for one in SIDES)
    balance(tracks, share * left + (1 - share) * right, 0.9, window=max(1, round(0.18 * fps)))
    return tracks


def jump(rng, times, gravity):
    """Jumps on the spot, ahead or aside, in free flight between take-off and landing."""
    tracks = _base(rng, times, rng.uniform(0.8, 2.0))
    now = rng.uniform(0.3, 0.9)
    swing, direction, fold = np.zeros(len(times)), rng.normal(0, 0.08, 2), rng.gamma(1.0, 0.06)
    spread = rng.uniform(0, 0.12) if rng.random() < 0.3 else 0.0
    dip = rng.uniform(0.05, 0.17)
    height, crouch, flights = rng.uniform(0.03, 0.24), np.zeros(len(times)), []
    place = np.zeros((len(times), 2))
    lean = rng.uniform(0.1, 0.6)
    while now < times[-1] - 0.2:
        down, push = rng.uniform(0.25, 0.55), rng.uniform(0.18, 0.28)
        flight = 2 * np.sqrt(2 * height / gravity)
        off = now + down + push
        land = rng.uniform(0.2, 0.35)
        crouch += min_jerk((times - now) / down) - min_jerk((times - now - down) / push)
        crouch += 0.8 * pulse(times, off + flight - 0.02, land * 0.6, 0, 0.6)
        swing += min_jerk((times - now - down) / (push + 0.2)) - min_jerk((times - off - flight) / 0.6)
        place += min_jerk((times - off + 0.1) / (flight + 0.15))[:, None] * direction
        flights.append((off, off + flight))
        now = off + flight + land + rng.uniform(0.2, 0.7)
    tracks["hips"][:, 1] -= dip * crouch
    tracks["pelvis"][:, 1] += lean * crouch
    tracks["hips"][:, [0, 2]] += place
    back = draw_arms(rng, 1, 1.0, ("back", "hanging", "bent low"))
    up = draw_arms(rng, 1, 0.95, ("overhead", "raised", "ahead", "side"))
    if rng.random() < 0.75:
        _put_arms(tracks, back, np.clip(crouch, 0, 1))
        _put_arms(tracks, up, np.clip(swing, 0, 1))
    for side, sign in SIDES.items():
        sole = tracks[f"{side}_sole"]
        for off, land in flights:
            air = np.clip((times - off) / (land - off), 0, 1)
            sole[:, 1] += (4 * height * air * (1 - air)) * (1 + fold / height * np.sin(np.pi * air) ** 2 * 0.6)
            sole[:, [0, 2]] += min_jerk(air)[:, None] * direction
            sole[:, 0] += sign * spread * np.sin(np.pi * air) ** 2
            point = np.clip((times - off + 0.14) / 0.14, 0, 1)
            tracks[f"{side}_foot"][:, 1] += 0.75 * (min_jerk(point) - min_jerk((times - land + 0.12) / 0.18))
    fly(tracks, times, flights, gravity)
    return tracks


def jumping_jacks(rng, times, gravity):
    """Legs apart and arms up, together and down, hopping."""
    tracks = _base(rng, times, 1.0)
    half = 0.5 / rng.uniform(0.6, 1.15)  # seconds from hop to hop
    beat = times / half + rng.random()
    hop = beat % 1
    flight = rng.uniform(0.4, 0.55)
    open_ = 0.5 - 0.5 * np.cos(np.pi * (np.floor(beat) + min_jerk(hop / flight)))
    raised = 0.5 - 0.5 * np.cos(np.pi * beat)
    wide = rng.uniform(0.08, 0.17)
    low, middle, high = (draw_arms(rng, 1, 1.0, (name,)) for name in ("away", "side", "overhead"))
    _put_arms(tracks, low)
    _put_arms(tracks, middle, np.clip(2 * raised, 0, 1))
    _put_arms(tracks, high, np.clip(2 * raised - 1, 0, 1))
    upwards, stand = gravity * flight * half / 2, (1 - flight) * half
    air = np.clip(hop / flight, 0, 1)
    rise = upwards * flight * half / 4 * 4 * air * (1 - air)
    sunk = upwards * stand / np.pi * np.sin(np.pi * np.clip((hop - flight) / (1 - flight), 0, 1))
    deep = 1.3 * upwards * stand / np.pi
    tracks["hips"][:, 1] += rise - sunk - 0.02
    for side, sign in SIDES.items():
        tracks[f"{side}_sole"][:, 0] += sign * wide * open_
        # Between take-off and landing the feet go with the body, on the ground the heels follow it.
        tracks[f"{side}_sole"][:, 1] += rise * 16 * (air * (1 - air)) ** 2
        tracks[f"{side}_foot"][:, 1] += 0.5 * (1 - np.clip(sunk / max(deep, 1e-3), 0, 1))
    return tracks


def dance(rng, times, gravity):
    """Steps, bounces, hips, shoulders and arms to one beat."""
    tempo = rng.uniform(1.4, 2.4)
    beat = times * tempo + rng.random()
    if rng.random() < 0.7:
        tracks = step_about(
            rng, times, pace=rng.choice((1, 2)) / tempo, reach=rng.uniform(0.02, 0.13), turning=rng.uniform(0.05, 0.5)
        )
    else:
        tracks = stand_about(rng, times, 2.0)
    if rng.random() < 0.5:
        _raise_knees(rng, tracks, beat)
    phases = rng.random((4, 8)) * 2 * np.pi

    def rhythm(slot, size, halves=(0.25, 0.5, 1.0)):
        """To the beat, each clip in its own measure and shape."""
        rate = rng.choice(halves)
        wave = np.sin(2 * np.pi * rate * beat + phases[0, slot])
        return rng.gamma(1.5, 0.66) * size * np.sign(wave) * np.abs(wave) ** rng.uniform(0.6, 1.3)

    tracks["hips"][:, 1] -= np.abs(rhythm(0, 0.022, (0.5, 1.0))) + rng.uniform(0.0, 0.05)
    tracks["hips"][:, 0] += rhythm(1, 0.022)
    tracks["pelvis"] += np.stack([rhythm(k, size) for k, size in ((2, 0.12), (3, 0.06), (4, 0.07))], axis=1)
    for name, size in (("lumbar", 0.09), ("thorax", 0.1), ("neck", 0.06), ("head", 0.07)):
        tracks[name] += np.stack([rhythm(k, size) for k in (5, 6, 7)], axis=1)
    count = int(beat[-1]) + 3
    every = rng.choice((1, 2, 4))
    starts = (np.arange(0, count, every) - beat[0]) / tempo
    lengths = np.full(len(starts), every / tempo * rng.uniform(0.7, 1.0))
    arms = draw_arms(rng, len(starts) + 1, rng.choice((0.2, 0.95)))
    if rng.random() < 0.6:  # the same two over and over
        arms = Tracks(arms.values[np.arange(len(arms)) % 2])
    for side in SIDES:
        for name in HELD:
            tracks[f"{side}_{name}"] = from_hold_to_hold(times, starts, lengths, arms[f"{side}_{name}"])
        tracks[f"{side}_wrist"] += np.stack([rhythm(k, 0.08) for k in (0, 3)] + [rhythm(5, 0.03)], axis=1)
        tracks[f"{side}_clavicle"][:, 0] += rhythm(1, 0.06)
    lower_to_reach(tracks, window=4)
    return tracks


def _raise_knees(rng, tracks, beat):
    """One leg or the other off the floor on some of the beats: knee up, kicked ahead or aside, or bent back."""
    kinds = ((60, 8, 5, 75, 10), (40, 10, 5, 15, 20), (15, 38, 10, 20, 20), (-8, 5, 0, 70, 30))
    every, late = rng.choice((2, 4)), rng.integers(0, 2)
    leg = np.radians(kinds[rng.integers(0, len(kinds))]) * rng.uniform(0.5, 1.2) + rng.normal(0, 0.06, 5)
    for number, side in enumerate(SIDES):
        share = (beat / every + 0.5 * number + 0.25 * late) % 1
        up = np.sin(np.pi * np.clip(share * every / 1.6, 0, 1)) ** 2
        tracks[f"{side}_leg"] = np.column_stack((np.broadcast_to(leg, (len(beat), 5)), up))
        tracks["hips"][:, 0] -= SIDES[side] * 0.03 * up


KINDS = {
    "squat": (squat, 4),
    "lunge": (lunge, 4),
    "pick up": (pick_up, 5),
    "sit down": (sit_down, 4),
    "kick": (kick, 4),
    "jump": (jump, 4),
    "jumping jacks": (jumping_jacks, 2),
    "dance": (dance, 6),
}
