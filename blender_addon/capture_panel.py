# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Capture: films of people become actions of an armature, and spans of a result are corrected.

A film is watched in the worker, which writes the captured motion (.npz) and what it detected, so that a correction, or
another smoothing, does not watch it again. Then the motion goes onto the armature here, by the same functions as
`graphics-ml animate` uses.
"""

import math
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import bpy

from graphics_ml import formats
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.film_camera import FilmedView, show_film
from graphics_ml.blender.scene import frame_rate
from graphics_ml.corrections import SIDES, Plant, Span, SpanAgain, read_again, read_plant, read_span
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Capture, from_plain, people_picture
from graphics_ml.motion.bone_map import require_roles
from graphics_ml.motion.bone_map_files import load_map
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import Retargeter
from graphics_ml.wording import renumbered

from . import live_preview, results, running
from .in_worker import in_worker, warm
from .job_panels import OpenFile
from .preferences import preferences
from .properties import AddFiles, PathItem, RemoveFile, draw_settings, group_of, job_from, object_property
from .running import Running
from .sidebar import Sidebar, armature_field, fields, paragraph

_FOLDER = "captures"  # beside the .blend or the film, where no other folder is chosen
_CORRECTED = ("swap", "plant", "again")
_ANEW = "the whole film is solved anew with that, so the rest may come to stand a few centimetres elsewhere"
_CHANGES = {
    "swap": ("Swap Left and Right", f"Exchange left and right in the span; {_ANEW}"),
    "left": ("Left Foot Stands", f"Hold the left foot still in the span; {_ANEW}"),
    "right": ("Right Foot Stands", f"Hold the right foot still in the span; {_ANEW}"),
    "again": (
        "Solve Again",
        "Solve the span again with the settings above, and blend it into the rest, whose captured motion stays as it "
        "is; on the armature it may shift by millimetres, as its floor is found from the whole motion",
    ),
    "none": ("As It Is", "Capture it once more as it is"),
    "undo": ("Take Back", "Take this correction back"),
}


Settings = group_of(
    Capture,
    leave_out=("video", "output", "fps", "offsets", *_CORRECTED),
    more=results.PLACEMENT
    | {
        "films": bpy.props.CollectionProperty(
            type=PathItem,
            name="Films",
            description="Films of people, each of which becomes an action of its own; with a calibration, the films of "
            "several cameras, which become one action on the time of the first",
        ),
        "target": object_property(
            "ARMATURE",
            name="Armature",
            description="Armature that gets the action; the active one where none is chosen",
        ),
        "folder": bpy.props.StringProperty(
            name="Folder",
            description="Where captured motions and what was detected are kept, so that a correction is quick; without "
            "one a folder 'captures' beside the .blend, or beside the film where that is not saved",
            subtype="DIR_PATH",
        ),
        "trim": bpy.props.BoolProperty(
            name="Only the Scene's Range",
            description="Capture only what the film shows in the frames of the scene's range; the film begins at the "
            "start frame",
        ),
        "at_current": bpy.props.BoolProperty(
            name="Begin at Current Frame", description="Let the action begin at the frame that is shown now"
        ),
        "background": bpy.props.BoolProperty(
            name="Film Behind the Character",
            description="Let a camera see as the film's did, with the film as its background",
            default=True,
        ),
        "camera_object": object_property(
            "CAMERA",
            name="Seen By",
            description="Camera that shall show the film; one of its own where none is chosen",
        ),
        "map": bpy.props.StringProperty(
            name="Bone Map",
            description="Bone map (.toml) to use instead of recognising the armature's bones",
            subtype="FILE_PATH",
        ),
        "first": bpy.props.IntProperty(name="From", description="First frame of the span to correct", default=1),
        "last": bpy.props.IntProperty(name="To", description="Last frame of the span to correct", default=10),
        "again_smoothing": bpy.props.FloatProperty(
            name="Smoothing", description="How smooth the span shall be", default=3.0, min=0.05, max=20
        ),
        "again_foot_lock": bpy.props.FloatProperty(
            name="Hold Feet",
            description="How firmly planted feet stay put in the span",
            default=1.0,
            min=0,
            max=1,
            subtype="FACTOR",
        ),
        "again_person": bpy.props.StringProperty(
            name="Person", description="Whom to follow in the span; the same person where nothing is given"
        ),
    },
)


@dataclass(frozen=True)
class _Captured:
    """A film whose motion was captured: the job, the motion and what the user should know."""

    job: Capture
    motion: Motion
    notes: tuple[str, ...]


class CaptureFilms(Running, bpy.types.Operator):
    """Capture the motion of a person in each film and put it on the armature as a new action"""

    bl_idname = "graphics_ml.capture"
    bl_label = "Capture"

    def work(self, context):
        group = context.scene.graphics_ml.capture
        if not _films(group):
            raise GraphicsMLError("No film is chosen; press Add Films")
        armature, bone_map = group.target or context.object, group.map
        _rig(armature, bone_map)  # what is wrong with it is said before the films are watched
        if group.background and group.camera_object is not None and group.camera_object.type != "CAMERA":
            raise GraphicsMLError(f"'{group.camera_object.name}' is no camera; choose one to show the film, or none")
        placement, part = _placement(context.scene, group)
        jobs = _jobs(group, part)
        done, failed = [], []
        for job in jobs:
            try:
                done.append((yield from _captured(job)))
            except GraphicsMLError as error:  # the other films are captured all the same
                if len(jobs) == 1:
                    raise
                failed.append(f"{job.video[0].name} was left out: {error}")
        if not done:
            raise GraphicsMLError("; ".join(failed))
        notes = failed
        live_preview.end()
        rig = _rig(armature, bone_map)  # it may have been edited meanwhile
        for number, one in enumerate(done):
            said = yield from _put(rig, one, placement, group.background, group.camera_object)
            notes += [f"{one.job.video[0].name}: {note}" for note in said] if len(jobs) > 1 else said
            self.kept = f"{number + 1} of {len(done)} films are on '{armature.name}'"
        return [*notes, *_notes_on(rig)]


class CorrectCapture(Running, bpy.types.Operator):
    """Correct the span of the captured action that is shown, and make a new action of the result"""

    bl_idname = "graphics_ml.correct_capture"
    bl_label = "Correct Capture"

    change: bpy.props.EnumProperty(
        name="Correction",
        items=[(change, label, tooltip) for change, (label, tooltip) in _CHANGES.items()],
        default="none",
        options={"SKIP_SAVE"},
    )
    word: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def description(cls, context, properties):
        return _CHANGES[properties.change][1]

    @classmethod
    def poll(cls, context):
        return super().poll(context) and _film_of(context.object) is not None

    def work(self, context):
        group, armature, record = context.scene.graphics_ml.capture, context.object, _film_of(context.object)
        film = record["film"]
        _rig(armature, film["map"])
        job = from_plain("capture", record["settings"] | {"output": film["motion"]})
        if self.change == "undo":
            job = replace(job, **{name: _without(getattr(job, name), self.word) for name in _CORRECTED})
        elif self.change != "none":
            job = _corrected(job, self.change, _span(context.scene, group, record), group)
        one = yield from _captured(job)
        camera = results.object_of(record, "camera") if "camera" in record["objects"] else None
        live_preview.end()
        rig = _rig(armature, film["map"])  # it may have been edited meanwhile
        said = yield from _put(rig, one, Placement(**record["placement"]), film["shown"], camera)
        return [*said, *_notes_on(rig)]


class SpanEdge(bpy.types.Operator):
    """Take the current frame"""

    bl_idname = "graphics_ml.span_edge"
    bl_label = "Take Current Frame"
    bl_options = {"INTERNAL", "UNDO"}

    edge: bpy.props.EnumProperty(items=[("first", "First", ""), ("last", "Last", "")], options={"SKIP_SAVE"})

    def execute(self, context):
        setattr(context.scene.graphics_ml.capture, self.edge, context.scene.frame_current)
        return {"FINISHED"}


class LookThrough(bpy.types.Operator):
    """See the character over its film: look through the camera that shows it, and make it the scene's"""

    bl_idname = "graphics_ml.look_through_film"
    bl_label = "Look Through the Film's Camera"
    bl_options = {"INTERNAL", "UNDO"}

    @classmethod
    def poll(cls, context):
        return _film_camera(context) is not None

    def execute(self, context):
        context.scene.camera = _film_camera(context)
        if context.space_data is not None and context.space_data.type == "VIEW_3D":
            context.space_data.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


