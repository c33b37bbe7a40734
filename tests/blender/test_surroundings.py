"""What is drawn around people: cameras, light, places, things and clothes, against what they promise."""

import json
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from scipy.spatial import Delaunay

from graphics_ml.blender.characters.figure import MATERIALS
from graphics_ml.blender.passes import render
from graphics_ml.blender.scene import empty_scene
from graphics_ml.blender.scenes import cameras, effects, lights, materials, occluders, surround
from graphics_ml.blender.scenes.description import Scene, read_scene
from graphics_ml.blender.scenes.distributions import Quantity, read_distribution, rng_for
from graphics_ml.blender.scenes.drawn import KIND, Around
from graphics_ml.blender.scenes.furniture import DISTRACTORS, SLOTS, assemble
from graphics_ml.blender.scenes.making import load_picture, strike
from graphics_ml.blender.scenes.patterns import CLOTHS, FLOORS, VIEWS, WALLS, draw_colour, draw_pattern, paint
from graphics_ml.blender.scenes.placing import Placed
from graphics_ml.blender.scenes.seats import draw_seats, seat_under
from graphics_ml.blender.scenes.sections import read_section
from graphics_ml.blender.scenes.surroundings import OVERLAYS, Cameras, Lights, Materials
from graphics_ml.blender.stage import place_camera
from graphics_ml.errors import FileError
from graphics_ml.images.effects import apply, linear
from graphics_ml.motion.camera import Camera, look_at

SCENE = Scene()
BOXES = np.array([[5.0, 5, 15, 30]])
_STRONG = dict(blur=4.0, motion_blur=12.0, scale=0.3)


def around(seed=0, moments=3, speed=0.0):
    """Two people as clouds of points, who may walk along +X."""
    rng = np.random.default_rng(seed)
    people = []
    for x in (-0.5, 0.6):
        body = rng.uniform([-0.3, 0, -0.2], [0.3, 1.75, 0.2], (60, 3)) + np.array([x, 0, 0])
        people.append(body[None] + speed * np.arange(moments)[:, None, None] / 30 * [1, 0, 0])
    hips = 2 * (np.full(moments, 0.95),)
    return Around(
        seed=seed, split="train", width=64, height=48, fps=30.0, people=tuple(people), hips=hips, skins=((), ())
    )


def points_of(seen):
    return np.concatenate(seen.people, axis=1)


def drawn_scene(toml, tmp_path):
    path = tmp_path / "scene.toml"
    path.write_text(toml)
    return read_scene(path)


# Cameras


def test_people_fill_as_much_of_the_picture_as_was_drawn_and_the_camera_stays_above_the_floor():
    for clip in range(60):
        scene = replace(SCENE.cameras)
        seen = around(clip)
        values = cameras.draw(scene, rng_for(0, clip, "cameras"), seen)
        camera = values["cameras"][1]
        assert camera.position[1] > 0.05
        assert camera.to_camera(points_of(seen)[1])[:, 2].min() > 0.25
        if values["move"] == "still":
            share = np.ptp(camera.project(points_of(seen)[1]), axis=0) / [64, 48]
            # A fill that would need a lens within the people is not reached.
            assert share.max() < values["fill"] * 1.03
            near = camera.to_camera(points_of(seen)[1])[:, 2].min() < 0.35
            assert near or share.max() == pytest.approx(values["fill"], rel=0.03)


def test_elevation_and_roll_are_those_drawn(tmp_path):
    toml = '[cameras]\nfill = 0.6\noff_centre = 0\nmove = "still"\nroll = 10\nelevation = 40\nazimuth = 90\n'
    camera = cameras.draw(drawn_scene(toml, tmp_path).cameras, rng_for(0, 0, "cameras"), around())["cameras"][0]
    away = camera.position - [0.05, 0.875, 0]
    assert np.degrees(np.arcsin(away[1] / np.linalg.norm(away))) == pytest.approx(40, abs=1.0)
    assert abs(np.degrees(np.arctan2(away[0], away[2])) - 90) < 2
    level = np.cross([0, 1, 0], -camera.rotation[2])
    roll = np.degrees(np.arccos(camera.rotation[0] @ level / np.linalg.norm(level)))
    assert roll == pytest.approx(10, abs=1.5)


