import re

import pytest

pytest.importorskip("lightning")

from graphics_ml.errors import FileError
from graphics_ml.training.recipe import LEARNERS, learner_class, our_recipes, read_recipe
from tests.training.toy import write_recipe


def test_what_a_recipe_leaves_out_has_its_default(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_text('learner = "toy"\n[model]\nwidth = 7\n')
    recipe = read_recipe(path)
    assert recipe.learner.model.width == 7 and recipe.learner.model.dropout == 0.1
    assert recipe.as_plain()["training"]["epochs"] == recipe.training.epochs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('learner = "tory"', "nothing learns 'tory'; did you mean 'toy'?"),
        ("[model]", "does not say what is learned"),
        ('learner = "toy"\n[modell]', "no key 'modell'; did you mean 'model'?"),
        ('learner = "toy"\nmodel = 3', "'model' must be a table [model]"),
        (
            'learner = "toy"\n[training]\nepoch = 3',
            "the table [training] has no setting 'epoch'; did you mean 'epochs'?",
        ),
        ('learner = "toy"\n[training]\nbatch = 0', "batch is 0, but must be at least 1"),
        ('learner = "toy"\n[model]\nwidth = "wide"', "width is 'wide', but must be a whole number"),
        ("learner = ", "not a TOML recipe"),
    ],
)
def test_a_wrong_recipe_is_told_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "toy.toml"
    path.write_text(text)
    with pytest.raises(FileError, match=re.escape(said)) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)


def test_a_missing_recipe_is_told(tmp_path):
    with pytest.raises(FileError, match=r"none\.toml"):
        read_recipe(tmp_path / "none.toml")


def test_sets_of_a_recipe_lie_beside_it_and_those_of_the_job_replace_them(tmp_path):
    path = write_recipe(tmp_path / "toy.toml", data='sets = "here"', more="[data]")
    assert read_recipe(path).learner.data.sets == (str(tmp_path / "here"),)
    assert read_recipe(path, (tmp_path / "there",)).learner.data.sets == (str(tmp_path / "there"),)


def test_our_recipes_are_of_known_learners(tmp_path):
    for name, path in our_recipes().items():
        assert read_recipe(name, (tmp_path,)).path == path
    for name in LEARNERS:
        assert learner_class(name).watched
