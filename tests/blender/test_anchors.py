"""Keypoints on characters: on the skin, on the right side, where faces are drawn, and moving with the body."""

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Quaternion  # noqa: E402

from graphics_ml.blender.armature import deform_flags, evaluated_now, skeleton_from_armature  # noqa: E402
from graphics_ml.blender.characters import Character, build_character  # noqa: E402
from graphics_ml.blender.characters.figure import MATERIALS  # noqa: E402
from graphics_ml.blender.rigs import load_rig, meshes_of  # noqa: E402
from graphics_ml.blender.scene import blender_from_ours, empty_scene, ours_from_blender  # noqa: E402
from graphics_ml.blender.scenes.anchors import find_anchors, smooth_triangles, triangles_of  # noqa: E402
from graphics_ml.blender.scenes.characters import actor_of  # noqa: E402
from graphics_ml.errors import GraphicsMLError  # noqa: E402
from graphics_ml.keypoints import FACE, FLIPPED, PARTS, WHOLE_BODY  # noqa: E402
from graphics_ml.motion.bone_map import BoneMap, recognize  # noqa: E402

PEOPLE = {
    "man": Character(masculinity=1.0, hair="short"),
    "small-woman-with-long-hair": Character(height=1.50, body_mass_index=19.0, masculinity=0.0, hair="long"),
    "heavy-bald-man-in-shorts": Character(height=1.92, body_mass_index=36.0, hair="bald", trouser_length=0.5),
    "slight-girl": Character(height=1.46, body_mass_index=17.5, masculinity=0.0, hair="bob", looseness=1.0),
}


class Labelled:
    """A character with its anchors, and where they are now."""

    def __init__(self, rig, character=None):
        self.rig, self.skins = rig, meshes_of(rig)
        skeleton = skeleton_from_armature(rig)
        self.roles = recognize(skeleton, deform_flags(rig, skeleton))
        self.anchors = find_anchors(rig, self.skins, self.roles, character)

    def vertices(self):
        bpy.context.view_layer.update()
        found = []
        for skin in self.skins:
            seen = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
            own = np.empty(3 * len(seen.data.vertices), np.float32)
            seen.data.vertices.foreach_get("co", own)
            matrix = np.array(seen.matrix_world)
            found.append(ours_from_blender(own.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]))
        return found

    def places(self):
        names = [bone.name for bone in self.rig.data.bones]
        return self.anchors.places(names, evaluated_now(self.rig, names)[1][0], self.vertices())

    def at(self, *names):
        places = self.places()
        return np.array([places[WHOLE_BODY.index(name)] for name in names])


@pytest.fixture(scope="module", params=PEOPLE)
def person(request):
    empty_scene()
    return Labelled(build_character(PEOPLE[request.param], detail=0.8), PEOPLE[request.param])


@pytest.fixture
def posed(person):
    """The person with bent limbs, a turned head, and moved away; put back afterwards."""
    bends = {"neck": (0.2, 0.5, 0.1), "forearm.L": (1.2, 0, 0), "thigh.R": (-0.9, 0.2, 0), "index_1.R": (0.8, 0, 0),
             "foot.L": (0.4, 0, 0), "upper_chest": (0.3, 0.3, 0)}  # fmt: skip
    for bone, (x, y, z) in bends.items():
        person.rig.pose.bones[bone].rotation_mode = "QUATERNION"
        person.rig.pose.bones[bone].rotation_quaternion = Quaternion((1, x / 2, y / 2, z / 2)).normalized()
    person.rig.location = (1.0, -2.0, 0.5)
    yield person
    for bone in bends:
        person.rig.pose.bones[bone].rotation_quaternion = (1, 0, 0, 0)
    person.rig.location = (0, 0, 0)
    bpy.context.view_layer.update()


def material_at(person, place):
    """The name of the material of the skin at or nearest to a place."""
    (skin,) = person.skins
    found, _, _, face = skin.closest_point_on_mesh(blender_from_ours(place).tolist())
    assert found
    return MATERIALS[skin.data.polygons[face].material_index]


def test_all_133_keypoints_of_a_character_of_ours_are_found(person):
    assert np.isfinite(person.places()).all()
    inside = [name for name, on in zip(WHOLE_BODY, person.anchors.on_surface, strict=True) if not on]
    assert len(inside) == 12 + 2 * (1 + 15)  # limbs, and each hand but its tips


