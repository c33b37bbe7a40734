"""Which way is up, and where the feet stand, from the motion of a body alone.

Up: over a clip the ground pushes a body up against its weight and not aside, so the mean centre of mass lies straight
above the mean point of support, but for what the body gained in speed (the zero moment point: Vukobratović and Borovac,
"Zero-moment point - thirty five years of its life", 2004, equation 5, averaged over time). Soles that lie on the floor,
the trunk and the picture's own up count beside it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from graphics_ml.motion.filters import smooth
from graphics_ml.pose.body import ANKLE_HEIGHT, JOINTS, Placed, Points
from graphics_ml.pose.camera import tilt_and_roll, up_in_camera

FOOT_POINTS = ("left heel", "left toes", "right heel", "right toes")

# Parts of the body's mass and where each segment's centre lies between two joints (proximal part): Winter,
# "Biomechanics and Motor Control of Human Movement" (2009), table 4.1, after Dempster.
_SEGMENT_MASS = (
    ("hips", "neck", 0.497, 0.50),
    ("neck", "head", 0.081, 1.0),
    *(
        (f"{side}_{a}", f"{side}_{b}", mass, part)
        for side in ("left", "right")
        for a, b, mass, part in (
            ("upper_arm", "forearm", 0.028, 0.436),
            ("forearm", "hand", 0.022, 0.682),
            ("thigh", "shin", 0.100, 0.433),
            ("shin", "foot", 0.061, 0.606),
        )
    ),
)
_LEVEL_ERROR = 0.12  # metres by which points of support seem off the floor
_CONTRADICTED = 2.5  # a clue this many times further off than expected counts half
_GRAVITY = 9.81
PICTURE_TILT = np.radians(-12.0)
"""Most films are taken from a standing person's hand, looking down a little; radians."""
# Expected errors of tilt and roll.
_PICTURE_ERROR = np.radians((9.0, 10.0))
_TRUNK_ERROR = np.radians((25.0, 25.0))
_BALANCE_ERROR = np.radians((8.0, 4.0))
_SOLE_ERROR = np.radians((15.0, 15.0))


def foot_points(height: float, foot_scale: float) -> Points:
    """The soles' heels and balls (FOOT_POINTS), on a body of this height in metres with feet scaled so."""
    joints = [JOINTS.index(f"{side}_foot") for side in ("left", "left", "right", "right")]
    places = np.array([[0, -ANKLE_HEIGHT, -0.022], [0, -ANKLE_HEIGHT, 0.085]] * 2) * height
    places[:, 2] *= foot_scale
    return Points(np.array(joints), places)


def centre_of_mass(placed: Placed) -> np.ndarray:
    """(F, 3) metres, of segments with the masses of an average adult."""
    total, mass = 0.0, 0.0
    for start, end, part, along in _SEGMENT_MASS:
        a, b = (placed.positions[:, JOINTS.index(joint)] for joint in (start, end))
        total, mass = total + part * (a + along * (b - a)), mass + part
    return total / mass


