"""Broken motion files of every format, made here, and a process that reads them under a limit on memory and time.

    python -m tests.formats.broken FOLDER [FORMAT...]

writes them into a folder and prints a line of JSON for each: its name, what happened ("refused", "loaded", "loaded with
a warning", or what should not be), the sentence, the frames and the seconds it took. `examined` runs that in a process
of its own, because Blender's importers may bring theirs down, and goes on behind a file that did.
"""

import faulthandler
import io
import json
import os
import re
import struct
import subprocess
import sys
import time
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, GraphicsMLError
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import normalize, quaternion_from_euler
from graphics_ml.motion.skeleton import EndSite, Skeleton

MEMORY = 2 << 30  # bytes that reading may take beside what the process has after its imports
SECONDS = 60  # far more than any of these small files needs, even on a busy machine
GOOD = "nothing wrong"
BLENDERS = ("fbx", "glb", "usd", "usda", "usdc", "usdz", "blend")
MARKERS = ("c3d", "trc")
FRAMES = 12


def examined(folder: Path, names) -> list[dict]:
    """What becomes of the broken files of these formats, one dictionary a file; a process that died is such a fate."""
    fates, skip = [], 0
    while True:
        command = [sys.executable, "-m", "tests.formats.broken", str(folder), *names, f"--skip={skip}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, errors="replace")
        lines = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("FATE: ")]
        begun = [line[7:] for line in done.stdout.splitlines() if line.startswith("BEGUN: ")]
        fates += lines
        if done.returncode == 0:
            return fates
        if len(begun) == len(lines):
            raise RuntimeError(f"the reading process failed ({done.returncode}): {done.stderr[-2000:]}")
        fate = "hung" if "Timeout" in done.stderr else f"died with exit code {done.returncode}"
        fates.append(dict(name=begun[-1], fate=fate, said=done.stderr[-600:], frames=None, seconds=0))
        skip += len(begun)


def main(folder: str, *words: str) -> None:
    """Make and read the broken files of the formats named, or of all."""
    skip = next((int(word[7:]) for word in words if word.startswith("--skip=")), 0)
    names = [word for word in words if not word.startswith("--")] or FORMATS
    todo = [one for name in names for one in files_of(name, Path(folder))]
    _limit_memory()
    for name, path in todo[skip:]:
        print(f"BEGUN: {name}", flush=True)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        print("FATE: " + json.dumps(dict(name=name, **_fate(path))), flush=True)
        faulthandler.cancel_dump_traceback_later()


def files_of(name: str, folder: Path) -> list[tuple[str, Path]]:
    """The broken files of a format as (what is wrong, path), written below `folder`; a file already there is kept."""
    extension, good = _good(name, folder)
    variants = {GOOD: good, **dict(_of_any(good)), **dict(_SPECIAL[name](good) if name in _SPECIAL else {})}
    found = []
    for number, (what, content) in enumerate(variants.items()):
        path = folder / f"{name}_{number}{extension}"
        if not path.exists():
            path.write_bytes(content)
            if name == "asf":
                path.with_suffix(".asf").write_bytes(ASF)
        found.append((f"{name}: {what}", path))
    return found + [(f"{name}: {what}", path) for what, path in _not_files(folder, name, extension)]


def _good(name, folder):
    extension, make = _GOOD[name]
    path = folder / f"good_{name}{extension}"
    if not path.exists():
        make(path)
    return extension, path.read_bytes()


def _fate(path):
    begun, frames = time.perf_counter(), None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            load = formats.load_markers if path.suffix[1:] in MARKERS else formats.load
            motion = load(path)
            fate, sentence = "loaded", ""
            frames = len(motion if isinstance(motion, Motion) else motion.positions)
        except GraphicsMLError as error:
            sentence = str(error)
            fate = "refused" if sentence and "\n" not in sentence else "refused in several lines"
        except MemoryError:
            fate, sentence = "wanted too much memory", ""
        except BaseException as error:
            fate, sentence = "raised", f"{type(error).__name__}: {error}"
    if fate == "loaded" and any(one.category is FormatWarning for one in said):
        fate = "loaded with a warning"
    strange = [str(one.message) for one in said if one.category is RuntimeWarning]
    if strange and fate != "raised":
        fate, sentence = f"{fate}, but said: {strange[0]}", sentence
    return dict(fate=fate, said=sentence[:300], frames=frames, seconds=round(time.perf_counter() - begun, 2))