@pytest.mark.parametrize(
    "worn",
    [
        dict(top="bare", footwear="bare", trouser_length=0.4),
        dict(legwear="dress", trouser_length=1.0, over="coat"),
        dict(legwear="skirt", trouser_length=0.5, top="tank_top", over="jacket"),
        dict(headgear="hood", glasses="dark", beard="full", bag="rucksack", held="phone"),
        dict(headgear="hat", glasses="clear", beard="short", bag="shoulder_bag", held="board"),
    ],
    ids=str,
)
def test_clothes_move_no_keypoint_but_those_on_shoes(worn):
    found = []
    for character in (Character(masculinity=0.2), Character(masculinity=0.2, **worn)):
        empty_scene()
        found.append(Labelled(build_character(character, detail=0.5), character).places())
    apart = np.linalg.norm(found[1] - found[0], axis=1)
    on_shoes = np.array([name.endswith(("toe", "heel")) for name in WHOLE_BODY])
    assert apart[~on_shoes].max() < 0.01  # as much as another grid of cells moves the skin
    assert apart[on_shoes].max() < (0.03 if "footwear" in worn else 0.01)


def test_what_a_hand_holds_is_no_part_of_the_body_and_a_rucksack_is_one_of_the_trunk():
    empty_scene()
    worn = Character(held="ball", bag="rucksack")
    person = Labelled(build_character(worn, detail=0.5), worn)
    (skin,), (parts,) = person.skins, person.anchors.parts
    material = np.array([skin.data.materials[face.material_index].name.split()[-1] for face in skin.data.polygons])
    assert set(parts[material == "held"]) == {PARTS.index("none")}
    assert (parts[material == "bag"] == PARTS.index("trunk")).mean() > 0.9
    assert (parts[material == "skin"] > 0).all()


def test_what_is_held_and_what_hangs_round_the_legs_does_not_stand_on_the_floor():
    empty_scene()
    worn = Character(held="bag", legwear="dress", trouser_length=0.8, masculinity=0.0, headgear="hat")
    actor = actor_of(build_character(worn, detail=0.5), "she", "she", character=worn)
    (skin,), (firm,) = actor.skins, actor.firm
    heights = np.array([vertex.co.z for vertex in skin.data.vertices])
    material = np.array([skin.data.materials[face.material_index].name.split()[-1] for face in skin.data.polygons])
    of = {name: np.unique(triangles_of(skin.data)[material == name]) for name in np.unique(material)}
    assert not firm[of["held"]].any() and not firm[of["headgear"]].any()
    low = heights[of["shirt"]] < 0.4
    assert low.sum() > 50 and not firm[of["shirt"]][low].any()
    assert firm[of["shirt"]][heights[of["shirt"]] > 1.0].all() and firm[of["shoes"]].all() and firm[of["skin"]].all()


def test_left_and_right_mirror_each_other(person):
    places = person.places()
    np.testing.assert_allclose(places[list(FLIPPED)], places * [-1, 1, 1], atol=5e-4)
    left = [k for k, name in enumerate(WHOLE_BODY) if name.startswith("left")]
    assert (places[left, 0] > 0).all()


def test_points_on_the_skin_lie_on_it_in_any_pose(posed):
    person = posed
    places, (skin,), graph = person.places(), person.skins, bpy.context.evaluated_depsgraph_get()
    seen = skin.evaluated_get(graph)
    into = np.linalg.inv(np.array(seen.matrix_world))
    for place in blender_from_ours(places[person.anchors.on_surface]):
        own = into[:3, :3] @ place + into[:3, 3]
        found, nearest, _, _ = seen.closest_point_on_mesh(own.tolist())
        assert found and np.linalg.norm(np.array(nearest) - own) < 1e-4


def test_joints_are_where_the_bones_are_in_any_pose(posed):
    for name, bone in (("left_elbow", "forearm.L"), ("right_knee", "shin.R"), ("right_forefinger2", "index_2.R")):
        (place,) = posed.at(name)
        head = posed.rig.matrix_world @ posed.rig.pose.bones[bone].head
        np.testing.assert_allclose(place, ours_from_blender(np.array(head)), atol=1e-5)


def test_what_is_fixed_to_the_head_keeps_its_form_when_the_head_turns(person, request):
    names = ("nose", "left_eye", "right_eye", "left_ear", "face-8", "face-54")

    def form():
        places = person.at(*names)
        return np.linalg.norm(places[:, None] - places, axis=-1)

    before, nose = form(), person.at("nose")
    request.getfixturevalue("posed")
    assert np.linalg.norm(person.at("nose") - nose) > 1.0
    np.testing.assert_allclose(form(), before, atol=1e-3)


