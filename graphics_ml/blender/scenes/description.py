# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene file can say, and reading one: TOML -> Scene, checked. No bpy here: a scheduler reads scenes too.

Every table of a scene file is a Section below; the samplers beside this file draw from it.
"""

from dataclasses import MISSING, dataclass, replace
from pathlib import Path

from graphics_ml.blender.scenes.distributions import Distribution
from graphics_ml.blender.scenes.sections import (
    SceneError,
    Section,
    as_documentation,
    drawn,
    file,
    files,
    fixed,
    read_section,
    table,
    told,
)
from graphics_ml.blender.scenes.surroundings import (
    Backgrounds,
    Cameras,
    Distractors,
    Effects,
    Lights,
    Materials,
    Occluders,
)
from graphics_ml.motion.invented import KINDS
from graphics_ml.toml_files import read_toml


def _ensure_some_share(*kinds):
    if not any(kind.share for kind in kinds if kind is not None):
        raise ValueError("leaves every kind a share of 0; one must have more")


@dataclass(frozen=True)
class Picture(Section):
    """The pictures: one size in all of a data set."""

    width: int = fixed("of the picture", 256, kind=int, min=16, max=8192, unit="pixels")
    height: int = fixed("of the picture", 256, kind=int, min=16, max=8192, unit="pixels")
    samples: int = fixed("of light per pixel, with Cycles", 16, kind=int, min=1, max=4096)
    engine: str = fixed("that renders", "cycles", kind=str, choices=("cycles", "workbench"))
    labels: str = fixed(
        "of depth, normals and people's masks: rays through the meshes, or Cycles' own passes, slower, which see hair "
        "and what materials leave out",
        "rays",
        kind=str,
        choices=("rays", "passes"),
    )


@dataclass(frozen=True)
class Clip(Section):
    """What stays the same for some frames: people, motions, places, camera."""

    frames: int = fixed("that a clip has", 1, kind=int, min=1, max=100_000)
    fps: float = fixed("of a clip, and of optical flow", 30.0, min=0.1, max=1000, unit="frames per second")
    neighbours: int = fixed(
        "that draw from one cast and one repertoire: to make a character takes longer than a picture",
        100,
        kind=int,
        min=1,
    )


@dataclass(frozen=True)
class ProceduralCharacters(Section):
    """Our own parametric people."""

    count: int = fixed("of different people", 200, kind=int, min=1, max=1_000_000)
    detail: float = fixed("of their meshes; 1 is some 45,000 vertices, 0.5 some 13,000", 0.5, min=0.4, max=2)
    share: float = fixed("of the people that are of this kind, beside the shares of other kinds", 1.0, min=0)


@dataclass(frozen=True)
class CharacterFiles(Section):
    """Any rigged characters."""

    files: tuple[Path, ...] = files("rigs: .blend, .fbx, .glb, .gltf or USD", MISSING)
    share: float = fixed("of the people that are of this kind, beside the shares of other kinds", 1.0, min=0)


@dataclass(frozen=True)
class SmplxCharacters(Section):
    """Bodies of SMPL-X, from the user's own model files."""

    models: tuple[Path, ...] = files("model files, SMPLX_*.npz", MISSING)
    count: int = fixed("of different bodies", 100, kind=int, min=1, max=1_000_000)
    beta: Distribution = drawn("of each of a body's ten shape coefficients", {"normal": [0, 1]}, min=-5, max=5)
    share: float = fixed("of the people that are of this kind, beside the shares of other kinds", 1.0, min=0)


@dataclass(frozen=True)
class Characters(Section):
    """Who is seen."""

    procedural: ProceduralCharacters | None = table(ProceduralCharacters, "our own people")
    files: CharacterFiles | None = table(CharacterFiles, "rigged files")
    smplx: SmplxCharacters | None = table(SmplxCharacters, "SMPL-X bodies")
    cast: int = fixed("of characters that play in neighbouring clips", 6, kind=int, min=1)

    def __post_init__(self):
        if not (self.procedural or self.files or self.smplx):
            object.__setattr__(self, "procedural", ProceduralCharacters())
        _ensure_some_share(self.procedural, self.files, self.smplx)


@dataclass(frozen=True)
class MotionFiles(Section):
    """Motions of any format, put on each character."""

    files: tuple[Path, ...] = files("motions, such as mocap/**/*.bvh", MISSING)
    share: float = fixed("of the people that move so, beside the shares of other kinds", 1.0, min=0)


