"""The command line, generated from the jobs: `graphics-ml JOB`, `graphics-ml run job.toml`, `graphics-ml doctor`."""

import os
import signal
import sys
import threading
from contextlib import contextmanager, redirect_stderr
from dataclasses import MISSING, dataclass, make_dataclass
from io import StringIO
from pathlib import Path
from typing import Annotated, get_args, get_origin

from graphics_ml import __version__
from graphics_ml.batch import with_matches
from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.jobs import JOBS, Batch, FileJob, JobError, batch_of, read_job, setting, typed_settings

_METAVARS = ((bool, None), (Path, "FILE"), (float, "NUMBER"), (int, "NUMBER"), (str, "TEXT"))


@dataclass(frozen=True)
class Run:
    """Run a job file, such as the .job.toml beside each output; relative paths in it start at its own folder."""

    file: Path = setting("job file, .toml", positional=True)


@dataclass(frozen=True)
class Doctor:
    """Say what works on this machine, what is missing and how to get it."""


COMMANDS = JOBS | {"run": Run, "doctor": Doctor}


def main(arguments=None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0 done, 1 some inputs failed, 2 the request was wrong, 130 and 143 stopped by Ctrl-C and SIGTERM.
    """
    with _termination_as_interrupt() as terminated:
        code = _run(arguments)
    return 143 if code == 130 and terminated else code


def _run(arguments):
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [one for one in arguments if one != "--debug"]
    if arguments == ["--version"]:
        print(f"graphics-ml {__version__}")
        return 0
    return _said(debug, _do, arguments, debug)


def _do(arguments, debug):
    command = _parse(arguments or ["--help"])
    if isinstance(command, Doctor):
        from graphics_ml.doctor import report

        return report()
    job = read_job(command.file) if isinstance(command, Run) else command
    job = job if isinstance(job, Batch) else with_matches(job)

    from graphics_ml.terminal import read_by_blender, run_in_terminal

    risky = read_by_blender(job)
    if risky is None or "bpy" in sys.modules:  # a process started from where Blender is loaded does not find it
        return run_in_terminal(job)

    from graphics_ml.pool import run_apart

    code = run_apart(_said, debug, run_in_terminal, job)
    if code is None:
        raise FileError(risky, None, "Blender crashed on it or ran out of memory; it may be broken, open and save it")
    return code


def _said(debug, function, *arguments):
    """The exit code that a function gives; what it raises that is for the user is said."""
    try:
        return function(*arguments)
    except GraphicsMLError as error:
        if debug:
            raise
        print(f"graphics-ml: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read it, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("graphics-ml: stopped; nothing half-written is left", file=sys.stderr)
        return 130


@contextmanager
def _termination_as_interrupt():
    """What asks a process to end, such as a cluster's queue, is heard as Ctrl-C is; the list then holds the signal."""
    heard = []
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield heard
        return

    def stop(signal_heard, frame):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # some send it twice, and the second must not stop the tidying
        heard.append(signal_heard)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGTERM, before)


def _parse(arguments):
    """The command that the words mean: a job, a batch, Run or Doctor."""
    import tyro  # not above: each process of a batch imports this module, and only this one parses words

    if "" in arguments:
        raise JobError("one of the words is empty, which would mean the current folder; is a variable not set?")
    try:
        with redirect_stderr(StringIO()):
            words = tyro.extras.subcommand_cli_from_dict(
                {name: _command(kind) for name, kind in COMMANDS.items()},
                prog="graphics-ml",
                description="Video and mocap onto any rig. Add --debug to see where an error came from.",
                args=arguments,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as stopped:
        if stopped.code in (0, None):
            raise
        raise _usage_error(arguments) from None
    values = vars(words)
    # tyro takes no word at all for several; those that were not asked for have their default, which is none.
    for one, kind in typed_settings(words.job_class):
        asked = one.default is MISSING or f"--{one.name.replace('_', '-')}" in arguments
        if get_origin(kind) is tuple and asked and not values[one.name]:
            raise _usage_error(arguments)
    if issubclass(words.job_class, FileJob):
        return batch_of(words.job_class, values)
    return words.job_class(**values)


def _usage_error(arguments):
    from graphics_ml.usage import usage_fault

    return JobError(usage_fault(arguments, COMMANDS))


def _command(job_class):
    import tyro

    # tyro reads its marks from Annotated types; the job's own fields stay free of tyro.
    columns = []
    for one, kind in typed_settings(job_class):
        about = one.metadata
        help_text = about["help"] + (f" ({about['unit']})" if about["unit"] else "")
        # None leaves a choice between words to tyro, which lists them.
        metavar = next((word for known, word in _METAVARS if known in (kind, *get_args(kind))), None)
        several = get_origin(kind) is tuple
        mark = tyro.conf.arg(
            help=help_text,
            metavar=f"{metavar}..." if several else metavar,
            aliases=[f"-{about['short']}"] if about["short"] else None,
            # tyro takes no word at all for several, and says so.
            help_behavior_hint="(required)" if several and one.default is MISSING else None,
        )
        kind = Annotated[tyro.conf.Positional[kind], mark] if about["positional"] else Annotated[kind, mark]
        columns.append((one.name, kind) if one.default is MISSING else (one.name, kind, one.default))
    command = make_dataclass(f"{job_class.__name__}Command", columns, kw_only=True, namespace={"job_class": job_class})
    command.__doc__ = job_class.__doc__
    return command


if __name__ == "__main__":
    sys.exit(main())
