"""The native file: everything comes back, numpy.load alone reads it, and nothing in it is trusted."""

import io
import json
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from graphics_ml.errors import MotionFileError, OutputError
from graphics_ml.formats import npz
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import normalize
from graphics_ml.motion.skeleton import EndSite, Skeleton


def a_motion(full=True, frames=6):
    random = np.random.default_rng(0)
    skeleton = Skeleton(
        ("hips", "Brust é", "名前"),
        (-1, 0, 1),
        random.normal(size=(3, 3)),
        normalize(random.normal(size=(3, 4))) if full else None,
        (EndSite(2, [0, 0.1, 0], "top"), EndSite(0, [0, 0, 0.2])) if full else (),
        (("Xposition", "Yrotation"), (), ("Zrotation",)) if full else None,
    )
    return Motion(
        skeleton,
        normalize(random.normal(size=(frames, 3, 4))),
        random.normal(size=(frames, 3)),
        Fraction(24000, 1001),
        random.normal(size=(frames, 3, 3)) if full else None,
        random.uniform(size=(frames, 3)) if full else None,
        {"job": {"height": 1.7, "tags": ["a", None, True]}, "name": "é"} if full else {},
    )


@pytest.mark.parametrize("full", [True, False])
def test_everything_comes_back_to_the_last_bit(tmp_path, full):
    motion = a_motion(full)
    npz.save(motion, tmp_path / "motion.npz")
    again = npz.load(tmp_path / "motion.npz")
    for name in ("rotations", "root_positions", "local_positions", "confidence"):
        ours, theirs = getattr(again, name), getattr(motion, name)
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            np.testing.assert_array_equal(ours, theirs)
    assert (again.fps, again.provenance) == (motion.fps, motion.provenance)
    ours, theirs = again.skeleton, motion.skeleton
    assert (ours.names, ours.parents, ours.channels) == (theirs.names, theirs.parents, theirs.channels)
    np.testing.assert_array_equal(ours.offsets, theirs.offsets)
    np.testing.assert_array_equal(ours.rest_orientations, theirs.rest_orientations)
    assert [(end.joint, end.name, *end.offset) for end in ours.end_sites] == [
        (end.joint, end.name, *end.offset) for end in theirs.end_sites
    ]


def test_numpy_alone_reads_it_without_pickles(tmp_path):
    motion = a_motion()
    npz.save(motion, tmp_path / "motion.npz")
    with np.load(tmp_path / "motion.npz", allow_pickle=False) as held:
        np.testing.assert_array_equal(held["rotations"], motion.rotations)
        assert held["names"].tolist() == list(motion.skeleton.names)
        assert held["fps"].tolist() == [24000, 1001]
        assert json.loads(str(held["provenance"])) == motion.provenance


