# SPDX-License-Identifier: GPL-3.0-or-later
"""USD: a UsdSkel skeleton's animation → Motion, and what Blender's own importer and exporter leave undone.

Motions are read with the USD library that comes with Blender, because Blender's importer drops the frame rate, the
joints' own names and samples between whole frames. Units, up axis, moving prims above the skeleton and joints that the
animation leaves out are honoured ("UsdSkel: Skeletal Instancing and Animation", OpenUSD documentation). Blender's
exporter writes; `finish` adds the exact rate, the joints' own names (`jointNames`, since prim names allow no colons or
spaces) and the SkelRoot without which other programs do not pose a skeleton, and puts the prims in one order.
"""

import functools
import os
import re
import sys
from collections import Counter
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np

from graphics_ml.blender.armature import motion_of_transforms, skeleton_of_transforms
from graphics_ml.blender.frame_times import frames_of_times, simplest_rate
from graphics_ml.blender.scene import ours_from_blender, ours_from_blender_rotation, quiet
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_matrix
from graphics_ml.motion.skeleton import Skeleton

READ = (".usd", ".usda", ".usdc", ".usdz")
WRITTEN = (".usd", ".usda", ".usdc")
_HEADS = (b"PXR-USDC", b"#usda", b"PK\x03\x04")
_MOVING = ("rotations", "translations")
_OBJECT_NAME = "userProperties:blender:object_name"
_BONE_LENGTHS = "primvars:blender:bone_lengths"


def read_motion(path: str | Path, action: str | None, armature: str | None, notes: list[str]) -> Motion:
    """The motion of a skeleton in a USD file, at the frames that its keys fall on.

    Args:
        path: .usd, .usda, .usdc or .usdz.
        action: name of the SkelAnimation; the one bound to the skeleton, or else the file's first, when None.
        armature: name of the Skeleton prim or the prim it stands in; the one with most joints when None.
        notes: a list that gets a sentence for each thing the user should know.

    Raises:
        ValueError: the file is damaged, or has no such skeleton or animation.
    """
    path = Path(path)
    with quiet(), _faults():
        stage = _open(path)
        prim = _chosen_skeleton(stage, armature, path.name, notes)
        found = _chosen_animation(stage, prim, action, path.name, notes)
        animation = _library().UsdSkel.Cache().GetAnimQuery(_library().UsdSkel.Animation(found))
        if not animation:
            raise ValueError(f"its animation '{found.GetName()}' has no joints")
        codes, fps = _sampling(stage, prim, animation, path.name, notes)
        above = np.broadcast_to(_above(prim, codes), (len(codes), 4, 4))[:, None]
        posed = _posed(prim, _local(prim, animation, codes)) @ above
        skeleton, rows = _skeleton(stage, prim)
        rotations, places = _ours(stage, np.concatenate((posed, above), axis=1)[:, rows])
    motion = motion_of_transforms(skeleton, rotations, places, fps)
    return motion.replace(provenance={"action": found.GetName()})


def read_skeleton(path: str | Path, armature: str | None = None) -> Skeleton:
    """The bind pose of a skeleton in a USD file as a Skeleton, world metres.

    Raises:
        ValueError: as for read_motion.
    """
    with quiet(), _faults():
        stage = _open(Path(path))
        return _skeleton(stage, _chosen_skeleton(stage, armature, Path(path).name, []))[0]


def frame_rate(path: str | Path) -> Fraction:
    """How many time codes, which Blender takes for frames, go by in a second.

    Raises:
        ValueError: the file is damaged, or they do not go by.
    """
    with quiet(), _faults():
        return _codes_a_second(_open(Path(path)))


def animations(path: str | Path) -> tuple[str, ...]:
    """Names of the SkelAnimations in a USD file.

    Raises:
        ValueError: the file is damaged.
    """
    with quiet(), _faults():
        stage = _open(Path(path))
        return tuple(prim.GetName() for prim in _prims(stage, _library().UsdSkel.Animation))


