# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene file can say of what is around the people. The samplers of the same names draw from it; no bpy here."""

from dataclasses import dataclass
from pathlib import Path

from graphics_ml.blender.scenes.distributions import Distribution
from graphics_ml.blender.scenes.furniture import DISTRACTORS, OCCLUDERS
from graphics_ml.blender.scenes.patterns import CLOTHS, FLOORS, VIEWS, WALLS
from graphics_ml.blender.scenes.sections import Section, drawn, files, fixed

MOVES = ("still", "hand", "pan", "follow")
LAMPS = ("sun", "lamp", "window")
SKIES = ("even", "painted", "hdri")
TONES = ("Standard", "Filmic", "AgX")
OVERLAYS = ("none", "letters", "caption", "logo")
PLACES = ("room", "outdoors", "studio", "backdrop", "open")


@dataclass(frozen=True)
class Cameras(Section):
    """The camera."""

    field_of_view: Distribution = drawn(
        "of the picture's longer side",
        {"choice": [{"uniform": [28, 50]}, {"uniform": [50, 78]}], "weights": [2, 1]},
        min=5,
        max=120,
        unit="degrees",
    )
    fill: Distribution = drawn(
        "share of the picture's height or width that the people fill; what is above 1 is cut off",
        {"choice": [{"uniform": [0.55, 0.95]}, {"uniform": [0.95, 1.9]}], "weights": [4, 1]},
        min=0.1,
        max=5,
    )
    azimuth: Distribution = drawn(
        "from where it looks: 0 from +Z, 90 from +X", {"uniform": [0, 360]}, min=-360, max=360, unit="degrees"
    )
    elevation: Distribution = drawn(
        "how far above the people's middle it stands, as an angle; below 0 it looks up",
        {
            "choice": [{"normal": [5, 8], "min": -20, "max": 30}, {"uniform": [20, 65]}, {"uniform": [-25, 0]}],
            "weights": [6, 2, 1],
        },
        min=-60,
        max=85,
        unit="degrees",
    )
    roll: Distribution = drawn(
        "how far it is turned about its own axis",
        {"choice": [{"normal": [0, 2]}, {"normal": [0, 12], "min": -45, "max": 45}], "weights": [4, 1]},
        min=-180,
        max=180,
        unit="degrees",
    )
    off_centre: Distribution = drawn(
        "how far the people's middle is from the picture's, as a share of the room beside them, or of what is cut off",
        {"uniform": [0, 0.9]},
        min=0,
        max=2,
    )
    show: int = fixed(
        "how many of the twelve shoulders, elbows, wrists, hips, knees and ankles of one of the people are in the "
        "picture at least; where they would not be, less is cut off",
        6,
        kind=int,
        min=0,
        max=12,
    )
    move: Distribution = drawn(
        "how it moves: it stands still, is held by hand, pans, or follows the people",
        {"choice": list(MOVES), "weights": [4, 3, 1, 2]},
        kind=str,
        choices=MOVES,
    )
    shake: Distribution = drawn("of a camera that moves", {"log_uniform": [0.1, 1.5]}, min=0, max=20, unit="degrees")
    pan: Distribution = drawn("of a camera that pans", {"uniform": [-12, 12]}, min=-90, max=90, unit="degrees a second")
    blur: Distribution = drawn(
        "radius that what is at infinity, or half as near as the people, is out of focus by; part of the longer side",
        {"choice": [0, {"uniform": [0.002, 0.015]}], "weights": [5, 1]},
        min=0,
        max=0.1,
    )


