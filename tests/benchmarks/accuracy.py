"""How good captures are: films of known motion, four calibrated cameras, and Blender's evaluation of what is written.

    GRAPHICS_ML_TEST_DATA=... python -m tests.benchmarks accuracy

Twelve films of shared mocap, on our character and on Geno.fbx, seen by random cameras, are made once; with what the
detector saw in them they are kept in the folder that GRAPHICS_ML_FILMS names, or in build/films. A captured motion is
put on the very rig that was filmed, so each of its bones has a true orientation; both are compared in the axes of the
camera, because a film does not say which way north is. Each title says what is aimed for.
"""

import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphics_ml import formats
from graphics_ml.blender.armature import deform_flags, evaluated_transforms, skeleton_from_armature
from graphics_ml.blender.characters import build_character
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene
from graphics_ml.jobs import Animate, Capture
from graphics_ml.motion.bone_map import BoneMap, recognize
from graphics_ml.motion.contacts import CONTACT_ROLES, contacts_from_positions, speeds
from graphics_ml.motion.humanoid import ROLE_CHILD
from graphics_ml.motion.metrics import contact_scores, foot_skate, pa_mpjpe, peak_speed_ratio
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample
from graphics_ml.motion.retarget import retarget
from graphics_ml.motion.rotations import conjugate, multiply, normalize, quaternion_from_matrix, rotate, swing_twist
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.pose.camera_motion import estimate_camera_motion
from graphics_ml.pose.detection import LANDMARKS
from graphics_ml.pose.solver import ROLES, Solution, solve
from graphics_ml.pose.tracking import detect
from graphics_ml.pose.video import open_video
from graphics_ml.run import run
from graphics_ml.tasks.capture import detection_cache
from graphics_ml.tasks.film import Truth, film_motion, load_truth, truth_path
from tests.pose.evaluation import (
    LIMB_ROLES,
    SIDES,
    Case,
    against_detector,
    against_truth,
    filmed_cases,
    fourteen,
    multiview_cases,
    rotations,
)
from tests.pose.test_hand_marks import distances, marked_frames, solved_pixels

FRAME_RATE = 30
OWN = "our character"
# name: rig, archive, file in it, first second, seconds, seed of camera and room
CLIPS = {
    "bow_geno": ("Geno.fbx", "bandai1", "dataset-1_bow_active_001.bvh", 0, 3.4, 15),
    "cmuwalk_char": (None, "cmu", "02_01.bvh", 0, 2.9, 22),
    "dance_char": (None, "bandai1", "dataset-1_dance-short_normal_001.bvh", 9.2, 3.4, 12),
    "jump_geno": ("Geno.fbx", "cmu", "02_04.bvh", 0.3, 3.4, 18),
    "kick_geno": ("Geno.fbx", "bandai1", "dataset-1_kick_normal_001.bvh", 0, 3.4, 13),
    "punch_char": (None, "bandai1", "dataset-1_punch_normal_001.bvh", 0, 3.4, 14),
    "run_char": (None, "bandai2-subset", "dataset-2_run_active_001.bvh", 0.5, 3.0, 16),
    "strike_geno": ("Geno.fbx", "cmu", "02_05.bvh", 3, 3.4, 20),
    "sword_char": (None, "cmu", "02_08.bvh", 2, 3.4, 21),
    "turn_char": (None, "bandai2-subset", "dataset-2_walk-turn-left_active_001.bvh", 0.5, 3.4, 19),
    "walk_geno": ("Geno.fbx", "bandai2-subset", "dataset-2_walk_normal_001.bvh", 0.5, 3.4, 11),
    "wave_char": (None, "bandai1", "dataset-1_byebye_happy_001.bvh", 0, 3.4, 17),
}
ROLLING = ("forearm", "hand", "foot")
WRISTS, ANKLES = (tuple(f"{side}_{part}" for side in SIDES) for part in ("hand", "foot"))
FAST = 0.5  # m/s
ENDS = {
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "thigh": ("hip", "knee"),
    "shin": ("knee", "ankle"),
}
LIMBS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")


