"""Some joints of a body with all above them, so that work on legs or arms costs legs or arms, not fingers and hair."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from graphics_ml.motion.body_frames import Body
from graphics_ml.motion.body_shape import path_down
from graphics_ml.motion.kinematics import global_rotations, transforms
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, unroll
from graphics_ml.motion.skeleton import Skeleton


class Part:
    """Joints of a skeleton and their ancestors.

    Args:
        body: the whole.
        roles: those wanted; the body need not have all of them.

    Attributes:
        joints: indices in the whole, in order.
        body: the part as a body of its own, whose joints are numbered anew.
    """

    def __init__(self, body: Body, roles: Iterable[str]):
        whole, wanted = body.skeleton, set()
        for role in roles:
            joint = body.joints.get(role, -1)
            while joint >= 0 and joint not in wanted:
                wanted.add(joint)
                joint = whole.parents[joint]
        self.joints = sorted(wanted)
        row = {joint: number for number, joint in enumerate(self.joints)}
        skeleton = Skeleton(
            [whole.names[joint] for joint in self.joints],
            [row.get(whole.parents[joint], -1) for joint in self.joints],
            whole.offsets[self.joints],
            whole.rest_orientations[self.joints],
        )
        joints = {role: row[joint] for role, joint in body.joints.items() if joint in row}
        self.body = replace(body, skeleton=skeleton, joints=joints, standing=body.standing[self.joints])
        limbs = {body.joints[f"{side}_{part}"] for side in ("left", "right") for part in ("thigh", "upper_arm")}
        # Joints outside that hang from a joint of the trunk, by its number.
        self._outside = {}
        for joint, parent in enumerate(whole.parents):
            if parent in limbs:
                limbs.add(joint)
            elif joint not in row and parent in row:
                self._outside.setdefault(row[parent], []).append(joint)
        self._trunk = {above for row in self._outside for above in path_down(skeleton, 0, row)}

    def transforms(self, rotations, root_positions, offsets) -> tuple[np.ndarray, np.ndarray]:
        """World rotations (F, N, 4) and positions (F, N, 3) of the part's joints, of arrays of the whole; see
        kinematics."""
        parents = self.body.skeleton.parents
        return transforms(self._rows(rotations), root_positions, offsets[..., self.joints, :], parents)

    def motion(self, motion: Motion) -> Motion:
        """The part's own motion, of one of the whole."""
        local = motion.local_positions
        return Motion(
            self.body.skeleton,
            self._rows(motion.rotations),
            motion.root_positions,
            motion.fps,
            local_positions=None if local is None else local[:, self.joints],
        )

    def put_back(self, motion: Motion, before: Motion, after: Motion) -> Motion:
        """The motion of the whole with the part's changed; what hangs from the trunk keeps its turn in the world, what
        hangs from a limb goes along.

        Args:
            motion: of the whole.
            before: the part's motion in it.
            after: the part's motion as it shall be.
        """
        rotations = motion.rotations.transpose(1, 2, 0).copy().transpose(2, 0, 1)
        rotations[:, self.joints] = after.rotations
        if any(not np.array_equal(before.rotations[:, row], after.rotations[:, row]) for row in self._trunk):
            old, new = (global_rotations(one.rotations, self.body.skeleton.parents) for one in (before, after))
            for row, hanging in self._outside.items():
                if not np.array_equal(old[:, row], new[:, row]):
                    turn = multiply(conjugate(new[:, row]), old[:, row])
                    for joint in hanging:
                        rotations[:, joint] = unroll(multiply(turn, motion.rotations[:, joint]))
        local = motion.local_positions
        if local is not None:
            local = np.array(local)
            local[:, self.joints] = after.local_positions
        return motion.replace(rotations=rotations, root_positions=after.root_positions, local_positions=local)

    def _rows(self, rotations):
        # Taken in memory's order, so that the rows of (J, 4, F) stay in one piece.
        return rotations.transpose(1, 2, 0)[self.joints].transpose(2, 0, 1)
