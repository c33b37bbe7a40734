"""Character animation with machine learning: video and mocap onto any rig."""

from importlib import import_module

__version__ = "0.1.0"

# Heavy rooms are imported on first use, so that `import graphics_ml` and `graphics-ml --help` stay quick (PEP 562).
_LAZY = {
    "Motion": "graphics_ml.motion.motion",
    "Markers": "graphics_ml.motion.markers",
    "Skeleton": "graphics_ml.motion.skeleton",
    "load": "graphics_ml.formats",
    "load_markers": "graphics_ml.formats",
    "save": "graphics_ml.formats",
    "save_markers": "graphics_ml.formats",
    "solve_markers": "graphics_ml.pose.markers",
    "retarget": "graphics_ml.motion.retarget",
    "recognize": "graphics_ml.motion.bone_map",
    "rest_pose_of": "graphics_ml.motion.rest_pose",
    "to_rest_pose": "graphics_ml.motion.rest_pose",
    "fill_gaps": "graphics_ml.motion.gaps",
    "smooth_motion": "graphics_ml.motion.filters",
}

__all__ = [*_LAZY, "__version__"]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'graphics_ml' has no attribute '{name}'")
    return getattr(import_module(_LAZY[name]), name)


def __dir__():
    return sorted(__all__)
