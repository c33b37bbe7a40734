"""The demo's own motion: what lies beside the film is what the script makes, and feet that stand do not move."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.motion.rotations import rotate

pytest.importorskip("scipy")
FOLDER = Path(__file__).parent.parent / "scenes" / "demo"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_clip", FOLDER / "make_clip.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def motion(script):
    return script.choreography()


def test_the_kept_motion_is_the_one_the_script_makes(motion):
    kept = formats.load(FOLDER / "clip.npz")
    assert kept.fps == motion.fps
    np.testing.assert_allclose(kept.positions(), motion.positions(), atol=1e-6)


def test_a_foot_that_stands_keeps_its_heel_or_its_ball_where_it_is(script, motion):
    rotations, places = motion.transforms()
    joint = {name: i for i, name in enumerate(motion.skeleton.names)}
    time = np.arange(len(motion)) / float(motion.fps)
    for side, falls in script.footfalls(motion.skeleton, joint).items():
        ball = motion.skeleton.offsets[joint[f"{side}_toes"]]
        heel = np.array([0, ball[1], -0.03 * script.HEIGHT])
        foot, turn = places[:, joint[f"{side}_foot"]], rotations[:, joint[f"{side}_foot"]]
        steps = {name: np.linalg.norm(np.diff(foot + rotate(turn, at), axis=0), axis=-1) for name, at in
                 (("heel", heel), ("ball", ball))}  # fmt: skip
        for fall in falls:
            stands = (time[:-1] >= fall.strike + 0.13) & (time[1:] < fall.lift)
            landing = (time[:-1] >= fall.strike) & (time[1:] < fall.strike + 0.13)
            np.testing.assert_allclose(steps["ball"][stands], 0, atol=1e-9)
            np.testing.assert_allclose(steps["heel"][landing], 0, atol=1e-9)


def test_nothing_goes_through_the_floor(motion):
    toes = [motion.skeleton.index(f"{side}_toes") for side in ("left", "right")]
    assert motion.positions()[:, toes, 1].min() > 0.01


def test_it_moves_as_people_do(motion):
    """No joint is faster than a quick hand, 5 m/s, or turns about within a frame."""
    speed = np.linalg.norm(np.diff(motion.positions(), axis=0), axis=-1) * float(motion.fps)
    assert speed.max() < 5
    change = np.linalg.norm(np.diff(motion.positions(), n=2, axis=0), axis=-1) * float(motion.fps) ** 2
    assert change.max() < 60
