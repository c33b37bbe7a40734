import numpy as np
import webdataset

from graphics_ml.datasets.frame import save_labels
from graphics_ml.datasets.pictures import save_picture
from graphics_ml.datasets.shards import write_shards
from tests.datasets.frames_made import made_frame


def test_webdataset_reads_the_shards(tmp_path):
    frames = [made_frame(index) for index in (0, 2, 3, 9, 11)]
    _keep(frames, tmp_path)
    paths = write_shards(tmp_path, "train", [frame.index for frame in frames], frames_per_shard=2)
    assert [path.name for path in paths] == ["train-000000.tar", "train-000001.tar", "train-000002.tar"]
    samples = list(webdataset.WebDataset([str(path) for path in paths], shardshuffle=False).decode("rgb8"))
    assert [sample["__key__"] for sample in samples] == [frame.name for frame in frames]
    for sample, frame in zip(samples, frames, strict=True):
        np.testing.assert_array_equal(sample["png"], frame.picture)
        assert sample["json"]["parameters"]["lights"]["name"] == "Säule"
        np.testing.assert_array_equal(sample["npz"]["instances"], frame.instances)


def test_a_longer_set_keeps_its_full_shards(tmp_path):
    _keep([made_frame(index) for index in range(5)], tmp_path)
    before = [path.read_bytes() for path in write_shards(tmp_path, "train", [0, 1, 2], 2)]
    after = [path.read_bytes() for path in write_shards(tmp_path, "train", [0, 1, 2, 3, 4], 2)]
    assert after[0] == before[0] and len(after) == 3


def _keep(frames, folder):
    for frame in frames:
        save_labels(frame, folder)
        save_picture(frame.picture, folder, frame.index)
