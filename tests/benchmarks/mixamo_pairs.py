"""Retargeting against Mixamo's own: four motions, each on the same three characters of very different build.

For each of the 20 ordered pairs that hold the same motion (Mousey's House-Dancing is another): height-normalised MSE as
the evaluation of deep-motion-editing (Aberman et al., "Skeleton-Aware Networks for Deep Motion Retargeting", SIGGRAPH
2020) defines it, global and relative to the root; and the contact error, speed of the toes plus their error in height
over the frames in which the target's own truth is in contact, at a body height of 170 cm. Beside ours stand plainly
copied rotations. And how deep arms are inside the body, in thousandths of the arm's length: on the source, with each
way, at level "touch" too, and on the truth. The files are read from the folder that GRAPHICS_ML_TEST_DATA names.
"""

import os
import tempfile
from itertools import permutations
from pathlib import Path

import numpy as np

from graphics_ml.formats import load
from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.capsules import Capsules, self_penetration
from graphics_ml.motion.contacts import detect_contacts
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import retarget
from tests.archives import unpack

# The joints that the evaluation compares.
_LIMBS = ("UpLeg", "Leg", "Foot", "ToeBase", "Toe_End", "Shoulder", "Arm", "ForeArm", "Hand")
BODY = (
    *("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", "HeadTop_End"),
    *(side + part for side in ("Left", "Right") for part in _LIMBS),
)
TALL = 170.0  # centimetres, the height at which contact errors are said
TOES = (1, 3)  # columns of the contacts


def main():
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not data:
        print("mixamo_pairs: GRAPHICS_ML_TEST_DATA is not set")
        return
    with tempfile.TemporaryDirectory() as folder:
        files = unpack(Path(data) / "motion" / "mixamo-pairs.tar.xz", Path(folder))
        report({(path.parent.name, path.stem): load(path) for path in files})


def report(clips):
    """Print the errors of every pair and their means."""
    print(f"{'':47}     x 1000 global / local            contacts: toes cm/s + cm off")
    print(f"{'motion, from, to':47} " + "   copied        (a)        (b)  " * 2 + "  truth")
    rows, inside = [], {}
    for (source, target, title), (motion, truth) in pairs(clips).items():
        results = ways(motion, truth)
        found, own = [errors(result, truth) for result in results], errors(truth, truth)
        rows.append([*found, own])
        _line(f"{title}, {source}, {target}", found, own)
        touching = retarget(motion, truth.skeleton, level="touch")[0]
        inside[title, source, target] = [depth(one) for one in (motion, *results, touching, truth)]
    _line(
        f"mean of {len(rows)}", np.mean([row[:-1] for row in rows], axis=0), np.mean([row[-1] for row in rows], axis=0)
    )
    print(f"\n{'arms inside the body':47} " + "".join(f"{name:>9}" for name in _WAYS))
    for names, depths in inside.items():
        print(f"{', '.join(names):47} " + "".join(f"{1000 * deep:9.1f}" for deep in depths))


_WAYS = ("source", "copied", "(a)", "(b)", "touch", "truth")


def _line(title, found, own):
    print(f"{title:47} " + "  ".join(f"{one[0]:.3f}/{one[1]:.4f}" for one in found)
          + "   " + "  ".join(f"{one[2]:5.2f}+{one[3]:.2f}" for one in found)
          + f"   {own[2]:5.2f}, {own[4]:5.0f} frames")  # fmt: skip


def pairs(clips):
    """(from, to, motion's name) to (motion, the same on the other character), of clips by (character, name)."""
    return {
        (a, b, name): (clips[a, name], clips[b, name])
        for name in sorted({name for _, name in clips})
        for a, b in permutations(sorted({character for character, _ in clips}), 2)
        if len(clips[a, name]) == len(clips[b, name])
    }


def ways(motion, truth):
    """The motion on the other character: copied rotations, and both levels of ours."""
    levels = [retarget(motion, truth.skeleton, level=level)[0] for level in ("copy", "contacts")]
    return [copied_rotations(motion, truth.skeleton), *levels]


def copied_rotations(motion, target):
    """Local rotations by name, the root's path scaled by the length of the legs."""
    rows = {_bare(name): joint for joint, name in enumerate(motion.skeleton.names)}
    rotations = np.tile([1.0, 0, 0, 0], (len(motion), len(target), 1))
    for joint, name in enumerate(target.names):
        if _bare(name) in rows:
            rotations[:, joint] = motion.rotations[:, rows[_bare(name)]]
    scale = leg(target) / leg(motion.skeleton)
    return Motion(target, rotations, motion.root_positions * scale, motion.fps)


def errors(result, truth):
    """MSE global and local, speed and error in height of standing toes in centimetres at TALL, and the number of their
    frames."""
    names = [_bare(name) for name in truth.skeleton.names]
    joints = [names.index(name) for name in BODY if name in names]
    ours, theirs = (motion.positions()[:, joints] for motion in (result, truth))
    tall = evaluated_height(truth.skeleton)
    off = ours - theirs
    local = off - off[:, :1]
    speed, lift, frames = contact_error(result, truth)
    return [*(1000 * np.mean(d**2) / tall**2 for d in (off, local)), speed, lift, frames]


def contact_error(result, truth):
    """Speed and error in height of the toes where the truth's stand, in cm at TALL, and the number of toe frames."""
    roles = recognize(truth.skeleton).roles
    down = detect_contacts(truth, roles)[:, TOES]
    toes = [truth.skeleton.index(roles[f"{side}_toes"]) for side in ("left", "right")]
    ours, theirs = (motion.positions()[:, toes] for motion in (result, truth))
    unit = TALL / np.ptp(truth.skeleton.rest_positions()[:, 1])
    speed = np.linalg.norm(np.gradient(ours, axis=0), axis=-1) * float(truth.fps)
    return speed[down].mean() * unit, np.abs(ours - theirs)[..., 1][down].mean() * unit, down.sum()


def depth(motion):
    """How deep arms are inside the body, the mean over the frames, in lengths of the arm."""
    body = measure_body(motion.skeleton, recognize(motion.skeleton), motion)
    return float(self_penetration(motion, body).mean()) / Capsules.of(body).reach


def evaluated_height(skeleton):
    """Toe's end to hips to the top of the head along the bones."""
    names = [_bare(name) for name in skeleton.names]
    total = 0.0
    for name, above in (("LeftToe_End", "LeftToeBase"), ("HeadTop_End", "Head")):
        joint = names.index(name if name in names else above)
        while joint > 0:
            total += np.linalg.norm(skeleton.offsets[joint])
            joint = skeleton.parents[joint]
    return total


def leg(skeleton):
    """From hip joint to ankle along the bones."""
    names = [_bare(name) for name in skeleton.names]
    return sum(np.linalg.norm(skeleton.offsets[names.index(name)]) for name in ("LeftLeg", "LeftFoot"))


def _bare(name):
    return name.rpartition(":")[2]


if __name__ == "__main__":
    main()
