import dataclasses

import numpy as np
import pytest

pytest.importorskip("lightning")
import torch

from graphics_ml.images.augment import mapped
from graphics_ml.pose.person_boxes import (
    BoxData,
    BoxLearner,
    BoxModel,
    apart,
    fitted_map,
    generalised_overlap,
    overlap,
)
from tests.pose.drawn_people import drawn_set
from tests.pose.learned_by_heart import batch_of, learned_by_heart

SMALL = BoxModel(size=96, widths=(16, 24, 32, 48), blocks=(1, 1, 1, 1), head=32)


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    folder = drawn_set(tmp_path_factory.mktemp("drawn"), {"train": 6, "val": 2, "test": 2}, people=2)
    return BoxLearner(BoxData(sets=(folder,)), SMALL)


def test_people_in_six_pictures_are_learned_by_heart(learner):
    network, batch = learned_by_heart(learner, 120, 3e-3)
    with torch.inference_mode():
        figures = learner.figures(network, batch)
    assert float(figures["agreement"].mean()) == 1.0
    assert float(figures["overlap"].mean()) > 0.8


def test_every_weight_has_a_slope(learner):
    network, batch = learner.network(), batch_of(learner.splits().train)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.constant_(module.weight, 0.5)
    learner.loss(network, batch).backward()
    assert all(one.grad is not None and float(one.grad.abs().max()) > 0 for one in network.parameters())


def test_boxes_go_with_the_picture_however_it_is_changed(learner):
    samples, rng, seen = learner.splits().train, np.random.default_rng(0), 0
    for _ in range(60):
        drawn = samples.draw(0, rng)
        for left, top, right, bottom in drawn["box"].round().astype(int):
            if right - left < 20 or bottom - top < 20 or min(left, top) < 8 or max(right, bottom) > 88:
                continue
            picture = drawn["picture"].astype(float).std(axis=2) + drawn["picture"].astype(float).mean(axis=2)
            rough = np.abs(np.diff(picture, axis=0))
            inside = rough[top + 2 : bottom - 2, left + 2 : right - 2].mean()
            seen += inside > rough[:, max(0, left - 7) : left - 2].mean()
    assert seen >= 15


def test_nobody_is_asked_for_in_an_empty_picture(learner):
    samples = BoxLearner(dataclasses.replace(learner.data, empty=1.0), SMALL).splits().train
    drawn = [samples.draw(0, np.random.default_rng(seed)) for seed in range(8)]
    assert not any(one["box"].any() or one["cut"].any() for one in drawn)
    batch = {name: torch.stack([torch.as_tensor(one[name]) for one in drawn]) for name in drawn[0]}
    assert torch.isfinite(learner.loss(learner.network(), batch))


def test_overlaps_are_those_of_areas_counted_on_a_grid():
    rng = np.random.default_rng(1)
    corners = np.sort(rng.integers(0, 20, (40, 2, 2, 2)), axis=2).reshape(40, 2, 4)
    a, b = (torch.from_numpy(corners[:, which]).float() for which in (0, 1))
    y, x = np.mgrid[:20, :20] + 0.5
    for one, other, iou, giou in zip(a, b, overlap(a, b), generalised_overlap(a, b), strict=True):
        masks = [(x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3]) for box in (one.numpy(), other.numpy())]
        union = (masks[0] | masks[1]).sum()
        low, high = torch.minimum(one, other)[:2], torch.maximum(one, other)[2:]
        hull = float((high - low).prod())
        expected = (masks[0] & masks[1]).sum() / max(union, 1e-9)
        assert float(iou) == pytest.approx(expected, abs=1e-6)
        if hull:
            assert float(giou) == pytest.approx(expected - (hull - union) / hull, abs=1e-5)


def test_of_boxes_on_one_person_the_best_is_kept():
    boxes = torch.tensor([[0, 0, 10, 10], [1, 0, 11, 10], [30, 0, 40, 10], [0, 0, 10, 5]], dtype=torch.float32)
    assert apart(boxes, torch.tensor([0.6, 0.9, 0.7, 0.5])).tolist() == [1, 2, 3]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1088, 1920), (50, 50)])
def test_all_of_a_picture_is_fitted_in(width, height):
    corners = mapped(np.array([[0, 0], [width, height]], float), fitted_map(np.zeros((height, width, 3)), 320))
    assert np.allclose(corners.mean(axis=0), 160)
    assert np.ptp(corners, axis=0).max() == pytest.approx(320)
    assert np.ptp(corners[:, 0]) / np.ptp(corners[:, 1]) == pytest.approx(width / height)
