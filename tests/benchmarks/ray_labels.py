"""All labels of a picture of two people on a floor, 256 x 256, against Embree's rays alone and against the picture.

Embree, by Open3D, has to build its hierarchy anew for every pose and answers with 32-bit depths, nothing more. The
picture is Cycles' at 16 samples with its denoiser.
"""

from importlib.util import find_spec

import numpy as np

from tests.benchmarks.timing import compare


def main():
    missing = [name for name in ("bpy", "open3d") if find_spec(name) is None]
    if missing:
        print(f"ray_labels: {' and '.join(missing)} not installed")
        return
    _compare_all()


def _compare_all():
    import bpy
    import open3d

    from graphics_ml.blender.characters import Character, build_character
    from graphics_ml.blender.passes import render
    from graphics_ml.blender.scene import empty_scene
    from graphics_ml.blender.stage import place_camera
    from graphics_ml.geometry.ray_labels import Body, ray_labels
    from graphics_ml.motion.camera import Camera, look_at
    from tests.blender.test_anchors import Labelled
    from tests.blender.test_seen_by_rays import surfaces_of

    empty_scene()
    characters = Character(masculinity=1.0), Character(height=1.6, masculinity=0.0, hair="long")
    people = [Labelled(build_character(one), one) for one in characters]
    people[1].rig.location = (0.8, 0.3, 0)
    bpy.ops.mesh.primitive_plane_add(size=20)
    camera = Camera(256, 256, 300.0, [128, 128], look_at([1.2, 1.5, 3.0], [0.3, 0.85, 0]), [1.2, 1.5, 3.0])
    place_camera(bpy.context.scene, camera)
    surfaces = surfaces_of(people, [bpy.context.object])
    bodies = [Body(k + 1, one.places(), one.anchors.on_surface) for k, one in enumerate(people)]
    rows, columns = np.indices((256, 256)).reshape(2, -1) + 0.5
    ways = np.stack(((columns - 128) / 300, (rows - 128) / 300, np.ones(256 * 256)), axis=1) @ camera.rotation
    rays = np.concatenate((np.broadcast_to(camera.position, ways.shape), ways), axis=1).astype(np.float32)

    def embree():
        scene = open3d.t.geometry.RaycastingScene()
        for surface in surfaces:
            scene.add_triangles(
                open3d.core.Tensor(surface.vertices.astype(np.float32)),
                open3d.core.Tensor(surface.triangles.astype(np.uint32)),
            )
        scene.cast_rays(open3d.core.Tensor(rays))["t_hit"].numpy()

    def labels():
        ray_labels(camera, surfaces, bodies)

    size = sum(len(surface.triangles) for surface in surfaces) // 1000
    compare(f"all labels of {size},000 triangles, against depth alone", labels, embree, "Open3D")
    compare("all labels, against the picture", labels, lambda: render(bpy.context.scene), "Cycles", rounds=3)
