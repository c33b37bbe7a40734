"""Files that programs may well write, grown at random: any tree, channels, blanks and spelling, each against a reading
of the tidy text by other means."""

import warnings
from fractions import Fraction

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphics_ml import formats
from graphics_ml.errors import FormatWarning
from tests.formats.test_asf import SKELETON
from tests.formats.test_bvh import reference_places

QUICK = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
CHANNELS = [axis + kind for kind in ("position", "rotation") for axis in "XYZ"]
ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "XYX", "ZXZ", "ZX", "Y", "")
NUMBER = st.floats(-300, 300)


@st.composite
def numbers(draw, count):
    """Numbers as text: with few digits or many, signs, exponents, or without a point."""
    shapes = st.sampled_from(["{:.6f}", "{:.3g}", "{!r}", "{:+.2f}", "{:.4e}", "{:.8E}", "{:.0f}", "{:.12f}"])
    return [draw(shapes).format(value) for value in draw(st.lists(NUMBER, min_size=count, max_size=count))]


@st.composite
def bvh_texts(draw):
    """A tidy .bvh."""
    joints, frames = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    parents = [None] + [draw(st.integers(0, joint - 1)) for joint in range(1, joints)]
    width = 0

    def block(joint):
        nonlocal width
        places = draw(st.permutations(CHANNELS[:3]))[: draw(st.sampled_from([0, 3, 3, 1]))]
        turns = [axis + "rotation" for axis in draw(st.sampled_from(ORDERS))]
        channels = places + turns if draw(st.booleans()) else turns + places
        width += len(channels)
        lines = [f"{'JOINT' if joint else 'ROOT'} joint{joint}", "{", "OFFSET " + " ".join(draw(numbers(3)))]
        if channels or draw(st.booleans()):
            lines.append(" ".join(["CHANNELS", str(len(channels)), *channels]))
        children = [child for child, parent in enumerate(parents) if parent == joint]
        for child in children:
            lines += block(child)
        if not children or draw(st.booleans()):
            lines += ["End Site", "{", "OFFSET 0 1.5 0", "}"]
        return [*lines, "}"]

    body = block(0)
    if width == 0:
        body[3:3] = ["CHANNELS 1 Yrotation"]
        width = 1
    rows = [" ".join(draw(numbers(width))) for _ in range(frames)]
    return "\n".join(["HIERARCHY", *body, "MOTION", f"Frames: {frames}", "Frame Time: 0.0333333", *rows, ""])


@st.composite
def spaced(draw, text):
    """The same words, and the same lines where a line means something, in another layout."""
    head, motion, frames = text.partition("MOTION\n")
    gap = st.sampled_from([" ", "\t", "   ", " \t "])
    out = []
    for line in head.splitlines():
        line = draw(gap).join(line.split(" "))
        opens = line == "{" and draw(st.booleans())
        out.append((" " if opens else draw(st.sampled_from(["\n", "\n\n", "\n\t  "]))) + line)
    counts, time, *rows = frames.splitlines()
    rows = [draw(st.sampled_from(["", " ", "\t"])) + draw(gap).join(row.split()) + draw(gap) for row in rows]
    ending = draw(st.sampled_from(["", "\n", "\n\n \n"]))
    whole = "".join(out).lstrip() + "\n" + motion + "\n".join([counts.replace(": ", ":\t"), time, *rows]) + ending
    if draw(st.booleans()):
        whole = whole.replace("OFFSET", "Offset").replace("CHANNELS", "channels").replace("rotation", "Rotation")
    return whole.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(data=st.data())
@QUICK
def test_any_hierarchy_in_any_layout_is_read_as_the_format_says(tmp_path, data):
    text = data.draw(bvh_texts())
    (tmp_path / "a.bvh").write_bytes(data.draw(spaced(text)).encode())
    motion = formats.load(tmp_path / "a.bvh", unit="cm", up="Y")
    np.testing.assert_allclose(motion.positions(), reference_places(text), atol=1e-7)


