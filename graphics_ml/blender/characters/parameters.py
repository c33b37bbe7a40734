# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be chosen about a character, and how to draw one at random.

All parameters are plain numbers and strings, so that a character can be written in a TOML file and found again.
"""

import math
from dataclasses import dataclass, replace

from graphics_ml.errors import GraphicsMLError

HAIR_STYLES = ("bald", "buzz", "short", "bob", "long", "bun")

TOPS = ("shirt", "tank_top", "bare")
LEGWEAR = ("trousers", "skirt", "dress")
OVERWEAR = ("none", "jacket", "coat")
FOOTWEAR = ("shoes", "bare")
HEADGEAR = ("none", "cap", "hat", "beanie", "hood")
GLASSES = ("none", "clear", "dark")
BEARDS = ("none", "short", "full")
BAGS = ("none", "rucksack", "shoulder_bag")
HELD = ("none", "phone", "bag", "board", "ball")

HEIGHTS = (1.10, 2.10)
"""Least and greatest height of a character, metres."""

ADULT_HEIGHTS = (1.40, 2.10)
"""Heights that have an adult's proportions."""

_RANGES = {
    "height": HEIGHTS,
    "body_mass_index": (14.0, 40.0),
    "masculinity": (0.0, 1.0),
    "sleeve_length": (0.25, 1.0),
    "trouser_length": (0.35, 1.0),
    "looseness": (0.0, 1.0),
}
_COLOURS = ("skin_colour", "hair_colour", "eye_colour", "shirt_colour", "trousers_colour", "shoes_colour",
            "over_colour", "stripe_colour", "headgear_colour", "bag_colour")  # fmt: skip
_CHOICES = {"hair": HAIR_STYLES, "top": TOPS, "legwear": LEGWEAR, "over": OVERWEAR, "footwear": FOOTWEAR,
            "stripe": (False, True), "headgear": HEADGEAR, "glasses": GLASSES, "beard": BEARDS, "bag": BAGS,
            "held": HELD, "held_in": ("L", "R")}  # fmt: skip


@dataclass(frozen=True)
class Character:
    """A person, as the numbers that shape and colour one; colours are sRGB triples in 0..1.

    Args:
        height: stature in metres, crown of the skull (without hair) to the ground, 1.10 to 2.10; below 1.40 a
            child, who shows little of its masculinity.
        body_mass_index: weight over squared height, kg/m2, 14 (thin even for a child) to 40 (heavy).
        masculinity: 0 has the mean female proportions, 1 the mean male ones; between them a blend.
        hair: one of `HAIR_STYLES`.
        sleeve_length: 0.25 ends above the elbow, 1 at the wrist (fraction of the arm).
        trouser_length: 0.35 are shorts, 1 reaches the shoes (fraction of the leg). The hem of a skirt or dress is
            there too, but never at the ankle.
        looseness: 0 clothes fit closely, 1 they hang wide.
        top: one of `TOPS`; without sleeves `sleeve_length` says nothing. A dress has the shirt's colour and sleeves,
            whatever the top.
        legwear: one of `LEGWEAR`.
        over: one of `OVERWEAR`, open in front, with long sleeves.
        footwear: one of `FOOTWEAR`.
        stripe: whether trousers have a stripe along the outside of the legs.
        headgear: one of `HEADGEAR`; a hood is that of the jacket, coat or shirt.
        glasses: one of `GLASSES`.
        beard: one of `BEARDS`, of the hair's colour.
        bag: one of `BAGS`.
        held: one of `HELD`; it follows the hand `held_in`, "L" or "R".

    Raises:
        GraphicsMLError: a number outside its range, a style that there is not or something that is no colour.
    """

    height: float = 1.75
    body_mass_index: float = 23.0
    masculinity: float = 1.0
    skin_colour: tuple[float, float, float] = (0.80, 0.60, 0.49)
    hair: str = "short"
    hair_colour: tuple[float, float, float] = (0.20, 0.13, 0.09)
    eye_colour: tuple[float, float, float] = (0.28, 0.40, 0.46)
    shirt_colour: tuple[float, float, float] = (0.23, 0.44, 0.57)
    trousers_colour: tuple[float, float, float] = (0.19, 0.21, 0.27)
    shoes_colour: tuple[float, float, float] = (0.62, 0.25, 0.20)
    sleeve_length: float = 0.30
    trouser_length: float = 1.0
    looseness: float = 0.4
    top: str = "shirt"
    legwear: str = "trousers"
    over: str = "none"
    over_colour: tuple[float, float, float] = (0.25, 0.27, 0.30)
    footwear: str = "shoes"
    stripe: bool = False
    stripe_colour: tuple[float, float, float] = (0.88, 0.88, 0.86)
    headgear: str = "none"
    headgear_colour: tuple[float, float, float] = (0.30, 0.16, 0.16)
    glasses: str = "none"
    beard: str = "none"
    bag: str = "none"
    held: str = "none"
    held_in: str = "R"
    bag_colour: tuple[float, float, float] = (0.16, 0.20, 0.18)

    def __post_init__(self):
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not _is_number(value) or not low <= value <= high:
                raise GraphicsMLError(f"character {name} is {value!r}; give a number from {low:g} to {high:g}")
        for name in _COLOURS:
            object.__setattr__(self, name, _colour(name, getattr(self, name)))
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise GraphicsMLError(f"character {name} is {value!r}; choose one of {', '.join(map(str, known))}")