@dataclass(frozen=True)
class Lights(Section):
    """The light."""

    exposure: Distribution = drawn(
        "how bright a white thing at the people's place becomes; 1 is white",
        {"log_uniform": [0.7, 1.4]},
        min=0.01,
        max=20,
    )
    sky_share: Distribution = drawn("of the light that comes from the sky", {"uniform": [0.25, 0.95]}, min=0, max=1)
    sky: Distribution = drawn(
        "even colour, painted with clouds, or one of the hdris where there are any",
        {"choice": list(SKIES), "weights": [3, 3, 4]},
        kind=str,
        choices=SKIES,
    )
    lamps: Distribution = drawn(
        "how many light sources besides the sky",
        {"choice": [0, 1, 2, 3], "weights": [1, 6, 3, 2]},
        kind=int,
        min=0,
        max=8,
    )
    kind: Distribution = drawn(
        "of each: a sun, a bulb, or an area such as a window or soft box",
        {"choice": list(LAMPS), "weights": [3, 1, 2]},
        kind=str,
        choices=LAMPS,
    )
    temperature: Distribution = drawn(
        "of each source's colour",
        {
            "choice": [{"normal": [5800, 900], "min": 3800, "max": 9500}, {"log_uniform": [2300, 12000]}],
            "weights": [2, 1],
        },
        min=1700,
        max=25000,
        unit="K",
    )
    tint: Distribution = drawn(
        "how far a source's colour is drawn towards any hue, as of coloured lamps",
        {"choice": [0, {"uniform": [0.1, 0.7]}], "weights": [14, 1]},
        min=0,
        max=1,
    )
    softness: Distribution = drawn(
        "angle that each source spans, seen from the people: shadows of small ones are hard",
        {"choice": [{"log_uniform": [0.5, 3]}, {"log_uniform": [3, 40]}]},
        min=0.01,
        max=170,
        unit="degrees",
    )
    zenith_angle: Distribution = drawn(
        "of each source: 0 is straight above",
        {"choice": [{"uniform": [5, 60]}, {"uniform": [60, 80]}], "weights": [4, 1]},
        min=0,
        max=120,
        unit="degrees",
    )
    tone: Distribution = drawn(
        "how light becomes colour: as it is, or with the soft shoulder of film or of newer cameras",
        {"choice": list(TONES), "weights": [6, 1, 1]},
        kind=str,
        choices=TONES,
    )
    hdris: tuple[Path, ...] = files("pictures of the light all around, .hdr or .exr, latitude over longitude")


@dataclass(frozen=True)
class Backgrounds(Section):
    """Floor, walls and what is far away."""

    place: Distribution = drawn(
        "a room; outdoors, before painted views all around; a studio's bent paper; a picture close behind; or a floor "
        "under the open sky",
        {"choice": list(PLACES), "weights": [6, 4, 1, 4, 1]},
        kind=str,
        choices=PLACES,
    )
    floors: tuple[str, ...] = fixed("that may be laid", FLOORS, kind=str, choices=FLOORS, several=True)
    walls: tuple[str, ...] = fixed("that may be put up", WALLS, kind=str, choices=WALLS, several=True)
    views: tuple[str, ...] = fixed("that may be painted behind", VIEWS, kind=str, choices=VIEWS, several=True)
    pictures: tuple[Path, ...] = files("photographs or other pictures to put behind and on walls")
    picture_share: float = fixed("of the views that show one of the pictures, where there are any", 0.7, min=0, max=1)
    behind: Distribution = drawn(
        "distance of a picture close behind, from the people", {"uniform": [0.4, 4]}, min=0, max=100, unit="m"
    )
    room: Distribution = drawn(
        "from the people and the camera to a room's walls", {"log_uniform": [0.3, 4]}, min=0.1, max=100, unit="m"
    )
    roughness: Distribution = drawn("of floors", {"uniform": [0.25, 1]}, min=0, max=1)


@dataclass(frozen=True)
class Occluders(Section):
    """Things between the camera and the people."""

    count: Distribution = drawn("of them", {"choice": [0, 1, 2, 3], "weights": [5, 4, 2, 1]}, kind=int, min=0, max=50)
    cover: Distribution = drawn(
        "how wide each is, beside the height of the people in the picture", {"uniform": [0.08, 0.4]}, min=0.01, max=3
    )
    nearness: Distribution = drawn(
        "where each stands on the way from the camera, 0, to the nearest of the people, 1",
        {"uniform": [0.4, 0.95]},
        min=0.05,
        max=1,
    )
    leave: int = fixed(
        "how many of the twelve shoulders, elbows, wrists, hips, knees and ankles of one of the people stay at least "
        "in sight, of those that are in the picture; 0 lets things hide what they may",
        6,
        kind=int,
        min=0,
        max=12,
    )
    kinds: tuple[str, ...] = fixed("of things", OCCLUDERS, kind=str, choices=OCCLUDERS, several=True)


@dataclass(frozen=True)
class Distractors(Section):
    """Things beside and behind the people, some of which look like people and are none."""

    count: Distribution = drawn(
        "of them, besides a stool for whoever would sit in the air", {"uniform": [0, 9]}, kind=int, min=0, max=200
    )
    away: Distribution = drawn("of each from the people", {"log_uniform": [0.3, 6]}, min=0.05, max=100, unit="m")
    scale: Distribution = drawn("of each beside its true size", {"log_uniform": [0.7, 1.4]}, min=0.05, max=20)
    kinds: tuple[str, ...] = fixed("of things", DISTRACTORS, kind=str, choices=DISTRACTORS, several=True)