def estimate_up(
    placed: Placed, feet: np.ndarray, trust: np.ndarray, fps: float, to_camera: np.ndarray, takes: list[slice]
) -> np.ndarray:
    """The direction (3,) of up in the camera's axes (x right, y down, z away).

    Each clue gives a tilt and a roll of the camera with an error expected of each: a body's lean towards or away from
    the camera is known much less well than its lean aside. A clue that the others contradict counts little: somebody
    who sits or hangs is not balanced over the feet.

    Args:
        placed: F frames of the body, in any axes.
        feet: (F, 4, 3) FOOT_POINTS, in the same axes.
        trust: (F, 4) how well each is seen, 0..1.
        fps: frames per second.
        to_camera: (3, 3) from these axes to the camera's.
        takes: frames that continue each other, in order.
    """
    trunk = placed.positions[:, JOINTS.index("neck")] - placed.positions[:, JOINTS.index("hips")]
    trunk = np.mean(trunk / np.linalg.norm(trunk, axis=1, keepdims=True), axis=0)
    clues = [(PICTURE_TILT, 0.0, *_PICTURE_ERROR), (*tilt_and_roll(to_camera @ trunk), *_TRUNK_ERROR)]
    up = _agreed(clues)
    if trust.mean() < 0.3:
        return up
    mass = centre_of_mass(placed)
    gained = _mean_acceleration(mass, fps, takes)
    soles = placed.rotations[..., 1][:, [JOINTS.index("left_foot"), JOINTS.index("right_foot")]]
    speed = np.linalg.norm(_velocity(feet, fps, takes), axis=-1)
    still = np.exp(-((speed / (0.3 + np.median(speed))) ** 2))
    for _ in range(4):
        height = feet @ (to_camera.T @ up)
        above = height - height.min(axis=1, keepdims=True)
        load = trust * still * np.exp(-((above / 0.1) ** 2)) + 1e-9
        support = np.sum(load[..., None] * feet, axis=1) / load.sum(axis=1, keepdims=True)
        lever = np.average(mass - support, axis=0, weights=load.max(axis=1))
        balance = lever - np.linalg.norm(lever) / _GRAVITY * gained
        doubt = 1 / max(0.1, load.max(axis=1).mean())  # who is seen to stand half of the time is half as sure
        more = [(*tilt_and_roll(to_camera @ balance), *(error * doubt for error in _BALANCE_ERROR))]
        flat = np.minimum(load[:, 0::2], load[:, 1::2]) ** 2  # (F, 2): heel and ball both low
        if flat.sum() > 0.1 * len(feet):
            normal = np.sum(flat[..., None] * soles, axis=(0, 1))
            more.append((*tilt_and_roll(to_camera @ normal), *_SOLE_ERROR))
        up = _agreed(clues + more)
        up = to_camera @ _levelled(to_camera.T @ up, support, load.max(axis=1), clues + more, to_camera, fps)
    return up


def _levelled(up, support, weight, clues, to_camera, fps):
    """Up turned so far that the points of support lie level, as far as their spread outweighs the clues."""
    right = to_camera.T @ np.array([1.0, 0.0, 0.0])
    right = _unit(right - (right @ up) * up)
    arm = support - np.average(support, axis=0, weights=weight)
    flat = np.stack((arm @ right, arm @ np.cross(up, right)), axis=1)
    errors = np.array([clue[2:] for clue in clues])
    certain = np.diag((errors**-2.0).sum(axis=0)[::-1])  # leaning aside is roll, leaning ahead is tilt
    independent = max(1.0, 2 * len(arm) / fps) / weight.sum()
    slope = np.zeros(2)
    for _ in range(5):
        off = arm @ up - flat @ slope
        robust = independent * weight / (1 + (off / (2 * _LEVEL_ERROR)) ** 2) / _LEVEL_ERROR**2
        slope = np.linalg.solve((flat * robust[:, None]).T @ flat + certain, flat.T @ (robust * (arm @ up)))
    return _unit(up - slope[0] * right - slope[1] * np.cross(up, right))


def _unit(vector):
    return vector / np.linalg.norm(vector)


def _agreed(clues):
    """Up in the camera's axes from clues (tilt, roll, error of tilt, error of roll): their mean of least Geman-McClure
    cost.
    """
    angles, errors = np.split(np.array(clues), 2, axis=1)

    def off(mean):
        return (angles - mean + np.pi) % (2 * np.pi) - np.pi

    def trust(mean):
        return 1 / (1 + np.sum((off(mean) / errors) ** 2, axis=1, keepdims=True) / _CONTRADICTED**2)

    means = []
    for mean in angles:
        for _ in range(20):
            weight = (trust(mean) / errors) ** 2
            mean = mean + np.sum(weight * off(mean), axis=0) / weight.sum(axis=0)
        means.append(mean)
    return up_in_camera(*max(means, key=lambda mean: trust(mean).sum()))


@dataclass(frozen=True)
class Footing:
    """How the feet stand.

    Attributes:
        contact: (F, 4) how surely each of the FOOT_POINTS is planted, 0..1.
        floor: height of the floor, metres.
        velocity: (3,) of the floor under the feet, m/s; not zero on a treadmill.
    """

    contact: np.ndarray
    floor: float
    velocity: np.ndarray