class GRAPHICS_ML_PT_capture(Sidebar, bpy.types.Panel):
    bl_label = "Capture"
    bl_order = 20

    def draw(self, context):
        layout, group = self.layout, context.scene.graphics_ml.capture
        _draw_films(layout, group)
        armature_field(layout, context, group, "target")
        if len(group.films) > 1:
            draw_settings(layout, group, ("calibration",))
        draw_settings(layout, group, ("person", "height", "smoothing", "foot_lock"))
        if not preferences().python:
            paragraph(layout, context, "Capturing needs the environment: press Set Up in its panel", icon="INFO")
        elif group.films and not bpy.app.background and running.going_on() is None:
            warm("capture")
        layout.operator(CaptureFilms.bl_idname, icon="PLAY")
        for film, output in _films(group).items():
            picture = people_picture(output)
            if picture not in _pictures:
                _pictures[picture] = picture.exists()
            if _pictures[picture]:
                button = layout.operator(OpenFile.bl_idname, text=f"Who Is Who in {film.name}", icon="IMAGE_DATA")
                button.path = str(picture)


class _PartOfCapture(Sidebar):
    bl_parent_id = "GRAPHICS_ML_PT_capture"

    def draw(self, context):
        self.draw_part(self.layout, context.scene.graphics_ml.capture)


