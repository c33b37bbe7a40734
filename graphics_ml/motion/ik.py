"""Two-bone inverse kinematics in closed form: a leg or an arm so that its end is at a target.

The limb keeps its bend plane: it is bent to the length that the target asks for, within that plane, and then swung
about its root along the shortest arc. All frames at once, NumPy and torch, differentiable.
"""

from array_api_compat import array_namespace

from graphics_ml.motion.rotations import conjugate, cross, dot, multiply, normalize, rotate, rotation_between


def two_bone_ik(root, middle, end, target, pole=None, softness=0.01):
    """Turns of the two bones that bring the end of a limb to a target; bones keep their lengths.

    The law of cosines gives the bend for the distance root to target. A straight limb cannot be bent in a known plane;
    where the middle joint is closer to the line than a thirtieth of the first bone, `pole` takes over. Beyond reach the
    limb does not snap straight: from the last part of its length on, the distance nears the full length exponentially
    (A. Nicholas, "Soft IK", 2009); this zone never starts before the limb's present length, so a target where the
    end already is changes nothing.

    Args:
        root, middle, end: (..., 3) world positions of the limb's joints, metres.
        target: (..., 3) wanted world position of the end.
        pole: (..., 3) world direction in which the middle joint points off the line, used where the limb is straight.
        softness: part of the limb's length over which the reach is soft; 0 is a hard stop at full length.

    Returns:
        (root_turn, middle_turn, reached): (..., 4) world rotations to be put before (multiply(turn, old)) the world
        rotations of the root and middle joint, and (..., 3) where the end comes to lie.
    """
    xp = array_namespace(root, middle, end, target)
    upper, lower, span = middle - root, end - middle, end - root
    a, b, now = _length(xp, upper), _length(xp, lower), _length(xp, span)
    wanted = _length(xp, target - root)
    distance = _soft_reach(xp, wanted, now, a, b, softness)
    along = normalize(span)
    aside = _bend_direction(xp, upper, along, a, pole)
    foot = (a * a - b * b + distance * distance) / (2 * distance)
    height = xp.sqrt(_at_least(xp, a * a - foot * foot, 1e-18))
    new_upper = foot * along + height * aside
    new_lower = distance * along - new_upper
    swing = rotation_between(span, target - root)
    root_turn = multiply(swing, rotation_between(upper, new_upper))
    middle_turn = multiply(swing, rotation_between(lower, new_lower))
    return root_turn, middle_turn, root + rotate(root_turn, upper) + rotate(middle_turn, lower)


def limb_rotations(world, parents, chain, root_turn, middle_turn, end_world=None):
    """Local rotations of a limb's three joints after two_bone_ik.

    Joints between them (roll and twist bones) keep their local rotations and are carried along.

    Args:
        world: (..., J, 4) world rotations before.
        parents: J indices.
        chain: indices of the limb's root, middle and end joint.
        root_turn, middle_turn: (..., 4) from two_bone_ik.
        end_world: (..., 4) wanted world rotation of the end joint; None keeps the one it had.

    Returns:
        Three (..., 4) local rotations: of the root, the middle and the end joint.
    """
    root, middle, end = chain
    old = [world[..., joint, :] for joint in chain]
    end_world = old[2] if end_world is None else end_world
    new_root = multiply(root_turn, old[0])
    above = parents[root]
    root_local = new_root if above < 0 else multiply(conjugate(world[..., above, :]), new_root)
    middle_local = multiply(
        conjugate(multiply(root_turn, world[..., parents[middle], :])), multiply(middle_turn, old[1])
    )
    end_local = multiply(conjugate(multiply(middle_turn, world[..., parents[end], :])), end_world)
    return root_local, middle_local, end_local


def hinge_pole(positions, world, chain, fallback):
    """The direction in which a limb's middle joint bends, known also in frames where the limb is straight.

    The bend's axis is averaged over the clip in the middle joint's own frame, where a knee's or an elbow's hardly
    moves, each frame counting as much as it is bent.

    Args:
        positions: (F, J, 3) world positions.
        world: (F, J, 4) world rotations.
        chain: indices of the limb's root, middle and end joint.
        fallback: (F, 3) or (3,) world axis of the bend for a limb that is straight in all frames.

    Returns:
        (F, 3) unit vectors at right angles to the line from the root joint to the end joint.
    """
    xp = array_namespace(positions, world)
    root, middle, end = (positions[:, joint, :] for joint in chain)
    frame = world[:, chain[1], :]
    bend = cross(normalize(middle - root), normalize(end - middle))
    axis = xp.sum(rotate(conjugate(frame), bend), axis=0)
    straight = xp.sum(axis * axis) < (1e-3 * positions.shape[0]) ** 2
    axis = xp.where(straight, xp.broadcast_to(fallback, bend.shape), rotate(frame, normalize(axis)[None, :]))
    return normalize(cross(end - root, axis))


_STRAIGHT = 1 / 30  # the middle joint's distance from the line, over the first bone: below, the bend plane is unsure


def _bend_direction(xp, upper, along, a, pole):
    off = upper - dot(upper, along)[..., None] * along
    share = _length(xp, off) / (_STRAIGHT * a)
    share = xp.where(share < 1, share, xp.ones_like(share))
    own = share * share * (3 - 2 * share)
    hint = _any_perpendicular(xp, along) if pole is None else pole
    hint = normalize(hint - dot(hint, along)[..., None] * along)
    hint = xp.where(dot(hint, hint)[..., None] < 0.5, _any_perpendicular(xp, along), hint)
    return normalize(own * normalize(off) + (1 - own) * hint)


def _soft_reach(xp, wanted, now, a, b, softness):
    full = a + b
    shortest = xp.abs(a - b) + 1e-4 * full
    start = _at_least(xp, (1 - softness) * full, now)
    zone = _at_least(xp, full - start, 1e-6 * full)
    beyond = _at_least(xp, wanted - start, 0.0)
    soft = start + zone * (1 - xp.exp(-beyond / zone))
    reach = xp.where(wanted > start, soft, wanted)
    reach = xp.where(reach > full, full, reach)
    return _at_least(xp, reach, shortest)


def _at_least(xp, value, floor):
    floor = floor if hasattr(floor, "shape") and floor.shape else xp.full_like(value, float(floor))
    return xp.where(value > floor, value, floor)


def _any_perpendicular(xp, v):
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    zero = xp.zeros_like(x)
    flat = (xp.abs(x) > xp.abs(z))[..., None]
    return normalize(xp.where(flat, xp.stack((-y, x, zero), axis=-1), xp.stack((zero, -z, y), axis=-1)))


def _length(xp, v):
    # The floor keeps the gradient finite for a vector of no length.
    return xp.sqrt(dot(v, v)[..., None] + 1e-30)
