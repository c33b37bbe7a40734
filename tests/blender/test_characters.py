"""Our own characters: shape, rig and skin, checked on the arrays and through Blender's own evaluation."""

from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Quaternion  # noqa: E402
from mathutils.bvhtree import BVHTree  # noqa: E402

from graphics_ml.blender.armature import deform_flags, evaluated_transforms, skeleton_from_armature  # noqa: E402
from graphics_ml.blender.characters import (  # noqa: E402
    BONES,
    HAIR_STYLES,
    Character,
    body_skeleton,
    build_character,
    random_character,
    save_character,
)
from graphics_ml.blender.characters.figure import EXTRA_MATERIALS, MATERIALS, make_figure  # noqa: E402
from graphics_ml.blender.characters.proportions import measures  # noqa: E402
from graphics_ml.blender.characters.surface_nets import surface_nets  # noqa: E402
from graphics_ml.blender.export import save_scene  # noqa: E402
from graphics_ml.blender.rigs import load_rig  # noqa: E402
from graphics_ml.errors import GraphicsMLError  # noqa: E402
from graphics_ml.motion.bone_map import recognize  # noqa: E402
from graphics_ml.motion.motion import Motion  # noqa: E402
from graphics_ml.motion.rotations import (  # noqa: E402
    axis_angle_from_quaternion,
    conjugate,
    multiply,
    quaternion_from_axis_angle,
)
from tests.blender.simple_rig import play_alone  # noqa: E402

COARSE = 0.5
PEOPLE = {
    "default": Character(),
    "small woman with long hair": Character(height=1.50, body_mass_index=19.0, masculinity=0.0, hair="long"),
    "heavy man in shorts": Character(height=1.92, body_mass_index=36.0, hair="bald", trouser_length=0.5),
    "long sleeves": Character(height=1.66, masculinity=0.4, hair="bun", sleeve_length=0.95, looseness=1.0),
    "heavy woman in a dress": Character(body_mass_index=36.0, masculinity=0.0, legwear="dress", trouser_length=0.8),
    "skirt and coat": Character(height=1.60, masculinity=0.1, legwear="skirt", trouser_length=0.4, over="coat"),
    "barefoot in tank top": Character(top="tank_top", footwear="bare", trouser_length=0.5, stripe=True),
    "rucksack, cap, beard and glasses": Character(
        bag="rucksack", headgear="cap", beard="full", glasses="dark", held="bag", body_mass_index=33.0
    ),
    "shoulder bag, hat and ball": Character(
        bag="shoulder_bag", headgear="hat", glasses="clear", held="ball", held_in="L", height=1.66, hair="long"
    ),
    "child": Character(height=1.10, body_mass_index=15.5, masculinity=0.2, trouser_length=0.5),
    "bare trunk under a jacket": Character(top="bare", over="jacket", footwear="bare", body_mass_index=30.0),
}


@pytest.fixture(scope="module", params=PEOPLE, ids=lambda name: name.replace(" ", "-"))
def person(request):
    return PEOPLE[request.param], make_figure(PEOPLE[request.param], COARSE)


@pytest.fixture(scope="module")
def rig():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return build_character(Character(), name="Actor", detail=COARSE)


def edge_counts(triangles):
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def evaluated_vertices(rig):
    graph = bpy.context.evaluated_depsgraph_get()
    body = rig.children[0].evaluated_get(graph)
    mesh = body.to_mesh()
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    body.to_mesh_clear()
    return places.reshape(-1, 3).astype(float)


def test_a_ball_is_meshed_with_its_own_area_and_volume():
    vertices, quads = surface_nets(lambda x, y, z: np.sqrt(x * x + y * y + z * z) - 0.5, [-0.6] * 3, [0.6] * 3, 0.03)
    a, b, c, d = (vertices[quads[:, i]] for i in range(4))
    normals = 0.5 * np.cross(c - a, d - b)
    assert np.linalg.norm(vertices, axis=1) == pytest.approx(0.5, abs=1e-4)
    assert np.linalg.norm(normals, axis=1).sum() == pytest.approx(4 * np.pi * 0.25, rel=0.01)
    volume = ((a + b + c + d) / 4 * normals).sum() / 3
    assert volume == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.01)  # positive: faces look outwards


def test_two_balls_that_meet_in_one_cell_stay_manifold():
    def field(x, y, z):
        return np.minimum(np.hypot(np.hypot(x - 0.21, y), z), np.hypot(np.hypot(x + 0.21, y), z)) - 0.2

    _, quads = surface_nets(field, [-0.5] * 3, [0.5] * 3, 0.05)
    edges = np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1)
    assert set(np.unique(edges, axis=0, return_counts=True)[1]) == {2}


