"""Families of skeletons whose joints' names are known: the data files in bone_maps.

A file names a family's joints by part of the body: single joints, and chains as lists, from the pelvis or the hand on;
`{side}` stands for the words in `sides`, ` | ` parts names of which a skeleton has one, `other` lists joints that play
no role. Names are compared without case and punctuation, with and without a namespace ("mixamorig:"), and without the
words that all joints of a skeleton begin or end with. Of the families whose limbs a skeleton has, hanging together as
limbs do, it belongs to the one that shares the largest part of all names with it.
"""

import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np

from graphics_ml.motion.bone_names import WORDS, bare_name
from graphics_ml.motion.humanoid import FINGERS
from graphics_ml.motion.skeleton import Skeleton

_CHAINS = {"spine": "trunk", "neck": "neck", **{finger: finger for finger in FINGERS}}
_SINGLE = ("hips", "head", "shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toes")
_LIMBS = (("hips", "upper_arm", "forearm", "hand"), ("hips", "thigh", "shin", "foot"))
_BODY = {*(part for limb in _LIMBS for part in limb), "shoulder", "neck", "head"}
_KEYS = {"name", "sides", "other", *_CHAINS, *_SINGLE}
_STRIPPED = 0.98  # what a name counts that is the family's only without a prefix


@dataclass(frozen=True)
class Family:
    """Names of one family's joints, with one pair of words for the sides.

    Args:
        name: of the family.
        joints: one entry a joint: (part, side, names in normal form). The part is a role without side and number,
            "trunk" for the spine, or "" for a joint without a role; the side is "left", "right" or "".
    """

    name: str
    joints: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class FamilyMatch:
    """A skeleton's family, and what that says of its joints.

    Args:
        name: of the family.
        share: common names over all names of the skeleton and those of the family that it lacks, 0 to 1.
        joints: joint index to (part, side), as in Family.
    """

    name: str
    share: float
    joints: dict[int, tuple[str, str]]


def known_families() -> tuple[str, ...]:
    """Names of the families with a data file, sorted."""
    return tuple(sorted({family.name for family in _families()}))


def family_of(skeleton: Skeleton, deform=None) -> str | None:
    """The name of the family that a skeleton belongs to, None for one of its own."""
    match = match_family(skeleton, deform)
    return None if match is None else match.name


def match_family(skeleton: Skeleton, deform=None, only: str | None = None) -> FamilyMatch | None:
    """The family that shares most names with a skeleton, among those all of whose limbs it has.

    Args:
        deform: J booleans, which bones move the mesh; of two joints of one name such a one is taken. None: not known.
        only: name of the one family to look at; all when None.
    """
    found = {}
    for strength, names in _spellings(skeleton.names):
        for joint, name in enumerate(names):
            found.setdefault(name, {}).setdefault(joint, strength)
    moves = np.ones(len(skeleton)) if deform is None or not np.any(deform) else np.where(deform, 1.0, 0.4)
    best = None
    for family in _families() if only is None else [one for one in _families() if one.name == only]:
        joints, total = {}, 0.0
        for part, side, names in family.joints:
            hits = {joint: strength for name in names for joint, strength in found.get(name, {}).items()}
            hits = {joint: strength for joint, strength in hits.items() if joint not in joints}
            if hits:
                joint = max(hits, key=lambda j: hits[j] * moves[j])
                joints[joint] = (part, side)
                total += hits[joint] * moves[joint]
        lacking = sum(bool(part) for part, _, _ in family.joints) - sum(bool(part) for part, _ in joints.values())
        share = total / (len(skeleton) + lacking)
        if (best is None or share > best.share) and _has_the_body(skeleton, family, joints):
            best = FamilyMatch(family.name, share, joints)
    return best


def _has_the_body(skeleton, family, joints):
    """Whether a skeleton has all that a family has of limbs, neck and head, each below the one before."""
    at = {meaning: joint for joint, meaning in joints.items()}
    wanted = {(part, side) for part, side, _ in family.joints if part in _BODY}
    return wanted <= set(at) and all(
        _below(skeleton, at[b, side], at[a, "" if a == "hips" else side])
        for side in ("left", "right")
        for limb in _LIMBS
        for a, b in pairwise(limb)
    )


def _below(skeleton, joint, ancestor):
    while joint > ancestor:
        joint = skeleton.parents[joint]
        if joint == ancestor:
            return True
    return False


@cache
def _families():
    """Every family of the data files, once for each of its pairs of words for the sides."""
    found = []
    for file in sorted(files("graphics_ml.motion").joinpath("bone_maps").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            content = tomllib.loads(file.read_text(encoding="utf-8"))
            if unknown := set(content) - _KEYS:
                raise ValueError(f"{file.name}: unknown key {', '.join(sorted(unknown))}")
            found += [Family(content["name"], tuple(_joints(content, words))) for words in content["sides"]]
    return tuple(found)


def _joints(content, words):
    parts = [(part, [content[part]]) for part in _SINGLE if part in content]
    parts += [(part, content[chain]) for chain, part in _CHAINS.items() if chain in content]
    for part, names in [*parts, ("", content.get("other", []))]:
        for name in names:
            for side, word in zip(("left", "right"), words, strict=True) if "{side}" in name else (("", ""),):
                yield part, side, tuple(_normal(one.replace("{side}", word)) for one in name.split(" | "))


def _spellings(names):
    """(strength, normal forms of all names): whole, without namespaces, without what all begin or end with."""
    bare = [bare_name(name) for name in names]
    words = [WORDS.findall(name) for name in bare]
    for end in (0, -1):
        for _ in range(3):
            common = [word for word, n in Counter(w[end] for w in words if w).items() if n > 0.6 * len(names)]
            words = [(w[1:] if end == 0 else w[:-1]) if len(w) > 1 and w[end] in common else w for w in words]
    yield 1.0, [_normal(name) for name in names]
    yield _STRIPPED, [_normal(name) for name in bare]
    yield _STRIPPED**2, [_normal("".join(w)) for w in words]


def _normal(name):
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
