# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a character's keypoints are: joints at the heads of its bones, and points that are fixed to its skin.

They are found once, on the rig at rest, and then move with it. Joints and hands come from the roles of the bones;
fingertips, toes and heels are the ends of the skin that those bones move. Faces have no bones that would
tell: only those of our own characters, whose lines we know, have keypoints; elsewhere none is made up.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from graphics_ml.blender.characters import Character
from graphics_ml.blender.characters.figure import EXTRA_MATERIALS, MATERIALS
from graphics_ml.blender.characters.landmarks import FACE_MATERIALS, face_rays
from graphics_ml.blender.scene import ours_from_blender, unit_length
from graphics_ml.errors import GraphicsMLError
from graphics_ml.keypoints import PARTS, WHOLE_BODY
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.wording import short_repr


@short_repr
@dataclass(frozen=True, eq=False)
class Anchors:
    """What the keypoints of a character are fixed to.

    Attributes:
        bones: for each of keypoints.WHOLE_BODY the bone at whose head it is; None where it is on the skin, or nowhere.
        skins: (133,) index of the mesh it lies on; -1 where on none.
        corners: (133, 3) the vertices of that mesh between which it lies.
        weights: (133, 3) barycentric coordinates between them.
        triangles: for each mesh (T, 3) int32, as Blender cuts it at rest; a bent face could be cut otherwise in each
            pose.
        parts: for each mesh (T,) uint8, its triangles' places in keypoints.PARTS.
        smooth: for each mesh (T,) bool, which of them are shaded smooth.
    """

    bones: tuple[str | None, ...]
    skins: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    triangles: tuple[np.ndarray, ...]
    parts: tuple[np.ndarray, ...]
    smooth: tuple[np.ndarray, ...]

    @property
    def on_surface(self) -> np.ndarray:
        """(133,) bool, keypoints on the skin."""
        return self.skins >= 0

    def places(self, joints: Sequence[str], positions: np.ndarray, vertices: Sequence[np.ndarray | None]) -> np.ndarray:
        """Where the keypoints are, (133, 3), in the space of what is given; NaN for those that the character has not.

        Args:
            joints: J names of bones, at least those of `bones`.
            positions: (J, 3) of their heads.
            vertices: of each mesh (V, 3), or None of one that is not shown.
        """
        places, row = np.full((len(WHOLE_BODY), 3), np.nan), {name: row for row, name in enumerate(joints)}
        for keypoint, bone in enumerate(self.bones):
            if bone is not None:
                places[keypoint] = positions[row[bone]]
        for index, mesh in enumerate(vertices):
            own = self.skins == index
            if mesh is not None:
                places[own] = np.einsum("kc,kcd->kd", self.weights[own], mesh[self.corners[own]])
        return places


def find_anchors(
    rig: bpy.types.Object, skins: Sequence[bpy.types.Object], roles: BoneMap, character: Character | None = None
) -> Anchors:
    """Find what the keypoints of a character are fixed to.

    Args:
        rig: its armature, in the current view layer, upright at rest.
        skins: its meshes.
        roles: of its bones.
        character: what `build_character` made it from, where it is one of ours; it stands where it was made.

    Raises:
        GraphicsMLError: the bones lack hips or legs, or the character is another one.
    """
    missing = [
        role for role in ("hips", "left_thigh", "right_thigh", "left_foot", "right_foot") if role not in roles.roles
    ]
    if missing:
        raise GraphicsMLError(f"'{rig.name}' has no {', '.join(missing)}; map these bones to label its keypoints")
    with _at_rest(rig):
        meshes = [_RestMesh(skin, rig, roles) for skin in skins]
        heads = _heads(rig)
    joints = _joints(roles)
    found = _ends(meshes, heads, roles)
    if character is not None:
        found |= _on_face(meshes, face_rays(character))
        for mesh in meshes:  # what a hand holds is no part of the body
            mesh.parts[mesh.materials == len(MATERIALS) + EXTRA_MATERIALS.index("held")] = 0
    skin, corners = np.full(len(WHOLE_BODY), -1), np.zeros((len(WHOLE_BODY), 3), dtype=np.int64)
    weights = np.zeros((len(WHOLE_BODY), 3))
    for name, (mesh, triangle, shares) in found.items():
        row = WHOLE_BODY.index(name)
        skin[row], corners[row], weights[row] = mesh, meshes[mesh].triangles[triangle], shares
    return Anchors(
        bones=tuple(joints.get(name) for name in WHOLE_BODY),
        skins=skin,
        corners=corners,
        weights=weights,
        triangles=tuple(mesh.triangles for mesh in meshes),
        parts=tuple(mesh.parts for mesh in meshes),
        smooth=tuple(mesh.smooth for mesh in meshes),
    )


