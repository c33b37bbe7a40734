# SPDX-License-Identifier: GPL-3.0-or-later
"""A character as arrays: one mesh of closed parts, its materials and its skin weights.

Each part (head, arms, shirt, trousers, legs, shoes, hair, eyes) is the zero surface of its field, cut where it ends and
closed, so that every edge has two faces. Skin that clothes hide is not made: it cannot show through them.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.blender.characters import carried, meshes
from graphics_ml.blender.characters.body import Body
from graphics_ml.blender.characters.clothes import Clothes
from graphics_ml.blender.characters.field import Lens, smooth_min, smoothstep
from graphics_ml.blender.characters.hair import hair_field, shaded
from graphics_ml.blender.characters.head import EYE_CENTRE, EYE_RADIUS, Head
from graphics_ml.blender.characters.headwear import HOOD_LOW, beard_field, hair_under, headgear_field
from graphics_ml.blender.characters.parameters import Character
from graphics_ml.blender.characters.proportions import BONES, arm_frame, foot_direction
from graphics_ml.blender.characters.surface_nets import surface_nets
from graphics_ml.blender.characters.weights import rigid, skin_weights

MATERIALS = ("skin", "lips", "brows", "lashes", "eye_white", "iris", "pupil", "hair", "hair_shade", "shirt", "trousers",
             "socks", "shoes", "soles")  # fmt: skip
"""What every character has."""

EXTRA_MATERIALS = ("over", "stripe", "headgear", "glasses", "bag", "held")
"""What a character has besides who wears any of it; their indices go on from `MATERIALS`."""


@dataclass(frozen=True)
class Figure:
    """A skinned mesh in its rest pose.

    Attributes:
        vertices: (V, 3) metres, Blender's axes.
        triangles: (T, 3) int, facing outwards.
        materials: (T,) int, indices into `MATERIALS` and then `EXTRA_MATERIALS`.
        bones, weights: (V, 4), indices into `BONES` and their shares, which sum to 1.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    materials: np.ndarray
    bones: np.ndarray
    weights: np.ndarray


def make_figure(character: Character, detail: float = 1.0) -> Figure:
    """Mesh a character.

    Args:
        detail: 1 gives about 40,000 vertices, 0.5 a quarter of them.
    """
    body = Body(character)
    builder = _Builder(body, detail)
    parts = [builder.head(), *builder.clothes_parts(), builder.arm(), *builder.legs()]
    parts += builder.eyes()
    if builder.hair_style != "bald":
        parts.append(builder.hair())
    return _join(parts + builder.worn_on_head() + builder.carried())


@dataclass
class _Part:
    vertices: np.ndarray
    triangles: np.ndarray
    materials: np.ndarray
    skin: tuple[np.ndarray, np.ndarray]