def find_footing(
    feet: np.ndarray,
    mass: np.ndarray,
    trust: np.ndarray,
    sight: np.ndarray,
    fps: float,
    leg: float,
    takes: list[slice],
) -> Footing:
    """Contacts, floor and a treadmill's belt.

    Which feet are planted is decided for all frames at once, by the likeliest path (Viterbi, "Error bounds for
    convolutional codes", 1967) through the sixteen states that four points can be in. A planted point moves with the
    floor, near the ground; a moving one may do anything, and long-tailed errors let a planted one stray for a moment,
    as detectors' feet do when legs cross. Somebody whose feet are all in the air falls: where the centre of mass does
    not, one of the points is planted. But what rests far above or below where most contacts lie is on no floor: a
    rung, or the air under somebody who sits or hangs.

    Args:
        feet: (F, 4, 3) FOOT_POINTS, Y up, metres.
        mass: (F, 3) centre of mass.
        trust: (F, 4) how well each point is seen, 0..1.
        sight: (F, 4, 3) directions from the camera to the points; speed along them is known least.
        fps: frames per second.
        leg: leg length, metres.
        takes: frames that continue each other, in order.
    """
    size = leg / 0.9
    calm = _in_takes(lambda part: smooth(part, fps, 4.0), feet, takes)
    # The ground is where the lower foot was in the last moments or will be in the next: it may seem to rise or fall.
    lowest = calm[..., 1].min(axis=1)
    reach = max(1, round(0.75 * fps))
    ground = _in_takes(lambda part: _least_around(part, reach), lowest, takes)
    above = np.maximum(calm[..., 1] - ground[:, None], 0)
    low = np.exp(-((above / (0.05 * size)) ** 2))
    belt = _belt_velocity(_velocity(calm, fps, takes), mass, low * trust, fps, size)
    quick = _in_takes(lambda part: smooth(part, fps, _FOOT_CUTOFF), feet, takes)
    above = np.maximum(quick[..., 1] - ground[:, None], 0)
    velocity = _velocity(quick, fps, takes) - belt
    seen = np.clip(trust / 0.3, 0.1, 1)
    evidence = _planted_evidence(velocity / size, above / size, sight)
    borne = _weight_borne(mass, fps, takes)
    planted = np.concatenate([_likeliest(evidence[take], borne[take], fps) for take in takes])
    contact = planted * seen
    for take in takes:
        _leave_what_is_off_the_floor(contact[take], feet[take][..., 1], _OFF_FLOOR * size)
    floor = _weighted_median(feet[..., 1], contact) if contact.any() else float(np.percentile(lowest, 20))
    return Footing(contact, floor, belt)


_FOOT_CUTOFF = 7.0  # Hz
_STRAY, _STRAY_ALONG = 0.12, 1.0  # m/s by which a planted point seems to move across and along the line of sight
_SWING, _SWING_ALONG = 2.0, 2.6  # m/s of a moving one
_TAILS = 2.0  # degrees of freedom of Student's distribution
_LIFT = 0.06  # metres by which a planted point seems to hover
# Metres from the floor at which nothing is planted on it: honest contacts of films with known motion lie within 0.13
# (0.2 in one jump), those of rungs and swinging legs 0.2 to 0.85 off; 0.1 to 0.3 give the same means.
_OFF_FLOOR = 0.2
_INDEPENDENT_RATE = 15.0  # frames a second that count in full
_SWITCH = 1.0  # logarithm of how much less likely a point is to change its state than to keep it
_FLOATING = 10.0  # and a body with all feet in the air is to be borne up
_STATES = (np.arange(16)[:, None] >> np.arange(len(FOOT_POINTS))) & 1  # (16, 4)


def _planted_evidence(velocity, above, sight):
    """(F, 4) logarithm of how much likelier a point's velocity and height are if it is planted."""
    sight = sight / np.linalg.norm(sight, axis=-1, keepdims=True)
    along = np.sum(velocity * sight, axis=-1)
    across = np.sum(velocity**2, axis=-1) - along**2
    still = _student(across, _STRAY, 2) + _student(along**2, _STRAY_ALONG, 1)
    moving = _student(across, _SWING, 2) + _student(along**2, _SWING_ALONG, 1)
    return still - moving + 1 - above**2 / (_LIFT**2 + above**2 / 4)


def _student(square, size, dimensions):
    """Logarithm of Student's density of a vector of this squared length, but for a constant."""
    return -dimensions * np.log(size) - (_TAILS + dimensions) / 2 * np.log1p(square / (_TAILS * size**2))


