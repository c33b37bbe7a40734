"""Bone maps as TOML files, made to be edited.

A map of one skeleton is a table [bones] of lines role = "bone". A map of a pair has two such tables, [source] and
[target]; each role that both name carries motion from the one bone to the other. A pair's file may stand wherever the
map of one skeleton is wanted, and the other way round: of a pair the target's table is taken, and one skeleton's map is
the target's.
"""

from pathlib import Path

from graphics_ml.errors import FileError
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.humanoid import ROLES
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.outputs import write_bytes
from graphics_ml.toml_files import read_toml
from graphics_ml.wording import suggestion, toml_value

_HOW = '[bones] and lines like hips = "Hips"'


class BoneMapError(FileError):
    """A bone map file cannot be used."""


def save_map(bone_map: BoneMap, path: str | Path) -> None:
    """Write the map as TOML: one line a role, the confidence as a comment, missing roles commented out.

    Raises:
        OutputError: the file cannot be written.
    """
    lines = ["# Which bone plays which role. Edit freely; a line taken out leaves that role undriven."]
    _write(path, [*lines, *_table("bones", bone_map)])


def save_pair_map(
    source_map: BoneMap, source: Skeleton, target_map: BoneMap, target: Skeleton, path: str | Path
) -> None:
    """Write which bone of the source leads which bone of the target; bones without a role are listed as comments.

    Raises:
        OutputError: the file cannot be written.
    """
    lines = [
        "# The source's bone of a role leads the target's bone of that role. Edit freely; a role that either table",
        "# lacks is left undriven.",
        *_table("source", source_map),
        *_without_role(source_map, source),
        "",
        *_table("target", target_map),
        *_without_role(target_map, target),
    ]
    _write(path, lines)


def load_map(path: str | Path, skeleton: Skeleton) -> BoneMap:
    """Read a map written by `save_map`, `save_pair_map` (its target) or by hand; what it names counts as certain.

    Raises:
        BoneMapError: no such file, not TOML, an unknown role or bone (with the nearest known one), a bone named twice.
    """
    return _checked(path, read_map(path), skeleton, "the rig")


def load_pair_map(path: str | Path, source: Skeleton, target: Skeleton) -> tuple[BoneMap | None, BoneMap]:
    """Read a map of a pair of skeletons; what it names counts as certain.

    Returns:
        The source's map, None where the file is a map of one skeleton, and the target's.

    Raises:
        BoneMapError: as for load_map, or one of the two tables is missing.
    """
    content = read_toml(path, "bone map", BoneMapError)
    if "source" not in content:
        return None, _checked(path, read_map(path), target, "the target")
    leading, following = (_bones(path, content, name) for name in ("source", "target"))
    return _checked(path, leading, source, "the source"), _checked(path, following, target, "the target")


def read_map(path: str | Path) -> dict[str, str]:
    """What a bone map's file says, role to bone, not yet held against a rig; of a pair what it says of the target.

    Raises:
        BoneMapError: no such file, not TOML, or empty.
    """
    content = read_toml(path, "bone map", BoneMapError)
    if "source" in content or "target" in content:
        return _bones(path, content, "target")
    return _bones(path, content if "bones" in content else {"bones": content}, "bones")


def _bones(path, content, name):
    bones = content.get(name)
    if not isinstance(bones, dict) or not bones:
        what = "the bone map is empty" if name == "bones" else f"the bone map has no table [{name}], or an empty one"
        raise BoneMapError(path, None, f"{what}; it needs {_HOW.replace('bones', name)}")
    return bones


def _checked(path, bones, skeleton, whose):
    for role, name in bones.items():
        if role not in ROLES:
            raise BoneMapError(path, None, f"'{role}' is no role{suggestion(role, ROLES)}")
        if not isinstance(name, str):
            raise BoneMapError(path, None, f"{role} must name a bone, in quotes")
        if name and name not in skeleton.names:
            known = suggestion(name, skeleton.names)
            raise BoneMapError(path, None, f"{whose} has no bone '{name}' for {role}{known}")
    roles = {role: bones[role] for role in ROLES if bones.get(role)}
    used = {}
    for role, name in roles.items():
        if name in used:
            raise BoneMapError(
                path, None, f"{whose}'s bone '{name}' is named for both {used[name]} and {role}; keep one"
            )
        used[name] = role
    return BoneMap(roles, dict.fromkeys(roles, 1.0))


def _table(name, bone_map):
    lines = [f"[{name}]"]
    for role in ROLES:
        if role in bone_map.roles:
            sure = bone_map.confidence.get(role)
            comment = "" if sure is None else f"  # {sure:.0%} sure"
            lines.append(f"{role} = {toml_value(bone_map.roles[role])}{comment}")
        else:
            lines.append(f'# {role} = ""')
    return lines


def _without_role(bone_map, skeleton):
    taken = set(bone_map.roles.values())
    return [f"# no role: {toml_value(name)}" for name in skeleton.names if name not in taken]


def _write(path, lines):
    write_bytes(path, ("\n".join(lines) + "\n").encode())