def random_character(rng) -> Character:
    """A plausible person: an adult's height as in ANSUR II, more thin and heavy ones than in an army, some children;
    natural skin, hair and eye colours, any clothes.

    Args:
        rng: numpy.random.Generator; the same state gives the same character.
    """
    masculinity = float(rng.uniform(0.8, 1.0) if rng.random() < 0.5 else rng.uniform(0.0, 0.2))
    stature = 1.628 + (1.756 - 1.628) * masculinity  # Gordon et al. 2014, table of stature: sd 64 and 69 mm
    skin = _mix(_SKINS[rng.integers(len(_SKINS))], _SKINS[rng.integers(len(_SKINS))], rng.random())
    masculine = masculinity > 0.5
    styles = (
        ("bald", "buzz", "short", "short", "short", "bob") if masculine else ("short", "bob", "long", "long", "bun")
    )
    person = Character(
        height=_clip(rng.normal(stature, 0.067), 1.45, 2.05),
        body_mass_index=_clip(rng.normal(25.0, 4.8), 16.5, 40.0),
        masculinity=masculinity,
        skin_colour=skin,
        hair=styles[rng.integers(len(styles))],
        hair_colour=_HAIRS[rng.integers(len(_HAIRS))],
        eye_colour=_EYES[rng.integers(len(_EYES))],
        shirt_colour=_dye(rng),
        trousers_colour=_mix(_dye(rng), (0.12, 0.13, 0.17), rng.uniform(0.4, 1.0)),
        shoes_colour=_dye(rng),
        sleeve_length=float(rng.choice([rng.uniform(0.28, 0.4), rng.uniform(0.55, 0.8), rng.uniform(0.9, 0.97)])),
        trouser_length=float(1.0 if rng.random() < 0.7 else rng.uniform(0.4, 0.9)),
        looseness=float(rng.random()),
    )
    person = replace(person, **_wardrobe(rng, person, masculine))
    if rng.random() < 0.12:  # children from about 5 years
        young = dict(height=float(rng.uniform(1.10, 1.45)), body_mass_index=_clip(rng.normal(16.8, 1.8), 14.0, 24.0))
        top = "shirt" if person.top == "bare" else person.top
        held = "none" if person.held == "board" else person.held
        person = replace(person, **young, top=top, beard="none", held=held)
    return person


