"""A data set from a scene file: the same whoever renders it and in whatever order, whole after it was killed."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import webdataset
from pycocotools.coco import COCO

import graphics_ml
from graphics_ml.datasets.crops import PersonCrops
from graphics_ml.datasets.exr import exr_path, load_exr
from graphics_ml.datasets.frame import DataSetError
from graphics_ml.datasets.frames import FrameSet
from graphics_ml.datasets.motions import motion_path
from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import save
from graphics_ml.jobs import JobError, RenderDataset, read_job
from graphics_ml.manifest import NAME, leftover_prefix
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.run import run
from graphics_ml.tasks import render_dataset
from graphics_ml.tasks.render_dataset import RECORD, Chunk, chunks_of, frames_in, render_chunk
from tests.tasks.deadly import DeadlyChunk

SCENE = """
[picture]
width = 64
height = 48
samples = 1
[clip]
frames = 2
[characters]
cast = 1
[characters.procedural]
count = 1
detail = 0.4
[motions.files]
files = ["wave.npz"]
"""
PER_FRAME = ("images", "labels", "frames")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A small scene of one person who waves."""
    folder = tmp_path_factory.mktemp("scene")
    skeleton, frames = standard_skeleton(1.7), 40
    rotations = np.tile(skeleton.rest_orientations, (frames, 1, 1))
    angle = np.linspace(0, 2, frames)
    rotations[:, skeleton.index("left_upper_arm")] = np.stack([np.cos(angle / 2), *3 * [0 * angle]], axis=-1)
    rotations[:, skeleton.index("left_upper_arm"), 3] = np.sin(angle / 2)
    hips = np.tile(skeleton.rest_positions()[0], (frames, 1))
    save(Motion(skeleton=skeleton, rotations=rotations, root_positions=hips, fps=30), folder / "wave.npz")
    (folder / "scene.toml").write_text(SCENE)
    return folder / "scene.toml"


@pytest.fixture(scope="module")
def whole(scene, tmp_path_factory):
    """Six frames rendered by two processes; the job, and what came of it."""
    folder = tmp_path_factory.mktemp("sets") / "whole"
    writers = ("motions", "coco", "exr", "shards", "crops", "sheet")
    job = RenderDataset(scene=scene, output=folder, frames=6, chunk=3, jobs=2, writers=writers)
    return job, run(job)


def test_every_writer_has_written_what_other_programs_read(whole):
    job, outcome = whole
    assert not outcome.failures and all(path.is_file() for path in outcome.outputs)
    frames = {frame.index: frame for frame in FrameSet(job.output, dense=True)}
    assert list(frames) == list(range(6))
    splits = json.loads((job.output / "splits.json").read_text())
    for split, indices in splits.items():
        if not indices:
            continue
        coco = COCO(str(job.output / "annotations" / f"people_{split}.json"))
        assert sorted(one["file_name"] for one in coco.dataset["images"]) == [f"{index:06}.png" for index in indices]
        for one, annotation in zip(coco.dataset["images"], coco.dataset["annotations"], strict=True):
            frame = frames[int(one["file_name"][:6])]
            np.testing.assert_array_equal(coco.annToMask(annotation) > 0, frame.instances > 0)
        shards = sorted(str(path) for path in (job.output / "shards").glob(f"{split}-*.tar"))
        samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
        assert [int(sample["__key__"]) for sample in samples] == indices
        np.testing.assert_array_equal(samples[0]["png"], frames[indices[0]].picture)
        assert len(PersonCrops(job.output / "crops" / f"{split}.npz")) == len(indices)
    for index, frame in frames.items():
        layers = load_exr(exr_path(job.output, index))
        np.testing.assert_array_equal(layers["picture"], frame.picture)
        seen = frame.instances > 0
        assert seen.any() and np.isfinite(layers["depth"][seen]).all()


