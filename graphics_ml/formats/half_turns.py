"""Sine and cosine of half of many angles in degrees, several times as fast as by np.sin and np.cos."""

import math

import numpy as np

# Taylor's series of the sine as far as float64 reaches on [-pi/4, pi/4].
_LAST, *_OTHERS = ((-1) ** n / math.factorial(2 * n + 1) for n in range(7, 0, -1))
_OTHERS = tuple(_OTHERS)
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
    # Array arithmetic goes on in place where it can: new memory would cost as much as the arithmetic.
    x = degrees * _PER_TURN
    x -= np.rint(x)
    x *= _QUARTER_OF_TURN
    q = x * x
    sine = q * _LAST
    for coefficient in _OTHERS:
        sine += coefficient
        sine *= q
    sine += 1.0
    sine *= x
    square = sine * sine
    cosine = 1.0 - square
    sine *= np.sqrt(cosine)
    sine *= 2.0
    cosine -= square
    return sine, cosine