def test_every_edge_has_exactly_two_faces(person):
    assert set(edge_counts(person[1].triangles)) == {2}


def test_every_closed_part_encloses_a_positive_volume(person):
    figure = person[1]
    a, b, c = (figure.vertices[figure.triangles[:, i]] for i in range(3))
    assert 0.015 < (np.cross(a, b) * c).sum() / 6 < 0.30


def test_no_triangle_is_degenerate_and_no_vertex_unused(person):
    figure = person[1]
    a, b, c = (figure.vertices[figure.triangles[:, i]] for i in range(3))
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 0.0
    assert len(np.unique(figure.triangles)) == len(figure.vertices)


def test_weights_are_normalised_and_at_most_four(person):
    figure = person[1]
    assert figure.weights.shape == figure.bones.shape == (len(figure.vertices), 4)
    assert figure.weights.sum(axis=1) == pytest.approx(1.0, abs=1e-9)
    assert figure.weights.min() >= 0.0


def test_weights_change_smoothly_along_the_surface(person):
    figure = person[1]
    dense = np.zeros((len(figure.vertices), len(BONES)))
    np.add.at(dense, (np.arange(len(dense))[:, None], figure.bones), figure.weights)
    a, b = np.concatenate([figure.triangles[:, [0, 1]], figure.triangles[:, [1, 2]]]).T
    small = min(person[0].height / 1.5, 1.0)  # a child changes within shorter ways
    length = np.linalg.norm(figure.vertices[a] - figure.vertices[b], axis=1) / small
    change = np.abs(dense[a] - dense[b]).max(axis=1)
    at_crotch = np.abs(figure.vertices[a, 0]) < 0.03 * 1.75  # left leg gives way to right leg there
    between_fingers = figure.vertices[a, 2] < 0.62 * person[0].height
    ordinary = (length < 0.02) & ~at_crotch & ~(between_fingers & (np.abs(figure.vertices[a, 0]) > 0.4 * small))
    assert (change[ordinary] / np.maximum(length[ordinary], 0.01)).max() < 45.0  # at most 45% within a centimetre


def test_the_body_is_bilaterally_symmetric():
    figure = make_figure(Character(hair="bald"), COARSE)

    def ordered(vertices):
        rounded = np.round(vertices, 9) + 0.0
        return rounded[np.lexsort(rounded.T)]

    assert np.array_equal(ordered(figure.vertices), ordered(figure.vertices * [-1, 1, 1]))


def test_the_crown_is_at_the_requested_height(person):
    character, figure = person
    skull = figure.vertices
    if character.hair != "bald" or character.headgear != "none":
        skull = make_figure(replace(character, hair="bald", headgear="none"), COARSE).vertices
    assert skull[:, 2].max() == pytest.approx(character.height, abs=0.01)
    assert figure.vertices[:, 2].min() == pytest.approx(0.0, abs=0.01)


def test_a_character_has_the_further_materials_only_where_it_wears_them():
    assert make_figure(Character(), COARSE).materials.max() < len(MATERIALS)
    worn = make_figure(Character(over="coat", stripe=True), COARSE).materials
    assert {name for name in EXTRA_MATERIALS if len(MATERIALS) + EXTRA_MATERIALS.index(name) in worn} == {
        "over",
        "stripe",
    }


def test_a_bare_trunk_shows_no_shirt_and_bare_feet_no_shoes():
    figure = make_figure(Character(top="bare", footwear="bare"), COARSE)
    assert not {MATERIALS[m] for m in np.unique(figure.materials)} & {"shirt", "socks", "shoes", "soles"}
    low = figure.vertices[figure.vertices[:, 2] < 0.05]
    assert np.ptp(low[low[:, 0] > 0, 1]) == pytest.approx(measures(Character()).foot_length, abs=0.01)


