# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender by itself makes of a file: its own importers and evaluation in a fresh process, none of our code."""

import json
import subprocess
import sys

import numpy as np

_SCRIPT = """
import json, sys
import bpy

path, fps, base, frames = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base
if path.endswith(".fbx"):
    bpy.ops.wm.fbx_import(filepath=path)
elif ".usd" in path:
    bpy.ops.wm.usd_import(filepath=path)
else:
    bpy.ops.import_scene.gltf(filepath=path)
rig = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")
first = round(rig.animation_data.action.frame_range[0])
names = [bone.name for bone in rig.pose.bones]
places = []
for frame in range(first, first + frames):
    bpy.context.scene.frame_set(frame)
    seen = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    places.append([list((seen.matrix_world @ bone.matrix).translation) for bone in seen.pose.bones])
print("PLACES", json.dumps([names, places]))
"""


def evaluated_by_blender_alone(path, motion) -> np.ndarray:
    """World places (F, J, 3), in our axes, of the motion's joints in a .fbx, .glb or USD file."""
    base = round(motion.fps) / float(motion.fps)
    if path.suffix == ".glb":  # the importer multiplies by the base where it should divide
        base = 1 / base
    settings = [str(path), str(round(motion.fps)), str(base), str(len(motion))]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *settings], capture_output=True, text=True, timeout=300, check=True
    )
    names, places = json.loads(done.stdout.partition("PLACES ")[2].splitlines()[0])
    places = np.array(places)[:, [names.index(name) for name in motion.skeleton.names]]
    return np.stack((places[..., 0], places[..., 2], -places[..., 1]), axis=-1)


_SKINS = """
import sys
import bpy
import numpy as np

path, out, fps, *frames = *sys.argv[1:3], *map(int, sys.argv[3:])
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
bpy.context.scene.render.fps = fps
if path.endswith(".fbx"):
    bpy.ops.wm.fbx_import(filepath=path)
else:
    bpy.ops.import_scene.gltf(filepath=path, disable_bone_shape=True)
(rig,) = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
skins = [obj for obj in bpy.data.objects if obj.type == "MESH"]
first = round(rig.animation_data.action.frame_range[0])
found = {"bone " + bone.name: [] for bone in rig.pose.bones} | {"skin " + skin.name: [] for skin in skins}
for frame in frames:
    bpy.context.scene.frame_set(first + frame)
    graph = bpy.context.evaluated_depsgraph_get()
    for bone in rig.evaluated_get(graph).pose.bones:
        found["bone " + bone.name].append((rig.evaluated_get(graph).matrix_world @ bone.matrix).translation)
    for skin in skins:
        seen = skin.evaluated_get(graph)
        points = np.empty(3 * len(seen.data.vertices), np.float32)
        seen.data.vertices.foreach_get("co", points)
        world = np.array(seen.matrix_world)
        found["skin " + skin.name].append(points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
tops = np.array([bone.name for bone in rig.data.bones if bone.parent is None])
actions = np.array([action.name for action in bpy.data.actions])
np.savez(out, tops=tops, armature=np.array(rig.name), actions=actions, **{k: np.array(v) for k, v in found.items()})
"""


def rig_seen_by_blender_alone(path, frames, fps=30) -> dict[str, np.ndarray]:
    """What a rig in a .fbx or .glb does in the given frames, the first being 0.

    Returns:
        "bone NAME" to its head's places (F, 3), "skin NAME" to its vertices' (F, V, 3), world, in our axes; "tops",
        "actions" and "armature": names.
    """
    out = path.with_suffix(".seen.npz")
    words = [str(path), str(out), str(fps), *map(str, frames)]
    subprocess.run([sys.executable, "-c", _SKINS, *words], capture_output=True, text=True, timeout=300, check=True)
    with np.load(out) as held:
        seen = dict(held)
    for name, places in seen.items():
        if name.startswith(("bone ", "skin ")):
            seen[name] = np.stack((places[..., 0], places[..., 2], -places[..., 1]), axis=-1)
    return seen