@dataclass(frozen=True)
class InventedMotions(Section):
    """Motions that are made by rule."""

    count: int = fixed("of different motions", 1000, kind=int, min=1, max=1_000_000)
    kinds: tuple[str, ...] = fixed(
        "of motion; all, each as often as is natural, when left out", (), kind=str, choices=tuple(KINDS), several=True
    )
    seconds: float = fixed("that each lasts", 4.0, min=0.2, max=600, unit="s")
    share: float = fixed("of the people that move so, beside the shares of other kinds", 1.0, min=0)


@dataclass(frozen=True)
class RandomPoses(Section):
    """Poses as people take them, each for itself; nobody moves in them. They are drawn in sheets of sixteen."""

    count: int = fixed("of different sheets of poses", 400, kind=int, min=1, max=1_000_000)
    share: float = fixed("of the people that stand so, beside the shares of other kinds", 1.0, min=0)


@dataclass(frozen=True)
class Motions(Section):
    """What they do."""

    invented: InventedMotions | None = table(InventedMotions, "motions made by rule")
    poses: RandomPoses | None = table(RandomPoses, "poses without movement")
    files: MotionFiles | None = table(MotionFiles, "motion files")
    repertoire: int = fixed("of motions that are seen in neighbouring clips", 24, kind=int, min=1)

    def __post_init__(self):
        if not (self.invented or self.poses or self.files):
            object.__setattr__(self, "invented", InventedMotions())
        _ensure_some_share(self.invented, self.poses, self.files)


@dataclass(frozen=True)
class People(Section):
    """How many there are, and where they stand."""

    count: Distribution = drawn("of people", 1, kind=int, min=1, max=50)
    gap: Distribution = drawn("between two neighbours' bodies", {"uniform": [0.05, 1.5]}, min=0, max=100, unit="m")
    facing: Distribution = drawn(
        "which way they look, 0 is +Z", {"uniform": [0, 360]}, min=-360, max=360, unit="degrees"
    )


@dataclass(frozen=True)
class Scene(Section):
    """A scene file: every table has a default, so that a file says only what it wants otherwise."""

    picture: Picture = table(Picture, "the pictures", Picture())
    clip: Clip = table(Clip, "what stays the same for some frames", Clip())
    characters: Characters = table(Characters, "who is seen", Characters())
    motions: Motions = table(Motions, "what they do", Motions())
    people: People = table(People, "how many there are, and where", People())
    cameras: Cameras = table(Cameras, "the camera", Cameras())
    lights: Lights = table(Lights, "the light", Lights())
    backgrounds: Backgrounds = table(Backgrounds, "floor, walls and what is far away", Backgrounds())
    occluders: Occluders = table(Occluders, "things in front of the people", Occluders())
    distractors: Distractors = table(Distractors, "things beside and behind them", Distractors())
    materials: Materials = table(Materials, "what our own people wear", Materials())
    effects: Effects = table(Effects, "what lens, sensor and codec do", Effects())
    blend: Path | None = file("an animator's own scene (.blend): it is shown as it is, and nothing else here is drawn")
    folder: Path = told("of the scene file, which its paths start from", Path())
    given: frozenset[str] = told("the keys that the scene file has", frozenset())


_ALL = 100_000  # frames: an animator's own scene is one clip


def read_scene(path: str | Path) -> Scene:
    """The scene of a TOML file; the files it names are looked for from its folder. A .blend stands for a file that says
    nothing but `blend`.

    Raises:
        SceneError: no such file, not TOML, an unknown key (with a suggestion), a value or a distribution that cannot
            be, or a file that is not there.
    """
    path = Path(path)
    said = {"blend": path.name} if path.suffix.lower() == ".blend" else read_toml(path, "scene file", SceneError)
    scene = read_section(Scene, said, path)
    given = {f"{key}.{name}" for key, value in said.items() if isinstance(value, dict) for name in value}
    scene = replace(scene, folder=path.parent, given=frozenset(given))
    if scene.blend is not None and "clip.frames" not in given:
        scene = replace(scene, clip=replace(scene.clip, frames=_ALL))
    return scene


if __name__ == "__main__":
    print(as_documentation(Scene))
