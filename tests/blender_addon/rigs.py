# SPDX-License-Identifier: GPL-3.0-or-later
"""Real rigs and motions in an otherwise empty file, as an animator has them."""

import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import bpy
import numpy as np


def geno(test_data):
    """A character with fingers and no controls, from FBX."""
    if "fbx_import" in dir(bpy.ops.wm):
        bpy.ops.wm.fbx_import(filepath=str(test_data / "rigs/Geno.fbx"))
    else:
        bpy.ops.import_scene.fbx(filepath=str(test_data / "rigs/Geno.fbx"))
    return _active()


def knight(test_data):
    """A short character with bones for IK beside the others and actions of its own, from glTF."""
    bpy.ops.import_scene.gltf(filepath=str(test_data / "rigs/Knight.glb"))
    return _active()


_MAKE_RIGIFY = """
import os, sys, bpy
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
bpy.ops.preferences.addon_enable(module="rigify")
bpy.ops.object.armature_human_metarig_add()
metarig = bpy.context.object
bpy.ops.pose.rigify_generate()
bpy.data.objects.remove(metarig)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
os._exit(0)
"""


@cache
def _rigify_file():
    # In a process of its own: where Rigify has been registered, Python crashes at its exit in 4.2 and hangs in 4.5.
    path = Path(tempfile.mkdtemp()) / "human.blend"
    subprocess.run([sys.executable, "-c", _MAKE_RIGIFY, str(path)], capture_output=True, timeout=120)
    return path


def rigify():
    """The human that Blender's own Rigify generates."""
    with bpy.data.libraries.load(str(_rigify_file())) as (held, wanted):
        wanted.objects = list(held.objects)
    for obj in wanted.objects:
        if not obj.name.startswith("WGT-"):
            bpy.context.scene.collection.objects.link(obj)
    return _active()


def member(archive, name, folder):
    """A file out of one of the archives of motions, unpacked into a folder."""
    place = folder / name.rpartition("/")[2]
    with tarfile.open(archive) as held:
        place.write_bytes(held.extractfile(name).read())
    return place


def world(obj, frames, bones):
    """Places (F, B, 3) of bones' heads in Blender's world, by its own evaluation."""
    scene, at = bpy.context.scene, bpy.context.scene.frame_current
    places = []
    for frame in frames:
        scene.frame_set(frame)
        seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append([seen.matrix_world @ seen.pose.bones[name].head for name in bones])
    scene.frame_set(at)
    return np.array(places)


def _active():
    obj = max((one for one in bpy.data.objects if one.type == "ARMATURE"), key=lambda one: len(one.data.bones))
    bpy.context.view_layer.objects.active = obj
    for other in bpy.context.view_layer.objects:
        other.select_set(other == obj)
    return obj
