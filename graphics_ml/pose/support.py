"""Which way is up, and where the feet stand, from the motion of a body alone.

Up: over a clip the ground pushes a body up against its weight and not aside, so the mean centre of mass lies straight
above the mean point of support, but for what the body gained in speed (the zero moment point: Vukobratović and Borovac,
"Zero-moment point - thirty five years of its life", 2004, equation 5, averaged over time). Soles that lie on the floor,
the trunk and the picture's own up count beside it.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.filters import smooth
from graphics_ml.pose.body import JOINTS, Placed, Points

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
_GRAVITY = 9.81
# Expected errors, degrees.
_BALANCE_ERROR, _SOLE_ERROR, _TRUNK_ERROR, _PICTURE_ERROR = 4.0, 8.0, 25.0, 20.0


def foot_points(height: float, foot_scale: float) -> Points:
    """The soles' heels and balls (FOOT_POINTS), on a body of this height in metres with feet scaled so."""
    joints = [JOINTS.index(f"{side}_foot") for side in ("left", "left", "right", "right")]
    places = np.array([[0, -0.039, -0.022], [0, -0.039, 0.085]] * 2) * height
    places[:, 2] *= foot_scale
    return Points(np.array(joints), places)


def centre_of_mass(placed: Placed) -> np.ndarray:
    """(F, 3) metres, of segments with the masses of an average adult."""
    total, mass = 0.0, 0.0
    for start, end, part, along in _SEGMENT_MASS:
        a, b = (placed.positions[:, JOINTS.index(joint)] for joint in (start, end))
        total, mass = total + part * (a + along * (b - a)), mass + part
    return total / mass


def estimate_up(placed: Placed, feet: np.ndarray, trust: np.ndarray, fps: float, picture_up: np.ndarray) -> np.ndarray:
    """The direction (3,) of up in the axes in which the body is placed.

    Args:
        placed: F frames of the body.
        feet: (F, 4, 3) FOOT_POINTS.
        trust: (F, 4) how well each is seen, 0..1.
        fps: frames per second.
        picture_up: (3,) what the picture takes for up.
    """
    trunk = placed.positions[:, JOINTS.index("neck")] - placed.positions[:, JOINTS.index("hips")]
    trunk = _unit(np.mean(trunk / np.linalg.norm(trunk, axis=1, keepdims=True), axis=0) + 1e-9 * picture_up)
    clues = [(picture_up, _PICTURE_ERROR), (trunk, _TRUNK_ERROR)]
    up = _weighted(clues)
    if trust.mean() < 0.3:
        return up
    mass = centre_of_mass(placed)
    gained = _mean_acceleration(mass, fps)
    soles = placed.rotations[..., 1][:, [JOINTS.index("left_foot"), JOINTS.index("right_foot")]]
    for _ in range(4):
        height = feet @ up
        above = height - height.min(axis=1, keepdims=True)
        load = trust * np.exp(-((above / 0.05) ** 2)) + 1e-9
        support = np.sum(load[..., None] * feet, axis=1) / load.sum(axis=1, keepdims=True)
        frame_trust = load.max(axis=1)
        lever = np.average(mass - support, axis=0, weights=frame_trust)
        balance = _unit(lever - np.linalg.norm(lever) / _GRAVITY * gained)
        flat = np.minimum(load[:, 0::2], load[:, 1::2]) ** 2  # (F, 2): heel and ball both low
        more = [(balance, _BALANCE_ERROR / float(np.clip(trust.mean(), 0.3, 1)))]
        if flat.sum() > 0.1 * len(feet):
            more.append((_unit(np.sum(flat[..., None] * soles, axis=(0, 1))), _SOLE_ERROR))
        up = _weighted(clues + more)
    return up


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


def find_footing(feet: np.ndarray, root: np.ndarray, trust: np.ndarray, ahead: np.ndarray, fps: float, leg: float) -> Footing:
    """Contacts, floor and a treadmill's belt.

    Args:
        feet: (F, 4, 3) FOOT_POINTS, Y up, metres.
        root: (F, 3) of the hips.
        trust: (F, 4) how well each point is seen, 0..1.
        ahead: (F, 3) direction in which the camera sees the person; speed along it is known least.
        fps: frames per second.
        leg: leg length, metres.
    """
    size = leg / 0.9
    velocity = np.gradient(feet, axis=0) * fps if len(feet) > 1 else np.zeros_like(feet)
    lowest = feet[..., 1].min(axis=1)
    floor = float(np.percentile(lowest, 20))
    low = np.exp(-(np.maximum(feet[..., 1] - floor, 0) / (0.05 * size)) ** 2)
    low = low * np.exp(-(np.maximum(feet[..., 1] - lowest[:, None], 0) / (0.08 * size)) ** 2)
    belt = _belt_velocity(velocity, root, low * trust, fps, size)
    slip = velocity - belt
    along = np.sum(slip * ahead[:, None], axis=-1, keepdims=True)
    slip = slip - 0.7 * along * ahead[:, None]
    contact = low * np.exp(-(np.sum(slip**2, axis=-1) / (0.4 * size) ** 2))
    contact = smooth(contact, fps, 8.0)
    contact = np.clip((contact - 0.25) / 0.35, 0, 1) * trust
    if contact.sum() > 1:
        floor = float(np.average(feet[..., 1], weights=contact + 1e-12))
    return Footing(contact, floor, belt)


def _belt_velocity(velocity, root, weight, fps, size):
    """(3,) the common horizontal velocity of feet on the ground, where it is not that of a floor at rest."""
    still = np.zeros(3)
    flat = velocity[..., [0, 2]].reshape(-1, 2)
    weight = weight.ravel()
    if len(root) < fps or weight.sum() < 5:
        return still

    def support(v):
        return float(np.sum(weight * np.exp(-np.sum((flat - v) ** 2, axis=1) / (2 * (0.2 * size) ** 2))))

    starts = flat[np.argsort(weight)[-200:]]
    mode = max((np.median(starts, axis=0), *starts[::20]), key=support)
    for _ in range(20):  # mean shift (Comaniciu and Meer 2002)
        near = weight * np.exp(-np.sum((flat - mode) ** 2, axis=1) / (2 * (0.2 * size) ** 2))
        mode = near @ flat / (near.sum() + 1e-12)
    speed = np.linalg.norm(mode)
    travel = np.linalg.norm((root[-1] - root[0])[[0, 2]]) / (len(root) / fps)
    if speed < 0.35 * size or support(mode) < 2 * support(np.zeros(2)) or travel > 0.4 * speed:
        return still
    return np.array([mode[0], 0.0, mode[1]])


def _mean_acceleration(points, fps):
    """(3,) from the change of velocity between the first and the last part of the clip; 0 for a short one."""
    part = max(3, len(points) // 8)
    if len(points) < 3 * part:
        return np.zeros(3)
    first, last = points[:part], points[-part:]
    change = (last[-1] - last[0] - first[-1] + first[0]) * fps / (part - 1)
    return change / ((len(points) - part) / fps)


def _weighted(clues):
    return _unit(sum(direction / error**2 for direction, error in clues))


def _unit(vector):
    return vector / np.linalg.norm(vector)
