"""Marker sets: which label stands for which site on the body. Each is a table in marker_sets/, or the user's own.

A table names its set and says for each label, in [sided] without the "L" or "R" before it, in [middle] as it stands,
and in [right] or [left] those on one side only, a site of marker_sets/sites.toml. [aliases] lists other spellings of a
label; upper and lower case, blanks, dots and underscores do not matter anywhere. `needed` are sites without which a set
is not taken for this one, `error` a factor on the errors of its markers.
"""

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.motion.markers import bare_name
from graphics_ml.pose.body import JOINTS
from graphics_ml.toml_files import read_toml
from graphics_ml.wording import suggestion

_FOLDER = Path(__file__).with_name("marker_sets")
_SITES_FILE = "sites.toml"


class MarkerSetError(GraphicsMLError):
    """The labels of markers say nothing of a body."""


@dataclass(frozen=True)
class Site:
    """A place on the body.

    Attributes:
        joint: the joint whose frame it is fixed to.
        place: (3,) in that frame, in the T-pose, as parts of the body's height.
        spread: how far a person's marker may sit from there, as part of the height; 0 for a joint's centre.
        error: metres by which it strays while the body moves.
    """

    joint: str
    place: np.ndarray
    spread: float
    error: float


@dataclass(frozen=True)
class MarkerSet:
    """Labels, as `plain` leaves them, and their sites: "left_asis", "c7", ..."""

    name: str
    sites: dict[str, str]
    needed: tuple[str, ...] = ()
    error: float = 1.0

    def found(self, names) -> dict[str, str]:
        """{label: site} of those of the labels that the set has, one for each site: the first."""
        result = {}
        for name, bare in zip(names, _plain_names(names), strict=True):
            site = self.sites.get(bare)
            if site and site not in result.values():
                result[name] = site
        return result

    def missing(self, found: dict[str, str]) -> tuple[str, ...]:
        """Needed sites that are not among those found on both sides."""
        there = set(found.values())
        return tuple(s for s in self.needed if not {f"left_{s}", f"right_{s}"} <= there)


def plain(name: str) -> str:
    """A label without its subject, in lower case, its letters and digits only: "Anna:L.Heel" is "lheel"."""
    return re.sub(r"[^a-z0-9]", "", bare_name(name).lower())


def known_sets() -> tuple[MarkerSet, ...]:
    """The sets that come with the program."""
    return tuple(read_marker_set(path) for path in sorted(_FOLDER.glob("*.toml")) if path.name != _SITES_FILE)


def choose_set(names, wanted: str | Path | MarkerSet | None = None) -> tuple[MarkerSet, dict[str, str]]:
    """The set that most of the labels belong to, and {label: site} of those that do.

    Args:
        names: the labels.
        wanted: a set, its name, or a table of one's own (.toml), in place of the one that fits best.

    Raises:
        MarkerSetError: no known set fits, or not the wanted one: the labels lack what it needs, or are those of another
            set.
        FileError: the table cannot be used.
    """
    if isinstance(wanted, str) and not wanted.lower().endswith(".toml"):
        chosen = [one for one in known_sets() if plain(one.name) == plain(wanted)]
        if not chosen:
            known = {one.name for one in known_sets()}
            raise MarkerSetError(f"there is no marker set '{wanted}'{suggestion(wanted, sorted(known))}")
        wanted = chosen[0]
        _ensure_worn(wanted, names)
    elif isinstance(wanted, str | Path):
        wanted = read_marker_set(wanted)
    sets = known_sets() if wanted is None else (wanted,)
    best = _best_of(sets, names)
    found = best.found(names)
    if not _is_shown(best, found):
        some = ", ".join(list(names)[:4]) + (", ..." if len(names) > 4 else "")
        known = ", ".join(one.name for one in sets)
        raise MarkerSetError(
            f"the labels ({some}) are of no marker set that is known ({known}); describe them in a table like "
            f"{_FOLDER / 'plug_in_gait.toml'} and give that as the marker set"
        )
    return best, found


FEWEST = 6  # labels that must be those of a set


def _is_shown(one, found):
    return len(found) >= FEWEST and not one.missing(found)


def _best_of(sets, names):
    return max(sets, key=lambda one: (not one.missing(one.found(names)), len(one.found(names))))


def _ensure_worn(wanted, names):
    """Raise where the labels are rather those of another known set; sets have some labels in common."""
    likely = _best_of(known_sets(), names)
    found, its = wanted.found(names), likely.found(names)
    if _is_shown(likely, its) and (not _is_shown(wanted, found) or len(its) > 2 * len(found)):
        raise MarkerSetError(
            f"only {len(found)} of the {len(names)} labels are of the marker set '{wanted.name}'; they look like "
            f"'{likely.name}' ({len(its)} of them), so give that or no marker set"
        )


def read_marker_set(path: str | Path) -> MarkerSet:
    """The set in a table.

    Raises:
        FileError: no such file, no TOML, or an unknown site.
    """
    table = read_toml(path, "marker set")
    result = {}
    try:
        aliases = {key: [key, *more] for key, more in table.get("aliases", {}).items()}
        for part, sides in _PARTS.items():
            for label, kind in table.get(part, {}).items():
                if kind not in sites():
                    raise FileError(path, None, f"there is no site '{kind}'{suggestion(kind, sites())}")
                for letters, side in sides:
                    for spelled in aliases.get(label, [label]):
                        for letter in letters:
                            result[plain(letter + spelled)] = side + kind
        name = str(table.get("name", Path(path).stem))
        return MarkerSet(name, result, tuple(table.get("needed", ())), float(table.get("error", 1.0)))
    except (TypeError, AttributeError, ValueError) as error:
        raise FileError(path, None, f"this table is not laid out as that of a marker set ({error})") from None


_PARTS = {
    "sided": ((("L", "Left"), "left_"), (("R", "Right"), "right_")),
    "middle": ((("",), ""),),
    "left": ((("",), "left_"),),
    "right": ((("",), "right_"),),
}


@cache
def sites() -> dict[str, Site]:
    """The sites by name, those of the left side and the middle."""
    table = tomllib.loads((_FOLDER / _SITES_FILE).read_text(encoding="utf-8"))
    return {
        name: Site(row["joint"], np.array(row["place"], dtype=np.float64), row["spread"], row["error"])
        for name, row in table.items()
    }


def site_on_body(name: str) -> Site:
    """A site by its full name, such as "right_asis" or "c7", with the joint of its side."""
    kind = name.removeprefix("left_").removeprefix("right_")
    site = sites()[kind]
    joint = site.joint if site.joint in JOINTS else ("right_" if name.startswith("right_") else "left_") + site.joint
    mirror = np.array([-1.0 if name.startswith("right_") else 1.0, 1.0, 1.0])
    return Site(joint, site.place * mirror, site.spread, site.error)


def _plain_names(names):
    """Labels as `plain` leaves them, also without a start up to an underscore that most share: "Kuo_01_LASI"."""
    names = [bare_name(name) for name in names]
    starts = Counter(name[: place + 1] for name in names for place, letter in enumerate(name) if letter == "_")
    shared = [start for start, count in starts.items() if count > _MOST * len(names)]
    start = max(shared, key=len, default="")
    return [plain(name.removeprefix(start)) for name in names]


_MOST = 2 / 3  # more than one side of a body
