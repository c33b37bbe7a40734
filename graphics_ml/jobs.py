"""Every job, defined once: its settings with type, default, bounds, unit and one sentence of help.

The command line, the TOML job file, the worker's message and the panels are made from these classes. Standard library
only: Blender's own Python reads this file too.
"""

import glob
import math
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from types import UnionType
from typing import ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from graphics_ml.body_names import BODIES
from graphics_ml.corrections import Span, read_again, read_plant, read_span
from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.toml_files import read_toml
from graphics_ml.wording import suggestion

WRITERS = ("motions", "coco", "exr", "shards", "crops", "sheet", "sheets", "video")
"""What a data set can be written as, besides pictures and labels: the motion of each person of each clip; COCO's
annotations; an .exr of each frame with depth, normals and flow; WebDataset shards; crops of people for training; a
contact sheet of some frames; sheets of all frames; a video of them with their labels."""
MOST_FRAMES = 1 << 21
"""The most frames of a data set: they have 21 bits in the ids of annotations."""


class JobError(GraphicsMLError):
    """A job's settings cannot be used."""


def setting(
    help,
    default=MISSING,
    *,
    min=None,
    max=None,
    unit=None,
    short=None,
    positional=False,
    names_file=None,
    label=None,
    usual=None,
    rare=False,
    open_scene=False,
):
    """A field of a job.

    Args:
        help: one sentence.
        default: its value when not given; without one the setting is required.
        min, max: bounds of a number, both allowed.
        unit: unit of a number, for help and panels.
        short: one letter for the command line, as in -o.
        positional: whether the command line takes it without its name.
        names_file: tells of a word whether it names a file; when None, every word for a path does and no other.
        label: what panels call it, where its name in plain words does not say it to an animator.
        usual: of a number that is None when not given, what a panel offers to one who wants to give it.
        rare: whether few need it, so that panels keep it out of the way.
        open_scene: of a file, whether panels take the scene that is open in Blender where it is left empty.
    """
    metadata = dict(help=help, min=min, max=max, unit=unit, short=short, positional=positional)
    metadata |= dict(names_file=names_file, label=label, usual=usual, rare=rare, open_scene=open_scene)
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def _body_or_file(help, default=MISSING, **about):
    """A setting that takes a body's name where it takes a file."""
    return setting(help, default, names_file=lambda word: word not in BODIES, **about)


def _frames_found_setting():
    return setting(
        "take the frames that are there of a .bvh, .amc or .trc that was cut off or announces others",
        False,
        label="Accept Cut-Off Files",
        rare=True,
    )


def _action_setting():
    return setting("action to read from a .fbx, .glb, .usd or .blend that holds several", None, rare=True)


def _armature_setting():
    return setting("armature to read from a .fbx, .glb, .usd or .blend that holds several", None, rare=True)


def _keep_actions_setting(rare=False):
    return setting("keep the rig's other actions in the output", False, rare=rare)


def _preset_setting():
    return setting(
        "game engine to write a .fbx or .glb for, its axes, unit and root bone: unreal, unity or godot",
        None,
        label="Game Engine",
    )


@dataclass(frozen=True)
class Settings:
    """Values that are brought into their kind and checked against their bounds when they are made."""

    def __post_init__(self):
        for one, kind in settings(type(self)):
            value = getattr(self, one.name)
            if get_origin(kind) is tuple:
                several = (value,) if isinstance(value, str | Path | float | int) else value
                object.__setattr__(self, one.name, tuple(map(get_args(kind)[0], several)))
            elif get_origin(kind) is Literal:
                _coerce(one.name, value, kind)
            elif isinstance(value, str) and Path in (kind, *get_args(kind)):
                object.__setattr__(self, one.name, Path(value))
            elif type(value) is int and kind is str:
                object.__setattr__(self, one.name, str(value))
            elif type(value) is int and float in (kind, *get_args(kind)):
                object.__setattr__(self, one.name, float(value))  # as its job file gives it back
            _check_bounds(one, value)


@dataclass(frozen=True)
class Job(Settings):
    """What all jobs share.

    `task` names the function that does the job, as "module:function"; `needs` the parts of doctor.EXTRAS without which
    it never can; `panel` is the title of the panel that Blender makes for it, None where it has none or one of its own.
    """

    task: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    panel: ClassVar[str | None] = None


