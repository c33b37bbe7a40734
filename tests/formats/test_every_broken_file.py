"""Broken files of every format: each is refused in one sentence or read, in bounded time and memory."""

from importlib.util import find_spec

import pytest

from graphics_ml import formats
from tests.formats import broken

NEEDED = {"c3d": "ezc3d", **dict.fromkeys(broken.BLENDERS, "bpy")}
# What no format can make sense of.
HOPELESS = (
    "nothing in it",
    "cut off behind 17 bytes",
    "cut off behind 30%",
    "only zeros",
    "only ones",
    "another file's content",
    "some text",
    "a line of a million characters",
    "a million blanks",
    "a folder",
    "not there",
    "a pipe",
    "a device without an end",
)
# What loses nothing.
HARMLESS = ("its last byte lost", "lines of Windows", "something behind it")


@pytest.fixture(scope="module")
def fates(tmp_path_factory):
    """For each format {what is wrong: its fate}; Blender's share a process, and so do the others."""
    folder = tmp_path_factory.mktemp("broken")
    found = {name: {} for name in broken.FORMATS}
    possible = [name for name in found if find_spec(NEEDED.get(name, "numpy"))]
    for group in (set(possible) - set(broken.BLENDERS), set(possible) & set(broken.BLENDERS)):
        for fate in broken.examined(folder, sorted(group)):
            name, _, what = fate["name"].partition(": ")
            found[name][what] = fate
    return found


@pytest.fixture(params=broken.FORMATS)
def of_format(request, fates):
    if not fates[request.param]:
        pytest.skip(f"{NEEDED[request.param]} is not installed")
    return fates[request.param]


def test_every_format_is_among_them():
    known = {*formats.names(), *(extension[1:] for extension in formats.marker_extensions())}
    also = {"gltf", "usda", "usdc", "usdz"}  # which Blender reads as it does .glb and .usd
    assert known - also <= set(broken.FORMATS)


def test_each_is_refused_in_one_sentence_or_read(of_format):
    fine = ("refused", "loaded", "loaded with a warning")
    strange = [one for one in of_format.values() if one["fate"] not in fine and not _brings_blender_down(one)]
    assert not strange


def test_the_unbroken_file_is_read_and_what_no_one_can_read_is_refused(of_format):
    assert of_format[broken.GOOD]["frames"] == broken.FRAMES
    assert not [of_format[what] for what in HOPELESS if what in of_format and of_format[what]["fate"] != "refused"]


def test_frames_do_not_get_lost_in_silence(of_format):
    for what, one in of_format.items():
        scrambled = "flipped" in what or "huge number" in what  # a number may have become another
        if (one["fate"] == "loaded" and not scrambled) or what in HARMLESS:
            assert one["frames"] in (None, broken.FRAMES), one


def test_there_are_more_than_two_hundred(fates):
    assert sum(map(len, fates.values())) > 200


def _brings_blender_down(one):
    """A .blend is Blender's memory as it was: it follows the addresses and counts in one without looking."""
    return one["name"].startswith("blend:") and "flipped" in one["name"] and one["fate"].startswith("died")