LEVEL = "elevation = 5\nroll = 0\nazimuth = 0\n"


def test_a_camera_that_follows_keeps_walking_people_in_its_picture_and_a_still_one_stands(tmp_path):
    seen = around(moments=91, speed=2.0)
    for move in ("follow", "still"):
        toml = f'[cameras]\nfill = 0.5\noff_centre = 0\nmove = "{move}"\nshake = 0.1\n{LEVEL}'
        moving = cameras.draw(drawn_scene(toml, tmp_path).cameras, rng_for(0, 1, "cameras"), seen)["cameras"]
        assert len(moving) == 91
        travelled = np.linalg.norm(moving[-1].position - moving[0].position)
        assert travelled == pytest.approx(6.0, abs=0.1) if move == "follow" else travelled == 0
        tall = [np.ptp(camera.project(points_of(seen)[i])[:, 1]) for i, camera in enumerate(moving)]
        assert max(tall) < 1.2 * min(tall) if move == "follow" else max(tall) < 20


# Patterns and things


@pytest.mark.parametrize("kind", sorted({*FLOORS, *WALLS, *VIEWS, *CLOTHS}))
def test_a_pattern_is_painted_the_same_each_time_and_different_with_another_seed(kind):
    pattern = json.loads(json.dumps(draw_pattern(np.random.default_rng(1), kind)))
    first = paint(pattern, 48)
    assert first.shape == (48, 48, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, paint(pattern, 48))
    other = draw_pattern(np.random.default_rng(2), kind)
    assert (paint(other, 48) != first).mean() > 0.2


@pytest.mark.parametrize("kind", ["planks", "bricks", "grass", "gravel", "plaster", "concrete"])
def test_what_is_laid_again_and_again_has_no_seam(kind):
    for seed in range(4):
        picture = paint(draw_pattern(np.random.default_rng(seed), kind), 128).astype(float)
        steps = np.abs(np.diff(picture, axis=0)).mean(axis=(1, 2))
        seam = np.abs(picture[0] - picture[-1]).mean()
        assert seam <= 1.5 * steps.max()


@pytest.mark.parametrize("kind", DISTRACTORS)
def test_a_thing_stands_on_the_ground_and_is_as_large_as_such_things_are(kind):
    for seed in range(5):
        vertices, triangles, slots = assemble(kind, seed)
        size = np.ptp(vertices, axis=0)
        assert vertices[:, 1].min() == pytest.approx(0, abs=0.03)
        assert 0.1 < size.max() < 6
        assert triangles.min() == 0 and triangles.max() == len(vertices) - 1
        assert set(np.unique(slots)) <= set(range(SLOTS)) and len(slots) == len(triangles)
        np.testing.assert_array_equal(vertices, assemble(kind, seed)[0])


@pytest.mark.parametrize(("show", "enough"), [(6, True), (0, False)])
def test_half_of_somebodys_limbs_are_in_the_picture_unless_the_scene_says_less(show, enough):
    toml, fewest = {"cameras": {"fill": {"uniform": [1.5, 3]}, "off_centre": 1, "move": "still", "show": show}}, []
    section = read_section(Scene, toml, Path("scene.toml")).cameras
    for clip in range(20):
        seen = around(clip)
        seen = replace(seen, limbs=tuple(one[:, :12] for one in seen.people))
        (camera, *_) = cameras.draw(section, rng_for(0, clip, "cameras"), seen)["cameras"]
        inside = [camera.project(joints[0]) for joints in seen.limbs]
        fewest.append(max(((places > 0) & (places < [64, 48])).all(axis=1).sum() for places in inside))
    assert (min(fewest) >= 6) == enough


def test_no_thing_is_in_anyones_way_and_occluders_are_before_the_people_and_distractors_hide_nobody():
    found = dict(occluders=0, distractors=0)
    for clip in range(40):
        seen = around(clip)
        drawn, seen = surround.draw(SCENE, clip, seen)
        points = seen.points()
        for axis in found:
            for thing in drawn[axis]["things"]:
                found[axis] += 1
                places = Placed(thing).moved(thing)
                low, high = places.min(axis=0), places.max(axis=0)
                assert not ((points > low) & (points < high)).all(axis=1).any()
                lenses = np.array([camera.position for camera in seen.cameras])
                assert not ((lenses > low) & (lenses < high)).all(axis=1).any()
                if axis == "occluders":
                    depth = [c.to_camera(places)[:, 2].min() for c in seen.cameras]
                    assert min(depth) < seen.cameras[0].to_camera(points)[:, 2].max()
    assert found["occluders"] > 10 and found["distractors"] > 60


