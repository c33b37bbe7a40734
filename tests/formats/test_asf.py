"""ASF/AMC: poses against matrices that scipy multiplies out, units, and files that are not as they should be."""

import math
import shutil
import warnings

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.formats import asf
from graphics_ml.motion.rotations import matrix_from_quaternion

SKELETON = """# made by a test
:version 1.10
:name test
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
   a body of two arms
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name trunk
     direction 0 1 0
     length 10
     axis 0 0 0 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-inf inf)
  end
  begin
     id 2
     name larm
     direction 1 0 0   # to the left
     length 8
     axis 30 40 50 XYZ
    dof rx rz
    limits (-90 90)
           (-90 90)
  end
  begin
     id 3
     name lhand
     direction 0.6 0.8 0
     length 5
     axis 10 -20 70 ZYX
    dof ry
    limits (-90 90)
  end
:hierarchy
  begin
    root trunk
    trunk larm
    larm lhand
  end
"""
MOTION = """#!OML:ASF test.ASF
:FULLY-SPECIFIED
:DEGREES
1
root 1 17 -2 10 20 30
trunk 5 -15 25
larm 40 -35
lhand 65
2
root 1.5 17 -2.5 1e1 -20 30
larm -4.0e+01 35
trunk 0 0 0
lhand 0
"""
UNIT = 0.0254 / 0.45


@pytest.fixture
def take(tmp_path):
    (tmp_path / "07.asf").write_text(SKELETON)
    (tmp_path / "07_01.amc").write_text(MOTION)
    return tmp_path / "07_01.amc"


def rotation(order, *degrees):
    """About fixed axes one after another, as lower case means to scipy."""
    return Rotation.from_euler(order, degrees, degrees=True).as_matrix()


def test_joints_are_where_the_bones_of_the_format_end(take):
    motion = formats.load(take, fps=120)
    frames = (
        ((1, 17, -2), (10, 20, 30), (5, -15, 25), (40, -35), 65),
        ((1.5, 17, -2.5), (10, -20, 30), (0, 0, 0), (-40, 35), 0),
    )
    for frame_number, (at, root, trunk, arm, hand) in enumerate(frames):
        place = motion.positions()[frame_number]
        of_root = rotation("xyz", *root)
        of_trunk = of_root @ rotation("xyz", *trunk)
        frame = rotation("xyz", 30, 40, 50)
        of_arm = of_trunk @ frame @ rotation("xz", *arm) @ frame.T
        frame = rotation("zyx", 70, -20, 10)
        of_hand = of_arm @ frame @ rotation("y", hand) @ frame.T
        shoulder = np.array(at) + of_trunk @ [0, 10, 0]
        elbow = shoulder + of_arm @ [8, 0, 0]
        np.testing.assert_allclose(place, np.array([at, at, shoulder, elbow]) * UNIT, atol=1e-12)
        (end,) = motion.skeleton.end_sites
        tip = place[end.joint] + matrix_from_quaternion(motion.orientations()[frame_number, end.joint]) @ end.offset
        np.testing.assert_allclose(tip, (elbow + of_hand @ [3, 4, 0]) * UNIT, atol=1e-12)


def test_the_rate_that_is_not_in_the_file_is_said(take):
    with pytest.warns(FormatWarning, match="no frame rate; 120"):
        assert formats.load(take).fps == 120
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert formats.load(take, fps=60).fps == 60


def test_angles_may_be_radians(take):
    degrees = formats.load(take, fps=120).positions()
    words = [line.split() for line in MOTION.replace(":DEGREES", ":RADIANS").splitlines()]
    skip = {"root": 4, "trunk": 1, "larm": 1, "lhand": 1}
    turned = [
        " ".join(w[: skip[w[0]]] + [repr(math.radians(float(x))) for x in w[skip[w[0]] :]])
        if w[0] in skip
        else " ".join(w)
        for w in words
    ]
    take.write_text("\n".join(turned))
    np.testing.assert_allclose(formats.load(take, fps=120).positions(), degrees, atol=1e-12)