@pytest.mark.parametrize("legwear", ["skirt", "dress"])
def test_a_skirt_stretches_evenly_between_legs_that_part(legwear):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = build_character(Character(legwear=legwear, trouser_length=0.6, masculinity=0.0), detail=COARSE)
    mesh = rig.children[0].data
    slot = [m.name.split()[-1] for m in mesh.materials].index("trousers" if legwear == "skirt" else "shirt")
    triangles = np.array([p.vertices for p in mesh.polygons if p.material_index == slot])
    rest = evaluated_vertices(rig)
    for side, way in (("L", 1), ("R", -1)):  # the bones' Z axes look ahead
        rig.pose.bones[f"thigh.{side}"].rotation_mode = "QUATERNION"
        rig.pose.bones[f"thigh.{side}"].rotation_quaternion = Quaternion((0, 0, 1), way * np.radians(60))
    bpy.context.view_layer.update()
    parted = evaluated_vertices(rig)
    knees = [np.array(rig.pose.bones[f"shin.{side}"].head) for side in "LR"]
    apart = np.linalg.norm(np.subtract(*knees))
    assert apart > 0.7
    a, b = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).T
    low = rest[a, 2] < np.array(rig.data.bones["thigh.L"].head_local)[2]  # the sleeves are not meant
    length = np.linalg.norm(parted[a] - parted[b], axis=1)[low]
    assert length.max() < 0.5 * apart  # several triangles share the way: it is not torn open


def test_a_small_childs_head_is_larger_for_its_height_and_grows_on_into_the_adults():
    child, adult = Character(height=1.10, body_mass_index=15.5), Character()
    parts = [body_skeleton(one)["head"][1, 2] - body_skeleton(one)["neck"][0, 2] for one in (child, adult)]
    assert parts[0] / child.height > 1.2 * parts[1] / adult.height
    assert measures(child).head_breadth > 1.3 * measures(adult).head_breadth * child.height / adult.height
    below = measures(Character(height=1.3999, body_mass_index=20.0))
    at = measures(Character(height=1.40, body_mass_index=20.0))
    for name, value in vars(at).items():
        assert vars(below)[name] == pytest.approx(value, abs=2e-4), name


def test_heavier_people_are_wider_and_masculinity_widens_the_shoulders():
    def waist(character):
        figure = make_figure(character, COARSE)
        shirt = figure.vertices[np.unique(figure.triangles[figure.materials == MATERIALS.index("shirt")])]
        level = shirt[np.abs(shirt[:, 2] - 0.62 * character.height) < 0.02]
        return np.ptp(level[:, 0])

    def shoulders(character):
        return body_skeleton(character)["upper_arm.L"][0, 0]

    assert waist(Character(body_mass_index=32.0)) > waist(Character(body_mass_index=20.0)) + 0.04
    assert shoulders(Character(masculinity=1.0)) > shoulders(Character(masculinity=0.0)) + 0.01


def test_the_same_parameters_give_the_same_bytes():
    one, two = (make_figure(random_character(np.random.default_rng(5)), COARSE) for _ in range(2))
    for field in fields(one):
        assert getattr(one, field.name).tobytes() == getattr(two, field.name).tobytes()


@pytest.mark.parametrize("hair", HAIR_STYLES)
def test_every_hair_style_builds_closed(hair):
    figure = make_figure(Character(hair=hair, masculinity=0.0), COARSE)
    assert set(edge_counts(figure.triangles)) == {2}


@pytest.mark.parametrize("headgear", ["cap", "hat", "beanie", "hood"])
def test_headgear_covers_the_hair_on_the_crown_and_leaves_the_face(headgear):
    character = Character(headgear=headgear, hair="bun", beard="short", masculinity=0.6)
    figure = make_figure(character, COARSE)
    assert set(edge_counts(figure.triangles)) == {2}
    scene = BVHTree.FromPolygons(figure.vertices.tolist(), figure.triangles.tolist())

    def met(start, way):
        *_, row, _ = scene.ray_cast(start, way)
        return (MATERIALS + EXTRA_MATERIALS)[figure.materials[row]]

    worn = "shirt" if headgear == "hood" else "headgear"
    for x, y in ((0.0, 0.0), (0.03, -0.03), (-0.03, 0.04)):
        assert met((x, y, 3.0), (0.0, 0.0, -1.0)) == worn
    eyes = figure.vertices[np.unique(figure.triangles[figure.materials == MATERIALS.index("pupil")])]
    for side in (1, -1):
        eye = eyes[eyes[:, 0] * side > 0].mean(axis=0)
        assert met((eye[0], -2.0, eye[2]), (0.0, 1.0, 0.0)) in ("pupil", "iris")


