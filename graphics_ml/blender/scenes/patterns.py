# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures painted by rule, for floors, walls, backdrops, cloth and things: woods, tiles, grass, prints, clutter.

A pattern is plain numbers, {kind, seed, colours}, from which `paint` makes the same picture each time. Most repeat
without a seam. Clutter and foliage are "dead leaves", shapes of all sizes thrown over each other, whose edges and
spectra are those of natural pictures (Lee, Mumford and Huang 2001, "Occlusion Models for Natural Images"; networks
learn from such: Baradad et al. 2021, "Learning to See by Looking at Noise").
"""

import colorsys

import numpy as np

FLOORS = (
    "planks",
    "parquet",
    "tiles",
    "slabs",
    "asphalt",
    "concrete",
    "carpet",
    "grass",
    "gravel",
    "plain",
    "marble",
    "checks",
    "clutter",
)
WALLS = (
    "plaster",
    "plain",
    "bricks",
    "tiles",
    "stripes",
    "panels",
    "concrete",
    "flowers",
    "shelf",
    "facade",
    "posters",
    "clutter",
    "gradient",
    "marble",
    "curtain",
)
VIEWS = (
    "street",
    "facade",
    "hills",
    "foliage",
    "clutter",
    "spectrum",
    "gradient",
    "shelf",
    "posters",
    "interior",
    "crates",
)
CLOTHS = (
    "weave",
    "stripes",
    "checks",
    "plaid",
    "dots",
    "camouflage",
    "flowers",
    "print",
    "letters",
    "zigzag",
    "hoops",
    "spectrum",
    "clutter",
    "knit",
)

SPANS = dict(
    planks=2.4,
    parquet=2.0,
    tiles=2.4,
    slabs=4.0,
    asphalt=4.0,
    concrete=5.0,
    carpet=2.0,
    grass=2.0,
    gravel=1.6,
    plain=3.0,
    marble=2.5,
    checks=2.0,
    clutter=3.0,
    plaster=3.0,
    bricks=2.0,
    stripes=1.6,
    panels=2.4,
    flowers=1.2,
    shelf=1.8,
    facade=7.0,
    posters=3.0,
    gradient=8.0,
    curtain=1.6,
)
"""Metres that one picture of a floor or wall covers, about."""


VIVID = 0.07
"""Share of all colours that are strong, so that one picture in eight or so is full of one: rare in life, but it keeps a
network from trusting in dull ones."""


def draw_kind(rng: np.random.Generator, kinds: tuple[str, ...]) -> str:
    """One of these kinds of patterns: plain walls, houses and woods are seen more often than checks and clutter."""
    weights = np.array([_COMMON.get(kind, 1.0) for kind in kinds])
    return kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]


def draw_pattern(rng: np.random.Generator, kind: str) -> dict:
    """A pattern of this kind: its colours are as in life for seventeen in twenty, any made thing's for the others."""
    if kind in _NATURAL and rng.uniform() < 0.85:
        hue, spread, saturation, value = _NATURAL[kind]
        hue = rng.uniform(*hue)
        saturation, value = rng.uniform(*saturation), rng.uniform(*value)
    else:
        spread = rng.choice([0.04, 0.15, 0.5])
        hue, saturation, value = draw_tone(rng)
    colours = []
    for _ in range(4):
        s = np.clip(saturation * rng.uniform(0.6, 1.3), 0, 1)
        v = np.clip(value * rng.uniform(0.65, 1.35), 0.02, 1)
        colours.append([round(c, 4) for c in colorsys.hsv_to_rgb((hue + rng.uniform(-spread, spread)) % 1, s, v)])
    return dict(kind=kind, seed=int(rng.integers(2**31)), colours=colours)


def draw_tone(rng: np.random.Generator) -> tuple[float, float, float]:
    """Hue, saturation and value, 0 to 1, of something made: a few of any strong colour (VIVID), the others dull.

    Dull ones are about the yellows and blues of daylight more often than about greens and purples: so are those of
    natural pictures (Webster and Mollon 1997, "Adaptation and the color statistics of natural images").
    """
    value = rng.beta(1.2, 1.0) * 0.9 + 0.05
    if rng.uniform() < VIVID:
        return float(rng.uniform()), float(rng.beta(3, 1.5)), float(value)
    hue = (rng.normal(0.08, 0.04), rng.normal(0.6, 0.05), rng.uniform())[rng.choice(3, p=[0.45, 0.25, 0.3])]
    return float(hue % 1), float(rng.beta(1.1, 4.5)), float(value)