def test_frames_of_a_clip_are_in_one_split_and_follow_each_other(whole):
    frames = list(FrameSet(whole[0].output, dense=True))
    for first, second in zip(frames[::2], frames[1::2], strict=True):
        assert (first.clip, first.moment, second.moment, first.split) == (second.clip, 0, 1, second.split)
        assert first.people[0].character == second.people[0].character
        assert second.people[0].motion_time - first.people[0].motion_time == pytest.approx(1 / 30)
        np.testing.assert_allclose(first.next_camera.position, second.camera.position, atol=1e-9)
        # Where the flow of the first leads what is seen of the person, the second has a person too, but for its rim.
        rows, columns = np.nonzero(first.instances)
        to = np.array([columns + 0.5, rows + 0.5]).T + first.flow[rows, columns]
        x, y = np.floor(to).astype(int).T
        inside = (x >= 0) & (x < 64) & (y >= 0) & (y < 48)
        assert (second.instances[y[inside], x[inside]] > 0).mean() > 0.85


def test_a_frame_alone_and_frames_in_another_order_are_the_same(whole, scene):
    """In this process, where others were rendered before: pixels and labels are those of the other processes, and the
    labels are what Cycles says."""
    import bpy

    from graphics_ml.blender.passes import render_passes
    from graphics_ml.blender.scenes.build import Studio
    from graphics_ml.blender.scenes.description import read_scene
    from graphics_ml.tasks.labelled_frames import labelled_frame

    described = read_scene(scene)
    with Studio(described, 0) as studio:
        for index in (5, 2):
            there = FrameSet(whole[0].output, indices=[index], dense=True)[0]
            made = labelled_frame(studio.frame(index), described, there.data_set)
            for name in ("picture", "depth", "flow", "instances", "parts"):
                np.testing.assert_array_equal(getattr(made, name), getattr(there, name))
            for one, other in zip(made.people, there.people, strict=True):
                np.testing.assert_array_equal(one.keypoints_world, other.keypoints_world)
                np.testing.assert_array_equal(one.visibility, other.visibility)
            _agrees_with_cycles(made, render_passes(bpy.context.scene))


def test_motions_are_of_whole_clips_and_put_joints_where_the_labels_do(whole):
    """Also of the second clip, whose frames are in two chunks."""
    _have_motions(whole[0].output, fps=30)


def test_a_run_that_was_killed_goes_on_and_one_that_is_extended_makes_the_same_set(whole, scene, tmp_path):
    job, folder = whole[0], tmp_path / "set"
    words = ["render-dataset", str(scene), "-o", str(folder), "--frames", "4", "--chunk", "2", "--jobs", "1"]
    command = [sys.executable, "-m", "graphics_ml.cli", *words, "--writers", *job.writers]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (folder / NAME).exists():
        time.sleep(0.05)
    while process.poll() is None and not (folder / NAME).read_bytes().count(b"\n"):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert frames_in(folder) == [0, 1]
    before = {path: path.stat().st_mtime_ns for path in (folder / "labels").iterdir() if int(path.stem) < 2}
    (folder / "images" / f"{leftover_prefix(folder)}half").write_bytes(b"half")
    ended = subprocess.run([*command, "--resume"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert len(before) == 4 and before == {path: path.stat().st_mtime_ns for path in before}
    more = {"scene": scene, "output": folder, "chunk": 3, "jobs": 1, "writers": job.writers}
    run(RenderDataset(frames=2, start=4, **more))
    assert _bytes_of(folder) == _bytes_of(job.output)
    again = read_job(folder / RECORD)
    assert (again.start, again.frames, again.output.resolve()) == (0, 6, folder.resolve())
    with pytest.raises(DataSetError, match="another scene, seed"):
        run(RenderDataset(frames=1, seed=1, **more))


def test_a_frame_that_fails_is_told_and_the_others_are_as_without_it(scene, tmp_path):
    (tmp_path / "wave.npz").write_bytes(scene.with_name("wave.npz").read_bytes())
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nROOT")
    text = SCENE.replace('"wave.npz"', '"wave.npz", "broken.bvh"').replace("frames = 2", "frames = 1\nneighbours = 1")
    (tmp_path / "scene.toml").write_text(text)
    job = RenderDataset(scene=tmp_path / "scene.toml", output=tmp_path / "set", seed=9, frames=5, pictures="none")
    outcome = render_chunk(Chunk(job, 0, 5, "0" * 16), lambda *_: None)
    assert sorted(path.stem for path in (tmp_path / "set" / "labels").glob("*.json")) == ["000001", "000004"]
    (said,) = outcome.failures
    assert re.match(r"frames 0, 2-3: .*broken\.bvh", said)
    alone = replace(job, output=tmp_path / "alone")
    render_chunk(Chunk(alone, 4, 1, "0" * 16), lambda *_: None)
    for path in (*alone.output.glob("labels/*"), *alone.output.glob("motions/*")):
        assert path.read_bytes() == (job.output / path.relative_to(alone.output)).read_bytes()


def test_a_scene_of_which_nothing_can_be_filmed_is_not_tried_to_its_end(scene, tmp_path, monkeypatch):
    tried = []

    def film(studio, scene, chunk, index):
        tried.append(index)
        raise GraphicsMLError("no bones")

    monkeypatch.setattr(render_dataset, "_film", film)
    monkeypatch.setattr("graphics_ml.blender.scenes.build.Studio", lambda *_, **__: nullcontext())
    job = RenderDataset(scene=scene, output=tmp_path, frames=2000, chunk=2000)
    first, others = render_chunk(chunks_of(job, "0" * 16)[0], lambda *_: None).failures
    last = len(tried) - 1
    assert tried == list(range(len(tried))) and 2 < last < 100
    assert (first, others.split(":")[0]) == (f"frames 0-{last}: no bones", f"frames {last + 1}-1999")


def test_a_frame_that_kills_its_process_is_named_and_costs_no_other(scene, tmp_path, monkeypatch):
    """No Blender: what it would give is made up in the processes."""
    monkeypatch.setattr(render_dataset, "Chunk", DeadlyChunk)
    for name in ("scene.toml", "wave.npz"):
        (tmp_path / name).write_bytes(scene.with_name(name).read_bytes())
    job = RenderDataset(scene=tmp_path / "scene.toml", output=tmp_path / "set", frames=4, jobs=1, writers=("coco",))
    outcome = run(job)
    assert frames_in(job.output) == [0, 3] and len(outcome.failures) == 2
    assert any(re.match("frame 1: .* killed or crashed", said) for said in outcome.failures)
    assert any(re.match("frame 2: .*ValueError: no body.* line", said) for said in outcome.failures)
    before = {path: path.stat().st_mtime_ns for path in (job.output / "labels").iterdir()}
    (tmp_path / "harmless").touch()
    assert not run(replace(job, resume=True)).failures
    assert frames_in(job.output) == [0, 1, 2, 3]
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_an_animators_own_scene_is_rendered_as_it_is(tmp_path):
    import bpy

    from graphics_ml.blender.characters import build_character, random_character
    from graphics_ml.blender.scene import empty_scene
    from graphics_ml.blender.stage import place_camera
    from graphics_ml.motion.camera import framing_camera

    own = empty_scene()
    build_character(random_character(np.random.default_rng(1)), "Ada", 0.4)
    around = np.array([[-0.8, 0, -0.5], [0.8, 1.8, 0.5]])
    place_camera(own, framing_camera(around, 64, 48))
    own.render.resolution_x, own.render.resolution_y, own.frame_end = 64, 48, 2
    path = tmp_path / "own.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    before = path.read_bytes()
    outcome = run(RenderDataset(scene=path, output=tmp_path / "set", frames=2, jobs=1, writers=("motions",)))
    assert not outcome.failures and path.read_bytes() == before
    _have_motions(tmp_path / "set", fps=24)
    frames = list(FrameSet(tmp_path / "set"))
    assert [len(frame.people) for frame in frames] == [1, 1]
    assert all((frame.instances == 1).mean() > 0.05 for frame in frames)
    assert read_job(tmp_path / "set" / RECORD).scene.resolve() == path.resolve()
    with pytest.raises(DataSetError, match="has only 2 frames"):
        run(RenderDataset(scene=path, output=tmp_path / "more", frames=3, jobs=1))


def test_what_cannot_be_rendered_is_said_with_its_frames(scene, tmp_path):
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nROOT")
    (tmp_path / "scene.toml").write_text(SCENE.replace("wave.npz", "broken.bvh"))
    job = RenderDataset(scene=tmp_path / "scene.toml", output=tmp_path / "set", frames=1, jobs=1)
    with pytest.raises(DataSetError, match=r"no frame was rendered: frame 0: .*broken\.bvh"):
        run(job)
    (tmp_path / "scene.toml").write_text(SCENE.replace("wave.npz", "missing.bvh"))
    (tmp_path / "missing.bvh").write_text("HIERARCHY\nROOT")
    with pytest.raises(DataSetError, match="no frame was rendered"):  # and not that the folder holds another data set
        run(job)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("width = 64", "widht = 64"), "did you mean 'width'"),
        (("wave.npz", "nowhere.npz"), "nowhere.npz"),
        (("samples = 1", "samples = 0"), "samples"),
        (("samples = 1", "samples = {uniform = [9, 2]}"), "samples"),
    ],
)
def test_a_scene_that_cannot_be_is_refused_before_anything_is_written(scene, tmp_path, change, said):
    path = scene.with_name("bad.toml")
    path.write_text(SCENE.replace(*change))
    with pytest.raises(GraphicsMLError, match=said) as caught:
        run(RenderDataset(scene=path, output=tmp_path / "set"))
    assert str(caught.value).startswith(str(path)) and not (tmp_path / "set").exists()