def test_a_shoe_stays_stiff_from_heel_to_ball_when_the_ankle_bends(posed):
    heel, small, ankle = posed.at("left_heel", "left_small_toe", "left_ankle")
    bent = np.linalg.norm(heel - small), np.linalg.norm(heel - ankle)
    posed.rig.pose.bones["foot.L"].rotation_quaternion = (1, 0, 0, 0)
    heel, small, ankle = posed.at("left_heel", "left_small_toe", "left_ankle")
    assert bent == pytest.approx((np.linalg.norm(heel - small), np.linalg.norm(heel - ankle)), abs=1e-3)


def test_eyes_lie_on_the_pupils_and_their_outlines_around_the_irises(person):
    (skin,), vertices = person.skins, person.vertices()[0]
    faces = np.empty(len(skin.data.polygons), np.int32)
    skin.data.polygons.foreach_get("material_index", faces)
    iris = vertices[np.unique(triangles_of(skin.data)[faces == MATERIALS.index("iris")])]
    for side, outline in (("left", range(42, 48)), ("right", range(36, 42))):
        own = iris[(iris[:, 0] > 0) == (side == "left")].mean(axis=0)
        (eye,) = person.at(f"{side}_eye")
        assert np.linalg.norm(eye - own) < 0.004
        assert material_at(person, eye) == "pupil"
        around = person.at(*(f"face-{n}" for n in outline))
        turned = np.unwrap(np.arctan2(around[:, 1] - own[1], around[:, 0] - own[0]))
        assert (np.diff(turned) < 0).all() and turned[0] - turned[-1] < 2 * np.pi  # clockwise from their right corner
        assert np.linalg.norm(around - own, axis=1).max() < 0.02


def test_the_lips_outer_border_is_between_lips_and_skin_and_their_inner_on_the_lips(person):
    middle = person.at("face-62", "face-66").mean(axis=0)
    for n in range(48, 60):
        (place,) = person.at(f"face-{n}")
        outwards = (place - middle) * [1, 1, 0] if n in (48, 54) else np.array([0, 1 if n < 54 else -1, 0])
        step = (0.004 if n in (48, 54) else 0.0015) * outwards / np.linalg.norm(outwards)
        assert (material_at(person, place + step), material_at(person, place - step)) == ("skin", "lips")
    for place in person.at(*(f"face-{n}" for n in range(60, 68))):
        assert material_at(person, place) == "lips"


def test_brows_lie_on_the_brows_and_the_edges_of_the_eyes_on_the_lids(person):
    for place in person.at(*(f"face-{n}" for n in range(17, 27))):
        assert material_at(person, place) == "brows"
    for place in person.at(*(f"face-{n}" for n in range(36, 48))):
        assert material_at(person, place) in ("skin", "lashes")


def test_the_landmarks_of_a_face_come_in_order(person):
    x, y, z = person.at(*FACE).T
    for line in (range(4, 13), range(17, 22), range(22, 27), range(31, 36), range(48, 55), range(60, 65)):
        assert (np.diff(x[line]) > 0).all()  # from the person's right
    assert (np.diff(y[:9]) < 0).all() and np.argmin(y) == 8  # the chin is lowest
    assert (np.diff(y[27:31]) < 0).all() and np.argmax(z) == 30  # the nose's tip is foremost
    for n in range(5):
        assert y[17 + n] > y[36:42].max() > y[30] > y[31 + n] > y[48:60].max()
    assert (y[[49, 50, 51, 52, 53]] > y[[59, 58, 57, 56, 55]]).all()
    assert (y[[61, 62, 63]] > y[[67, 66, 65]]).all()
    lengths = np.linalg.norm(np.diff(np.stack((x, y, z), axis=1)[:17], axis=0), axis=1)
    assert lengths.max() < 1.5 * lengths.min()


def test_toes_are_before_the_heel_and_the_big_one_is_inside(person):
    for side, outwards in (("left", 1), ("right", -1)):
        big, small, heel, ankle = person.at(*(f"{side}_{name}" for name in ("big_toe", "small_toe", "heel", "ankle")))
        assert big[2] > small[2] > ankle[2] > heel[2]
        assert outwards * (small[0] - big[0]) > 0.03
        assert max(big[1], small[1], heel[1]) < ankle[1]
        assert 0.13 < (big[2] - heel[2]) / person.places()[:, 1].max() < 0.19  # a foot in its shoe


def test_fingertips_are_the_ends_of_their_fingers(person):
    for side in ("left", "right"):
        for finger in ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger"):
            one, two, three, four = person.at(*(f"{side}_{finger}{n}" for n in (1, 2, 3, 4)))
            assert 0.006 < np.linalg.norm(four - three) < 0.045
            assert (four - three) @ (three - two) > 0 and (three - two) @ (two - one) > 0