def _limit_memory():
    """Let this process have MEMORY bytes more than now, on Linux."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


def _of_any(good):
    """What can happen to any file."""
    size = len(good)
    yield "nothing in it", b""
    for count in (1, 4, 17, 100, 513):
        yield f"cut off behind {count} bytes", good[: min(count, size - 1)]
    for part in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield f"cut off behind {part:.0%}", good[: int(size * part)]
    yield "its last byte lost", good[:-1]
    yield "its first byte lost", good[1:]
    yield "zeros in the middle", _over(good, size // 2, bytes(min(400, size // 4)))
    yield "ones in the middle", _over(good, size // 2, b"\xff" * min(400, size // 4))
    yield "zeros behind the head", _over(good, min(64, size // 4), bytes(min(64, size // 4)))
    yield "only zeros", bytes(size)
    yield "only ones", b"\xff" * min(size, 5000)
    yield "twice in one file", good + good
    yield "something behind it", good + b"\0garbage" * 20
    yield "lines of Windows", good.replace(b"\n", b"\r\n")
    yield "as UTF-16", b"\xff\xfe" + good[:4000].decode("latin-1").encode("utf-16-le")
    yield "another file's content", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
    yield "some text", b"This is not the file that its name promises.\n" * 30
    yield "a line of a million characters", b"x" * 1_000_000
    yield "a million blanks", b" " * 1_000_000
    random = np.random.default_rng(0)
    for seed in range(8):
        flipped, count = np.frombuffer(good, np.uint8).copy(), (1, 3, 20, 200)[seed % 4]
        flipped[random.integers(0, size, count)] ^= np.uint8(1) << random.integers(0, 8, count).astype(np.uint8)
        yield f"{count} bits flipped, {seed}", flipped.tobytes()
        at = int(random.integers(4, min(512, size - 4)))
        yield f"a huge number at byte {at}", _over(good, at, struct.pack("<I", (0x7FFFFFFF, 0xFFFFFFFF)[seed % 2]))


def _not_files(folder, name, extension):
    path = folder / f"{name}_folder{extension}"
    path.mkdir(exist_ok=True)
    yield "a folder", path
    yield "not there", folder / f"{name}_nowhere{extension}"
    if os.name == "posix":
        path = folder / f"{name}_pipe{extension}"
        if not path.exists():
            os.mkfifo(path)
        yield "a pipe", path
        path = folder / f"{name}_zero{extension}"
        if not path.is_symlink():
            path.symlink_to("/dev/zero")
        yield "a device without an end", path


def _over(good, at, bytes_):
    return good[:at] + bytes_ + good[at + len(bytes_) :]


def _bvh(good):
    text = good.decode()
    head, frames = text.split("MOTION")
    row = frames.splitlines()[-1]

    def with_number(word):
        return (text[: text.rindex(row)] + word + row[row.index(" ") :]).encode()

    yield "more frames announced than a disk holds", text.replace("Frames: 12", "Frames: 999999999").encode()
    yield "frames beyond any number", text.replace("Frames: 12", "Frames: " + "9" * 400).encode()
    yield "fewer than no frames", text.replace("Frames: 12", "Frames: -12").encode()
    yield (
        "no frames",
        (text[: text.index("Frame Time")] + "Frame Time: 0.1\n").replace("Frames: 12", "Frames: 0").encode(),
    )
    for time_ in ("0", "-1", "nan", "inf", "1e-300", "1e300", "1e999999999", "soon"):
        yield f"a frame of {time_} seconds", re.sub("Frame Time: .*", f"Frame Time: {time_}", text).encode()
    for word in (
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1e308",
        "-1e308",
        "0x10",
        "1_000",
        "١",
        "1" * 5000,
        "1e-400",
        "--1",
        ".",
    ):
        yield f"the number {word[:9]}", with_number(word)
    deep = 60_000
    yield (
        "joints without an end",
        ("HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\n" + "JOINT a\n{\nOFFSET 0 0 0\n" * deep).encode(),
    )
    yield (
        "joints within joints",
        ("HIERARCHY\nROOT a{OFFSET 0 0 0 CHANNELS 0\n" + "JOINT b{OFFSET 0 0 0\n" * 9000 + "}" * 9001).encode(),
    )
    yield "offsets not of this world", text.replace("OFFSET 0.000000", "OFFSET 1e308").encode()
    yield "offsets that are no numbers", text.replace("OFFSET 0.000000", "OFFSET nan").encode()
    yield "a channel twice", text.replace("Xrotation Yrotation", "Xrotation Xrotation", 1).encode()
    yield "more channels than there are", text.replace("CHANNELS 3", "CHANNELS 99999999999", 1).encode()
    yield "two roots", (head + head.replace("HIERARCHY", "") + "MOTION" + frames).encode()
    yield "a brace too many", (head + "}\nMOTION" + frames).encode()
    yield "a brace too few", (head.rstrip().rstrip("}") + "\nMOTION" + frames).encode()
    yield "names that are not UTF-8", good.replace(b"spine", b"sp\xff\xfene")
    yield "NUL in a name", good.replace(b"spine", b"sp\0ne")
    yield "NUL among the numbers", _over(good, good.rindex(b".") - 1, b"\0")
    yield "one line of a million numbers", good[: good.rindex(b"\n", 0, -1) + 1] + b"1 " * 1_000_000


def _npy(good, shapes=((10**12,), (2**62, 2**62), (-1, 263), (0, 263), (10**18, 0), (3, 4, 5, 6), (10**9, 263))):
    """Headers of .npy that lie."""
    for shape in shapes:
        yield (
            f"an array said to be {shape}",
            _npy_head(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}") + good[128:],
        )
    for descr in ("|O", "<f16", "<c16", "<M8[s]", "<V1000000000", "<U2000000000", "nonsense", "[('a', '<f8')]"):
        quoted = descr if descr.startswith("[") else f"'{descr}'"
        yield (
            f"an array of {descr}",
            _npy_head(f"{{'descr': {quoted}, 'fortran_order': False, 'shape': (12, 263), }}") + good[128:],
        )
    yield "a header that is a program", _npy_head("__import__('os').system('echo no')") + good[128:]
    yield "a header of brackets", _npy_head("(" * 9000) + good[128:]
    yield "a header longer than the file", b"\x93NUMPY\x02\x00" + struct.pack("<I", 0x7FFFFFF0) + good[12:]
    yield "a version to come", b"\x93NUMPY\x09\x00" + good[8:]
    for value in (np.nan, np.inf, 1e38):
        array = np.load(io.BytesIO(good)).copy()
        array[5, 100] = value
        yield f"{value} within", _saved(array)
    yield "numbers that are whole", _saved(np.ones((12, 263), np.int64))
    yield "one number", _saved(np.float32(1))
    yield "another width", _saved(np.zeros((12, 262), np.float32))


def _npz(good):
    """Members that lie, are missing, or are of another kind."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    for name in members:
        yield f"{name} not in it", _zipped({key: value for key, value in members.items() if key != name})
        for what, content in (
            ("huge", _npy_head("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3), }") + b"1234"),
            ("of objects", _npy_head("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }") + b"\x80\x04N."),
            ("not finite", _saved(np.full((12, 3, 4), np.nan))),
            ("text", _saved(np.array(["no", "such"]))),
            ("empty", _saved(np.zeros((0, 0)))),
        ):
            yield f"{name} {what}", _zipped({**members, name: content})
    first = next(iter(members))
    yield "nothing but a member of zeros", _zipped({first: bytes(300_000_000)}, zipfile.ZIP_DEFLATED)
    zeros = _npy_head("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 3), }") + bytes(1000)
    whole = bytearray(_zipped({**members, first: zeros}))
    at = whole.rindex(b"PK\x01\x02", 0, whole.rindex(first.encode()))
    whole[at + 24 : at + 28] = struct.pack("<I", 0xFFFFFFF0)
    yield "a member larger than its archive", bytes(whole)
    yield "a member twice", _zipped(members) + _zipped(members)
    yield "locked", _zipped(members).replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0")
    yield "an empty archive", _zipped({})
    yield "names that lead outside", _zipped({f"../../{name}": content for name, content in members.items()})


