"""Forward kinematics by recursion down the tree, on separate quaternion components, and its inverse.

Keeping w, x, y, z of one joint as separate contiguous arrays spares the small matrix products and stays in cache; the
same lines are differentiable in torch.
"""

from array_api_compat import array_namespace

from graphics_ml.motion.rotations import conjugate, multiply


def forward_kinematics(rotations, root_positions, offsets, parents):
    """World positions of all joints.

    Args:
        rotations: (..., J, 4) local unit quaternions, wxyz.
        root_positions: (..., 3) metres.
        offsets: (J, 3) offset of each joint from its parent in the parent's frame, metres, or (..., J, 3) where it
            changes over time. The root's is not used.
        parents: J indices; -1 for the root, parents before children.

    Returns:
        (..., J, 3) metres, of the input's array type.
    """
    return _recurse(rotations, root_positions, offsets, parents, with_rotations=False)[1]


def transforms(rotations, root_positions, offsets, parents):
    """World rotations (..., J, 4) and positions (..., J, 3) of all joints; arguments as forward_kinematics."""
    return _recurse(rotations, root_positions, offsets, parents, with_rotations=True)


def global_rotations(rotations, parents):
    """World rotations (..., J, 4) of local ones (..., J, 4)."""
    xp = array_namespace(rotations)
    turn = []
    for joint, parent in enumerate(parents):
        local = _components(rotations, joint)
        turn.append(local if parent < 0 else _multiply(turn[parent], local))
    return xp.stack([xp.stack(q, axis=-1) for q in turn], axis=-2)


def local_rotations(rotations, parents):
    """Local rotations (..., J, 4) of world ones (..., J, 4): the inverse of global_rotations."""
    xp = array_namespace(rotations)
    locals_ = []
    for joint, parent in enumerate(parents):
        world = rotations[..., joint, :]
        locals_.append(world if parent < 0 else multiply(conjugate(rotations[..., parent, :]), world))
    return xp.stack(locals_, axis=-2)


def _recurse(rotations, root_positions, offsets, parents, with_rotations):
    xp = array_namespace(rotations, root_positions)
    turn, place = [], []
    for joint, parent in enumerate(parents):
        local = _components(rotations, joint)
        if parent < 0:
            turn.append(local)
            place.append([root_positions[..., c] for c in range(3)])
        else:
            turn.append(_multiply(turn[parent], local))
            step = _rotate(turn[parent], [offsets[..., joint, c] for c in range(3)])
            place.append([p + s for p, s in zip(place[parent], step, strict=True)])
    positions = xp.stack([xp.stack(p, axis=-1) for p in place], axis=-2)
    if not with_rotations:
        return None, positions
    return xp.stack([xp.stack(q, axis=-1) for q in turn], axis=-2), positions


def _components(rotations, joint):
    # Adding zero makes each component contiguous: it is read four times or more below.
    return [rotations[..., joint, c] + 0.0 for c in range(4)]


def _multiply(a, b):
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def _rotate(q, v):
    w, x, y, z = q
    vx, vy, vz = v
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx
