"""What a bone's name says: the side of the body, the part, and whether the bone moves flesh or only helps a rig.

A name is cut into words where case, digits or punctuation change ("mixamorig:LeftUpLeg" is left, up, leg), words
written together are cut by a vocabulary ("lowerarm" is lower, arm; "lfemur" is l, femur), and the set of words is
looked up. Every convention is words in a table: Mixamo, Rigify, CMU, Unreal, VRM, 3ds Max Biped, Auto-Rig Pro, SMPL
and whatever uses the same words in another order.
"""

import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from graphics_ml.motion.humanoid import FINGERS


def _words_in(text):
    return frozenset(text.split())


# Each part with the word sets that name it and how surely they do. A set that holds another one hides it: "fore arm"
# is not an "arm". Two parts under one set are told apart by the tree ("shoulder" is a clavicle or an upper arm).
_PARTS = {
    "hips": {"hips": 1, "hip": 0.7, "pelvis": 1, "cog": 0.4, "root": 0.2, "lower torso": 0.6, "center mass": 0.4},
    "trunk": {
        "spine": 1, "chest": 1, "thorax": 1, "abdomen": 0.9, "torso": 0.8, "back": 0.8, "waist": 0.7, "rib": 0.5,
        "ribs": 0.7, "cage rib": 0.8, "belly": 0.5, "stomach": 0.6, "body upper": 0.7, "sternum": 0.6, "lumbar": 0.8,
    },
    "neck": {"neck": 1, "cervical": 0.8},
    "head": {"head": 1, "skull": 0.8},
    "shoulder": {"clavicle": 1, "collar": 1, "clav": 1, "shoulder": 0.75, "collar bone": 1, "scapula": 0.4,
                 "shldr": 0.6},
    "upper_arm": {"arm upper": 1, "arm up": 1, "arm": 0.8, "humerus": 1, "bicep": 0.8, "shoulder": 0.6, "shldr": 0.65,
                  "arm stretch": 0.95, "shoulder joint": 0.6, "bend shldr": 0.9},
    "forearm": {"forearm": 1, "arm fore": 1, "arm lower": 1, "arm low": 1, "arm lo": 1, "elbow": 0.9, "radius": 0.9,
                "ulna": 0.8},
    "hand": {"hand": 0.9, "wrist": 0.95},
    "thigh": {"thigh": 1, "leg up": 1, "leg upper": 1, "femur": 1, "hip": 0.6, "leg": 0.5},
    "shin": {"shin": 1, "calf": 1, "leg lower": 1, "leg low": 1, "leg lo": 1, "tibia": 1, "knee": 0.9, "leg": 0.8,
             "crus": 0.8},
    "foot": {"foot": 0.95, "ankle": 0.9, "feet": 0.8},
    "toes": {"toe": 0.9, "toes": 1, "ball": 0.9, "toebase": 1, "foot toe": 0.9, "ball foot": 0.9, "ankle toe": 0.8},
    "thumb": {"thumb": 1},
    "index": {"index": 1, "pointer": 0.9, "forefinger": 1, "finger fore": 1},
    "middle": {"middle": 1, "mid": 0.8},
    "ring": {"ring": 1},
    "pinky": {"pinky": 1, "pinkie": 1, "little": 0.9, "pink": 0.8},
    "finger": {"finger": 1},
}  # fmt: skip
# The farther out along a limb wins: "LeftHandThumb1" is a thumb, "FootToe" is toes.
_OUTERMOST_FIRST = (*FINGERS, "finger", "toes", "hand", "foot")
_PHALANX = {"metacarpal": 0, "carpal": 0, "proximal": 1, "intermediate": 2, "medial": 2, "distal": 3}
_LEFT = {"left", "l", "lft", "lt", "links", "gauche", "izquierda", "sinistra"}
_RIGHT = {"right", "r", "rgt", "rt", "rechts", "droite", "derecha", "destra"}
# Bones that steer, help or carry something are no part of the body, whatever else their names say.
_HELPER = _words_in("""
    ik pole ctrl control ctl controller ctr target tgt mch helper aux corrective correct volume slot
    prop weapon holder attach attachment socket jiggle bulge muscle tweak vis drv driver drive twist
    roll tw trans palm heel end nub tip top effector goal handle hold secondary sec adj switch parent
    pivot offset gizmo locator marker null dummy look aim rock spin hint blend tracker camera master
    widget wgt shape
""")
# Parts of a character that a body's motion does not drive.
_ORNAMENT = _words_in("""
    eye eyes eyelid eyebrow jaw tongue teeth tooth brow lid lids lip lips cheek nose nostril chin
    forehead temple ear ears hair bang bangs face facial mouth breast boob bust pec butt glute tail wing
    cape skirt cloth coat sleeve hat helmet sword shield bag strap belt pony ponytail ribbon feather
    horn beard fringe armor pauldron knot tie
""")
_NOISE = _words_in("""
    bone joint jnt jt jo bn bind skin def org sk skel skeleton rig armature mixamorig mixamo bip biped
    valve character char sim deform body stretch bend bended human humanoid geo base c center centre j b
    f fk in
""")
_NAMESPACE = re.compile(r"^(?:.*[:|]|cc_base_|bip ?\d+[ _]?|valvebiped\.bip\d+_)", re.IGNORECASE)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_VOCABULARY = (
    {word for sets in _PARTS.values() for words in sets for word in words.split()}
    | _HELPER
    | _ORNAMENT
    | _NOISE
    | set(_PHALANX)
    | {word for word in _LEFT | _RIGHT if len(word) > 3}
)
_LONG_WORDS = sorted(
    {word for word in _VOCABULARY if len(word) > 3} | {"upperarm", "lowerarm", "upperleg", "lowerleg", "upleg"}
)