def draw_colour(rng: np.random.Generator) -> list[float]:
    """The sRGB colour, 0 to 1, of something made, by its `draw_tone`."""
    return [round(c, 4) for c in colorsys.hsv_to_rgb(*draw_tone(rng))]


def paint(pattern: dict, size: int = 256) -> np.ndarray:
    """The picture of a pattern, uint8 (size, size, 3), sRGB; the first row is the upper one."""
    rng = np.random.default_rng(pattern["seed"])
    picture = _PAINTERS[pattern["kind"]](rng, size, np.array(pattern["colours"], dtype=np.float64))
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)


# How often kinds are seen; those that are not named, once.
_COMMON = dict(
    plain=4.0,
    plaster=5.0,
    bricks=2.0,
    planks=2.5,
    asphalt=2.5,
    concrete=2.0,
    grass=2.0,
    slabs=1.5,
    street=4.0,
    interior=4.0,
    foliage=2.5,
    hills=2.0,
    facade=2.0,
    clutter=0.4,
    spectrum=0.5,
    crates=0.6,
    checks=0.6,
    flowers=0.6,
    posters=0.8,
    marble=0.6,
    gradient=0.7,
)

# Hue, its spread, saturation and value of what has a colour of its own.
_NATURAL = dict(
    planks=((0.05, 0.10), 0.015, (0.25, 0.65), (0.25, 0.75)),
    parquet=((0.05, 0.10), 0.015, (0.3, 0.65), (0.3, 0.75)),
    asphalt=((0.0, 1.0), 0.05, (0.0, 0.08), (0.2, 0.45)),
    concrete=((0.05, 0.2), 0.05, (0.0, 0.12), (0.4, 0.75)),
    slabs=((0.03, 0.15), 0.04, (0.02, 0.2), (0.4, 0.75)),
    grass=((0.18, 0.30), 0.04, (0.4, 0.75), (0.25, 0.55)),
    gravel=((0.05, 0.12), 0.05, (0.03, 0.2), (0.35, 0.65)),
    plaster=((0.0, 0.2), 0.03, (0.0, 0.12), (0.7, 0.97)),
    bricks=((0.0, 0.06), 0.02, (0.35, 0.7), (0.35, 0.65)),
    foliage=((0.18, 0.36), 0.06, (0.4, 0.85), (0.15, 0.6)),
    hills=((0.15, 0.33), 0.06, (0.25, 0.6), (0.3, 0.6)),
    weave=((0.55, 0.68), 0.03, (0.2, 0.7), (0.15, 0.7)),
    marble=((0.0, 1.0), 0.1, (0.0, 0.15), (0.5, 0.95)),
)


def _noise(rng, size, slope=2.0, stretch=(1.0, 1.0)):
    """Seamless noise (size, size) in 0..1 whose amplitudes fall as frequency ** -slope/2, stretched along y and x."""
    fy, fx = np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size)[None] * size
    away = np.hypot(fy * stretch[0], fx * stretch[1])
    away[0, 0] = 1
    waves = np.fft.rfft2(rng.standard_normal((size, size))) / np.maximum(away, 1) ** (slope / 2)
    waves[0, 0] = 0
    field = np.fft.irfft2(waves, (size, size))
    return np.clip(0.5 + 0.22 * field / field.std(), 0, 1)


def _mix(colours, share):
    """Colours (..., 3) along a run of them, at shares (...) of it in 0..1."""
    at = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(share, at, colours[:, c]) for c in range(3)], axis=-1)


def _grid(size):
    """y and x (size, size) in 0..1."""
    at = (np.arange(size) + 0.5) / size
    return np.meshgrid(at, at, indexing="ij")