def triangles_of(mesh: bpy.types.Mesh) -> np.ndarray:
    """(T, 3) int32 vertices of the triangles that Blender cuts a mesh into."""
    mesh.calc_loop_triangles()
    triangles = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    return triangles.reshape(-1, 3)


def smooth_triangles(mesh: bpy.types.Mesh) -> np.ndarray:
    """(T,) bool, which of these triangles are shaded smooth."""
    return _of_faces(mesh, "use_smooth", bool)


def _of_faces(mesh, name, kind):
    """(T,) what is known of the faces that the triangles of a mesh are cut from."""
    mesh.calc_loop_triangles()
    faces, values = np.empty(len(mesh.loop_triangles), np.int32), np.empty(len(mesh.polygons), kind)
    mesh.loop_triangles.foreach_get("polygon_index", faces)
    mesh.polygons.foreach_get(name, values)
    return values[faces]


_JOINTS = dict(
    shoulder="upper_arm", elbow="forearm", wrist="hand", hip="thigh", knee="shin", ankle="foot", hand_root="hand"
)
_FINGERS = dict(thumb="thumb", forefinger="index", middle_finger="middle", ring_finger="ring", pinky_finger="pinky")
# Where the ends of a foot lie, as parts of its length from behind and of its breadth there from outside, and from which
# of the two they are looked for; all at this part of the ankle's height.
_FOOT = dict(big_toe=(1.0, 0.7, "length"), small_toe=(0.8, 0.0, "breadth"), heel=(0.0, 0.5, "length"))
_LOW = 0.25


def _joints(roles):
    """Name of each keypoint that is the head of a bone, and that bone."""
    named = {}
    for side in ("left", "right"):
        named |= {f"{side}_{place}": f"{side}_{role}" for place, role in _JOINTS.items()}
        for place, finger in _FINGERS.items():
            named |= {f"{side}_{place}{n}": f"{side}_{finger}_{n}" for n in (1, 2, 3)}
    return {name: roles.roles[role] for name, role in named.items() if role in roles.roles}


def _ends(meshes, heads, roles):
    """Fingertips, toes and heels: for each keypoint the mesh, the triangle, and barycentric coordinates in it."""
    at = {role: heads[name] for role, name in roles.roles.items()}
    across = _level(at["left_thigh"] - at["right_thigh"])
    ahead, found = np.cross(across, _UP), {}
    for side, outwards in (("left", across), ("right", -across)):
        for place, finger in _FINGERS.items():
            bones = tuple(f"{side}_{finger}_{n}" for n in (1, 2, 3))
            if bones[2] in at and bones[1] in at:
                found[f"{side}_{place}4"] = _farthest(meshes, bones, at[bones[2]] - at[bones[1]])
        foot = at[f"{side}_foot"]
        to_toes = at.get(f"{side}_toes", foot) - foot
        along = _level(to_toes) if to_toes @ ahead > 0.2 * np.linalg.norm(to_toes) else ahead
        aside = np.cross(_UP, along)
        aside = aside if aside @ outwards > 0 else -aside
        for place, row in _FOOT.items():
            found[f"{side}_{place}"] = _on_foot(meshes, side, foot, along, aside, *row)
    return {name: place for name, place in found.items() if place is not None}


