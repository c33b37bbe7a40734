# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is seen: a pool of characters, and those that play in a clip, ready to be posed.

A character takes longer to make than a picture, and a pool is larger than what memory should hold. So neighbouring
clips share a cast, a few characters of the pool, which are kept until others need their room. What a clip shows does
not depend on what was kept.
"""

import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender.animation_data import transform_paths
from graphics_ml.blender.armature import (
    armature_from_skeleton,
    deform_flags,
    disconnect,
    skeleton_from_armature,
)
from graphics_ml.blender.characters import Character, build_character, random_character
from graphics_ml.blender.rigify import followers_skeleton
from graphics_ml.blender.rigs import load_rig, meshes_of, sole_points
from graphics_ml.blender.scene import blender_from_ours, quiet
from graphics_ml.blender.scenes.anchors import Anchors, find_anchors, triangles_of
from graphics_ml.blender.scenes.description import Scene
from graphics_ml.blender.scenes.distributions import rng_for
from graphics_ml.blender.scenes.materials import garment_of
from graphics_ml.blender.scenes.pools import Pool, names_of
from graphics_ml.blender.stage import make_visible
from graphics_ml.errors import RigError
from graphics_ml.formats import bodies
from graphics_ml.formats.arrays import read_npz
from graphics_ml.keypoints import PARTS
from graphics_ml.motion.bone_map import BoneMap, UnrecognisedBodyError, missing_roles, recognize, require_roles
from graphics_ml.motion.skeleton import Skeleton

_KEPT = 32  # characters in memory; one of ours has some 5 MB at half detail
_BETAS = 10  # what SMPL-X's further directions say of a body's shape can hardly be seen
_CHOSEN = "graphics_ml_character"


@dataclass(eq=False)
class Actor:
    """A character in Blender that can be posed.

    Args:
        name: in its pool.
        rig: its armature.
        skins: its meshes, in a fixed order: first the `bodies` that its bones bend, then what it carries.
        top: the object that carries all others.
        collection: holds them all, and is in no scene while the actor does not play.
        skeleton: what motion is put on: the rig at rest where it was made, world metres.
        roles: of the skeleton's joints.
        soles: of its feet, for retarget.
        anchors: of its keypoints.
        firm: for each of the bodies (V,) bool, vertices that can rest on the floor: not hats, nor what a hand holds,
            nor cloth that hangs round the legs.
        about: what was drawn of it, plain values.

    Attributes:
        joints: names of the skeleton's joints that are bones.
        free: names of the bones that can be posed, which no driver turns.
    """

    name: str
    rig: bpy.types.Object
    skins: tuple[bpy.types.Object, ...]
    bodies: int
    top: bpy.types.Object
    collection: bpy.types.Collection
    skeleton: Skeleton
    roles: BoneMap
    soles: dict[str, np.ndarray]
    anchors: Anchors
    firm: tuple[np.ndarray, ...]
    about: dict = field(default_factory=dict)

    def __post_init__(self):
        self._materials = [[(slot.link, slot.material) for slot in skin.material_slots] for skin in self.skins]
        self._place = np.array(self.top.matrix_world)
        self.joints = [name for name in self.skeleton.names if name in self.rig.data.bones]
        self.free = _freed(self.rig)

    def stand_at(self, matrix: np.ndarray) -> None:
        """Carry all of it from where it was made: (4, 4), in Blender's axes."""
        self.top.matrix_world = (matrix @ self._place).T.tolist()

    def put_materials_back(self) -> None:
        """Give the skins the materials that they came with."""
        for skin, materials in zip(self.skins, self._materials, strict=True):
            for slot, (link, material) in zip(skin.material_slots, materials, strict=True):
                if slot.link != link:
                    slot.material = None  # else it would be kept on the side that is not seen
                slot.link = link
                slot.material = material