def _cells(rng, y, x, rows, columns, shift=0.5):
    """Of a wall of bricks: a random number and its place (0..1, 0..1) in the brick for every pixel."""
    row = np.floor(y * rows).astype(int)
    along = x * columns + shift * row
    column = np.floor(along).astype(int)
    own = rng.uniform(size=(rows, columns))[row % rows, column % columns]
    return own, y * rows - row, along - column


def _gaps(v, u, rows, columns, wide):
    """1 within the bricks, 0 in the gaps of `wide` (parts of the picture) between them."""
    edge_v, edge_u = np.minimum(v, 1 - v) / rows, np.minimum(u, 1 - u) / columns
    return np.clip(np.minimum(edge_v, edge_u) / wide - 0.5, 0, 1)[..., None]


def _grained(rng, size, picture, amount, stretch=(1.0, 1.0), slope=1.2):
    return picture * (1 + amount * (_noise(rng, size, slope, stretch)[..., None] - 0.5) * 2)


def _plain(rng, size, colours):
    return _grained(rng, size, np.broadcast_to(colours[0], (size, size, 3)), rng.uniform(0, 0.12), slope=2.5)


def _plaster(rng, size, colours):
    low = 0.75 + 0.25 * _noise(rng, size, rng.uniform(2, 3))[..., None]
    return _grained(rng, size, colours[0] * low, rng.uniform(0.02, 0.15), slope=0.5)


def _concrete(rng, size, colours):
    stains = _mix(colours[:2], _noise(rng, size, 2.6))
    return _grained(rng, size, stains, rng.uniform(0.08, 0.2), slope=0.8)


def _asphalt(rng, size, colours):
    return _grained(rng, size, _mix(colours[:2], _noise(rng, size, 2.2)), rng.uniform(0.2, 0.5), slope=0.1)


def _marble(rng, size, colours):
    veins = np.abs(np.sin(np.pi * (rng.integers(1, 4) * _grid(size)[0] + 3 * _noise(rng, size, 2.8))))
    return _mix(colours[:3], veins ** rng.uniform(0.3, 1.2))


def _planks(rng, size, colours):
    y, x = _grid(size)
    rows, columns = int(rng.integers(8, 24)), int(rng.integers(1, 4))
    own, v, u = _cells(rng, y, x, rows, columns, rng.choice([0.5, 0.37, 0.0]) * columns)
    boards = _grained(rng, size, _mix(colours[:3], own), rng.uniform(0.1, 0.4), (1, rng.uniform(6, 20)), 2.0)
    return boards * (0.35 + 0.65 * _gaps(v, u, rows, columns, 0.004))


def _parquet(rng, size, colours):
    y, x = _grid(size)
    blocks, strips = int(rng.integers(3, 7)), int(rng.integers(4, 7))
    turned = (np.floor(y * blocks) + np.floor(x * blocks)) % 2 == 0
    a, b = np.where(turned, y, x), np.where(turned, x, y)
    own, v, u = _cells(rng, a, b, blocks * strips, blocks, 0.0)
    return _grained(rng, size, _mix(colours[:2], own), 0.12) * (
        0.55 + 0.45 * _gaps(v, u, blocks * strips, blocks, 0.003)
    )


def _tiles(rng, size, colours):
    y, x = _grid(size)
    rows = int(rng.integers(3, 14))
    columns = max(1, round(rows * rng.choice([1.0, 1.0, 0.5, 2.0])))
    own, v, u = _cells(rng, y, x, rows, columns, rng.choice([0.0, 0.0, 0.5]) * (rows % 2 == 0))
    if rng.uniform() < 0.3:  # a chequered floor
        own = (np.floor(y * rows) + np.floor(x * columns)) % 2 * rng.uniform(0.5, 1)
    fill = _grained(rng, size, _mix(colours[:2], rng.uniform(0.1, 1) * own), rng.uniform(0, 0.15), slope=2)
    share = _gaps(v, u, rows, columns, rng.uniform(0.003, 0.01))
    return fill * share + colours[3] * (1 - share)