def main():
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not data:
        print("accuracy: GRAPHICS_ML_TEST_DATA must name the folder of real videos, mocap and rigs")
        return
    data, folder = Path(data), Path(os.environ.get("GRAPHICS_ML_FILMS", "build/films"))
    make_films(data, folder)
    takes = captured(data, folder)
    print_joints(takes)
    print_rolls(takes)
    print_directions(takes)
    print_feet(takes)
    print_movement(takes)
    print_real_films(data, folder)
    print_written_files(data, folder)


# --- films of known motion ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Take:
    """A film of known motion and what was captured from it.

    Args:
        case: what `tests.pose.evaluation` needs of it.
        truth: where the filmed rig's bones were.
        solution: the captured motion.
        motion: the captured motion on the rig that was filmed.
        joints: role to joint of that rig.
    """

    case: Case
    truth: Truth
    solution: Solution
    motion: Motion
    joints: dict[str, int]

    @property
    def name(self) -> str:
        return self.case.name

    @property
    def fps(self) -> float:
        return float(self.truth.fps)

    def places(self, roles) -> np.ndarray:
        """(F, K, 3) metres, of the captured motion on the rig."""
        return self.motion.positions()[:, [self.joints[role] for role in roles]]

    def solved_places(self, roles) -> np.ndarray:
        """(F, K, 3) metres, of the captured motion itself."""
        skeleton = self.solution.motion.skeleton
        return self.solution.motion.positions()[:, [skeleton.index(role) for role in roles]]


def make_films(data: Path, folder: Path) -> None:
    """Film the CLIPS that are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (rig, archive, file, start, seconds, seed) in CLIPS.items():
        path = folder / f"{name}.mp4"
        if path.exists() and truth_path(path).exists():
            continue
        print(f"filming {name}", flush=True)
        motion = resample(_mocap(data, archive, file), FRAME_RATE)
        first = round(start * FRAME_RATE)
        motion = motion.frames(first, min(len(motion), first + int(seconds * FRAME_RATE)))
        film_motion(motion, _armature(data, rig), path, seed=seed)


def captured(data: Path, folder: Path) -> list[Take]:
    """All films with their captures on the rigs that were filmed."""
    cases = filmed_cases(folder, _made(folder / "detections"))
    rigs = {rig: _rig(data, rig) for rig in {clip[0] for clip in CLIPS.values()}}
    takes = []
    for case in cases:
        if case.name not in CLIPS:
            continue
        film = folder / f"{case.name}.mp4"
        solution = solve(case.detections, camera_motion=estimate_camera_motion(open_video(film), case.detections))
        skeleton, bones = rigs[CLIPS[case.name][0]]
        motion, _ = retarget(solution.motion, skeleton, target_map=bones)
        takes.append(Take(case, load_truth(truth_path(film)), solution, motion, bones.joints(skeleton)))
    return takes


def _mocap(data, archive, file):
    with tempfile.TemporaryDirectory() as folder, tarfile.open(data / "motion" / f"{archive}.tar.xz") as held:
        member = next(one for one in held if Path(one.name).name == file)
        held.extract(member, folder, filter="data")
        return formats.load(Path(folder) / member.name)


def _armature(data, rig):
    if rig:
        return load_rig(data / "rigs" / rig)
    empty_scene()
    return build_character()


def _rig(data, rig) -> tuple[Skeleton, BoneMap]:
    armature = _armature(data, rig)
    skeleton = skeleton_from_armature(armature)
    return skeleton, recognize(skeleton, deform_flags(armature, skeleton))


# --- joints ------------------------------------------------------------------------------------------------------


def print_joints(takes: list[Take]) -> None:
    """PA-MPJPE and MPJPE of the detector's metric landmarks, of the solved motion and of the rig, and frames found."""
    rows = []
    for take in takes:
        figures = against_truth(take.case, take.solution)
        known = take.case.detections.found
        rig = fourteen(take.places(LIMB_ROLES)) @ take.solution.camera().rotation.T
        truth = fourteen(take.case.joints) @ take.case.camera.rotation.T
        rows.append(
            {
                "": take.name,
                "PA raw": figures["PA raw"],
                "PA": figures["PA"],
                "PA rig": 1e3 * float(pa_mpjpe(rig[known], truth[known])),
                "MPJPE raw": figures["MPJPE raw"],
                "MPJPE": figures["MPJPE"],
                "up off": figures["up"],
                "focal/true": figures["focal"],
                "found %": 100 * known.mean(),
            }
        )
    table(
        "A. Joints on filmed clips, mm over 14 joints: PA no worse than raw on any clip, better on average; "
        "found in at least 98%",
        rows,
        _mean(rows),
    )