def test_a_folder_with_other_outputs_is_refused(scene, tmp_path):
    (tmp_path / NAME).write_text('{"output": "walk.bvh", "state": "failed"}\n')
    with pytest.raises(DataSetError, match="other outputs"):
        run(RenderDataset(scene=scene, output=tmp_path))
    (tmp_path / "mine" / "images").mkdir(parents=True)
    (tmp_path / "mine" / "images" / "000000.png").touch()
    with pytest.raises(DataSetError, match="images: there are other files here"):
        run(RenderDataset(scene=scene, output=tmp_path / "mine"))


def test_settings_that_cannot_be_are_refused():
    def job(**more):
        return RenderDataset(scene="a.toml", output="set", **more)

    with pytest.raises(JobError, match="no writer 'cocoo'; did you mean 'coco'"):
        job(writers=("cocoo",))
    with pytest.raises(JobError, match="at most 2097152"):
        job(start=2_097_000, frames=153)
    with pytest.raises(JobError, match="crops are cut out of pictures"):
        job(writers=("crops",), pictures="none")


@pytest.mark.parametrize(
    ("start", "frames", "chunk", "cuts"),
    [
        (0, 10, 4, [(0, 4), (4, 4), (8, 2)]),
        (3, 6, 4, [(3, 1), (4, 4), (8, 1)]),
        (8, 4, 4, [(8, 4)]),
        (1, 1, 9, [(1, 1)]),
    ],
)
def test_chunks_begin_where_those_of_other_runs_do(start, frames, chunk, cuts):
    job = RenderDataset(scene="a.toml", output="set", start=start, frames=frames, chunk=chunk)
    assert [(one.first, one.count) for one in chunks_of(job, "0" * 16)] == cuts


def _agrees_with_cycles(frame, passes):
    """Rays go through the middles of pixels, and so do those of the passes."""
    hit = np.isfinite(frame.depth)
    assert (hit == np.isfinite(passes.depth)).mean() > 0.999
    hit &= np.isfinite(passes.depth)
    assert (abs(frame.depth - passes.depth)[hit] < 0.002 * passes.depth[hit]).mean() > 0.995
    assert ((frame.normals * passes.normals).sum(axis=-1)[hit] > 0.99).mean() > 0.9


def _have_motions(folder, fps):
    """Each person of each clip has a motion of its two frames, by whose kinematics the joints are where labels say."""
    frames = list(FrameSet(folder, pictures=False, masks=False))
    names = {motion_path("", frame.clip, person.instance).name for frame in frames for person in frame.people}
    assert names == {path.name for path in (folder / "motions").iterdir()}
    for frame in frames:
        for person in frame.people:
            motion = graphics_ml.load(motion_path(folder, frame.clip, person.instance))
            assert len(motion) == 2 and motion.fps == fps
            rows = [motion.skeleton.index(name) for name in person.joint_names]
            assert np.ptp(motion.skeleton.rest_positions(), axis=0).max() > 1  # a body, not joints at one place
            rotations, positions = (part[frame.moment, rows] for part in motion.transforms())
            np.testing.assert_allclose(positions, person.joint_positions, atol=1e-5)
            assert (np.abs((rotations * person.joint_rotations).sum(axis=-1)) > 1 - 1e-9).all()


def _bytes_of(folder: Path):
    """What a data set consists of, without the records of how it was made."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in (NAME, RECORD))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
