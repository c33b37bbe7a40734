# SPDX-License-Identifier: GPL-3.0-or-later
"""What every panel does with a motion that it has made: a new action with its record on it, which can be run again.

    made_by = results.made_by(job, placement, inputs=[path], objects={"target": rig, "source": other})
    action = yield from results.putting(target, motion, path.stem, made_by, placement, bones.roles.values())

is one undo step with the operator that does it. How a panel's jobs are run again it says once, where its file is read:

    results.runs_again("retarget", again)

    def again(context, record):
        group = context.scene.graphics_ml.retarget
        results.restore(group, record)                       # the settings of the job, and where the motion goes
        group.rig = context.object                           # it plays the action
        return "graphics_ml.retarget", {}                    # the operator that is run, and its properties

When and how a motion goes into the scene is asked in every panel in the same way:

    Settings = group_of(jobs.Retarget, more=results.PLACEMENT)
    results.draw_placement(layout, group)
    placement = results.placement_from(group)
"""

import json
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import bpy

from graphics_ml.blender.actions import PROVENANCE
from graphics_ml.blender.animation_data import current_action
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import JOBS, Job, from_plain
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.motion import Motion
from graphics_ml.provenance import record_without_output

from .properties import fill
from .running import press, refused
from .sidebar import Sidebar, fields, paragraph

PLACEMENT = {
    "start_frame": bpy.props.IntProperty(
        name="Start Frame", description="Frame of the scene at which the motion begins", default=1
    ),
    "stand": bpy.props.EnumProperty(
        name="Place",
        description="Where the character does the motion",
        items=[
            ("world", "As Recorded", "In the world as the motion was recorded, wherever the rig stands"),
            (
                "rig",
                "From Where the Rig Stands",
                "The motion begins where the rig stands at this frame and faces ahead as the rig does, "
                "wherever it was recorded",
            ),
        ],
    ),
    "rate": bpy.props.EnumProperty(
        name="Frame Rate",
        description="Which of the two frame rates gives way where the motion and the scene differ",
        items=[
            ("scene", "Keep the Scene's", "The motion is brought to the scene's frame rate and keeps its speed"),
            ("motion", "Take the Motion's", "The scene takes the motion's frame rate; other animation plays at it too"),
        ],
    ),
    "set_range": bpy.props.BoolProperty(
        name="Set Scene Range", description="Let the scene start and end where the motion does"
    ),
    "keep_rest": bpy.props.BoolProperty(
        name="Keep Other Channels",
        description="Let the new action do to all other bones and properties what the current action does",
        default=True,
    ),
    "track": bpy.props.StringProperty(
        name="NLA Track",
        description="Put the new action on an NLA track of this name, and leave the current action where it is; "
        "without a name it becomes the current action",
    ),
}


def placement_from(group) -> Placement:
    """When and how the motion goes into the scene, of a group that has PLACEMENT's properties."""
    return Placement(**{name: getattr(group, name) for name in PLACEMENT} | {"track": group.track or None})


def draw_placement(layout, group):
    """Draw PLACEMENT's properties of a group."""
    fields(layout, group, PLACEMENT)


def made_by(
    job: Job,
    placement: Placement,
    inputs: list[Path] = (),
    objects: Mapping[str, bpy.types.ID] | None = None,
) -> dict:
    """The record of a job of a panel.

    Args:
        job: with its settings.
        placement: when and how its motion goes into the scene.
        inputs: the files it read.
        objects: what it took from the open file, such as its rig and another armature or action, by what it is to it.
    """
    of_objects = {role: one.name for role, one in (objects or {}).items()}
    placed = {name: value for name, value in asdict(placement).items() if value is not None}
    record = record_without_output(job, list(inputs))
    record["versions"]["blender"] = bpy.app.version_string
    return record | {"objects": of_objects, "placement": placed}


def putting(
    target: ArmatureTarget,
    motion: Motion,
    name: str,
    record: dict,
    placement: Placement,
    bones=(),
    path=None,
    roles: BoneMap | None = None,
) -> Generator[tuple[str, int, int], None, bpy.types.Action]:
    """Key a motion on an armature as a new action that carries its record; see ArmatureTarget.playing.

    Args:
        target: the armature; its notes are what the user should know.
        motion: of the target's skeleton.
        name: of the action: the name of what the motion was made from.
        record: of made_by.
        placement: when and how it goes into the scene.
        bones: names of the joints to key even where they rest, such as all that are mapped.
        path: places and turns by which the object moves; None for none.
        roles: of the armature's bones; those that are recognised when None.

    Yields:
        (stage, frames done, frames in all) on a rig with controls, which takes long.

    Raises:
        ArmatureError: the armature cannot be keyed; nothing has changed.
    """
    if placement.stand == "world" and (note := _stands_elsewhere(target, roles)) not in (None, *target.notes):
        target.notes.append(note)
    return target.playing(motion.replace(provenance=record), name, bones, path, placement, roles=roles)