def ensure_whole(path: str | Path, names: set[str], frames: int | None) -> None:
    """Prove that a written file has a skeleton with these joints, and its animation from the first frame to the last.

    Args:
        names: of joints that must be there.
        frames: how many frames there must be; None for a file without animation.

    Raises:
        ValueError: it does not, or is damaged.
    """
    with quiet(), _faults():
        stage = _open(Path(path))
        prim = next((prim for prim in _skeletons(stage) if names <= set(_names(prim))), None)
        if prim is None:
            raise ValueError("a bone is missing")
        if frames is None:
            return
        animation = _library().UsdSkel.Animation(_bound_animation(prim) or stage.GetPseudoRoot())
        joints = len(_joints(prim))
        for name in _MOVING:
            attribute = animation.GetPrim().GetAttribute(name)
            times = attribute.GetTimeSamples() if attribute else ()
            # A pose that lasts has a sample where it begins and one where it ends.
            if not times or times[-1] - times[0] != frames - 1 or any(len(attribute.Get(t)) != joints for t in times):
                raise ValueError("its animation is not whole")


@contextmanager
def plain_names(obj: bpy.types.Object):
    """Within the block no two bones and no two materials have names that Blender's exporter would make one of: it would
    give the meshes of both materials the one that it comes upon first. Gives the bones' own names by the exporter's."""
    bones = _plain(obj.data.bones)
    materials = _plain(material for material in bpy.data.materials if material.library is None)
    changed = {name: plain for plain, name in bones.items() if _exported_name(name) != plain}
    repainted = {plain: bpy.data.materials[name] for plain, name in materials.items() if _exported_name(name) != plain}
    _rename(obj, changed)
    for plain, material in reversed(repainted.items()):  # a later one may still have the name that an earlier one gets
        material.name = plain
    try:
        yield bones
    finally:
        _rename(obj, {plain: name for name, plain in changed.items()})
        for plain, material in repainted.items():
            material.name = materials[plain]


def _plain(things):
    """Names of things by those that they get in the file, of which no two are alike."""
    own = {}
    for number, thing in enumerate(things):
        plain = stem = _exported_name(thing.name)
        while plain in own:
            plain = f"{stem[:50]}_{number}"
            number += 1
        own[plain] = thing.name
    return own


def _exported_name(name):
    """What Blender's exporter makes of a name: bytes that are no letter, digit or underscore become underscores."""
    plain = re.sub(rb"\W", b"_", name.encode()).decode()
    return f"_{plain}" if plain[0].isdigit() else plain


def finish(path: str | Path, names: dict[str, str], fps: Fraction) -> None:
    """Put into what Blender wrote the exact frame rate, the joints' own names and a SkelRoot, and sort its prims.

    Args:
        names: of joints, by the last part of their paths.
    """
    with quiet(), _faults():
        library, stage = _library(), _open(Path(path))
        stage.SetTimeCodesPerSecond(float(fps))
        stage.SetFramesPerSecond(float(fps))
        for prim in _skeletons(stage):
            own = [names.get(_leaf(joint)) for joint in _joints(prim)]
            if all(own):
                library.UsdSkel.Skeleton(prim).CreateJointNamesAttr(own)
            if prim.GetParent().GetTypeName() == "Xform":
                prim.GetParent().SetTypeName("SkelRoot")
            # Blender leaves out samples like the one before, also where the motion ends in them.
            moved = _bound_animation(prim)
            for attribute in moved.GetAuthoredAttributes() if moved else ():
                if attribute.GetTimeSamples() or attribute.GetName() in _MOVING:
                    for code in (stage.GetStartTimeCode(), stage.GetEndTimeCode()):
                        attribute.Set(attribute.Get(code), code)
        _find_maps(stage)
        _sort(stage.GetRootLayer())
        # Saving in place appends to a binary file; a new one has the same bytes on every run.
        aside = Path(path).with_name(f"finished-{Path(path).name}")
        if not stage.GetRootLayer().Export(str(aside)):
            raise ValueError("it could not be finished")
    os.replace(aside, path)


def _find_maps(stage):
    """Let shaders that ask for a UV map that no mesh has take the active one, which is "st" in the file: Blender calls
    it so in a material only if it is active in the mesh that was written first, and any may be."""
    primvars, meshes = _library().UsdGeom.PrimvarsAPI, _prims(stage, _library().UsdGeom.Mesh)
    held = {primvar.GetPrimvarName() for mesh in meshes for primvar in primvars(mesh).GetPrimvars()}
    for prim in stage.Traverse():
        wanted = prim.GetAttribute("inputs:varname")
        if wanted and wanted.Get() not in held and "st" in held:
            wanted.Set("st")


