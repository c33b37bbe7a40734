"""Forward kinematics by recursion down the tree, on separate quaternion components, and its inverse.

The components of one joint over all frames lie together, one row each: that spares small matrix products, and the rows
of a block of frames stay in cache. The same lines are differentiable in torch.

NumPy results keep that order in memory ("component-major"): their shape is (..., J, C) as ever, but the first axes have
the smallest strides. Whoever gets such an array as input need not sort it into rows again.
"""

import math

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace

_BLOCK = 1 << 13


def forward_kinematics(rotations, root_positions, offsets, parents):
    """World positions of all joints.

    Args:
        rotations: (..., J, 4) local unit quaternions, wxyz. Fastest where memory holds one component of one joint over
            all frames together.
        root_positions: (..., 3) metres.
        offsets: (J, 3) offset of each joint from its parent in the parent's frame, metres, or (..., J, 3) where it
            changes over time. The root's is not used.
        parents: J indices; -1 for the root, parents before children.

    Returns:
        (..., J, 3) metres, of the input's array type.
    """
    return _walk(rotations, root_positions, offsets, parents, turns=False)[1]


def transforms(rotations, root_positions, offsets, parents):
    """World rotations (..., J, 4) and positions (..., J, 3) of all joints; arguments as forward_kinematics."""
    return _walk(rotations, root_positions, offsets, parents, turns=True)


def global_rotations(rotations, parents):
    """World rotations (..., J, 4) of local ones (..., J, 4)."""
    return _walk(rotations, None, None, parents, turns=True)[0]


def local_rotations(rotations, parents):
    """Local rotations (..., J, 4) of world ones (..., J, 4): the inverse of global_rotations."""
    xp = array_namespace(rotations)
    batch, inner = rotations.shape[:-2], rotations.shape[-2:]
    world = _rows(xp, _one_batch(xp, rotations, batch, inner))
    local = []
    for joint, parent in enumerate(parents):
        own = tuple(world[joint, c] for c in range(4))
        if parent >= 0:
            w, x, y, z = (world[parent, c] for c in range(4))
            own = multiply_rows((w, -x, -y, -z), own)
        local.append(own)
    return xp.reshape(_columns(xp, xp.stack(_flat(local)), 4), rotations.shape)


