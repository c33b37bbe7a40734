# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawn frame of a scene: made in Blender, given as plain arrays.

The samplers stand beside this file, one per axis, each with two functions that know nothing of each other:

    draw(section, rng, around) -> dict        plain values, of what the section says; nothing in Blender changes
    make(values, around, collection) -> None  puts them into Blender: objects into the collection, which is emptied
                                              after the clip with all data that nothing else uses; a mesh is a thing,
                                              and the ground where it has the custom property KIND = "ground"

A camera's `draw` has "cameras" among its values: one Camera for every moment of the clip.
"""

from dataclasses import dataclass
from fractions import Fraction

import bpy
import numpy as np

from graphics_ml.blender.armature import evaluated_now
from graphics_ml.blender.passes import render, render_people
from graphics_ml.blender.scene import blender_from_ours, empty_scene, ours_from_blender
from graphics_ml.blender.scenes import effects, people, surround
from graphics_ml.blender.scenes.anchors import smooth_triangles, triangles_of
from graphics_ml.blender.scenes.characters import Actor, CharacterPool
from graphics_ml.blender.scenes.description import Scene
from graphics_ml.blender.scenes.distributions import rng_for
from graphics_ml.blender.scenes.drawn import KIND, Around, DrawnFrame, FilmedPerson, Thing
from graphics_ml.blender.scenes.making import strike
from graphics_ml.blender.scenes.motions import Act, MotionPool
from graphics_ml.blender.scenes.own_scene import OwnScene
from graphics_ml.blender.scenes.pools import split_of_clip
from graphics_ml.blender.scenes.posing import Player, evaluated_vertices, motions_of_poses, placement
from graphics_ml.blender.scenes.settling import eased, settle, turned
from graphics_ml.blender.stage import camera_in_scene, place_camera
from graphics_ml.motion.camera import Camera
from graphics_ml.motion.humanoid import COMPARED_ROLES
from graphics_ml.motion.motion import Motion


class Studio:
    """A Blender session in which the frames of a scene are made, in any order.

    The session is cleared. Characters and motions are kept for clips to come; what a frame shows does not depend on it.

    with Studio(read_scene("people.toml"), seed=0) as studio:
        frame = studio.frame(17)

    Args:
        scene: what to draw from.
        seed: of the data set.
        threads: to render with; 0 is one for each core.
    """

    def __init__(self, scene: Scene, seed: int = 0, threads: int = 0):
        self._scene, self._seed, self._threads = scene, seed, threads
        self._characters = CharacterPool(scene, seed)
        self._motions = MotionPool(scene, seed)
        self._clip: _Clip | None = None
        self._own: OwnScene | None = None

    def __enter__(self) -> "Studio":
        if self._scene.blend is None:
            self._open()
        else:
            self._own = OwnScene(self._scene, self._seed, self._threads)
        return self

    def __exit__(self, *_) -> None:
        self._clip = self._own = None
        self._characters.close()

    def frame(self, index: int, picture: bool = True) -> DrawnFrame:
        """A frame of the data set.

        Args:
            index: from 0.
            picture: whether it is rendered; else only the arrays are made.

        Raises:
            GraphicsMLError: a file of the scene cannot be used.
        """
        if self._own is not None:
            return self._own.frame(index, picture)
        clip, moment = self._clip_of(index, picture), index % self._scene.clip.frames
        next_camera = self._show(clip, moment + 1)
        following = [np.concatenate(player.vertices()) for player in clip.players]
        camera = self._show(clip, moment)
        bodies = tuple(map(_body, clip.players, following, range(1, 1 + len(following))))
        return DrawnFrame(
            index=index,
            split=clip.split,
            camera=camera,
            next_camera=next_camera,
            things=(*bodies, *clip.things),
            people=tuple(self._filmed(clip, instance, moment) for instance in range(1, 1 + len(clip.players))),
            parameters=clip.parameters | dict(moment=moment, effects=self._effects(index, camera, bodies)),
            picture=self._render(index) if picture else None,
            passes=self._passes() if self._scene.picture.labels == "passes" else None,
        )

    def motions(self, index: int, picture: bool = True) -> tuple[Motion, ...]:
        """What each person does in the whole clip that a frame is of, in the order of their instances.

        Args:
            index, picture: as for `frame`, which will be asked for next.

        Returns:
            Motions with a frame for each of the clip, on the characters' own skeletons, where they stand in the world.

        Raises:
            GraphicsMLError: as `frame`.
        """
        if self._own is not None:
            return self._own.motions(index)
        clip, poses = self._clip_of(index, picture), []
        rigs = [(player.actor.rig, player.actor.skeleton) for player in clip.players]
        for moment in range(self._scene.clip.frames):
            self._pose(clip.players, moment)
            poses.append([evaluated_now(rig, skeleton.names) for rig, skeleton in rigs])
        rate = Fraction(str(self._scene.clip.fps))  # as the scene file says it: 29.97 is no binary fraction
        return motions_of_poses([skeleton for _, skeleton in rigs], poses, rate)

    def _clip_of(self, index, picture):
        """The clip that a frame is of, set up in Blender."""
        number, clip = index // self._scene.clip.frames, self._clip
        looks = picture or self._scene.picture.labels == "passes"
        if clip is None or clip.number != number or (looks and not clip.looks):
            self._strike()
            self._clip = self._set_up(number, looks)
        return self._clip

    def _open(self):
        """An empty session with an empty set."""
        scene = empty_scene()
        self._set = bpy.data.collections.new("Set")
        scene.collection.children.link(self._set)
        self._camera: bpy.types.Object | None = None
        self._shown: list[Actor] = []

    def _set_up(self, number, looks):
        """Draw a clip and put it into Blender."""
        seed, split = self._seed, split_of_clip(self._seed, number)
        times = np.arange(self._scene.clip.frames + 1) / self._scene.clip.fps
        rng = rng_for(seed, number, "people")
        count = self._scene.people.count.draw(rng)
        names = self._characters.draw(rng_for(seed, number, "characters"), number, split, count)
        if not self._characters.are_read(names):
            try:
                self._characters.read(names, number)
            finally:
                self._open()
        actors = self._shown = self._characters.make(names)
        for actor in actors:
            actor.stand_at(np.eye(4))
            bpy.context.scene.collection.children.link(actor.collection)
        bpy.context.view_layer.update()
        chosen = self._motions.draw(rng_for(seed, number, "motions"), number, split, count, times[-1])
        acts = [(act, act.times(start, times)) for act, start in chosen]
        players = [
            Player(actor, *self._motions.on(actor, act, seconds, self._scene.clip.fps))
            for actor, (act, seconds) in zip(actors, acts, strict=True)
        ]
        placed = self._place(rng, players, [act.is_grounded(seconds) for act, seconds in acts])
        about = [
            dict(character=actor.name, motion=act.name, start=float(seconds[0]), **actor.about, **values)
            for actor, (act, seconds), (_, _, values) in zip(actors, acts, placed, strict=True)
        ]
        around = Around(
            seed=seed,
            split=split,
            width=self._scene.picture.width,
            height=self._scene.picture.height,
            fps=self._scene.clip.fps,
            people=tuple(points for points, _, _ in placed),
            hips=tuple(heights for _, heights, _ in placed),
            limbs=tuple(map(limbs, players)),
            skins=tuple(actor.skins for actor in actors),
        )
        drawn, around = surround.draw(self._scene, number, around)
        surround.make(drawn, around, self._set, looks)
        bpy.context.view_layer.update()
        things = tuple(_things(self._set))
        drawn["cameras"] = {key: value for key, value in drawn["cameras"].items() if key != "cameras"}
        parameters = dict(clip=number, split=split, people=about) | drawn
        return _Clip(number, split, tuple(players), tuple(acts), around.cameras, things, parameters, looks)

    def _place(self, rng, players, grounded):
        """Stand the players on the floor beside each other; gives of each points (M, N, 3) of its skin, heights (M,) of
        its hips, and values."""
        section = self._scene.people
        drawn = [dict(facing=section.facing.draw(rng), gap=section.gap.draw(rng)) for _ in players]
        stands, hips = [], []
        for player, values in zip(players, drawn, strict=True):
            places, joints = player.motion.positions(), player.actor.roles.joints(player.actor.skeleton)
            about = places[:, joints["hips"]].mean(axis=0) * [1, 0, 1]
            turn = np.radians(values["facing"]) - people.heading(places[0], joints)
            stands.append((about, turn))
            hips.append(places[:, joints["hips"], 1])
            player.places[:] = placement(about, turn, np.zeros(3))
        self._settle(players, stands, grounded)
        lowest, reaches, points = ([[] for _ in players] for _ in range(3))
        for moment in range(self._scene.clip.frames + 1):
            self._pose(players, moment)
            for at, player in enumerate(players):
                skins = player.vertices()
                vertices = np.concatenate(skins)
                bodies = zip(skins[: player.actor.bodies], player.actor.firm, strict=True)
                lowest[at].append(min(skin[firm, 1].min() for skin, firm in bodies))
                reaches[at].append(people.reach(vertices[:, [0, 2]]))
                points[at].append(vertices[:: 1 + len(vertices) // _POINTS])
        shifts = people.place(rng, [np.max(one, axis=0) for one in reaches], [values["gap"] for values in drawn])
        found = []
        for at, (player, (about, turn), (x, z)) in enumerate(zip(players, stands, shifts, strict=True)):
            heights = people.heights_to_stand(np.array(lowest[at]), grounded[at])
            to = np.stack(np.broadcast_arrays(x, heights, z), axis=-1)
            player.places[:] = [placement(about, turn, one) for one in to]
            values = drawn[at] | dict(place=[x, z])
            found.append((np.array(points[at]) + to[:, None], hips[at] + heights, values))
        return found

    def _settle(self, players, stands, grounded):
        """Let those who all but sit, lie or kneel on the floor do so, where they are."""
        for player, (about, turn), on_the_floor in zip(players, stands, grounded, strict=True):
            joints = player.actor.roles.joints(player.actor.skeleton)
            places, turns = player.motion.positions() - about, []
            c, s = np.cos(turn), np.sin(turn)
            places = places @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
            for moment, now in enumerate(places):
                low = now[[joints[role] for role in ("hips", "left_shin", "right_shin")], 1].min() - now[:, 1].min()
                turns.append({})
                if on_the_floor[moment] and low < _LOW:
                    self._pose([player], moment)
                    bodies = slice(player.actor.bodies)
                    skin, parts = (np.concatenate(one[bodies]) for one in (player.vertices(), player.parts()))
                    firm = np.concatenate(player.actor.firm)
                    turns[-1] = settle(skin[firm], parts[firm], {role: now[joint] for role, joint in joints.items()})
            if any(turns):
                turns = eased(turns, self._scene.clip.fps)
                player.actor.stand_at(np.eye(4))  # a motion is put on a rig as seen from the world
                bpy.context.view_layer.update()
                player.perform(turned(player.motion, player.actor.roles, turns, turn))

    def _show(self, clip, moment):
        """Bring people and camera to a moment of the clip; gives the camera as Blender has it."""
        self._camera = place_camera(bpy.context.scene, clip.cameras[moment], self._camera)
        self._pose(clip.players, moment)
        return camera_in_scene(bpy.context.scene)

    def _pose(self, players, moment):
        for player in players:
            player.show(moment)
        bpy.context.view_layer.update()

    def _filmed(self, clip, instance, moment):
        player, (act, seconds) = clip.players[instance - 1], clip.acts[instance - 1]
        rotations, positions = player.bones()
        anchors = player.actor.anchors
        return FilmedPerson(
            instance=instance,
            character=player.actor.name,
            motion=act.name,
            motion_time=float(seconds[moment]),
            joints=tuple(player.actor.joints),
            positions=positions,
            rotations=rotations,
            anchors=anchors.places(player.actor.joints, positions, player.vertices()),
            on_surface=anchors.on_surface,
        )

    def _effects(self, index, camera, bodies):
        rng = rng_for(self._seed, index, "effects")
        boxes = effects.boxes_of(camera, [body.vertices for body in bodies])
        return effects.draw(self._scene.effects, rng, boxes, camera.width, camera.height)

    def _render(self, index):
        picture = self._scene.picture
        seed = int(rng_for(self._seed, index, "picture").integers(2**31))
        lens = self._clip.parameters["cameras"]
        return render(
            bpy.context.scene,
            seed,
            picture.samples,
            engine=picture.engine,
            aperture=lens["aperture"],
            focus=lens["focus"],
            threads=self._threads,
        )

    def _passes(self):
        seen = render_people(bpy.context.scene, [player.actor.skins for player in self._clip.players])
        return seen.depth, seen.normals, seen.indices

    def _strike(self):
        """Take the clip out of Blender, with all that it alone needed."""
        children = bpy.context.scene.collection.children
        for collection in children[:]:
            if collection != self._set:
                children.unlink(collection)
        for actor in self._shown:
            actor.put_materials_back()
        self._shown = []
        strike(self._set)
        self._clip = None


def limbs(player: Player) -> np.ndarray:
    """Where a player's shoulders, elbows, wrists, hips, knees and ankles are, (M, 12, 3), in our world."""
    joints = player.actor.roles.joints(player.actor.skeleton)
    places = blender_from_ours(player.motion.positions()[:, [joints[role] for role in COMPARED_ROLES]])
    turned = np.einsum("mab,mjb->mja", player.places[:, :3, :3], places) + player.places[:, None, :3, 3]
    return ours_from_blender(turned)