def test_a_rucksack_is_behind_and_what_is_held_moves_with_the_hand():
    figure = make_figure(Character(bag="rucksack", held="ball", held_in="L"), COARSE)
    bag, ball = (
        np.unique(figure.triangles[figure.materials == len(MATERIALS) + EXTRA_MATERIALS.index(name)])
        for name in ("bag", "held")
    )
    shirt = figure.vertices[np.unique(figure.triangles[figure.materials == MATERIALS.index("shirt")])]
    assert figure.vertices[bag, 1].max() > shirt[:, 1].max() + 0.08
    assert (
        figure.vertices[bag, 1].min() < body_skeleton(Character())["neck"][0, 1]
    )  # the straps come round to the front
    assert {BONES[bone][0] for bone in figure.bones[ball][figure.weights[ball] > 0]} == {"hand.L"}


@pytest.mark.parametrize("seed", range(6))
def test_random_people_are_closed_and_stand_on_the_ground(seed):
    figure = make_figure(random_character(np.random.default_rng(seed)), COARSE)
    assert set(edge_counts(figure.triangles)) == {2}
    assert figure.vertices[:, 2].min() == pytest.approx(0.0, abs=0.01)


def test_fingers_end_where_their_bones_do_in_coarse_meshes(person):
    character, figure = person
    for one in (figure, make_figure(character, 0.4)):
        moved_by = [BONES[bone][0] for bone in one.bones[np.arange(len(one.bones)), one.weights.argmax(axis=1)]]
        for finger in ("thumb", "index", "middle", "ring", "pinky"):
            head, tail = body_skeleton(character)[f"{finger}_3.L"]
            own = one.vertices[np.array(moved_by) == f"{finger}_3.L"]
            beyond = (own - tail) @ (tail - head) / np.linalg.norm(tail - head)
            assert abs(beyond.max()) < 0.005


def test_bones_have_standard_names_and_hierarchy(rig):
    bones = rig.data.bones
    assert [b.name for b in bones if b.parent is None] == ["hips"]
    for side in "LR":
        chain = ["hand", "forearm", "upper_arm", "shoulder", "upper_chest", "chest", "spine", "hips"]
        bone = bones[f"index_3.{side}"].parent_recursive
        assert [b.name.split(".")[0] for b in bone] == ["index_2", "index_1", *chain]
        assert [b.name for b in bones[f"toes.{side}"].parent_recursive] == [
            f"foot.{side}",
            f"shin.{side}",
            f"thigh.{side}",
            "hips",
        ]
        assert all(f"{f}_{i}.{side}" in bones for f in ("thumb", "middle", "ring", "pinky") for i in (1, 2, 3))
    assert [b.name for b in bones["head"].parent_recursive] == ["neck", "upper_chest", "chest", "spine", "hips"]


def test_bones_lie_where_body_skeleton_says_and_sides_mirror(rig):
    joints = body_skeleton(Character())
    assert set(joints) == {b.name for b in rig.data.bones}
    for bone in rig.data.bones:
        assert np.allclose([bone.head_local, bone.tail_local], joints[bone.name], atol=1e-6)
        if bone.name.endswith(".L"):
            mirror = rig.data.bones[bone.name[:-1] + "R"]
            left, right = (np.array(b.matrix_local.to_3x3()) for b in (bone, mirror))
            # Blender's own convention for mirrored bones: reflect, then turn the X axis round to stay right-handed
            assert np.allclose(np.diag([-1, 1, 1]) @ left @ np.diag([-1, 1, 1]), right, atol=1e-5)


def test_limb_lengths_agree_with_published_fractions_of_height():
    joints = body_skeleton(Character(height=1.756, body_mass_index=27.7))

    def length(bone):
        return np.linalg.norm(np.subtract(*joints[bone])) / 1.756

    # Winter 2009, fig. 4.1 (after Drillis and Contini 1966); its segments end at landmarks, not at joint centres
    assert length("upper_arm.L") == pytest.approx(0.186, abs=0.015)
    assert length("forearm.L") == pytest.approx(0.146, abs=0.010)
    assert length("thigh.L") == pytest.approx(0.245, abs=0.015)
    assert length("shin.L") == pytest.approx(0.246, abs=0.020)


def test_the_rig_faces_minus_y_and_its_left_is_plus_x(rig):
    bones = rig.data.bones
    assert bones["toes.L"].tail_local.y < bones["foot.L"].head_local.y
    assert bones["hand.L"].head_local.x > 0.3 > bones["thigh.L"].head_local.x > 0.0
    assert tuple(rig.scale) == (1.0, 1.0, 1.0)