class GRAPHICS_ML_PT_capture_span(_PartOfCapture, bpy.types.Panel):
    bl_label = "Part of the Film"

    def draw_part(self, layout, group):
        layout.prop(group, "trim")
        if not group.trim:
            draw_settings(layout, group, ("start", "end"))


class GRAPHICS_ML_PT_capture_placement(_PartOfCapture, bpy.types.Panel):
    bl_label = "Where the Motion Goes"

    def draw_part(self, layout, group):
        layout.prop(group, "at_current")
        if not group.at_current:
            fields(layout, group, ("start_frame",))
        fields(layout, group, ("stand", "rate", "track"))
        for switch in ("set_range", "keep_rest"):
            layout.prop(group, switch)


class GRAPHICS_ML_PT_capture_film(_PartOfCapture, bpy.types.Panel):
    bl_label = "Film and Camera"

    def draw_part(self, layout, group):
        layout.prop(group, "background")
        if group.background:
            fields(layout, group, ("camera_object",))
        draw_settings(layout, group, ("camera",))


class GRAPHICS_ML_PT_capture_more(_PartOfCapture, bpy.types.Panel):
    bl_label = "More Settings"

    def draw_part(self, layout, group):
        fields(layout, group, ("map", "folder"))
        draw_settings(layout, group, ("detector", "lifter", "weights"))


class GRAPHICS_ML_PT_capture_corrections(Sidebar, bpy.types.Panel):
    bl_label = "Correct the Capture"
    bl_order = 21

    @classmethod
    def poll(cls, context):
        return _film_of(context.object) is not None

    def draw(self, context):
        layout, scene = self.layout, context.scene
        group, record = scene.graphics_ml.capture, _film_of(context.object)
        layout.operator(LookThrough.bl_idname, icon="CAMERA_DATA")
        if scene.use_preview_range:
            layout.label(text=f"Preview range: {scene.frame_preview_start} to {scene.frame_preview_end}")
        else:
            for edge in ("first", "last"):
                row = layout.row(align=True)
                row.prop(group, edge)
                row.operator(SpanEdge.bl_idname, text="", icon="TIME").edge = edge
        buttons = layout.column(align=True)
        for change, icon in (("swap", "ARROW_LEFTRIGHT"), ("left", "PINNED"), ("right", "PINNED")):
            _button(buttons, change, icon)
        box = layout.box().column()
        for name in ("again_smoothing", "again_foot_lock", "again_person"):
            box.prop(group, name)
        _button(box, "again", "FILE_REFRESH")
        for name in _CORRECTED:
            for word in record["settings"].get(name, ()):
                row = layout.row()
                row.label(text=_in_frames(name, word, record))
                button = row.operator(CorrectCapture.bl_idname, text="", icon="X")
                button.change, button.word = "undo", word


CLASSES = (
    Settings,
    SpanEdge,
    CaptureFilms,
    CorrectCapture,
    LookThrough,
    GRAPHICS_ML_PT_capture,
    GRAPHICS_ML_PT_capture_span,
    GRAPHICS_ML_PT_capture_placement,
    GRAPHICS_ML_PT_capture_film,
    GRAPHICS_ML_PT_capture_more,
    GRAPHICS_ML_PT_capture_corrections,
)
SETTINGS = {"capture": Settings}


_pictures = {}  # whether these are there: drawing must not ask a slow disk each time


def register():
    results.runs_again("capture", lambda context, record: (CorrectCapture.bl_idname, {}))


