"""Mistakes that other readers and writers of motion files are known for."""

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.motion.travel import travelling_joint

BVH = """HIERARCHY
ROOT Root
{{
  OFFSET 10 20 30
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Arm
  {{
    OFFSET 0 50 0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    End Site
    {{
      OFFSET 0 40 0
    }}
  }}
}}
MOTION
Frames: {frames}
Frame Time: 0.0333333
{rows}"""


def test_position_channels_replace_the_offset_and_are_not_added_to_it(tmp_path):
    """fairmotion adds them, so that every joint that has them is twice as far away."""
    (tmp_path / "a.bvh").write_text(BVH.format(frames=1, rows="1 2 3 0 0 0 4 60 5 0 0 0\n"))
    places = formats.load(tmp_path / "a.bvh", unit="cm", up="Y").positions()
    np.testing.assert_allclose(places[0], [[0.01, 0.02, 0.03], [0.05, 0.62, 0.08]], atol=1e-12)


def test_a_file_without_frames_is_no_motion_of_none(tmp_path):
    (tmp_path / "a.bvh").write_text(BVH.format(frames=0, rows=""))
    with pytest.raises(MotionFileError, match="no frame"):
        formats.load(tmp_path / "a.bvh")
    assert len(formats.load_skeleton(tmp_path / "a.bvh", unit="cm", up="Y")) == 2
    with pytest.raises(ValueError, match="at least one frame"):
        Motion(Skeleton(["a"], [-1], [[0, 0, 0]]), np.zeros((0, 1, 4)), np.zeros((0, 3)), 30)


def test_a_root_that_stays_is_not_taken_for_the_body_that_travels(clips):
    """In Bandai-Namco's files a joint at the origin comes first, and the hips below it move."""
    walks = [path for path in clips("bandai2-subset") if "walk" in path.name]
    for path in walks[:: max(1, len(walks) // 5)]:
        motion = formats.load(path)
        joint = travelling_joint(motion)
        assert motion.skeleton.names[joint] == "Hips"
        assert (
            np.ptp(motion.positions()[:, 0], axis=0).max()
            < 1e-3
            < 0.3
            < np.ptp(motion.positions()[:, joint], axis=0).max()
        )


def test_a_static_root_and_its_travelling_hips_come_back_from_every_format_that_takes_them(clips, tmp_path):
    motion = formats.load(next(path for path in clips("bandai2-subset") if "walk" in path.name))
    for name in ("bvh", "npz"):
        formats.save(motion, tmp_path / f"a.{name}")
        again = formats.load(tmp_path / f"a.{name}")
        assert again.skeleton.names[travelling_joint(again)] == "Hips"


@pytest.mark.parametrize("extension", [".fbx", ".bvh", ".npz", ".npy", ".amc"])
def test_text_under_any_name_is_refused_in_one_sentence(tmp_path, extension):
    """A Git LFS pointer or a web page that was saved in place of a file."""
    for number, text in enumerate(
        ("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n", "<html></html>")
    ):
        path = tmp_path / f"{number}{extension}"
        path.write_text(text)
        with pytest.raises(MotionFileError) as caught:
            formats.load(path)
        assert "\n" not in str(caught.value)


def test_a_bvh_under_another_name_is_read_and_said(tmp_path):
    for name in ("a.txt", "a", "a.npy", "a.amc"):
        (tmp_path / name).write_text(BVH.format(frames=1, rows="1 2 3 0 0 0 4 60 5 0 0 0\n"))
        with pytest.warns(FormatWarning, match="read as bvh"):
            assert len(formats.load(tmp_path / name).skeleton) == 2
