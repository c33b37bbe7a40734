"""BVH files against an independent reading of the format, and what must be refused."""

import io
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from graphics_ml.errors import FormatWarning, MotionFileError, OutputError
from graphics_ml.formats import bvh
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import EULER_ORDERS, angle_between, normalize, quaternion_from_euler
from graphics_ml.motion.skeleton import EndSite, Skeleton

TWO_JOINTS = """HIERARCHY
ROOT Hips
{
  OFFSET 0 90 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 50 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 40 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 90 0 0 0 0 10 20 30
1 91 2 90 0 0 0 0 45
"""


def written(tmp_path, text, name="motion.bvh"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loaded(tmp_path, text, **options):
    return bvh.load(written(tmp_path, text), **{"unit": "cm", "up": "Y"} | options)


def reference_places(text, metres=0.01):
    """World positions (F, J, 3) by 4x4 matrices, from a reader of its own that knows tidy files only."""
    words = text.split()
    joints, open_joints, at = [], [], 0
    while words[at] != "MOTION":
        word = words[at]
        if word in ("ROOT", "JOINT", "End"):
            joints.append(dict(parent=open_joints[-1] if open_joints else None, end=word == "End", channels=[]))
            open_joints.append(joints[-1])
        elif word == "OFFSET":
            open_joints[-1]["offset"] = [float(w) for w in words[at + 1 : at + 4]]
        elif word == "CHANNELS":
            count = int(words[at + 1])
            open_joints[-1]["channels"] = words[at + 2 : at + 2 + count]
        elif word == "}":
            open_joints.pop()
        at += 1
    numbers = np.array([float(w) for w in words[words.index("Time:") + 2 :]])
    table = numbers.reshape(-1, sum(len(joint["channels"]) for joint in joints))
    places = []
    for row in table:
        values = iter(row)
        for joint in joints:
            local, turn = np.eye(4), np.eye(3)
            local[:3, 3] = joint["offset"]
            for channel in joint["channels"]:
                value = next(values)
                if channel.endswith("position"):
                    local["XYZ".index(channel[0]), 3] = value
                else:
                    turn = turn @ Rotation.from_euler(channel[0].lower(), value, degrees=True).as_matrix()
            local[:3, :3] = turn
            joint["world"] = local if joint["parent"] is None else joint["parent"]["world"] @ local
        places.append([joint["world"][:3, 3] * metres for joint in joints if not joint["end"]])
    return np.array(places)


# Hierarchies at which readers stumble, all of them right.
STRANGE = {
    "tidy": TWO_JOINTS,
    "positions on another joint": TWO_JOINTS.replace("CHANNELS 3 Z", "CHANNELS 6 Xposition Yposition Zposition Z")
    .replace("0 10 20 30", "0 1 55 2 10 20 30")
    .replace("0 0 0 45", "0 0 50 0 0 0 45"),
    "rotation first, X-Z-Y": TWO_JOINTS.replace(
        "Xposition Yposition Zposition Zrotation Xrotation Yrotation",
        "Yrotation Zrotation Xrotation Xposition Zposition Yposition",
    ),
    "a channel count for each joint": TWO_JOINTS.replace("CHANNELS 3 Zrotation Xrotation", "CHANNELS 1")
    .replace("10 20 30", "10")
    .replace("0 0 45", "45"),
    "two rotations": TWO_JOINTS.replace("CHANNELS 3 Zrotation Xrotation", "CHANNELS 2 Xrotation")
    .replace("10 20 30", "10 100")
    .replace("0 0 45", "0 45"),
    "an axis twice": TWO_JOINTS.replace("CHANNELS 3 Zrotation Xrotation Yr", "CHANNELS 3 Yrotation Xrotation Yr"),
    "no channels": TWO_JOINTS.replace("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 0")
    .replace(" 10 20 30", "")
    .replace(" 0 0 45", ""),
    "no CHANNELS line": TWO_JOINTS.replace("    CHANNELS 3 Zrotation Xrotation Yrotation\n", "")
    .replace(" 10 20 30", "")
    .replace(" 0 0 45", ""),
    "one position": TWO_JOINTS.replace("6 Xposition Yposition Zposition", "4 Yposition")
    .replace("0 90 0 0", "90 0")
    .replace("1 91 2", "91"),
    "scientific": TWO_JOINTS.replace("1 91 2 90", "1e0 9.1E+1 +2.0 900.0e-1"),
    "two end sites": TWO_JOINTS.replace("    End Site", "    End Site\n    {\n OFFSET 1 2 3\n }\n    End Site"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_files_are_read_as_the_format_says(tmp_path, name):
    motion = loaded(tmp_path, STRANGE[name])
    np.testing.assert_allclose(motion.positions(), reference_places(STRANGE[name]), atol=1e-9)
    assert motion.fps == 30


@pytest.mark.parametrize("name", STRANGE)
def test_strange_files_keep_their_channels_when_written(tmp_path, name):
    motion = loaded(tmp_path, STRANGE[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bvh.save(motion, tmp_path / "again.bvh")
    again = bvh.load(tmp_path / "again.bvh", unit="cm", up="Y")
    assert again.skeleton.channels == motion.skeleton.channels
    assert_same_motion(again, motion)


def assert_same_motion(a, b, atol=1e-6):
    assert a.skeleton.names == b.skeleton.names and a.skeleton.parents == b.skeleton.parents and a.fps == b.fps
    np.testing.assert_allclose(a.skeleton.offsets, b.skeleton.offsets, atol=atol)
    np.testing.assert_allclose(a.root_positions, b.root_positions, atol=atol)
    assert angle_between(a.rotations, b.rotations).max() < atol
    np.testing.assert_allclose(np.broadcast_to(a.offsets, (len(a), len(a.skeleton), 3))[:, 1:],
                               np.broadcast_to(b.offsets, (len(b), len(b.skeleton), 3))[:, 1:], atol=atol)  # fmt: skip
    assert len(a.skeleton.end_sites) == len(b.skeleton.end_sites)
    ends = [sorted(motion.skeleton.end_sites, key=lambda end: end.joint) for motion in (a, b)]
    for ours, theirs in zip(*ends, strict=True):
        assert ours.joint == theirs.joint
        np.testing.assert_allclose(ours.offset, theirs.offset, atol=atol)


LAYOUTS = {
    "CRLF": TWO_JOINTS.replace("\n", "\r\n"),
    "old Mac": TWO_JOINTS.replace("\n", "\r"),
    "tabs": TWO_JOINTS.replace("  ", "\t").replace(": ", ":\t"),
    "blank lines": TWO_JOINTS.replace("\n", "\n\n"),
    "blanks at line ends": TWO_JOINTS.replace("\n", "  \n"),
    "one brace style": TWO_JOINTS.replace("\n{", " {").replace("\n  {", " {").replace("\n    {", "{"),
    "lower case": TWO_JOINTS.lower().replace("hips", "Hips").replace("chest", "Chest"),
    "no newline at the end": TWO_JOINTS.rstrip(),
    "byte order mark": "\ufeff" + TWO_JOINTS,
    "UTF-16": TWO_JOINTS.encode("utf-16"),
    "a frame over several lines": TWO_JOINTS.replace("0 90 0 0", "0 90 0\n0"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layout_of_the_text_does_not_matter(tmp_path, name):
    assert_same_motion(loaded(tmp_path, LAYOUTS[name]), loaded(tmp_path, TWO_JOINTS), atol=1e-12)


def test_names_may_have_blanks_accents_and_old_encodings(tmp_path):
    text = TWO_JOINTS.replace("JOINT Chest", "JOINT Brust  korb é")
    assert loaded(tmp_path, text).skeleton.names == ("Hips", "Brust  korb é")
    assert loaded(tmp_path, text.encode("latin-1")).skeleton.names == ("Hips", "Brust  korb é")


def test_names_that_stand_twice_are_made_different_and_said(tmp_path):
    text = TWO_JOINTS.replace("JOINT Chest", "JOINT Hips")
    with pytest.warns(FormatWarning, match="Hips_2"):
        motion = loaded(tmp_path, text)
    assert motion.skeleton.names == ("Hips", "Hips_2")
    assert motion.provenance["source"]["renamed"] == {"Hips_2": "Hips"}


BROKEN = {
    "nothing": ("", "HIERARCHY"),
    "another file": ("solid cube\nfacet", "HIERARCHY"),
    "binary": (bytes(range(256)) * 4, "HIERARCHY"),
    "more frames announced": (TWO_JOINTS.replace("Frames: 2", "Frames: 3"), "3 frames but 2 follow"),
    "fewer frames announced": (TWO_JOINTS.replace("Frames: 2", "Frames: 1"), "1 frames but 2 follow"),
    "huge number announced": (TWO_JOINTS.replace("Frames: 2", "Frames: 999999999"), "999999999 frames but 2 follow"),
    "cut in the last line": (TWO_JOINTS[:-8], "2 frames but 1 and 6 of the 9 numbers"),
    "a number missing in the middle": (TWO_JOINTS.replace("0 90 0 0 0 0 10", "0 90 0 0 0 10"), "line 19"),
    "a word among numbers": (TWO_JOINTS.replace("1 91 2", "1 oops 2"), "line 20: 'oops' is not a number"),
    "not a number": (TWO_JOINTS.replace("1 91 2", "1 nan 2"), "line 20: 'nan'"),
    "infinite": (TWO_JOINTS.replace("1 91 2", "1 1e999 2"), "line 20: '1e999'"),
    "Python's own number": (TWO_JOINTS.replace("1 91 2", "1 9_1 2"), "'9_1' is not a number"),
    "a decimal comma": (TWO_JOINTS.replace("1 91 2", "1 91,5 2"), "'91,5' is not a number"),
    "no frames": (TWO_JOINTS.split("0 90 0 0")[0].replace("Frames: 2", "Frames: 0"), "holds no frame"),
    "frames below none": (TWO_JOINTS.replace("Frames: 2", "Frames: -5"), "'-5' is no such number"),
    "empty MOTION": (TWO_JOINTS.split("Frames")[0], "Frames"),
    "no MOTION": (TWO_JOINTS.split("MOTION")[0], "no MOTION part"),
    "no frame time": (TWO_JOINTS.replace("Frame Time: 0.0333333\n", ""), "Frame Time"),
    "frame time of zero": (TWO_JOINTS.replace("0.0333333", "0"), "Frame Time"),
    "frame time of words": (TWO_JOINTS.replace("0.0333333", "fast"), "'fast' is no Frame Time"),
    "a second root": (TWO_JOINTS.replace("MOTION", "ROOT Other\n{\nOFFSET 0 0 0\n}\nMOTION"), "second ROOT"),
    "cut in the hierarchy": (TWO_JOINTS[:120], "line"),
    "a brace too many": (TWO_JOINTS.replace("MOTION", "}\nMOTION"), "line 16"),
    "a brace too few": (TWO_JOINTS.replace("}\nMOTION", "MOTION"), "never closed"),
    "no OFFSET": (TWO_JOINTS.replace("    OFFSET 0 50 0\n", ""), "'Chest' has no OFFSET"),
    "two numbers in an OFFSET": (TWO_JOINTS.replace("OFFSET 0 50 0", "OFFSET 0 50"), "line 8"),
    "an infinite OFFSET": (TWO_JOINTS.replace("OFFSET 0 50 0", "OFFSET 0 inf 0"), "line 8"),
    "a wrong channel count": (TWO_JOINTS.replace("CHANNELS 3", "CHANNELS 4"), "announces 4 channels but 3"),
    "an unknown channel": (
        TWO_JOINTS.replace("3 Zrotation Xrotation Y", "3 Zrotation Xrotation W"),
        "'Wrotation' is no channel",
    ),
    "a rotation twice": (TWO_JOINTS.replace("3 Zrotation Xrotation Y", "3 Zrotation Zrotation Y"), "twice in a row"),
    "a position twice": (TWO_JOINTS.replace("6 Xposition Yp", "6 Yposition Yp"), "twice"),
    "an end site that moves": (TWO_JOINTS.replace("OFFSET 0 40 0", "OFFSET 0 40 0\nCHANNELS 1 Xrotation"), "End Site"),
    "a joint in an end site": (TWO_JOINTS.replace("OFFSET 0 40 0", "OFFSET 0 4 0\nJOINT a\n{\nOFFSET 0 0 0\n}"), "End"),
    "no channel at all": (
        "HIERARCHY ROOT a { OFFSET 0 0 0 }\nMOTION\nFrames: 1\nFrame Time: 1\n",
        "no joint has a channel",
    ),
    "an endless word": (TWO_JOINTS + "1" * 300_000, "not a number"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_one_sentence(tmp_path, name):
    text, said = BROKEN[name]
    path = written(tmp_path, text)
    with pytest.raises(MotionFileError) as caught:
        bvh.load(path)
    message = str(caught.value)
    assert said in message and message.startswith(str(path)) and "\n" not in message


@given(cut=st.integers(0, len(TWO_JOINTS)), junk=st.binary(max_size=4))
@settings(max_examples=300)
@example(cut=len(TWO_JOINTS), junk=b"")
def test_whatever_the_bytes_it_is_a_motion_or_that_error(tmp_path_factory, cut, junk):
    path = tmp_path_factory.getbasetemp() / "fuzz.bvh"
    path.write_bytes(TWO_JOINTS[:cut].encode() + junk + TWO_JOINTS[cut:].encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        try:
            assert len(bvh.load(path)) in (1, 2, 3)
        except MotionFileError as error:
            assert "\n" not in str(error)


def test_found_frames_are_taken_when_asked_for(tmp_path):
    motion = loaded(tmp_path, TWO_JOINTS.replace("Frames: 2", "Frames: 7"), frames="found")
    assert_same_motion(motion, loaded(tmp_path, TWO_JOINTS), atol=1e-12)
    assert motion.provenance["source"]["frames_announced"] == 7
    assert len(loaded(tmp_path, TWO_JOINTS[:-8], frames="found")) == 1


@pytest.mark.parametrize("torn", ["-", "1e", "1.5e-", "1 91 2 -"])
def test_a_file_cut_off_within_a_number_gives_the_frames_before_it(tmp_path, torn):
    motion = loaded(tmp_path, TWO_JOINTS + torn, frames="found")
    assert_same_motion(motion, loaded(tmp_path, TWO_JOINTS), atol=1e-12)
    for text in (TWO_JOINTS + torn + "\n", TWO_JOINTS + torn + " 1 2 3"):
        with pytest.raises(MotionFileError, match="is not a number"):
            loaded(tmp_path, text, frames="found")


@pytest.mark.parametrize("fps", [Fraction(10**9), Fraction(1, 10**7)])
def test_a_rate_that_could_not_be_read_is_not_written(tmp_path, fps):
    motion = loaded(tmp_path, TWO_JOINTS).replace(fps=fps)
    with pytest.raises(OutputError, match="frames per second"):
        bvh.save(motion, tmp_path / "out.bvh")
    assert not (tmp_path / "out.bvh").exists()


def test_found_frames_do_not_hide_a_line_that_shifts_the_others(tmp_path):
    text = TWO_JOINTS + "1 91 2 90 0 0 0 45\n" + "1 91 2 90 0 0 0 0 45\n" * 3
    with pytest.raises(MotionFileError, match="line 21: this frame has 8 numbers, not 9"):
        loaded(tmp_path, text, frames="found")


@pytest.mark.parametrize("ending", ["", "MOTION", "MOTION\nFrames: 0\nFrame Time: 0\n"])
def test_a_rig_needs_no_motion(tmp_path, ending):
    path = written(tmp_path, TWO_JOINTS.split("MOTION")[0] + ending)
    skeleton = bvh.load_skeleton(path, unit="cm", up="Y")
    np.testing.assert_allclose(skeleton.rest_positions(), [[0, 0.9, 0], [0, 1.4, 0]])
    assert skeleton.channels[1] == ("Zrotation", "Xrotation", "Yrotation")


def test_the_rate_may_be_given(tmp_path):
    text = TWO_JOINTS.replace("Frame Time: 0.0333333\n", "")
    assert loaded(tmp_path, text, fps=Fraction(24000, 1001)).fps == Fraction(24000, 1001)


# Unit and up axis


def a_walk(height=1.75, frames=20):
    """Our own body, swaying and moving ahead."""
    skeleton = standard_skeleton(height)
    random = np.random.default_rng(0)
    angles = np.cumsum(random.normal(size=(frames, len(skeleton), 3)) * 0.02, axis=0)
    rotations = quaternion_from_euler(angles, "XYZ")
    root = np.array([0.3, 0, -0.2]) + skeleton.offsets[0] + np.linspace(0, 1, frames)[:, None] * [0.2, 0.01, 1.5]
    return bvh._depth_first(Motion(skeleton, rotations, root, Fraction(24000, 1001)))


@pytest.mark.parametrize("up", ["X", "Y", "Z"])
@pytest.mark.parametrize("unit", ["m", "cm", "mm", "inch", "cmu"])
def test_unit_and_up_axis_are_detected_reported_and_turned_into_ours(tmp_path, unit, up):
    motion = a_walk()
    path = tmp_path / "walk.bvh"
    bvh.save(motion, path, unit=unit, up=up)
    again = bvh.load(path, up="X") if up == "X" else bvh.load(path)
    source = again.provenance["source"]
    assert (source["unit"], source["unit_from"], source["up"]) == (unit, "detected", up)
    assert source["up_from"] == ("given" if up == "X" else "detected")
    np.testing.assert_allclose(again.positions(), motion.positions(), atol=2e-6)
    assert_same_motion(again, motion, atol=2e-6)
    # And back into the file it came from.
    bvh.save(again, tmp_path / "again.bvh")
    assert (tmp_path / "again.bvh").read_text().split("MOTION")[0] == path.read_text().split("MOTION")[0]


@pytest.mark.parametrize("height", [0.9, 1.2, 1.55, 1.7, 2.1, 2.5])
def test_bodies_of_all_sizes_are_known_to_be_in_centimetres(tmp_path, height):
    bvh.save(a_walk(height), tmp_path / "walk.bvh")
    assert bvh.load(tmp_path / "walk.bvh").provenance["source"]["unit"] == "cm"


def test_a_y_up_rest_pose_in_a_z_up_world_is_known_by_its_feet(tmp_path):
    motion = a_walk()
    world = bvh._on_axes(motion, "Z", bvh.from_y_up, everything=False)
    bvh.save(world, tmp_path / "walk.bvh", up="Y")
    again = bvh.load(tmp_path / "walk.bvh")
    assert again.provenance["source"]["up"] == "Z"
    np.testing.assert_allclose(again.positions(), motion.positions(), atol=1e-6)


def test_a_body_that_lies_down_does_not_turn_the_world(tmp_path):
    motion = a_walk()
    lying = quaternion_from_euler(np.array([math.pi / 2, 0, 0]), "XYZ")
    rotations = motion.rotations.copy()
    rotations[:, 0] = lying
    motion = motion.replace(rotations=rotations, root_positions=np.tile([0.0, 0.15, 0.0], (len(motion), 1)))
    bvh.save(motion, tmp_path / "lying.bvh")
    assert bvh.load(tmp_path / "lying.bvh").provenance["source"]["up"] == "Y"


def test_what_is_given_overrides_what_is_detected(tmp_path):
    motion = a_walk()
    bvh.save(motion, tmp_path / "walk.bvh")
    doubled = bvh.load(tmp_path / "walk.bvh", unit=0.02, up="Y")
    np.testing.assert_allclose(doubled.positions(), 2 * motion.positions(), atol=1e-5)
    assert doubled.provenance["source"]["unit_from"] == doubled.provenance["source"]["up_from"] == "given"


@pytest.mark.parametrize("options", [{"unit": "furlong"}, {"unit": -1}, {"unit": 0}, {"up": "W"}, {"frames": "some"}])
def test_an_option_that_means_nothing_is_refused(tmp_path, options):
    with pytest.raises(ValueError):
        bvh.load(written(tmp_path, TWO_JOINTS), **options)


# Writing


def test_a_rest_pose_with_orientations_is_written_with_the_same_places(tmp_path):
    random = np.random.default_rng(1)
    skeleton = Skeleton(
        ("hips", "spine", "head", "left foot"),
        (-1, 0, 1, 0),
        random.normal(size=(4, 3)) * 0.3,
        normalize(random.normal(size=(4, 4))),
        (EndSite(2, [0.1, 0.2, 0.3], "top"),),
    )
    rotations = normalize(random.normal(size=(9, 4, 4)))
    local = np.tile(skeleton.offsets, (9, 1, 1)) + 0.1 * random.normal(size=(9, 4, 3))
    for moving in (None, local):
        motion = Motion(skeleton, rotations, random.normal(size=(9, 3)), 30, local_positions=moving)
        bvh.save(motion, tmp_path / "rig.bvh")
        again = bvh.load(tmp_path / "rig.bvh", unit="cm", up="Y")
        np.testing.assert_allclose(again.positions(), motion.positions(), atol=1e-6)
        # Its zero pose is the rest pose.
        np.testing.assert_allclose(again.skeleton.rest_positions(), skeleton.rest_positions(), atol=1e-6)
        end, was = again.skeleton.end_sites[0], skeleton.end_sites[0]
        turns, places = again.transforms()
        turns_were, places_were = motion.transforms()
        tips = places[:, 2] + Rotation.from_quat(turns[:, 2][:, [1, 2, 3, 0]]).apply(end.offset.copy())
        tips_were = places_were[:, 2] + Rotation.from_quat(turns_were[:, 2][:, [1, 2, 3, 0]]).apply(was.offset.copy())
        np.testing.assert_allclose(tips, tips_were, atol=1e-6)


def test_joints_in_another_order_are_written_down_the_tree(tmp_path):
    random = np.random.default_rng(2)
    skeleton = Skeleton(("a", "b", "c", "b1", "c1"), (-1, 0, 0, 1, 2), random.normal(size=(5, 3)))
    motion = Motion(skeleton, normalize(random.normal(size=(4, 5, 4))), random.normal(size=(4, 3)), 60)
    bvh.save(motion, tmp_path / "order.bvh")
    again = bvh.load(tmp_path / "order.bvh", unit="cm", up="Y")
    assert again.skeleton.names == ("a", "b", "b1", "c", "c1")
    order = [skeleton.index(name) for name in again.skeleton.names]
    np.testing.assert_allclose(again.positions(), motion.positions()[:, order], atol=1e-6)


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_every_rotation_order_is_written_and_read(tmp_path, order):
    random = np.random.default_rng(3)
    turns = [f"{letter}rotation" for letter in order]
    places = ["Xposition", "Yposition", "Zposition"]
    skeleton = Skeleton(("a", "b"), (-1, 0), [[0, 0, 0], [0, 1, 0]], channels=[[*places, *turns], turns])
    motion = Motion(skeleton, normalize(random.normal(size=(30, 2, 4))), random.normal(size=(30, 3)), 30)
    bvh.save(motion, tmp_path / "order.bvh")
    again = bvh.load(tmp_path / "order.bvh", unit="cm", up="Y")
    assert again.skeleton.channels == skeleton.channels
    assert_same_motion(again, motion)


def test_channels_that_cannot_hold_the_motion_are_widened_and_said(tmp_path):
    motion = loaded(tmp_path, STRANGE["a channel count for each joint"])
    rotations = motion.rotations.copy()
    rotations[:, 1] = quaternion_from_euler(np.array([0.3, 0.2, 0.1]), "XYZ")
    changed = motion.replace(rotations=rotations)
    with pytest.warns(FormatWarning, match="Chest"):
        bvh.save(changed, tmp_path / "wide.bvh")
    again = bvh.load(tmp_path / "wide.bvh", unit="cm", up="Y")
    assert again.skeleton.channels[1] == ("Zrotation", "Xrotation", "Yrotation")
    assert_same_motion(again, changed)


def test_a_failed_write_leaves_nothing_and_keeps_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "kept.bvh"
    bvh.save(a_walk(), path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="full"):
        bvh.save(a_walk(1.5), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


# Real files


@pytest.mark.parametrize(
    ("name", "every", "unit"),
    [("cmu", 1, "cmu"), ("mixamo-pairs", 1, "cm"), ("bandai1", 12, "cm"), ("bandai2-subset", 20, "cm")],
)
def test_real_files_are_read_written_and_read_the_same(clips, tmp_path, name, every, unit):
    for path in clips(name)[::every]:
        motion = bvh.load(path)
        source = motion.provenance["source"]
        assert (source["unit"], source["up"]) == (unit, "Y"), path.name
        assert motion.fps in (30, 60, 120)
        assert 1.2 < np.ptp(motion.positions()[..., 1]) < 3.5, path.name
        bvh.save(motion, tmp_path / "again.bvh")
        again = bvh.load(tmp_path / "again.bvh")
        assert again.skeleton.channels == motion.skeleton.channels
        assert_same_motion(again, motion)


def test_real_files_are_read_as_the_format_says(clips):
    for path in (clips("cmu")[0], clips("bandai1")[0], clips("mixamo-pairs")[0]):
        motion = bvh.load(path)
        lines = path.read_text().splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("Frame Time"))
        some = io.StringIO("\n".join(lines[: start + 6])).getvalue()
        places = reference_places(some, motion.provenance["source"]["metres_per_unit"])
        np.testing.assert_allclose(motion.positions()[:5], places, atol=1e-9)
