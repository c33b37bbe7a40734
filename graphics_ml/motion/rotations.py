"""Rotations as quaternions (w, x, y, z), matrices, 6D, axis-angle and Euler angles.

Every function takes any leading batch shape, works on NumPy arrays and torch tensors alike and is differentiable in
torch. A quaternion is unit and maps a joint's frame to its parent's: `rotate(q, v)` gives v, known in the joint's
frame, in the parent's. Angles are radians.
"""

import math

from array_api_compat import array_namespace, device, is_array_api_obj

_AXIS = {"X": 0, "Y": 1, "Z": 2}
EULER_ORDERS = tuple(a + b + c for a in "XYZ" for b in "XYZ" for c in "XYZ" if a != b and b != c)


def multiply(a, b):
    """The rotation that does b first, then a: (..., 4) times (..., 4), broadcast, is (..., 4)."""
    xp = array_namespace(a, b)
    aw, ax, ay, az = _parts(a)
    bw, bx, by, bz = _parts(b)
    return xp.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        axis=-1,
    )


def conjugate(q):
    """The inverse of a unit quaternion, (..., 4)."""
    xp = array_namespace(q)
    w, x, y, z = _parts(q)
    return xp.stack((w, -x, -y, -z), axis=-1)


def normalize(v):
    """v divided by its length along the last axis; a zero vector stays zero. (..., N)."""
    xp = array_namespace(v)
    square = dot(v, v)[..., None]
    tiny = square < 1e-300 if v.dtype == xp.float64 else square < 1e-36
    return xp.where(tiny, 0.0, v / xp.sqrt(xp.where(tiny, 1.0, square)))


def rotate(q, v):
    """Vectors v (..., 3) turned by quaternions q (..., 4), broadcast: v + 2w(u x v) + 2u x (u x v)."""
    xp = array_namespace(q, v)
    w, x, y, z = _parts(q)
    vx, vy, vz = _parts(v)
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return xp.stack((vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx), -1)


def matrix_from_quaternion(q):
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    xp = array_namespace(q)
    w, x, y, z = _parts(q)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)


def quaternion_from_matrix(m):
    """Unit quaternions (..., 4), w >= 0, of rotation matrices (..., 3, 3).

    4 q q^T is linear in the matrix; its row with the largest diagonal, normalised, is q (Bar-Itzhack 2000 uses the
    same matrix). No square root of a small number, hence a finite gradient everywhere.
    """
    xp = array_namespace(m)
    m00, m01, m02 = _parts(m[..., 0, :])
    m10, m11, m12 = _parts(m[..., 1, :])
    m20, m21, m22 = _parts(m[..., 2, :])
    one = xp.ones_like(m00)
    rows = (
        (one + m00 + m11 + m22, m21 - m12, m02 - m20, m10 - m01),
        (m21 - m12, one + m00 - m11 - m22, m10 + m01, m02 + m20),
        (m02 - m20, m10 + m01, one - m00 + m11 - m22, m21 + m12),
        (m10 - m01, m02 + m20, m21 + m12, one - m00 - m11 + m22),
    )
    best, diagonal = xp.stack(rows[0], axis=-1), rows[0][0]
    for c in (1, 2, 3):
        larger = rows[c][c] > diagonal
        best = xp.where(larger[..., None], xp.stack(rows[c], axis=-1), best)
        diagonal = xp.where(larger, rows[c][c], diagonal)
    q = normalize(best)
    return xp.where(q[..., :1] < 0, -q, q)


def quaternion_from_axis_angle(vector):
    """Unit quaternions (..., 4) of rotation vectors (..., 3): the axis times the angle in radians."""
    xp = array_namespace(vector)
    square = xp.sum(vector * vector, axis=-1, keepdims=True)
    small = square < 1e-12
    angle = xp.sqrt(xp.where(small, xp.ones_like(square), square))
    half_sinc = xp.where(small, 0.5 - square / 48, xp.sin(angle / 2) / angle)
    w = xp.where(small, 1 - square / 8, xp.cos(angle / 2))
    return xp.concat((w, half_sinc * vector), axis=-1)


def axis_angle_from_quaternion(q):
    """Rotation vectors (..., 3), of length at most pi, of unit quaternions (..., 4)."""
    xp = array_namespace(q)
    flip = q[..., :1] < 0
    # Arrays of their own, not columns of q: where the result happens to lie right behind such a view in memory, NumPy
    # before 2.1 works arctan2 out in another way that rounds otherwise (its pull request 26972), now and then in a run.
    w, v = (xp.where(flip, -part, part) for part in (q[..., :1], q[..., 1:]))
    square = xp.sum(v * v, axis=-1, keepdims=True)
    small = square < 1e-16
    sine = xp.sqrt(xp.where(small, xp.ones_like(square), square))
    scale = xp.where(small, 2 / xp.where(small, w, xp.ones_like(w)), 2 * xp.atan2(sine, w) / sine)
    return scale * v


