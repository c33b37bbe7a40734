import pytest

from graphics_ml.training.recipe import LEARNERS


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(LEARNERS, "toy", "tests.training.toy:ToyLearner")
