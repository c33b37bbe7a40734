"""Files that are cut off, scrambled or lie about themselves: read, or refused in one sentence, and never trusted."""

import io
import re
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphics_ml import formats
from graphics_ml.errors import MotionFileError
from graphics_ml.formats import bodies
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_axis_angle
from tests.formats.test_asf import MOTION, SKELETON

pytestmark = pytest.mark.filterwarnings("ignore::graphics_ml.errors.FormatWarning")
BODIES = {"amass": "smplh", "smplx": "smplx", "soma": "soma", "humanml3d": "humanml3d", "npz": "smpl", "bvh": "smpl"}
MOST = 64 << 20  # bytes; the whole files hold less than a tenth of a megabyte


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """{format: (name of the file, its bytes)} of small whole files, beside which 07.asf lies for the .amc."""
    folder, held = tmp_path_factory.mktemp("whole"), {}
    random = np.random.default_rng(0)
    for name, body in BODIES.items():
        skeleton = bodies.skeleton(body)
        turns = quaternion_from_axis_angle(random.normal(scale=0.3, size=(5, len(skeleton), 3)))
        out = folder / f"{name}{formats.extension_of(name)}"
        formats.save(Motion(skeleton, turns, random.normal(size=(5, 3)), 30), out, name)
        held[name] = (out.name, out.read_bytes())
    held["asf"] = ("07_01.amc", MOTION.encode())
    held["asf skeleton"] = ("07.asf", SKELETON.encode())
    return held


def read(folder, whole, kind, content):
    """Load a file of this content; gives the motion, or the sentence it was refused with."""
    (folder / "07.asf").write_text(SKELETON)
    (folder / "07_01.amc").write_text(MOTION)
    (folder / whole[kind][0]).write_bytes(content)
    tracemalloc.start()
    try:
        return formats.load(folder / ("07_01.amc" if kind.startswith("asf") else whole[kind][0]))
    except MotionFileError as error:
        assert "\n" not in str(error) and len(str(error)) < 500
        return str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST


KINDS = (*BODIES, "asf", "asf skeleton")


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_cut_off(tmp_path, whole, kind):
    content = whole[kind][1]
    assert isinstance(read(tmp_path, whole, kind, content), Motion)
    refused = [isinstance(read(tmp_path, whole, kind, content[:end]), str) for end in _places(len(content), 25)]
    assert sum(refused) > 20  # a text may end anywhere in its last blanks or number


@pytest.mark.parametrize("kind", KINDS)
def test_files_with_scrambled_bytes(tmp_path, whole, kind):
    random = np.random.default_rng(1)
    for _ in range(25):
        content = bytearray(whole[kind][1])
        for place in random.integers(0, len(content), size=random.integers(1, 6)):
            content[place] = random.integers(256)
        read(tmp_path, whole, kind, bytes(content))


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_something_else(tmp_path, whole, kind):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("poses.npy", "no array")
    for content in (
        b"",
        b"\0" * 1000,
        b"\xff" * 1000,
        b"PK\x03\x04",
        b"\x93NUMPY",
        b"{}",
        archive.getvalue(),
        MOTION.encode()[:40],
    ):
        assert isinstance(read(tmp_path, whole, kind, content), str)


@pytest.mark.parametrize("kind", [kind for kind in BODIES if kind not in ("bvh", "humanml3d")])
def test_archives_whose_headers_claim_more_than_they_hold(tmp_path, whole, kind):
    """A header that claims a terabyte, arrays of objects, and an archive that unpacks to more than it says."""
    with zipfile.ZipFile(io.BytesIO(whole[kind][1])) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    for name, content in members.items():
        for lie in (
            _claiming(content, "(100000000000,)"),
            _claiming(content, "(100000, 100000, 100000)"),
            _of_objects(content),
        ):
            if lie != content:
                packed = io.BytesIO()
                with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                    for other, held in members.items():
                        archive.writestr(other, lie if other == name else held)
                read(tmp_path, whole, kind, packed.getvalue())


def test_a_npy_file_whose_header_claims_more_than_it_holds(tmp_path, whole):
    content = whole["humanml3d"][1]
    for shape in ("(10000000000, 263)", "(6, 263)", "(4, 263)", "(-5, 263)", "(5, 263.0)"):
        assert isinstance(read(tmp_path, whole, "humanml3d", _claiming(content, shape)), str), shape
    assert isinstance(read(tmp_path, whole, "humanml3d", _of_objects(content)), str)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.one_of(
            st.sampled_from([*MOTION.splitlines(), "3", "4", "root 1 2 3", "# a comment", ""]), st.text(max_size=30)
        ),
        max_size=20,
    )
)
def test_any_lines_are_a_motion_or_refused(tmp_path, whole, lines):
    read(tmp_path, whole, "asf", "\n".join(lines).encode("utf-8", "replace"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(len(SKELETON.splitlines()))),
    count=st.integers(0, len(SKELETON.splitlines())),
    more=st.text(max_size=40),
)
def test_any_lines_are_a_skeleton_or_refused(tmp_path, whole, order, count, more):
    lines = SKELETON.splitlines()
    mixed = [*lines[:count], more, *(lines[place] for place in order[:5]), *lines[count:]]
    read(tmp_path, whole, "asf skeleton", "\n".join(mixed).encode("utf-8", "replace"))


def _places(length, count):
    return sorted({round(step * (length - 1) / count) for step in range(count)})


def _claiming(content, shape):
    """An array's bytes with another shape in its header, padded to the same length."""
    head = int.from_bytes(content[8:10], "little")
    text = content[10 : 10 + head].decode("latin-1")
    lie = re.sub(r"'shape': \([^)]*\)", f"'shape': {shape}", text).rstrip()
    return content[:10] + lie.ljust(head - 1)[: head - 1].encode("latin-1") + b"\n" + content[10 + head :]


def _of_objects(content):
    return content.replace(b"'<f8'", b"'|O' ", 1).replace(b"'<f4'", b"'|O' ", 1)