def test_occluders_leave_something_to_be_seen_of_everybody():
    section = read_section(Scene, {"occluders": {"count": 9, "cover": 0.4}}, Path("scene.toml")).occluders
    most = []
    for clip in range(6):
        seen = around(clip, moments=1)
        seen = replace(seen, cameras=tuple(cameras.draw(Cameras(), rng_for(0, clip, "cameras"), seen)["cameras"]))
        (camera,), hidden = seen.cameras, np.zeros((2, 60), bool)
        for thing in occluders.draw(section, rng_for(0, clip, "occluders"), seen)["things"]:
            outline = Delaunay(camera.project(Placed(thing).moved(thing)))
            hidden |= outline.find_simplex(camera.project(np.concatenate(seen.people))) >= 0
        most.append(hidden.mean(axis=1).max())
    assert 0.3 < max(most) <= 0.6


@pytest.mark.parametrize(("leave", "enough"), [(6, True), (0, False)])
def test_occluders_leave_half_of_somebodys_limbs_in_sight_unless_the_scene_lets_them(leave, enough):
    toml = {"occluders": {"count": 9, "cover": 0.4, "leave": leave}}
    section, fewest = read_section(Scene, toml, Path("scene.toml")).occluders, []
    for clip in range(12):
        seen = around(clip, moments=1)
        # Joints on one spot of each, which one thing can hide at once, as it can what is left of someone cut off.
        joints = tuple(np.tile(one.mean(axis=1, keepdims=True), (1, 12, 1)) for one in seen.people)
        seen = replace(seen, limbs=joints)
        seen = replace(seen, cameras=tuple(cameras.draw(Cameras(), rng_for(0, clip, "cameras"), seen)["cameras"]))
        (camera,), in_sight = seen.cameras, np.concatenate(joints)
        places = camera.project(in_sight)
        shown = ((places >= 0) & (places < [camera.width, camera.height])).all(axis=-1)
        if not shown.any():
            continue
        for thing in occluders.draw(section, rng_for(0, clip, "occluders"), seen)["things"]:
            outline = Delaunay(camera.project(Placed(thing).moved(thing)))
            shown &= outline.find_simplex(places) < 0
        fewest.append(shown.sum(axis=1).max())
    assert (min(fewest) >= 6) == enough


def test_nothing_tall_reaches_past_a_lens_that_looks_down():
    toml = {"cameras": {"elevation": 60, "move": "still"}, "occluders": {"count": 3, "kinds": ["pole", "ladder"]},
            "distractors": {"count": 9, "kinds": ["column", "pole"]}}  # fmt: skip
    scene, found = read_section(Scene, toml, Path("scene.toml")), 0
    for clip in range(12):
        drawn, seen = surround.draw(scene, clip, around(clip))
        for thing in (*drawn["occluders"]["things"], *drawn["distractors"]["things"]):
            depths = np.array([camera.to_camera(Placed(thing).moved(thing))[:, 2] for camera in seen.cameras])
            nearer = depths.min() < seen.cameras[0].to_camera(seen.points())[:, 2].min()
            assert (depths > 0).all() or (depths <= 0).all() or not nearer
            found += 1
    assert found > 20


def box_of_points(low, high):
    return np.random.default_rng(0).uniform(low, high, (300, 3))


SHOES = [box_of_points([x, 0, -0.1], [x + 0.1, 0.1, 0.17]) for x in (-0.2, 0.1)]