@dataclass(frozen=True)
class NameReading:
    """What one name says.

    Args:
        side: "left", "right" or "".
        parts: part of the body to a score from 0 to 1; parts are the roles without side and number, "trunk" for any
            joint of the spine, "finger" for one that only numbers tell.
        helper: the bone steers or helps, or belongs to hair, cloth, face and the like.
        numbers: the numbers in the name, as written.
        phalanx: 0 metacarpal to 3 distal where a word says so, else None.
    """

    side: str
    parts: dict
    helper: bool
    numbers: tuple[str, ...]
    phalanx: int | None


def read_names(names) -> list[NameReading]:
    """Readings of all joint names of a skeleton; words that most of them share (the rig's own name) are passed over."""
    split = [_words(name) for name in names]
    counts = Counter(word for words in split for word in set(words))
    shared = {word for word, n in counts.items() if n > 0.6 * len(names) and len(names) > 5 and _unknown(word)}
    return [
        _read(tuple(word for word in words if word not in shared), name)
        for words, name in zip(split, names, strict=True)
    ]


def bare_name(name: str) -> str:
    """A name without namespaces ("mixamorig:", "Armature|") and the prefixes that tools put before all names."""
    return _NAMESPACE.sub("", name, count=1) or name


def _read(words, name):
    kind = re.match(r"^(?:.*[:|])?(DEF|ORG|MCH|WGT|VIS)[-_]", name)
    kind = kind.group(1) if kind else ""
    side = _side(words)
    meaning = {word for word in words if word not in _LEFT | _RIGHT and not word.isdigit()}
    phalanx = next((_PHALANX[word] for word in words if word in _PHALANX), None)
    helper = bool(meaning & (_HELPER | _ORNAMENT)) or kind in ("MCH", "WGT", "VIS")
    parts = {} if helper else _parts(meaning)
    unknown = sum(_unknown(word) for word in meaning)
    certainty = 0.75**unknown * (0.8 if kind == "ORG" else 1.0) * (0.7 if "fk" in meaning else 1.0)
    if any(len(word) == 3 and word.isdigit() for word in words) and kind == "DEF":
        certainty *= 0.8  # the second half of a bone that Rigify cut in two
    parts = {part: score * certainty for part, score in parts.items()}
    return NameReading(side, parts, helper, tuple(word for word in words if word.isdigit()), phalanx)


def _parts(meaning):
    matches = [
        (set(words.split()), part, score)
        for part, sets in _PARTS.items()
        for words, score in sets.items()
        if set(words.split()) <= meaning
    ]
    parts = {}
    for words, part, score in matches:
        if not any(words < other for other, _, _ in matches):
            parts[part] = max(parts.get(part, 0), score)
    for outer in _OUTERMOST_FIRST:
        if outer in parts:
            # Below an ankle, a foot is where the toes begin (SMPL).
            return {outer: parts[outer], **({"toes": 0.5} if outer == "foot" and "foot" in meaning else {})}
    return parts


def _side(words):
    left, right = any(w in _LEFT for w in words), any(w in _RIGHT for w in words)
    return "left" if left and not right else "right" if right and not left else ""


def _words(name):
    found = []
    for word in WORDS.findall(bare_name(name)):
        found.extend(_cut(word.lower()))
    return found


@lru_cache(maxsize=4096)
def _cut(word):
    """A lower-case word as the fewest known words, a side letter allowed at either end; itself when it has none."""
    if word.isdigit() or word in _VOCABULARY or word in _LEFT or word in _RIGHT:
        return (word,)
    candidates = [_segment(word)]
    if len(word) > 3:
        candidates += [_with(word[0], _segment(word[1:]), first=True)] if word[0] in "lr" else []
        candidates += [_with(word[-1], _segment(word[:-1]), first=False)] if word[-1] in "lr" else []
    candidates = [c for c in candidates if c]
    if candidates:
        return min(candidates, key=len)
    close = get_close_matches(word, _LONG_WORDS, n=1, cutoff=0.84) if len(word) > 4 else []
    return (_segment(close[0]) or (close[0],)) if close else (word,)


def _with(letter, words, first):
    return words and ((letter, *words) if first else (*words, letter))


def _segment(word):
    best = {0: ()}
    for end in range(1, len(word) + 1):
        options = [
            (*best[start], word[start:end]) for start in best if end - start > 1 and word[start:end] in _VOCABULARY
        ]
        if options:
            best[end] = min(options, key=len)
    return best.get(len(word))


def _unknown(word):
    return not (word in _VOCABULARY or word in _LEFT or word in _RIGHT or word.isdigit() or len(word) == 1)
