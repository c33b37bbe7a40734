"""Motions made by rule, with no recording in them.

`invent(rng, kind)` makes a motion of one of KINDS, `random_poses(rng, count)` single poses. All lengths inside are in
body heights (body.py); what a body does is a row of numbers a frame (tracks.py), which solve.py turns into joints.
"""

from graphics_ml.motion.invented.kinds import KINDS, invent
from graphics_ml.motion.invented.poses import random_poses

__all__ = ["KINDS", "invent", "random_poses"]