def _bricks(rng, size, colours):
    y, x = _grid(size)
    rows = 2 * int(rng.integers(7, 14))
    columns = max(2, round(rows / rng.uniform(2.2, 3.5)))
    own, v, u = _cells(rng, y, x, rows, columns)
    share = _gaps(v, u, rows, columns, rng.uniform(0.004, 0.008))
    joint = np.full(3, rng.uniform(0.3, 0.85))
    return _grained(rng, size, _mix(colours[:3], own), 0.2) * share + joint * (1 - share)


def _slabs(rng, size, colours):
    return _grained(rng, size, _tiles(rng, size, colours), 0.15, slope=1)


def _panels(rng, size, colours):
    y, x = _grid(size)
    columns = int(rng.integers(2, 8))
    u = (x * columns) % 1
    rail = rng.uniform(0.3, 0.5)
    groove = np.clip(np.minimum(u, 1 - u) * 20, 0.6, 1) * np.where(np.abs(y - 1 + rail) < 0.012, 0.7, 1)
    return _grained(rng, size, np.where((y > 1 - rail)[..., None], colours[0], colours[1]), 0.06) * groove[..., None]


def _curtain(rng, size, colours):
    _, x = _grid(size)
    bend = 0.05 * (_noise(rng, size, 3, (6, 1)) - 0.5)
    folds = np.sin(2 * np.pi * (rng.integers(4, 12) * (x + bend)))
    return colours[0] * (0.72 + 0.28 * folds[..., None])


def _carpet(rng, size, colours):
    y, x = _grid(size)
    rings = np.maximum(np.abs(x - 0.5), np.abs(y - 0.5)) * rng.integers(3, 9)
    base = _mix(colours, (np.floor(2 * rings) * 0.381) % 1) if rng.uniform() < 0.5 else _flowers(rng, size, colours)
    return _grained(rng, size, base, 0.25, slope=0.1)


def _grass(rng, size, colours):
    blades = np.maximum(_noise(rng, size, 1.2, (1, rng.uniform(0.3, 0.6))), _noise(rng, size, 1.2, (0.4, 1)))
    patches = _noise(rng, size, 2.5)
    return _mix(colours[:3], patches) * (0.35 + 1.0 * blades[..., None])


def _gravel(rng, size, colours):
    """Stones: the nearest of jittered points (Worley 1996)."""
    y, x = _grid(size)
    count = int(rng.integers(12, 40))
    jitter, tint = rng.uniform(0.1, 0.9, (2, count, count)), rng.uniform(size=(count, count))
    row, column = np.floor(y * count).astype(int), np.floor(x * count).astype(int)
    nearest, second, own = np.full(y.shape, 9.0), np.full(y.shape, 9.0), np.zeros(y.shape)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            r, c = (row + dy) % count, (column + dx) % count
            away = np.hypot(row + dy + jitter[0, r, c] - y * count, column + dx + jitter[1, r, c] - x * count)
            closer = away < nearest
            second = np.where(closer, nearest, np.minimum(second, away))
            own, nearest = np.where(closer, tint[r, c], own), np.minimum(nearest, away)
    return _mix(colours[:3], own) * np.clip(2.5 * (second - nearest) + 0.35, 0, 1)[..., None]


def _stripes(rng, size, colours):
    y, x = _grid(size)
    along = x if rng.uniform() < 0.6 else y
    edges = np.sort(rng.uniform(size=rng.integers(1, 7)))
    index = np.searchsorted(edges, (along * rng.integers(3, 24)) % 1)
    return colours[index % len(colours)]


def _hoops(rng, size, colours):
    y, _ = _grid(size)
    return colours[(np.floor(y * rng.integers(6, 24)) % rng.integers(2, 4)).astype(int)]


def _checks(rng, size, colours):
    y, x = _grid(size)
    count = 2 * rng.integers(2, 20)
    return colours[((np.floor(y * count) + np.floor(x * count)) % 2).astype(int)]


def _plaid(rng, size, colours):
    y, x = _grid(size)
    count, edges = rng.integers(2, 9), np.sort(rng.uniform(size=5))
    a, b = (colours[np.searchsorted(edges, (at * count) % 1) % len(colours)] for at in (y, x))
    return (a + b) / 2


