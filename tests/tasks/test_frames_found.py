"""Files that were cut off, through the jobs that read them: refused with the words that take what is there."""

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.cli import main
from tests.motion.swinging import swinging


@pytest.fixture
def cut(tmp_path, monkeypatch):
    """The first 40 of 60 frames, and a part of the next."""
    monkeypatch.chdir(tmp_path)
    formats.save(swinging(60), "whole.bvh")
    lines = (tmp_path / "whole.bvh").read_text().splitlines()
    (tmp_path / "cut.bvh").write_text("\n".join(lines[:-19])[:-20])
    return tmp_path / "cut.bvh"


COMMANDS = (
    "convert cut.bvh -o out.npz",
    "edit cut.bvh -o out.npz --mirror",
    "retarget cut.bvh --target smplh -o out.npz",
    "evaluate cut.bvh",
    "preview cut.bvh -o out.mp4 --size 64",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_was_cut_off_is_refused_with_the_option_that_takes_it(command, cut, capfd):
    assert main(command.split()) == 2
    said = capfd.readouterr().err
    assert "announces 60 frames but 40 and" in said and "--frames-found" in said and said.count("graphics-ml:") == 1
    assert main([*command.split(), "--frames-found"]) == 0
    if command.startswith("convert"):
        assert "the file announces 60 frames; the 40 found are taken" in capfd.readouterr().err
        whole = formats.load("whole.bvh").positions()
        np.testing.assert_allclose(formats.load("out.npz").positions(), whole[:40], atol=1e-9)


def test_other_formats_do_not_mind_and_the_choice_is_kept_in_the_record(cut):
    assert main(["convert", "cut.bvh", "-o", "a.npz", "--frames-found"]) == 0
    assert main(["convert", "a.npz", "-o", "b.bvh", "--frames-found"]) == 0
    before = (cut.parent / "a.npz").read_bytes()
    assert main(["run", "a.npz.job.toml"]) == 0 and (cut.parent / "a.npz").read_bytes() == before