def multiply_rows(a, b):
    """Quaternion products of rotations given as their four components, each an array."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def step_rows(p, q, v):
    """The place p plus the vector v turned by q, each given as its components, arrays or of v plain numbers too: along
    one axis, as of many bones, these take fewer steps."""
    w, x, y, z = q
    along = [axis for axis, part in enumerate(v) if not isinstance(part, float) or part != 0]
    if len(along) < 2 and isinstance(v[0], float):
        return _step_along(p, q, v, along[0]) if along else p
    vx, vy, vz = v
    dx, dy, dz = 2 * vx, 2 * vy, 2 * vz
    tx, ty, tz = y * dz - z * dy, z * dx - x * dz, x * dy - y * dx
    return (
        p[0] + (vx + w * tx + y * tz - z * ty),
        p[1] + (vy + w * ty + z * tx - x * tz),
        p[2] + (vz + w * tz + x * ty - y * tx),
    )


def _walk(rotations, root_positions, offsets, parents, turns):
    """World rotations, or None unless `turns`, and positions, or None where there are no root positions."""
    xp = array_namespace(*(array for array in (rotations, root_positions) if array is not None))
    joints, placed = len(parents), root_positions is not None
    shapes = [rotations.shape[:-2]] + ([root_positions.shape[:-1], offsets.shape[:-2]] if placed else [])
    batch = np.broadcast_shapes(*(tuple(shape) for shape in shapes))
    rotations = _one_batch(xp, rotations, batch, (joints, 4))
    root_positions = _one_batch(xp, root_positions, batch, (3,)) if placed else None
    steady = not placed or len(offsets.shape) == 2
    if not steady:
        offsets = _one_batch(xp, offsets, batch, (joints, 3))
    elif isinstance(offsets, np.ndarray):
        # Plain numbers work with any array and cost less; those of a tensor may want their gradient.
        offsets = offsets.tolist()
    frames = math.prod(batch)
    if not is_numpy_namespace(xp):  # blocks would only add nodes to the graph
        found = _recurse(xp, rotations, root_positions, offsets, parents, turns, (None, None))
        tables = [rows and xp.stack(_flat(rows)) for rows in found]
    else:
        kind = np.result_type(rotations, *([root_positions] if placed else []), *([] if steady else [offsets]), 0.5)
        tables = [
            np.empty((joints, size, frames), kind) if wanted else None for size, wanted in ((4, turns), (3, placed))
        ]
        for first in range(0, frames, _BLOCK):
            part = slice(first, first + _BLOCK)
            root = root_positions[part] if placed else None
            into = [None if table is None else table[..., part] for table in tables]
            _recurse(xp, rotations[part], root, offsets if steady else offsets[part], parents, turns, into)
    return [
        None if table is None else xp.reshape(_columns(xp, table, size), (*batch, joints, size))
        for table, size in zip(tables, (4, 3), strict=True)
    ]


def _recurse(xp, rotations, root_positions, offsets, parents, turns, tables):
    """_walk over one batch axis: (F, J, 4), (F, 3), and (F, J, 3) or J times three numbers where they are steady.

    Gives J tuples of 4 and of 3 rows (F,), or None. They lie in the tables (J, 4, F) and (J, 3, F) where such are
    given: no joint's rows stay elsewhere for longer than they are needed, which spares a small cache.
    """
    local = _rows(xp, rotations)
    root = None if root_positions is None else _rows(xp, root_positions)
    steps = _rows(xp, offsets) if len(getattr(offsets, "shape", ())) == 3 else offsets
    last_child = {parent: joint for joint, parent in enumerate(parents)}
    turn, place = [], []
    for joint, parent in enumerate(parents):
        own = tuple(local[joint, c] for c in range(4))
        if parent >= 0:
            own = multiply_rows(turn[parent], own) if turns or joint in last_child else None
        turn.append(_kept(own, tables[0], joint))
        if root is not None:
            here = tuple(root) if parent < 0 else step_rows(place[parent], turn[parent], steps[joint])
            place.append(_kept(here, tables[1], joint))
        if not turns and parent >= 0 and joint == last_child[parent]:
            turn[parent] = None
    return turn if turns else None, place or None


def _kept(rows, table, joint):
    if table is None:
        return rows
    for c, row in enumerate(rows):
        table[joint, c] = row
    return tuple(table[joint])


def _one_batch(xp, array, batch, inner):
    if tuple(array.shape) != (*batch, *inner):
        array = xp.broadcast_to(array, (*batch, *inner))
    return xp.reshape(array, (math.prod(batch), *inner))


def _rows(xp, array):
    """(F, ...) as (..., F), each row in one piece of memory."""
    axes = (*range(1, len(array.shape)), 0)
    shape = tuple(array.shape[axis] for axis in axes)
    return xp.reshape(xp.reshape(xp.permute_dims(array, axes), (math.prod(shape),)), shape)


def _flat(joints):
    return [row for joint in joints for row in joint]


def _columns(xp, table, size):
    """Rows (J * size, F) or (J, size, F) as (F, J, size) without moving them in memory."""
    *rows, frames = table.shape
    return xp.permute_dims(xp.reshape(table, (math.prod(rows) // size, size, frames)), (2, 0, 1))


def _step_along(p, q, v, i):
    """step_rows where only v[i] is not zero: a column of the rotation matrix."""
    j, k = (i + 1) % 3, (i + 2) % 3
    w, a, b, c = q[0], q[1 + i], q[1 + j], q[1 + k]
    twice, place = 2 * v[i], [None] * 3
    place[i] = p[i] + v[i] - twice * (b * b + c * c)
    place[j] = p[j] + twice * (a * b + w * c)
    place[k] = p[k] + twice * (a * c - w * b)
    return tuple(place)
