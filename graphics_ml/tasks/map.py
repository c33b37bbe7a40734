"""Which bone of one skeleton leads which bone of another: recognise both, show a table, save it for editing."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from graphics_ml import formats
from graphics_ml.formats import bodies
from graphics_ml.jobs import Map, Outcome
from graphics_ml.motion.bone_map import BoneMap, missing_roles, recognize, recognize_moving
from graphics_ml.motion.bone_map_files import save_pair_map
from graphics_ml.motion.humanoid import ROLES
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together
from graphics_ml.provenance import record, record_path, write_record
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import ensure_file_or_body, is_body, is_rig, open_rig


def map_bones(job: Map, progress: Progress) -> Outcome:
    """Do a Map job: the table on stdout, the map file and its job file.

    Raises:
        GraphicsMLError: a skeleton cannot be read or the output cannot be written.
    """
    ensure_extension(job.output, (".toml",))
    for path in (job.source, job.target):
        ensure_file_or_body(path)
    inputs = [path for path in (job.source, job.target) if not is_body(path)]
    ensure_apart({"the bone map": job.output, "its job file": record_path(job.output)}, inputs)
    ensure_writable(job.output)
    progress("recognising", 0, 2)
    source, source_map = _recognised(job.source)
    progress("recognising", 1, 2)
    target, target_map = _recognised_rig(job.target) if is_rig(job.target) else _recognised(job.target)
    progress("recognising", 2, 2)
    shown = (_table(job, source_map, target_map), *_unmapped(job, source, source_map, target, target_map))
    Console(markup=False, highlight=False).print(*shown, sep="\n")
    made_by = record(job, inputs)
    with together():
        save_pair_map(source_map, source, target_map, target, job.output)
        outputs = (job.output, write_record(job.output, made_by))
    return Outcome(outputs, _notes(job, source_map, target_map))


def _recognised(path: Path) -> tuple[Skeleton, BoneMap]:
    """The skeleton of a motion file, a rig or a named body, and its roles, told by its motion where its rest pose is no
    standing one."""
    skeleton = bodies.skeleton(str(path)) if is_body(path) else formats.load_skeleton(path)
    found = recognize(skeleton)
    if missing_roles(found) and not is_rig(path) and not is_body(path):
        motion = formats.load(path)
        return motion.skeleton, recognize_moving(motion)
    return skeleton, found


def _recognised_rig(path: Path) -> tuple[Skeleton, BoneMap]:
    """The skeleton on which a rig takes motion, and its roles."""
    rig = open_rig(path)
    return rig.skeleton, rig.recognised()


def _table(job, source_map, target_map):
    table = Table(title=f"{job.source.name} leads {job.target.name}", title_justify="left")
    for column in ("source bone", "role", "target bone", "sure"):
        table.add_column(column, justify="right" if column == "sure" else "left")
    for role in ROLES:
        if role in source_map.roles or role in target_map.roles:
            both = [one.confidence.get(role) for one in (source_map, target_map)]
            sure = "" if None in both else f"{min(both):.0%}"
            table.add_row(source_map.roles.get(role, "-"), role, target_map.roles.get(role, "-"), sure)
    return table


def _unmapped(job, source, source_map, target, target_map):
    """A line for each skeleton that has bones without a role."""
    for path, skeleton, bones in ((job.source, source, source_map), (job.target, target, target_map)):
        left = [name for name in skeleton.names if name not in bones.roles.values()]
        if left:
            yield f"without a role in {path.name} ({len(left)}): {', '.join(left)}"


def _notes(job, source_map, target_map):
    return tuple(
        f"{path.name}: {note}"
        for path, bones in ((job.source, source_map), (job.target, target_map))
        for note in (*_lacking(bones), *bones.notes)
    )


def _lacking(bones):
    missing = missing_roles(bones)
    return [f"{', '.join(missing).replace('_', ' ')} not found; write them into the map"] if missing else []