@dataclass(frozen=True)
class Materials(Section):
    """What our own people wear; characters from files keep what they have."""

    own: Distribution = drawn(
        "whether a piece of clothing keeps its character's colour",
        {"choice": [True, False], "weights": [1, 2]},
        kind=bool,
    )
    pattern: Distribution = drawn(
        'of a piece of clothing, "none" for one colour',
        {"choice": ["none", *CLOTHS], "weights": [10, *(1 for _ in CLOTHS)]},
        kind=str,
        choices=("none", *CLOTHS),
    )
    span: Distribution = drawn(
        "of cloth that a pattern's picture covers", {"log_uniform": [0.15, 0.9]}, min=0.01, max=10, unit="m"
    )
    roughness: Distribution = drawn("of cloth", {"uniform": [0.45, 1]}, min=0, max=1)
    skin_roughness: Distribution = drawn("of skin", {"uniform": [0.3, 0.7]}, min=0, max=1)


@dataclass(frozen=True)
class Effects(Section):
    """What lens, sensor and codec do to each picture. None moves anything in it, so labels stay exact."""

    metering: Distribution = drawn(
        "how far the camera itself brings what it sees to its middle brightness: 0 not at all, 1 all the way; it never "
        "makes more than one pixel in eight white",
        {"uniform": [0.4, 0.95]},
        min=0,
        max=1,
    )
    exposure: Distribution = drawn(
        "steps of twice the light, after that", {"normal": [0.15, 0.3], "min": -0.7, "max": 0.8}, min=-8, max=8
    )
    warmth: Distribution = drawn("of the white balance, as log of red over blue", {"normal": [0, 0.12]}, min=-2, max=2)
    green: Distribution = drawn(
        "of the white balance, as log of green over red and blue", {"normal": [0, 0.04]}, min=-2, max=2
    )
    vignette: Distribution = drawn(
        "share of the light lost in the corners",
        {"choice": [0, {"uniform": [0.05, 0.6]}], "weights": [3, 1]},
        min=0,
        max=1,
    )
    softest: float = fixed(
        "most that blur, motion_blur and scale together may spread a point, as a standard deviation beside the size of "
        "the smallest person in the picture: more would leave nothing to label",
        0.012,
        min=0,
        max=1,
    )
    blur: Distribution = drawn(
        "standard deviation of a soft lens",
        {"choice": [0, {"log_uniform": [0.3, 1.8]}], "weights": [4, 1]},
        min=0,
        max=50,
        unit="pixels",
    )
    motion_blur: Distribution = drawn(
        "length of the way that all moves while the shutter is open",
        {"choice": [0, {"uniform": [2, 7]}], "weights": [11, 1]},
        min=0,
        max=100,
        unit="pixels",
    )
    scale: Distribution = drawn(
        "of the sensor's picture, which is then enlarged again",
        {"choice": [1, {"uniform": [0.4, 0.95]}], "weights": [6, 1]},
        min=0.05,
        max=1,
    )
    noise: Distribution = drawn(
        "standard deviation of the sensor's noise, of 255 levels",
        {"choice": [0, {"log_uniform": [0.7, 3]}, {"log_uniform": [3, 10]}], "weights": [5, 4, 1]},
        min=0,
        max=255,
    )
    shot: Distribution = drawn(
        "of the noise that grows with the root of the light, at white, of 255 levels",
        {"choice": [0, {"log_uniform": [1, 6]}], "weights": [4, 1]},
        min=0,
        max=255,
    )
    sharpen: Distribution = drawn(
        "how much the camera overdoes edges", {"choice": [0, {"uniform": [0.2, 1]}]}, min=0, max=10
    )
    contrast: Distribution = drawn("factor about the mean brightness", {"log_uniform": [0.9, 1.6]}, min=0, max=10)
    saturation: Distribution = drawn("factor", {"normal": [0.9, 0.2], "min": 0.4, "max": 1.4}, min=0, max=10)
    grey: Distribution = drawn(
        "whether the picture is black and white", {"choice": [False, True], "weights": [29, 1]}, kind=bool
    )
    overlay: Distribution = drawn(
        "what is laid over the picture: letters alone, a caption on a band, or a logo in a corner; bands and logos go "
        "where they hide nobody, and where there is no such place there is none",
        {"choice": list(OVERLAYS), "weights": [9, 1, 1, 1]},
        kind=str,
        choices=OVERLAYS,
    )
    jpeg: Distribution = drawn(
        "quality of JPEG compression; 0 is none",
        {"choice": [0, {"uniform": [50, 95]}, {"uniform": [20, 50]}], "weights": [4, 3, 1]},
        kind=int,
        min=0,
        max=100,
    )