def test_who_sits_in_the_air_gets_a_stool_of_the_right_height_behind_the_feet_and_nobody_else():
    shins, thighs = box_of_points([-0.2, 0.1, -0.1], [0.2, 0.45, 0]), box_of_points([-0.2, 0.4, -0.55], [0.2, 0.5, 0])
    trunk = box_of_points([-0.2, 0.5, -0.55], [0.2, 1.3, -0.3])
    sitting = np.concatenate([*SHOES, shins, thighs, trunk])
    legs_crossed = np.concatenate([SHOES[0], SHOES[1] + np.array([0, 0.45, 0.2]), shins, thighs, trunk])
    for body in (sitting, legs_crossed):
        x, height, z = seat_under(body, 0.5)
        assert abs(x) < 0.1 and height == pytest.approx(0.4, abs=0.02) and -0.55 < z < -0.2
    two = (np.stack([sitting] * 2), np.stack([sitting, sitting + np.array([0, 0, 0.2])]))
    seen = replace(around(), people=two, hips=2 * (np.full(2, 0.5),))
    (stool,) = draw_seats(np.random.default_rng(0), seen)  # for the one that stays
    places = Placed(stool).moved(stool)
    assert stool["kind"] == "stool" and np.ptp(places[:, 1]) == pytest.approx(height, abs=0.01)
    assert places[:, 1].min() == pytest.approx(0, abs=0.005) and places[:, 2].max() < 0
    standing = np.concatenate([*SHOES, box_of_points([-0.2, 0.1, -0.1], [0.2, 1.75, 0.1])])
    shin_behind = box_of_points([-0.2, 0.4, -0.6], [0, 0.5, -0.1])
    running = np.concatenate([SHOES[0], shin_behind, box_of_points([-0.2, 0.8, -0.6], [0.2, 1.75, -0.1])])
    in_the_air, too_low = sitting + np.array([0, 0.3, 0]), sitting * np.array([1, 0.3, 1])
    for other, hips in ((standing, 0.95), (running, 0.9), (in_the_air, 0.8), (too_low, 0.15)):
        assert seat_under(other, hips) is None
    assert seat_under(running, 0.5) is not None  # were its hips as low as its leg


# Light


def white_floor(scene):
    bpy.ops.mesh.primitive_plane_add(size=2)
    material = bpy.data.materials.new("White")
    if material.node_tree is None:
        material.use_nodes = True
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Base Color"].default_value = (1, 1, 1, 1)
    surface.inputs["Roughness"].default_value = 1
    surface.inputs["Specular IOR Level"].default_value = 0
    bpy.context.object.data.materials.append(material)
    position = np.array([0, 6.0, 0.5])
    place_camera(scene, Camera(32, 32, 800.0, (16, 16), look_at(position, [0, 0, 0.0]), position))


