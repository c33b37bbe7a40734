import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from graphics_ml import formats
from graphics_ml.cli import COMMANDS, _parse, main
from graphics_ml.jobs import JOBS, Batch, typed_settings
from graphics_ml.terminal import read_by_blender
from tests.example_jobs import EXAMPLES, Compare, Shout


def cli(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "graphics_ml.cli", *map(str, arguments)], capture_output=True, text=True
    )


@pytest.mark.parametrize("name", JOBS)
def test_the_help_of_a_job_names_every_setting(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for one, _ in typed_settings(JOBS[name]):
        assert one.metadata["positional"] or f"--{one.name.replace('_', '-')}" in said


@pytest.mark.skipif(sys.platform == "win32", reason="closes a pipe as POSIX does")
def test_whoever_reads_the_help_may_stop_reading():
    words = [sys.executable, "-u", "-m", "graphics_ml.cli", "retarget", "--help"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.wait(60) == 0 and process.stderr.read() == ""


@pytest.mark.parametrize("name", ["retarget", "map"])
def test_the_help_lists_every_body_that_has_a_table(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    said = capsys.readouterr().out.replace(",", " ").replace(")", " ").replace("(", " ").split()
    tables = Path(formats.__file__).parent / "tables"
    assert {path.stem for path in tables.iterdir()} <= set(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("animat film.mp4 -o a.blend", "there is no command 'animat'; did you mean 'animate'?"),
        ("film.mp4 -o a.blend", "there is no command 'film.mp4'; there are animate, capture, "),
        ("--height 2", "a command must come before '--height'"),
        ("capture film.mp4", "capture needs -o OUTPUT (motion file to write"),
        (
            "animate",
            "animate needs VIDEO (video file; with a calibration those of several cameras, of which the first gives "
            "the time) and -o OUTPUT (what to write",
        ),
        ("run", "run needs FILE (job file, .toml)"),
        ("animate film.mp4 -o a.blend --hieght 1.7", "animate has no option --hieght; did you mean '--height'?"),
        ("capture film.mp4 -o a.bvh --rig hero.fbx", "capture has no option --rig, but animate has"),
        ("animate film.mp4 -o a.blend --height tall", "--height is 'tall', but must be a number"),
        ("animate film.mp4 -o a.blend --foot_lock=firm", "--foot-lock is 'firm', but must be a number"),
        ("animate film.mp4 -o a.blend --height", "--height needs a value: height of the person"),
        ("animate film.mp4 -o a.blend --height --preview a.mp4", "--height needs a value: height of the person"),
        ("animate film.mp4 -o a.blend --keep-actions=maybe", "--keep-actions takes no value"),
        ("animate film.mp4 other.mp4 -o a.blend", "several films make one motion with a calibration of their cameras"),
        ("animate film.mp4 -o -a.blend", "-o needs a value, and '-a.blend' begins as an option does; write ./-a.blend"),
        ("doctor now", "'now' is one word too many for doctor"),
        ("capture film.mp4 -o a.npz --height 17", "height is 17.0, but must be from 0.3 to 3 m"),
        ("capture film.mp4 -o a.npz --height nan", "height is nan, but must be from 0.3 to 3 m"),
        ("evaluate a.bvh --floor nan", "floor is nan, but must be a finite number"),
        ("edit a.bvh -o b.bvh --loop find --blend inf", "blend is inf, but must be a finite number"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_on_stderr_and_exit_code_2(words, said, capfd):
    assert main(words.split()) == 2
    told = capfd.readouterr()
    assert told.out == "" and told.err.startswith(f"graphics-ml: {said}") and told.err.count("\n") == 1


def test_an_empty_word_is_not_taken_for_the_current_folder(capfd):
    assert main(["convert", "", "-o", "out", "--format", "npz"]) == 2
    assert capfd.readouterr().err.startswith("graphics-ml: one of the words is empty")


@pytest.fixture
def examples(monkeypatch):
    for name, job_class in EXAMPLES.items():
        monkeypatch.setitem(JOBS, name, job_class)
        monkeypatch.setitem(COMMANDS, name, job_class)


def test_several_files_are_several_words(examples):
    assert _parse(["compare", "a", "b", "--against", "c", "d", "--most", "2"]) == Compare(
        files=("a", "b"), against=("c", "d"), most=2
    )
    batch = _parse(["shout", "a", "b", "-o", "out", "--mark", "?", "--jobs", "2", "--resume"])
    job = Shout(source="a", output="out", mark="?")
    assert batch == Batch(job=job, source=("a", "b"), output="out", jobs=2, resume=True)


def test_a_job_of_several_files_takes_patterns(examples, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for name in ("a1.bvh", "a2.bvh", "b.bvh"):
        Path(name).touch()
    Path("job.toml").write_text('job = "compare"\n[settings]\nfiles = ["a*.bvh", "b.bvh"]\n')
    for words in (["compare", "a*.bvh", "b.bvh"], ["run", "job.toml"]):
        assert main(words) == 0
        assert capfd.readouterr().out.split() == ["a1.bvh", "a2.bvh", "b.bvh"]
    Path("takes/day 1").mkdir(parents=True)
    for name in ("takes/c.bvh", "takes/day 1/d.bvh", "takes/notes.txt"):
        Path(name).touch()
    assert main(["compare", "takes", "b.bvh"]) == 0
    assert capfd.readouterr().out.splitlines() == ["takes/c.bvh", "takes/day 1/d.bvh", "b.bvh"]
    assert main(["compare", "c*.bvh"]) == 2
    assert capfd.readouterr().err == "graphics-ml: c*.bvh: no file is called so; check the pattern\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("shout -o out", "shout needs SOURCE (motion files, folders"),
        ("shout a b", "shout needs -o OUTPUT"),
        ("shout a -o out b", "'b' is one word too many for shout; name all files in one place"),
        ("compare --against a", "compare needs FILES (files to compare)"),
        ("compare a --against", "--against needs a value"),
        ("shout a -o out --jobs 0", "jobs is 0, but must be at least 1"),
        ("shout a -o out --jobs 1.5", "--jobs is '1.5', but must be a whole number"),
    ],
)
def test_wrong_words_about_several_files_are_one_sentence(words, said, examples, capfd):
    assert main(words.split()) == 2
    assert capfd.readouterr().err.startswith(f"graphics-ml: {said}")


@pytest.mark.parametrize("name", JOBS)
def test_every_option_with_a_value_is_missed_by_its_name(name, capfd):
    for one, kind in typed_settings(JOBS[name]):
        if kind is not bool and not one.metadata["positional"]:
            option = f"--{one.name.replace('_', '-')}"
            assert main([name, "film.mp4", "-o", "a.bvh", option]) == 2
            assert capfd.readouterr().err.startswith(f"graphics-ml: {option} needs a value: {one.metadata['help']}")


def test_what_blender_crashes_on_is_one_sentence_and_exit_code_2(tmp_path, capfd, monkeypatch):
    crashing, apart = tmp_path / "take.blend", []
    crashing.touch()
    monkeypatch.delitem(sys.modules, "bpy", raising=False)
    monkeypatch.setattr("graphics_ml.pool.run_apart", lambda *call: apart.append(call))  # gives None, as for a crash
    assert main(["convert", str(crashing), "-o", str(tmp_path / "take.bvh")]) == 2
    assert capfd.readouterr().err.startswith(f"graphics-ml: {crashing}: Blender crashed") and len(apart) == 1


def test_only_jobs_in_which_blender_reads_bytes_run_apart(tmp_path):
    take, rig, clip = (tmp_path / name for name in ("take.bvh", "rig.BLEND", "clip.usdc"))
    for path in (take, rig, clip):
        path.touch()
    new = tmp_path / "new.blend"
    for words, found in (
        (["convert", take, "-o", rig], None),
        (["convert", clip, "-o", new], clip),
        (["convert", take, clip, "-o", tmp_path / "out", "--format", "bvh"], None),
        (["convert", new, "-o", take], None),
        (["retarget", take, "--target", rig, "-o", new], rig),
        (["preview", take, clip, "-o", tmp_path / "a.mp4"], clip),
    ):
        assert read_by_blender(_parse([*map(str, words)])) == found


def test_a_missing_job_file_is_one_sentence_and_exit_code_2(tmp_path):
    done = cli("run", tmp_path / "none.toml")
    assert done.returncode == 2
    assert done.stderr.startswith("graphics-ml: ") and done.stderr.count("\n") == 1


def test_debug_shows_where_an_error_came_from(tmp_path):
    done = cli("run", tmp_path / "none.toml", "--debug")
    assert "Traceback" in done.stderr and "none.toml" in done.stderr


def test_the_version_is_printed():
    assert cli("--version").stdout.startswith("graphics-ml ")


@pytest.mark.skipif(find_spec("bpy") is None or find_spec("mediapipe") is None, reason="the main job cannot run here")
def test_doctor_says_what_works():
    done = cli("doctor")
    assert done.returncode == 0, done.stdout
    assert "main job" in done.stdout and "mediapipe" in done.stdout


def test_doctor_names_the_package_of_a_missing_library():
    from graphics_ml.doctor import SYSTEM_LIBRARIES, install_line

    assert install_line(["libusb-1.0.so.0"]).endswith(" libusb-1.0-0")
    assert all(name.endswith(tuple("0123456789")) and ".so" in name for name in SYSTEM_LIBRARIES)
    assert Path(sys.executable).exists()