_UP = np.array([0.0, 1.0, 0.0])


def _level(way):
    """A direction without its rise, of unit length."""
    return way * [1, 0, 1] / np.hypot(way[0], way[2])


def _farthest(meshes, roles, way):
    """The vertex that lies farthest along a direction, of those moved most by bones of these roles; None if none is."""
    best, reach = None, -np.inf
    for index, mesh in enumerate(meshes):
        along = np.where(np.isin(mesh.roles, roles) & mesh.in_triangle, mesh.points @ way, -np.inf)
        if along.max(initial=-np.inf) > reach:
            vertex, reach = np.argmax(along), along.max()
            triangle = int(np.argmax((mesh.triangles == vertex).any(axis=1)))
            best = index, triangle, (mesh.triangles[triangle] == vertex).astype(float)
    return best


def _on_foot(meshes, side, ankle, along, aside, length, breadth, axis):
    """What a level ray meets that comes from before, behind or beside a foot; None where nothing is.

    Args:
        ankle: (3,); along, aside: (3,) level directions to the toes and outwards.
        length, breadth: as parts of the foot's, from behind and from outside.
        axis: along which of the two the ray goes.
    """
    # On many a rig it is the shin that moves the heel most.
    parts = [PARTS.index(f"{side}_foot"), PARTS.index(f"{side}_shin")]
    own = [np.flatnonzero(np.isin(mesh.parts, parts) & (mesh.heights() < ankle[1])) for mesh in meshes]
    points = [mesh.points[mesh.triangles[rows]].reshape(-1, 3) for mesh, rows in zip(meshes, own, strict=True)]
    points = np.concatenate([np.empty((0, 3)), *points])
    if not len(points):
        return None
    low, t, s = points[:, 1].min(), points @ along, points @ aside
    reach = t.min() + length * np.ptp(t)
    near = s[np.abs(t - reach) < 0.15 * np.ptp(t)]
    place = reach * along + (near.max() - breadth * np.ptp(near)) * aside + (low + _LOW * (ankle[1] - low)) * _UP
    way = -aside if axis == "breadth" else -along if length > 0.5 else along
    best, nearest = None, np.inf
    for index, (mesh, rows) in enumerate(zip(meshes, own, strict=True)):
        tree = BVHTree.FromPolygons(mesh.points.tolist(), mesh.triangles[rows].tolist())
        met, _, row, distance = tree.ray_cast((place - np.ptp(t) * way).tolist(), way.tolist())
        if met is not None and distance < nearest:
            nearest, triangle = distance, int(rows[row])
            best = index, triangle, _barycentric(np.array(met), mesh.points[mesh.triangles[triangle]])
    return best


def _on_face(meshes, rays):
    """The landmarks of a face of ours, as of `_ends`: what their rays meet first of the face."""
    (mesh,) = meshes
    face = np.flatnonzero(np.isin(mesh.materials, [MATERIALS.index(name) for name in FACE_MATERIALS]))
    tree = BVHTree.FromPolygons(mesh.own.tolist(), mesh.triangles[face].tolist())
    found = {}
    for name, (start, way) in rays.items():
        place, _, triangle, _ = tree.ray_cast(start.tolist(), way.tolist())
        if place is None:
            raise GraphicsMLError(
                f"the ray to {name} misses the face of '{mesh.name}'; is it the character that is said?"
            )
        triangle = int(face[triangle])
        found[name] = 0, triangle, _barycentric(np.array(place), mesh.own[mesh.triangles[triangle]])
    return found


def _barycentric(point, corners):
    """(3,) coordinates of a point (3,) in a triangle (3, 3)."""
    shares, *_ = np.linalg.lstsq(np.concatenate((corners.T, np.ones((1, 3)))), np.append(point, 1.0), rcond=None)
    return shares


