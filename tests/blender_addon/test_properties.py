"""Properties made from settings give the same job back, whatever kinds its settings have."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import bpy
import pytest


@pytest.fixture(scope="module")
def shown(addon):
    """A function that registers the group of a job class and gives an instance of it in the scene."""
    properties, registered = addon("properties"), []

    def make(job_class, **how):
        name = f"test_group_{len(registered)}"
        group = properties.group_of(job_class, name=f"GRAPHICS_ML_PG_{name}", **how)
        bpy.utils.register_class(group)
        setattr(bpy.types.Scene, name, bpy.props.PointerProperty(type=group))
        registered.append((name, group))
        return getattr(bpy.context.scene, name)

    yield make
    for name, group in registered:
        delattr(bpy.types.Scene, name)
        bpy.utils.unregister_class(group)


@pytest.fixture(scope="module")
def every_kind(core):
    setting = core("jobs").setting

    @dataclass(frozen=True, kw_only=True)
    class EveryKind(core("jobs").Job):
        """A job with every kind of setting."""

        task: ClassVar[str] = "nowhere:none"

        clip: Path = setting("a file")
        many: tuple[Path, ...] = setting("several files")
        none_or_many: tuple[Path, ...] = setting("several files or none", ())
        spans: tuple[str, ...] = setting("several texts or none", ())
        offsets: tuple[float, ...] = setting("several numbers or none", ())
        maybe_file: Path | None = setting("a file or none", None)
        kept_in: Path = setting("a folder", Path("here"))
        file_or_word: str | None = setting("a file or a word", None, names_file=lambda word: word.endswith(".toml"))
        words: str = setting("text", "some")
        maybe_words: str | None = setting("text or none", None)
        count: int = setting("whole", 3, min=1, max=9, unit="px")
        maybe_count: int | None = setting("whole or none", None, min=2, usual=5)
        share: float = setting("part", 0.3, min=0, max=1)
        needed: float = setting("no default", min=-2.5, max=20)
        fine: float | None = setting("fine or none", None, min=1e-6, max=1, unit="m", usual=0.001)
        free: float = setting("no bounds", -12.5)
        yes: bool = setting("switch", True)
        maybe: bool | None = setting("yes, no or as it was", None)
        way: Literal["to the left", "right"] = setting("which way", "right")
        maybe_way: Literal["up", "down"] | None = setting("which way or none", None)

    return EveryKind


def _some_of_every_kind(job_class, folder):
    given = {"clip": folder / "a.bvh", "many": (folder / "a.bvh", folder / "b.bvh"), "needed": 1.1}
    return [
        job_class(**given, kept_in=folder),
        job_class(
            **given | {"needed": -2.5},
            none_or_many=(folder / "c",),
            spans=("3-7", "left foot"),
            offsets=(0.3, 0.0, -12.5),
            maybe_file=folder / "d",
            kept_in=folder / "e",
            file_or_word=str(folder / "f.toml"),
            words="",
            maybe_words="umlaut ä, 'quotes'",
            count=9,
            maybe_count=7,
            share=0.1,
            fine=1e-6,
            free=1234.567,
            yes=False,
            maybe=False,
            way="to the left",
            maybe_way="down",
        ),
        job_class(**given, kept_in=folder, file_or_word="a word", maybe=True),
    ]


def test_a_job_with_every_kind_of_setting_comes_back_as_it_was(addon, shown, every_kind, tmp_path):
    properties, group = addon("properties"), shown(every_kind)
    for job in _some_of_every_kind(every_kind, tmp_path):
        properties.fill(group, job)
        assert properties.job_from(group) == job


def test_every_job_starts_with_its_defaults_and_comes_back_as_it_was(addon, core, shown, tmp_path):
    jobs, properties = core("jobs"), addon("properties")
    for name, job_class in jobs.JOBS.items():
        needed = {
            one.name: [str(tmp_path / "a.bvh")] if "tuple" in str(kind) else str(tmp_path / f"{one.name}.npz")
            for one, kind in jobs.settings(job_class)
            if one.default is jobs.MISSING
        }
        if name == "edit":  # it refuses to do nothing
            needed["smooth"] = 4.0
        job, group = jobs.from_plain(name, needed), shown(job_class)
        for key, value in needed.items():
            if isinstance(value, list):
                for path in value:
                    getattr(group, key).add().path = path
            else:
                setattr(group, key, value)
                if f"use_{key}" in group.bl_rna.properties:
                    setattr(group, f"use_{key}", True)
        assert properties.job_from(group) == job, name
        properties.fill(group, job)
        assert properties.job_from(group) == job, name


def test_bounds_help_unit_and_choices_are_those_of_the_setting(shown, every_kind):
    kinds = shown(every_kind).bl_rna.properties
    assert (kinds["count"].hard_min, kinds["count"].hard_max) == (1, 9)
    assert kinds["count"].name == "Count (px)"
    assert kinds["count"].description == "Whole"
    assert kinds["share"].subtype == "FACTOR"
    assert (kinds["needed"].hard_min, kinds["needed"].hard_max) == (-2.5, 20)
    assert kinds["clip"].subtype == "FILE_PATH"
    assert [one.identifier for one in kinds["way"].enum_items] == ["to the left", "right"]
    assert [one.name for one in kinds["way"].enum_items] == ["To the left", "Right"]


def test_an_optional_number_has_a_switch_and_starts_at_what_is_usual(addon, shown, every_kind, tmp_path):
    group, job_from = shown(every_kind), addon("properties").job_from
    group.clip = str(tmp_path / "a.bvh")
    group.many.add().path = str(tmp_path / "a.bvh")
    assert job_from(group).fine is None
    group.use_fine = group.use_maybe_count = True
    assert (job_from(group).fine, job_from(group).maybe_count) == (0.001, 5)


def test_a_setting_that_is_needed_and_empty_is_a_sentence(addon, core, shown, every_kind, tmp_path):
    group = shown(every_kind)
    group.many.add().path = str(tmp_path / "a.bvh")
    with pytest.raises(core("jobs").JobError, match=r"^Clip is empty: a file$"):
        addon("properties").job_from(group)


def test_what_blender_gives_itself_can_be_left_out(addon, core, shown, tmp_path):
    jobs, job_from = core("jobs"), addon("properties").job_from
    group = shown(
        jobs.Retarget, leave_out=("source", "output"), more={"frame": bpy.props.IntProperty(name="Frame", default=7)}
    )
    assert "source" not in group.bl_rna.properties
    assert group.frame == 7
    job = job_from(group, source=tmp_path / "a.bvh", output=tmp_path / "b.blend", foot_lock=0.5)
    assert job == jobs.Retarget(source=tmp_path / "a.bvh", output=tmp_path / "b.blend", foot_lock=0.5)


def test_a_path_beside_the_blend_becomes_whole(addon, shown, every_kind, tmp_path):
    group = shown(every_kind)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group.clip = "//takes/a.bvh"
    group.many.add().path = "//b.bvh"
    group.file_or_word = "//c.toml"
    job = addon("properties").job_from(group)
    assert job.clip == tmp_path / "takes" / "a.bvh"
    assert job.many == (tmp_path / "b.bvh",)
    assert job.file_or_word == str(tmp_path / "c.toml")


def test_a_setting_of_a_kind_that_no_property_shows_is_told_to_the_developer(addon, core):
    jobs = core("jobs")

    @dataclass(frozen=True)
    class Odd(jobs.Job):
        """A job with a setting that is another job."""

        inner: jobs.Capture = jobs.setting("a job")

    with pytest.raises(TypeError, match="Capture"):
        addon("properties").group_of(Odd)


def test_files_are_added_and_removed_by_their_buttons(addon, empty):
    assert empty.graphics_ml  # the panels' settings live there
    measure = empty.graphics_ml.evaluate
    where = {"group": measure.path_from_id(), "setting": "files"}
    bpy.ops.graphics_ml.add_files(**where, directory="/takes", files=[{"name": "a.bvh"}, {"name": "b.bvh"}])
    bpy.ops.graphics_ml.remove_file(**where, index=0)
    assert [Path(one.path).name for one in measure.files] == ["b.bvh"]