def unregister():
    pass


# What is asked for


def _films(group):
    """The chosen films, each with the file that its motion is written to."""
    films = {}
    for item in group.films:
        if item.path:
            film = Path(os.path.abspath(bpy.path.abspath(item.path)))
            folder, stem = _folder(group, film), film.stem
            number = 1
            while film not in films and folder / f"{stem}.npz" in films.values():
                number += 1
                stem = f"{film.stem}_{number}"
            films.setdefault(film, folder / f"{stem}.npz")
    return films


def _jobs(group, part):
    """A capture of each film, or one of all where a calibration says that these are films of several cameras."""
    films = _films(group)
    if len(films) > 1 and group.calibration:
        return [job_from(group, video=tuple(films), output=next(iter(films.values())), **part)]
    return [job_from(group, video=(film,), output=output, calibration=None, **part) for film, output in films.items()]


def _folder(group, film):
    if group.folder:
        return Path(os.path.abspath(bpy.path.abspath(group.folder)))
    return (Path(bpy.data.filepath) if bpy.data.filepath else film).parent / _FOLDER


def _rig(armature, bone_map):
    """The armature as a target of motion, and its bone map."""
    if armature is None or armature.type != "ARMATURE":
        raise GraphicsMLError("No armature is chosen; choose the one that shall get the action")
    target = ArmatureTarget(armature)
    path = Path(bpy.path.abspath(bone_map)) if bone_map else None
    bones = load_map(path, target.skeleton) if path else target.recognised()
    require_roles(bones, target.skeleton, path or armature.name)
    return target, bones, bone_map


def _placement(scene, group):
    """Where motions go in the scene, and the part of the films that is captured."""
    first = scene.frame_current if group.at_current else group.start_frame
    placement, part = results.placement_from(group), {}
    if group.trim:
        rate = float(frame_rate(scene))
        start, end = ((frame - first) / rate for frame in (scene.frame_start, scene.frame_end + 1))
        if end <= 0:
            raise GraphicsMLError(
                f"The film begins at frame {first}, after the scene's range; change the start frame or the range"
            )
        part, first = {"start": max(0.0, start), "end": end}, max(first, scene.frame_start)
    return replace(placement, start_frame=first), part


def _span(scene, group, record):
    """The span to correct, in seconds of the film, from the timeline."""
    first, last = group.first, group.last
    if scene.use_preview_range:
        first, last = scene.frame_preview_start, scene.frame_preview_end
    if last < first:
        raise GraphicsMLError(f"The span ends at frame {last}, before it starts at frame {first}; exchange them")
    film, begins = record["film"], record["placement"]["start_frame"]
    fps = Fraction(film["fps"])
    ends = begins + int((film["frames"] - 1) * Fraction(film["rate"]) / fps)
    if last < begins or first > ends:
        raise GraphicsMLError(
            f"The span from frame {first} to {last} lies outside the film, which goes from frame {begins} to {ends}; "
            f"choose frames within it"
        )
    start, end = (_seconds(frame, record) for frame in (max(first, begins), last + 1))
    if math.ceil((start - film["start"]) * fps - 1e-4) == math.ceil((end - film["start"]) * fps - 1e-4):
        raise GraphicsMLError(
            f"The film, slower than the scene, has no picture of its own in frames {first} to {last}; choose more"
        )
    return Span(start, end)


def _seconds(frame, record):
    """Where in the film a frame of the scene is."""
    film = record["film"]
    return film["start"] + float((frame - record["placement"]["start_frame"]) / Fraction(film["rate"]))


def _frame(seconds, record):
    film = record["film"]
    return record["placement"]["start_frame"] + round((seconds - film["start"]) * float(Fraction(film["rate"])))


def _corrected(job, change, span, group):
    """The job with one more correction."""
    if change == "swap":
        return replace(job, swap=(*job.swap, str(span)))
    if change in SIDES:
        return replace(job, plant=(*job.plant, str(Plant(change, span))))
    changes = {name: f"{getattr(group, f'again_{name}'):.6g}" for name in ("smoothing", "foot_lock")}
    if group.again_person:
        changes["person"] = group.again_person
    return replace(job, again=(*job.again, str(SpanAgain(span, changes))))


def _without(words, word):
    return tuple(one for one in words if one != word)


# What is done


def _captured(job):
    """A generator that has a film captured by the worker; returns _Captured."""
    job.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        outcome = yield from in_worker(job)
    finally:
        _pictures.clear()
    yield "reading", 0, 0
    return _Captured(job, formats.load(job.output), outcome.notes)


