"""Running a job: what it warns of is told, and where it is."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from graphics_ml.errors import FormatWarning
from graphics_ml.jobs import Job, Outcome
from graphics_ml.run import run
from graphics_ml.terminal import run_in_terminal


@dataclass(frozen=True)
class Example(Job):
    task: ClassVar[str] = "tests.test_run:example"


def example(job, progress):
    progress("reading", 0, 2)
    progress("reading", 1, 2)
    progress("writing", 0, 0)
    warnings.warn("channels were widened", FormatWarning, stacklevel=1)
    warnings.warn("this will go away", FutureWarning, stacklevel=1)
    return Outcome((Path("out.bvh"),), ("a note",))


def test_what_a_format_lost_is_a_note_and_other_warnings_stay_warnings():
    said = []
    with pytest.warns(FutureWarning, match="go away") as caught:
        outcome = run(Example(), lambda *step: said.append(step))
    assert outcome.notes == ("a note", "channels were widened") and len(caught) == 1
    assert said == [("reading", 0, 2), ("reading", 1, 2), ("writing", 0, 0)]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_without_a_terminal_each_stage_is_a_line_and_outputs_go_to_stdout(capsys):
    assert run_in_terminal(Example()) == 0
    told = capsys.readouterr()
    assert told.out == "out.bvh\n"
    assert told.err.splitlines()[:4] == ["reading 0/2", "writing", "note: a note", "note: channels were widened"]
