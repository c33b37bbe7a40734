"""Marker files converted: into motions through the solver, and into each other as they are."""

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.cli import main
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Convert
from graphics_ml.run import run
from tests.pose.acting import walking
from tests.pose.test_marker_set import HALPE
from tests.pose.test_markers import truth, worn


@pytest.fixture
def walk(tmp_path):
    formats.save_markers(worn(walking(30), HALPE, noise=0.005), tmp_path / "walk.trc")
    return tmp_path / "walk.trc"


def test_markers_become_a_motion(walk, tmp_path):
    outcome = run(Convert(source=walk, output=tmp_path / "walk.bvh"))
    motion = formats.load(tmp_path / "walk.bvh")
    assert len(motion) == 30 and motion.fps == 30
    hips = motion.positions()[:, motion.skeleton.index("hips")]
    np.testing.assert_allclose(hips, truth(walking(30)).positions[:, 0], atol=0.04)
    assert any("HALPE_26" in note for note in outcome.notes)
    assert (tmp_path / "walk.bvh.job.toml").is_file()


def test_markers_become_markers_of_another_format(walk, tmp_path):
    run(Convert(source=walk, output=tmp_path / "walk.c3d"))
    one, other = formats.load_markers(walk), formats.load_markers(tmp_path / "walk.c3d")
    assert one.names == other.names
    np.testing.assert_allclose(one.positions, other.positions, atol=1e-6)


def test_several_marker_files_are_put_in_a_folder_by_the_name_of_a_format(walk, tmp_path):
    formats.save_markers(formats.load_markers(walk), tmp_path / "again.trc")
    assert (
        main(["convert", str(walk), str(tmp_path / "again.trc"), "-o", str(tmp_path / "out"), "--format", "c3d"]) == 0
    )
    assert sorted(path.name for path in (tmp_path / "out").glob("*.c3d")) == ["again.c3d", "walk.c3d"]


def test_what_the_job_says_of_the_file_is_heeded(walk, tmp_path):
    run(Convert(source=walk, output=tmp_path / "slow.trc", fps=15, unit="cm", up="Z"))
    one, other = formats.load_markers(walk), formats.load_markers(tmp_path / "slow.trc", up="Y")
    assert other.fps == 15
    np.testing.assert_allclose(other.positions, 10 * one.positions[..., [0, 2, 1]] * (1, 1, -1), atol=1e-8)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"marker_set": "CMU-41"}, "labels are of the marker set 'CMU-41'; they look like 'HALPE_26'"),
        ({"subject": "Anna"}, "there is no subject 'Anna'"),
        ({"skeleton": "x.asf"}, "has no option 'skeleton'"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(walk, tmp_path, settings, said):
    with pytest.raises(GraphicsMLError, match=said):
        run(Convert(source=walk, output=tmp_path / "out.bvh", **settings))
    assert not (tmp_path / "out.bvh").exists()


def test_a_motion_does_not_become_markers(walk, tmp_path):
    run(Convert(source=walk, output=tmp_path / "walk.npz"))
    with pytest.raises(GraphicsMLError, match=r"walk\.npz holds a motion"):
        run(Convert(source=tmp_path / "walk.npz", output=tmp_path / "out.trc"))