def quaternion_from_euler(angles, order):
    """Unit quaternions (..., 4) of intrinsic Euler angles.

    Args:
        angles: (..., 3) radians, in the order of `order`.
        order: three of "XYZ", neighbours different, e.g. "ZXY" as in most BVH files: turn about z, then about the new
            x, then about the new y; as a matrix Rz Rx Ry. Any of the twelve orders.

    Raises:
        ValueError: the order is not one of the twelve.
    """
    xp = array_namespace(angles)
    result = None
    for position, axis in enumerate(_axes(order)):
        half = angles[..., position] / 2
        parts = [xp.cos(half)] + [xp.zeros_like(half)] * 3
        parts[1 + axis] = xp.sin(half)
        turn = xp.stack(parts, axis=-1)
        result = turn if result is None else multiply(result, turn)
    return result


def euler_from_quaternion(q, order):
    """Intrinsic Euler angles (..., 3), radians, of unit quaternions (..., 4); the inverse of quaternion_from_euler.

    At gimbal lock the first angle is zero. The middle angle lies in [-pi/2, pi/2], or [0, pi] for orders such as
    "ZXZ". Method: Bernardes and Viollet, "Quaternion to Euler angles conversion", PLOS ONE 2022, algorithm 1.

    Raises:
        ValueError: the order is not one of the twelve.
    """
    xp = array_namespace(q)
    k, j, i = _axes(order)  # extrinsic order is the intrinsic one reversed
    tait_bryan = i != k
    if not tait_bryan:
        k = 3 - i - j
    sign = (i - j) * (j - k) * (k - i) // 2
    w, u = q[..., 0], q[..., 1:]
    a, b, c, d = w, u[..., i], u[..., j], sign * u[..., k]
    if tait_bryan:
        a, b, c, d = a - c, b + d, c + a, d - b
    plus, minus = xp.atan2(b, a), xp.atan2(d, c)
    near_side, far_side = a * a + b * b, c * c + d * d
    middle = 2 * xp.atan2(xp.sqrt(far_side), xp.sqrt(near_side))
    lost_low, lost_high = far_side < 1e-16, near_side < 1e-16
    # `last` is the angle turned last in the intrinsic order; at gimbal lock the whole turn goes to it.
    last = xp.where(lost_low, 2 * plus, xp.where(lost_high, -2 * minus, plus - minus))
    first = xp.where(lost_low | lost_high, xp.zeros_like(plus), plus + minus)
    if tait_bryan:
        first, middle = sign * first, middle - math.pi / 2
    return xp.stack((_wrap(xp, first), middle, _wrap(xp, last)), axis=-1)


def sixd_from_quaternion(q):
    """The first two columns of the rotation matrix, (..., 6): Zhou et al., "On the Continuity of Rotation
    Representations in Neural Networks", CVPR 2019."""
    xp = array_namespace(q)
    m = matrix_from_quaternion(q)
    return xp.concat((m[..., :, 0], m[..., :, 1]), axis=-1)


def quaternion_from_sixd(sixd):
    """Unit quaternions (..., 4) of two 3-vectors (..., 6) that need be neither unit nor orthogonal (Zhou et al. 2019,
    equation 15)."""
    return quaternion_from_columns(sixd[..., :3], sixd[..., 3:])


def quaternion_from_columns(x, y):
    """The rotation whose matrix has its first column along x and its second in the plane of x and y; both (..., 3)."""
    xp = array_namespace(x, y)
    x = normalize(x)
    y = normalize(y - xp.sum(x * y, axis=-1, keepdims=True) * x)
    return quaternion_from_matrix(xp.stack((x, y, cross(x, y)), axis=-1))


def unroll(q):
    """The same rotations (F, ..., 4) with signs chosen so that neighbours in time lie in one hemisphere."""
    xp = array_namespace(q)
    if q.shape[0] < 2:
        return q
    before, after = q[:-1, ...], q[1:, ...]
    opposite = dot(before, after) < 0
    if not bool(xp.any(opposite)):
        return q
    turned = xp.astype(xp.cumulative_sum(xp.astype(opposite, xp.int32), axis=0) % 2, xp.bool)[..., None]
    return xp.concat((q[:1, ...], xp.where(turned, -after, after)), axis=0)