def _zigzag(rng, size, colours):
    y, x = _grid(size)
    rows, teeth = rng.integers(4, 16), rng.integers(3, 16)
    wave = np.abs((x * teeth) % 1 - 0.5)
    return colours[(np.floor(y * rows + wave * rng.uniform(0.5, 2)) % 2).astype(int)]


def _dots(rng, size, colours):
    y, x = _grid(size)
    count, radius = 2 * int(rng.integers(2, 14)), rng.uniform(0.15, 0.4)
    own, v, u = _cells(rng, y, x, count, count, rng.choice([0.0, 0.5]))
    inside = np.hypot(v - 0.5, u - 0.5) < radius
    return np.where(inside[..., None], _mix(colours[1:], own * rng.choice([0, 1])), colours[0])


def _flowers(rng, size, colours):
    y, x = _grid(size)
    count, petals = 2 * int(rng.integers(2, 8)), rng.integers(3, 8)
    own, v, u = _cells(rng, y, x, count, count)
    away, angle = np.hypot(v - 0.5, u - 0.5), np.arctan2(v - 0.5, u - 0.5)
    edge = 0.18 + 0.16 * own + 0.1 * np.cos(petals * angle + 6 * own)
    picture = np.where((away < edge)[..., None], _mix(colours[1:3], own), colours[0])
    return np.where((away < 0.09)[..., None], colours[3], picture)


def _camouflage(rng, size, colours):
    share = _noise(rng, size, rng.uniform(2, 3))
    return colours[np.clip(((share - 0.2) * 1.65 * len(colours)), 0, len(colours) - 1).astype(int)]


def _weave(rng, size, colours):
    y, x = _grid(size)
    count = rng.integers(20, 60)
    threads = np.sin(2 * np.pi * count * (x + y)) + np.sin(2 * np.pi * count * x)
    worn = _noise(rng, size, 2.5)
    return _mix(colours[:2], worn) * (1 + 0.12 * threads[..., None])


def _knit(rng, size, colours):
    y, x = _grid(size)
    count = rng.integers(10, 40)
    loops = np.abs(np.sin(np.pi * count * (x + 0.4 * np.abs((y * count / 2) % 1 - 0.5) / count)))
    return colours[0] * (0.65 + 0.35 * loops[..., None])


def _print(rng, size, colours):
    """Plain cloth with one large print in the middle of the picture."""
    picture = np.array(_plain(rng, size, colours))
    low, high = sorted(rng.uniform(0.25, 0.75, 2))
    low, high = int(size * min(low, 0.42)), int(size * max(high, 0.58))
    kind = rng.choice(["flowers", "letters", "clutter", "dots", "spectrum", "hoops", "zigzag"])
    picture[low:high, low:high] = _PAINTERS[kind](rng, size, colours[[1, 2, 3, 0]])[: high - low, : high - low]
    return picture


def _letters(rng, size, colours):
    """Lines of strokes that look like writing."""
    picture = np.array(np.broadcast_to(colours[0], (size, size, 3)))
    tall = max(6, int(size / rng.integers(4, 14)))
    thick = max(1, tall // 7)
    for top in range(tall // 4, size - tall, int(1.4 * tall)):
        left = tall // 3
        ink = colours[1 + rng.integers(3)]
        while left < size - tall:
            wide = int(tall * rng.uniform(0.35, 0.7))
            for _ in range(rng.integers(2, 4)):
                if rng.uniform() < 0.5:
                    at = left + int(rng.integers(0, wide - thick + 1))
                    picture[top : top + tall, at : at + thick] = ink
                else:
                    at = top + int(rng.integers(0, tall - thick + 1))
                    picture[at : at + thick, left : left + wide] = ink
            left += wide + thick * (2 if rng.uniform() < 0.8 else 6)
    return picture


def _gradient(rng, size, colours):
    y, x = _grid(size)
    angle = rng.uniform(0, 2 * np.pi)
    share = 0.5 + 0.7 * ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle))
    if rng.uniform() < 0.4:
        share = 1.3 * np.hypot(x - rng.uniform(0.2, 0.8), y - rng.uniform(0.2, 0.8))
    return _mix(colours[: rng.integers(2, 5)], share)