# --- roll and direction ------------------------------------------------------------------------------------------


def roll_and_direction(take: Take, role: str) -> tuple[np.ndarray, np.ndarray]:
    """Degrees (F,) by which a bone is wrongly turned about its own axis (signed), and points the wrong way.

    The error conjugate(truth) * ours, both in camera axes, is split into a swing and a twist about the bone; the bone
    runs to the next joint of the body, in the rig's own frame.
    """
    truth, joint = take.truth, take.joints[role]
    true = truth.orientations(role)
    child = truth.places(ROLE_CHILD[role]) - truth.places(role)
    along = normalize(rotate(conjugate(true), child).mean(axis=0))
    true = multiply(quaternion_from_matrix(truth.camera.rotation), true)
    to_camera = quaternion_from_matrix(np.swapaxes(rotations(take.solution, len(take.motion)), -1, -2))
    ours = multiply(to_camera, take.motion.orientations()[:, joint])
    _, twist = swing_twist(multiply(conjugate(true), ours), along)
    roll = np.degrees(2 * np.arctan2(twist[:, 1:] @ along, twist[:, 0]))
    return (roll + 180) % 360 - 180, angles(rotate(true, along), rotate(ours, along))


def print_rolls(takes: list[Take]) -> None:
    """Roll of forearms, hands and feet against the rig that was filmed."""
    for part in ROLLING:
        rows, everything, seen = [], [], []
        for take in takes:
            signed = np.stack([roll_and_direction(take, f"{side}_{part}")[0] for side in SIDES], axis=1)
            sure = take.solution.motion.confidence[:, [_solved_joint(take, side, part) for side in SIDES]] > 0.5
            everything.append(signed)
            seen.append(signed[sure])
            rows.append({"": take.name, **_roll_figures(signed)})
        last = {"": "all", **_roll_figures(np.concatenate(everything))}
        well_seen = np.abs(np.concatenate(seen))
        rows.append(
            {"": "well seen", "median": np.median(well_seen), "mean": well_seen.mean()}
            | {"90th": np.percentile(well_seen, 90), "within 10 %": 100 * (well_seen <= 10).mean()}
        )
        table(f"B. Roll of the {part} against the filmed rig, degrees: within 10", rows, last)


def print_directions(takes: list[Take]) -> None:
    """Median angle between limbs and the filmed rig's."""
    rows = []
    for take in takes:
        row = {"": take.name}
        for part in LIMBS:
            off = np.stack([roll_and_direction(take, f"{side}_{part}")[1] for side in SIDES])
            raw = {"raw " + part: np.median(_raw_directions(take, part))} if part in ENDS else {}
            row |= {**raw, part: np.median(off), "90th " + part: np.percentile(off, 90)}
        rows.append(row)
    table(
        "B. Direction of limbs against the filmed rig, degrees: median (the detector's beside it), 90th percentile",
        rows,
        _mean(rows),
    )


def _raw_directions(take, part):
    """Degrees (F, 2) between the detector's own metric limb and the filmed rig's."""
    start, end = ENDS[part]
    world, off = take.case.detections.world, []
    for side in SIDES:
        seen = world[:, LANDMARKS.index(f"{side}_{end}")] - world[:, LANDMARKS.index(f"{side}_{start}")]
        role = f"{side}_{part}"
        true = (take.truth.places(ROLE_CHILD[role]) - take.truth.places(role)) @ take.truth.camera.rotation.T
        off.append(angles(normalize(seen), normalize(true)))
    return np.stack(off, axis=1)


def _solved_joint(take, side, part):
    return take.solution.motion.skeleton.index(f"{side}_{part}")


def _roll_figures(signed):
    """Figures of rolls (F, 2), left and right; the bias counts the sides as mirror images."""
    off = np.abs(signed)
    return {
        "median": np.median(off),
        "mean": off.mean(),
        "90th": np.percentile(off, 90),
        "within 10 %": 100 * (off <= 10).mean(),
        "bias": np.median(signed * [1, -1]),
        "left": np.median(signed[:, 0]),
        "right": np.median(signed[:, 1]),
    }