def _stands_elsewhere(target, roles):
    """Says that a rig which stands away from the world's origin is moved from there; None of one that stands there."""
    turn, shift = target.stand(roles)
    away, degrees = math.hypot(shift[0], shift[2]), math.degrees(2 * abs(math.atan2(turn[2], turn[0])))
    said = [f"{away:.3g} m away from the world's origin"] if away > _AWAY else []
    said += [f"turned by {min(degrees, 360 - degrees):.0f}°"] if _TURNED < degrees < 360 - _TURNED else []
    if not said:
        return None
    return (
        f"'{target.armature.name}' stands {' and '.join(said)}, but the motion is placed in the world as it was "
        f"recorded; to have it begin where the rig stands, choose that as its Place under Where the Motion Goes"
    )


_AWAY, _TURNED = 0.01, 1.0  # metres and degrees from which on it is said where a rig stands


def runs_again(job: str, prepare: Callable[[bpy.types.Context, dict], tuple[str, dict]]) -> None:
    """Say how jobs of this name are run again.

    Args:
        job: name of the job, as in jobs.JOBS.
        prepare: is given the context and the record, sets the panel as it was, and gives the bl_idname of the operator
            that is then run, and its properties. It may raise a GraphicsMLError.
    """
    _again[job] = prepare


_again = {}


def record_of(obj: bpy.types.Object | None) -> dict | None:
    """The record of the action that an object plays, not to be changed; None where it has none."""
    action = None if obj is None else current_action(obj)
    try:
        record = _parsed(action[PROVENANCE])
    except (KeyError, TypeError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("job") in JOBS else None


@lru_cache(maxsize=8)
def _parsed(text):
    # Panels ask several times with each drawing, and a record may tell of each frame of a film.
    return json.loads(text)


def restore(group, record: dict) -> None:
    """Set a panel's group to what a record tells: the settings that the group shows, and those of PLACEMENT it has.

    Raises:
        GraphicsMLError: a setting is none of this version's.
    """
    # What a panel makes has no file of its own.
    fill(group, from_plain(record["job"], {"output": "scene"} | record["settings"]))
    placed = {"track": ""} | record.get("placement", {})
    for name, value in placed.items():
        if name in PLACEMENT and hasattr(group, name):
            setattr(group, name, value)


def object_of(record: dict, role: str, among: str = "objects") -> bpy.types.ID:
    """What a job took from the open file, by what it was to it.

    Args:
        among: the collection of bpy.data that it is in.

    Raises:
        GraphicsMLError: it is not there any more.
    """
    name = record.get("objects", {}).get(role)
    found = getattr(bpy.data, among).get(name) if name else None
    if found is None:
        what = f"'{name}'" if name else f"its {role}"
        raise GraphicsMLError(
            f"The action was made with {what}, which is not in this file any more; bring it or its name back with "
            f"Undo, or begin anew in the panel {_PANELS.get(record['job'], 'that made it')}"
        )
    return found


_PANELS = {"capture": "Capture", "edit": "Clean Up", "retarget": "Retarget"}


class RunAgain(bpy.types.Operator):
    """Do once more, with the same settings, what made the current action; the result is one more action"""

    bl_idname = "graphics_ml.run_again"
    bl_label = "Run Again"
    bl_options = {"INTERNAL"}  # without UNDO: the operator that it runs is the undo step

    @classmethod
    def poll(cls, context):
        record = record_of(context.object)
        return record is not None and record["job"] in _again

    def execute(self, context):
        record = record_of(context.object)
        try:
            operator, properties = _again[record["job"]](context, record)
        except GraphicsMLError as error:
            return refused(self, str(error))
        return press(self, operator, **properties)


class GRAPHICS_ML_PT_result(Sidebar, bpy.types.Panel):
    bl_label = "This Action"
    bl_order = 90

    @classmethod
    def poll(cls, context):
        return record_of(context.object) is not None

    def draw(self, context):
        record = record_of(context.object)
        sources = [Path(path).name for path in record.get("inputs", {})]
        sources += [name for role, name in record.get("objects", {}).items() if role != "target"]
        made = f"Made by {record['job'].replace('_', ' ')}"
        paragraph(self.layout, context, f"{made} from {', '.join(sources)}" if sources else made)
        self.layout.operator(RunAgain.bl_idname, icon="FILE_REFRESH")


CLASSES = (RunAgain, GRAPHICS_ML_PT_result)