@dataclass(frozen=True)
class Outcome:
    """What a job gives back: the files it wrote, what the user should know, a sentence each, and of a job that looks at
    several files which of them it had to go on without, a sentence each."""

    outputs: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Capture(Job):
    """Turn a video of a person, or several from calibrated cameras, into a motion."""

    task: ClassVar[str] = "graphics_ml.tasks.capture:capture"
    needs: ClassVar[tuple[str, ...]] = ("pose",)

    video: tuple[Path, ...] = setting(
        "video file; with a calibration those of several cameras, of which the first gives the time",
        positional=True,
    )
    output: Path = setting("motion file to write; its extension is its format, such as .bvh or .npz", short="o")
    person: str = setting(
        "whom to follow: a number (1 is the most prominent), 'left' or 'right'; where there are several people, a "
        "picture beside the output shows their numbers",
        "1",
    )
    start: float | None = setting("where to begin", None, min=0, unit="s")
    end: float | None = setting("where to stop", None, min=0, unit="s")
    fps: float | None = setting(
        "frame rate of the motion; the video's own when not given", None, min=1, max=480, label="Frame Rate", usual=30
    )
    height: float | None = setting(
        "height of the person, which sets the scale; guessed when not given",
        None,
        min=0.3,
        max=3,
        unit="m",
        usual=1.7,
    )
    camera: str | None = setting(
        "what is known of the camera: fov=50,tilt=-10,roll=0 in degrees, or a TOML file with such lines, in which "
        "focal and centre, in pixels, may stand too; the rest is estimated",
        None,
        names_file=lambda word: "=" not in word,
        label="Lens",
    )
    smoothing: float = setting(
        "how smooth: 1 suits most films, 2 expects half the accelerations, 0.5 twice", 1.0, min=0.05, max=20
    )
    foot_lock: float = setting("how firmly planted feet stay put", 1.0, min=0, max=1, label="Hold Feet")
    swap: tuple[str, ...] = setting(
        "where left and right came out exchanged: spans in seconds of the film, such as 1.2-1.9", ()
    )
    plant: tuple[str, ...] = setting("feet that stand in spans of the film, such as left:2.0-3.1", ())
    again: tuple[str, ...] = setting(
        "spans of the film to solve again with another smoothing, foot lock or person and to blend into the rest, such "
        "as 2-3.5:smoothing=3,foot_lock=0.5 or 4-6:person=2",
        (),
    )

    calibration: Path | None = setting(
        "where several cameras stood, and their lenses: a Qualisys .qca.txt, a .yml, .xml or .json of OpenCV, a "
        "Calib.toml of Pose2Sim, or a folder with one for each camera",
        None,
    )
    offsets: tuple[float, ...] = setting(
        "with several films, seconds by which each further one's clock is ahead of the first one's; found from what "
        "they show when not given",
        (),
    )
    detector: Literal["mediapipe", "graphics-ml"] = setting(
        "what finds people and their landmarks in the pictures: MediaPipe, or our own networks", "mediapipe", rare=True
    )
    lifter: Literal["detector", "graphics-ml"] = setting(
        "what places landmarks in space: the detector, where it can (MediaPipe), or our own network, in the mean with "
        "the detector where that can too",
        "detector",
        rare=True,
    )
    weights: Path | None = setting(
        "folder with weights of our networks that you trained, in place of those that they come with", None, rare=True
    )

    def __post_init__(self):
        super().__post_init__()
        if not re.fullmatch(r"left|right|[1-9]\d*", self.person):
            raise JobError(f"person is '{self.person}', but must be a number from 1, 'left' or 'right'")
        self._check_cameras()
        for name, read in (("swap", read_span), ("plant", read_plant), ("again", self.solved_again)):
            for text in getattr(self, name):
                try:
                    read(text)
                except GraphicsMLError as error:
                    raise JobError(f"{name}: {error}") from error

    def _check_cameras(self):
        count = len(self.video)
        if not count:
            raise JobError("video is empty, but must be a film or several")
        if len(set(self.video)) < count:
            raise JobError("a film is given twice; give one of each camera")
        if count > 1 and self.calibration is None:
            raise JobError(
                "several films make one motion with a calibration of their cameras; give that, or one film (a name "
                "with spaces in quotes)"
            )
        if count == 1 and (self.calibration is not None or self.offsets):
            raise JobError("calibration and offsets are for the films of several cameras; give two films or more")
        if self.calibration is not None and self.camera is not None:
            raise JobError("camera and calibration both tell of the camera; leave one of them out")
        if self.offsets and len(self.offsets) != count - 1:
            raise JobError(
                f"offsets are {len(self.offsets)}, but must be one for each of the {count - 1} further films"
            )
        if not all(map(math.isfinite, self.offsets)):
            raise JobError("offsets must be finite numbers of seconds")

    def solved_again(self, text: str) -> tuple[Span, "Capture"]:
        """A span of `again`, and the capture that holds in it; raises GraphicsMLError where it can be none."""
        asked, kinds = read_again(text), {one.name: kind for one, kind in settings(type(self))}
        changes = {name: from_text(name, value, kinds[name]) for name, value in asked.changes.items()}
        if "person" in changes and len(self.video) > 1:
            raise JobError("another person can be followed in a span of one film only, not in those of several cameras")
        return asked.span, replace(self, again=(), **changes)


