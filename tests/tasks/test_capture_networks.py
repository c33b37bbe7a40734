"""A capture by our own networks, as far as it can be told apart from any other."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning")

from graphics_ml.cli import main
from graphics_ml.jobs import Capture
from graphics_ml.pose import network_detector
from graphics_ml.pose.lifter import lift, lift_with_detector
from graphics_ml.tasks.capture import _lifter
from tests.pose.test_lifter import seen, waving
from tests.pose.videos import make_film, numbered


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.mp4"
    make_film(path, [numbered(n) for n in range(3)])
    return path


@pytest.mark.parametrize(
    ("options", "missing"), [(("--detector", "graphics-ml"), "pose_2d"), (("--lifter", "graphics-ml"), "lifter")]
)
def test_without_weights_a_capture_says_how_to_get_some(film, tmp_path, capsys, monkeypatch, options, missing):
    monkeypatch.setattr(network_detector, "OURS", tmp_path / "none")
    before = sorted(tmp_path.iterdir())
    assert main(["capture", str(film), "-o", str(tmp_path / "out.bvh"), *options, "--weights", str(tmp_path)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{missing}.safetensors: there are no weights of this network" in said
    assert f"graphics-ml train {missing}" in said
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("detector", "metric"), [("mediapipe", True), ("graphics-ml", False)])
def test_the_lifter_shares_with_a_detector_that_has_places_of_its_own(detector, metric):
    places = waving()
    detections = seen(
        places, world=places - places.mean(axis=1, keepdims=True) if metric else np.full_like(places, np.nan)
    )
    job = Capture(video=(Path("film.mp4"),), output=Path("out.bvh"), detector=detector, lifter="graphics-ml")
    placed = _lifter(job, None)(detections)
    np.testing.assert_array_equal(placed.world, lift_with_detector(detections).world)
    assert np.array_equal(placed.world, lift(detections).world) != metric