def _asf(good):
    text = good.decode()
    for word in ("nan", "inf", "1e400", "1e308", "x", "--1", ""):
        yield f"the number {word}", text.replace("0.50", word, 1).encode()
    yield "a bone that is not in the skeleton", text.replace("spine", "nose", 1).encode()
    yield "a bone missing in a frame", text.replace("spine 0.50 0.25 0.125\n", "", 1).encode()
    yield "a bone with a number too many", text.replace("0.125\n", "0.125 7\n", 1).encode()
    yield "a bone with a number too few", text.replace(" 0.125\n", "\n", 1).encode()
    yield "frames out of order", text.replace("\n3\n", "\n30\n").encode()
    yield "a million frames without anything", (":FULLY-SPECIFIED\n:DEGREES\n" + "1\n" * 1_000_000).encode()
    yield "a keyword of tomorrow", text.replace(":DEGREES", ":QUATERNIONS").encode()
    yield "names that are not UTF-8", good.replace(b"spine", b"sp\xff\xfene")
    yield "NUL in a name", good.replace(b"spine", b"sp\0ne")


def _trc(good):
    text = good.decode()
    for word in ("nan", "inf", "1e400", "x", "--1"):
        yield f"the number {word}", text.replace("100.5", word, 1).encode()
    yield "more frames than a disk holds", text.replace("\t12\t2\tmm", "\t999999999999\t2\tmm").encode()
    yield "more markers than a disk holds", text.replace("\t12\t2\tmm", "\t12\t999999999\tmm").encode()
    yield "fewer than no markers", text.replace("\t12\t2\tmm", "\t12\t-2\tmm").encode()
    yield "a unit nobody knows", text.replace("\tmm\t", "\tfurlong\t").encode()
    for rate in ("0", "-60", "nan", "inf", "1e999", "x"):
        yield f"a rate of {rate}", text.replace("\n60.0\t60.0", f"\n{rate}\t{rate}").encode()
    yield "no markers", text.replace("\tLeft\t\t\tRight\t\t", "").encode()
    yield "a marker twice", text.replace("Right", "Left").encode()
    yield "NUL within", text.replace("\t100.5", "\t\0", 1).encode()
    yield "a row of a million numbers", good + b"1\t" * 1_000_000 + b"\n"


