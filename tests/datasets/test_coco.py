import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from graphics_ml.datasets.coco import image_id, image_of, whole_body_of, write_coco
from graphics_ml.datasets.frame import VISIBLE
from graphics_ml.jobs import MOST_FRAMES
from graphics_ml.keypoints import WHOLE_BODY
from tests.datasets.frames_made import made_frame


@pytest.fixture(scope="module")
def frames():
    return [made_frame(index, people=index % 4, size=(120, 160)) for index in range(8)]


@pytest.fixture(scope="module")
def path(frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("coco") / "people_train.json"
    write_coco(frames, path, [f"{frame.name}.png" for frame in frames])
    return path


@pytest.fixture(scope="module")
def loaded(path):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_decodes_the_masks_that_were_seen(frames, loaded):
    for frame in frames:
        entry = image_of(frame, f"{frame.name}.png")
        assert loaded.loadImgs(entry["id"]) == [entry]
        annotations = loaded.loadAnns(loaded.getAnnIds(entry["id"]))
        seen = [person for person in frame.people if (frame.instances == person.instance).any()]
        assert len(annotations) == len(seen)
        for annotation, person in zip(annotations, seen, strict=True):
            mask = loaded.annToMask(annotation).astype(bool)
            np.testing.assert_array_equal(mask, frame.instances == person.instance)
            assert annotation["area"] == mask.sum()
            left, top, width, height = annotation["bbox"]
            rows, columns = np.nonzero(mask)
            assert (left, top, left + width, top + height) == (
                columns.min(),
                rows.min(),
                columns.max() + 1,
                rows.max() + 1,
            )


@pytest.mark.parametrize("kind", ["keypoints", "segm", "bbox"])
def test_the_truth_scored_against_itself_is_perfect(loaded, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        found = loaded.loadRes([one | {"score": 1.0} for one in loaded.dataset["annotations"]])
        evaluation = COCOeval(loaded, found, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_a_shifted_truth_is_not_perfect(loaded):
    shifted = [
        one | {"score": 1.0, "keypoints": (np.array(one["keypoints"]) + 15).tolist()}
        for one in loaded.dataset["annotations"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(loaded, loaded.loadRes(shifted), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] < 0.5


def test_the_whole_body_stands_in_the_fields_of_coco_wholebody(frames, loaded):
    for annotation in loaded.dataset["annotations"]:
        frame = next(one for one in frames if image_id(one.data_set, one.index) == annotation["image_id"])
        person = next(one for one in frame.people if annotation["id"] == annotation["image_id"] + one.instance)
        marks = whole_body_of(annotation)
        assert marks.shape == (len(WHOLE_BODY), 3)
        np.testing.assert_array_equal(marks[:, 2], person.visibility)
        labelled = person.visibility > 0
        # COCO's readers take keypoints for indices of pixels, whose middles are half a pixel on.
        np.testing.assert_allclose(marks[labelled, :2] + 0.5, person.keypoints[labelled], atol=6e-4)
        assert (marks[~labelled] == 0).all()
        lengths = {
            "keypoints": 3 * 17,
            "foot_kpts": 3 * 6,
            "face_kpts": 3 * 68,
            "lefthand_kpts": 3 * 21,
            "righthand_kpts": 3 * 21,
        }
        assert {name: len(annotation[name]) for name in lengths} == lengths
        for group in ("foot", "face", "lefthand", "righthand"):
            assert annotation[f"{group}_valid"] is (max(annotation[f"{group}_kpts"][2::3]) > 0)


def test_hidden_and_unlabelled_keypoints_are_counted_as_coco_does(loaded):
    for annotation in loaded.dataset["annotations"]:
        flags = annotation["keypoints"][2::3]
        assert annotation["num_keypoints"] == sum(flag > 0 for flag in flags)
        assert set(flags) <= {0, 1, VISIBLE}


def test_ids_stay_when_a_set_is_extended_and_never_meet_those_of_another(path, tmp_path):
    longer, other = tmp_path / "longer.json", tmp_path / "other.json"
    write_coco([made_frame(i, 2) for i in range(12)], longer, map(str, range(12)))
    write_coco([made_frame(i, 2, data_set="f" * 16) for i in range(12)], other, map(str, range(12)))
    files = [json.loads(one.read_text()) for one in (path, longer, other)]
    for key in ("images", "annotations"):
        _, extended, apart = ({one["id"] for one in file[key]} for file in files)
        assert len(extended) == len(files[1][key])
        assert extended.isdisjoint(apart) and 0 not in extended | apart
    before, after = ({one["file_name"][:6]: one["id"] for one in file["images"]} for file in files[:2])
    assert before.items() <= {name.zfill(6): number for name, number in after.items()}.items()


def test_the_largest_id_is_exact_as_a_float():
    largest = image_id("f" * 16, MOST_FRAMES - 1) + 63
    assert int(float(largest)) == largest < 2**53
    with pytest.raises(ValueError, match="at most"):
        image_id("f" * 16, MOST_FRAMES)
