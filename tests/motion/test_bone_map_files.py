"""Bone maps as files: written, edited by hand, read again; of one skeleton and of a pair."""

import tomllib

import pytest

from graphics_ml.motion.bone_map import BoneMap, recognize
from graphics_ml.motion.bone_map_files import (
    BoneMapError,
    load_map,
    load_pair_map,
    read_map,
    save_map,
    save_pair_map,
)
from graphics_ml.motion.humanoid import ROLES
from tests.motion.test_bone_map import CONVENTIONS, build


def test_a_saved_map_reads_back_the_same(tmp_path):
    names, extra = CONVENTIONS["Biped"]
    skeleton = build(names, extra)
    found = recognize(skeleton)
    save_map(found, tmp_path / "map.toml")
    assert load_map(tmp_path / "map.toml", skeleton).roles == found.roles


def test_names_with_quotes_and_other_alphabets_survive_the_file(tmp_path):
    names = {role: f'骨 "{i}" \\ ü' for i, role in enumerate(ROLES)}
    skeleton = build(names)
    save_map(BoneMap(names), tmp_path / "map.toml")
    assert load_map(tmp_path / "map.toml", skeleton).roles == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[bones]\nhips = "Hipps"\n', "did you mean 'Hips'"),
        ('[bones]\nleft_uper_arm = "LeftArm"\n', "did you mean 'left_upper_arm'"),
        ('[bones]\nhips = "Hips"\nspine = "Hips"\n', "both hips and spine"),
        ("[bones]\nhips = 3\n", "in quotes"),
        ("[bones\n", "not a TOML"),
        ("", "empty"),
    ],
)
def test_a_wrong_map_file_is_one_sentence_that_helps(tmp_path, text, says):
    skeleton = build(CONVENTIONS["LAFAN1"][0])
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(BoneMapError, match=says) as caught:
        load_map(tmp_path / "map.toml", skeleton)
    assert "map.toml" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_map_file_is_said(tmp_path):
    with pytest.raises(BoneMapError, match="cannot be read"):
        load_map(tmp_path / "none.toml", build(CONVENTIONS["LAFAN1"][0]))


@pytest.fixture
def pair():
    return build(*CONVENTIONS["LAFAN1"]), build(*CONVENTIONS["Unreal"])


def test_a_saved_map_of_a_pair_reads_back_the_same(pair, tmp_path):
    maps = [recognize(one) for one in pair]
    save_pair_map(maps[0], pair[0], maps[1], pair[1], tmp_path / "pair.toml")
    read = load_pair_map(tmp_path / "pair.toml", *pair)
    assert [one.roles for one in read] == [one.roles for one in maps]
    assert set(read[0].confidence.values()) == {1.0}


def test_a_map_of_a_pair_lists_every_bone_without_a_role(pair, tmp_path):
    maps = [recognize(one) for one in pair]
    save_pair_map(maps[0], pair[0], maps[1], pair[1], tmp_path / "pair.toml")
    comments = {line for line in (tmp_path / "pair.toml").read_text().splitlines() if line.startswith("# no role")}
    assert comments == {f'# no role: "{name}"' for name in pair[1].names if name not in maps[1].roles.values()}


def test_of_a_map_of_a_pair_the_targets_side_serves_where_one_skeletons_map_is_wanted(pair, tmp_path):
    maps = [recognize(one) for one in pair]
    save_pair_map(maps[0], pair[0], maps[1], pair[1], tmp_path / "pair.toml")
    assert read_map(tmp_path / "pair.toml") == maps[1].roles
    assert load_map(tmp_path / "pair.toml", pair[1]).roles == maps[1].roles


def test_one_skeletons_map_serves_as_the_targets_where_a_pairs_is_wanted(pair, tmp_path):
    found = recognize(pair[1])
    save_map(found, tmp_path / "map.toml")
    source, target = load_pair_map(tmp_path / "map.toml", *pair)
    assert source is None and target.roles == found.roles


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[source]\nhips = "Hips"\n', r"no table \[target\]"),
        ('[source]\n[target]\nhips = "pelvis"\n', r"no table \[source\]"),
        ('[source]\nhips = "Hipps"\n[target]\nhips = "pelvis"\n', "the source has no bone 'Hipps'.*'Hips'"),
        ('[source]\nhips = "Hips"\n[target]\nhips = "pelvi"\n', "the target has no bone 'pelvi'.*'pelvis'"),
        ('[source]\nhip = "Hips"\n[target]\nhips = "pelvis"\n', "'hip' is no role; did you mean 'hips'"),
        ('[source]\nhips = "Hips"\nspine = "Hips"\n[target]\nhips = "pelvis"\n', "the source's bone 'Hips' is named"),
        ('[source]\nhips = "Hips"\nhips = "Spine"\n[target]\nhips = "pelvis"\n', "line 3"),
        ("", "empty"),
    ],
)
def test_a_wrong_map_of_a_pair_is_one_sentence_that_helps(pair, tmp_path, text, says):
    (tmp_path / "pair.toml").write_text(text)
    with pytest.raises(BoneMapError, match=says) as caught:
        load_pair_map(tmp_path / "pair.toml", *pair)
    assert "pair.toml" in str(caught.value) and "\n" not in str(caught.value)


def test_a_saved_map_of_odd_names_is_toml(tmp_path):
    names = {role: f"{i}\x7f\t\x01" for i, role in enumerate(ROLES)}
    skeleton = build(names)
    save_pair_map(BoneMap(names), skeleton, BoneMap({}), skeleton, tmp_path / "pair.toml")
    assert tomllib.loads((tmp_path / "pair.toml").read_text())["source"] == names