def _c3d(good):
    for at, what in (
        (2, "points"),
        (4, "analog channels"),
        (6, "first frame"),
        (8, "last frame"),
        (16, "data start"),
        (18, "analog samples"),
    ):
        for value in (0, 0x7FFF, 0xFFFF):
            yield f"{value} {what}", _over(good, at, struct.pack("<H", value))
    for value in (np.nan, np.inf, 0.0, 1e-30, 1e30):
        yield f"a rate of {value}", _over(good, 20, struct.pack("<f", value))
        yield f"a scale of {value}", _over(good, 12, struct.pack("<f", value))
    for what in (b"LABELS", b"SCALE", b"FRAMES", b"USED", b"DATA_START", b"RATE", b"UNITS"):
        if what in good:
            at = good.index(what) + len(what)
            yield f"{what.decode()} that leads astray", _over(good, at, b"\xff\x7f")
            yield f"{what.decode()} of another kind", _over(good, at + 2, b"\x09\xff")
            yield f"{what.decode()} renamed", good.replace(what, b"Q" * len(what), 1)
            yield f"{what.decode()} with large values", _over(good, at + 2, b"\x02\x02\xff\xff")


def _glb(good):
    length = struct.unpack("<I", good[12:16])[0]
    tree = json.loads(good[20 : 20 + length])

    def with_tree(changed):
        text = json.dumps(changed).encode()
        text += b" " * (-len(text) % 4)
        rest = good[20 + length :]
        return good[:8] + struct.pack("<III", 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest

    for key in ("nodes", "skins", "animations", "accessors", "bufferViews", "buffers", "asset", "scenes"):
        if key in tree:
            yield f"no {key}", with_tree({name: value for name, value in tree.items() if name != key})
            yield f"{key} of another kind", with_tree({**tree, key: 7})
    for count in (-1, 2**31, 10**15):
        yield (
            f"{count} values announced",
            with_tree({**tree, "accessors": [{**one, "count": count} for one in tree["accessors"]]}),
        )
    yield (
        "values beyond the buffer",
        with_tree({**tree, "bufferViews": [{**one, "byteOffset": 10**9} for one in tree["bufferViews"]]}),
    )
    yield (
        "a buffer of petabytes",
        with_tree({**tree, "buffers": [{**one, "byteLength": 10**15} for one in tree["buffers"]]}),
    )
    yield (
        "joints that are not there",
        with_tree({**tree, "skins": [{**one, "joints": [10**6]} for one in tree.get("skins", [])]}),
    )
    yield (
        "a node that is its own child",
        with_tree({**tree, "nodes": [{**one, "children": [0]} for one in tree["nodes"]]}),
    )
    yield "a tree without an end", good[:20] + b"[" * length + good[20 + length :]


def _usda(_):
    yield "text of another version", b"#usda 9.9\n"
    yield (
        "text cut off",
        b'#usda 1.0\n(\n    upAxis = "Y"\n)\ndef SkelRoot "a" {\n def Skeleton "s" {\n uniform token[] joints = ["a", ',
    )
    yield "braces", b"#usda 1.0\n" + b'def "a" {\n' * 3000
    yield "a file within itself", b"#usda 1.0\n(\n subLayers = [@./usd_0.usd@, @/dev/zero@, @./nowhere.usd@]\n)\n"


def _npy_head(text):
    body = text.encode() + b" " * max(0, 117 - len(text)) + b"\n"
    if len(body) < 65536:
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(body)) + body


