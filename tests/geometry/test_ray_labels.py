import numpy as np
import pytest

from graphics_ml.geometry.ray_labels import (
    HIDDEN,
    UNLABELLED,
    VISIBLE,
    Body,
    Surface,
    box_of_pixels,
    box_of_points,
    ray_labels,
)
from graphics_ml.keypoints import PARTS, TOUCHING, WHOLE_BODY
from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.motion.rotations import quaternion_from_axis_angle, rotate
from tests.geometry import moeller_trumbore
from tests.geometry.shapes import box, floor, sphere
from tests.geometry.test_pixel_rays import camera_at, places_of


def sphere_met(camera, centre, radius):
    """Where the rays through the middles of the pixels meet a true sphere: (R, 3) points, NaN where they miss it."""
    directions = moeller_trumbore.rays(camera, places_of(camera))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    away = np.asarray(centre) - camera.position
    middle = directions @ away
    with np.errstate(invalid="ignore"):
        return camera.position + directions * (middle - np.sqrt(radius**2 - away @ away + middle**2))[:, None]


@pytest.mark.parametrize("camera_moves", [False, True])
def test_a_turning_flying_sphere_is_seen_as_its_formula_says(camera_moves):
    centre, radius, moved = np.array([0.2, 1.0, -0.3]), 0.8, np.array([0.3, 0.9, 0.1])
    turn = quaternion_from_axis_angle(np.array([0.1, 0.3, -0.2]))
    vertices, triangles = sphere(centre, radius, rings=150)
    camera = camera_at([0.5, 1.6, 2.5], [0.1, 1, 0], 64, 48, 60.0)
    then = camera_at([0.6, 1.5, 2.4], [0.2, 1, 0.1], 64, 48, 66.0) if camera_moves else None
    next_vertices = moved + rotate(turn, vertices - centre)
    labels = ray_labels(camera, [Surface(vertices, triangles, next_vertices, smooth=True)], next_camera=then)

    points = sphere_met(camera, centre, radius)
    normals = (points - centre) / radius
    # Triangles lie up to the height of their arcs below the sphere, which seen aslant is more along the ray.
    facing = np.einsum("rc,rc->r", normals, camera.position - points) / np.linalg.norm(camera.position - points, axis=1)
    clear = facing > 0.3
    below = radius * (1 - np.cos(np.pi / 150 / np.sqrt(2))) / 0.3
    assert clear.mean() > 0.2
    np.testing.assert_allclose(labels.depth.ravel()[clear], camera.to_camera(points)[clear, 2], atol=below)
    np.testing.assert_allclose(labels.normals.reshape(-1, 3)[clear], normals[clear], atol=1e-3)
    next_points = moved + rotate(turn, points - centre)
    flow = (then or camera).project(next_points) - places_of(camera)
    np.testing.assert_allclose(labels.flow.reshape(-1, 2)[clear], flow[clear], atol=camera.focal * below)
    assert np.abs(flow[clear]).max() > 5
    missed = np.isnan(points[:, 0])
    assert np.isinf(labels.depth.ravel()[missed]).all() and np.isnan(labels.normals.reshape(-1, 3)[missed]).all()


def test_a_floor_is_seen_as_its_formula_says_and_flows_with_the_camera():
    vertices, triangles = floor(0.2)
    camera = camera_at([0.5, 1.6, 2.5], [0.1, 0.3, 0], 64, 48, 60.0)
    then = camera_at([0.7, 1.7, 2.3], [0.0, 0.4, 0], 64, 48, 60.0)
    directions = moeller_trumbore.rays(camera, places_of(camera))
    depth = (0.2 - camera.position[1]) / directions[:, 1]
    surfaces = [Surface(vertices, triangles)]
    still, same, moving = (ray_labels(camera, surfaces, next_camera=c) for c in (None, camera.replace(), then))
    seen = (depth > 0) & (depth < 40)
    assert seen.mean() > 0.5
    np.testing.assert_allclose(still.depth.ravel()[seen], depth[seen], rtol=1e-6)
    assert (still.normals.reshape(-1, 3)[seen] == (0, 1, 0)).all()
    assert (still.flow.reshape(-1, 2)[seen] == 0).all() and (same.flow.reshape(-1, 2)[seen] == 0).all()
    flow = then.project(camera.position + directions * depth[:, None]) - places_of(camera)
    np.testing.assert_allclose(moving.flow.reshape(-1, 2)[seen], flow[seen], atol=1e-4)


def test_normals_of_what_is_seen_from_behind_are_turned_to_the_camera():
    vertices, triangles = floor()
    camera = camera_at([0, 1, 2], [0, 0, 0])
    turned = ray_labels(camera, [Surface(vertices, triangles[:, ::-1])]).normals
    np.testing.assert_array_equal(turned, ray_labels(camera, [Surface(vertices, triangles)]).normals)