def test_turning_a_hand_moves_the_hand_and_nothing_else(rig):
    before = evaluated_vertices(rig)
    bone = rig.pose.bones["hand.L"]
    bone.rotation_mode = "QUATERNION"
    bone.rotation_quaternion = Quaternion((1, 0, 0), np.radians(50))
    bpy.context.view_layer.update()
    moved = np.linalg.norm(evaluated_vertices(rig) - before, axis=1)
    bone.rotation_quaternion = Quaternion()
    bpy.context.view_layer.update()
    tip = np.array(rig.data.bones["middle_3.L"].tail_local)
    wrist = np.array(rig.data.bones["hand.L"].head_local)
    near_tip = np.linalg.norm(before - tip, axis=1) < 0.02
    expected = 2 * np.sin(np.radians(25)) * np.linalg.norm(tip - wrist)
    assert near_tip.any() and np.allclose(moved[near_tip], expected, atol=0.025)
    far = np.linalg.norm(before - wrist, axis=1) > 0.30
    assert moved[far].max() < 1e-6


def test_rigid_motion_of_the_hips_moves_the_whole_mesh_rigidly(rig):
    before = evaluated_vertices(rig)
    bone = rig.pose.bones["hips"]
    bone.location = bone.bone.matrix_local.to_3x3().inverted() @ bone.id_data.location.__class__((0.1, -0.2, 0.3))
    bpy.context.view_layer.update()
    after = evaluated_vertices(rig)
    bone.location = (0, 0, 0)
    bpy.context.view_layer.update()
    assert np.allclose(after - before, [0.1, -0.2, 0.3], atol=1e-5)


def test_vertex_groups_hold_the_weights_of_the_figure(rig):
    figure = make_figure(Character(), COARSE)
    body = rig.children[0]
    names = [g.name for g in body.vertex_groups]
    assert set(names) <= {n for n, _ in BONES}
    for index in range(0, len(figure.vertices), 97):
        held = {names[g.group]: g.weight for g in body.data.vertices[index].groups}
        meant = {BONES[b][0]: w for b, w in zip(figure.bones[index], figure.weights[index], strict=True) if w > 0}
        assert held == pytest.approx(meant, abs=1e-6)


def pose(rig, bone, degrees):
    """Turn a bone about its own length."""
    rig.pose.bones[bone].rotation_mode = "QUATERNION"
    rig.pose.bones[bone].rotation_quaternion = Quaternion((0, 1, 0), np.radians(degrees))
    bpy.context.view_layer.update()


@pytest.mark.parametrize("bone", ["upper_arm.L", "forearm.L", "hand.R"])
@pytest.mark.parametrize("degrees", [-90, 90])
def test_a_twisted_arm_keeps_its_width(rig, bone, degrees):
    side = 1 if bone.endswith("L") else -1
    start, end = (np.array(rig.data.bones[f"{b}{bone[-2:]}"].head_local) for b in ("upper_arm", "hand"))
    rest = evaluated_vertices(rig)
    pose(rig, bone, degrees)
    twisted = evaluated_vertices(rig)
    pose(rig, bone, 0)
    axis = (end - start) / np.linalg.norm(end - start)
    along = (rest - start) @ axis

    def width(places, slice_):
        across = places[slice_] - places[slice_].mean(axis=0)
        return np.linalg.norm(across - (across @ axis)[:, None] * axis, axis=1).mean()

    near = (rest[:, 0] * side > 0) & (np.linalg.norm(rest - start - along[:, None] * axis, axis=1) < 0.08)
    for place in np.arange(0.06, np.linalg.norm(end - start), 0.02):
        slice_ = near & (np.abs(along - place) < 0.01)
        assert width(twisted, slice_) > 0.9 * width(rest, slice_), place


def test_the_back_of_the_shirt_stays_down_when_the_knees_come_up(rig):
    rest = evaluated_vertices(rig)
    for side in "LR":
        rig.pose.bones[f"thigh.{side}"].rotation_mode = "QUATERNION"
        rig.pose.bones[f"thigh.{side}"].rotation_quaternion = Quaternion((1, 0, 0), np.radians(100))
    bpy.context.view_layer.update()
    squatting = evaluated_vertices(rig)
    for side in "LR":
        rig.pose.bones[f"thigh.{side}"].rotation_quaternion = Quaternion()
    bpy.context.view_layer.update()
    assert np.array(rig.data.bones["shin.L"].head_local)[1] - squatting[:, 1].min() > 0.3  # the knees are in front
    shirt = [m.name.endswith("shirt") for m in rig.children[0].data.materials].index(True)
    polygons = rig.children[0].data.polygons
    hem = np.unique([v for p in polygons if p.material_index == shirt for v in p.vertices])
    hem = hem[(rest[hem, 2] < rest[hem, 2].min() + 0.02) & (rest[hem, 1] > 0.06)]
    assert len(hem) > 20
    assert np.linalg.norm(squatting[hem] - rest[hem], axis=1).max() < 0.03