def people_picture(output: Path) -> Path:
    """Where a capture shows the people of a film with several, with their numbers, beside its output."""
    return output.with_name(output.stem + ".people.png")


@dataclass(frozen=True)
class Animate(Capture):
    """Turn a video of a person, or several from calibrated cameras, into an animation of a rig."""

    task: ClassVar[str] = "graphics_ml.tasks.animate:animate"
    needs: ClassVar[tuple[str, ...]] = ("blender", "pose")

    output: Path = setting("what to write: .blend, .fbx, .glb, .bvh or .npz", short="o")
    rig: Path | None = setting("rig: .blend, .fbx, .glb, .gltf or .bvh; our own character when not given", None)
    map: Path | None = setting("bone map (.toml) to use instead of recognising the rig's bones", None)
    save_map: Path | None = setting("where to save the bone map that was used, for editing", None)
    keep_actions: bool = _keep_actions_setting()
    preview: Path | None = setting("video (.mp4) that shows film, skeletons and animated character side by side", None)
    preset: str | None = _preset_setting()

    def __post_init__(self):
        super().__post_init__()
        _check_preset(self)


@dataclass(frozen=True, kw_only=True)
class FileJob(Job):
    """What jobs share that turn one motion file into another file, and that are run over many files at a time."""

    source: Path = setting("motion file", positional=True)
    output: Path = setting("file to write; its extension is its format", short="o")
    format: str | None = setting(
        "format to write, where the output's extension leaves a choice, such as amass", None, rare=True
    )
    drop_t_pose: bool = setting(
        "leave out a first frame that is a T-pose unlike the others", False, label="Leave Out T-Pose", rare=True
    )
    frames_found: bool = _frames_found_setting()

    def natural_extension(self) -> str | None:
        """Extension, with its dot, of an output in a folder when no format is named; None: it must be named."""
        return None


@dataclass(frozen=True, kw_only=True)
class Convert(FileJob):
    """Write a motion in another format."""

    task: ClassVar[str] = "graphics_ml.tasks.convert:convert"
    panel: ClassVar[str | None] = "Convert a File"

    source_format: str | None = setting(
        "format of the source, where its extension and content mislead", None, rare=True
    )
    fps: float | None = setting(
        "frame rate to take the source for, where the file has none or a wrong one; no frame is made or left out",
        None,
        min=0.1,
        max=10000,
        label="Frame Rate",
        usual=30,
        rare=True,
    )
    unit: str | None = setting(
        "unit of the source: m, cm, mm, inch, cmu or metres per unit; detected if not given", None, rare=True
    )
    up: str | None = setting("axis that points up in the source: X, Y or Z; detected if not given", None, rare=True)
    skeleton: Path | None = setting("skeleton (.asf) of an .amc that has it not beside it", None, rare=True)
    body_model: Path | None = setting(
        "your SMPL, SMPL-H or SMPL-X model (.npz), or a folder with some, for the bones of the source's body",
        None,
        rare=True,
    )
    trust_pickle: bool = setting(
        "load a body model that is a pickle (.pkl), which can run any program in it", False, rare=True
    )
    action: str | None = _action_setting()
    armature: str | None = _armature_setting()
    keep_actions: bool = _keep_actions_setting(rare=True)
    preset: str | None = _preset_setting()
    marker_set: str | None = setting(
        "marker set of a source that holds markers: its name, or a table of your own (.toml); recognised if not given",
        None,
        names_file=lambda word: word.lower().endswith(".toml"),
        rare=True,
    )
    subject: str | None = setting("whose markers, where those of several people are in the source", None, rare=True)

    def __post_init__(self):
        super().__post_init__()
        _check_preset(self)