def _wardrobe(rng, person, masculine):
    """Other clothes than shirt, trousers and shoes, about as often as street and sports films show them."""
    top = _choose(rng, tank_top=0.08, bare=0.05 if masculine else 0.0, shirt=1.0)
    legwear = "trousers" if masculine else _choose(rng, skirt=0.15, dress=0.12, trousers=1.0)
    warm = top == "shirt" and legwear != "dress"
    return dict(
        top=top,
        legwear=legwear,
        trouser_length=float(rng.uniform(0.35, 0.9)) if legwear != "trousers" else person.trouser_length,
        over=_choose(rng, jacket=0.14, coat=0.09, none=1.0) if warm else "none",
        over_colour=_mix(_dye(rng), (0.15, 0.15, 0.16), rng.uniform(0.0, 0.9)),
        footwear=_choose(rng, bare=0.08 if warm else 0.30, shoes=1.0),
        stripe=bool(legwear == "trousers" and rng.random() < 0.15),
        stripe_colour=_mix(_dye(rng), (0.9, 0.9, 0.9), rng.choice([0.0, 1.0])),
        headgear=_choose(rng, cap=0.10, hat=0.04, beanie=0.06, hood=0.05 if warm else 0.0, none=1.0),
        headgear_colour=_dye(rng),
        glasses=_choose(rng, clear=0.16, dark=0.06, none=1.0),
        beard=_choose(rng, short=0.22, full=0.12, none=1.0) if masculine else "none",
        bag=_choose(rng, rucksack=0.10, shoulder_bag=0.07, none=1.0),
        held=_choose(rng, phone=0.06, bag=0.05, board=0.02, ball=0.04, none=1.0),
        held_in="LR"[rng.integers(2)],
        bag_colour=_mix(_dye(rng), (0.10, 0.10, 0.11), rng.uniform(0.0, 0.9)),
    )


def _choose(rng, **shares):
    """One of the names, the last as often as the others' shares leave."""
    draw = rng.random()
    for name, share in shares.items():
        draw -= share
        if draw < 0.0:
            return name
    return name


_SKINS = ((0.93, 0.76, 0.67), (0.86, 0.66, 0.54), (0.78, 0.57, 0.42), (0.60, 0.41, 0.29), (0.42, 0.27, 0.19))
_HAIRS = (
    (0.08, 0.06, 0.05),
    (0.20, 0.13, 0.09),
    (0.35, 0.22, 0.13),
    (0.72, 0.55, 0.33),
    (0.52, 0.24, 0.12),
    (0.6, 0.6, 0.6),
)
_EYES = ((0.24, 0.14, 0.08), (0.36, 0.24, 0.12), (0.28, 0.40, 0.46), (0.30, 0.40, 0.26))


def _is_number(value) -> bool:
    try:
        return math.isfinite(value)
    except TypeError:
        return False


def _colour(name, value):
    try:
        colour = tuple(float(channel) for channel in value)
    except (TypeError, ValueError):
        colour = ()
    if len(colour) != 3 or not all(0.0 <= channel <= 1.0 for channel in colour):
        raise GraphicsMLError(f"character {name} is {value!r}; give red, green and blue, each from 0 to 1")
    return colour


def _clip(value, low, high):
    return float(min(max(value, low), high))


def _mix(a, b, share):
    return tuple(float(p + (q - p) * share) for p, q in zip(a, b, strict=True))


def _dye(rng):
    """A cloth colour: any hue, restrained saturation."""
    hue, saturation, value = rng.random() * 6.0, rng.uniform(0.05, 0.6), rng.uniform(0.25, 0.9)
    wheel = (abs(hue - 3.0) - 1.0, 2.0 - abs(hue - 2.0), 2.0 - abs(hue - 4.0))
    return tuple(float(value * (1.0 - saturation + saturation * _clip(c, 0.0, 1.0))) for c in wheel)