def _spectrum(rng, size, colours):
    """Coloured noise with the spectrum of natural pictures, amplitude 1/f (Field 1987)."""
    slope = rng.uniform(1.4, 2.8)
    light, *fields = (_noise(rng, size, slope) - 0.5 for _ in range(4))
    strength = 0.8 if rng.uniform() < VIVID else 0.15
    tints = np.stack(fields, axis=-1) @ rng.normal(0, strength, (3, 3))
    return colours.mean(axis=0) + rng.uniform(0.3, 1.2) * light[..., None] + tints


def _any_colours(rng, count):
    """Colours (count, 3) of things that were made apart from each other."""
    return np.array([draw_colour(rng) for _ in range(count)]).reshape(-1, 3)


def _leaves(rng, size, colours, count, kinds, smallest, largest, ground):
    """Dead leaves: `count` shapes over each other on a ground (size, size, 3), sizes by the power law r ** -3."""
    picture = np.array(ground)
    radii = smallest / np.sqrt(1 - rng.uniform(size=count) * (1 - (smallest / largest) ** 2))
    grain = 0.85 + 0.3 * _noise(rng, size, 1.0)
    for radius in np.sort(radii)[::-1] if rng.uniform() < 0.5 else radii:
        kind = kinds[rng.integers(len(kinds))]
        cy, cx, turn, flat = rng.uniform(), rng.uniform(), rng.uniform(0, np.pi), rng.uniform(0.3, 1)
        y0, y1, x0, x1 = (
            int(np.clip(size * at, 0, size)) for at in (cy - radius, cy + radius, cx - radius, cx + radius)
        )
        if y1 - y0 < 2 or x1 - x0 < 2:
            continue
        dy, dx = (np.arange(y0, y1)[:, None] / size - cy) / radius, (np.arange(x0, x1)[None] / size - cx) / radius
        if kind == "box":
            inside = (np.abs(dy) < flat) & (np.abs(dx) < 0.9)
        else:
            a, b = dx * np.cos(turn) + dy * np.sin(turn), (dy * np.cos(turn) - dx * np.sin(turn)) / flat
            if kind == "ellipse":
                inside = a * a + b * b < 1
            elif kind == "leaf":
                inside = np.abs(b) < 0.8 * (1 - a * a)
            elif kind == "bar":
                inside = (np.abs(b) < 0.12 / flat) & (np.abs(a) < 1)
            else:
                inside = (a > -0.5) & (a + 1.7 * np.abs(b) < 0.9)
        colour = _mix(colours, rng.uniform()) * rng.uniform(0.5, 1.3) + rng.normal(0, 0.04, 3)
        slope = 1 + rng.uniform(-0.3, 0.3) * (dy + dx)
        part = picture[y0:y1, x0:x1]
        np.copyto(part, colour * (slope * grain[y0:y1, x0:x1])[..., None], where=inside[..., None])
    return picture


def _clutter(rng, size, colours):
    kinds = [("box",), ("ellipse", "triangle", "box"), ("bar", "box", "triangle"), ("ellipse", "leaf")][rng.integers(4)]
    colours = np.concatenate([colours, _any_colours(rng, rng.integers(0, 5))])
    smallest, ground = rng.choice([0.02, 0.04, 0.07]), _gradient(rng, size, colours)
    return _leaves(rng, size, colours, rng.integers(60, 250), kinds, smallest, rng.uniform(0.15, 0.4), ground)


def _foliage(rng, size, colours):
    ground = _mix(colours * 0.5, _noise(rng, size, 2.0))
    return _leaves(rng, size, colours, rng.integers(250, 450), ("leaf", "ellipse"), 0.012, 0.08, ground)


def _crates(rng, size, colours):
    return _leaves(
        rng, size, _any_colours(rng, 6), rng.integers(40, 120), ("box",), 0.05, 0.35, _panels(rng, size, colours)
    )