@dataclass(frozen=True, kw_only=True)
class Retarget(FileJob):
    """Put a motion on another skeleton."""

    task: ClassVar[str] = "graphics_ml.tasks.retarget:retarget"

    target: Path | None = _body_or_file(
        f"rig (.blend, .fbx, .glb, .gltf, .usd), motion file whose skeleton is meant, or a body ({', '.join(BODIES)}); "
        "our own character when not given",
        None,
    )
    level: Literal["copy", "contacts", "touch"] = setting(
        "copy: the source's directions; contacts: feet and hands also stay on the ground, and arms out of the body; "
        "touch: hands also keep what they touch on the body",
        "contacts",
        label="Keep",
    )
    root: Literal["hips", "bone", "object", "in place"] = setting(
        "what carries the path over the ground: the hips (with preset a root bone), a root bone above them, the object "
        "in Blender (a joint above all in other files), or nothing",
        "hips",
        label="Path On",
    )
    foot_lock: float = setting("how firmly planted feet stay put", 1.0, min=0, max=1, label="Hold Feet")
    hand_lock: float | None = setting(
        "how firmly hands stay on what they touch, and arms out of the body; when not given 1, but 0 for what was "
        "filmed, where a touch cannot be told from a near miss",
        None,
        min=0,
        max=1,
        label="Hold Hands",
        usual=1,
    )
    map: Path | None = setting("bone map (.toml), of the target or of the pair, instead of recognising bones", None)
    source_map: Path | None = setting("bone map (.toml) of the source instead of recognising its bones", None)
    save_map: Path | None = setting("where to save the map of the pair that was used, for editing", None)
    keep_actions: bool = _keep_actions_setting()
    preset: str | None = _preset_setting()

    def __post_init__(self):
        super().__post_init__()
        _check_preset(self)
        if self.preset and self.root == "object":
            raise JobError("game engines take the path from a root bone, not from the object; leave root or preset out")

    def natural_extension(self) -> str | None:
        return _written_like(".blend" if self.target is None else self.target.suffix.lower()) or None


@dataclass(frozen=True, kw_only=True)
class Batch(Settings):
    """One job for each of many files; `source` and `output` stand in for those of `job`."""

    job: FileJob = setting("what to do with each file")
    source: tuple[Path, ...] = setting(
        "motion files, folders with some, or patterns such as 'takes/**/*.bvh'", positional=True
    )
    output: Path = setting(
        "file to write, its extension is its format; for several files a folder, in which they keep their places",
        short="o",
    )
    jobs: int | None = setting("how many files to work on at a time; one for each core when not given", None, min=1)
    scheduler: str | None = setting(
        "Dask scheduler whose workers do the work, such as tcp://host:8786; their threads must be one each "
        "(--nthreads 1) and the folders theirs too",
        None,
    )
    resume: bool = setting("skip what an earlier run into the same folder has done", False)
    dry_run: bool = setting("only say which file would be written from which", False)


@dataclass(frozen=True)
class Map(Job):
    """Show and save which bone of one skeleton leads which bone of another."""

    task: ClassVar[str] = "graphics_ml.tasks.map:map_bones"
    needs: ClassVar[tuple[str, ...]] = ("terminal",)

    source: Path = _body_or_file(f"motion file, rig or body ({', '.join(BODIES)}) that leads", positional=True)
    target: Path = _body_or_file("motion file, rig or body that follows", positional=True)
    output: Path = setting("bone map to write (.toml), for editing and for --map", short="o")