@dataclass(frozen=True, eq=False)
class _Clip:
    """A clip that stands in Blender.

    Args:
        acts: pairs of a motion and the seconds (M,) into it of the clip's moments.
        looks: whether it can be rendered; else light and materials are left out.
    """

    number: int
    split: str
    players: tuple[Player, ...]
    acts: tuple[tuple[Act, np.ndarray], ...]
    cameras: tuple[Camera, ...]
    things: tuple[Thing, ...]
    parameters: dict
    looks: bool


_LOW = 0.4  # metres; hips and knees higher than this above the lowest joint are not meant to be on the floor
_POINTS = 1500  # about so many of each person's skin are shown to the samplers


def _body(player, following, instance):
    skins, anchors = player.vertices(), player.actor.anchors
    first = np.cumsum([0, *map(len, skins[:-1])], dtype=np.int32)
    return Thing(
        name=player.actor.name,
        kind="person",
        vertices=np.concatenate(skins),
        next_vertices=following,
        triangles=np.concatenate([own + start for own, start in zip(anchors.triangles, first, strict=True)]),
        parts=np.concatenate(anchors.parts),
        instance=instance,
        smooth=np.concatenate(anchors.smooth),
    )


def _things(collection):
    """The meshes of the set that are seen."""
    graph = bpy.context.evaluated_depsgraph_get()
    for thing in collection.all_objects:
        if thing.type == "MESH" and not thing.hide_render:
            mesh = thing.evaluated_get(graph).data
            triangles = triangles_of(mesh)
            yield Thing(
                name=thing.name,
                kind=thing.get(KIND, "thing"),
                vertices=evaluated_vertices(thing, graph),
                next_vertices=None,
                triangles=triangles,
                parts=np.zeros(len(triangles), np.uint8),
                smooth=smooth_triangles(mesh),
            )