@st.composite
def amc_frames(draw):
    """Frames as [{bone: words}], for the bones of test_asf's skeleton."""
    widths = {"root": 6, "trunk": 3, "larm": 2, "lhand": 1}
    return [{bone: draw(numbers(width)) for bone, width in widths.items()} for _ in range(draw(st.integers(1, 4)))]


@given(data=st.data(), first=st.integers(0, 5000))
@QUICK
def test_an_amc_in_any_layout_is_read_as_the_tidy_one(tmp_path, data, first):
    frames, gap = data.draw(amc_frames()), st.sampled_from([" ", "\t", "   "])
    tidy, odd = [":FULLY-SPECIFIED", ":DEGREES"], ["# from a test", ":FULLY-SPECIFIED", "", ":DEGREES"]
    for number, bones in enumerate(frames):
        tidy += [str(number + 1), *(" ".join([bone, *(repr(float(word)) for word in bones[bone])]) for bone in bones)]
        odd.append(data.draw(st.sampled_from(["", " "])) + str(first + number))
        for bone in data.draw(st.permutations(list(bones))):
            odd.append(data.draw(gap).join([bone, *bones[bone]]) + data.draw(st.sampled_from(["", " ", " # here"])))
    (tmp_path / "07.asf").write_text(SKELETON)
    (tmp_path / "07_tidy.amc").write_text("\n".join(tidy))
    (tmp_path / "07_odd.amc").write_bytes(data.draw(st.sampled_from(["\n", "\r\n"])).join([*odd, ""]).encode())
    ours, theirs = (formats.load(tmp_path / name, fps=Fraction(120)) for name in ("07_odd.amc", "07_tidy.amc"))
    np.testing.assert_allclose(ours.root_positions, theirs.root_positions, atol=1e-9)
    np.testing.assert_allclose(ours.positions(), theirs.positions(), atol=1e-9)
    root = [[float(word) for word in bones["root"][:3]] for bones in frames]
    np.testing.assert_allclose(ours.root_positions, np.array(root) * 0.0254 / 0.45, atol=1e-9)


@given(data=st.data())
@QUICK
def test_a_trc_in_any_layout_holds_the_numbers_that_stand_in_it(tmp_path, data):
    frames, markers = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=frames * markers, max_size=frames * markers)))
    seen = seen.reshape(frames, markers) | (np.arange(markers) == 0)
    words = np.array([[data.draw(numbers(3)) for _ in range(markers)] for _ in range(frames)])
    gap = st.sampled_from([["", "", ""], ["NaN", "NaN", "NaN"], ["nan", "nan", "nan"]])
    rows = []
    for frame in range(frames):
        cells = [cell for m in range(markers) for cell in (words[frame, m] if seen[frame, m] else data.draw(gap))]
        rows.append("\t".join([str(frame + 1), f"{frame / 50:.3f}", *cells]) + data.draw(st.sampled_from(["", "\t"])))
    names = [f"marker {m}" for m in range(markers)]
    head = [
        "PathFileType\t4\t(X/Y/Z)\ta.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"50\t50\t{frames}\t{markers}\tm\t50\t1\t{frames}",
        "\t".join(["Frame#", "Time", *(cell for name in names for cell in (name, "", ""))]),
        "\t".join(["", "", *(f"{axis}{m + 1}" for m in range(markers) for axis in "XYZ")]),
        *data.draw(st.sampled_from([[], [""]])),
    ]
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    (tmp_path / "a.trc").write_bytes(newline.join([*head, *rows, ""]).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        held = formats.load_markers(tmp_path / "a.trc", up="Y")
    seen &= (words.astype(float) != 0).any(axis=-1)  # what lies exactly at the origin was not seen
    expected = np.where(seen[..., None], words.astype(float), np.nan)
    np.testing.assert_allclose(held.positions, expected, atol=1e-9)
    assert held.names == tuple(names) and held.fps == 50