@dataclass(frozen=True, kw_only=True)
class Preview(Job):
    """Show one motion or several as a video, side by side or overlaid."""

    task: ClassVar[str] = "graphics_ml.tasks.preview:preview"
    needs: ClassVar[tuple[str, ...]] = ("pose",)
    panel: ClassVar[str | None] = "Preview Video"

    motions: tuple[Path, ...] = setting("motion files, folders with some, or patterns", positional=True)
    output: Path = setting("video to write, .mp4", short="o")
    layout: Literal["side by side", "overlaid"] = setting("a pane for each motion, or all in one", "side by side")
    character: bool = setting("show them on our own character; stick figures when not given", False)
    rig: Path | None = setting("show them on this rig: .blend, .fbx, .glb or .gltf", None)
    start: float | None = setting("where to begin", None, min=0, unit="s")
    end: float | None = setting("where to stop", None, min=0, unit="s")
    fps: float = setting("frame rate of the video", 30.0, min=1, max=120, label="Frame Rate")
    view: float = setting(
        "from where: 0 is the front, 90 the left side, 180 behind", 30.0, min=-360, max=360, unit="deg"
    )
    size: int = setting("width and height of a pane", 480, min=64, max=2160, unit="px")
    frames_found: bool = _frames_found_setting()

    def __post_init__(self):
        super().__post_init__()
        if self.character and self.rig:
            raise JobError("character means our own and rig another; leave one of them out")


@dataclass(frozen=True, kw_only=True)
class Edit(FileJob):
    """Clean up a motion; what is asked for is done in the order below, whatever the order of the words."""

    task: ClassVar[str] = "graphics_ml.tasks.edit:edit"

    start: float | None = setting("cut: where to begin", None, min=0, unit="s")
    end: float | None = setting("cut: where to stop", None, min=0, unit="s")
    fps: float | None = setting(
        "resample to this frame rate; 29.97 and 23.976 mean television's",
        None,
        min=1,
        max=1000,
        unit="1/s",
        label="Frame Rate",
        usual=30,
    )
    smooth: float | None = setting(
        "smooth what moves slowly to this frequency, what moves fast to three times it; 4 takes jitter away",
        None,
        min=0.1,
        max=100,
        unit="Hz",
        usual=4,
    )
    mirror: bool = setting("exchange left and right", False)
    then: Path | None = setting(
        "motion file of the same skeleton to put behind, turned and moved to where it ends", None
    )
    blend: float = setting(
        "with then, how long both overlap; with loop, how far from its ends a cycle may change",
        0.3,
        min=0,
        unit="s",
    )
    loop: Literal["no", "find", "whole"] = setting(
        "keep one cycle that repeats without a seam: the best that is found, or the whole motion as one", "no"
    )
    foot_lock: float | None = setting(
        "hold standing feet still, from 0 not at all to 1 firmly", None, min=0, max=1, label="Hold Feet", usual=1
    )
    ground: bool = setting("put the ground that the feet stand on at height 0", False)
    in_place: bool = setting("take the way over the ground away", False)
    facing: bool = setting(
        "with in place, take the turning away too, so that it faces as it does at the start", False, label="Keep Facing"
    )
    reduce_keys: float | None = setting(
        "keep only the keys that hold every joint within this distance of its place, turned by no more than moves a "
        "point 0.1 m away by as much",
        None,
        min=1e-6,
        max=1,
        unit="m",
        label="Fewer Keys",
        usual=0.001,
    )
    map: Path | None = setting("bone map (.toml) to use instead of recognising the body's parts", None)
    action: str | None = _action_setting()
    armature: str | None = _armature_setting()
    keep_actions: bool = _keep_actions_setting()

    def __post_init__(self):
        super().__post_init__()
        if self.facing and not self.in_place:
            raise JobError("facing says how in place is done; ask for in place too")
        given = (self.start, self.end, self.fps, self.smooth, self.then, self.foot_lock, self.reduce_keys)
        chosen = self.drop_t_pose or self.mirror or self.ground or self.in_place or self.loop != "no"
        if not chosen and all(one is None for one in given):
            raise JobError("nothing is asked for; choose what to do, such as smooth, foot lock or loop")

    def natural_extension(self):
        return _written_like(self.source.suffix.lower())