def _put(rig, one, placement, shown, camera):
    """A generator that puts a captured motion on the armature, and its film behind it; returns notes on it, with frames
    of the scene."""
    yield "animating", 0, 0
    target, bones, bone_map = rig
    job, scene = one.job, bpy.context.scene
    pair = Retargeter(one.motion, target.skeleton, target_map=bones)
    motion, report = pair(one.motion, foot_lock=job.foot_lock, soles=target.soles(bones))
    objects = {"target": target.armature} | ({"camera": camera} if camera else {})
    record = results.made_by(job, placement, objects=objects)
    read = (*job.video, *((job.calibration,) if job.calibration else ()))
    record["inputs"] = dict(zip(map(str, read), one.motion.provenance["inputs"].values(), strict=False))
    view = FilmedView.of(one.motion, job.video[0])
    record["film"] = {
        "motion": str(job.output),
        "map": bone_map,
        "start": view.start if view else job.start or 0.0,
        "fps": str(motion.fps),
        "frames": len(motion),
        "rate": str(frame_rate(scene) if placement.rate == "scene" else motion.fps),
        "shown": shown,
    }
    if placement.stand == "rig" and view is not None:
        turn, shift = target.from_stand(motion, roles=bones)
        view = view.carried(turn, shift / report.scale)
    yield from results.putting(target, motion, job.video[0].stem, record, placement, bones=pair.led, roles=bones)
    start, rate = placement.start_frame, float(Fraction(record["film"]["rate"]) / one.motion.fps)
    notes = [renumbered(note, lambda frame: start + round(frame * rate)) for note in (*one.notes, *report.notes)]
    if shown and view is None:
        notes.append(
            f"{job.output.name} tells of no camera, so {job.video[0].name} is not shown; set the environment up again"
        )
    elif shown:
        try:
            thing = show_film(view, placement.start_frame, report.scale, camera)
        except RuntimeError as error:  # Blender's own, of a film that it cannot read
            return [*notes, f"Blender cannot show {job.video[0].name} behind the character: {str(error).strip()}"]
        if scene.camera is not thing:
            notes.append(f"'{thing.name}' sees the film; press {LookThrough.bl_label} to see it too")
    return notes


def _notes_on(rig):
    """What the user should know of the armature, whatever was put on it, once."""
    target, bones, _ = rig
    return list(dict.fromkeys([*target.notes, *bones.notes]))


# Drawing


def _draw_films(layout, group):
    layout.label(text="Films")
    box = layout.box().column(align=True)
    for index, item in enumerate(group.films):
        row = box.row(align=True)
        row.prop(item, "path", text="")
        button = row.operator(RemoveFile.bl_idname, text="", icon="REMOVE")
        button.group, button.setting, button.index = group.path_from_id(), "films", index
    button = box.operator(AddFiles.bl_idname, text="Add Films", icon="ADD")
    button.group, button.setting = group.path_from_id(), "films"
    button.filter_movie = button.filter_folder = True


def _button(layout, change, icon):
    layout.operator(CorrectCapture.bl_idname, text=_CHANGES[change][0], icon=icon).change = change


def _film_of(obj):
    """The record of the captured action that an object plays; None where it plays none."""
    record = results.record_of(obj)
    return record if record is not None and record["job"] == "capture" and "film" in record else None


def _first_film(record):
    films = record["settings"]["video"]  # one word in records of before several cameras
    return Path(films if isinstance(films, str) else films[0])


def _film_camera(context):
    """The camera in the scene that shows the film of the action that the active object plays; None: none does."""
    record = _film_of(context.object)
    film = None if record is None else _first_film(record)
    for thing in context.scene.objects if film is not None else ():
        if thing.type == "CAMERA":
            shown = (one.image for one in thing.data.background_images)
            if any(one is not None and Path(bpy.path.abspath(one.filepath)) == film for one in shown):
                return thing
    return None


def _in_frames(name, word, record):
    """A correction in words, such as 'left foot stands, frames 10 to 20'."""
    if name == "swap":
        what, span = "Sides swapped", read_span(word)
    elif name == "plant":
        plant = read_plant(word)
        what, span = f"{plant.side.capitalize()} foot stands", plant.span
    else:
        again = read_again(word)
        what, span = "Solved again", again.span
    return f"{what}, frames {_frame(span.start, record)} to {_frame(span.end, record) - 1}"
