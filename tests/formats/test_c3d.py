"""C3D files: bytes put together here as the format's guide says, files that ezc3d writes, and broken ones."""

import os
import struct
import subprocess
import sys
import warnings
from fractions import Fraction

import ezc3d
import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MissingExtraError, MotionFileError, OutputError
from graphics_ml.motion.markers import Markers

PROCESSORS = {"Intel": 84, "DEC": 85, "MIPS": 86}


def real(value, processor):
    """A 32-bit float as the processor stores it; a VAX's has its words exchanged and an exponent larger by two."""
    if processor == "DEC":
        low_first = struct.pack("<f", value * 4)
        return low_first[2:] + low_first[:2]
    return struct.pack(">f" if processor == "MIPS" else "<f", value)


def made_by_hand(places, processor="Intel", integers=False, labels=("LANK", "C7"), unit="mm", rate=100.0, more=()):
    """The bytes of a C3D file with places (F, M, 3), of which NaN are stored with a residual of -1."""
    order = ">" if processor == "MIPS" else "<"
    frames, count = places.shape[:2]
    scale = 0.05 if integers else -1.0

    def record(group, name, body):
        return struct.pack("bb", len(name), group) + name.encode() + struct.pack(order + "h", 2 + len(body)) + body

    def words(values):
        width = max(map(len, values))
        return bytes((0xFF, 2, width, len(values))) + "".join(v.ljust(width) for v in values).encode() + b"\0"

    def whole(value):
        return struct.pack(order + "bBh", 2, 0, value) + b"\0"

    def floating(value):
        return struct.pack("bB", 4, 0) + real(value, processor) + b"\0"

    records = [
        record(-1, "POINT", b"\0"),
        record(1, "USED", whole(count)),
        record(1, "FRAMES", whole(frames)),
        record(1, "DATA_START", whole(4)),
        record(1, "SCALE", floating(scale)),
        record(1, "RATE", floating(rate)),
        record(1, "LABELS", words(labels)),
        record(1, "UNITS", words([unit])),
        *(record(1, name, words(values)) for name, values in more),
    ]
    parameters = (bytes((1, 0x50, 2, PROCESSORS[processor])) + b"".join(records)).ljust(1024, b"\0")
    header = bytes((2, 0x50)) + struct.pack(order + "5H", count, 0, 1, frames, 0) + real(scale, processor)
    header += struct.pack(order + "2H", 4, 0) + real(rate, processor)
    data = b""
    for place in places.reshape(-1, 3):
        seen = np.isfinite(place).all()
        values = np.where(seen, np.nan_to_num(place), 0.0)
        if integers:
            data += struct.pack(order + "3hh", *(round(v / scale) for v in values), 1 if seen else -1)
        else:
            data += b"".join(real(v, processor) for v in (*values, 0.0 if seen else -1.0))
    return header.ljust(512, b"\0") + parameters + data.ljust(-(-len(data) // 512) * 512, b"\0")


@pytest.fixture
def read(tmp_path):
    def load(content, **options):
        path = tmp_path / "walk.c3d"
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormatWarning)
            return formats.load_markers(path, **options)

    return load


def places(frames=5):
    rng = np.random.default_rng(0)
    values = np.round(rng.uniform(100, 900, (frames, 2, 3)))
    values[2, 0] = np.nan
    return values


def as_ours(values):
    """Z up, millimetres, in our axes."""
    return np.stack((values[..., 0], values[..., 2], -values[..., 1]), axis=-1) / 1000


@pytest.mark.parametrize("integers", [False, True], ids=["floats", "integers"])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_files_of_all_processors_are_read(read, processor, integers):
    markers = read(made_by_hand(places(), processor, integers), up="Z")
    assert markers.names == ("LANK", "C7") and markers.fps == 100
    np.testing.assert_allclose(markers.positions, as_ours(places()), atol=1e-6)
    assert markers.missing.sum() == 1 and np.isnan(markers.residuals[2, 0])


@pytest.mark.parametrize(
    ("written", "metres"), [("mm", 1e-3), ("CM", 1e-2), ("m", 1), ("inches", 0.0254), ("Meters", 1), (" ", 1e-3)]
)
def test_any_unit_becomes_metres(read, written, metres):
    markers = read(made_by_hand(places(), unit=written), up="Y")
    np.testing.assert_allclose(markers.positions, places() * metres, rtol=1e-6)
    np.testing.assert_allclose(read(made_by_hand(places(), unit="ells"), up="Y", unit="cm").positions, places() / 100)
    with pytest.raises(MotionFileError, match="unit 'ells' is not known; load it with unit="):
        read(made_by_hand(places(), unit="ells"))


@pytest.mark.parametrize(
    ("screen", "low", "up"),
    [
        ("+Z", (500, 500, 50), "Z"),
        ("+Y", (500, 50, 500), "Y"),
        ("+X", (50, 500, 500), "X"),
        ("-Z", (500, 500, 50), "Z"),  # as Qualisys writes it: the markers decide on the sign
        ("-Z", (500, 500, 1550), "-Z"),
        (None, (500, 500, 50), "Z"),
        (None, (500, 50, 500), "Y"),
    ],
)
def test_up_is_where_the_file_and_the_body_say(read, screen, low, up):
    body = np.zeros((5, 2, 3))
    body[:, 0], body[:, 1] = low, low
    axis = "XYZ".index(up[-1])
    body[:, 1, axis] += -1400 if up.startswith("-") else 1400
    more = () if screen is None else (("X_SCREEN", ["+X"]), ("Y_SCREEN", [screen]))
    markers = read(made_by_hand(body, more=more))
    assert markers.provenance["source"]["up"] == up
    ankle, neck = markers.positions[0]
    assert neck[1] - ankle[1] == pytest.approx(1.4)
    # Every way of turning up keeps left and right: no mirroring.
    frame = [read(made_by_hand(np.tile(row, (1, 2, 1)) + 1), up=up).positions[0, 0] for row in 1000 * np.eye(3)]
    assert np.linalg.det(np.array(frame) - read(made_by_hand(np.ones((1, 2, 3))), up=up).positions[0, 0]) > 0


def test_a_sample_at_the_origin_was_not_seen(read):
    values = places()
    values[4, 1] = 0
    assert read(made_by_hand(values), up="Z").missing[4, 1]


def written_by_ezc3d(path, points=(), analogs=(), frames=4, labels=None, more=None):
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [100]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(points if labels is None else labels)
    file["data"]["points"] = np.ones((4, len(points), frames)) * np.arange(1, len(points) + 1)[:, None]
    if analogs:
        file["parameters"]["ANALOG"]["RATE"]["value"] = [1000]
        file["parameters"]["ANALOG"]["LABELS"]["value"] = list(analogs)
        file["data"]["analogs"] = np.zeros((1, len(analogs), 10 * frames))
    for name, values in (more or {}).items():
        file.add_parameter("POINT", name, values)
    file.write(str(path))
    return path


def test_a_file_without_points_says_what_it_holds(tmp_path):
    path = written_by_ezc3d(tmp_path / "plates.c3d", analogs=("Fx1", "Fy1", "Fz1", "Mx1", "My1"))
    with pytest.raises(
        MotionFileError, match=r"no markers; only 5 analog channels at 1000 Hz \(Fx1, Fy1, Fz1, Mx1, \.\."
    ):
        formats.load_markers(path)


def test_what_is_listed_as_angles_or_forces_is_no_marker(tmp_path):
    points = ("LANK", "LKneeAngles", "LKneeForce", "C7")
    more = {"ANGLES": ["LKneeAngles"], "FORCES": ["LKneeForce"]}
    path = written_by_ezc3d(tmp_path / "model.c3d", points, more=more)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        markers = formats.load_markers(path)
    assert markers.names == ("LANK", "C7")
    np.testing.assert_allclose(markers.positions[0, :, 0], (0.001, 0.004))


def test_unlabelled_and_repeated_points_get_names(tmp_path):
    path = written_by_ezc3d(tmp_path / "new.c3d", ("a", "b", "c", "d"), labels=("C7", "", "C7", "*4"))
    with pytest.warns(FormatWarning, match="no name of their own"):
        assert formats.load_markers(path, up="Z").names == ("C7", "*2", "C7_2", "*4")


@pytest.mark.parametrize("fps", [Fraction(60000, 1001), Fraction(120), Fraction(30000, 1001), Fraction(125, 2)])
def test_what_is_written_is_read_again(tmp_path, fps):
    rng = np.random.default_rng(1)
    # More labels than one parameter holds.
    names = tuple(f"S:m{k}" for k in range(300))
    positions = rng.normal(size=(4, 300, 3))
    positions[rng.random((4, 300)) < 0.1] = np.nan
    markers = Markers(names, positions, fps)
    formats.save_markers(markers, tmp_path / "many.c3d", unit="m")
    again = formats.load_markers(tmp_path / "many.c3d")
    assert again.names == names and again.fps == fps
    np.testing.assert_allclose(again.positions, positions, atol=4e-7)
    # And ezc3d itself finds them where it should.
    plain = ezc3d.c3d(str(tmp_path / "many.c3d"))
    np.testing.assert_allclose(np.moveaxis(plain["data"]["points"][:3], 0, -1).swapaxes(0, 1), positions, atol=4e-7)
    assert plain["parameters"]["POINT"]["Y_SCREEN"]["value"] == ["+Y"]


def test_c3d_and_trc_hold_the_same(tmp_path):
    rng = np.random.default_rng(2)
    positions = rng.normal(size=(6, 5, 3))
    positions[2:4, 1] = np.nan
    markers = Markers(tuple("abcde"), positions, 200)
    formats.save_markers(markers, tmp_path / "one.c3d")
    formats.save_markers(formats.load_markers(tmp_path / "one.c3d"), tmp_path / "two.trc")
    formats.save_markers(formats.load_markers(tmp_path / "two.trc", up="Y"), tmp_path / "three.c3d")
    again = formats.load_markers(tmp_path / "three.c3d")
    np.testing.assert_allclose(again.positions, positions, atol=4e-7)
    assert again.names == markers.names and again.fps == markers.fps


def test_more_frames_than_the_header_can_count_are_refused_or_told(read, tmp_path):
    long = Markers(("a",), np.ones((65536, 1, 3)), 100)
    with pytest.raises(OutputError, match="can count 65535 frames, not 65536"):
        formats.save_markers(long, tmp_path / "long.c3d")
    formats.save_markers(long.frames(0, 65535), tmp_path / "long.c3d")
    with open(tmp_path / "long.c3d", "ab") as file:
        file.write(bytes(16 * 1000))
    with pytest.warns(FormatWarning, match="room for 66.* frames, of which its header can count 65535"):
        assert len(formats.load_markers(tmp_path / "long.c3d")) == 65535


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path):
    """A limit on the size of files stands in for it, in a process of its own."""
    pytest.importorskip("resource", reason="Windows cannot limit the size of files")
    done = subprocess.run(
        [sys.executable, "-c", FILLING, str(tmp_path / "big.c3d")], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert "is the disk full?" in done.stdout, done.stderr[-500:]
    assert list(tmp_path.iterdir()) == []


FILLING = """
import resource, signal, sys
import numpy as np
from graphics_ml import formats
from graphics_ml.errors import OutputError
from graphics_ml.motion.markers import Markers
markers = Markers(("a", "b"), np.ones((5000, 2, 3)), 100)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    formats.save_markers(markers, sys.argv[1])
except OutputError as error:
    print(error)
"""


def test_without_ezc3d_the_extra_is_named(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(MissingExtraError, match=r"ezc3d is not installed.*\[pose\]"):
        read(made_by_hand(places()))


def test_a_file_cut_off_gives_its_frames_and_says_so(tmp_path):
    content = made_by_hand(places(frames=40))
    path = tmp_path / "cut.c3d"
    path.write_bytes(content[: 1536 + 2 * 16 * 10 + 7])
    with pytest.warns(FormatWarning, match="announces 40 frames; 10 are in it"):
        markers = formats.load_markers(path, up="Z")
    np.testing.assert_allclose(markers.positions, as_ours(places(frames=40)[:10]), atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: b"", "no C3D file"),
        (lambda b: b"c3d" * 400, "no C3D file"),
        (lambda b: b[:600], "broken"),
        (lambda b: b[:1536], "none is in it"),
        (lambda b: b"\xff" + b[1:], "not where its header says"),
        (lambda b: b[:515] + b"\x07" + b[516:], "not where its header says"),
        (lambda b: b.replace(b"POINT", b"PAINT"), "no parameter group POINT"),
        (lambda b: b.replace(b"LABELS", b"LIBELS"), "POINT:LABELS is missing"),
        (
            lambda b: b.replace(b"LABELS", b"LABELS", 1).replace(b"\xff\x02\x04\x02", b"\xff\x02\xff\xff"),
            "beyond the others",
        ),
        (lambda b: b[:2] + b"\xff\xff" + b[4:], "POINT:LABELS2 is missing"),
    ],
)
def test_a_broken_file_is_told_in_one_sentence(read, spoil, said):
    with pytest.raises(MotionFileError, match=said):
        read(spoil(made_by_hand(places())))


