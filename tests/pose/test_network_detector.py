import math

import numpy as np
import pytest

pytest.importorskip("lightning")
import torch

from graphics_ml.errors import FileError
from graphics_ml.images.augment import inverse_map, mapped, region_map, warped
from graphics_ml.jobs import as_plain
from graphics_ml.keypoints import BLAZEPOSE
from graphics_ml.pose import network_detector
from graphics_ml.pose.detection import LANDMARKS, Region
from graphics_ml.pose.keypoint_network import Found, KeypointModel, KeypointNetwork
from graphics_ml.pose.network_detector import NetworkDetector
from graphics_ml.pose.person_boxes import BoxModel, BoxNetwork
from graphics_ml.training.weights import Weights, save_weights
from tests.pose.drawn_people import COLOURS, drawn_frame

POSE = KeypointModel(size=64, widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1), head=8)
BOX = BoxModel(size=96, widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1), head=8)


def save(folder, seed=0):
    torch.manual_seed(seed)
    for name, kind, network, model in (
        ("pose_2d", "pose 2d", KeypointNetwork, POSE),
        ("person_boxes", "person boxes", BoxNetwork, BOX),
    ):
        tensors = network(model).state_dict()
        save_weights(folder / f"{name}.safetensors", Weights(kind, as_plain(model), tensors, "# Card\n", {}))
    return folder


@pytest.fixture
def weights(tmp_path):
    return save(tmp_path)


class Eyes:
    """Finds the discs of drawn people by their colours, in place of a network that has learned to."""

    model = KeypointModel(size=256)

    def find(self, crops):
        pixels = crops[0].permute(1, 2, 0).numpy() * 64 + 127.5
        points, seen = np.zeros((len(LANDMARKS), 2)), np.zeros(len(LANDMARKS))
        for at, colour in enumerate(COLOURS):
            near = np.abs(pixels - colour).max(-1) < 12
            if near.sum() >= 2:
                rows, columns = np.nonzero(near)
                points[at], seen[at] = (np.median(columns) + 0.5, np.median(rows) + 0.5), 1.0
        chances = torch.from_numpy(seen)[None]
        return Found(torch.from_numpy(points)[None], chances, chances, chances)


@pytest.mark.parametrize("turn", [0.0, 0.6])
def test_landmarks_come_back_to_where_they_are_in_the_picture(weights, monkeypatch, turn):
    frame = drawn_frame(4, "train", "somebody", size=192, hide=False)
    truth = frame.people[0].keypoints[list(BLAZEPOSE)]
    spun = region_map((96.0, 96.0), 192.0, turn, 192)
    picture, truth = warped(frame.picture, spun, 192).astype(np.uint8), mapped(truth, spun)
    monkeypatch.setattr(network_detector, "_loaded", lambda name, path: Eyes())
    detector = NetworkDetector(weights=weights)
    pose = detector.pose(picture, Region(96.0, 96.0, 230.0, -turn))
    seen = pose.visibility > 0.5
    assert seen.sum() >= 25  # some discs lie over others
    assert np.median(np.linalg.norm(pose.keypoints - truth, axis=1)[seen]) < 2.5
    assert np.isnan(pose.depth).all() and np.isnan(pose.world).all()


def test_the_next_region_is_around_the_person_and_upright():
    rng = np.random.default_rng(0)
    upright = rng.uniform(0, 1, (len(LANDMARKS), 2)) * (40, 100)
    upright[[11, 12]], upright[[23, 24]] = [(10, 20), (30, 20)], [(12, 60), (28, 60)]
    for turn in (0.0, 1.0, -2.5):
        points = mapped(upright, inverse_map(region_map((70.0, 50.0), 100.0, turn, 100)))
        region = network_detector.next_region(points, np.ones(len(points)), Region(0, 0, 150, 0.3))
        assert math.remainder(region.rotation - turn, math.tau) == pytest.approx(0, abs=1e-6)
        inside = mapped(points, region_map((region.x, region.y), region.size, region.rotation, 1))
        assert inside.min() > 0.05 and inside.max() < 0.95
    some = np.where(np.arange(len(points)) < 3, 1.0, 0.0)  # too few to tell
    kept = network_detector.next_region(points, some, Region(0, 0, 150, 0.3))
    assert kept.rotation == 0.3


def test_weights_from_a_file_find_what_the_network_finds(weights):
    detector = NetworkDetector(presence=0.0, certainty=0.0, weights=weights)
    picture = drawn_frame(0, "train", "somebody", size=96).picture
    region = Region(48.0, 48.0, 96.0, 0.0)
    pose = detector.pose(picture, region)
    assert pose.keypoints.shape == (33, 2) and np.isfinite(pose.keypoints).all()
    assert ((pose.presence > 0) & (pose.presence < 1)).all()
    people = detector.find(picture)
    assert people and [one.score for one in people] == sorted((one.score for one in people), reverse=True)


def test_other_weights_are_another_version(tmp_path):
    versions = set()
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        versions.add(NetworkDetector(weights=save(tmp_path / str(seed), seed)).version)
    assert len(versions) == 2


def test_missing_weights_say_how_to_train_them(tmp_path, monkeypatch):
    monkeypatch.setattr(network_detector, "OURS", tmp_path / "none")
    with pytest.raises(
        FileError, match=r"no weights of this network; train them on a rendered data set: graphics-ml train pose_2d"
    ):
        NetworkDetector(weights=tmp_path)


def test_weights_of_another_network_are_refused(weights):
    (weights / "person_boxes.safetensors").write_bytes((weights / "pose_2d.safetensors").read_bytes())
    with pytest.raises(FileError, match="are of 'pose 2d', but 'person boxes' is needed"):
        NetworkDetector(weights=weights).load()
