"""What a fresh process loads: the base must stay light, because it runs inside Blender and behind every --help."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

HEAVY = {
    "torch",
    "bpy",
    "mediapipe",
    "cv2",
    "av",
    "scipy",
    "numba",
    "open3d",
    "trimesh",
    "smplx",
    "PIL",
    "jax",
    "ezc3d",
}


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys, json; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "graphics_ml",
        "graphics_ml.jobs",
        "graphics_ml.cli",
        "graphics_ml.worker",
        "graphics_ml.formats",
        "graphics_ml.formats.bvh",
        "graphics_ml.formats.npz",
        "graphics_ml.formats.amass",
        "graphics_ml.formats.asf",
        "graphics_ml.formats.humanml3d",
        "graphics_ml.formats.smplx",
        "graphics_ml.formats.soma",
        "graphics_ml.motion.motion",
        "graphics_ml.motion.bone_map",
        "graphics_ml.motion.contacts",
        "graphics_ml.motion.filters",
        "graphics_ml.motion.foot_lock",
        "graphics_ml.formats.c3d",
        "graphics_ml.formats.trc",
        "graphics_ml.motion.gaps",
        "graphics_ml.motion.markers",
        "graphics_ml.motion.metrics",
        "graphics_ml.motion.retarget",
        pytest.param(
            "graphics_ml.blender", marks=pytest.mark.skipif(find_spec("bpy") is None, reason="bpy is not installed")
        ),
        "graphics_ml.pose",
    ],
)
def test_importing_the_base_loads_nothing_heavy(module):
    assert not modules_after(f"import {module}") & HEAVY


def test_importing_the_package_alone_loads_no_numpy():
    assert "numpy" not in modules_after("import graphics_ml")


def test_the_help_loads_no_numpy():
    code = "from graphics_ml.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert not modules_after(code) & (HEAVY | {"numpy"})


@pytest.mark.skipif(find_spec("mediapipe") is None, reason="mediapipe is not installed")
def test_a_detector_loads_mediapipe_only_to_look_at_a_picture():
    code = "from graphics_ml.pose.mediapipe_detector import MediaPipeDetector\nMediaPipeDetector()"
    assert not modules_after(code) & {"mediapipe", "cv2"}


def test_every_public_name_of_the_package_is_there():
    import graphics_ml

    assert all(getattr(graphics_ml, name) is not None for name in graphics_ml.__all__)


def test_jobs_need_the_standard_library_only():
    loaded = modules_after("import graphics_ml.jobs")
    assert not loaded & {"numpy", "array_api_compat", "tyro", "rich"}