def _sort(layer):
    """Put the prims below each prim in the order of their names: Blender's exporter goes by addresses in memory, which
    are others on every run."""
    todo = [layer.pseudoRoot]
    while todo:
        below = todo.pop().nameChildren
        below[:] = sorted(below, key=lambda spec: spec.name)
        todo += below


def restore_names(path: str | Path) -> None:
    """Give the armatures that Blender imported from this file the joints' own names, where the file has them."""
    with quiet(), _faults():
        stage = _open(Path(path))
        imported = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
        for prim in _skeletons(stage):
            fitting = [(_own_names(prim, obj.data.bones), obj) for obj in imported]
            fitting = [(names, obj) for names, obj in fitting if len(names) == len(obj.data.bones)]
            # Blender numbers the later of two objects of one name, so where it is called otherwise the first will do.
            fitting.sort(key=lambda one: not _is_called(prim, one[1].name))
            if fitting:
                names, obj = fitting[0]
                imported.remove(obj)
                _rename(obj, names)


def _own_names(prim, bones):
    """Imported bone's name → joint's own. Blender numbers the later of bones of one name; siblings never share one."""
    found, own = {}, {}
    for joint, name in zip(_joints(prim), _names(prim), strict=True):
        above, _, leaf = joint.rpartition("/")
        siblings = [b for b in bones if b.parent == found.get(above)]
        alike = [b for b in siblings if b.name == leaf] or [b for b in siblings if b.name.rpartition(".")[0] == leaf]
        if not alike:
            return {}
        found[joint], own[alike[0].name] = alike[0], name
    return own


def _rename(obj, names):
    """Rename bones, old name to new; vertex groups and F-curves follow. Through names that nothing has, so that two
    bones may change places."""
    changed = [(obj.data.bones[old], new) for old, new in names.items() if old != new]
    for number, (bone, _) in enumerate(changed):
        bone.name = f"graphics_ml renames {number}"
    for bone, new in changed:
        bone.name = new
    if changed:
        _follow_in_drivers(obj, names)


def _follow_in_drivers(obj, names):
    """Blender renames bones in the paths of drivers and not where they name a bone as such, and gives those up."""
    for curve in obj.animation_data.drivers if obj.animation_data is not None else ():
        for target in (target for variable in curve.driver.variables for target in variable.targets):
            if target.id == obj and target.bone_target in names:
                target.bone_target = names[target.bone_target]
        curve.driver.is_valid = True


@functools.cache
def _library():
    """The USD library that comes with Blender; another that is installed could not share a process with it."""
    before = list(sys.path)
    try:
        if hasattr(bpy.utils, "expose_bundled_modules"):
            bpy.utils.expose_bundled_modules()
        from pxr import Gf, Usd, UsdGeom, UsdSkel
    finally:
        sys.path[:] = before
    return SimpleNamespace(Gf=Gf, Usd=Usd, UsdGeom=UsdGeom, UsdSkel=UsdSkel)


@contextmanager
def _faults():
    """What the library raises as a ValueError of one line."""
    try:
        yield
    except RuntimeError as error:
        raise ValueError("USD's own library gives up on it; it may be damaged") from error


def _open(path):
    with path.open("rb") as file:
        if not file.read(8).startswith(_HEADS):
            raise ValueError("this is not a USD file, whatever its name says")
    try:
        stage = _library().Usd.Stage.Open(str(path))
        stage.Reload()  # the library keeps what it has read for as long as anything uses it
    except RuntimeError:
        raise ValueError("it is no whole USD file; it may be damaged or cut off") from None
    return stage


def _skeletons(stage):
    return _prims(stage, _library().UsdSkel.Skeleton)


def _prims(stage, kind):
    library = _library()
    every = library.Usd.PrimRange.Stage(stage, library.Usd.TraverseInstanceProxies())
    return [prim for prim in every if prim.IsA(kind)]


def _is_called(prim, name):
    """Whether Blender or the file calls the skeleton so: by its own prim, or the one it stands in."""
    title = prim.GetParent().GetAttribute(_OBJECT_NAME)
    return name in (prim.GetName(), prim.GetParent().GetName(), title.Get() if title else None)