@dataclass(frozen=True, kw_only=True)
class Evaluate(Job):
    """Measure motions by themselves, and against a reference: a table, a .json and a picture over time."""

    task: ClassVar[str] = "graphics_ml.tasks.evaluate:evaluate"
    needs: ClassVar[tuple[str, ...]] = ("terminal",)
    panel: ClassVar[str | None] = "Measure"

    files: tuple[Path, ...] = setting("motion files, folders with some, or patterns", positional=True)
    reference: Path | None = setting("motion file that they should be like", None)
    output: Path | None = setting(".json to write; the picture (.png) goes beside it", None, short="o")
    align: Literal["none", "start", "hips"] = setting(
        "where to compare places with the reference: in the world as they are, turned and moved over the ground to "
        "where it starts, or from hips to hips in every frame",
        "none",
    )
    floor: float = setting("height of the floor, below which joints penetrate it", 0.0, unit="m")
    frames_found: bool = _frames_found_setting()


@dataclass(frozen=True, kw_only=True)
class Train(Job):
    """Train a network as a recipe says."""

    task: ClassVar[str] = "graphics_ml.tasks.train:train"
    needs: ClassVar[tuple[str, ...]] = ("learn",)

    recipe: Path = setting("recipe (.toml), or the name of one of ours", positional=True)
    output: Path = setting("weights to write, .safetensors; their card and the curves go beside them", short="o")
    data: tuple[Path, ...] = setting("folders of data sets to learn from, in place of those in the recipe", ())
    resume: bool = setting("go on with the run that was stopped beside the output, or begin where there is none", False)
    minutes: float | None = setting(
        "stop with the epoch in which so many minutes have passed, to go on later", None, min=0.01, unit="min"
    )
    device: Literal["auto", "cpu"] = setting("auto: a GPU where there is one", "auto")


@dataclass(frozen=True, kw_only=True)
class RenderDataset(Job):
    """Render pictures of people with exact labels, as a scene file describes them."""

    task: ClassVar[str] = "graphics_ml.tasks.render_dataset:render_dataset"
    needs: ClassVar[tuple[str, ...]] = ("blender", "pose", "learn", "geometry")
    panel: ClassVar[str | None] = "Render Data Set"

    scene: Path = setting(
        "scene file (.toml), which says what may be seen, or a scene of your own (.blend) to be shown as it is",
        positional=True,
        open_scene=True,
        label="Scene, or the Open One",
    )
    output: Path = setting("folder of the data set", short="o")
    frames: int = setting("how many frames", 100, min=1, max=MOST_FRAMES)
    start: int = setting(
        "number of the first frame; beyond those that are there it extends the data set", 0, min=0, max=MOST_FRAMES
    )
    seed: int = setting("another number makes another data set from the same scene", 0, min=0, max=2**31 - 1)
    pictures: Literal["png", "jpg", "none"] = setting(
        "format of the pictures; none: labels alone, which takes a tenth of the time", "png"
    )
    writers: tuple[str, ...] = setting(
        f"what to write besides pictures and labels: {', '.join(WRITERS)}", ("motions", "coco", "sheet")
    )
    chunk: int = setting("frames that one process renders before another takes its place", 200, min=1, rare=True)
    jobs: int | None = setting("how many processes work at a time; one for each core when not given", None, min=1)
    scheduler: str | None = setting(
        "Dask scheduler whose workers do the work, such as tcp://host:8786; their threads must be one each "
        "(--nthreads 1) and the folders theirs too",
        None,
        rare=True,
    )
    resume: bool = setting("skip the frames that an earlier run into the same folder has done", False)

    def __post_init__(self):
        super().__post_init__()
        if self.start + self.frames > MOST_FRAMES:
            raise JobError(f"start and frames make {self.start + self.frames}, but must be at most {MOST_FRAMES}")
        for name in self.writers:
            if name not in WRITERS:
                raise JobError(f"there is no writer '{name}'{suggestion(name, WRITERS)}")
        if self.pictures == "none" and "crops" in self.writers:
            raise JobError("crops are cut out of pictures; choose a format of pictures, or leave crops out")


JOBS = {
    "animate": Animate,
    "capture": Capture,
    "convert": Convert,
    "edit": Edit,
    "evaluate": Evaluate,
    "map": Map,
    "preview": Preview,
    "render-dataset": RenderDataset,
    "retarget": Retarget,
    "train": Train,
}


@cache  # asked for each job that is made
def settings(job_class) -> tuple[tuple, ...]:
    """The settings of a job class as (field, type) pairs, in order; what every interface is generated from."""
    hints = get_type_hints(job_class)
    return tuple((one, hints[one.name]) for one in fields(job_class))


