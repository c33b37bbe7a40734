"""TRC files: text written by hand, as programs stray from the format, and whole files back and forth."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MotionFileError, OutputError
from graphics_ml.motion.markers import Markers

HEAD = """PathFileType\t4\t(X/Y/Z)\twalk.trc
DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames
{rate}\t50\t{frames}\t{count}\t{unit}\t{rate}\t1\t{frames}
Frame#\tTime\tLKNE\t\t\tRKNE
\t\tX1\tY1\tZ1\tX2\tY2\tZ2

"""
ROWS = "1\t0.00\t100\t200\t300\t400\t500\t600\n2\t0.02\t110\t210\t310\t410\t510\t610\n"
PLACES = [[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.11, 0.21, 0.31], [0.41, 0.51, 0.61]]]


def text(rows=ROWS, rate="50", frames=2, count=2, unit="mm", head=HEAD):
    return head.format(rate=rate, frames=frames, count=count, unit=unit) + rows


@pytest.fixture
def read(tmp_path):
    def load(content, **options):
        path = tmp_path / "walk.trc"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return formats.load_markers(path, **options)

    return load


def test_a_plain_file_is_read(read):
    markers = read(text())
    assert markers.names == ("LKNE", "RKNE") and markers.fps == 50
    np.testing.assert_allclose(markers.positions, PLACES)
    assert markers.provenance["source"] == {"file": "walk.trc", "format": "trc", "unit": "mm", "up": "Y"}


@pytest.mark.parametrize(
    "content",
    [
        text().replace("\n", "\r\n"),
        text().replace("Z2\n\n", "Z2\n"),
        "\n" + text(),
        text().split("\n", 1)[1],  # without its first line
        text().replace("RKNE", "RKNE\t\t\t"),
        text().replace("LKNE\t\t\tRKNE", "LKNE\tRKNE"),
        text().replace("\tX1\tY1", "X1\tY1"),
        text(ROWS.replace("\n", "\t\t \n")),
        text(ROWS.replace("100\t200", "1.0E+02\t2.0e2")),
        text(ROWS.replace("\t", "\t\t")),
        text(ROWS.replace("\t", "  ")),
        text(ROWS.replace("1\t0.00", "\n1\t0.00") + "\n \n"),
        text(unit="Millimeters"),
        text().encode("utf-8-sig"),
        text().replace("walk.trc", "g\xe4nge.trc").encode("latin-1"),
    ],
    ids=[
        "CRLF", "no blank line", "blank line above", "no first line", "tabs after names", "single tabs between names",
        "titles shifted", "tabs and blanks at the ends", "E-format", "double tabs", "blanks for tabs", "blank lines",
        "unit in words", "byte order mark", "latin-1",
    ],
)  # fmt: skip
def test_files_that_stray_hold_the_same(read, content):
    np.testing.assert_allclose(read(content).positions, PLACES)


@pytest.mark.parametrize("blank", ["\t\t", "NaN\tNaN\tNaN", "nan\t200\tnan", "-1.#IND\t\t", "0\t0\t0.000"])
def test_what_was_not_seen_is_a_gap(read, blank):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        markers = read(text(ROWS.replace("100\t200\t300", blank)))
    assert markers.missing.tolist() == [[True, False], [False, False]]
    np.testing.assert_allclose(markers.positions[~markers.missing], np.array(PLACES)[~markers.missing])


def test_blanks_at_the_end_of_a_row_may_be_left_out(read):
    assert read(text(ROWS.replace("\t400\t500\t600", ""))).missing.tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(frames=3), r"announces 3 frames, but 2 follow.*frames='found'"),
        (text(ROWS.replace("210", "2l0")), "line 8: '2l0' is no number"),
        (text(ROWS.replace("\t310", "")), "line 8: this row does not hold"),
        (text(ROWS.replace("\t610", "\t610\t7\t8\t9")), "line 8: this row does not hold"),
        (text(unit="furlong"), "unit 'furlong' is not known; load it with unit="),
        (text(""), "holds no frames"),
        (text().replace("DataRate", "Rate"), "no line that starts with DataRate"),
        (text().replace("Frame#", "F"), "no line that starts with Frame#"),
        (text().replace("LKNE\t\t\tRKNE", "").replace("X1\tY1\tZ1\tX2\tY2\tZ2", ""), "names no markers"),
        (text().replace("RKNE", "A\tB\tC\tD"), "6 columns are titled X, Y or Z, but 5 markers are named"),
        (text(count=0), "announces 0 markers"),
        (
            text(ROWS.replace("\t0.0", "\tx0").replace("x00", "").replace("x02", ""), rate="0").replace(
                "\t50\t", "\t-\t"
            ),
            "how many frames a second",
        ),
        (b"\x00\x01\x02" * 100, "is it one"),
        ("", "is it one"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(read, content, said):
    with pytest.raises(MotionFileError, match=said):
        read(content)


def test_the_frames_that_are_there_can_be_asked_for(read):
    assert len(read(text(frames=3), frames="found")) == 2
    with pytest.raises(MotionFileError, match="frames='all' is not known"):
        read(text(), frames="all")


@pytest.mark.parametrize(
    ("rate", "step", "fps"),
    [
        ("59.94", 1001 / 60000, Fraction(60000, 1001)),
        ("120.00", 1 / 120, 120),
        ("240", 1 / 240, 240),
        ("0", 0.01, 100),
        ("62.5", 0.016, Fraction(125, 2)),
    ],
)
def test_the_rate_is_exact(read, rate, step, fps):
    rows = "".join(f"{f + 1}\t{f * step:.5f}\t1\t2\t3\t4\t5\t6\n" for f in range(20))
    assert read(text(rows, rate=rate, frames=20).replace("\t50\t", "\t0\t")).fps == fps


def test_times_that_contradict_the_rate_win_and_this_is_said(read):
    rows = "".join(f"{f + 1}\t{f * 0.01:.3f}\t1\t2\t3\t4\t5\t6\n" for f in range(50))
    with pytest.warns(FormatWarning, match="header says 50 frames a second, its times 100"):
        assert read(text(rows, frames=50)).fps == 100


def test_names_that_repeat_or_miss_get_their_own_and_this_is_said(read):
    with pytest.warns(FormatWarning, match="no name of their own"):
        assert read(text().replace("RKNE", "LKNE")).names == ("LKNE", "LKNE_2")


def standing(up, frames=20):
    """Head and feet of somebody who walks, up along an axis, millimetres."""
    aside, ahead = [axis for axis in range(3) if axis != up]
    places = np.zeros((frames, 4, 3))
    places[:, :, up] = (1600, 1580, 60, 60)
    places[:, :, aside] = (900, 1000, 900, 1000)
    places[:, :, ahead] = 500 + 50 * np.arange(frames)[:, None]
    rows = "".join(f"{f + 1}\t{f / 50}\t" + "\t".join(map(str, row.ravel())) + "\n" for f, row in enumerate(places))
    names = "LFHD\t\t\tRFHD\t\t\tLHEE\t\t\tRHEE"
    titles = "\t\t" + "\t".join(f"{axis}{m}" for m in range(1, 5) for axis in "XYZ")
    head = HEAD.replace("LKNE\t\t\tRKNE", names).replace("\t\tX1\tY1\tZ1\tX2\tY2\tZ2", titles)
    return text(rows, frames=frames, count=4, head=head)


def test_up_is_y_but_where_a_body_stands_along_another_axis(read):
    assert read(standing(1)).provenance["source"]["up"] == "Y"
    with pytest.warns(FormatWarning, match="stands up along Z"):
        markers = read(standing(2))
    assert np.median(markers.positions[:, :2, 1]) == pytest.approx(1.59)
    # Right-handed: what was y ahead is -z now.
    np.testing.assert_allclose(markers.positions[0, 0], (0.9, 1.6, -0.5))
    np.testing.assert_allclose(read(standing(2), up="Y").positions[0, 0], (0.9, 0.5, 1.6))
    assert read(text(), unit="m").positions[0, 0].tolist() == [100, 200, 300]
    for options in ({"unit": "mile"}, {"up": "W"}):
        with pytest.raises(MotionFileError, match="is no"):
            read(text(), **options)


def test_up_is_told_from_legs_alone(read):
    with pytest.warns(FormatWarning, match="stands up along Z"):
        read(standing(2).replace("LFHD", "LASI").replace("RFHD", "RASI"))


def test_up_is_told_from_frames_that_show_both_ends_of_the_body(read):
    """Somebody walks ten metres; the head is seen on the way in, the feet to the end."""
    rows = standing(2, frames=200).split("\n")
    late = [line if not line or int(line.split("\t")[0]) < 40 else _without_head(line) for line in rows[6:]]
    with pytest.warns(FormatWarning, match="stands up along Z"):
        assert read("\n".join(rows[:6] + late)).provenance["source"]["up"] == "Z"


def _without_head(line):
    cells = line.split("\t")
    return "\t".join(cells[:2] + [""] * 6 + cells[8:])


@settings(max_examples=25)
@given(
    places=arrays(np.float64, (4, 3, 3), elements=st.floats(-20, 20).filter(lambda x: x == 0 or abs(x) > 1e-6)),
    gaps=arrays(bool, (4, 3)),
    fps=st.sampled_from([Fraction(60000, 1001), 100, 30, Fraction(125, 2), 1000]),
    unit=st.sampled_from(["mm", "cm", "m", "inch"]),
)
def test_what_is_written_is_read_again(tmp_path_factory, places, gaps, fps, unit):
    places[(places == 0).all(axis=-1)] = 1.0
    places[gaps] = np.nan
    markers = Markers(("a b", "*2", "S:c"), places, fps)
    path = tmp_path_factory.mktemp("trc") / "markers.trc"
    formats.save_markers(markers, path, unit=unit)
    again = formats.load_markers(path, up="Y")
    assert again.names == markers.names and again.fps == markers.fps
    np.testing.assert_allclose(again.positions, markers.positions, atol=1e-9)


def test_opensims_own_parser_would_find_its_columns(tmp_path):
    """The layout of its guide: names over their X columns, the blank sixth line, one cell for each number."""
    path = tmp_path / "walk.trc"
    formats.save_markers(Markers(("a", "b"), np.array(PLACES), 50), path)
    lines = path.read_text().split("\n")
    assert lines[3].split("\t") == ["Frame#", "Time", "a", "", "", "b", "", ""]
    assert lines[4].split("\t") == ["", "", "X1", "Y1", "Z1", "X2", "Y2", "Z2"]
    assert lines[5] == "" and [float(cell) for cell in lines[7].split("\t")] == [2, 0.02, 110, 210, 310, 410, 510, 610]


def test_nothing_is_written_where_nothing_can_be(tmp_path):
    markers = Markers(("a", "b"), np.array(PLACES), 50)
    with pytest.raises(OutputError):
        formats.save_markers(markers, tmp_path / "walk.bvh")
    with pytest.raises(OutputError, match="each by its own name"):
        formats.save_markers(markers, tmp_path / "walk.trc", format="c3d")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        formats.save_markers(markers, tmp_path / "file" / "walk.trc")


@settings(max_examples=150)
@given(data=st.data())
def test_a_broken_file_gives_markers_or_one_sentence(tmp_path_factory, data):
    content = bytearray(text().encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.mktemp("trc") / "walk.trc"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        try:
            assert formats.load_markers(path).positions.shape[2] == 3
        except MotionFileError as error:
            assert "\n" not in str(error)


def test_all_shared_files_hold_markers(test_data):
    held = {"blanks": (464, 40, 250), "crlf": (10, 41, 60), "nans": (427, 42, 100), "walk1": (151, 41, 60)}
    for name, (frames, count, fps) in held.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormatWarning)
            markers = formats.load_markers(test_data / "markers" / f"{name}.trc")
        assert (len(markers), len(markers.names), markers.fps) == (frames, count, fps)
        assert 1.4 < np.nanmax(markers.positions[..., 1]) < 2.0  # somebody stands, in metres
