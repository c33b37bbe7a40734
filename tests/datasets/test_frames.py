import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from graphics_ml.datasets.crops import NobodyError, PersonCrops, crops_of, pack_crops
from graphics_ml.datasets.exr import exr_path, save_exr
from graphics_ml.datasets.frame import DataSetError, save_labels
from graphics_ml.datasets.frames import FrameSet, batch_of_people
from graphics_ml.datasets.pictures import load_picture, save_picture
from graphics_ml.datasets.splits import read_splits, shared_between_splits, write_splits
from tests.datasets.frames_made import made_frame

SPLITS = {"train": [0, 1, 2, 5], "val": [3], "test": [4]}


@pytest.fixture(scope="module")
def frames():
    splits = {index: split for split, indices in SPLITS.items() for index in indices}
    return [made_frame(index, people=1 + index % 3, split=splits[index], size=(96, 128)) for index in range(6)]


@pytest.fixture(scope="module")
def folder(frames, tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    for frame in frames:
        save_labels(frame, folder)
        save_picture(frame.picture, folder, frame.index)
        save_exr(frame, exr_path(folder, frame.index))
    write_splits(SPLITS, folder)
    return folder


def test_a_split_has_its_frames_whole(frames, folder):
    chosen = FrameSet(folder, "train", dense=True)
    assert [frame.index for frame in chosen] == SPLITS["train"]
    for name in ("picture", "depth", "flow", "instances", "parts"):
        np.testing.assert_array_equal(getattr(chosen[3], name), getattr(frames[5], name))
    assert len(FrameSet(folder)) == 6
    with pytest.raises(ValueError, match="did you mean 'train'"):
        FrameSet(folder, "trian")


def test_torch_loads_batches_in_processes_of_its_own(frames, folder):
    loader = DataLoader(FrameSet(folder, "train"), batch_size=4, collate_fn=batch_of_people, num_workers=1)
    (batch,) = loader
    chosen = [frames[index] for index in SPLITS["train"]]
    assert batch["pictures"].shape == (4, 96, 128, 3)
    people = [person for frame in chosen for person in frame.people]
    assert batch["keypoints"].shape == (len(people), 133, 2)
    for place, person in zip(batch["frame"], people, strict=True):
        assert person in chosen[place].people


def test_a_missing_picture_is_said(folder):
    with pytest.raises(DataSetError, match="no picture of frame 77"):
        load_picture(folder, 77)


def test_a_crop_shows_what_its_labels_say(frames):
    """A keypoint's place in the crop leads back to its place in the frame, and its colour there is the same."""
    for frame in frames:
        smooth = np.kron(np.arange(48).reshape(6, 8) * 5, np.ones((16, 16))).astype(np.uint8)
        frame = frame.replace(picture=np.repeat(smooth[..., None], 3, axis=2))
        for crop in crops_of(frame, size=200):
            person = next(one for one in frame.people if one.instance == crop.instance)
            np.testing.assert_allclose(crop.keypoints / crop.scale + crop.corner, person.keypoints, atol=1e-9)
            np.testing.assert_allclose(crop.box[:2] / crop.scale + crop.corner, person.box[:2], atol=1e-9)
            side = person.box[2:].max()
            np.testing.assert_allclose(crop.box[2:].max(), 200 / 1.6)
            assert crop.mask.sum() == pytest.approx(frame.mask(person).sum() * (200 / 1.6 / side) ** 2, rel=0.15)
            for x, y in [(40, 40), (100, 100), (150, 60)]:
                at = np.array([x + 0.5, y + 0.5]) / crop.scale + crop.corner
                block = at % 16
                if ((at > 0) & (at < [128, 96])).all() and (abs(block - 8) < 6).all():
                    shown = frame.picture[tuple(at.astype(int))[::-1]]
                    assert abs(int(crop.picture[y, x, 0]) - int(shown[0])) <= 1


def test_packed_crops_make_batches(frames, tmp_path):
    count = pack_crops(frames, tmp_path / "train.npz", size=96)
    packed = PersonCrops(tmp_path / "train.npz")
    crops = [crop for frame in frames for crop in crops_of(frame, 96)]
    assert count == len(packed) == len(crops)
    for one, crop in zip(packed, crops, strict=True):
        np.testing.assert_array_equal(one["mask"], crop.mask)
        np.testing.assert_allclose(one["keypoints"], crop.keypoints, atol=1e-3)
        assert abs(one["picture"].astype(float) - crop.picture).mean() < 20  # made of noise, which JPEG keeps worst
    batch = next(iter(DataLoader(packed, batch_size=5)))
    assert batch["picture"].shape == (5, 96, 96, 3) and batch["picture"].dtype == torch.uint8
    assert batch["keypoints_camera"].shape == (5, 133, 3)
    pack_crops(frames, tmp_path / "again.npz", size=96)
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "train.npz").read_bytes()


def test_frames_without_people_make_no_crops(tmp_path):
    with pytest.raises(NobodyError, match="nobody"):
        pack_crops([made_frame(people=0)], tmp_path / "none.npz")
    assert not (tmp_path / "none.npz").exists()


def test_a_cut_file_of_crops_is_said(frames, tmp_path):
    path = tmp_path / "train.npz"
    pack_crops(frames, path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataSetError, match="no whole file of crops"):
        PersonCrops(path)


def test_splits_that_share_nothing_pass(frames):
    assert shared_between_splits([_renamed(frame, f"{frame.split} {{}}") for frame in frames]) == {}


@pytest.mark.parametrize("axis", ["character", "motion", "clip"])
def test_what_two_splits_share_is_named(frames, axis):
    frames = [_renamed(frame, f"{frame.split} {{}}") for frame in frames]
    if axis == "clip":
        frames = [frame.replace(clip=7) for frame in frames]
    else:
        frames = [_renamed(frame, "the same", axis) if frame.index in (0, 3) else frame for frame in frames]
    shared = shared_between_splits(frames)
    assert list(shared) == [axis] and ["train", "val"] in [splits[:2] for splits in shared[axis].values()]


@pytest.mark.parametrize(
    "splits", [[], {"train": [1]}, {"train": [1], "val": [1], "test": []}, {"train": ["1"], "val": [], "test": []}]
)
def test_broken_splits_are_said(tmp_path, splits):
    (tmp_path / "splits.json").write_text(json.dumps(splits))
    with pytest.raises(DataSetError, match=r"splits.json"):
        read_splits(tmp_path)


def _renamed(frame, name, *axes):
    axes = axes or ("character", "motion")
    people = tuple(type(one)(**vars(one) | {axis: name.format(one.instance) for axis in axes}) for one in frame.people)
    return frame.replace(people=people)