def _weight_borne(mass, fps, takes):
    """(F,) how surely the ground holds the body, 0..1, from the vertical acceleration of its centre of mass."""
    height = _in_takes(lambda part: smooth(part, fps, 5.0), mass[:, 1], takes)
    fall = _velocity(_velocity(height, fps, takes), fps, takes) / -_GRAVITY
    return np.clip((0.7 - fall) / 0.4, 0, 1)


def _likeliest(evidence, borne, fps):
    """(F, 4) bool, the likeliest path through the _STATES."""
    scores = evidence @ (_STATES.T - 0.5)
    scores[:, 0] -= _FLOATING * borne
    scores *= min(1.0, _INDEPENDENT_RATE / fps)
    change = -_SWITCH * np.abs(_STATES[:, None] - _STATES).sum(axis=-1)
    every = np.arange(len(_STATES))
    best, came = scores[0], np.zeros(scores.shape, dtype=int)
    for frame in range(1, len(scores)):
        ways = best[:, None] + change
        came[frame] = ways.argmax(axis=0)
        best = ways[came[frame], every] + scores[frame]
    state, path = int(best.argmax()), np.zeros(len(scores), dtype=int)
    for frame in range(len(scores) - 1, -1, -1):
        path[frame], state = state, came[frame, state]
    return _STATES[path].astype(bool)


def _belt_velocity(velocity, mass, weight, fps, size):
    """(3,) the common horizontal velocity of feet on the ground, where it is not that of a floor at rest."""
    still = np.zeros(3)
    flat = velocity[..., [0, 2]].reshape(-1, 2)
    weight = weight.ravel()
    if len(mass) < fps or weight.sum() < 5:
        return still

    def support(v):
        return float(np.sum(weight * np.exp(-np.sum((flat - v) ** 2, axis=1) / (2 * (0.2 * size) ** 2))))

    starts = flat[np.argsort(weight)[-200:]]
    mode = max((np.median(starts, axis=0), *starts[::20]), key=support)
    for _ in range(20):  # mean shift (Comaniciu and Meer 2002)
        near = weight * np.exp(-np.sum((flat - mode) ** 2, axis=1) / (2 * (0.2 * size) ** 2))
        mode = near @ flat / (near.sum() + 1e-12)
    speed = np.linalg.norm(mode)
    travel = np.linalg.norm((mass[-1] - mass[0])[[0, 2]]) / (len(mass) / fps)
    if speed < 0.35 * size or support(mode) < 2 * support(np.zeros(2)) or travel > 0.4 * speed:
        return still
    return np.array([mode[0], 0.0, mode[1]])


def _leave_what_is_off_the_floor(contact, height, limit):
    """End, in place, the contacts (F, 4) that lie on the whole further than the limit from where most do."""
    if not contact.any():
        return
    above = height - _weighted_median(height, contact)
    for point, h in zip(contact.T, above.T, strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], (point > 0).astype(int), [0]))))
        for a, b in edges.reshape(-1, 2):
            if abs(h[a:b].mean()) > limit:
                point[a:b] = 0


def _weighted_median(values, weights):
    order = np.argsort(values, axis=None)
    total = np.cumsum(weights.ravel()[order])
    return float(values.ravel()[order[np.searchsorted(total, total[-1] / 2)]])


def _in_takes(function, values, takes):
    return np.concatenate([function(values[take]) for take in takes])


def _least_around(values, reach):
    return sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1).min(axis=-1)


def _velocity(points, fps, takes):
    def rate(part):
        return np.gradient(part, axis=0) * fps if len(part) > 1 else np.zeros_like(part)

    return _in_takes(rate, points, takes)


_END = 0.4  # seconds over which the speed at an end of a take is measured


def _mean_acceleration(points, fps, takes):
    """(3,) from the change of velocity between the ends of takes; a take too short to tell counts as steady."""
    part = max(3, round(_END * fps))
    gained, seconds = np.zeros(3), 0.0
    for take in takes:
        here = points[take]
        steady = len(here) < 3 * part
        gained = gained if steady else gained + _line(here[-part:], fps) - _line(here[:part], fps)
        seconds += (len(here) if steady else len(here) - part) / fps
    return gained / seconds


def _line(points, fps):
    """(3,) velocity by a straight line through the points."""
    time = (np.arange(len(points)) - (len(points) - 1) / 2) / fps
    return time @ points / (time @ time)
