import numpy as np
import pytest

pytest.importorskip("lightning")
import torch

from graphics_ml.images.resnet import as_input, folded
from graphics_ml.pose.detection import LANDMARKS, MIRRORED
from graphics_ml.pose.keypoint_data import _MIRRORED, made_from
from graphics_ml.pose.keypoint_network import KeypointData, KeypointLearner, KeypointModel, calibration, places_of
from tests.pose.drawn_people import drawn_set
from tests.pose.learned_by_heart import batch_of, learned_by_heart

SMALL = KeypointModel(size=64, widths=(16, 24, 32, 48), blocks=(1, 1, 1, 1), head=32, bell=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return drawn_set(tmp_path_factory.mktemp("drawn"), {"train": 8, "val": 3, "test": 2})


@pytest.fixture
def learner(folder):
    return KeypointLearner(KeypointData(sets=(folder,)), SMALL)


def test_eight_crops_are_learned_by_heart(learner):
    network, batch = learned_by_heart(learner, 150, 4e-3)
    with torch.inference_mode():
        figures = learner.figures(network, batch)
        again = learner.figures(folded(network), batch)
    assert float(figures["pck"].nanmean()) > 0.99
    assert float(figures["visible_right"].nanmean()) > 0.95
    assert torch.allclose(figures["error"], again["error"], atol=1e-4, equal_nan=True)


def test_every_weight_has_a_slope(learner):
    network, batch = learner.network(), batch_of(learner.splits().train)
    for module in network.modules():  # a block begins as its short cut, and what it scales by 0 has no slope yet
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.constant_(module.weight, 0.5)
    torch.nn.init.normal_(network.chances, std=0.1)
    learner.loss(network, batch).backward()
    assert all(one.grad is not None and float(one.grad.abs().max()) > 0 for one in network.parameters())


def test_the_place_is_the_mean_around_the_likeliest_cell():
    truth = torch.tensor([[[13.3, 40.9], [60.2, 1.5]]])  # pixels, of 16 cells of 4
    cells = torch.arange(16) + 0.5
    x, y = (-0.5 * ((cells - truth[..., at, None] / 4) / 1.0) ** 2 for at in (0, 1))
    found = places_of(y[..., :, None] + x[..., None, :])
    assert torch.allclose(found[0, 0], truth[0, 0], atol=0.1)
    assert torch.allclose(found[0, 1], truth[0, 1], atol=2.0)  # at the edge the bell is cut off


def test_the_loss_is_zero_only_where_all_is_known(learner):
    batch = batch_of(learner.splits().train)

    class Oracle(torch.nn.Module):
        calibration = torch.tensor([[1.0, 0.0]] * 3)

        def forward(self, crops):
            cells = torch.arange(16) + 0.5
            x, y = (-0.5 * ((cells - batch["points"][..., at, None] / 4) / SMALL.bell) ** 2 for at in (0, 1))
            places = y[..., :, None] + x[..., None, :]
            truths = torch.stack([batch["present"], batch["visible"], batch["present"]], dim=-1)
            return places + shift, torch.where(truths, 20.0, -20.0)

    shift = 0.0
    assert float(learner.loss(Oracle(), batch)) < 1e-4
    shift = torch.randn(16, 16)
    assert float(learner.loss(Oracle(), batch)) > 0.05


def test_a_flipped_crop_has_its_landmarks_on_the_other_side(learner):
    assert tuple(_MIRRORED) == MIRRORED
    samples = learner.splits().train
    plain = samples.draw(0, None)
    assert plain["present"].all() and len(plain["points"]) == len(LANDMARKS)
    rng = np.random.default_rng(0)
    colours = plain["picture"][tuple(plain["points"].astype(int).T[::-1])].astype(float)
    seen = 0
    for _ in range(40):
        drawn = samples.draw(0, rng)
        inside = drawn["points"][drawn["visible"]].astype(int)
        after = drawn["picture"][tuple(inside.T[::-1])].astype(float)
        if drawn["visible"].sum() < 20:
            continue
        # Whichever way it was turned and lit, colours at landmarks go with those they had, of this side or the other.
        fits = [
            np.corrcoef(after.ravel(), colours[order][drawn["visible"]].ravel())[0, 1]
            for order in (np.arange(len(colours)), np.array(MIRRORED))
        ]
        seen += max(fits) > 0.5
    assert seen > 10


def test_drawn_crops_depend_on_the_generator_alone(learner):
    one, other = (learner.splits().train.draw(3, np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_splits_know_their_characters_and_motions(learner):
    splits = learner.splits()
    assert splits.val.sources == {"character one of val of abcdef0", "motion walk/val.bvh"}
    assert not splits.train.sources & splits.test.sources
    assert splits.made_from["characters and motions"] == "3 of them from files, such as the motion walk/test.bvh"
    ours = made_from((), frozenset({"character procedural/1 of abcdef0", "motion invented/7 of abcdef0"}))
    assert ours == {"characters and motions": "all drawn and invented by graphics_ml"}


def test_calibrated_chances_are_as_frequent_as_they_say():
    generator = torch.Generator().manual_seed(3)
    truth = torch.randn(20000, generator=generator) * 2  # real log odds
    happened = torch.rand(20000, generator=generator) < truth.sigmoid()
    scale, shift = calibration(3 * truth + 1.5, happened)  # said with too much certainty, and too high
    assert float(scale) == pytest.approx(1 / 3, rel=0.05)
    assert float(shift) == pytest.approx(-0.5, abs=0.05)
    assert calibration(torch.randn(5), torch.ones(5, dtype=torch.bool)).tolist() == [1.0, 0.0]


def test_a_finished_network_is_no_surer_than_it_may_be(learner):
    torch.manual_seed(1)
    network, batch = learner.network().eval(), batch_of(learner.splits().train)
    with torch.inference_mode():
        learner.finish(network, [batch])
        found = network.find(as_input(batch["picture"]))
    # Nothing is learned yet: each chance is about as often true as all are.
    assert float(found.visible.mean()) == pytest.approx(float(batch["visible"].float().mean()), abs=0.05)
