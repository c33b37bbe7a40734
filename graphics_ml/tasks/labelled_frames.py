"""A frame that Blender has drawn, labelled by rays: what the rooms of a data set meet in."""

from dataclasses import replace

import numpy as np

from graphics_ml.blender.scenes.build import DrawnFrame, FilmedPerson
from graphics_ml.blender.scenes.description import Scene
from graphics_ml.datasets.frame import Frame, Person, box_of_mask
from graphics_ml.geometry.ray_labels import Body, RayLabels, Surface, box_of_points, ray_labels
from graphics_ml.images import effects
from graphics_ml.motion.camera import Camera


def labelled_frame(drawn: DrawnFrame, scene: Scene, identity: str) -> Frame:
    """The frame with all its labels, and with the image effects that were drawn for it on its picture.

    Args:
        drawn: by Blender.
        scene: that it was drawn from.
        identity: of the data set.
    """
    surfaces = [
        Surface(
            one.vertices,
            one.triangles,
            one.next_vertices,
            one.instance,
            one.parts if one.instance else None,
            one.smooth,
        )
        for one in drawn.things
    ]
    bodies = [Body(one.instance, one.anchors, one.on_surface) for one in drawn.people]
    rays = ray_labels(drawn.camera, surfaces, bodies, drawn.next_camera)
    if drawn.passes is not None:
        rays = _as_cycles_sees(rays, *drawn.passes)
    clip, moment = divmod(drawn.index, scene.clip.frames)
    return Frame(
        drawn.index,
        drawn.split,
        clip,
        moment,
        identity,
        drawn.camera,
        tuple(_person(one, seen, drawn, rays) for one, seen in zip(drawn.people, rays.visibility, strict=True)),
        drawn.parameters,
        drawn.next_camera,
        _with_effects(drawn),
        rays.depth,
        rays.normals,
        rays.flow,
        rays.instances,
        rays.parts,
    )


def _as_cycles_sees(rays, depth, normals, instances):
    """The labels with Cycles' passes in place of rays; of a person whom the rays did not meet no part is told."""
    parts = np.where(instances == rays.instances, rays.parts, 0).astype(rays.parts.dtype)
    return replace(rays, depth=depth, normals=normals, instances=instances, parts=parts)


def _with_effects(drawn):
    values = drawn.parameters.get("effects")
    return effects.apply(drawn.picture, values) if values and drawn.picture is not None else drawn.picture


def _person(filmed: FilmedPerson, visibility: np.ndarray, drawn: DrawnFrame, rays: RayLabels):
    camera: Camera = drawn.camera
    skins = [one.vertices for one in drawn.things if one.instance == filmed.instance]
    return Person(
        filmed.instance,
        filmed.character,
        filmed.motion,
        filmed.motion_time,
        box_of_mask(rays.instances == filmed.instance),
        _whole_box(camera, np.concatenate(skins)),
        filmed.anchors,
        camera.to_camera(filmed.anchors),
        camera.project(filmed.anchors),
        visibility,
        filmed.on_surface,
        filmed.joints,
        filmed.positions,
        filmed.rotations,
    )


def _whole_box(camera, points):
    box = box_of_points(camera, points)
    return np.full(4, np.nan) if box is None else np.concatenate([box[:2], box[2:] - box[:2]])
