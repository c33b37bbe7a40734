"""The preview of a capture: the film with its skeletons and the animated rig, side by side and in step."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from graphics_ml.blender.render import render_preview
from graphics_ml.blender.stage import filmed_points, lay_grid, rest_height, stage
from graphics_ml.motion.rotations import rotate
from graphics_ml.pose.detection import CONNECTIONS, Detections
from graphics_ml.pose.overlay import LEFT, MIDDLE, RIGHT, draw_detected, draw_legend, draw_solved
from graphics_ml.pose.solver import Solution
from graphics_ml.pose.video import Video, write_video
from graphics_ml.tasks.pictures import pane_size, resized


def write_preview(
    path: str | Path,
    video: Video,
    detections: Detections,
    solution: Solution,
    armature,
    *,
    scale: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write an .mp4: left the film with the detected and the solved skeleton, right the animated rig, in step.

    The rig is seen by the solved camera, so it stands where the person stands in the film. For a rig of another size
    the camera's place is scaled with it, which gives the same picture; by height where the rig is much taller than its
    legs tell, as figures with big heads are, or it would not fit.

    Args:
        path: what to write.
        video: the part of the film that was detected, frame for frame.
        detections, solution: what was found in it.
        armature: the rig's object in the current Blender scene, playing the action from frame 1 on; it is left as it
            was.
        scale: size of the rig's path over the solution's.
        progress: called with the number of frames done and of all frames.

    Raises:
        GraphicsMLError: the film cannot be read or the preview cannot be written.
    """
    width, height = pane_size(video.width, video.height)
    count = len(detections)
    frames = range(1, 1 + count)
    cameras = [solution.camera(i) for i in range(count)]
    taller = rest_height(armature) / _height(solution.motion.skeleton)
    away = taller if taller > 1.15 * scale else scale
    seen_by = [camera.replace(position=away * camera.position).resized(width, height) for camera in cameras]
    with stage(armature) as scene:
        lay_grid(scene, filmed_points(scene, armature, frames), step=0.5 * max(scale, 0.05))
        rendered = render_preview(scene, frames, seen_by)
        drawn = _drawn(video, detections, solution, width, height)
        write_video(path, _side_by_side(drawn, rendered, count, progress), detections.fps)


def annotated(picture: np.ndarray, frame: int, detections: Detections, solution: Solution | None, width: int):
    """The film's picture (H, W, 3) of a frame, resized to `width` pixels, with its skeletons drawn on it."""
    height, scale = round(picture.shape[0] * width / picture.shape[1]), width / picture.shape[1]
    drawn = resized(picture, width, height)
    bold = max(width, height) / 480
    if solution is not None:
        skeleton, motion = solution.motion.skeleton, solution.motion
        places = scale * solution.camera(frame).project(motion.frames(frame, frame + 1).positions()[0])
        confidence = None if motion.confidence is None else motion.confidence[frame]
        draw_solved(drawn, places, skeleton.names, skeleton.parents, confidence, 3.6 * bold)
    if detections.found[frame]:
        keypoints, visibility = scale * detections.keypoints[frame], detections.visibility[frame]
        draw_detected(drawn, keypoints, visibility, detections.landmarks, CONNECTIONS, 1.2 * bold)
    return drawn


def _drawn(video, detections, solution, width, height) -> Iterator[np.ndarray]:
    for frame, _, picture in video:
        drawn = annotated(picture, frame, detections, solution, width)
        yield drawn if drawn.shape[0] == height else resized(drawn, width, height)


def _side_by_side(left, right, total, progress):
    # A film that was cut off holds fewer pictures than it announced; the preview ends with it.
    for done, (film, rig) in enumerate(zip(left, right, strict=False), start=1):
        bold = max(film.shape) / 480
        draw_legend(
            rig,
            (("left", LEFT, 3.6 * bold), ("right", RIGHT, 3.6 * bold), ("detected", MIDDLE, 1.2 * bold)),
        )
        yield np.concatenate((film, rig), axis=1)
        progress(done, total)


def _height(skeleton):
    rotations, places = skeleton.rest_transforms()
    tops = [places[end.joint] + rotate(rotations[end.joint], end.offset) for end in skeleton.end_sites]
    tall = np.concatenate((places, np.reshape(tops, (-1, 3))))[:, 1]
    return float(np.ptp(tall))