SPOILING = """
import random, sys, warnings
from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load_markers
warnings.simplefilter("ignore")
source, place = sys.argv[1:]
whole, chance = open(source, "rb").read(), random.Random(7)
for _ in range(250):
    content = bytearray(whole)
    for _ in range(chance.choice((1, 1, 2, 8))):
        content[chance.randrange(1536)] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    if chance.random() < 0.2:
        del content[chance.randrange(len(content)) :]
    open(place, "wb").write(content)
    try:
        load_markers(place)
    except GraphicsMLError as error:
        assert "\\n" not in str(error)
print("survived")
"""


def test_hundreds_of_broken_files_neither_crash_nor_hang(tmp_path):
    """In a process of its own, because what is guarded against are crashes of the library underneath."""
    (tmp_path / "whole.c3d").write_bytes(
        made_by_hand(places(frames=60), more=(("X_SCREEN", ["+X"]), ("Y_SCREEN", ["+Z"])))
    )
    words = [sys.executable, "-c", SPOILING, str(tmp_path / "whole.c3d"), str(tmp_path / "broken.c3d")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": "."})
    assert done.stdout.endswith("survived\n"), (done.returncode, done.stderr[-500:])


def test_all_shared_files_hold_markers(test_data):
    held = {"FP_Type3": (2, 34, 250), "Optotrak": (29, 54, 30), "Qualisys": (340, 55, 200)}
    for name, (frames, count, fps) in held.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormatWarning)
            markers = formats.load_markers(test_data / "markers" / f"{name}.c3d")
        assert (len(markers), len(markers.names), markers.fps) == (frames, count, fps)
    # Qualisys writes -Z for an up of +Z: the person stands on the floor all the same.
    assert 1.4 < np.nanmax(markers.positions[..., 1]) < 2.0 and np.nanmin(markers.positions[..., 1]) > 0
