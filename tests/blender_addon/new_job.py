"""A job that the add-on knows nothing of: what a panel is made for, and what the worker does."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from graphics_ml import jobs
from graphics_ml.jobs import Job, Outcome, setting


@dataclass(frozen=True, kw_only=True)
class MakeTakes(Job):
    """Write takes by a learned motion."""

    task: ClassVar[str] = "new_job:make_takes"
    panel: ClassVar[str | None] = "Learned motion"

    output: Path = setting("folder to write into")
    count: int = setting("how many takes", 2, min=1, max=100)
    style: Literal["calm", "in a hurry"] = setting("how they move", "calm")
    pace: float | None = setting("how fast", None, min=0.1, max=10, unit="m/s", usual=1.4)
    pause: float = setting("how long to think about each", 0.0, min=0, unit="s")
    stage: Path | None = setting("where it takes place, .blend", None, open_scene=True)


jobs.JOBS["make_takes"] = MakeTakes


def make_takes(job, progress):
    import time

    import numpy as np

    from graphics_ml.formats import save
    from graphics_ml.motion.humanoid import standard_skeleton
    from graphics_ml.motion.motion import Motion

    skeleton = standard_skeleton(1.7)
    still = Motion(
        skeleton=skeleton,
        rotations=np.tile(skeleton.rest_orientations, (10, 1, 1)),
        root_positions=np.tile([0.0, 1.0, 0.0], (10, 1)),
        fps=30,
    )
    job.output.mkdir(parents=True, exist_ok=True)
    written = []
    for number in range(job.count):
        progress("making", number, job.count)
        time.sleep(job.pause)
        written.append(job.output / f"take_{number}.bvh")
        save(still, written[-1])
    notes = f"{job.count} takes were made {job.style} at {job.pace} m/s", f"{job.stage.stat().st_size} bytes of stage"
    return Outcome(tuple(written), notes)