@pytest.mark.parametrize(
    ("length", "bones"), [("0.45", 1.0), ("1.0", 1 / 0.45), ("1.0", 5.64444), ("1.0", 0.0564444), ("1.0", 56.4444)]
)
def test_units_are_taken_from_the_file_where_a_body_of_that_size_is_a_persons(tmp_path, length, bones):
    """The same person in CMU's unit, inches, centimetres, metres and millimetres."""
    parts = [("trunk", "0 1 0", 9), ("head", "0 1 0", 4.5), ("lleg", "0 -1 0", 15), ("rleg", "0 -1 0", 15)]
    text = f":units\n length {length}\n angle deg\n:root\n order TX TY TZ RX RY RZ\n:bonedata\n"
    for name, direction, size in parts:
        text += f"begin\n name {name}\n direction {direction}\n length {size * bones}\n axis 0 0 0 XYZ\n dof rx\nend\n"
    text += ":hierarchy\nbegin\nroot trunk lleg rleg\ntrunk head\nend\n"
    (tmp_path / "1.asf").write_text(text)
    skeleton = formats.load_skeleton(tmp_path / "1.asf")
    head, leg = (next(e for e in skeleton.end_sites if skeleton.names[e.joint] == n) for n in ("head", "lleg"))
    trunk = skeleton.offsets[skeleton.index("head")]
    assert trunk[1] + head.offset[1] - leg.offset[1] == pytest.approx((9 + 4.5 + 15) * UNIT, rel=1e-4)


def test_sections_and_lines_that_say_nothing_of_the_bones_are_passed_over(take):
    plain = formats.load(take, fps=120)
    text = SKELETON.replace(":root", ":comment\n by hand\n:root").replace(
        "     id 2", "     id 2\n     bodymass 3\n  cofmass 1"
    )
    take.with_name("07.asf").write_text(text.replace("\n", "\r\n") + ":skin\n file.obj\n")
    np.testing.assert_array_equal(formats.load(take, fps=120).positions(), plain.positions())


def test_a_length_of_2_54_means_centimetres_as_in_hdm05(take):
    take.with_name("07.asf").write_text(
        SKELETON.replace("length 0.45", "length 2.54").replace("length 10", "length 60")
    )
    assert formats.load_skeleton(take).offsets[2, 1] == pytest.approx(0.6)


def test_a_bone_that_the_motion_leaves_out_stays_at_rest(take):
    take.write_text("\n".join(line for line in MOTION.splitlines() if not line.startswith("trunk")))
    turned = formats.load(take, fps=120)
    assert np.abs(turned.rotations[:, turned.skeleton.index("trunk"), 1:]).max() == 0


def test_the_skeleton_is_found_beside_the_motion_or_named(take, tmp_path):
    (tmp_path / "other.asf").write_text(SKELETON.replace("length 10", "length 20"))
    assert formats.load(take, fps=1).skeleton.offsets[2, 1] == pytest.approx(10 * UNIT)
    assert formats.load(take, fps=1, skeleton=tmp_path / "other.asf").skeleton.offsets[2, 1] == pytest.approx(20 * UNIT)
    (tmp_path / "07.asf").unlink()
    assert formats.load(take, fps=1).skeleton.offsets[2, 1] == pytest.approx(20 * UNIT)
    (tmp_path / "another.asf").write_text(SKELETON)
    with pytest.raises(MotionFileError, match=r"its skeleton 07\.asf is not beside it"):
        formats.load(take)


def test_an_asf_alone_is_a_skeleton(take):
    skeleton = formats.load_skeleton(take.with_name("07.asf"))
    assert skeleton.names == ("root", "trunk", "larm", "lhand")
    with pytest.raises(MotionFileError, match="skeleton and no motion"):
        formats.load(take.with_name("07.asf"))


