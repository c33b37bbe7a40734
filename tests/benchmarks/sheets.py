"""Pictures to judge the main job by: a contact sheet and the ten worst frames of each real film on each rig.

Worst is where the solved body's landmarks fall farthest from the detected ones, in the middle over the body. They are
written to `build/sheets` (or GRAPHICS_ML_SHEETS), never into the repository: they show films that are not ours.
"""

import os
from pathlib import Path

import numpy as np

from graphics_ml.jobs import Animate
from graphics_ml.pose.video import open_video
from graphics_ml.run import run
from graphics_ml.tasks.capture import watch
from graphics_ml.tasks.pictures import contact_sheet

FILMS = ("treadmill_a.mp4", "treadmill_b.mp4", "multiview/cam01.mp4", "street.avi")
RIGS = ("Geno.fbx", "Knight.glb", None)


def main() -> None:
    """Write the pictures, and print for each film and rig the errors of the worst frames."""
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not data:
        print("sheets: GRAPHICS_ML_TEST_DATA must name the folder of real videos, mocap and rigs")
        return
    folder = Path(os.environ.get("GRAPHICS_ML_SHEETS", "build/sheets"))
    for film in FILMS:
        for rig in RIGS:
            name = f"{Path(film).stem}_{Path(rig).stem if rig else 'own'}"
            job = Animate(
                video=Path(data) / "video" / film,
                rig=Path(data) / "rigs" / rig if rig else None,
                output=folder / f"{name}.blend",
                preview=folder / f"{name}.mp4",
            )
            run(job)
            _, solution = watch(job, open_video(job.video[0]), lambda stage, done, total: None)
            errors = np.nan_to_num(np.nanmedian(solution.errors, axis=1))
            worst = np.sort(np.argsort(errors)[-10:])
            sheet(job.preview, np.linspace(0, len(errors) - 1, 20).astype(int), folder / f"{name}.png")
            sheet(job.preview, worst, folder / f"{name}_worst.png")
            print(f"{name:22} worst frames {', '.join(f'{f} ({errors[f]:.0f} px)' for f in worst)}", flush=True)


def sheet(preview: Path, frames, path: Path) -> None:
    """Write these frames of a preview as one picture."""
    wanted = set(map(int, frames))
    contact_sheet([picture for index, _, picture in open_video(preview) if index in wanted], path, columns=4)
