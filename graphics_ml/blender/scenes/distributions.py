# SPDX-License-Identifier: GPL-3.0-or-later
"""Distributions that a scene file gives in place of values, and the random numbers that they are drawn with.

A bare value is itself. Else a table says how it is drawn, each time anew:

    0.5                                         always this
    {uniform = [0.2, 0.9]}                      any between, both ends among whole numbers
    {normal = [1.5, 0.2], min = 1, max = 2}     mean and standard deviation; what falls outside is drawn again
    {log_uniform = [0.01, 1]}                   every factor as likely as any other
    {choice = ["day", "night"], weights = [3, 1]}   one of these, which may be such tables themselves

Colours are sRGB, "#8844ff" or three numbers from 0 to 1; between two of them each channel is drawn by itself.
"""

import math
import re
from dataclasses import dataclass

import numpy as np

from graphics_ml.wording import suggestion

AXES = dict(
    split=0,
    cast=1,
    characters=2,
    motions=3,
    people=4,
    cameras=5,
    lights=6,
    backgrounds=7,
    occluders=8,
    materials=9,
    effects=10,
    picture=11,
    moment=12,
    distractors=13,
    one_character=14,
    one_motion=15,
    repertoire=16,
)
"""What is drawn by itself, and its number in the seeds; a number never changes, or old data sets could not be made
again."""


