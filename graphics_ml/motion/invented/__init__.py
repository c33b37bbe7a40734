"""Motions made by rule, with no recording in them.

`random_poses(rng, count)` draws poses, `invent(rng, kind)` a motion of one of KINDS. All lengths inside are in body
heights (body.py); what a body does is a row of numbers a frame (tracks.py), which solve.py turns into joints.
"""

from graphics_ml.motion.invented.poses import random_poses

__all__ = ["random_poses"]