@pytest.mark.parametrize("ending", ["blend", "glb", "fbx"])
def test_twist_bones_follow_in_every_file(tmp_path, ending):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    actor = build_character(detail=0.4)
    still = motion_at_rest(actor)
    turned = still.rotations.copy()
    for joint, degrees in (("forearm.L", 80.0), ("hand.R", -60.0), ("upper_arm.L", 50.0)):
        turn = quaternion_from_axis_angle(np.radians([0.0, degrees, 0.0]))
        turned[1:, still.skeleton.index(joint)] = multiply(turned[1, still.skeleton.index(joint)], turn)
    bones = recognize(still.skeleton, deform_flags(actor, still.skeleton)).roles.values()
    assert not any("twist" in bone for bone in bones)
    action = play_alone(actor, still.replace(rotations=turned), "twisted", bones)
    save_scene(tmp_path / f"actor.{ending}", actor, action)
    again = load_rig(tmp_path / f"actor.{ending}", actions=True)
    first = round(again.animation_data.action.frame_range[0])
    for bone, followed, degrees in (
        ("forearm_twist.L", "forearm.L", -40.0),
        ("wrist_twist.R", "forearm.R", -30.0),
        ("upper_arm_twist.L", "upper_arm.L", -25.0),
    ):
        turns, _ = evaluated_transforms(again, (first, first + 1), (bone, followed))
        relative = multiply(conjugate(turns[:, 1]), turns[:, 0])
        moved = multiply(conjugate(relative[0]), relative[1])
        assert np.degrees(axis_angle_from_quaternion(moved)) == pytest.approx([0.0, degrees, 0.0], abs=0.05)


def motion_at_rest(rig, frames=2):
    skeleton = skeleton_from_armature(rig)
    rest = np.tile(skeleton.rest_orientations, (frames, 1, 1))
    return Motion(skeleton, rest, np.tile(skeleton.offsets[0], (frames, 1)), Fraction(30))


@pytest.mark.parametrize(
    "wrong",
    [
        {"height": 5.0},
        {"height": float("nan")},
        {"height": "tall"},
        {"body_mass_index": 3},
        {"masculinity": -0.1},
        {"hair": "mohawk"},
        {"top": "toga"},
        {"legwear": ["skirt"]},
        {"skin_colour": (1, 2, 3)},
        {"shirt_colour": "blue"},
        {"eye_colour": (0.1, 0.2)},
    ],
    ids=str,
)
def test_a_wrong_parameter_is_named_in_one_sentence(wrong):
    with pytest.raises(GraphicsMLError, match=next(iter(wrong))) as caught:
        Character(**wrong)
    assert "\n" not in str(caught.value)


def test_a_wrong_detail_is_refused():
    with pytest.raises(GraphicsMLError, match="detail"):
        build_character(detail=0.0)


@pytest.mark.parametrize("ending", ["blend", "glb", "fbx"])
def test_a_saved_character_opens_again_with_rig_and_skin(tmp_path, ending):
    path = save_character(tmp_path / f"actor.{ending}", Character(hair="bob", masculinity=0.0), detail=0.4)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if ending == "blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
    elif ending == "glb":
        bpy.ops.import_scene.gltf(filepath=str(path))
    else:
        bpy.ops.import_scene.fbx(filepath=str(path))
    (armature,) = (o for o in bpy.data.objects if o.type == "ARMATURE")
    assert {n for n, _ in BONES} <= {b.name for b in armature.data.bones}
    meshes = [o for o in bpy.data.objects if o.type == "MESH" and o.find_armature() == armature]
    heights = [(o.matrix_world @ v.co).z for o in meshes for v in o.data.vertices]
    assert max(heights) - min(heights) == pytest.approx(1.75, abs=0.04)


def test_saving_refuses_unknown_endings_and_what_is_no_folder(tmp_path):
    with pytest.raises(GraphicsMLError, match=r"\.obj"):
        save_character(tmp_path / "actor.obj")
    (tmp_path / "nowhere").write_text("in the way of a folder")
    with pytest.raises(GraphicsMLError, match="nowhere"):
        save_character(tmp_path / "nowhere" / "actor.glb")
    assert [one.name for one in tmp_path.iterdir()] == ["nowhere"]
