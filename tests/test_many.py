"""Hundreds of files by one command, whatever happens meanwhile: the same outputs, and one line for what failed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphics_ml import formats
from graphics_ml.jobs import Batch
from graphics_ml.run import run_many
from tests.example_jobs import EXAMPLES, Shout
from tests.motion.swinging import swinging
from tests.test_pool import local_cluster

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, job_class in EXAMPLES.items():
        monkeypatch.setitem(__import__("graphics_ml.jobs").jobs.JOBS, name, job_class)


def make(count, folder="in", **special):
    Path(folder).mkdir()
    for number in range(count):
        Path(folder, f"f{number}.bvh").write_text(special.get(f"f{number}", f"text {number}"))


def command(*words):
    return [sys.executable, "-c", "from tests.example_jobs import main; main()", *map(str, words)]


def start(*words, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command(*words), stdout=pipe, stderr=pipe, text=True, env=environment, **options)


def shout(*words, **options):
    """The exit code, stdout and stderr of a run over the folder `in`."""
    process = start("shout", "in", "-o", "out", "--format", "npz", "--jobs", 2, *words, **options)
    told, said = process.communicate(timeout=60)
    return process.returncode, told, said.splitlines()


def results(folder="out"):
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != "manifest.jsonl")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def records():
    return [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]


def until(count, process):
    """Wait until so many files are done."""
    path = Path("out/manifest.jsonl")
    while process.poll() is None and not (path.exists() and len(path.read_bytes().splitlines()) >= count):
        time.sleep(0.01)


def undisturbed(count):
    """The outputs of a run over `in` that nothing befell."""
    code, _, _ = shout()
    expected = results()
    assert code == 0 and len(expected) == 2 * count
    shutil.rmtree("out")
    return expected


def test_a_broken_file_in_a_hundred_is_one_line_and_the_others_are_done():
    make(100, f7="broken", f9="chatter")
    code, told, said = shout()
    assert code == 1 and told.splitlines() == [str(Path("out/manifest.jsonl"))]
    assert [line for line in said if "f7" in line] == [f"failed: {Path('in/f7.bvh')}, line 1: this is broken; mend it"]
    assert said[-1].startswith("100 files: 99 done, 0 skipped, 1 failed in ") and "files/s" in said[-1]
    assert "note (99 files): shouted" in said and "note: 1 other stands with its file in manifest.jsonl" in said
    assert {name for name in results() if name.endswith(".npz")} == {f"f{n}.npz" for n in range(100) if n != 7}
    assert results()["f8.npz"] == b"TEXT 8!"
    assert sorted(record["source"] for record in records()) == sorted(str(path) for path in Path("in").iterdir())


def test_only_what_kills_its_process_is_lost_and_a_fault_of_the_program_is_kept_for_its_makers():
    make(12, f1="chatter", f3="die always", f5="die", f8="bug")
    code, told, said = shout()
    assert told.splitlines() == [str(Path("out/manifest.jsonl"))] and any("Blender that" in line for line in said)
    failed = sorted(line for line in said if line.startswith("failed"))
    assert code == 1 and len(failed) == 2 and "f3.bvh: the process that worked on it was killed" in failed[0]
    assert failed[1] == f"failed: {Path('in/f8.bvh')}: a fault of graphics_ml (KeyError: 'hips')"
    assert len(results()) == 2 * 10 and results()["f5.npz"] == b"DIE!"
    (bug,) = (record for record in records() if record["source"].endswith("f8.bvh"))
    assert bug["state"] == "failed" and "raise KeyError" in bug["traceback"]


@pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does")
def test_after_a_kill_of_everything_resume_gives_the_outputs_of_an_undisturbed_run():
    make(40)
    expected = undisturbed(40)
    words = ("shout", "in", "-o", "out", "--format", "npz", "--jobs", 2)
    for done, more in ((10, ()), (20, ("--resume",))):
        process = start(*words, *more, start_new_session=True)
        until(done, process)
        os.killpg(process.pid, KILL)
        process.communicate()
        assert len(records()) < 40
    with open("out/manifest.jsonl", "a") as file:
        file.write('{"source": "in/f')  # as a power failure may leave it
    kept = len(Path("out/manifest.jsonl").read_bytes().splitlines()) - 1
    code, _, said = shout("--resume")
    assert code == 0 and said[-1].startswith(f"40 files: {40 - kept} done, {kept} skipped, 0 failed")
    assert f"{kept} files had been done before" in said
    assert results() == expected and len(records()) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts as a POSIX terminal does")
@pytest.mark.parametrize("to_all", [True, False], ids=["to all processes", "to one"])
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"])
def test_ctrl_c_and_sigterm_stop_at_once_and_leave_nothing_half_written(stop, code, to_all):
    make(40)
    expected = undisturbed(40)
    words = ("shout", "in", "-o", "out", "--format", "npz", "--pause", 0.05)
    process = start(*words, "--jobs", 2, start_new_session=True)
    until(5, process)
    started = time.monotonic()
    (os.killpg if to_all else os.kill)(process.pid, stop)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - started < 5 and process.returncode == code
    assert "--resume goes on from here" in said.splitlines()[-1] and "Traceback" not in said and "leaked" not in said
    assert len([name for name in results() if name.endswith(".npz")]) < 40
    assert not [path for path in Path("out").iterdir() if path.name.startswith(".")]
    assert shout("--resume", "--pause", 0.05)[0] == 0
    assert {name for name in results()} == set(expected)
    assert all(results()[name] == expected[name] for name in expected if name.endswith(".npz"))


def test_without_resume_all_is_done_again_and_with_it_only_what_changed():
    make(4)
    assert shout()[0] == 0
    Path("in/f1.bvh").write_text("new")
    code, _, said = shout("--resume")
    assert code == 0 and "3 files had been done before; done again: 1 source changed" in said
    assert results()["f1.npz"] == b"NEW!" and len(records()) == 5
    code, _, said = shout()
    assert said[0] == "4 files in out will be written anew; --resume keeps what is done"
    assert said[-1].startswith("4 files: 4 done, 0 skipped") and len(records()) == 4


def test_a_folder_with_the_same_names_in_two_formats_is_done_and_the_names_are_explained():
    make(2)
    Path("in/f1.fbx").write_text("other")
    code, _, said = shout()
    assert (
        code == 0 and "note: 2 files whose names differ in the extension alone keep it, as f1.bvh in f1.bvh.npz" in said
    )
    written = {name: text for name, text in results().items() if name.endswith(".npz")}
    assert written == {"f0.npz": b"TEXT 0!", "f1.bvh.npz": b"TEXT 1!", "f1.fbx.npz": b"OTHER!"}
    assert "3 skipped" in shout("--resume")[2][-1]


def test_a_dry_run_says_what_would_be_written_and_writes_nothing():
    make(2)
    code, told, _ = shout("--dry-run")
    assert code == 0 and told.splitlines() == [f"{Path(f'in/f{n}.bvh')} -> {Path(f'out/f{n}.npz')}" for n in range(2)]
    assert not Path("out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="closes a pipe as POSIX does")
def test_whoever_reads_the_result_may_stop_reading():
    make(2)
    process = start("shout", "in", "-o", "out", "--format", "npz", "--dry-run")
    process.stdout.close()
    assert process.wait(60) == 0 and process.stderr.read() == ""


@pytest.mark.parametrize("batch", ["", "[batch]\njobs = 1\n"])
def test_a_job_file_may_name_a_folder_and_the_record_of_each_output_gives_it_again(batch):
    make(3)
    settings = 'source = "in"\noutput = "out"\nformat = "npz"'
    Path("job.toml").write_text(f'job = "shout"\n[settings]\n{settings}\n{batch}')
    assert start("run", "job.toml").wait(60) == 0
    before = results()
    Path("out/f1.npz").unlink()
    process = start("run", "out/f1.npz.job.toml")
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and str(Path("out/f1.npz")) in told.splitlines()
    assert results() == before and len(before) == 6


@pytest.mark.parametrize("format", ["npz", "bvh"])
def test_the_record_beside_each_converted_file_gives_the_same_bytes_again_wherever_all_was_moved(format):
    Path("in").mkdir()
    for number in range(3):
        formats.save(swinging(5, speed=number), f"in/f{number}.bvh")
    code = start("convert", "in", "-o", "out", "--format", format, "--jobs", 2).wait(60)
    before = results()
    assert code == 0 and len(before) == 6
    Path("moved").mkdir()
    for name in ("in", "out"):
        Path(name).rename(Path("moved", name))
    for number in range(3):
        Path(f"moved/out/f{number}.{format}").unlink()
        assert start("run", f"moved/out/f{number}.{format}.job.toml").wait(60) == 0
    Path("moved/out").rename("out")
    assert results() == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_name_that_is_no_text_is_a_file_like_any_other():
    make(1)
    Path("in/f\udce9.bvh").write_text("x")
    code, _, said = shout()
    assert code == 0 and said[-1].startswith("2 files: 2 done")
    assert Path("out/f\udce9.npz").read_text() == "X!" and "2 skipped" in shout("--resume")[2][-1]
    told, _ = start("shout", "in", "-o", "out", "--format", "npz", "--dry-run").communicate(timeout=60)
    assert "f\\udce9.bvh -> " in told


def test_a_folder_that_cannot_be_written_is_one_sentence_before_anything_is_done():
    make(2)
    Path("out").write_text("")
    code, told, said = shout()
    assert code == 2 and told == "" and len(said) == 1 and "this is a file; name a folder" in said[0]
    Path("out").unlink()
    Path("out").mkdir()
    Path("out/manifest.jsonl").mkdir()
    code, _, said = shout()
    assert code == 2 and len(said) == 1 and "manifest.jsonl" in said[0]


def test_a_disk_that_fills_up_stops_the_run_and_loses_nothing():
    make(30)
    expected = undisturbed(30)
    Path("in/f15.bvh").write_text("full disk")
    code, _, said = shout()
    done = len(results()) // 2
    assert code == 1 and 0 < done < 29
    assert said[-1] == "stopped: out: the disk is full; make room; the same command with --resume goes on from here"
    assert sum(line.startswith("failed") for line in said) == 1 and not any("half" in name for name in results())
    Path("in/f15.bvh").write_text("text 15")
    code, _, said = shout("--resume")
    assert code == 0 and said[-1].startswith(f"30 files: {30 - done} done, {done} skipped") and results() == expected


def test_one_file_needs_no_cluster_and_a_missing_one_leaves_nothing():
    make(1)
    process = start("shout", "in/f0.bvh", "-o", "x.npz", "--scheduler", "tcp://127.0.0.1:9")
    assert "one file is done in this process" in process.communicate(timeout=60)[1] and process.returncode == 2
    code, _, said = shout("--scheduler", "tcp://127.0.0.1:9")
    assert code == 2 and "there is no Dask scheduler" in said[-1] and not Path("out").exists()


def test_a_cluster_that_loses_a_worker_gives_the_same_outputs(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    make(40)
    words = {"source": "in", "output": "out"}
    jobs = [Shout(source=path, output=f"out/{path.stem}.npz") for path in sorted(Path("in").iterdir())]
    tally = run_many(Batch(job=Shout(**words), jobs=2, **words), jobs, Path("out"))
    assert tally.done == 40
    expected = results()
    shutil.rmtree("out")
    with local_cluster(2, 1, True) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]

        def kill_once(tally, record):
            if tally.done == 10:
                os.kill(pids[0], KILL)

        batch = Batch(job=Shout(**words), scheduler=cluster.scheduler_address, **words)
        tally = run_many(batch, jobs, Path("out"), kill_once)
    assert (tally.done, tally.failed, tally.stopped) == (40, 0, None)
    assert results() == expected
