import pytest

pytest.importorskip("lightning")

from graphics_ml.cli import main
from graphics_ml.jobs import Train, read_job
from graphics_ml.manifest import alone_in
from graphics_ml.tasks.train import run_folder
from graphics_ml.training.recipe import LEARNERS
from graphics_ml.training.weights import load_weights
from tests.training.toy import write_recipe


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setitem(LEARNERS, "toy", "tests.training.toy:ToyLearner")
    return write_recipe(tmp_path / "toy.toml", epochs=6)


def test_a_recipe_becomes_weights_with_card_curves_and_job_file(recipe, tmp_path, capsys):
    out = tmp_path / "made" / "toy.safetensors"
    assert main(["train", str(recipe), "-o", str(out), "--device", "cpu"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "of 6 (all epochs were done); error" in said
    assert {one.name for one in out.parent.iterdir()} == {
        "toy.safetensors",
        "toy.md",
        "toy.curves.png",
        "toy.safetensors.job.toml",
    }
    weights = load_weights(out, "toy")
    assert weights.results["test"]["error"] > 0
    assert "| test |" in weights.card and "points, drawn" in weights.card and "width = 32" in weights.card
    assert read_job(out.with_name("toy.safetensors.job.toml")) == Train(recipe=recipe, output=out, device="cpu")


def test_a_card_says_with_which_weights_a_run_began_and_not_where_they_lay(recipe, tmp_path):
    first, again = tmp_path / "first.safetensors", tmp_path / "again.safetensors"
    assert main(["train", str(recipe), "-o", str(first), "--device", "cpu"]) == 0
    further = write_recipe(tmp_path / "further.toml", epochs=1, more=f'start = "{first.name}"')
    assert main(["train", str(further), "-o", str(again), "--device", "cpu"]) == 0
    cards = [load_weights(path, "toy").card for path in (first, again)]
    assert ["it began with the weights first.safetensors" in card for card in cards] == [False, True]
    assert not any(str(tmp_path) in card for card in cards)


def test_a_stopped_run_says_how_to_go_on_and_goes_on(recipe, tmp_path, capsys):
    out = tmp_path / "toy.safetensors"
    assert main(["train", str(recipe), "-o", str(out), "--minutes", "0.01", "--device", "cpu"]) == 0
    first = " ".join(capsys.readouterr().err.split())
    if "can go on" in first:  # six epochs can be done within the shortest limit
        assert main(["train", str(recipe), "-o", str(out), "--device", "cpu"]) == 2
        assert "go on with resume" in " ".join(capsys.readouterr().err.split())
    assert main(["train", str(recipe), "-o", str(out), "--resume", "--device", "cpu"]) == 0
    assert not out.with_name("toy.run").exists()


def test_two_runs_never_write_into_one_folder(recipe, tmp_path, capsys):
    out = tmp_path / "toy.safetensors"
    run_folder(out).mkdir()
    with alone_in(run_folder(out)):
        assert main(["train", str(recipe), "-o", str(out), "--device", "cpu"]) == 2
    assert "another run writes into this folder" in " ".join(capsys.readouterr().err.split())


def test_a_recipe_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["train", "pose_2", "-o", str(tmp_path / "x.safetensors")]) == 2
    assert "there is no such recipe" in " ".join(capsys.readouterr().err.split())