@contextmanager
def _at_rest(rig):
    """The rig in its rest pose for the block."""
    position = rig.data.pose_position
    rig.data.pose_position = "REST"
    bpy.context.view_layer.update()
    try:
        yield
    finally:
        rig.data.pose_position = position
        bpy.context.view_layer.update()


def _heads(rig):
    """Bone name to its head (3,) at rest, our world."""
    matrix, unit = np.array(rig.matrix_world), unit_length()
    return {
        bone.name: unit * ours_from_blender(matrix[:3, :3] @ np.array(bone.head_local) + matrix[:3, 3])
        for bone in rig.data.bones
    }


class _RestMesh:
    """A skin at rest: V points in our world, and in its own space, T triangles, and what moves them.

    Attributes:
        roles: (V,) the role of the bone that moves each vertex most, or of the nearest above it that has one; "" where
            there is none.
        parts: (T,) uint8 of the triangles.
    """

    def __init__(self, skin, rig, roles):
        seen = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
        mesh = seen.data
        self.name = skin.name
        own = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", own)
        self.own, matrix = own.reshape(-1, 3).astype(np.float64), np.array(seen.matrix_world)
        self.points = unit_length() * ours_from_blender(self.own @ matrix[:3, :3].T + matrix[:3, 3])
        self.triangles = triangles_of(mesh)
        self.in_triangle = np.zeros(len(self.own), bool)
        self.in_triangle[self.triangles] = True
        self.materials, self.smooth = _of_faces(mesh, "material_index", np.int32), smooth_triangles(mesh)
        role_of = _roles_of_bones(rig, roles)
        if skin.parent is rig and skin.parent_type == "BONE" and not skin.vertex_groups:
            # What hangs from a bone without a role, as a sword from a slot in the hand, is no part of the body.
            own_roles = {name: role for role, name in roles.roles.items()}
            self.roles = np.full(len(self.own), own_roles.get(skin.parent_bone, ""), dtype=object)
            shares = np.tile(_one_part(own_roles.get(skin.parent_bone)), (len(self.own), 1))
        else:
            self.roles, shares = _strongest(mesh, [role_of.get(group.name) for group in skin.vertex_groups])
        together = shares[self.triangles].sum(axis=1)
        self.parts = np.argmax(together, axis=1).astype(np.uint8)

    def heights(self):
        """(T,) of the middles of the triangles."""
        return self.points[self.triangles, 1].mean(axis=1)


def _one_part(role):
    return np.eye(len(PARTS))[PARTS.index(_part(role))]


def _strongest(mesh, roles):
    """The role (V,) of the group that moves each vertex most, and (V, P) how much each part moves it."""
    strongest, shares = np.full(len(mesh.vertices), "", dtype=object), np.zeros((len(mesh.vertices), len(PARTS)))
    parts = [PARTS.index(_part(role)) for role in roles]
    for row, vertex in enumerate(mesh.vertices):
        most = 0.0
        for group in vertex.groups:
            weight, role = group.weight, roles[group.group]
            if role is None:
                continue
            shares[row, parts[group.group]] += weight
            if weight > most:
                most, strongest[row] = weight, role
    return strongest, shares


def _roles_of_bones(rig, roles):
    """Bone name to its role, or that of the nearest bone above it that has one; the hips' for those above the hips."""
    own, found = {name: role for role, name in roles.roles.items()}, {}
    for bone in rig.data.bones:  # parents come first
        found[bone.name] = own.get(bone.name) or (found[bone.parent.name] if bone.parent else "hips")
    return found


def _part(role):
    """The body part that a bone of this role moves."""
    if not role:
        return "none"
    side, _, rest = role.partition("_")
    if side not in ("left", "right"):
        return {"hips": "pelvis", "neck": "head", "head": "head"}.get(role, "trunk")
    if rest == "shoulder":
        return "trunk"
    if rest in ("foot", "toes"):
        return f"{side}_foot"
    return role if role in PARTS else f"{side}_hand"
