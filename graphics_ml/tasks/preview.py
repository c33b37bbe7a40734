"""One motion or several as a video, side by side or overlaid, as stick figures or on a character.

The camera stays where it is while the figures stay near; it follows, smoothly and at one distance, those that travel.
Side by side each motion has its own pane and the same camera, so that sizes can be compared.
"""

import math
from collections.abc import Iterator

import numpy as np

from graphics_ml.errors import FileError
from graphics_ml.formats.frame_times import rate_of_text
from graphics_ml.jobs import Outcome, Preview
from graphics_ml.motion.bone_map import missing_roles, recognize_moving, require_roles
from graphics_ml.motion.bone_names import read_names
from graphics_ml.motion.camera import Camera, framing_camera
from graphics_ml.motion.filters import smooth
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample, trim
from graphics_ml.motion.retarget import retarget
from graphics_ml.motion.rotations import rotate
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together
from graphics_ml.pose.overlay import LEFT, MIDDLE, RIGHT, draw_legend
from graphics_ml.pose.stick_figure import Floor, bone_joints, draw_figure, draw_shadow
from graphics_ml.pose.video import write_video
from graphics_ml.provenance import record, record_path, write_record
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import open_motion, open_rig

INKS = ((238, 120, 40), (46, 130, 224), (70, 165, 90), (190, 80, 170), (215, 175, 40), (90, 175, 190))
"""Colours that tell overlaid motions apart, in their order; with more motions they begin again."""

_FOLLOW = 0.75  # body heights by which a figure may leave the middle of its path before the camera follows
_SKIN = 0.12  # body heights that flesh, feet and hair reach beyond the joints
_MEASURED = 0.02  # the same, where meshes were measured
_LOOKS = 12  # frames of each motion in which they are


def preview(job: Preview, progress: Progress) -> Outcome:
    """Do a Preview job: the video and its job file.

    Raises:
        GraphicsMLError: a motion cannot be read, has nothing between start and end, or the video cannot be written.
    """
    ensure_extension(job.output, (".mp4",))
    inputs = [*job.motions, *([job.rig] if job.rig else [])]
    ensure_apart({"the preview": job.output, "its job file": record_path(job.output)}, inputs)
    ensure_writable(job.output)
    notes = []
    motions = [_cut(job, path, notes) for path in job.motions]
    names = _told_apart(job.motions)
    notes += _on_lengths(motions, names)
    pictures = _on_rig(job, motions, names, notes) if job.rig or job.character else _stick_figures(job, motions, names)
    total = max(len(motion) for motion in motions)
    with together():
        write_video(job.output, _counted(pictures, total, progress), motions[0].fps)
        outputs = (job.output, write_record(job.output, record(job, inputs)))
    return Outcome(outputs, tuple(notes))


def _cut(job, path, notes):
    motion, said = open_motion(path, frames_found=job.frames_found)
    notes += [f"{path.name}: {one}" for one in said]
    try:
        motion = trim(motion, job.start or 0.0, job.end)
    except ValueError as error:
        raise FileError(path, None, f"{error}; choose other times") from None
    return resample(motion, rate_of_text(f"{job.fps:.12g}"))


def _on_lengths(motions, names):
    lengths = {len(motion) for motion in motions}
    if len(lengths) == 1:
        return []
    longest = names[int(np.argmax([len(motion) for motion in motions]))]
    return [f"the motions differ in length; the video is as long as {longest}, shorter ones stay at their last frame"]


def _told_apart(paths):
    """A short name for each file: its stem, and as many folders before it as tell it from the others."""
    for folders in range(max(len(path.parts) for path in paths)):
        names = ["/".join((*path.parts[-1 - folders : -1], path.stem)) for path in paths]
        if len(set(names)) == len(paths):
            return names
    return [str(path) for path in paths]


# --- the camera ----------------------------------------------------------------------------------------------------