class CharacterPool:
    """The characters of a scene: their names, who plays in a clip, and making them.

    Args:
        scene: whose characters they are. A file's is known by its path from the scene's folder, which can move.
        seed: of the data set.

    Attributes:
        names: of the characters of each kind.
    """

    def __init__(self, scene: Scene, seed: int):
        self._section, self._seed = scene.characters, seed
        self.names, self._files = names_of(scene.characters, ("procedural", "smplx"), scene.folder)
        shares = [getattr(self._section, kind).share for kind in self.names]
        self._pool = Pool(self.names, shares, self._section.cast, scene.clip.neighbours, seed, "cast")
        self._kept: OrderedDict[tuple[str, int], Actor] = OrderedDict()
        self._folder: Path | None = None  # with the files' characters, each as a Blender file

    def draw(self, rng: np.random.Generator, clip: int, split: str, count: int) -> list[str]:
        """The names of those who play in a clip: nobody twice while there are others."""
        return self._pool.draw(rng, clip, split, count)

    def make(self, names: Sequence[str]) -> list[Actor]:
        """The characters of these names, in Blender but in no scene; whoever is asked for twice is made twice.

        Of the others those that were asked for longest ago are removed where they are too many.

        Raises:
            GraphicsMLError: a file that holds no character which can be posed.
        """
        keys = [(name, list(names[:at]).count(name)) for at, name in enumerate(names)]
        for key in keys:
            if key not in self._kept:
                self._kept[key] = self._make(*key)
            self._kept.move_to_end(key)
        for key in list(self._kept)[: max(0, len(self._kept) - max(_KEPT, len(keys)))]:
            _remove(self._kept.pop(key))
        return [self._kept[key] for key in keys]

    def are_read(self, names: Sequence[str]) -> bool:
        """Whether these characters can be made; else their files have to be read first."""
        return all(name not in self._files or self._blend(name).exists() for name in names)

    def read(self, names: Sequence[str], clip: int) -> None:
        """Read the files of these characters, and of those that clips near this one will ask for. It clears the Blender
        session: all that was made is gone.

        Raises:
            RigError: a file that holds no character.
        """
        self._kept.clear()
        for name in dict.fromkeys((*names, *self._pool.few(clip))):
            if not self.are_read([name]):
                load_rig(self._files[name])[_CHOSEN] = True
                with quiet():
                    bpy.ops.wm.save_as_mainfile(filepath=str(self._blend(name)), copy=True, compress=False)

    def close(self) -> None:
        """Forget what is kept, and remove temporary files; what is in Blender stays."""
        self._kept.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _make(self, name, again):
        kind, _, rest = name.partition("/")
        label = f"{name} {again}" if again else name
        if kind == "files":
            rig = _append(self._blend(name), label)
            return actor_of(rig, name, self._files[name], dict(file=self._files[name].name))
        rng = rng_for(self._seed, int(rest), "one_character")
        if kind == "procedural":
            character = random_character(rng)
            rig = build_character(character, label, self._section.procedural.detail)
            return actor_of(rig, name, name, dict(vars(character)), character)
        section = self._section.smplx
        model = section.models[int(rng.integers(len(section.models)))]
        betas = [section.beta.draw(rng) for _ in range(_BETAS)]
        rig = build_smplx(model, np.array(betas), label)
        return actor_of(rig, name, model, dict(model=model.name, betas=betas))

    def _blend(self, name):
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="graphics-ml-"))
        return self._folder / f"{list(self._files).index(name)}.blend"


def actor_of(
    rig: bpy.types.Object, name: str, what: str | Path, about: dict | None = None, character: Character | None = None
) -> Actor:
    """A rig of the current scene, in its rest pose, as an actor; it leaves the scene.

    Bones that follow others by constraints are posed themselves: the constraints are muted.

    Args:
        name: of it.
        what: the errors call it.
        about: what was drawn of it.
        character: what it was built from, where it is one of ours.

    Raises:
        RigError: it has no mesh.
        UnrecognisedBodyError: its bones are those of no humanoid.
    """
    skins = [one for one in meshes_of(rig) if not one.hide_render and one.data.vertices]
    bent = {one for one in skins if any(modifier.type == "ARMATURE" for modifier in one.modifiers)} or set(skins)
    skins.sort(key=lambda one: (one not in bent, one.name))
    if not skins:
        raise RigError(what, None, "its armature moves no mesh that could be seen; choose a character with a skin")
    skeleton = followers_skeleton(rig)
    for bone in rig.pose.bones if skeleton is not None else ():
        for constraint in bone.constraints:
            constraint.mute = True
    skeleton = skeleton or skeleton_from_armature(rig)
    roles = recognize(skeleton, deform_flags(rig, skeleton))
    if lost := missing_roles(roles):  # scenes take no bone maps
        raise UnrecognisedBodyError(
            f"{what}: its {len(skeleton)} bones are not recognised as a person's, there is no {', '.join(lost)}; name "
            "them as Mixamo or Rigify do, or choose another character"
        )
    require_roles(roles, skeleton, what)
    soles = sole_points(rig, skeleton, roles)
    disconnect(rig)  # Blender ignores the places of connected bones
    top = _line(rig)[-1]
    for other in sorted({_line(skin)[-1] for skin in skins} - {top}, key=lambda one: one.name):
        other.parent, other.matrix_parent_inverse = top, top.matrix_world.inverted()
    for skin in skins:
        make_visible(skin)
    anchors = find_anchors(rig, skins, roles, character)
    collection = bpy.data.collections.new(rig.name)
    collection.use_fake_user = True
    for thing in dict.fromkeys(above for one in (rig, *skins) for above in _line(one)):
        for old in list(thing.users_collection):
            old.objects.unlink(thing)
        collection.objects.link(thing)
    bodies = zip(skins[: len(bent)], anchors.parts[: len(bent)], strict=True)
    firm = tuple(_firm(skin, parts, character) for skin, parts in bodies)
    return Actor(
        name, rig, tuple(skins), len(bent), top, collection, skeleton, roles, soles, anchors, firm, about or {}
    )