def names_file(one, kind) -> Callable[[str], bool]:
    """What tells of a word given for a setting, a (field, type) pair, whether it names a file."""
    is_path = Path in (kind, *get_args(kind))
    return one.metadata["names_file"] or (lambda word: is_path)


def typed_settings(job_class) -> tuple[tuple, ...]:
    """The settings that a command line takes, as (field, type) pairs; those of a FileJob with a Batch's."""
    if not issubclass(job_class, FileJob):
        return settings(job_class)
    of_batch = tuple((one, kind) for one, kind in settings(Batch) if one.name != "job")
    taken = {one.name for one, _ in of_batch}
    own = tuple((one, kind) for one, kind in settings(job_class) if one.name not in taken)
    return of_batch[:2] + own + of_batch[2:]


def job_name(job: Job) -> str:
    """The name under which a job is known: "animate", ..."""
    return next(name for name, job_class in JOBS.items() if type(job) is job_class)


def as_plain(job: Job) -> dict:
    """The settings of a job as plain values (str, float, bool, lists of them), without those that are None or ()."""
    values = {one.name: getattr(job, one.name) for one in fields(job)}
    return {name: _plain(value) for name, value in values.items() if value not in (None, ())}


def as_written(job: Job, folder: Path) -> dict:
    """The settings of a job as a job file in `folder` holds them: as_plain, with paths that read_job finds again.

    What was given as a relative path, and what lies in the folder, is told as seen from there, so that it is found from
    any current folder and after all was moved together; other absolute paths stay.
    """
    return _with_files(job_name(job), as_plain(job), partial(seen_from, folder))


def seen_from(folder: Path, path: str | Path) -> str:
    """A path as it stands in a job file in `folder`; see as_written."""
    # Through links `..` leads elsewhere than the words say, so both ends are told without any.
    base, path = os.path.realpath(folder), Path(path)
    real = os.path.join(os.path.realpath(path.parent), path.name)
    if path.is_absolute() and not Path(real).is_relative_to(base):
        return str(path)
    try:
        return Path(os.path.relpath(real, base)).as_posix()
    except ValueError:  # on another drive
        return real


def from_plain(name: str, values: dict) -> Job:
    """A job from its name and plain values, as they come from TOML or JSON.

    Raises:
        JobError: no such job or setting (with a suggestion), a value of the wrong kind or outside its bounds, or a
            required setting missing.
    """
    if name not in JOBS:
        raise JobError(f"there is no job '{name}'{suggestion(name, JOBS)}")
    return filled(JOBS[name], values, f"the job '{name}'")


def filled(settings_class, values: dict, whose: str) -> Settings:
    """Settings of a class from plain values.

    Args:
        settings_class: of Settings.
        values: as they come from TOML or JSON.
        whose: settings these are, as a sentence begins with it.

    Raises:
        JobError: as from_plain.
    """
    known = {one.name: (one, kind) for one, kind in settings(settings_class)}
    for key in values:
        if key not in known:
            raise JobError(f"{whose} has no setting '{key}'{suggestion(key, known)}")
    for key, (one, _) in known.items():
        if one.default is MISSING and key not in values:
            raise JobError(f"{whose} needs the setting '{key}': {one.metadata['help']}")
    return settings_class(**{key: _coerce(key, value, known[key][1]) for key, value in values.items()})


def batch_of(job_class, values: dict) -> Batch:
    """A batch from the values of `typed_settings`, each of its kind."""
    of_batch = {one.name: values[one.name] for one in fields(Batch) if one.name in values}
    own = {name: value for name, value in values.items() if name not in of_batch}
    return Batch(job=job_class(**own, source=values["source"][0], output=values["output"]), **of_batch)


def from_text(name: str, text: str, kind):
    """A setting's value from a word that a command line gives for it.

    Raises:
        JobError: the word is nothing of this kind.
    """
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    for number in (int, float):
        if number in (kind, *get_args(kind)):
            with suppress(ValueError):
                return number(text)
    return _coerce(name, text, kind)