def test_each_part_lies_around_its_own_joints(person):
    vertices, (parts,) = person.vertices()[0], person.anchors.parts
    middles = vertices[triangles_of(person.skins[0].data)].mean(axis=1)
    assert set(np.unique(parts)) == set(range(1, len(PARTS)))
    ends = dict(upper_arm=("shoulder", "elbow"), forearm=("elbow", "wrist"), hand=("wrist", "middle_finger2"),
                thigh=("hip", "knee"), shin=("knee", "ankle"), foot=("ankle", "big_toe"))  # fmt: skip
    for side in ("left", "right"):
        for part, (start, end) in ends.items():
            start, end = person.at(f"{side}_{start}", f"{side}_{end}")
            own = middles[parts == PARTS.index(f"{side}_{part}")]
            assert np.linalg.norm(own.mean(axis=0) - (start + end) / 2) < 0.08
    (nose,) = person.at("nose")
    assert parts[np.argmin(np.linalg.norm(middles - nose, axis=1))] == PARTS.index("head")


def test_a_rig_of_others_has_its_joints_feet_and_fingers_and_no_made_up_face(test_data):
    rig = load_rig(test_data / "rigs" / "Geno.fbx")
    geno = Labelled(rig)
    known = {name for name, place in zip(WHOLE_BODY, geno.places(), strict=True) if np.isfinite(place).all()}
    assert known == set(WHOLE_BODY) - {*FACE, "nose", "left_eye", "right_eye", "left_ear", "right_ear"}
    vertices = geno.vertices()[0]
    for side, sign in (("left", 1), ("right", -1)):
        big, small, heel, ankle, tip, knuckle = geno.at(
            *(
                f"{side}_{name}"
                for name in ("big_toe", "small_toe", "heel", "ankle", "middle_finger4", "middle_finger1")
            )
        )
        assert big[2] > small[2] > ankle[2] > heel[2] and sign * (small[0] - big[0]) > 0
        assert sign * tip[0] == pytest.approx((sign * vertices[:, 0]).max(), abs=0.01)  # in a T-pose
        assert 0.05 < np.linalg.norm(tip - knuckle) < 0.15
    assert set(np.unique(geno.anchors.parts[0])) == set(range(1, len(PARTS)))


def test_what_a_character_carries_is_no_part_of_its_body(test_data):
    knight = Labelled(load_rig(test_data / "rigs" / "Knight.glb"))
    parts = {skin.name: set(own) for skin, own in zip(knight.skins, knight.anchors.parts, strict=True)}
    assert parts["1H_Sword"] == parts["Round_Shield"] == {0}
    assert parts["Knight_Helmet"] == {PARTS.index("head")} and parts["Knight_Cape"] == {PARTS.index("trunk")}
    assert {PARTS.index("left_upper_arm"), PARTS.index("left_forearm"), PARTS.index("left_hand")} <= parts[
        "Knight_ArmLeft"
    ]
    names = [name for name, place in zip(WHOLE_BODY, knight.places(), strict=True) if np.isfinite(place).all()]
    assert not any("finger" in name or "thumb" in name or "face" in name for name in names)
    assert {"left_hip", "right_wrist", "left_heel", "right_big_toe"} <= set(names)


def test_triangles_are_those_of_the_faces_and_shaded_as_they_are():
    mesh = bpy.data.meshes.new("pentagon and triangle")
    mesh.from_pydata([(0, 0, 0), (2, 0, 0), (3, 1, 0), (1, 3, 0), (0, 2, 0), (9, 9, 9)], [], [range(5), (0, 1, 5)])
    mesh.polygons[0].use_smooth = True
    triangles, smooth = triangles_of(mesh), smooth_triangles(mesh)
    assert triangles.shape == (4, 3) and sorted(set(triangles[:3].ravel())) == [0, 1, 2, 3, 4]
    assert set(triangles[3]) == {0, 1, 5}
    assert smooth.tolist() == [True, True, True, False]


def test_a_rig_without_the_bones_that_are_needed_is_refused(person):
    roles = {role: name for role, name in person.roles.roles.items() if role != "left_thigh"}
    with pytest.raises(GraphicsMLError, match="left_thigh"):
        find_anchors(person.rig, person.skins, BoneMap(roles))


def test_a_character_that_is_not_the_one_said_is_refused(person):
    other = replace(PEOPLE["man"], height=2.05)
    if person.rig.data.bones["head"].head_local.z < 1.5:
        with pytest.raises(GraphicsMLError, match="misses the face"):
            find_anchors(person.rig, person.skins, person.roles, other)