def _saved(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def _zipped(members, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, compression)
    return content.getvalue()


def a_motion(skeleton: Skeleton | None = None) -> Motion:
    """A short motion of a skeleton, or of one of three joints."""
    if skeleton is None:
        names, ends = ("hips", "spine", "head"), (EndSite(2, [0, 0.2, 0]),)
        skeleton = Skeleton(names, (-1, 0, 1), [[0, 0, 0], [0, 0.5, 0], [0, 0.4, 0]], end_sites=ends)
    random = np.random.default_rng(0)
    angles = np.cumsum(random.normal(size=(FRAMES, len(skeleton), 3)) * 0.05, axis=0)
    root = np.cumsum(random.normal(size=(FRAMES, 3)) * 0.01, axis=0)
    root[:, 1] += 0.9
    return Motion(skeleton, normalize(quaternion_from_euler(angles, "ZXY")), root, Fraction(30))


def _on(body, name):
    def make(path):
        from graphics_ml.formats import bodies

        formats.save(a_motion(bodies.skeleton(body)), path, name)

    return make


def _plain(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        formats.save(a_motion(), path)


ASF = b""":version 1.10
:name test
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name spine
    direction 0 1 0
    length 5
    axis 0 0 0 XYZ
    dof rx ry rz
  end
  begin
    id 2
    name neck
    direction 0 1 0
    length 3
    axis 0 0 0 XYZ
    dof rx
  end
:hierarchy
  begin
    root spine
    spine neck
  end
"""


def _amc(path):
    path.with_suffix(".asf").write_bytes(ASF)
    rows = "".join(f"{n}\nroot 0 17 {n} 0 0 0\nspine 0.50 0.25 0.125\nneck {n}\n" for n in range(1, FRAMES + 1))
    path.write_text(":FULLY-SPECIFIED\n:DEGREES\n" + rows)


def _trc_file(path):
    head = (
        "PathFileType\t4\t(X/Y/Z)\tgood.trc\n"
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
        f"60.0\t60.0\t{FRAMES}\t2\tmm\t60.0\t1\t{FRAMES}\n"
        "Frame#\tTime\tLeft\t\t\tRight\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n\n"
    )
    rows = (f"{n + 1}\t{n / 60:.4f}\t100.5\t{900 + n}\t3\t-100.25\t{800 + n}\t4\n" for n in range(FRAMES))
    path.write_text(head + "".join(rows))


def _c3d_file(path):
    import ezc3d

    c3d = ezc3d.c3d()
    c3d["parameters"]["POINT"]["RATE"]["value"] = [60]
    c3d["parameters"]["POINT"]["LABELS"]["value"] = ("LEFT", "RIGHT", "TOP")
    c3d["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    points = np.ones((4, 3, FRAMES))
    points[:3] = np.random.default_rng(0).normal(size=(3, 3, FRAMES)) * 100
    c3d["data"]["points"] = points
    c3d.write(str(path))


def _usdz_file(path):
    """A .usdc in an archive that does not press it and begins it at a multiple of 64 bytes."""
    inner = path.with_suffix(".usdc")
    _plain(inner)
    member = zipfile.ZipInfo("a.usdc", (1980, 1, 1, 0, 0, 0))
    member.extra = struct.pack("<HH", 0x1986, 24) + bytes(24)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, inner.read_bytes())


_GOOD = {
    "bvh": (".bvh", _plain),
    "npz": (".npz", _plain),
    "amass": (".npz", _on("smplh", "amass")),
    "smplx": (".npz", _on("smplx", "smplx")),
    "soma": (".npz", _on("soma", "soma")),
    "humanml3d": (".npy", _on("humanml3d", "humanml3d")),
    "asf": (".amc", _amc),
    "trc": (".trc", _trc_file),
    "c3d": (".c3d", _c3d_file),
    "fbx": (".fbx", _plain),
    "glb": (".glb", _plain),
    "usd": (".usd", _plain),
    "usda": (".usda", _plain),
    "usdc": (".usdc", _plain),
    "usdz": (".usdz", _usdz_file),
    "blend": (".blend", _plain),
}
_SPECIAL = {
    "bvh": _bvh,
    "npz": _npz,
    "amass": _npz,
    "smplx": _npz,
    "soma": _npz,
    "humanml3d": _npy,
    "asf": _asf,
    "trc": _trc,
    "c3d": _c3d,
    "glb": _glb,
    "usd": _usda,
    "usda": _usda,
}
FORMATS = tuple(
    name for name, (extension, _) in _GOOD.items() if extension in (*formats.extensions(), *formats.marker_extensions())
)

if __name__ == "__main__":
    main(*sys.argv[1:])