def build_smplx(path: Path, betas: np.ndarray, name: str) -> bpy.types.Object:
    """A SMPL-X body of a shape, rigged and skinned, in the current scene.

    Vertices are T + S betas and joints R (T + S betas) (Loper et al., "SMPL", 2015, equations 8 and 10). How the skin
    bulges at bent joints, which the model adds to each pose, is left out.

    Args:
        path: the user's own model file, SMPLX_*.npz.
        betas: (B,) shape coefficients.

    Raises:
        MotionFileError: the file cannot be read.
        RigError: it is no such model.
    """
    held, body = read_npz(path, _SMPLX), bodies.skeleton("smplx")
    missing = [key for key in _SMPLX if key not in held]
    if missing:
        raise RigError(path, None, f"this is no SMPL-X model, it has no {', '.join(missing)}")
    template, directions, regressor, weights, faces = (held[key] for key in _SMPLX)
    fits = template.ndim == 2 and template.shape[1] == 3 and faces.ndim == 2 and directions.ndim == 3
    fits = fits and directions.shape[:2] == template.shape and directions.shape[2] >= len(betas)
    if not fits or not regressor.shape == weights.T.shape == (len(body), len(template)):
        raise RigError(path, None, f"this is no SMPL-X model: its arrays do not fit {len(body)} joints and each other")
    vertices = template + directions[..., : len(betas)] @ betas
    joints = regressor @ vertices
    offsets = [at - joints[parent] if parent >= 0 else at for at, parent in zip(joints, body.parents, strict=True)]
    rig = armature_from_skeleton(Skeleton(body.names, body.parents, np.array(offsets)), name)
    mesh = bpy.data.meshes.new(f"{name} body")
    mesh.from_pydata(blender_from_ours(vertices), [], faces.astype(int).tolist())
    mesh.shade_smooth()
    skin = bpy.data.objects.new(f"{name} body", mesh)
    bpy.context.scene.collection.objects.link(skin)
    for joint, bone in enumerate(body.names):
        group = skin.vertex_groups.new(name=bone)
        for vertex in np.flatnonzero(weights[:, joint] > 1e-4).tolist():
            group.add((vertex,), float(weights[vertex, joint]), "REPLACE")
    skin.parent = rig
    skin.modifiers.new("Armature", "ARMATURE").object = rig
    bpy.context.view_layer.update()
    return rig


_SMPLX = ("v_template", "shapedirs", "J_regressor", "weights", "f")


def _firm(skin, parts, character):
    """Which vertices of a mesh can rest on the floor; `parts` (T,) are those of its triangles."""
    firm = np.ones(len(skin.data.vertices), bool)
    if character is None:
        return firm
    names = [garment_of(material) for material in skin.data.materials]
    cloth = {"over", {"skirt": "trousers", "dress": "shirt"}.get(character.legwear)}
    slots = np.empty(len(skin.data.polygons), np.int32)
    skin.data.polygons.foreach_get("material_index", slots)
    round_legs = np.isin(slots, [at for at, name in enumerate(names) if name in cloth])
    round_legs &= np.isin(parts, [at for at, name in enumerate(PARTS) if name.endswith(("thigh", "shin"))])
    others = np.isin(slots, [at for at, name in enumerate(names) if name in ("headgear", "held")])
    firm[triangles_of(skin.data)[round_legs | others]] = False
    return firm


def _append(path, label):
    """The character of a Blender file that `CharacterPool.read` wrote, in the current scene, under names of its own."""
    with quiet(), bpy.data.libraries.load(str(path), link=False) as (held, wanted):
        wanted.objects = list(held.objects)
    things = [thing for thing in wanted.objects if thing is not None]
    rig = next(thing for thing in things if thing.get(_CHOSEN))
    for at, thing in enumerate(things):
        thing.name = label if thing is rig else f"{label} {at}"
    for thing in dict.fromkeys(above for one in (rig, *meshes_of(rig)) for above in _line(one)):
        bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.update()
    return rig


def _freed(rig):
    """Let the bones be turned by quaternions, but for those that drivers turn; gives their names."""
    animation = rig.animation_data
    driven = {driver.data_path for driver in animation.drivers} if animation else set()
    free = {bone.name for bone in rig.pose.bones if transform_paths([bone.name]).isdisjoint(driven)}
    for bone in rig.pose.bones:
        if bone.name in free:
            bone.matrix_basis.identity()
            bone.rotation_mode = "QUATERNION"
    return free


def _line(thing):
    """An object and what it hangs from, upward."""
    return [thing] if thing.parent is None else [thing, *_line(thing.parent)]


def _remove(actor):
    """Remove an actor with all that nothing else uses."""
    bpy.data.batch_remove([*actor.collection.objects, actor.collection])
    bpy.data.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)
