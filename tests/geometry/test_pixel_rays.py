import numpy as np
import open3d
import pytest

from graphics_ml.geometry.pixel_rays import first_hits
from graphics_ml.motion.camera import Camera, look_at
from tests.geometry import moeller_trumbore
from tests.geometry.shapes import floor, sphere


def camera_at(position, target, width=40, height=30, focal=35.0):
    return Camera(width, height, focal, [width / 2 + 1.3, height / 2 - 0.7], look_at(position, target), position)


def places_of(camera, others=None):
    rows, columns = np.indices((camera.height, camera.width)).reshape(2, -1)
    centres = np.stack((columns, rows), axis=-1) + 0.5
    return centres if others is None else np.concatenate((centres, others))


def crowd(rng, triangles=300):
    """Triangles of all sizes around the world's middle, some of them around and behind the camera."""
    middles = rng.uniform(-3, 3, (triangles, 1, 3))
    return (middles + rng.normal(size=(triangles, 3, 3)) * rng.choice([0.02, 0.3, 2.0], (triangles, 1, 1))).reshape(
        -1, 3
    ), np.arange(3 * triangles).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(4))
def test_rays_meet_what_moeller_and_trumbore_say(seed):
    rng = np.random.default_rng(seed)
    meshes = [crowd(rng), floor(-1.5), crowd(rng, 50)]
    camera = camera_at([0.3, 0.5, 2.5], [0, 0, 0])
    others = rng.uniform(0, (camera.width, camera.height), (200, 2))
    hits = first_hits(camera, meshes, others)

    offsets = np.cumsum([0] + [len(vertices) for vertices, _ in meshes])
    everything = np.concatenate([triangles + at for (_, triangles), at in zip(meshes, offsets, strict=False)])
    vertices = np.concatenate([vertices for vertices, _ in meshes])
    directions = moeller_trumbore.rays(camera, places_of(camera, others))
    depth, which = moeller_trumbore.first_hits(camera.position, directions, vertices, everything)

    first = np.cumsum([0] + [len(triangles) for _, triangles in meshes])
    ours = np.where(hits.surface >= 0, first[hits.surface] + hits.triangle, -1)
    assert (which >= 0).mean() > 0.5
    np.testing.assert_array_equal(ours, which)
    np.testing.assert_allclose(hits.depth, depth, rtol=1e-9)
    met = which >= 0
    points = np.einsum("rk,rkc->rc", hits.weights[met], vertices[everything[which[met]]])
    np.testing.assert_allclose(points, camera.position + directions[met] * depth[met, None], atol=1e-9)


def test_rays_meet_what_embree_says():
    vertices, triangles = sphere([0.2, 0.1, 0], 1.0)
    camera = camera_at([1.0, 1.2, 3.0], [0, 0, 0], 64, 48, 60.0)
    hits = first_hits(camera, [(vertices, triangles)])
    scene = open3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        open3d.core.Tensor(vertices.astype(np.float32)), open3d.core.Tensor(triangles.astype(np.uint32))
    )
    directions = moeller_trumbore.rays(camera, places_of(camera))
    rays = np.concatenate((np.broadcast_to(camera.position, directions.shape), directions), axis=1)
    theirs = scene.cast_rays(open3d.core.Tensor(rays.astype(np.float32)))["t_hit"].numpy()
    both = np.isfinite(theirs) & np.isfinite(hits.depth)
    assert both.mean() > 0.2
    assert (np.isfinite(theirs) != np.isfinite(hits.depth)).mean() < 1e-3  # its 32 bits decide otherwise at the edge
    np.testing.assert_allclose(hits.depth[both], theirs[both], rtol=1e-4)


def test_no_ray_slips_between_neighbours_nor_through_a_corner():
    # A level grid whose lines fall on the middles of pixels, seen from straight above.
    n = 9
    camera = Camera(8, 8, 8.0, [4.0, 4.0], [[1, 0, 0], [0, 0, 1], [0, -1, 0]], [0, 8, 0])
    ticks = np.arange(n) - 4.0
    x, z = (values.ravel() + 0.5 for values in np.meshgrid(ticks, ticks))
    vertices = np.stack((x, np.zeros(n * n), z), axis=-1)
    triangles = np.array(
        [t for i in range(n - 1) for j in range(n - 1) for a in [i * n + j]
         for t in ((a, a + 1, a + n), (a + 1, a + n + 1, a + n))]
    )  # fmt: skip
    depth = first_hits(camera, [(vertices, triangles)]).depth.reshape(8, 8)
    np.testing.assert_allclose(depth[1:, 1:], 8.0, rtol=1e-12)


def test_places_outside_the_picture_and_meshes_behind_the_camera_meet_nothing():
    camera = camera_at([0, 1, 3], [0, 1, 0])
    wall = np.array([[-9, -9, 0], [9, -9, 0], [0, 20, 0.0]]), np.array([[0, 1, 2]])
    outside = np.array([[-0.01, 5], [5, -0.01], [camera.width, 5], [5, camera.height], [1e300, 5]])
    hits = first_hits(camera, [wall], outside)
    assert np.isfinite(hits.depth[: -len(outside)]).all()
    assert (hits.surface[-len(outside) :] == -1).all()
    behind = wall[0] + [0, 0, 4], wall[1]
    assert (first_hits(camera, [behind]).surface == -1).all()
    assert (first_hits(camera, []).surface == -1).all()
