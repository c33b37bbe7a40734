"""The demo: a film of our own character drives another one, and the result is compared with what really happened.

python scenes/demo/demo.py --out demo_output
python scenes/demo/demo.py --video me.mp4 --rig my_rig.fbx --out demo_output
"""

import argparse
import sys
from pathlib import Path

from graphics_ml import formats
from graphics_ml.blender.characters import Character, save_character
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Animate, Capture
from graphics_ml.motion.humanoid import COMPARED_ROLES, compared_joints
from graphics_ml.motion.metrics import mpjpe, pa_mpjpe
from graphics_ml.pose.video import open_video
from graphics_ml.run import run
from graphics_ml.tasks.film import load_truth, truth_path
from graphics_ml.tasks.pictures import contact_sheet
from graphics_ml.terminal import run_in_terminal

CLIP = Path(__file__).parent / "clip.mp4"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, help="your own film; ours when not given")
    parser.add_argument("--rig", type=Path, help="your own rig; another of our characters when not given")
    parser.add_argument("--out", type=Path, default=Path("demo_output"))
    arguments = parser.parse_args()
    try:
        video = arguments.video or CLIP
        animate(video, arguments.rig or make_rig(arguments.out / "character.blend"), arguments.out)
        if arguments.video is None:
            compare(video, arguments.out)
    except GraphicsMLError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    return 0


def make_rig(path: Path) -> Path:
    """Save a character of another build than the actor's."""
    save_character(path, Character(height=1.62, masculinity=0.1, hair="bob", shirt_colour=(0.72, 0.30, 0.26)))
    return path


def animate(video: Path, rig: Path, out: Path) -> None:
    """Write demo.blend with a preview, and demo.glb from the same detections."""
    run_in_terminal(Animate(video=video, rig=rig, output=out / "demo.blend", preview=out / "demo_preview.mp4"))
    run(Animate(video=video, rig=rig, output=out / "demo.glb"))
    print(f"Blender file: {out / 'demo.blend'}\nglTF file:    {out / 'demo.glb'}")
    print(f"preview:      {out / 'demo_preview.mp4'}\npicture:      {picture(out)}")


def picture(out: Path, count: int = 4) -> Path:
    """Save some frames of the preview as one picture."""
    preview = open_video(out / "demo_preview.mp4")
    wanted = {round(preview.frames * (i + 0.5) / count) for i in range(count)}
    contact_sheet([frame for index, _, frame in preview if index in wanted], out / "demo_preview.png", columns=2)
    return out / "demo_preview.png"


def compare(video: Path, out: Path) -> None:
    """Print how far the captured motion is from the one that was filmed."""
    truth = load_truth(truth_path(video))
    run(Capture(video=video, output=out / "demo.npz"))
    motion = formats.load(out / "demo.npz")
    ours = compared_joints(motion.positions(), {name: j for j, name in enumerate(motion.skeleton.names)})
    real = compared_joints(truth.positions, {role: truth.bones.index(bone) for role, bone in truth.roles.items()})
    hips = len(COMPARED_ROLES)
    print(
        f"distance from the truth, 14 joints, {len(real)} frames: {1000 * mpjpe(ours, real, root=hips):.0f} mm about "
        f"the hips (MPJPE), {1000 * pa_mpjpe(ours, real):.0f} mm after aligning each pose (PA-MPJPE)"
    )


if __name__ == "__main__":
    sys.exit(main())