def test_a_smooth_and_a_flat_side_of_one_mesh_each_have_their_own_normals():
    vertices, triangles = sphere([0, 0, 0], 1.0, rings=8)
    camera = camera_at([0, 0, 4], [0, 0, 0])
    flat, smooth = (ray_labels(camera, [Surface(vertices, triangles, smooth=s)]).normals for s in (False, True))
    left = vertices[triangles].mean(axis=1)[:, 0] < 0
    both = ray_labels(camera, [Surface(vertices, triangles, smooth=left)]).normals
    middle = camera.width // 2 + 1
    np.testing.assert_array_equal(both[:, : middle - 1], smooth[:, : middle - 1])
    np.testing.assert_array_equal(both[:, middle + 1 :], flat[:, middle + 1 :])
    assert np.nanmax(np.abs(smooth - flat)) > 0.1


def test_what_is_behind_the_camera_next_has_no_flow():
    vertices, triangles = floor()
    camera, then = camera_at([0, 1, 2], [0, 0, 0]), camera_at([0, 1, -9], [0, 0, -20])
    labels = ray_labels(camera, [Surface(vertices, triangles)], next_camera=then)
    assert np.isfinite(labels.depth[-1]).all() and np.isnan(labels.flow[-1]).all()


def test_each_pixel_belongs_to_the_nearest_person_and_part():
    hand, foot = PARTS.index("left_hand"), PARTS.index("right_foot")
    (a, triangles), (b, _), (c, _) = box([0, 0, 0], 1), box([0.4, 0, 1], 0.5), box([0, 2, 0], 0.5)
    parts = np.where(np.arange(12) % 2, hand, foot).astype(np.uint8)
    camera = camera_at([0, 0.5, 4], [0, 0.5, 0])
    labels = ray_labels(
        camera,
        [Surface(a, triangles, instance=7, parts=parts), Surface(b, triangles, instance=300, parts=parts),
         Surface(c, triangles)],
    )  # fmt: skip
    directions = moeller_trumbore.rays(camera, places_of(camera))
    every = np.concatenate([triangles + 8 * n for n in range(3)])
    _, which = moeller_trumbore.first_hits(camera.position, directions, np.concatenate((a, b, c)), every)
    np.testing.assert_array_equal(labels.instances.ravel(), np.array([7, 300, 0, 0])[which // 12])
    np.testing.assert_array_equal(labels.parts.ravel(), np.where((which >= 0) & (which < 24), parts[which % 12], 0))
    assert set(np.unique(labels.instances)) == {0, 7, 300} and (which >= 24).any()
    mask = labels.instances == 300
    rows, columns = np.nonzero(mask)
    np.testing.assert_array_equal(box_of_pixels(mask), [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert box_of_pixels(labels.instances == 5) is None


def test_the_whole_box_holds_what_is_hidden_and_outside_the_picture_too():
    camera = Camera(100, 100, 100.0, [50, 50], np.diag([1.0, -1, -1]), [0, 0, 0])
    points = np.array([[-1, 0, -1], [0, 1, -2], [0.1, -0.1, -1], [5, 5, 1.0]])
    np.testing.assert_allclose(box_of_points(camera, points), [-50, 0, 60, 60])
    assert box_of_points(camera, points[3:]) is None


FRONT, BACK = [0.0, 0.0, 5.0], [0.0, 0.0, -5.0]


def body_with(instance=1, **keypoints):
    """A body with some keypoints; a place given as a tuple lies on the skin, as a list within."""
    places, on_surface = np.full((len(WHOLE_BODY), 3), np.nan), np.zeros(len(WHOLE_BODY), bool)
    for name, place in keypoints.items():
        places[WHOLE_BODY.index(name)] = place
        on_surface[WHOLE_BODY.index(name)] = isinstance(place, tuple)
    return Body(instance, places, on_surface)


def part(name, centre, size, instance=1):
    vertices, triangles = box(centre, size)
    return Surface(vertices, triangles, instance=instance, parts=np.full(12, PARTS.index(name), np.uint8))


def flag(surfaces, body, name, position=FRONT):
    labels = ray_labels(camera_at(position, [0, 0, 0]), surfaces, [body])
    return labels.visibility[0][WHOLE_BODY.index(name)]


def test_a_point_on_the_skin_is_hidden_by_what_is_more_than_its_slack_before_it():
    head = part("head", [0, 0, 0], 0.2)
    body = body_with(nose=(0.01, 0, 0.1), left_heel=(0, 0, 0.086), right_heel=(0, 0, 0.084))
    assert flag([head], body, "nose") == VISIBLE
    assert flag([head], body, "nose", BACK) == HIDDEN
    assert flag([head], body, "left_heel") == VISIBLE
    assert flag([head], body, "right_heel") == HIDDEN
    assert flag([head, part("left_hand", [0, 0, 0.3], 0.1)], body, "nose") == HIDDEN
    assert flag([head], body, "left_wrist") == UNLABELLED
    outside = body_with(nose=(9.0, 0, 0))
    assert flag([head], outside, "nose") == UNLABELLED
    assert flag([head], body_with(nose=(0.0, 0, 9)), "nose") == UNLABELLED  # behind the camera


def test_a_joint_is_seen_through_the_parts_that_meet_there_only():
    arm, forearm = part("left_upper_arm", [-0.2, 0, 0], [0.4, 0.3, 0.3]), part("left_forearm", [0.2, 0, 0], 0.3)
    body = body_with(left_elbow=[0.01, 0, 0])
    assert flag([arm, forearm], body, "left_elbow") == VISIBLE
    assert flag([arm, forearm], body, "left_elbow", BACK) == VISIBLE
    for other in (
        part("trunk", [0, 0, 0.5], 0.2),
        part("right_forearm", [0, 0, 0.5], 0.2),
        part("left_forearm", [0, 0, 0.5], 0.2, instance=2),
        Surface(*box([0, 0, 0.5], 0.2)),
    ):
        assert flag([arm, forearm, other], body, "left_elbow") == HIDDEN
    assert flag([part("trunk", [0, 0, -0.5], 0.2)], body, "left_elbow") == VISIBLE  # nothing is before it


def test_fingers_hide_one_another_though_a_hand_is_one_part():
    finger, palm = part("left_hand", [0, 0, 0], 0.02), part("left_hand", [0, 0, 0.08], 0.04)
    body = body_with(left_forefinger2=[0.0, 0, 0], left_forefinger4=(0.0, 0, -0.01), left_wrist=[0.0, 0, 0])
    assert flag([finger], body, "left_forefinger4") == VISIBLE  # its nail from above, its ball from below
    assert flag([finger, palm], body, "left_forefinger4") == HIDDEN
    other_hand = part("left_hand", [0, 0, 0.02], 0.01, instance=2)
    assert flag([finger, other_hand], body, "left_forefinger4") == HIDDEN
    assert flag([finger], body, "left_forefinger2") == VISIBLE
    assert flag([finger, palm], body, "left_forefinger2") == HIDDEN
    assert flag([finger, palm], body, "left_forefinger2", BACK) == VISIBLE
    assert flag([finger, palm], body, "left_wrist") == VISIBLE


def deep_under_own_skin(name):
    place = name.partition("_")[2]
    if place in ("big_toe", "small_toe", "heel"):
        return 0.045
    if name.startswith("face") or place in ("eye", "ear") or name == "nose":
        return 0.0
    return 0.03 if name[-1] in "1234" and place != "thumb1" else np.inf


def test_visibility_is_what_plain_ray_casts_say_on_200_crowded_frames():
    """The rule spelled out again over Möller and Trumbore's hits, on random bodies of boxes behind one another."""
    names = list(WHOLE_BODY)
    agreed, flags = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        surfaces, bodies = [], []
        for instance in (1, 2):
            middle = rng.uniform(-0.5, 0.5, 3)
            for name in PARTS[1:]:
                surfaces.append(part(name, middle + rng.normal(0, 0.3, 3), rng.uniform(0.05, 0.4, 3), instance))
            places = middle + rng.normal(0, 0.3, (len(names), 3))
            places[rng.random(len(names)) < 0.1] = np.nan
            on_surface = np.array([not name.endswith(("shoulder", "elbow", "hip", "knee")) for name in names])
            bodies.append(Body(instance, places, on_surface & (rng.random(len(names)) < 0.7)))
        surfaces.append(Surface(*box(rng.uniform(-0.5, 0.5, 3), 0.3)))
        eye = rng.normal(size=3) * [2, 1, 2] + [0, 0, 2]
        camera = Camera(32, 32, 30.0, [16, 16], look_at(eye, [0, 0, 0]), eye)
        ours = ray_labels(camera, surfaces, bodies).visibility

        vertices = np.concatenate([surface.vertices for surface in surfaces])
        triangles = np.concatenate([surface.triangles + 8 * n for n, surface in enumerate(surfaces)])
        for body, own in zip(bodies, ours, strict=True):
            offsets = np.nan_to_num(body.keypoints - eye, nan=1.0)
            times, which = moeller_trumbore.first_hits(eye, offsets, vertices, triangles)
            theirs, pixels = np.zeros(len(names), int), camera.project(body.keypoints)
            within = np.isfinite(pixels).all(axis=1) & (pixels >= 0).all(axis=1) & (pixels < 32).all(axis=1)
            for k in np.flatnonzero(within):
                time = times[k]
                gap = (1 - time) * np.linalg.norm(body.keypoints[k] - eye)
                met = surfaces[which[k] // 12] if np.isfinite(time) else None
                seen = gap <= (0.015 if body.on_surface[k] else 0.0)
                if met and met.instance == body.instance and met.parts[0] in TOUCHING[k]:
                    seen = seen or gap <= deep_under_own_skin(names[k])
                theirs[k] = 2 if seen else 1
            agreed.append(own == theirs)
            flags.append(own)
    assert np.mean(agreed) >= 0.99
    assert min(np.mean(np.array(flags) == value) for value in (0, 1, 2)) > 0.1