def test_the_same_motion_gives_the_same_bytes(tmp_path):
    npz.save(a_motion(), tmp_path / "one.npz")
    npz.save(npz.load(tmp_path / "one.npz"), tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_arrays_that_numpy_saved_itself_are_read_too(tmp_path):
    npz.save(a_motion(), tmp_path / "motion.npz")
    held = dict(np.load(tmp_path / "motion.npz"))
    held["rotations"] = np.asfortranarray(held["rotations"])
    held["root_positions"] = held["root_positions"].astype(">f8")
    np.savez_compressed(tmp_path / "again.npz", **held)
    again = npz.load(tmp_path / "again.npz")
    np.testing.assert_array_equal(again.rotations, a_motion().rotations)
    np.testing.assert_array_equal(again.root_positions, a_motion().root_positions)


def test_provenance_that_json_does_not_know_becomes_text(tmp_path):
    npz.save(a_motion().replace(provenance={"file": Path("walk.bvh"), "fps": Fraction(1, 3)}), tmp_path / "m.npz")
    assert npz.load(tmp_path / "m.npz").provenance == {"file": "walk.bvh", "fps": "1/3"}


def without(name):
    return lambda held: held.pop(name)


def with_value(name, value):
    return lambda held: held.update({name: value})


BROKEN = {
    "no rotations": (without("rotations"), "rotations is missing"),
    "another file": (without("graphics_ml_motion"), "no motion saved by graphics_ml"),
    "a later version": (with_value("graphics_ml_motion", np.array(2)), "version 2"),
    "another shape": (with_value("rotations", np.ones((6, 2, 4))), "rotations have shape"),
    "no frames": (with_value("rotations", np.ones((0, 3, 4))), "at least one frame"),
    "not finite": (with_value("root_positions", np.full((6, 3), np.nan)), "not finite"),
    "a zero quaternion": (with_value("rotations", np.zeros((6, 3, 4))), "zero quaternion"),
    "a loop in the tree": (with_value("parents", np.array([-1, 2, 1])), "parents come before"),
    "an end site of no joint": (with_value("end_joints", np.array([2, 9])), "end site"),
    "a rate of zero": (with_value("fps", np.array([0, 1])), "frame rate"),
    "a rate of nothing": (with_value("fps", np.array([1, 0])), "makes no motion"),
    "names twice": (with_value("names", np.array(["a", "a", "b"])), "not unique"),
    "provenance that is no JSON": (with_value("provenance", np.array("{")), "makes no motion"),
    "provenance without end": (with_value("provenance", np.array("[" * 100_000)), "makes no motion"),
    "provenance that is a list": (with_value("provenance", np.array("[1]")), "provenance"),
    "pickled objects": (with_value("rotations", np.array([{}, []], dtype=object)), "'rotations' is broken"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_one_sentence(tmp_path, name):
    change, said = BROKEN[name]
    npz.save(a_motion(), tmp_path / "good.npz")
    held = dict(np.load(tmp_path / "good.npz"))
    change(held)
    path = tmp_path / "broken.npz"
    np.savez(path, **held)
    with pytest.raises(MotionFileError) as caught:
        npz.load(path)
    assert said in str(caught.value) and str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_header_that_claims_more_than_the_file_holds_allocates_nothing(tmp_path):
    npz.save(a_motion(), tmp_path / "good.npz")
    path = tmp_path / "greedy.npz"
    with zipfile.ZipFile(tmp_path / "good.npz") as source, zipfile.ZipFile(path, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == "rotations.npy":
                header = io.BytesIO()
                claimed = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3, 4)}
                np.lib.format.write_array_header_1_0(header, claimed)
                content = header.getvalue() + bytes(100)
            target.writestr(info.filename, content)
    with pytest.raises(MotionFileError, match="'rotations' is broken"):
        npz.load(path)


@pytest.mark.parametrize("keep", [0, 3, 100, 1000, -30])
def test_a_cut_file_is_refused(tmp_path, keep):
    npz.save(a_motion(), tmp_path / "good.npz")
    path = tmp_path / "cut.npz"
    path.write_bytes((tmp_path / "good.npz").read_bytes()[:keep])
    with pytest.raises(MotionFileError):
        npz.load(path)


def test_a_damaged_byte_is_noticed(tmp_path):
    npz.save(a_motion(frames=50), tmp_path / "motion.npz")
    content = bytearray((tmp_path / "motion.npz").read_bytes())
    content[content.index(b"rotations.npy") + 400] ^= 255
    (tmp_path / "motion.npz").write_bytes(bytes(content))
    with pytest.raises(MotionFileError):
        npz.load(tmp_path / "motion.npz")


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "taken.npz").mkdir()
    with pytest.raises(OutputError):
        npz.save(a_motion(), tmp_path / "taken.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.npz"]


def test_a_frame_rate_that_has_no_place_in_it_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="frames a second is too long a fraction"):
        npz.save(a_motion().replace(fps=Fraction(10**20 + 1, 10**19)), tmp_path / "motion.npz")