def _cameras(job, figures: list[np.ndarray], fps, skin: float) -> list[list[Camera]]:
    """For each figure, its points (F, N, 3), a camera a frame: the same one for all where they are overlaid.

    A figure with fewer frames than another keeps its last camera. `skin` is how far figures reach beyond their points,
    in their heights.
    """
    height = float(np.median([np.median(np.ptp(points[..., 1], axis=1)) for points in figures]))
    size, total = job.size, max(len(points) for points in figures)
    figures = [np.concatenate((points, np.repeat(points[-1:], total - len(points), axis=0))) for points in figures]
    paths = [_path(points, height, fps) for points in figures]
    if job.layout == "overlaid":
        paths = [np.mean(paths, axis=0)] * len(figures)
    seen = []
    for points, path in zip(figures, paths, strict=True):
        some = np.unique(np.linspace(0, total - 1, min(total, 200)).round().astype(int))
        low, high = points[some].min(axis=1), points[some].max(axis=1)
        for corner in np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), -1).reshape(-1, 3):
            at = low + corner * (high - low) + (2 * corner - 1) * skin * height
            seen.append(at - path[some])
    seen = np.concatenate(seen)
    above = float(np.percentile(seen[:, 1], 50)) + 0.35 * height
    camera = framing_camera(seen, size, size, np.radians(job.view), above, np.radians(32), margin=0.02)
    return [[camera.replace(position=camera.position + at) for at in path] for path in paths]


def _path(points, height, fps):
    """Where a camera aims (F, 3), on the floor: the middle of a figure (F, N, 3), at rest or followed smoothly."""
    middle = (points.min(axis=1) + points.max(axis=1)) / 2 * [1, 0, 1]
    rest = (middle.min(axis=0) + middle.max(axis=0)) / 2
    if np.linalg.norm(middle - rest, axis=1).max() <= _FOLLOW * height:
        return np.broadcast_to(rest, middle.shape)
    return smooth(middle, float(fps), 0.4) * [1, 0, 1]


# --- stick figures -------------------------------------------------------------------------------------------------


def _stick_figures(job, motions, names) -> Iterator[np.ndarray]:
    tops = [_top(motion) for motion in motions]
    bones = [_bones(motion, top) for motion, top in zip(motions, tops, strict=True)]
    heights = [float(np.median(np.ptp(one[:, :, :, 1], axis=(1, 2)))) for one in bones]
    cameras = _cameras(job, [one.reshape(len(one), -1, 3) for one in bones], motions[0].fps, skin=_SKIN)
    overlaid = job.layout == "overlaid" and len(motions) > 1
    colours = [
        _colours(motion.skeleton, top, INKS[i % len(INKS)] if overlaid else None)
        for i, (motion, top) in enumerate(zip(motions, tops, strict=True))
    ]
    floor = Floor(cameras[0][0])
    for frame in range(max(len(one) for one in bones)):
        panes, at = [], [one[min(frame, len(one) - 1)] for one in bones]
        for group in [range(len(motions))] if overlaid else [[i] for i in range(len(motions))]:
            camera = cameras[group[0]][frame]
            pane = floor.seen_from(camera.position)
            for i in group:
                draw_shadow(pane, camera, at[i], heights[i])
            for i in group:
                draw_figure(pane, camera, at[i], colours[i], heights[i])
            draw_legend(pane, _legend([names[i] for i in group], overlaid))
            panes.append(pane)
        yield _tiled(panes)


def _top(motion: Motion) -> int:
    """The joint on which the figure hangs: of a body the hips, so that a rig's controls are left out."""
    found = recognize_moving(motion)
    return 0 if missing_roles(found) else motion.skeleton.index(found.roles["hips"])


def _bones(motion: Motion, top: int) -> np.ndarray:
    """Both ends (F, B, 2, 3) of each bone, end sites after joints, metres."""
    turns, places = motion.transforms()
    pairs, ends = bone_joints(motion.skeleton, top)
    bones = places[:, pairs]
    if len(ends):
        sites = [motion.skeleton.end_sites[i] for i in ends]
        joints = [site.joint for site in sites]
        tips = places[:, joints] + rotate(turns[:, joints], np.stack([site.offset for site in sites]))
        bones = np.concatenate((bones, np.stack((places[:, joints], tips), axis=2)), axis=1)
    return bones


def _colours(skeleton: Skeleton, top: int, ink) -> list:
    """A colour for each bone by the side of the body in the names; in one ink the right is darker, the left paler."""
    sides = [reading.side for reading in read_names(skeleton.names)]
    for joint, parent in enumerate(skeleton.parents):
        sides[joint] = sides[joint] or (sides[parent] if parent >= 0 else "")
    pairs, ends = bone_joints(skeleton, top)
    joints = [joint for _, joint in pairs] + [skeleton.end_sites[i].joint for i in ends]
    if ink is None:
        return [{"left": LEFT, "right": RIGHT}.get(sides[joint], MIDDLE) for joint in joints]
    pale, dark = tuple(0.45 * 255 + 0.55 * c for c in ink), tuple(0.72 * c for c in ink)
    return [{"left": pale, "right": dark}.get(sides[joint], ink) for joint in joints]


