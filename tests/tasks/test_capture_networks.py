"""A capture by our own networks, as far as it can be told apart from any other."""

import pytest

pytest.importorskip("lightning")

from graphics_ml.cli import main
from graphics_ml.pose import network_detector
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
