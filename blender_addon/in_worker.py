# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs outside Blender's process, as a step of an operator that goes on.

    outcome = yield from in_worker(job)       # in Running.work; a jobs.Outcome

Jobs that need no more than Blender run in a second Blender without a window, which a broken file may crash and a reader
may empty; all others in the environment's Python. Each worker stays, warm, for the next job.
"""

from contextlib import suppress
from pathlib import Path

import bpy

from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Outcome

from .preferences import chosen_python, own_folder, preferences
from .worker_client import Request, WorkerClient, blender_command, job_content, python_command

_clients = {}
_warmed = set()  # what a worker was asked to have loaded: names of jobs, with the Python chosen then


class NoEnvironmentError(GraphicsMLError):
    """A job needs an environment and none is chosen."""

    def __init__(self):
        super().__init__("this needs the environment; press Set Up in the panel Environment, or choose a Python there")


def in_worker(job):
    """A generator that has a job done: yields as Running.work does, returns the job's Outcome.

    Closing it stops the job, within a second.

    Raises:
        NoEnvironmentError: the job needs an environment, and there is none.
        WorkerError: the job or its worker failed, in one sentence.
    """
    result = yield from asked(needs_environment(job), "job", **job_content(job))
    return Outcome(tuple(map(Path, result["outputs"])), tuple(result["notes"]), tuple(result["failures"]))


def asked(environment: bool, kind: str, **content):
    """A generator that has a worker do a request, see graphics_ml.worker, and returns its result.

    Args:
        environment: whether by the environment's Python; by a second Blender when False.
        kind: "job", "check" or "warm".

    Raises:
        as in_worker.
    """
    return (yield from _client(environment).steps(kind, **content))


def warm(job_name: str) -> Request | None:
    """Have the environment's worker load what a job needs, so that its first run begins as soon as the next.

    Neither waits nor tells what goes wrong: the job itself will. Nothing happens where this was asked for already.
    """
    asked_for = job_name, preferences().python
    if asked_for in _warmed or not preferences().python:
        return None
    _warmed.add(asked_for)
    with suppress(GraphicsMLError):
        return _client(True).request("warm", jobs=[job_name])


def needs_environment(job) -> bool:
    """Whether a job, or a class of them, needs packages that Blender has not."""
    return not set(job.needs) <= {"blender"}


def close_workers():
    """End all workers; the next job starts a new one."""
    _warmed.clear()
    while _clients:
        _clients.popitem()[1].close()


CLASSES = ()


def register():
    pass


def unregister():
    close_workers()


def _client(environment):
    if environment:
        python = chosen_python()
        if python is None:
            raise NoEnvironmentError
        command, name = python_command(python), "environment"
    else:
        command, name = blender_command(bpy.app.binary_path), "blender"
    client = _clients.get(name)
    if client is None or client.command != command:  # another Python has been chosen
        if client is not None:
            client.close_later()
        client = _clients[name] = WorkerClient(command, own_folder() / f"{name}_worker.log")
    return client