def slerp(a, b, t):
    """Rotations between a and b (..., 4), the short way, at t in [0, 1]; t broadcasts against the batch shape.

    Shoemake, "Animating Rotation with Quaternion Curves", SIGGRAPH 1985.
    """
    xp = array_namespace(a, b)
    t = xp.astype(t, a.dtype) if is_array_api_obj(t) else xp.asarray(t, dtype=a.dtype, device=device(a))
    t = t[..., None]
    b = xp.where(dot(a, b)[..., None] < 0, -b, b)
    chord, total = a - b, a + b
    half = xp.atan2(_length(xp, chord), _length(xp, total))  # half the angle between the two, exact for small ones
    angle = 2 * half
    sine = xp.sin(angle)
    near = sine < 1e-6
    safe = xp.where(near, xp.ones_like(sine), sine)
    from_a = xp.where(near, 1 - t, xp.sin((1 - t) * angle) / safe)
    from_b = xp.where(near, t + 0 * sine, xp.sin(t * angle) / safe)
    return normalize(from_a * a + from_b * b)


def rotation_between(u, v):
    """The shortest rotations (..., 4) that turn directions u (..., 3) onto directions v (..., 3).

    Opposite directions turn half way round about some axis at right angles to u.
    """
    xp = array_namespace(u, v)
    u, v = normalize(u), normalize(v)
    # 1 + u.v and u x v by way of the sum, which is exact where the two are nearly opposite.
    total = u + v
    square = dot(total, total)[..., None]
    opposite = square < (32 * xp.finfo(u.dtype).eps) ** 2
    ux, uy, uz = _parts(u)
    zero = xp.zeros_like(ux)
    aside = xp.where((xp.abs(ux) > xp.abs(uz))[..., None], xp.stack((-uy, ux, zero), -1), xp.stack((zero, -uz, uy), -1))
    w = xp.where(opposite, xp.zeros_like(square), square / 2)
    return normalize(xp.concat((w, xp.where(opposite, aside, cross(u, total))), axis=-1))


def swing_twist(q, axis):
    """Split q = swing * twist, twist about `axis` (..., 3), unit, in the joint's own frame. Both (..., 4).

    A half turn at right angles to the axis has no defined twist; it is given none. Dobrowolski, "Swing-twist
    decomposition in Clifford algebra", 2015.
    """
    xp = array_namespace(q)
    along = xp.sum(q[..., 1:] * axis, axis=-1, keepdims=True)
    twist = xp.concat((q[..., :1], along * axis), axis=-1)
    lost = xp.sum(twist * twist, axis=-1, keepdims=True) < 1e-20
    identity = xp.concat((xp.ones_like(along), xp.zeros_like(q[..., 1:])), axis=-1)
    twist = xp.where(lost, identity, normalize(twist))
    return multiply(q, conjugate(twist)), twist


def angle_between(a, b):
    """Angles (...), radians in [0, pi], between the rotations a and b (..., 4)."""
    xp = array_namespace(a, b)
    difference = multiply(conjugate(a), b)
    return 2 * xp.atan2(_length(xp, difference[..., 1:])[..., 0], xp.abs(difference[..., 0]))


def mean_rotation(q, weights=None):
    """The rotations (..., 4), w >= 0, nearest to all of q (N, ..., 4): the chordal mean, the first eigenvector of the
    sum of w q q^T (Markley et al., "Averaging Quaternions", J. Guidance, Control and Dynamics 2007, equation 12).

    Args:
        weights: (N, ...) how much each counts, or None.
    """
    xp = array_namespace(q)
    weighted = q if weights is None else q * weights[..., None]
    mean = xp.linalg.eigh(xp.matmul(xp.moveaxis(weighted, 0, -1), xp.moveaxis(q, 0, -2)))[1][..., -1]
    return xp.where(mean[..., :1] < 0, -mean, mean)


def cross(a, b):
    """Cross product of 3-vectors (..., 3), broadcast."""
    xp = array_namespace(a, b)
    ax, ay, az = _parts(a)
    bx, by, bz = _parts(b)
    return xp.stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx), axis=-1)


def dot(a, b):
    """Scalar products (...) of vectors (..., N), broadcast; for a few components faster than a sum along the axis."""
    return sum(x * y for x, y in zip(_parts(a), _parts(b), strict=True))


def _parts(v):
    return tuple(v[..., c] for c in range(v.shape[-1]))


def _length(xp, v):
    # The floor keeps the gradient finite where a and b are equal; it is far below any angle that matters.
    return xp.sqrt(dot(v, v)[..., None] + 1e-36)


def _wrap(xp, angle):
    return angle - 2 * math.pi * xp.round(angle / (2 * math.pi))


def _axes(order):
    if order not in EULER_ORDERS:
        raise ValueError(f"'{order}' is not an Euler order; use one of {', '.join(EULER_ORDERS)}")
    return [_AXIS[letter] for letter in order]