def angles(a, b):
    """Degrees (...) between unit vectors (..., 3)."""
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1)))


# --- feet and movement -------------------------------------------------------------------------------------------


def print_feet(takes: list[Take]) -> None:
    """Contacts and slip, counted over contacts labelled from the truth."""
    rows = []
    for take in takes:
        contacts = contacts_from_positions(take.case.feet, take.fps, take.case.leg)
        score = contact_scores(take.solution.contacts, contacts)
        slid = {
            name: foot_skate(feet, contacts, take.fps)
            for name, feet in (
                ("truth", take.case.feet),
                ("solved", take.solved_places(CONTACT_ROLES)),
                ("rig", take.places(CONTACT_ROLES)),
            )
        }
        rows.append(
            {"": take.name, "contacts": slid["truth"].count, "frames": score.true, "found": score.found}
            | {"both": score.both, "recall": score.recall, "precision": score.precision}
            | {f"slipped {name}": int((skate.slips >= skate.threshold).sum()) for name, skate in slid.items()}
            | {f"mean mm {name}": 1e3 * skate.mean_slip for name, skate in slid.items()}
            | {"belt m/s": float(np.linalg.norm(take.solution.belt))}
        )
    total = {key: sum(row[key] for row in rows) for key, value in rows[0].items() if isinstance(value, int)}
    last = {"": "all", **total, "recall": total["both"] / total["frames"], "precision": total["both"] / total["found"]}
    table("C. Contacts labelled from truth: recall at least 0.8; slip of 2.5 cm in at most 5% of contacts", rows, last)
    shares = (f"{name} {total[f'slipped {name}'] / total['contacts']:.1%}" for name in ("truth", "solved", "rig"))
    print("slipped:", ", ".join(shares))


def _peak_speeds(take, name, roles):
    """Mean peak speed in the truth, and what is left of it; a limb that hardly moves has no peak to keep."""
    truth = np.stack([take.truth.places(role) for role in roles], axis=1)
    peaks = np.percentile(speeds(truth, take.fps), 99, axis=0)
    fast = peaks >= FAST
    row = {f"{name} m/s": peaks.mean()}
    for label, places in (("solved", take.solved_places(roles)), ("rig", take.places(roles))):
        ratio = peak_speed_ratio(places, truth, take.fps)
        row[f"{name} {label}"] = ratio[fast].mean() if fast.any() else np.nan
    return row


def print_movement(takes: list[Take]) -> None:
    """How much of fast movement is left, and how smooth it is."""
    rows = []
    for take in takes:
        figures = against_detector(take.case.detections, take.solution)
        row = {"": take.name}
        for name, roles in (("wrists", WRISTS), ("ankles", ANKLES)):
            row |= _peak_speeds(take, name, roles)
        row |= {"acceleration/raw": figures["acceleration"], "drift m": figures["drift"]}
        row |= {"reprojection %": figures["reprojection %"]}
        rows.append(row)
    table(
        "C. Movement: peak speeds at least 0.85 of truth (where that is 0.5 m/s), acceleration at most 0.5 of raw, "
        "bones constant to 1e-6",
        rows,
        _mean(rows),
    )


# --- real films --------------------------------------------------------------------------------------------------


def print_real_films(data: Path, folder: Path) -> None:
    """Reprojection against the detector and against joints marked by eye; joints against the triangulation."""
    cache, marks, rows = _made(folder / "detections"), marked_frames(), []
    known = {case.name: case for case in multiview_cases(data, cache)}
    for path in (*(data / "video").glob("treadmill_?.mp4"), *(data / "video" / "multiview").glob("cam*.mp4")):
        detections = detect(path, cache=cache / f"{path.stem}.npz")
        solution = solve(detections, camera_motion=estimate_camera_motion(open_video(path), detections))
        figures = against_detector(detections, solution)
        row = {"": path.stem, "reprojection %": figures["reprojection %"]}
        row["by eye %"] = 100 * np.median(distances(marks[path.stem], solved_pixels(solution)))
        row |= {"acceleration/raw": figures["acceleration"], "drift m": figures["drift"]}
        if path.stem in known:
            true = against_truth(known[path.stem], solution)
            row |= {name: true[name] for name in ("PA raw", "PA", "MPJPE raw", "MPJPE")} | {"up off": true["up"]}
        rows.append(row)
    rows.sort(key=lambda row: row[""])
    table(
        "D. Real films: reprojection within 3% of the height; PA in mm against four cameras better than raw",
        rows,
        _mean(rows),
    )