def _facade(rng, size, colours):
    """A house front: rows of windows, some lit, some with blinds."""
    picture = np.array(_PAINTERS[rng.choice(["plaster", "bricks", "concrete", "panels"])](rng, size, colours))
    rows, columns = int(rng.integers(2, 7)), int(rng.integers(2, 8))
    tall, wide = rng.uniform(0.35, 0.75), rng.uniform(0.35, 0.8)
    glass, frame = rng.uniform(0.05, 0.45) * np.array([0.85, 0.95, 1.0]), _any_colours(rng, 1)[0]
    for row in range(rows):
        for column in range(columns):
            y0, x0 = (row + (1 - tall) / 2) / rows, (column + (1 - wide) / 2) / columns
            y1, x1 = y0 + tall / rows, x0 + wide / columns
            edge = max(1, size // 128)
            y0, y1, x0, x1 = (int(size * at) for at in (y0, y1, x0, x1))
            picture[y0 - edge : y1 + edge, x0 - edge : x1 + edge] = frame
            lit = np.array([0.95, 0.8, 0.5]) if rng.uniform() < 0.15 else glass * rng.uniform(0.6, 1.6)
            picture[y0:y1, x0:x1] = lit * np.linspace(1.2, 0.8, y1 - y0)[:, None, None]
            if rng.uniform() < 0.3:
                picture[y0 : (y0 + y1) // 2, x0:x1] = frame * 0.8
    return picture


def _shelf(rng, size, colours):
    """Rows of books and boxes."""
    picture = np.array(np.broadcast_to(0.25 * colours[0], (size, size, 3)))
    rows = int(rng.integers(3, 8))
    tall = size // rows
    for row in range(rows):
        bottom, left = (row + 1) * tall, 0
        picture[bottom - max(2, tall // 10) : bottom] = colours[0]
        while left < size:
            wide = int(tall * rng.choice([0.08, 0.15, 0.25, 0.8]) * rng.uniform(0.7, 1.4)) + 2
            if rng.uniform() < 0.85:
                high = int(tall * rng.uniform(0.5, 0.85))
                own = _mix(colours, rng.uniform()) if rng.uniform() < 0.4 else _any_colours(rng, 1)[0]
                picture[bottom - tall // 10 - high : bottom - max(2, tall // 10), left : left + wide - 1] = own
            left += wide
    return picture


def _posters(rng, size, colours):
    picture = np.array(_plaster(rng, size, colours))
    kinds = ("letters", "clutter", "gradient", "spectrum", "dots", "print", "flowers", "stripes")
    for _ in range(rng.integers(2, 9)):
        high, wide = (int(size * rng.uniform(0.12, 0.45)) for _ in range(2))
        top, left = int(rng.uniform(0, size - high)), int(rng.uniform(0, size - wide))
        part = _PAINTERS[kinds[rng.integers(len(kinds))]](rng, max(high, wide), _any_colours(rng, 4))
        picture[top : top + high, left : left + wide] = part[:high, :wide]
    return picture


def _sky(rng, size):
    top = np.array(colorsys.hsv_to_rgb(rng.uniform(0.52, 0.64), rng.uniform(0.05, 0.7), rng.uniform(0.5, 1)))
    low = top + (1 - top) * rng.uniform(0.2, 0.9)
    clouds = np.clip(3 * (_noise(rng, size, 2.6, (1.6, 1)) - rng.uniform(0.4, 0.8)), 0, 1)[..., None]
    sky = top + (low - top) * _grid(size)[0][..., None]
    return sky + (rng.uniform(0.7, 1) - sky) * clouds


def _hills(rng, size, colours):
    picture = _sky(rng, size)
    y, _ = _grid(size)
    for layer, level in enumerate(np.sort(rng.uniform(0.35, 0.8, rng.integers(2, 5)))):
        ridge = level + rng.uniform(0.05, 0.25) * (_noise(rng, size, 3.0)[0] - 0.5)
        shade = _grained(rng, size, _mix(colours, _noise(rng, size, 2.0)) * (0.6 + 0.15 * layer), 0.4, slope=0.8)
        picture = np.where((y > ridge)[..., None], shade, picture)
    return picture


def _street(rng, size, colours):
    """Sky, a row of fronts, a road, trees and parked boxes."""
    picture = _sky(rng, size)
    ground, left = int(size * rng.uniform(0.6, 0.8)), 0
    while left < size:
        wide, high = int(size * rng.uniform(0.12, 0.4)), int(ground * rng.uniform(0.4, 1.1))
        front = _facade(rng, max(wide, high, 32), np.clip(_any_colours(rng, 1) + rng.normal(0, 0.06, (4, 3)), 0.1, 1))
        top, right = max(0, ground - high), min(size, left + wide)
        picture[top:ground, left:right] = front[-(ground - top) :, : right - left]
        left = right
    picture[ground:] = _asphalt(rng, size, colours * 0.3 + 0.3)[ground:]
    greens = np.array([[0.1, 0.2, 0.05], [0.3, 0.45, 0.15], [0.2, 0.3, 0.1]])
    y, x = _grid(size)
    for _ in range(rng.integers(0, 5)):
        cy, cx, radius = rng.uniform(0.3, 0.6), rng.uniform(), rng.uniform(0.06, 0.2)
        crown = np.hypot(y - cy, x - cx) < radius * (0.6 + 0.8 * _noise(rng, size, 1.5))
        stem = (np.abs(x - cx) < 0.012) & (y > cy) & (y < ground / size + 0.02)
        picture[stem] = (0.2, 0.15, 0.1)
        picture = np.where(crown[..., None], _mix(greens, _noise(rng, size, 0.8)), picture)
    for _ in range(rng.integers(0, 6)):  # cars
        wide, at = size * rng.uniform(0.1, 0.25), size * rng.uniform(-0.1, 1)
        low, own = int(ground + size * rng.uniform(0.02, 0.1)), _any_colours(rng, 1)[0]
        for a, b, c, d, ink in (
            (0.0, 1.0, 0.0, 0.25, own),
            (0.2, 0.8, 0.22, 0.42, own * 0.3),
            (0.1, 0.3, -0.08, 0.06, own * 0),
            (0.7, 0.9, -0.08, 0.06, own * 0),
        ):
            y0, y1 = int(low - d * wide), int(low - c * wide)
            picture[max(0, y0) : max(0, y1), max(0, int(at + a * wide)) : max(0, int(at + b * wide))] = ink
    return picture


def _interior(rng, size, colours):
    """A wall with a window and pictures above a floor with furniture against it."""
    picture = np.array(_PAINTERS[rng.choice(["plaster", "stripes", "flowers", "panels"])](rng, size, colours))
    ground = int(size * rng.uniform(0.65, 0.85))
    picture[ground:] = _planks(rng, size, rng.uniform(0.2, 0.7) + rng.normal(0, 0.05, (4, 3)))[ground:]
    for _ in range(rng.integers(2, 9)):
        high, wide = (int(size * rng.uniform(0.08, 0.35)) for _ in range(2))
        left = int(rng.uniform(0, size - wide))
        stands = rng.uniform() < 0.6
        bottom = ground + int(0.04 * size) if stands else int(ground * rng.uniform(0.45, 0.85))
        top = max(0, bottom - high)
        kind = rng.choice(
            ["plain", "shelf", "panels", "stripes"] if stands else ["gradient", "clutter", "spectrum", "plain"]
        )
        part = _PAINTERS[kind](rng, max(high, wide), _any_colours(rng, 4))
        picture[top:bottom, left : left + wide] = part[: bottom - top, :wide]
    return picture


_PAINTERS = {
    painter.__name__.removeprefix("_"): painter
    for painter in (
        _plain,
        _plaster,
        _concrete,
        _asphalt,
        _marble,
        _planks,
        _parquet,
        _tiles,
        _bricks,
        _slabs,
        _panels,
        _curtain,
        _carpet,
        _grass,
        _gravel,
        _stripes,
        _hoops,
        _checks,
        _plaid,
        _zigzag,
        _dots,
        _flowers,
        _camouflage,
        _weave,
        _knit,
        _print,
        _letters,
        _gradient,
        _spectrum,
        _clutter,
        _foliage,
        _crates,
        _facade,
        _shelf,
        _posters,
        _hills,
        _street,
        _interior,
    )
}
