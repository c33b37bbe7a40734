"""Sine and cosine of half of many angles in degrees, several times as fast as by np.sin and np.cos."""

import math

import numpy as np

# Taylor's series of the sine as far as float64 reaches on [-pi/4, pi/4].
_C3, _C5, _C7, _C9, _C11, _C13, _C15 = ((-1) ** n / math.factorial(2 * n + 1) for n in range(1, 8))
_PER_TURN = 1 / 360
_QUARTER_OF_TURN = math.pi / 2


def half_turn(degrees):
    """Sine and cosine of half the angles, both perhaps with the other sign: the same turn as a quaternion.

    Whole turns are taken off in degrees, where they are exact; a quarter of the angle that is left is small enough for
    a short series and a square root.

    Args:
        degrees: an array of any shape, or one number.

    Returns:
        two arrays of that shape.
    """
    turns = degrees * _PER_TURN
    x = (turns - np.rint(turns)) * _QUARTER_OF_TURN
    q = x * x
    sine = x * (((((((_C15 * q + _C13) * q + _C11) * q + _C9) * q + _C7) * q + _C5) * q + _C3) * q + 1.0)
    square = sine * sine
    return 2.0 * sine * np.sqrt(1.0 - square), 1.0 - 2.0 * square
