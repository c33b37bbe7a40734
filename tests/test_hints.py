"""Sentences name settings as their reader sees them."""

from dataclasses import fields

import pytest

from graphics_ml import hints
from graphics_ml.jobs import Convert, Retarget
from graphics_ml.motion.bone_map import BoneMap, UnrecognisedBodyError, require_roles
from graphics_ml.motion.humanoid import standard_skeleton


@pytest.mark.parametrize(
    ("hint", "job", "name"),
    [
        (hints.SAY_RATE, Convert, "fps"),
        (hints.SAY_FOUND, Retarget, "frames_found"),
        (hints.SAY_BODY, Convert, "body_model"),
        (hints.SAY_T_POSE, Retarget, "drop_t_pose"),
    ],
)
def test_a_panel_is_told_the_label_that_its_setting_has(hint, job, name):
    setting = next(one for one in fields(job) if one.name == name)
    label = setting.metadata["label"] or name.replace("_", " ").title()
    said = hints.in_panels(f"it is so ({hint}); choose another")
    assert f"({label}" in said and "--" not in said and "=" not in said
    assert "in the panel" not in said or f"{label} in the panel {job.panel})" in said
    assert f"--{name.replace('_', '-')}" in hint


def test_an_error_without_options_of_the_command_line_is_left_in_a_panel():
    with pytest.raises(UnrecognisedBodyError, match="--map") as caught:
        require_roles(BoneMap({}, {}), standard_skeleton(1.7), "the rig")
    assert "--" not in hints.in_panels(str(caught.value))
