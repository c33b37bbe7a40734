"""The joints of a SMPL body of any shape, by its user's own model file and the smplx package.

Joints are regressed from the shaped template: J = R (T + S betas) (Loper et al., "SMPL", 2015, equations 8 and 10).
Only the three arrays for that are read, so that the pickled parts that official .npz models also have stay unopened.
"""

import pickle
import warnings
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MissingExtraError, MotionFileError
from graphics_ml.formats import bodies
from graphics_ml.formats.arrays import read_npz

_ARRAYS = ("v_template", "shapedirs", "J_regressor")
# SMPL-X's directions are shape, then expression: 300 and 100 of them, or 10 and 10 in its first version.
_EXPRESSIONS = {"smplx": (100, 10)}


def rest_joints(body: str, path: Path, betas: np.ndarray, gender: str, trust_pickle: bool = False) -> np.ndarray:
    """Where the joints (J, 3) of a body of this shape are in the zero pose, metres, Y up, in the model's own frame.

    Args:
        body: "smpl", "smplh" or "smplx".
        path: a model file, or a folder as they are handed out, with SMPLH_MALE.npz or male/model.npz in it.
        betas: (B,) shape coefficients.
        gender: "male", "female" or "neutral"; which file of a folder is taken.
        trust_pickle: whether a .pkl may be loaded.

    Raises:
        MotionFileError: no such file, a pickle that is not trusted, or no model of this body.
        MissingExtraError: smplx or torch is not installed.
    """
    path = _model_file(body, path, gender)
    held = _read_pickle(path, trust_pickle) if path.suffix.lower() == ".pkl" else read_npz(path, _ARRAYS)
    missing = [name for name in _ARRAYS if name not in held]
    if missing:
        raise MotionFileError(path, None, f"this is no body model, it has no {', '.join(missing)}")
    try:
        import torch
        from smplx.lbs import blend_shapes, vertices2joints
        from smplx.utils import to_np
    except ModuleNotFoundError as absent:
        raise MissingExtraError(absent.name, "geometry") from absent
    template, directions, regressor = (to_np(held[name], dtype=np.float64) for name in _ARRAYS)
    joints = len(bodies.skeleton(body))
    fits = template.ndim == 2 and directions.ndim == 3 and template.shape == directions.shape[:2]
    if not fits or regressor.shape != (joints, len(template)) or template.shape[1] != 3:
        raise MotionFileError(
            path,
            None,
            f"this is no model of a {body} body: its joints are regressed by {regressor.shape}, not {joints}",
        )
    known = directions.shape[2]
    if body in _EXPRESSIONS:
        many, few = _EXPRESSIONS[body]
        known -= many if known > 2 * many else min(few, known // 2)
    if len(betas) > known and np.abs(betas[known:]).max() > 0:
        warnings.warn(
            f"{path} has {known} shape coefficients, the motion {len(betas)}; the others are left out",
            FormatWarning,
            stacklevel=6,
        )
    betas = torch.from_numpy(np.ascontiguousarray(betas[:known]))[None]
    shaped = torch.from_numpy(template)[None] + blend_shapes(
        betas, torch.from_numpy(np.ascontiguousarray(directions[:, :, : betas.shape[1]]))
    )
    return vertices2joints(torch.from_numpy(np.ascontiguousarray(regressor)), shaped)[0].numpy()


def _model_file(body, path, gender):
    if not path.is_dir():
        if not path.is_file():
            raise MotionFileError(path, None, "there is no such body model; check the name")
        return path
    name = f"{body.upper()}_{gender.upper()}"
    places = [folder / f"{stem}{end}" for folder, stem in (
        (path, name), (path / body, name), (path / gender, "model"), (path / body / gender, "model"),
    ) for end in (".npz", ".pkl")]  # fmt: skip
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise MotionFileError(path, None, f"this folder has no {name}.npz and no {gender}/model.npz; name the file")
    return found


def _read_pickle(path, trusted):
    if not trusted:
        raise MotionFileError(
            path, None, "a .pkl can run any program; get the model as .npz, or say trust_pickle=True if you trust it"
        )
    try:
        with open(path, "rb") as file:
            held = pickle.load(file, encoding="latin1")
        return {name: held[name] for name in _ARRAYS if name in held}
    except Exception as error:  # a pickle can raise anything
        raise MotionFileError(path, None, f"it cannot be unpickled ({error}); get the model as .npz") from error