def _legend(names, overlaid):
    if overlaid:
        return [(name, INKS[i % len(INKS)], 4.0) for i, name in enumerate(names)]
    return [(names[0], MIDDLE, 0.0)]


def _tiled(panes):
    """Pictures of one size, up to three in a row, more in about a square; the last row filled up with grey."""
    columns = len(panes) if len(panes) <= 3 else math.ceil(math.sqrt(len(panes)))
    blank = np.full_like(panes[0], 190)
    panes = panes + [blank] * (-len(panes) % columns)
    rows = [np.concatenate(panes[i : i + columns], axis=1) for i in range(0, len(panes), columns)]
    return np.concatenate(rows, axis=0)


def _counted(pictures, total, progress):
    for done, picture in enumerate(pictures, start=1):
        yield picture
        progress("preview", done, total)


# --- on a character ------------------------------------------------------------------------------------------------


def _on_rig(job, motions, names, notes) -> Iterator[np.ndarray]:
    """Pictures of one rig that plays the motions in turn, frame by frame; overlaid, they shine through each other."""
    armature, actions, paths = _animated(job, motions, names, notes)

    from graphics_ml.blender.actions import assign
    from graphics_ml.blender.render import render_preview
    from graphics_ml.blender.stage import lay_grid, stage

    total = max(len(motion) for motion in motions)
    overlaid = job.layout == "overlaid" and len(motions) > 1
    with stage(armature) as scene:
        cameras = _cameras(job, _with_skin(scene, armature, actions, paths), motions[0].fps, skin=_MEASURED)
        lay_grid(scene, np.concatenate([path.reshape(-1, 3) for path in paths]))

        def shots():
            for frame in range(total):
                for action, motion in zip(actions, motions, strict=True):
                    assign(armature, action)
                    yield 1 + min(frame, len(motion) - 1)

        seen_by = (camera[frame] for frame in range(total) for camera in cameras)
        rendered = render_preview(scene, shots(), seen_by)
        for panes in zip(*[rendered] * len(motions), strict=True):
            if overlaid:
                panes = [np.mean(panes, axis=0).round().astype(np.uint8)]
            for pane, name in zip(panes, [" + ".join(names)] if overlaid else names, strict=True):
                draw_legend(pane, [(name, MIDDLE, 0.0)])
            yield _tiled(list(panes))


def _with_skin(scene, armature, actions, paths) -> list[np.ndarray]:
    """The joints (F, J, 3) of each action and two more points, between which all of the character is: its joints' box
    in each frame, and as much more as its meshes need in some of the frames."""
    from graphics_ml.blender.actions import assign
    from graphics_ml.blender.stage import skin_points

    boxes = []
    for action, joints in zip(actions, paths, strict=True):
        assign(armature, action)
        low, high = joints.min(axis=1), joints.max(axis=1)
        more = np.zeros((2, 3))
        for frame in np.unique(np.linspace(0, len(joints) - 1, min(len(joints), _LOOKS)).round().astype(int)):
            scene.frame_set(1 + int(frame))
            skin = skin_points(scene, armature)
            more = np.maximum(more, (low[frame] - skin.min(axis=0), skin.max(axis=0) - high[frame]))
        boxes.append(np.concatenate((joints, (low - more[0])[:, None], (high + more[1])[:, None]), axis=1))
    return boxes


def _animated(job, motions, names, notes):
    """The rig, an action of it for each motion, and where the joints of its body go (F, J, 3) in each."""
    rig = open_rig(job.rig)
    bones = require_roles(rig.recognised(), rig.skeleton, rig.name)
    body, soles = sorted(bones.joints(rig.skeleton).values()), rig.soles(bones)
    actions, paths = [], []
    for motion, name in zip(motions, names, strict=True):
        moved, _ = retarget(motion, rig.skeleton, target_map=bones, floor=0.0, soles=soles)
        actions.append(rig.play(moved, name, bones.roles.values()))
        paths.append(moved.positions()[:, body])
    notes += rig.notes
    return rig.armature, actions, paths