def read_job(path: str | Path) -> Job | Batch:
    """The job in a TOML file: `job = "animate"` and a table `[settings]`. Its relative paths start at its folder.

    It is a batch where `source` is a list or there is a table `[batch]` with any of `jobs`, `scheduler`, `resume`
    and `dry_run`.

    Raises:
        FileError: no such file, not TOML, or without these keys; JobError as from_plain.
    """
    content = read_toml(path, "job file")
    if not isinstance(content.get("job"), str) or not isinstance(content.get("settings", {}), dict):
        raise FileError(path, None, 'a job file needs a line such as job = "animate" and a table [settings]')
    if not isinstance(content.get("batch", {}), dict):
        raise FileError(path, None, "batch must be a table [batch]")
    name, options = content["job"], content.get("batch")
    values = _with_files(name, content.get("settings", {}), partial(_below, Path(path).parent))
    if options is None and not isinstance(values.get("source"), list):
        return from_plain(name, values)
    return _batch_from_plain(name, values, {} if options is None else options)


def _with_files(name, values, change: Callable[[str], str]):
    """Plain values of a job, those that name a file changed; of a job that is not known as they are."""
    changed = dict(values)
    for one, kind in settings(JOBS[name]) if name in JOBS else ():
        is_file = names_file(one, kind)
        value = values.get(one.name)
        if isinstance(value, str) and is_file(value):
            changed[one.name] = change(value)
        elif isinstance(value, list):
            changed[one.name] = [change(word) if isinstance(word, str) and is_file(word) else word for word in value]
    return changed


def _below(folder, word):
    """A word of a job file in `folder` for a file, as a path from the current folder; none stays none."""
    if not word:
        return word
    path = folder / word
    if glob.has_magic(word) and not os.path.lexists(path):
        path = Path(glob.escape(str(folder))) / word
    return str(path)


def _batch_from_plain(name, values, options):
    if name in JOBS and not issubclass(JOBS[name], FileJob):
        raise JobError(f"the job '{name}' is not done to many files at a time: it takes neither [batch] nor lists")
    kinds = {one.name: kind for one, kind in settings(Batch)}
    sources = _coerce("source", values.get("source"), kinds["source"]) if "source" in values else ()
    job = from_plain(name, values | {"source": str(sources[0])} if sources else values)
    known = kinds.keys() - {"job", "source", "output"}
    for key in options:
        if key not in known:
            raise JobError(f"the table [batch] has no setting '{key}'{suggestion(key, known)}")
    options = {key: _coerce(key, value, kinds[key]) for key, value in options.items()}
    return Batch(job=job, source=sources, output=job.output, **options)


def _written_like(extension):
    """The extension of what is written where a file with this one is read: its own, but for formats only read."""
    return {".gltf": ".glb", ".usdz": ".usdc"}.get(extension, extension)


def _check_preset(job):
    if job.preset and job.keep_actions:
        raise JobError("a file for a game engine holds the new action alone; leave keep_actions or preset out")


def _check_bounds(one, value):
    low, high = one.metadata["min"], one.metadata["max"]
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return
    if not ((low is None or value >= low) and (high is None or value <= high)):
        bounds = f"at least {low}" if high is None else f"at most {high}" if low is None else f"from {low} to {high}"
        unit = f" {one.metadata['unit']}" if one.metadata["unit"] else ""
        raise JobError(f"{one.name} is {value}, but must be {bounds}{unit}")
    if value in (math.inf, -math.inf) or value != value:
        raise JobError(f"{one.name} is {value}, but must be a finite number")


def _coerce(key, value, kind):
    choices = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    for choice in choices:
        if get_origin(choice) is Literal:
            if value in get_args(choice):
                return value
        elif get_origin(choice) is tuple:
            if value not in ("", []):
                each = value if isinstance(value, list) else [value]
                return tuple(_coerce(key, one, get_args(choice)[0]) for one in each)
        elif choice is Path and isinstance(value, str) and value:
            return Path(value)
        elif choice is str and type(value) is int:
            return str(value)
        elif choice is float and isinstance(value, int | float) and not isinstance(value, bool):
            with suppress(OverflowError):
                return float(value)
        elif isinstance(value, choice) and (choice is bool or not isinstance(value, bool)):
            return value
    wanted = " or ".join(_kind_name(choice) for choice in choices if choice is not type(None))
    raise JobError(f"{key} is {value!r}, but must be {wanted}")


def _plain(value):
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _kind_name(kind):
    if get_origin(kind) is tuple:
        return f"{_kind_name(get_args(kind)[0])} or a list of them"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    return {Path: "a path", str: "text", float: "a number", int: "a whole number", bool: "true or false"}[kind]
