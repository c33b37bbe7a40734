import numpy as np
import OpenEXR
import pytest

from graphics_ml.datasets.exr import load_exr, save_exr
from graphics_ml.datasets.frame import DataSetError
from tests.datasets.frames_made import made_frame


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    frame, path = made_frame(), tmp_path_factory.mktemp("exr") / "000000.exr"
    save_exr(frame, path)
    return frame, path


def test_what_was_written_reads_back_equal(written):
    frame, path = written
    read = load_exr(path)
    for name in ("picture", "depth", "flow", "instances", "parts"):
        assert read[name].dtype == getattr(frame, name).dtype
        np.testing.assert_array_equal(read[name], getattr(frame, name))
    np.testing.assert_array_equal(read["normals"], frame.normals.astype(np.float16).astype(np.float32))


def test_all_values_of_eight_bits_come_back(tmp_path):
    frame = made_frame(size=(16, 16))
    every = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None], 3, axis=2)
    save_exr(frame.replace(picture=every), tmp_path / "every.exr")
    np.testing.assert_array_equal(load_exr(tmp_path / "every.exr")["picture"], every)


def test_channels_have_the_types_that_other_programs_see(written):
    with OpenEXR.File(str(written[1]), separate_channels=True) as file:
        kinds = {name: channel.pixels.dtype.name for name, channel in file.channels().items()}
    assert {kinds[name] for name in ("R", "G", "B", "normals.X")} == {"float16"}
    assert {kinds[name] for name in ("Z", "flow.X", "flow.Y")} == {"float32"}
    assert {kinds[name] for name in ("instances.id", "parts.id")} == {"uint32"}


def test_the_same_frame_gives_the_same_bytes(written, tmp_path):
    save_exr(written[0], tmp_path / "again.exr")
    assert (tmp_path / "again.exr").read_bytes() == written[1].read_bytes()


def test_what_a_frame_has_not_is_left_out(tmp_path):
    save_exr(made_frame().replace(picture=None, flow=None), tmp_path / "a.exr")
    assert set(load_exr(tmp_path / "a.exr")) == {"depth", "normals", "instances", "parts"}


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_broken_file_is_said_in_a_sentence(written, tmp_path, content):
    path = tmp_path / "broken.exr"
    path.write_bytes(written[1].read_bytes()[:700] if content is None else content)
    with pytest.raises(DataSetError, match=r"broken.exr: this is no whole .exr"):
        load_exr(path)