def test_of_a_file_that_was_cut_off_the_whole_frames_can_be_had(take):
    for end in range(MOTION.index("\n2\n") + 3, len(MOTION) - 12, 7):
        take.write_text(MOTION[:end])
        with pytest.raises(MotionFileError):
            formats.load(take, fps=120)
        with pytest.warns(FormatWarning, match="left out"):
            assert len(formats.load(take, fps=120, frames="found")) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lhand 65", "lhand 65 3", r"line 8: 1 numbers are needed"),
        ("lhand 65", "lhand nan", r"line 8: 1 numbers are needed"),
        ("lhand 65", "tail 65", r"line 8: bone 'tail' is not in the skeleton"),
        ("lhand 65", "larm 4 5", r"line 8: bone 'larm' stands twice"),
        ("lhand 65\n", "", r"no line of 'lhand'"),
        ("1\nroot", "root", r"line 4: a frame begins with its number"),
        (MOTION, "", r"no frames"),
    ],
)
def test_motions_that_are_wrong_are_refused_in_one_sentence(take, old, new, said):
    take.write_text(MOTION.replace(old, new, 1))
    with pytest.raises(MotionFileError, match=said) as caught:
        asf.load(take)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("direction 0 1 0", "direction 0 1", "3 numbers are needed"),
        ("direction 0 1 0", "direction 0 1 inf", "3 numbers are needed"),
        ("length 0.45", "length 0", "no unit"),
        ("length 0.45", "length 1e-320", "no unit"),
        ("length 10", "length 1e308", "no bone is 1e308 long"),
        ("dof rx rz", "dof rx rw", "'rw' is no channel"),
        ("axis 30 40 50 XYZ", "axis 30 40 50 XYX", "no order of axes"),
        ("trunk larm", "trunk wing", "bone 'wing' is not in :bonedata"),
        ("larm lhand\n", "lhand larm\n", "has children before it has a parent|two parents"),
        ("    larm lhand\n", "", "bone 'lhand' has no parent"),
        ("name larm", "name trunk", "no name of its own"),
        (":hierarchy", ":hierarchies", "no :hierarchy"),
        (":version 1.10", ":FULLY-SPECIFIED", "begins a motion"),
        (SKELETON[SKELETON.index(":hierarchy") :], "", "no :hierarchy"),
        (SKELETON, "\0\1\2" * 50, "it is no .asf, or cut off"),
    ],
)
def test_skeletons_that_are_wrong_are_refused_in_one_sentence(take, old, new, said):
    take.with_name("07.asf").write_text(SKELETON.replace(old, new, 1))
    with pytest.raises(MotionFileError, match=said):
        asf.load(take)


def test_a_motion_in_the_real_files_stands_on_its_floor_at_a_persons_height(test_data, tmp_path):
    for name in ("11.asf", "11_01.amc"):
        shutil.copy(test_data / "motion" / "asf" / name, tmp_path / name)
    motion = formats.load(tmp_path / "11_01.amc", fps=120)
    assert len(motion) == 597
    places, index = motion.positions(), motion.skeleton.index
    toes = places[:, [index("ltoes"), index("rtoes")], 1]
    assert np.percentile(toes, 5, axis=0) == pytest.approx([0.05, 0.05], abs=0.02)
    assert toes.min() > 0 and 1.3 < places[:, index("head"), 1].mean() < 1.6
    assert np.ptp(places[:, 0, 2]) > 1
    # The thighs as long as in the BVH files of the same laboratory's people: 0.35 to 0.5 m.
    thigh = np.linalg.norm(motion.skeleton.offsets[index("ltibia")])
    assert 0.35 < thigh < 0.5


def test_a_file_that_is_no_skeleton_is_not_said_to_be_one(tmp_path):
    (tmp_path / "garbage.asf").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(MotionFileError, match=r"garbage\.asf: it has no :bonedata .* it is no \.asf"):
        formats.load(tmp_path / "garbage.asf")
