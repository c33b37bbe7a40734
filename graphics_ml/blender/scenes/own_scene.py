# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's own scene as data: its camera, its animation, its light, and all labels of it; nothing is drawn.

Frame i of the data set is the i-th of the scene's range. Armatures that have a humanoid's bones and a skin are people,
all else that is rendered is a thing.
"""

from dataclasses import dataclass, replace

import bpy
import numpy as np

from graphics_ml.blender.animation_data import current_action
from graphics_ml.blender.armature import deform_flags, evaluated_now, skeleton_from_armature
from graphics_ml.blender.passes import render, render_people
from graphics_ml.blender.rigify import followers_skeleton
from graphics_ml.blender.rigs import is_moved_by
from graphics_ml.blender.scene import first_line, frame_rate, ours_from_blender, quiet, unit_length
from graphics_ml.blender.scenes.anchors import Anchors, find_anchors, smooth_triangles, triangles_of
from graphics_ml.blender.scenes.description import Scene
from graphics_ml.blender.scenes.distributions import rng_for
from graphics_ml.blender.scenes.drawn import DrawnFrame, FilmedPerson, Thing
from graphics_ml.blender.scenes.posing import motions_of_poses
from graphics_ml.blender.stage import camera_in_scene
from graphics_ml.errors import FileError
from graphics_ml.motion.bone_map import UnrecognisedBodyError, missing_roles, recognize
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton

_MESHES = ("MESH", "CURVE", "SURFACE", "FONT", "META")


class OwnScene:
    """A Blender file, opened, whose frames are given as they are.

    Args:
        scene: with `blend`.
        seed: of the rendering's samples.
        threads: to render with; 0 is one for each core.

    Raises:
        FileError: the file cannot be opened, or its scene has no camera that could be told of.
    """

    def __init__(self, scene: Scene, seed: int, threads: int = 0):
        self._scene, self._seed, self._threads, self._path = scene, seed, threads, scene.blend
        _open(self._path)
        self._own = bpy.context.scene
        _show_what_is_rendered(self._own)
        self._size(scene)
        self._own.frame_set(self._own.frame_start)
        self._people = [found for found in map(_person_of, self._armatures()) if found is not None]

    def frame(self, index: int, picture: bool = True) -> DrawnFrame:
        """The scene's frame; as build.Studio.frame.

        Raises:
            FileError: the scene has fewer frames, or its camera has no perspective.
        """
        own, first, step = self._own, self._own.frame_start, self._own.frame_step
        count = self._count()
        if index >= count:
            raise FileError(self._path, None, f"its scene has only {count} frames; ask for no more")
        number = first + index * step
        following, next_camera, _ = self._seen(min(number + step, own.frame_end))
        now, camera, joints = self._seen(number)
        things = tuple(replace(thing, next_vertices=_moved(thing, following.get(key))) for key, thing in now.items())
        seconds = (number - first) / float(frame_rate(own))
        people = tuple(
            self._filmed(instance, one, at, now, seconds)
            for instance, (one, at) in enumerate(zip(self._people, joints, strict=True), start=1)
        )
        parameters = dict(blend=self._path.name, scene=own.name, frame=number)
        image = self._render(index) if picture else None
        passes = self._passes() if self._scene.picture.labels == "passes" else None
        return DrawnFrame(index, "train", camera, next_camera, things, people, parameters, image, passes)

    def motions(self, index: int) -> tuple[Motion, ...]:
        """What each person does in the clip that a frame is of, which may be all of the scene; see Studio.motions."""
        own, length = self._own, self._scene.clip.frames
        begin, poses = index // length * length, []
        for moment in range(begin, min(begin + length, self._count())):
            own.frame_set(own.frame_start + moment * own.frame_step)
            poses.append([evaluated_now(one.rig, one.skeleton.names) for one in self._people])
        return motions_of_poses([one.skeleton for one in self._people], poses, frame_rate(own) / own.frame_step)

    def _count(self):
        """How many frames the scene has."""
        return (self._own.frame_end - self._own.frame_start) // self._own.frame_step + 1

    def _seen(self, number):
        """What the scene shows at a frame: its meshes by what tells them from each other, its camera, and the people's
        bones, rotations (B, 4) and heads (B, 3)."""
        self._own.frame_set(number)
        graph, unit = bpy.context.evaluated_depsgraph_get(), unit_length()
        skins = {
            skin: (one.anchors.triangles[at], one.anchors.parts[at], instance)
            for instance, one in enumerate(self._people, start=1)
            for at, skin in enumerate(one.skins)
        }
        meshes = {}
        for shown in graph.object_instances:
            thing = shown.object
            if thing.type not in _MESHES or not shown.show_self:
                continue
            mesh = thing.to_mesh()
            if mesh is not None and len(mesh.polygons):
                places = np.empty((len(mesh.vertices), 3), np.float32)
                mesh.vertices.foreach_get("co", places.ravel())
                matrix = np.array(shown.matrix_world)
                vertices = unit * ours_from_blender(places @ matrix[:3, :3].T + matrix[:3, 3])
                person = None if shown.is_instance else skins.get(thing.original)
                if person is None:
                    triangles = triangles_of(mesh)
                    person = triangles, np.zeros(len(triangles), np.uint8), 0
                triangles, parts, instance = person
                kind, smooth = "person" if instance else "thing", smooth_triangles(mesh)
                key = (thing.original.name, tuple(shown.persistent_id) if shown.is_instance else ())
                meshes[key] = Thing(thing.name, kind, vertices, None, triangles, parts, instance, smooth)
            thing.to_mesh_clear()
        try:
            camera = camera_in_scene(self._own)
        except ValueError as error:
            raise FileError(self._path, None, f"{error}; its frames cannot be labelled") from None
        joints = [[part[0] for part in evaluated_now(one.rig, one.joints)] for one in self._people]
        return meshes, camera.replace(position=unit * camera.position), joints

    def _filmed(self, instance, one, at, now, seconds):
        rotations, positions = at
        skins = [now.get((skin.name, ())) for skin in one.skins]
        vertices = [None if skin is None else skin.vertices for skin in skins]
        action = current_action(one.rig)
        return FilmedPerson(
            instance=instance,
            character=one.rig.name,
            motion="" if action is None else action.name,
            motion_time=seconds,
            joints=tuple(one.joints),
            positions=positions,
            rotations=rotations,
            anchors=one.anchors.places(one.joints, positions, vertices),
            on_surface=one.anchors.on_surface,
        )

    def _render(self, index):
        picture, seed = self._scene.picture, int(rng_for(self._seed, index, "picture").integers(2**31))
        bounces, threads = self._own.cycles.max_bounces, self._threads
        return render(self._own, seed, picture.samples, bounces=bounces, engine=picture.engine, threads=threads)

    def _passes(self):
        seen = render_people(self._own, [one.skins for one in self._people])
        return np.float32(unit_length()) * seen.depth, seen.normals, seen.indices

    def _armatures(self):
        return sorted(
            (one for one in self._own.objects if one.type == "ARMATURE" and one.data.bones), key=lambda one: one.name
        )

    def _size(self, scene):
        """The pictures' size: the scene's own, unless the scene file says another."""
        render = self._own.render
        if {"picture.width", "picture.height"} & scene.given:
            render.resolution_x, render.resolution_y = scene.picture.width, scene.picture.height
            render.resolution_percentage = 100
        render.use_motion_blur = False  # labels are of one moment


@dataclass(frozen=True, eq=False)
class _Person:
    rig: bpy.types.Object
    skins: tuple[bpy.types.Object, ...]
    skeleton: Skeleton
    joints: list[str]
    anchors: Anchors


def _open(path):
    if not path.is_file():
        raise FileError(path, None, "there is no such Blender file; check the path")
    try:
        with quiet():
            bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise FileError(path, None, f"Blender cannot open it ({first_line(error)})") from error


def _show_what_is_rendered(scene):
    """Let the viewport, whose objects are what is evaluated, show what a rendering does."""
    for collection in (scene.collection, *scene.collection.children_recursive):
        collection.hide_viewport = collection.hide_render
    layers = [bpy.context.view_layer.layer_collection]
    while layers:
        layer = layers.pop()
        layer.hide_viewport = False
        layers += layer.children
    for thing in scene.objects:
        # Armatures and empties are not rendered, but what they move is.
        thing.hide_viewport = thing.hide_render and thing.type in _MESHES
        if thing.name in bpy.context.view_layer.objects:
            thing.hide_set(False)
        for modifier in thing.modifiers:
            modifier.show_viewport = modifier.show_render
            if modifier.type in ("SUBSURF", "MULTIRES"):
                modifier.levels = modifier.render_levels
    bpy.context.view_layer.update()


def _person_of(rig):
    """What an armature moves as a person; None where it is none."""
    shown = {one.name for one in bpy.context.view_layer.objects if one.visible_get()}
    skins = [one for one in bpy.data.objects if one.type == "MESH" and one.name in shown and is_moved_by(one, rig)]
    skins.sort(key=lambda one: one.name)
    if not skins:
        return None
    skeleton = followers_skeleton(rig) or skeleton_from_armature(rig)
    try:
        roles = recognize(skeleton, deform_flags(rig, skeleton))
        if missing_roles(roles):
            return None
        anchors = find_anchors(rig, skins, roles)
    except UnrecognisedBodyError:
        return None
    joints = [name for name in skeleton.names if name in rig.data.bones]
    return _Person(rig, tuple(skins), skeleton, joints, anchors)


def _moved(thing, following):
    """The vertices at the next moment, or None of what stands still or has others then."""
    if following is None or following.vertices.shape != thing.vertices.shape:
        return None
    return None if np.array_equal(following.vertices, thing.vertices) else following.vertices