def rng_for(seed: int, index: int, axis: str) -> np.random.Generator:
    """The random numbers of one axis of one clip (or of one frame or identity, for what is drawn per such).

    Nothing else goes in: a frame can be made alone, in any order, in any process.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, index, AXES[axis]]))


@dataclass(frozen=True)
class Quantity:
    """What a setting's values may be.

    Args:
        kind: float, int, bool, str or "colour".
        min, max: bounds of numbers, both allowed; None where there is none.
        choices: the words allowed, all where there are none.
    """

    kind: type | str = float
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()


_NUMBER = Quantity()


@dataclass(frozen=True)
class Distribution:
    """How a value is drawn. Made by `read_distribution`.

    Args:
        how: "value", "uniform", "normal", "log_uniform" or "choice".
        of: the value; least and greatest; mean and standard deviation; or distributions to choose from.
        quantity: what the values are.
        low, high: what a normal one is kept between.
        weights: of the choices, summing to 1.
    """

    how: str
    of: tuple
    quantity: Quantity
    low: float = -math.inf
    high: float = math.inf
    weights: tuple[float, ...] = ()

    def draw(self, rng: np.random.Generator):
        """One value: a float, int, bool, str, or a tuple of three floats for a colour."""
        if self.how == "value":
            return self.of[0]
        if self.how == "choice":
            return self.of[int(rng.choice(len(self.of), p=self.weights))].draw(rng)
        kind = self.quantity.kind
        if kind == "colour":
            return tuple(float(rng.uniform(a, b)) for a, b in zip(*self.of, strict=True))
        first, second = self.of
        if self.how == "uniform":
            return int(rng.integers(first, second + 1)) if kind is int else float(rng.uniform(first, second))
        if self.how == "log_uniform":
            if kind is int:
                drawn = math.floor(math.exp(rng.uniform(math.log(first), math.log(second + 1))))
                return min(max(drawn, first), second)
            drawn = math.exp(rng.uniform(math.log(first), math.log(second)))
            return float(min(max(drawn, first), second))
        while True:
            drawn = rng.normal(first, second)
            drawn = round(drawn) if kind is int else float(drawn)
            if self.low <= drawn <= self.high:
                return drawn

    @property
    def always(self):
        """The one value that there is, or None where it is drawn."""
        return self.of[0] if self.how == "value" else None


def bounds_of(quantity: Quantity) -> str:
    """The bounds of numbers in words; "" where there are none."""
    low, high = quantity.min, quantity.max
    if low is None and high is None:
        return ""
    return f"at least {low}" if high is None else f"at most {high}" if low is None else f"from {low} to {high}"


def read_distribution(value, quantity: Quantity = _NUMBER) -> Distribution:
    """A distribution from what a scene file holds for a setting.

    Raises:
        ValueError: it is none, or can give values that the setting cannot have; says why.
    """
    if not isinstance(value, dict):
        return Distribution("value", (_read(value, quantity),), quantity)
    if not value:
        raise ValueError("is an empty table; say how it is drawn")
    way = next((way for way in _BESIDE if way in value), None)
    if way is None:
        raise ValueError(f"is drawn by '{next(iter(value))}'{suggestion(next(iter(value)), _BESIDE)}")
    for key in value:
        if key != way and key not in _BESIDE[way]:
            raise ValueError(f"has '{key}' beside {way}, which goes with {', '.join(_BESIDE[way]) or 'nothing else'}")
    if way == "choice":
        return _read_choice(value, quantity)
    if quantity.kind not in (float, int) and (quantity.kind, way) != ("colour", "uniform"):
        raise ValueError(f"cannot be drawn by {way}; give a value or a choice of several")
    if not isinstance(value[way], list) or len(value[way]) != 2:
        raise ValueError(f"needs a list of two values after {way}, not {value[way]!r}")
    return (_read_normal if way == "normal" else _read_range)(way, value, quantity)


_BESIDE = dict(uniform=(), normal=("min", "max"), log_uniform=(), choice=("weights",))
"""The ways to draw, and what may stand beside each."""
_LEAST_SHARE = 0.01  # of a normal distribution must lie where it is kept, or drawing it again takes for ever


def _read_range(way, value, quantity):
    low, high = (_read(one, quantity) for one in value[way])
    ends = zip(low, high, strict=True) if quantity.kind == "colour" else [(low, high)]
    if any(a > b for a, b in ends):
        raise ValueError(f"is drawn between {value[way][0]!r} and {value[way][1]!r}, but the first must be the least")
    if way == "log_uniform" and low <= 0:
        raise ValueError(f"is drawn by factors between {low!r} and {high!r}, so both must be above 0")
    return Distribution(way, (low, high), quantity)


def _read_normal(way, value, quantity):
    mean, deviation = (_number(one) for one in value[way])
    if deviation < 0:
        raise ValueError(f"has the standard deviation {deviation:g}, which cannot be negative")
    low, high = (_read(value[key], quantity) if key in value else None for key in ("min", "max"))
    low = low if low is not None else -math.inf if quantity.min is None else quantity.min
    high = high if high is not None else math.inf if quantity.max is None else quantity.max
    if low > high:
        raise ValueError(f"is kept from min {low!r} to max {high!r}, but min must be the least")
    half = 0.5 if quantity.kind is int else 0.0  # whole numbers are rounded
    if _share_below(high + half, mean, deviation) - _share_below(low - half, mean, deviation) < _LEAST_SHARE:
        raise ValueError(f"with mean {mean:g} and standard deviation {deviation:g} is hardly ever from {low} to {high}")
    return Distribution(way, (mean, deviation), quantity, low, high)


def _share_below(x, mean, deviation):
    if deviation == 0:
        return float(x >= mean)
    return (1 + math.erf((x - mean) / (deviation * math.sqrt(2)))) / 2


def _read_choice(value, quantity):
    options = value["choice"]
    if not isinstance(options, list) or not options:
        raise ValueError(f"needs a list of values after choice, not {options!r}")
    of = tuple(read_distribution(one, quantity) for one in options)
    weights = value.get("weights", [1] * len(of))
    if not isinstance(weights, list) or len(weights) != len(of):
        raise ValueError(f"has {len(of)} choices, so it needs a list of {len(of)} weights")
    weights = [_number(weight) for weight in weights]
    if min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(f"has weights {weights!r}; none may be negative, and one must be above 0")
    return Distribution("choice", of, quantity, weights=tuple(weight / sum(weights) for weight in weights))


def _number(value):
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"has {value!r} where a finite number is needed")
    return value


def _read(value, quantity):
    """One value of this quantity."""
    kind = quantity.kind
    if kind == "colour":
        return _read_colour(value)
    if kind in (float, int):
        number = _number(value)
        if kind is int and number != int(number):
            raise ValueError(f"is {value!r}, but must be a whole number")
        low, high = quantity.min, quantity.max
        if not ((low is None or number >= low) and (high is None or number <= high)):
            raise ValueError(f"is {value!r}, but must be {bounds_of(quantity)}")
        return kind(number)
    if type(value) is not kind:
        raise ValueError(f"is {value!r}, but must be {'true or false' if kind is bool else 'text'}")
    if quantity.choices and value not in quantity.choices:
        raise ValueError(f"is '{value}'{suggestion(value, quantity.choices)}")
    return value


def _read_colour(value):
    if isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value):
        return tuple(int(value[at : at + 2], 16) / 255 for at in (1, 3, 5))
    if isinstance(value, list) and len(value) == 3 and all(0 <= _number(channel) <= 1 for channel in value):
        return tuple(float(channel) for channel in value)
    raise ValueError(f'is {value!r}, but must be a colour such as "#8844ff" or three numbers from 0 to 1')