def _chosen_skeleton(stage, armature, file, notes):
    found = [prim for prim in _skeletons(stage) if _joints(prim)]
    if not found:
        raise ValueError("there is no skeleton with joints in it; choose a file with a rig")
    names = ", ".join(f"'{prim.GetName()}'" for prim in found)
    if armature is not None:
        called = [prim for prim in found if _is_called(prim, armature)]
        if not called:
            raise ValueError(f"it has no armature called '{armature}'; it has {names}")
        return called[0]
    chosen = max(found, key=lambda prim: len(_joints(prim)))
    if len(found) > 1:
        notes.append(f"{file} holds {len(found)} skeletons, {names}; '{chosen.GetName()}' is used.")
    return chosen


def _chosen_animation(stage, prim, action, file, notes):
    found = _prims(stage, _library().UsdSkel.Animation)
    if not found:
        raise ValueError("it holds no motion; choose an animated file, or use this one as a target")
    names = ", ".join(f"'{one.GetName()}'" for one in found)
    if action is not None:
        called = [one for one in found if one.GetName() == action]
        if not called:
            raise ValueError(f"it has no action '{action}'; it has {names}")
        return called[0]
    chosen = _bound_animation(prim) or found[0]
    if len(found) > 1:
        notes.append(f"{file} holds {len(found)} actions; '{chosen.GetName()}' is read.")
    return chosen


def _bound_animation(prim):
    return _library().UsdSkel.BindingAPI(prim).GetInheritedAnimationSource()


def _joints(prim):
    return list(_library().UsdSkel.Skeleton(prim).GetJointsAttr().Get() or ())


def _leaf(joint):
    return joint.rpartition("/")[2]


def _names(prim):
    """The joints' own names; the last parts of their paths where the file has none, or the whole path of those that
    would else be called alike."""
    joints = _joints(prim)
    own = list(_library().UsdSkel.Skeleton(prim).GetJointNamesAttr().Get() or ())
    if len(own) == len(joints) == len(set(own)):
        return own
    times = Counter(_leaf(joint) for joint in joints)
    return [joint if times[_leaf(joint)] > 1 else _leaf(joint) for joint in joints]


def _parents(prim):
    parents = list(_library().UsdSkel.Topology(_joints(prim)).GetParentIndices())
    if any(parent >= joint for joint, parent in enumerate(parents)):
        raise ValueError("its joints do not stand after their parents")
    return parents


def _skeleton(stage, prim):
    """The bind pose, and rows of its joints among the skeleton's; a row is their number for the prim itself."""
    joints, names, parents = _joints(prim), _names(prim), _parents(prim)
    rows = list(range(len(joints)))
    if parents.count(-1) > 1:
        top = prim.GetName()
        while top in names:
            top += ".object"
        names, rows, parents = [top, *names], [len(joints), *rows], [-1, *(parent + 1 for parent in parents)]
    above = _above(prim, [_library().Usd.TimeCode.EarliestTime()])
    matrices = np.concatenate((_bind(prim) @ above, above))[rows]
    lengths = prim.GetAttribute(_BONE_LENGTHS)
    lengths = list(lengths.Get() or ()) if lengths else []
    scale = np.linalg.norm(above[0, 0, :3]) * _metres(stage)
    ends = {joint: scale * lengths[row] for joint, row in enumerate(rows) if row < len(lengths) == len(joints)}
    return skeleton_of_transforms(names, parents, *_ours(stage, matrices), ends), rows


def _bind(prim):
    """Bind matrices (J, 4, 4) in the skeleton's space, as Blender takes them; rest matrices where there are none."""
    skeleton, count = _library().UsdSkel.Skeleton(prim), len(_joints(prim))
    for attribute, posed in ((skeleton.GetBindTransformsAttr(), False), (skeleton.GetRestTransformsAttr(), True)):
        matrices = attribute.Get()
        if matrices is not None and len(matrices) == count:
            matrices = np.array(matrices, dtype=np.float64).reshape(count, 4, 4)
            return _posed(prim, matrices[None])[0] if posed else matrices
    raise ValueError("its skeleton has no bind pose and no rest pose")


