"""What a job writes is there with its job file, or not at all."""

import errno

import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

from graphics_ml import formats
from graphics_ml.errors import OutputError
from graphics_ml.jobs import Convert, Edit, Map, Preview, Retarget
from graphics_ml.run import run
from tests.motion.swinging import swinging
from tests.pose.acting import walking
from tests.pose.test_marker_set import HALPE
from tests.pose.test_markers import worn

JOBS = {
    "convert": (Convert, "a.npz", {}),
    "convert through Blender": (Convert, "a.glb", {}),
    "edit": (Edit, "a.bvh", {"mirror": True}),
    "map": (Map, "a.toml", {"target": "smplh"}),
    "preview": (Preview, "a.mp4", {"size": 64}),
    "retarget": (Retarget, "a.bvh", {"target": "smplh", "save_map": "map.toml"}),
}


@pytest.mark.parametrize("name", JOBS)
def test_an_output_whose_job_file_cannot_be_written_is_not_left(name, tmp_path, monkeypatch):
    kind, output, more = JOBS[name]
    formats.save(swinging(5), tmp_path / "walk.bvh")
    source = {"motions" if kind is Preview else "source": tmp_path / "walk.bvh"}
    ensure_nothing_is_left(kind(**source, output=tmp_path / "out" / output, **more), monkeypatch)


def test_nor_are_markers(tmp_path, monkeypatch):
    formats.save_markers(worn(walking(3), HALPE), tmp_path / "walk.trc")
    ensure_nothing_is_left(Convert(source=tmp_path / "walk.trc", output=tmp_path / "out" / "a.c3d"), monkeypatch)


def ensure_nothing_is_left(job, monkeypatch):
    monkeypatch.chdir(job.output.parent.parent)
    before = sorted(job.output.parent.parent.rglob("*"))

    def full(path, content):
        raise OutputError(path, None, "the disk is full") from OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("graphics_ml.provenance.write_bytes", full)
        with pytest.raises(OutputError, match=r"job\.toml: the disk is full"):
            run(job)
    assert sorted(job.output.parent.parent.rglob("*")) == before
    outputs = run(job).outputs
    assert len(outputs) >= 2 and all(path.is_file() for path in outputs)