class _Builder:
    """Makes the parts of one body at one level of detail."""

    def __init__(self, body, detail):
        self.body, self.detail = body, detail
        self.head_shape, self.clothes = Head(body), Clothes(body)
        self.hair_style = hair_under(body.character.headgear, body.character.hair)

    def head(self):
        head, body, s = self.head_shape, self.body, self.body.scale
        lower = np.array([0.0, -0.20 * s, body.head_of("neck")[2] - 0.13 * s])
        upper = np.array([0.20 * s, 0.22 * s, body.measures.height + 0.02])
        lens = Lens(head.place((0.0, 40.0, -18.0)), 2.5, 0.230, 0.420)
        mesh = self._mesh(self._head_skin, lower, upper, 0.0085, lens=lens, half=True)
        vertices, triangles = meshes.trim(*mesh, self._bust)
        materials = np.full(len(triangles), _of("skin"))
        if self.body.character.hair != "bald":  # the scalp shows the hair's colour at its edge and ends under it
            vertices, triangles = meshes.trim(vertices, triangles, lambda *p: -12.0 - head.hairline(*p))
            vertices, triangles, sides, _ = meshes.split(vertices, triangles, lambda *p: head.hairline(*p) + 4.0)
            materials = np.where(sides < 0, _of("hair"), _of("skin"))
        patches = (("lips", head.lips, None), ("brows", head.brow, self._raised_brow))
        for name, levels, move in (*patches, ("eye_white", head.eye_opening, self._behind_eye)):
            vertices, triangles, inside, parents = meshes.split_patch(vertices, triangles, levels, 3.0)
            edge = np.zeros(0, int)
            if move is not None:
                vertices, triangles, inside = meshes.step(vertices, triangles, inside, move)
                edge = np.full(len(triangles) - len(inside), _of("lashes" if name == "eye_white" else name))
            materials = np.concatenate([np.where(inside, _of(name), materials[parents]), edge])
        materials = self._bare_lower_lid(vertices, triangles, materials)
        vertices, triangles = meshes.mirror_half(vertices, triangles)
        vertices, triangles = meshes.close(vertices, triangles)
        return self._part(vertices, triangles, np.concatenate([materials, materials]))

    def eyes(self):
        """Two balls whose rings end exactly at the edges of pupil and iris."""
        rings = np.radians([0.0, 6.0, 11.0, 11.0, 20.0, 28.5, 28.5, 42.0, 58.0, 75.0, 95.0, 130.0, 180.0])
        rings = np.unique(np.round(rings, 9))
        turns = np.linspace(0.0, 2.0 * np.pi, 28, endpoint=False)
        polar = np.array(
            [[np.sin(a) * np.cos(b), np.cos(a), np.sin(a) * np.sin(b)] for a in rings[1:-1] for b in turns]
        )
        unit = np.concatenate([[[0.0, 1.0, 0.0]], polar, [[0.0, -1.0, 0.0]]])
        triangles, names, n = [], [], len(turns)
        for ring in range(len(rings) - 1):
            name = "pupil" if rings[ring] < 0.19 else "iris" if rings[ring] < 0.49 else "eye_white"
            for i in range(n):
                a, b = 1 + (ring - 1) * n + i, 1 + (ring - 1) * n + (i + 1) % n
                if ring == 0:
                    new = [(0, i + 1, (i + 1) % n + 1)]
                elif ring == len(rings) - 2:
                    new = [(a, len(unit) - 1, b)]
                else:
                    new = [(a, a + n, b + n), (a, b + n, b)]
                triangles += new
                names += [_of(name)] * len(new)
        triangles, names = np.array(triangles), np.array(names)
        parts = []
        for side in (1.0, -1.0):
            points = (EYE_CENTRE + unit * EYE_RADIUS) * self.head_shape.size
            vertices = self.head_shape.origin + np.stack([side * points[:, 0], -points[:, 1], points[:, 2]], -1)
            facing = triangles[:, ::-1] if side < 0 else triangles
            parts.append(_Part(vertices, facing, names, rigid("head", len(vertices))))
        return parts

    def hair(self):
        head, style = self.head_shape, self.hair_style
        field, low = hair_field(head, style)
        lower = np.array([-0.15, head.origin[1] - 0.15, low - 0.02])
        upper = np.array([0.16, head.origin[1] + 0.19, self.body.measures.height + 0.06])
        mesh = self._mesh(field, lower, upper, 0.0075, steepness=3.0)
        vertices, triangles, sides, _ = meshes.split(*mesh, shaded(head, style))
        materials = np.where(sides < 0, _of("hair_shade"), _of("hair"))
        return _Part(vertices, triangles, materials, self._falling(vertices))

    def worn_on_head(self):
        """Headgear, beard and glasses."""
        head, character, parts = self.head_shape, self.body.character, []
        if character.headgear != "none":
            hair = 7.0 if self.hair_style in ("bob", "long") else 3.0
            low = head.place((0.0, 0.0, HOOD_LOW - 30.0 if character.headgear == "hood" else -40.0))[2]
            lower = np.array([0.0, head.origin[1] - 0.22, low])
            upper = np.array([0.18, head.origin[1] + 0.20, self.body.measures.height + 0.06])
            mesh = self._mesh(headgear_field(head, character.headgear, hair), lower, upper, 0.0050, half=True)
            vertices, triangles = meshes.mirror_half(*mesh)
            hood = "shirt" if character.over == "none" else "over"
            name = hood if character.headgear == "hood" else "headgear"
            parts.append(_Part(vertices, triangles, np.full(len(triangles), _of(name)), self._falling(vertices)))
        if character.beard != "none":
            lower, upper = head.place((0.0, 125.0, -145.0)), head.place((90.0, -10.0, 10.0))
            mesh = self._mesh(beard_field(head, character.beard), lower, upper, 0.0048, half=True)
            parts.append(self._rigid([meshes.mirror_half(*mesh)], "hair", "head"))
        if character.glasses != "none":
            parts.append(self._rigid(carried.glasses(head, character.glasses == "dark"), "glasses", "head"))
        return parts

    def carried(self):
        """Bags, and what a hand holds."""
        body, clothes, character, parts = self.body, self.clothes, self.body.character, []
        if character.bag != "none":
            worn = clothes.shirt if character.legwear != "dress" else clothes.dress
            worn = clothes.over if character.over != "none" else worn
            make, bone = {
                "rucksack": (carried.rucksack, "upper_chest"),
                "shoulder_bag": (carried.shoulder_bag, "hips"),
            }[character.bag]
            sacks, straps = make(body, worn)
            parts.append(self._rigid(sacks, "bag", bone))
            parts += [self._part(*strap, np.full(len(strap[1]), _of("bag"))) for strap in straps]
        if character.held != "none":
            solids = carried.held(body, character.held, character.held_in)
            parts.append(self._rigid(solids, "held", f"hand.{character.held_in}"))
        return parts

    def _rigid(self, solids, material, bone):
        """Solids that follow one bone."""
        offsets = np.cumsum([0] + [len(vertices) for vertices, _ in solids])
        vertices = np.concatenate([vertices for vertices, _ in solids])
        triangles = np.concatenate([own + offset for (_, own), offset in zip(solids, offsets[:-1], strict=True)])
        return _Part(vertices, triangles, np.full(len(triangles), _of(material)), rigid(bone, len(vertices)))

    def _falling(self, vertices):
        """Skin weights of what sits on the head and may fall on the shoulders."""
        head = self.head_shape
        bones, weights = rigid("head", len(vertices))
        hanging = vertices[:, 2] < head.place((0, 0, -60.0))[2]
        if hanging.any():  # what falls on the shoulders stays on them
            own_bones, own_weights = skin_weights(self.body, vertices[hanging] * [0.5, 1.0, 1.0])
            blend = smoothstep(head.place((0, 0, -60.0))[2] - vertices[hanging, 2], 0.0, 0.11)[:, None]
            bones[hanging], weights[hanging] = _blend_skins(
                bones[hanging], weights[hanging] * (1.0 - blend), own_bones, own_weights * blend
            )
        return bones, weights

    def clothes_parts(self):
        """What covers trunk and legs, and the trunk's skin where it is not covered."""
        character = self.body.character
        if character.legwear == "dress":
            parts = [self.dress()]
        else:
            parts = (
                [self.tank_top() if character.top == "tank_top" else self.shirt()] if character.top != "bare" else []
            )
            parts += [self.trousers() if character.legwear == "trousers" else self.skirt()]
        if self._bare_shoulders:
            parts.append(self.torso())
        if character.over != "none":
            parts.append(self.over())
        return parts

    def shirt(self):
        clothes = self.clothes
        mesh = self._upper_mesh(clothes.shirt, clothes.shirt_end, clothes.sleeve_end)
        for level in (clothes.above_hem, clothes.outside_collar, clothes.within_sleeve):
            mesh = meshes.trim(*mesh, level)
        return self._hemmed(mesh, "shirt", hanging=True)

    def tank_top(self):
        clothes = self.clothes
        mesh = self._upper_mesh(clothes.shirt, clothes.shirt_end, clothes.sleeve_end)
        for level in (clothes.above_hem, clothes.within_straps):
            mesh = meshes.trim(*mesh, level)
        return self._hemmed(mesh, "shirt", hanging=True)

    def torso(self):
        """Bare skin from the waistband to neck and arms, of which a tank top leaves the upper part."""
        clothes = self.clothes
        mesh = self._upper_mesh(clothes.torso, clothes.shirt_end, clothes.sleeve_end)
        low = clothes.waistband - 0.020 * self.body.scale
        if self.body.character.top == "tank_top":
            low = 0.70 * self.body.measures.height
        for level in (lambda x, y, z: low - z, clothes.outside_collar, clothes.within_sleeve):
            mesh = meshes.trim(*mesh, level)
        vertices, triangles = meshes.mirror_half(*mesh)
        vertices, triangles = meshes.close(vertices, triangles)
        return self._part(vertices, triangles, np.full(len(triangles), _of("skin")))

    def dress(self):
        clothes = self.clothes
        mesh = self._upper_mesh(clothes.dress, self._height_at(clothes.trouser_end), clothes.sleeve_end)
        for level in (clothes.above_skirt_hem, clothes.outside_collar, clothes.within_sleeve):
            mesh = meshes.trim(*mesh, level)
        return self._sheet(mesh, "shirt", spanning=True)

    def skirt(self):
        clothes = self.clothes
        mesh = self._upper_mesh(clothes.skirt, self._height_at(clothes.trouser_end), 0.0)
        for level in (clothes.below_waistband, clothes.above_skirt_hem):
            mesh = meshes.trim(*mesh, level)
        return self._sheet(mesh, "trousers", spanning=True)

    def over(self):
        """An open jacket or coat, a sheet with two sides."""
        clothes, body = self.clothes, self.body
        mesh = self._upper_mesh(clothes.over, self._height_at(clothes.over_end), sum(body.arm_lengths))
        collar = 0.014 * body.scale
        for level in (
            clothes.above_over_hem,
            lambda x, y, z: clothes.outside_collar(x, y, z) + collar,
            clothes.within_over_sleeve,
            clothes.open_front,
        ):
            mesh = meshes.trim(*mesh, level)
        coat = body.character.over == "coat"
        return self._sheet(mesh, "over", hanging=not coat, spanning=coat)

    def _upper_mesh(self, field, low, sleeve):
        """Half of a garment from a height upwards, with sleeves of a length."""
        body, s = self.body, self.body.scale
        wide = body.head_of("upper_arm.L")[0] + sleeve * 0.72 + 0.10 * s
        deep = 0.5 * max(body.measures.chest_depth, body.measures.waist_depth, body.measures.buttock_depth) + 0.12 * s
        if low < self.clothes.shirt_end:
            deep, wide = deep + 0.30 * s, max(wide, 0.5 * body.measures.hip_breadth + 0.45 * s)
        lower = np.array([0.0, -deep, low - 0.03])
        upper = np.array([wide, deep, body.measures.cervicale_height + 0.06])
        return self._mesh(field, lower, upper, 0.0138, half=True)

    def _height_at(self, t):
        """Height above the ground, t down the leg."""
        hip, ankle = self.body.head_of("thigh.L")[2], self.body.head_of("foot.L")[2]
        return hip - t / self.body.leg_length * (hip - ankle)

    def trousers(self):
        body, clothes, s = self.body, self.clothes, self.body.scale
        deep = 0.5 * max(body.measures.waist_depth, body.measures.buttock_depth) + 0.12 * s
        lower = np.array([0.0, -deep, 0.0])
        upper = np.array([body.measures.hip_breadth / 2 + 0.12 * s, deep, clothes.waistband + 0.03])
        mesh = self._mesh(clothes.trousers, lower, upper, 0.0138, half=True)
        for level in (clothes.below_waistband, clothes.above_cuff):
            mesh = meshes.trim(*mesh, level)
        part = self._hemmed(mesh, "trousers")
        if not body.character.stripe:
            return part
        vertices, triangles, sides, _ = meshes.split(part.vertices, part.triangles, clothes.on_stripe)
        materials = np.where(sides < 0, _of("stripe"), _of("trousers"))
        return self._part(vertices, triangles, materials)

    def arm(self):
        """Both bare arms from under the sleeve to the fingertips."""
        body, s = self.body, self.body.scale
        reach, start = sum(body.arm_lengths), self.clothes.sleeve_end - 0.05 * s
        hand = body.measures.hand_length
        lower = np.array([start - 0.02, -0.11 * s, -0.09 * s])
        upper = np.array([reach + 1.08 * hand, 0.09 * s, 0.08 * s])
        fine = (2.6, 0.56, 1.2)
        if self.detail < 1:  # cells of 7 mm all over the hand: in coarser ones fingers lose their ends
            fine = np.array([1.6, 0.65, 1.0]) / self.detail
        lens = Lens((reach + 0.55 * hand, -0.1 * hand, -0.04 * hand), fine[0], fine[1] * hand, fine[2] * hand)
        sunk = 0.004 * s if self._bare_shoulders else 0.0

        def field(t, back, dorsal):
            return body.arm_and_hand(t, back, dorsal) + sunk * (1.0 - smoothstep(t, start, start + 0.035 * s))

        vertices, triangles = self._mesh(field, lower, upper, 0.0110, lens=lens)
        vertices, triangles = meshes.trim(vertices, triangles, lambda t, back, dorsal: start - t)
        vertices, triangles = meshes.close(vertices, triangles)
        vertices = body.head_of("upper_arm.L") + vertices @ arm_frame().T
        return self._pair(vertices, triangles, np.full(len(triangles), _of("skin")))

    def legs(self):
        """What of legs and feet the trousers leave."""
        return [self.leg(), self.shoe()] if self.body.character.footwear == "shoes" else [self.bare_leg()]

    def bare_leg(self):
        """Both legs from under the trousers to the toes."""
        body, s, length = self.body, self.body.scale, self.body.measures.foot_length
        start, ankle = self.clothes.leg_start, body.head_of("foot.L")
        lower = np.array([0.01, ankle[1] - 0.95 * length, -0.02])
        upper = np.array([ankle[0] + 0.16 * s, 0.18 * s, body.head_of("thigh.L")[2]])
        fine = np.array([1.6, 0.60, 1.0])
        if self.detail < 1:  # cells of 8 mm all over the foot: in coarser ones toes run together
            fine[0] /= self.detail
        centre = ankle + foot_direction() * 0.3 * length
        lens = Lens(
            (centre[0], centre[1], 0.04 * s), fine[0], fine[1] * length, fine[2] * length / min(self.detail, 1.0)
        )

        def field(x, y, z):
            return smooth_min(body.leg(x, y, z), body.foot(x, y, z), 0.030 * s)

        mesh = self._mesh(field, lower, upper, 0.0125, lens=lens)
        vertices, triangles = meshes.trim(*mesh, lambda x, y, z: start - body.along_leg(x, y, z)[0])
        vertices, triangles = meshes.trim(vertices, triangles, _own_side)
        vertices, triangles = meshes.close(vertices, triangles)
        return self._pair(vertices, triangles, np.full(len(triangles), _of("skin")))

    def leg(self):
        """Both bare or socked shins from under the trousers into the shoes."""
        body, s = self.body, self.body.scale
        start, sock = self.clothes.leg_start, body.leg_length - 0.075 * s
        end = body.leg_length + 0.004 * s
        hip, ankle = body.head_of("thigh.L"), body.head_of("foot.L")
        lower, upper = np.array([0.02, -0.16 * s, 0.02]), np.array([ankle[0] + 0.16 * s, 0.16 * s, hip[2]])
        along = body.along_leg

        def ends(x, y, z):
            t = along(x, y, z)[0]
            return np.maximum(start - t, t - end)

        mesh = self._mesh(lambda x, y, z: body.leg(x, y, z), lower, upper, 0.0125)
        vertices, triangles = meshes.trim(*mesh, ends)
        if body.character.legwear != "trousers":  # the thighs of the heavy meet
            vertices, triangles = meshes.trim(vertices, triangles, _own_side)
        vertices, triangles, sides, _ = meshes.split(vertices, triangles, lambda x, y, z: sock - along(x, y, z)[0])
        materials = np.where(sides < 0, _of("socks"), _of("skin"))
        vertices, triangles = meshes.close(vertices, triangles)
        return self._pair(vertices, triangles, materials)

    def shoe(self):
        body, s = self.body, self.body.scale
        ankle, length = body.head_of("foot.L"), body.measures.foot_length
        lower = np.array([ankle[0] - 0.10 * s, ankle[1] - 0.95 * length, -0.02])
        upper = np.array([ankle[0] + 0.14 * s, ankle[1] + 0.50 * length, ankle[2] + 0.05 * s])
        vertices, triangles = self._mesh(body.shoe, lower, upper, 0.0085)
        sole = 0.027 * body.measures.foot_length / 0.265
        vertices, triangles, sides, _ = meshes.split(vertices, triangles, lambda x, y, z: z - sole)
        return self._pair(vertices, triangles, np.where(sides < 0, _of("soles"), _of("shoes")))

    def _mesh(self, field, lower, upper, spacing, **options):
        spacing = spacing * self.body.scale / self.detail
        vertices, quads = surface_nets(field, lower, upper, spacing, **options)
        return vertices, meshes.triangulate(vertices, quads)

    def _bust(self, x, y, z):
        """Kept part of the bare neck: what a collar shows and a little more."""
        s = self.body.scale
        base = self.body.head_of("neck")[2]
        under = np.minimum(-0.024 * s - self.clothes.outside_collar(x, y, z), base + 0.03 * s - z)
        return np.maximum(base - 0.085 * s - z, under)

    @property
    def _bare_shoulders(self):
        return self.body.character.top != "shirt" and self.body.character.legwear != "dress"

    def _head_skin(self, x, y, z):
        """The head's skin; its lower edge sinks where the skin of a bare trunk goes on."""
        value, s = self.head_shape.skin(x, y, z), self.body.scale
        if not self._bare_shoulders:
            return value
        return value + 0.004 * s * smoothstep(-self.clothes.outside_collar(x, y, z), 0.010 * s, 0.022 * s)

    def _sheet(self, mesh, material, **moved):
        """A garment into which one can see, from its half."""
        vertices, triangles = meshes.shell(*meshes.mirror_half(*mesh), 0.005 * self.body.scale)
        return self._part(vertices, triangles, np.full(len(triangles), _of(material)), **moved)

    def _hemmed(self, mesh, material, **moved):
        vertices, triangles = meshes.mirror_half(*mesh)
        s = self.body.scale
        vertices, triangles = meshes.close(vertices, triangles, thickness=0.0035 * s, depth=0.018 * s)
        return self._part(vertices, triangles, np.full(len(triangles), _of(material)), **moved)

    def _part(self, vertices, triangles, materials, **moved):
        capped = np.full(len(triangles) - len(materials), materials[0])
        materials = np.concatenate([materials, capped])
        return _Part(vertices, triangles, materials, skin_weights(self.body, vertices, **moved))

    def _pair(self, vertices, triangles, materials):
        both = np.concatenate([vertices, vertices * [-1.0, 1.0, 1.0]])
        facing = np.concatenate([triangles, triangles[:, ::-1] + len(vertices)])
        materials = np.concatenate([materials, np.full(len(triangles) - len(materials), materials[0])])
        return self._part(both, facing, np.concatenate([materials, materials]))

    def _behind_eye(self, vertices):
        """Places just behind the eyeball, for the skin between the lids."""
        centre = self.head_shape.place(EYE_CENTRE)
        offset = vertices - centre
        distance = np.linalg.norm(offset, axis=1, keepdims=True)
        return centre + offset * ((EYE_RADIUS - 1.1) * self.head_shape.unit / distance)

    def _raised_brow(self, vertices):
        centre = self.head_shape.place((0.0, 10.0, 20.0))
        offset = vertices - centre
        return vertices + offset / np.linalg.norm(offset, axis=1, keepdims=True) * 0.9 * self.head_shape.unit

    def _bare_lower_lid(self, vertices, triangles, materials):
        """Only the upper lid's edge has dark lashes."""
        height = self.head_shape.coordinates(*vertices[triangles].mean(axis=1).T)[2]
        lower = (materials == _of("lashes")) & (height < 0.8)
        return np.where(lower, _of("skin"), materials)


def _own_side(x, y, z):
    """Kept part of the left leg."""
    return 0.025 - x


def _of(name):
    return (MATERIALS + EXTRA_MATERIALS).index(name)


def _blend_skins(bones_a, weights_a, bones_b, weights_b):
    """Sum of two sparse skins, the strongest four bones kept."""
    dense = np.zeros((len(bones_a), len(BONES)))
    rows = np.arange(len(bones_a))[:, None]
    np.add.at(dense, (rows, bones_a), weights_a)
    np.add.at(dense, (rows, bones_b), weights_b)
    bones = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(dense, bones, axis=1)
    return bones, weights / weights.sum(axis=1, keepdims=True)


def _join(parts):
    offsets = np.cumsum([0] + [len(p.vertices) for p in parts])
    return Figure(
        vertices=np.concatenate([p.vertices for p in parts]),
        triangles=np.concatenate([p.triangles + o for p, o in zip(parts, offsets[:-1], strict=True)]),
        materials=np.concatenate([p.materials for p in parts]),
        bones=np.concatenate([p.skin[0] for p in parts]),
        weights=np.concatenate([p.skin[1] for p in parts]),
    )
