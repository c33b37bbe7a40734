from dataclasses import fields

import numpy as np
import pytest

from graphics_ml.datasets.frame import DataSetError, box_of_mask, label_paths, load_labels, save_labels
from tests.datasets.frames_made import made_frame


def test_labels_read_back_as_they_were(tmp_path):
    frame = made_frame(7)
    save_labels(frame, tmp_path)
    read = load_labels(tmp_path, 7)
    assert (read.name, read.split, read.clip, read.data_set) == ("000007", "train", 7, frame.data_set)
    assert read.parameters["lights"] == frame.parameters["lights"]
    assert np.array_equal(read.next_camera.position, frame.next_camera.position)
    for mask in ("instances", "parts"):
        assert np.array_equal(getattr(read, mask), getattr(frame, mask))
    for was, now in zip(frame.people, read.people, strict=True):
        for one in fields(was):
            np.testing.assert_array_equal(getattr(now, one.name), getattr(was, one.name))
    assert load_labels(tmp_path, 7, masks=False).instances is None


def test_the_same_frame_gives_the_same_bytes(tmp_path):
    first = [path.read_bytes() for path in save_labels(made_frame(3), tmp_path / "a")]
    assert first == [path.read_bytes() for path in save_labels(made_frame(3), tmp_path / "b")]


def test_an_array_of_another_shape_is_named():
    frame = made_frame()
    with pytest.raises(ValueError, match=r"depth of a frame has the shape \(47, 64\), not \(48, 64\)"):
        frame.replace(depth=frame.depth[1:])
    with pytest.raises(ValueError, match="parts of a frame must be uint8"):
        frame.replace(parts=frame.parts + 250.5)


def test_two_people_of_one_number_are_refused():
    frame = made_frame()
    with pytest.raises(ValueError, match="same instance"):
        frame.replace(people=(frame.people[0],) * 2)


@pytest.mark.parametrize("broken", ["no file", "half", "not JSON", "other JSON", "arrays cut", "array missing"])
def test_broken_labels_are_said_in_a_sentence(tmp_path, broken):
    frame = made_frame()
    save_labels(frame, tmp_path)
    text, arrays = label_paths(tmp_path, frame.index)
    if broken == "no file":
        text.unlink()
    elif broken == "half":
        text.write_bytes(text.read_bytes()[:300])
    elif broken == "not JSON":
        text.write_bytes(b"\x00\xff")
    elif broken == "other JSON":
        text.write_text('{"format": "another", "people": []}')
    elif broken == "arrays cut":
        arrays.write_bytes(arrays.read_bytes()[:1000])
    else:
        np.savez(arrays, person_1_box=np.zeros(4))
    with pytest.raises(DataSetError) as caught:
        load_labels(tmp_path, frame.index)
    assert str(caught.value).startswith(str(tmp_path)) and "\n" not in str(caught.value)


def test_a_box_holds_the_pixels_of_its_mask():
    mask = np.zeros((10, 12), bool)
    mask[3, 4] = mask[5, 9] = True
    assert box_of_mask(mask).tolist() == [4, 3, 6, 3]
    assert box_of_mask(np.zeros((4, 4), bool)).tolist() == [0, 0, 0, 0]
