"""The map job: two skeletons recognised, shown on stdout, saved for editing."""

import pytest

from graphics_ml import formats
from graphics_ml.cli import main
from graphics_ml.formats import bodies
from graphics_ml.jobs import read_job
from graphics_ml.motion.bone_map import missing_roles
from graphics_ml.motion.bone_map_files import load_pair_map
from graphics_ml.motion.motion import Motion
from tests.motion.test_bone_map import CONVENTIONS, build


@pytest.fixture
def files(tmp_path):
    """Two motion files of different families, one still frame each."""
    paths = []
    for family in ("LAFAN1", "Unreal"):
        skeleton = build(*CONVENTIONS[family])
        still = Motion(skeleton, skeleton.rest_orientations[None], skeleton.offsets[:1], 30)
        paths.append(tmp_path / f"{family}.bvh")
        formats.save(still, paths[-1])
    return paths


def test_the_map_of_two_files_is_shown_and_saved(files, tmp_path, capsys):
    assert main(["map", *map(str, files), "-o", str(tmp_path / "map.toml")]) == 0
    shown = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert {row[1]: (row[0], row[2]) for row in rows}["left_upper_arm"] == ("LeftArm", "upperarm_l")
    assert "without a role in Unreal.bvh" in shown and "upperarm_twist_01_l" in shown

    source, target = (formats.load_skeleton(path) for path in files)
    bones = load_pair_map(tmp_path / "map.toml", source, target)
    assert [one.roles for one in bones] == [
        {role: name for role, name in CONVENTIONS[family][0].items()} for family in ("LAFAN1", "Unreal")
    ]
    assert not any(missing_roles(one) for one in bones)


def test_a_body_may_be_named_instead_of_a_file(files, tmp_path):
    assert main(["map", str(files[0]), "smplh", "-o", str(tmp_path / "map.toml")]) == 0
    _, target = load_pair_map(tmp_path / "map.toml", formats.load_skeleton(files[0]), bodies.skeleton("smplh"))
    assert target.roles["left_upper_arm"] == "left_shoulder" and target.roles["left_toes"] == "left_foot"


@pytest.mark.parametrize("command", ["map {file} {word} -o map.toml", "retarget {file} --target {word} -o out.bvh"])
def test_a_mistyped_body_is_told_with_the_one_that_was_meant(command, files, capfd):
    words = command.format(file=files[0], word="smplhh").split()
    assert main(words) == 2
    said = capfd.readouterr().err
    assert said == "graphics-ml: smplhh: there is no such file, and no such body; did you mean 'smplh'?\n"


@pytest.mark.parametrize("extension", [".blend", ".usdc"])
def test_a_rig_may_be_in_any_scene_file(extension, files, tmp_path):
    pytest.importorskip("bpy")
    rig = tmp_path / f"rig{extension}"
    formats.save(formats.load(files[1]), rig)
    assert main(["map", str(files[0]), str(rig), "-o", str(tmp_path / "map.toml")]) == 0
    _, target = load_pair_map(tmp_path / "map.toml", formats.load_skeleton(files[0]), formats.load_skeleton(rig))
    assert target.roles == CONVENTIONS["Unreal"][0]


def test_the_job_file_beside_the_map_gives_the_same_map_again(files, tmp_path):
    output = tmp_path / "map.toml"
    main(["map", *map(str, files), "-o", str(output)])
    first = output.read_bytes()
    output.unlink()
    assert read_job(tmp_path / "map.toml.job.toml").target == files[1]
    assert main(["run", str(tmp_path / "map.toml.job.toml")]) == 0
    assert output.read_bytes() == first


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("{0} {1} -o map.txt", "'.txt' files cannot be written; use .toml"),
        ("{0} none.bvh -o map.toml", "none.bvh: there is no such file"),
        ("{0} {1}", "map needs -o OUTPUT"),
    ],
)
def test_wrong_input_is_one_sentence(files, words, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["map", *words.format(*files).split()]) == 2
    told = capsys.readouterr().err.splitlines()
    assert says in told[-1] and told[-1].startswith("graphics-ml: ")
    assert not (tmp_path / "map.toml").exists()
