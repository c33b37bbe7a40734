"""Scene files: what they may say, what is drawn from them, and what is wrong with the others."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from graphics_ml.blender.scenes.description import Scene, read_scene
from graphics_ml.blender.scenes.distributions import AXES, Quantity, read_distribution, rng_for
from graphics_ml.blender.scenes.pools import SPLITS, Pool, part_of, split_of_clip
from graphics_ml.blender.scenes.sections import SceneError, as_documentation

SCENES = Path(__file__).parents[2] / "scenes"
WHOLE, NUMBER, COLOUR = Quantity(int), Quantity(), Quantity("colour")


def drawn(value, quantity=NUMBER, count=4000):
    rng, distribution = np.random.default_rng(5), read_distribution(value, quantity)
    return np.array([distribution.draw(rng) for _ in range(count)])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"uniform": [2, 6]}, stats.uniform(2, 4)),
        ({"normal": [1.5, 0.2]}, stats.norm(1.5, 0.2)),
        ({"normal": [0, 1], "min": -0.5, "max": 2}, stats.truncnorm(-0.5, 2)),
        ({"log_uniform": [0.01, 10]}, stats.loguniform(0.01, 10)),
    ],
)
def test_what_is_drawn_follows_its_distribution(value, expected):
    assert stats.kstest(drawn(value), expected.cdf).pvalue > 1e-3


def test_whole_numbers_are_drawn_with_both_ends():
    values, counts = np.unique(drawn({"uniform": [1, 4]}, WHOLE), return_counts=True)
    assert values.tolist() == [1, 2, 3, 4]
    assert stats.chisquare(counts).pvalue > 1e-3
    values, counts = np.unique(drawn({"log_uniform": [1, 4]}, WHOLE), return_counts=True)
    shares = np.log([2 / 1, 3 / 2, 4 / 3, 5 / 4]) / np.log(5)
    assert stats.chisquare(counts, shares * counts.sum()).pvalue > 1e-3


def test_choices_are_drawn_by_their_weights_and_may_be_drawn_themselves():
    values = drawn({"choice": [{"uniform": [0, 1]}, 5], "weights": [1, 3]})
    assert np.all((values == 5) | (values <= 1))
    assert stats.binomtest(int((values == 5).sum()), len(values), 0.75).pvalue > 1e-3


def test_colours_are_said_in_two_ways():
    assert read_distribution("#ff0080", COLOUR).always == pytest.approx((1, 0, 128 / 255))
    values = drawn({"uniform": [[0, 0.5, 1], "#00ffff"]}, COLOUR)
    assert values.shape == (4000, 3)
    assert np.all(values[:, 0] == 0) and np.all(values[:, 2] == 1)
    assert stats.kstest(values[:, 1], stats.uniform(0.5, 0.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"uniform": [3, 1]}, "first must be the least"),
        ({"uniform": [0, 11]}, "at most 10"),
        ({"uniform": [1]}, "two values"),
        ({"normal": [1, -1]}, "cannot be negative"),
        ({"normal": [50, 1]}, "hardly ever"),
        ({"normal": [1, 1], "min": 2, "max": 1}, "min must be the least"),
        ({"log_uniform": [0, 1]}, "above 0"),
        ({"choice": []}, "list of values"),
        ({"choice": [1, 2], "weights": [1]}, "2 weights"),
        ({"choice": [1, 2], "weights": [1, -1]}, "negative"),
        ({"choice": [1, 2], "weights": [0, 0]}, "above 0"),
        ({"uniform": [1, 2], "weights": [1, 1]}, "beside uniform"),
        ({"unifrom": [1, 2]}, "did you mean 'uniform'"),
        ({}, "empty table"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        (True, "finite number"),
        ("much", "finite number"),
    ],
)
def test_what_can_never_be_drawn_is_refused(value, said):
    with pytest.raises(ValueError, match=said):
        read_distribution(value, Quantity(max=10))


def write(folder, text):
    path = folder / "scene.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[people]\ncont = 2", r"the table \[people\] has no setting 'cont'; did you mean 'count'\?"),
        ("[poeple]\ncount = 2", "a scene has no setting 'poeple'; did you mean 'people'"),
        ("[people]\ncount = 0", "'people.count' is 0, but must be"),
        ("[people]\ncount = 1.5", "'people.count' is 1.5, but must be a whole number"),
        ("people = 3", r"'people' is 3, but must be a table \[people\]"),
        ('[picture]\nengine = "cycle"', "'picture.engine' is 'cycle'; did you mean 'cycles'"),
        ("[picture]\nwidth = {uniform = [100, 200]}", "'picture.width' is the same in all"),
        ('[characters.files]\nfiles = ["rigs/none.glb"]', "names 'rigs/none.glb', but there is no such file"),
        ('[motions.files]\nfiles = "*.bvh"', "names '.*bvh', but there is no such file"),
        ("[characters.files]\nshare = 1", "'characters.files.files' is missing: rigs"),
        ("[motions.poses]\nshare = 0", r"the table \[motions\] leaves every kind a share of 0"),
        ("[people\n", "not a TOML scene file"),
    ],
)
def test_what_is_wrong_with_a_scene_file_is_said_in_one_sentence(tmp_path, text, said):
    path = write(tmp_path, text)
    with pytest.raises(SceneError, match=said) as caught:
        read_scene(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value).strip()


def test_a_scene_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SceneError, match="cannot be read"):
        read_scene(tmp_path / "none.toml")


def test_files_are_found_from_the_folder_of_the_scene_file(tmp_path, monkeypatch):
    (tmp_path / "rigs").mkdir()
    for name in ("b.glb", "a.glb", "c.fbx"):
        (tmp_path / "rigs" / name).touch()
    path = write(tmp_path, '[characters.files]\nfiles = ["rigs/*.glb", "rigs/b.glb", "rigs/c.fbx"]')
    monkeypatch.chdir(tmp_path.parent)
    found = read_scene(path.relative_to(tmp_path.parent)).characters.files.files
    assert [one.name for one in found] == ["a.glb", "b.glb", "c.fbx"]
    assert all(one.exists() for one in found)


def test_an_empty_scene_file_has_all_defaults(tmp_path):
    scene = read_scene(write(tmp_path, ""))
    assert scene == Scene()
    assert replace(scene) == scene


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.toml")), ids=lambda path: path.name)
def test_our_own_scene_files_can_be_read(path):
    assert isinstance(read_scene(path), Scene)


def test_every_setting_is_documented():
    lines = as_documentation(Scene).splitlines()
    assert len(lines) > 20
    assert all(len(line.split(": ", 1)[1]) > 5 for line in lines)


def test_the_numbers_of_an_axis_depend_on_seed_index_and_axis_alone():
    first = rng_for(0, 7, "cameras").random(4)
    assert np.array_equal(first, rng_for(0, 7, "cameras").random(4))
    for other in ((1, 7, "cameras"), (0, 8, "cameras"), (0, 7, "lights")):
        assert not np.array_equal(first, rng_for(*other).random(4))
    assert len(set(AXES.values())) == len(AXES)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40, 1000])
def test_a_pool_is_cut_into_parts_that_share_nothing(count):
    names = [f"clip {i}" for i in range(count)]
    parts = [part_of(names, 3, split) for split in SPLITS]
    assert all(parts)
    if count < 3:
        assert all(part == list(range(count)) for part in parts)
    else:
        assert sorted(i for part in parts for i in part) == list(range(count))
    if count >= 40:
        for part, share in zip(parts, SPLITS.values(), strict=True):
            assert abs(len(part) - share * count) <= 2


def test_members_of_a_pool_keep_their_split_whatever_their_order():
    names = [f"clip {i}" for i in range(30)]
    test = {names[i] for i in part_of(names, 0, "test")}
    assert {names[::-1][i] for i in part_of(names[::-1], 0, "test")} == test
    assert {names[i] for i in part_of(names, 1, "test")} != test


def test_clips_are_split_by_their_shares():
    splits = [split_of_clip(0, clip) for clip in range(2000)]
    counts = [splits.count(split) for split in SPLITS]
    assert stats.chisquare(counts, 2000 * np.array(list(SPLITS.values()))).pvalue > 1e-3


def test_reading_a_scene_needs_no_bpy():
    script = "import graphics_ml.blender.scenes.description, sys; sys.exit('bpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def pool_of(seed=0, few=6):
    names = dict(a=tuple(f"a/{k}" for k in range(60)), b=tuple(f"b/{k}" for k in range(40)))
    return Pool(names, (3, 1), few, 20, seed, "cast")


def drawn_from(pool, clips):
    seen = {split: set() for split in SPLITS}
    for clip in range(clips):
        split = split_of_clip(0, clip)
        chosen = pool.draw(rng_for(0, clip, "characters"), clip, split, 3)
        assert len(set(chosen)) == 3
        seen[split].update(chosen)
    return seen


def test_no_member_of_a_pool_is_seen_in_two_splits():
    seen = drawn_from(pool_of(), 1500)
    assert len(set.union(*seen.values())) == sum(map(len, seen.values()))
    assert all(any(name.startswith(kind) for name in names) for names in seen.values() for kind in "ab")
    assert len(seen["train"]) > 60


def test_neighbouring_clips_draw_from_a_few_members_and_others_from_others():
    casts = []
    for first in (0, 20, 40):
        pool = pool_of()
        names = [pool.draw(rng_for(0, clip, "characters"), clip, "train", 1)[0] for clip in range(first, first + 20)]
        casts.append(set(names))
        assert casts[-1] <= set(pool.few(first)) == set(pool.few(first + 19))
        assert len(casts[-1]) <= 5
    assert len(set.union(*casts)) > 6


def test_kinds_are_drawn_by_their_shares():
    pool, rng = pool_of(), np.random.default_rng(0)
    names = [name for clip in range(1500) for name in pool.draw(rng, clip, "train", 2)]
    share = sum(name.startswith("a") for name in names)
    assert stats.binomtest(share, len(names), 0.75).pvalue > 1e-3