def _local(prim, animation, codes):
    """Matrices (F, J, 4, 4) of the joints in their parents' spaces; those that do not move stay in the rest pose."""
    joints = _joints(prim)
    rows = {joint: row for row, joint in enumerate(joints)}
    moved = [(row, rows[joint]) for row, joint in enumerate(animation.GetJointOrder()) if joint in rows]
    if not moved:
        raise ValueError("its animation moves none of the skeleton's joints")
    taken, given = map(list, zip(*moved, strict=True))
    local = np.empty((len(codes), len(joints), 4, 4))
    if len(given) < len(joints):
        local[:] = _rest(prim)
    for frame, code in enumerate(codes):
        matrices = animation.ComputeJointLocalTransforms(code)
        if matrices is None or len(matrices) != len(animation.GetJointOrder()):
            raise ValueError("its animation has another number of joints than its keys")
        local[frame, given] = np.array(matrices, dtype=np.float64).reshape(-1, 4, 4)[taken]
    return local


def _rest(prim):
    matrices = _library().UsdSkel.Skeleton(prim).GetRestTransformsAttr().Get()
    if matrices is not None and len(matrices) == len(_joints(prim)):
        return np.array(matrices, dtype=np.float64).reshape(-1, 4, 4)
    bind = _bind(prim)
    return np.stack([m if p < 0 else m @ np.linalg.inv(bind[p]) for m, p in zip(bind, _parents(prim), strict=True)])


def _posed(prim, local):
    """Matrices (F, J, 4, 4) in the skeleton's space. USD multiplies rows: a child's matrix stands on the left."""
    posed = np.array(local)
    for joint, parent in enumerate(_parents(prim)):
        if parent >= 0:
            posed[:, joint] = local[:, joint] @ posed[:, parent]
    return posed


def _above(prim, codes):
    """Matrices (F, 4, 4) of the skeleton's space in the world; (1, 4, 4) where it stands still."""
    codes = codes if _moving_above(prim) else codes[:1]
    cache = _library().UsdGeom.XformCache
    return np.array([np.array(cache(code).GetLocalToWorldTransform(prim)) for code in codes])


def _moving_above(prim):
    """Sample times of the prims from the skeleton up, empty where none moves."""
    times = set()
    while prim and not prim.IsPseudoRoot():
        placed = _library().UsdGeom.Xformable(prim)
        if placed and placed.TransformMightBeTimeVarying():
            times.update(placed.GetTimeSamples())
        prim = prim.GetParent()
    return times


def _sampling(stage, prim, animation, file, notes):
    """Time codes of the frames, and the frame rate."""
    times = sorted({*animation.GetJointTransformTimeSamples(), *_moving_above(prim)})
    if not times:  # a pose: the attributes' defaults
        times = [stage.GetStartTimeCode()]
    frames, fps, note = frames_of_times(np.array(times), _codes_a_second(stage))
    if note:
        notes.append(f"{file}: {note}.")
    return list(frames), fps


def _codes_a_second(stage):
    rate = stage.GetTimeCodesPerSecond()
    if not np.isfinite(rate) or rate <= 0:
        raise ValueError(f"its time codes go by at {rate} a second")
    return simplest_rate(rate)


def _metres(stage):
    unit = _library().UsdGeom.GetStageMetersPerUnit(stage)
    if not np.isfinite(unit) or unit <= 0:
        raise ValueError(f"its unit is {unit} metres")
    return unit


def _ours(stage, matrices):
    """World rotations (..., 4) and places (..., 3), metres, in our axes, of matrices (..., 4, 4) in the stage's."""
    if not np.isfinite(matrices).all():
        raise ValueError("it holds a place or turn that is not finite")
    axes = matrices[..., :3, :3].swapaxes(-1, -2)
    lengths = np.linalg.norm(axes, axis=-2, keepdims=True)
    if lengths.min() < 1e-12:
        raise ValueError("it holds a joint scaled to nothing")
    mirrored = np.sign(np.linalg.det(axes))[..., None, None]
    rotations = quaternion_from_matrix(axes / lengths * mirrored)
    places = matrices[..., 3, :3] * _metres(stage)
    if _library().UsdGeom.GetStageUpAxis(stage) == "Y":
        return rotations, places
    return ours_from_blender_rotation(rotations), ours_from_blender(places)