def brightness(scene):
    codes = render(scene, samples=64, denoise=False, bounces=0).astype(float).mean(axis=(0, 1)) / 255
    return (((codes + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


FLAT = '[lights]\ntone = "Standard"\nexposure = 0.5\ntint = 0\nzenith_angle = 0\nsoftness = 2\n'


def flat_around():
    return replace(around(), people=(np.zeros((2, 5, 3)),))


SOURCES = {
    "even sky": 'lamps = 0\nsky = "even"',
    "painted sky": 'lamps = 0\nsky = "painted"',
    "sun": 'lamps = 1\nsky_share = 0\nkind = "sun"',
    "lamp": 'lamps = 1\nsky_share = 0\nkind = "lamp"',
    "window": 'lamps = 1\nsky_share = 0\nkind = "window"',
}


@pytest.mark.parametrize("lamps", SOURCES.values(), ids=[name.replace(" ", "-") for name in SOURCES])
def test_white_ground_becomes_as_bright_as_the_exposure_says(lamps, tmp_path):
    scene = empty_scene()
    white_floor(scene)
    section = drawn_scene(FLAT + lamps + "\n", tmp_path).lights
    lights.make(lights.draw(section, rng_for(0, 3, "lights"), flat_around()), flat_around(), scene.collection)
    assert brightness(scene) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("scale", [0.05, 4.0])
def test_an_hdri_gives_the_light_asked_for_whatever_it_was_exposed_by(scale, tmp_path):
    scene = empty_scene()
    white_floor(scene)
    hdri(tmp_path / "sky.exr", scale)
    section = drawn_scene(FLAT + 'lamps = 0\nsky = "hdri"\nhdris = "sky.exr"\n', tmp_path).lights
    values = lights.draw(section, rng_for(0, 3, "lights"), flat_around())
    assert values["sky"]["path"].endswith("sky.exr")
    lights.make(values, flat_around(), scene.collection)
    assert brightness(scene) == pytest.approx(0.5, rel=0.1)


def hdri(path, scale):
    """Bright around the horizon, dark above, darker below."""
    light = np.concatenate([np.linspace(0.3, 1, 16), np.full(16, 0.1)])[:, None, None] * np.ones((1, 64, 3))
    image = bpy.data.images.new("Sky", 64, 32, float_buffer=True)
    values = np.concatenate([scale * light[::-1], np.ones((32, 64, 1))], axis=-1)
    image.pixels.foreach_set(values.astype(np.float32).ravel())
    image.filepath_raw, image.file_format = str(path), "OPEN_EXR"
    image.save()
    bpy.data.images.remove(image)


def test_black_bodies_have_the_colours_of_the_cie():
    # Chromaticities of the Planckian locus (Wyszecki and Stiles 1982), by sRGB's own primaries.
    true = {2500: (0.4770, 0.4137), 4000: (0.3805, 0.3768), 6500: (0.3135, 0.3237), 10000: (0.2807, 0.2884)}
    primaries = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    xyz = np.append(primaries, 1 - primaries.sum(axis=1, keepdims=True), axis=1).T
    white = np.array([0.3127, 0.3290, 0.3583]) / 0.3290
    xyz = xyz * np.linalg.solve(xyz, white)
    for kelvin, chromaticity in true.items():
        seen = xyz @ lights.temperature_colour(kelvin)
        np.testing.assert_allclose(seen[:2] / seen.sum(), chromaticity, atol=0.002)


# All together


def made(clip, scene=SCENE, width=64):
    """The picture of a clip's surroundings in the current scene, which is left as it was."""
    stage = bpy.context.scene
    collection = bpy.data.collections.new("Set")
    stage.collection.children.link(collection)
    drawn, seen = surround.draw(scene, clip, around(clip))
    plain = {axis: values for axis, values in drawn.items() if axis != "cameras"}
    assert json.loads(json.dumps(plain)) == plain
    surround.make(drawn, seen, collection)
    camera = place_camera(stage, seen.cameras[0])
    picture = render(stage, seed=clip, samples=2)
    kinds = [thing.get(KIND, "thing") for thing in collection.objects if thing.type == "MESH"]
    strike(collection)
    bpy.data.collections.remove(collection)
    bpy.data.cameras.remove(camera.data)
    return picture, kinds


def test_a_place_looks_the_same_whatever_was_there_before_and_leaves_nothing_behind():
    empty_scene()
    first, kinds = made(3)
    assert first.std() > 3 and kinds.count("ground") == 1
    kept = {name: len(getattr(bpy.data, name)) for name in ("objects", "meshes", "materials", "images", "lights")}
    made(4)
    made(5)
    np.testing.assert_array_equal(made(3)[0], first)
    assert {name: len(getattr(bpy.data, name)) for name in kept} == kept
    empty_scene()
    np.testing.assert_array_equal(made(3)[0], first)


def test_without_looks_the_same_meshes_stand_there_and_nothing_is_painted():
    empty_scene()
    collection = bpy.context.scene.collection
    drawn, seen = surround.draw(SCENE, 6, around(6))
    shapes = []
    for looks in (True, False):
        surround.make(drawn, seen, collection, looks)
        meshes = [thing for thing in collection.objects if thing.type == "MESH"]
        shapes.append([[tuple(vertex.co) for vertex in thing.data.vertices] for thing in meshes])
        assert any(thing.data.materials for thing in meshes) == looks
        strike(collection)
    assert shapes[0] == shapes[1] and len(shapes[0]) > 2
    assert not [image for image in bpy.data.images if image.name not in ("Render Result", "Sky")]


def test_what_is_not_seen_is_not_painted_and_changes_no_pixel(monkeypatch):
    pictures = []
    for everything in (False, True):
        if everything:
            monkeypatch.setattr("graphics_ml.blender.scenes.backgrounds.is_seen", lambda *_: True)
        empty_scene()
        pictures.append(made(12, drawn_in("room"))[0].astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.5  # shiny floors mirror what is beside the picture


def drawn_in(place):
    toml = {"backgrounds": {"place": place, "roughness": 1.0}}
    return read_section(Scene, toml, Path("scene.toml"))


@pytest.mark.parametrize("place", ["room", "outdoors", "studio", "backdrop", "open"])
def test_every_place_has_ground_under_the_people_and_walls_do_not_stand_between(place, tmp_path):
    scene = drawn_scene(f'[backgrounds]\nplace = "{place}"\n', tmp_path)
    for clip in range(12):
        drawn, seen = surround.draw(scene, clip, around(clip))
        quads = drawn["backgrounds"]["quads"]
        (ground,) = [np.array(quad["corners"]) for quad in quads if quad["kind"] == "ground"]
        np.testing.assert_allclose(ground[:, 1], 0, atol=1e-9)
        for point in (*seen.points()[::10], *(camera.position for camera in seen.cameras)):
            sides = np.roll(ground, -1, axis=0) - ground
            assert (np.cross(sides, point - ground)[:, 1] > 0).all() or place == "studio"
        for quad in quads:
            corners = np.array(quad["corners"])
            normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
            for camera in seen.cameras:  # people and lens are on the same side
                sides = np.sign(np.append(seen.points(), [camera.position], axis=0) @ normal - corners[0] @ normal)
                flat = np.abs(seen.points()[:, 1]).min() < 1e-6 and quad["kind"] == "ground"
                assert flat or len(set(sides)) == 1, quad["name"]


def test_the_users_pictures_are_shown_and_no_picture_is_in_two_splits(tmp_path):
    for i in range(9):
        save_picture(tmp_path / f"{i}.png", i)
    toml = '[backgrounds]\nplace = "backdrop"\npicture_share = 1\npictures = "*.png"\n'
    scene = drawn_scene(toml, tmp_path)
    used = {}
    for split in ("train", "val", "test"):
        drawn = [surround.draw(scene, clip, replace(around(), split=split))[0] for clip in range(25)]
        used[split] = {
            q["look"]["picture"] for one in drawn for q in one["backgrounds"]["quads"] if "picture" in q["look"]
        }
        assert used[split]
    assert not used["train"] & used["val"] and not used["train"] & used["test"] and not used["val"] & used["test"]
    empty_scene()
    made(2, scene)


def save_picture(path, level):
    image = bpy.data.images.new("Picture", 12, 8)
    image.pixels.foreach_set(np.full(12 * 8 * 4, 0.1 * level, np.float32))
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


@pytest.mark.parametrize("content", [b"", b"this is no picture", None])
def test_a_picture_that_cannot_be_read_is_named(content, tmp_path):
    path = tmp_path / "wall.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match=r"wall\.png: .*picture"):
        load_picture(path)
    assert not [image for image in bpy.data.images if "wall" in image.name]


# Clothes and effects


def test_clothes_are_put_on_by_name_and_the_characters_own_materials_stay():
    empty_scene()
    bpy.ops.mesh.primitive_ico_sphere_add()
    skin = bpy.context.object
    parts = ["shirt", "trousers", "iris", "skin"]
    own = [bpy.data.materials.new(f"Ann {name}") for name in (*parts, *(set(MATERIALS) - set(parts)))]
    for material in own:
        if material.node_tree is None:
            material.use_nodes = True
        skin.data.materials.append(material)
    before = [dict(colour=list(m.diffuse_color), nodes=len(m.node_tree.nodes)) for m in own]
    look = dict(pattern=draw_pattern(np.random.default_rng(0), "plaid"), span=0.5, roughness=0.8)
    materials.dress(skin, dict(shirt=look, trousers=dict(colour=[1, 0, 0]), skin=dict(roughness=0.33)))
    worn = [slot.material for slot in skin.material_slots]
    assert [i for i, (a, b) in enumerate(zip(worn, own, strict=True)) if a is not b] == [0, 1, 3]
    assert any(node.type == "TEX_IMAGE" for node in worn[0].node_tree.nodes)
    surface = next(node for node in worn[3].node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert surface.inputs["Roughness"].default_value == pytest.approx(0.33)
    assert list(worn[1].diffuse_color) == pytest.approx([1, 0, 0, 1])
    assert [dict(colour=list(m.diffuse_color), nodes=len(m.node_tree.nodes)) for m in own] == before
    assert list(skin.data.materials) == own


def test_a_mesh_of_another_kind_keeps_what_it_has():
    empty_scene()
    bpy.ops.mesh.primitive_ico_sphere_add()
    skin, shirt = bpy.context.object, bpy.data.materials.new("Knight shirt")
    skin.data.materials.append(shirt)
    materials.dress(skin, dict(shirt=dict(colour=[1, 0, 0])))
    assert skin.material_slots[0].material is shirt and skin.material_slots[0].link == "DATA"


def test_each_person_gets_an_outfit_of_its_own():
    people = materials.draw(Materials(), rng_for(0, 0, "materials"), around())["people"]
    assert len(people) == 2 and people[0] != people[1]
    assert set(people[0]) == {"skin", *materials.GARMENTS} > {"skin", "shirt", "trousers", "socks", "shoes"}


def test_drawn_effects_are_what_the_images_room_applies():
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    drawn = [
        json.loads(json.dumps(effects.draw(SCENE.effects, rng_for(0, frame, "effects"), BOXES, 32, 32)))
        for frame in range(20)
    ]
    changed = [apply(picture, values) for values in drawn]
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in changed)
    assert len({one.tobytes() for one in changed}) == 20
    assert {True} == {0 <= values["jpeg"] <= 100 for values in drawn}


@pytest.mark.parametrize("size", [60.0, 150.0])
def test_no_blur_spreads_a_point_farther_than_people_of_this_size_bear(size):
    section = replace(SCENE.effects, **{name: read_distribution(value) for name, value in _STRONG.items()})
    values = effects.draw(section, rng_for(0, 0, "effects"), np.array([[0, 0, 5, size]]), 101, 101) | dict(
        direction=0.0
    )
    lens = {name: values[name] for name in (*_STRONG, "direction")}
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[48:53, 48:53] = 200
    light = linear(apply(dot, lens))[..., 0].astype(float)
    x = np.arange(101) - 50
    across = light.sum(axis=0)
    still = 2.0  # variance of five pixels in a row
    spread = np.sqrt((across * x**2).sum() / across.sum() - still)
    assert 0 < spread < 1.3 * section.softest * size + 0.3  # the way of a motion is whole pixels


def test_boxes_of_people_are_whole_and_of_those_before_the_camera():
    camera = Camera(100, 100, 100.0, np.array([50.0, 50.0]), np.diag([1.0, -1.0, -1.0]), np.zeros(3))
    tall, low = np.array([[0, -5, -10], [0, 5, -10.0]]), np.array([[-1, 0, -10], [1, 0, -10.0]])
    np.testing.assert_allclose(effects.boxes_of(camera, [tall, -low, low]), [[50, 0, 50, 100], [40, 50, 60, 50]])
    assert effects.boxes_of(camera, [-low]).shape == (0, 4)


def test_bands_and_logos_hide_nobody_and_letters_hardly_anything():
    boxes, picture, covered = (
        np.array([[60.0, 30, 110, 190]]),
        np.full((200, 200, 3), 128, np.uint8),
        dict.fromkeys(OVERLAYS, 0),
    )
    for kind in OVERLAYS:
        section = replace(SCENE.effects, overlay=read_distribution(kind, Quantity(str)))
        for frame in range(20):
            values = effects.draw(section, rng_for(0, frame, "effects"), boxes, 200, 200)
            changed = (apply(picture, dict(overlays=values["overlays"])) != picture).any(axis=-1)
            covered[kind] += changed.mean() / 20
            within = changed[30:190, 60:110].mean()
            assert within == 0 if kind in ("caption", "logo") else within < 0.1
    assert covered["none"] == 0 and 0.003 < covered["logo"] < 0.1 and 0.02 < covered["caption"] < 0.12
    assert 0.003 < covered["letters"] < 0.08


def test_most_things_are_dull_and_some_are_of_strong_colours():
    colours = np.array([draw_colour(np.random.default_rng(seed)) for seed in range(1000)])
    chroma = np.ptp(colours, axis=1)
    assert np.median(chroma) < 0.12 and 0.02 < (chroma > 0.4).mean() < 0.1
    assert np.ptp(colours.mean(axis=1)) > 0.85  # black and white are among them


def test_settings_are_drawn_within_what_they_say():
    for section in (Cameras(), Lights(), Materials(), SCENE.effects, SCENE.occluders, SCENE.distractors):
        values = [section.draw(np.random.default_rng(seed)) for seed in range(30)]
        assert len({json.dumps(one) for one in values}) == 30 or len(values[0]) < 3