# --- written files -----------------------------------------------------------------------------------------------


def print_written_files(data: Path, folder: Path) -> None:
    """Blender's evaluation of saved .blend files against the solved motion, limb by limb."""
    videos = [data / "video" / "treadmill_a.mp4", data / "video" / "treadmill_b.mp4"]
    videos.append(data / "video" / "multiview" / "cam01.mp4")
    rows, bent = [], []
    with tempfile.TemporaryDirectory() as work:
        for video in videos:
            detections = Path(work) / "detections.npz"
            detect(video, cache=detections)
            solved = Path(work) / f"{video.stem}.npz"
            shutil.copy(detections, detection_cache(solved))
            run(Capture(video=video, output=solved))
            for rig in ("Geno.fbx", "Knight.glb", None):
                output = Path(work) / f"{video.stem}_on_{rig or 'own'}.blend"
                shutil.copy(detections, detection_cache(output))
                run(Animate(video=video, output=output, rig=data / "rigs" / rig if rig else None))
                off = disagreement(output, formats.load(solved))
                name = f"{video.stem} {rig or OWN}"
                rows += [{"": name, "bone": part, **_spread(off[part])} for part in LIMBS if part in off]
                bent.append({"": name, **_beyond(off)})
    table("E. Blender's evaluation of the saved file against the solved motion, degrees: within 2", rows)
    table("E. Frames beyond 2 degrees, %: at most 25 of a leg's, none of an arm's", bent)


def disagreement(path: Path, solved: Motion) -> dict[str, np.ndarray]:
    """Degrees (F, 2), left and right, between limbs in a saved file and in the solved motion; by name of the limb."""
    armature = load_rig(path, actions=True)
    first = round(armature.animation_data.action.frame_range[0])
    _, places = evaluated_transforms(armature, range(first, first + len(solved)))
    names = [bone.name for bone in armature.data.bones]
    joints = {role: names.index(bone) for role, bone in recognize(skeleton_from_armature(armature)).roles.items()}
    rotated, at = solved.transforms()
    ends = {solved.skeleton.names[end.joint]: end for end in solved.skeleton.end_sites}
    result = {}
    for part in LIMBS:
        off = []
        for role in (f"{side}_{part}" for side in SIDES):
            child, joint = ROLE_CHILD[role], solved.skeleton.index(ROLES[role])
            if child not in joints:
                break
            if child in solved.skeleton.names:
                theirs = at[:, solved.skeleton.index(child)] - at[:, joint]
            else:
                theirs = rotate(rotated[:, joint], ends[role].offset)
            off.append(angles(normalize(places[:, joints[child]] - places[:, joints[role]]), normalize(theirs)))
        if len(off) == len(SIDES):
            result[part] = np.stack(off, axis=1)
    return result


def _spread(off):
    return {"median": np.median(off), "99th": np.percentile(off, 99), "max": off.max()}


def _beyond(off):
    legs = np.maximum(off["thigh"], off["shin"]) > 2
    arms = np.maximum(off["upper_arm"], off["forearm"]) > 2
    columns = {"left leg": legs[:, 0], "right leg": legs[:, 1], "left arm": arms[:, 0], "right arm": arms[:, 1]}
    return {name: 100 * beyond.mean() for name, beyond in columns.items()}


# --- printing ----------------------------------------------------------------------------------------------------


def table(title: str, rows: list[dict], last: dict | None = None) -> None:
    """Print rows, whose first column is their name, under a title; a column is as wide as its widest entry."""
    rows = [*rows, *([last] if last else [])]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns] + [[_shown(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for row in cells:
        aligned = [c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))]
        print("  ".join(aligned), flush=True)


def _shown(value):
    if value is None or value != value:
        return ""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _mean(rows):
    numbers = [key for key, value in rows[-1].items() if isinstance(value, float)]
    return {"": "mean", **{key: float(np.nanmean([row[key] for row in rows if key in row])) for key in numbers}}


def _made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
