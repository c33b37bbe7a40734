import io

import numpy as np
import pytest

pytest.importorskip("lightning")
from PIL import Image

from graphics_ml.training.curves import Epoch, draw_curves, in_words


def history(train, val):
    return [
        Epoch(1e-3, t, {"loss": t, "pck": 1 / (1 + t)}, {"loss": v, "pck": 1 / (1 + v)}, 1.0)
        for t, v in zip(train, val, strict=True)
    ]


TIME = np.arange(30)
FALLING = 0.9**TIME
AT_REST = 0.1 + 0.9 * 0.5**TIME


@pytest.mark.parametrize(
    ("train", "val", "word"),
    [
        (FALLING, 0.3 + 0.7 * np.abs(TIME - 12) / 12, "Overfitting: since epoch 13"),
        (FALLING, 1.1 * FALLING, "Underfitting: over the last 6 epochs"),
        (0.97 ** TIME[:7], 1.1 * 0.98 ** TIME[:7], "Underfitting: over the last 2 epochs"),
        (AT_REST, 1.2 * AT_REST, "Neither"),
        (AT_REST, 3 * AT_REST, "with a gap: the loss on unseen samples is 3.0 times"),
        (FALLING[:3], FALLING[:3], "Too few epochs (3)"),
    ],
)
def test_what_curves_show_is_said_in_words(train, val, word):
    assert word in in_words(history(train, val))


def test_curves_are_a_picture_with_both_losses_in_it():
    content = draw_curves(history(FALLING, 1.5 * FALLING), "pck", True, "%")
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    for colour in ((0x2B, 0x6C, 0xB0), (0xDD, 0x6B, 0x20)):
        assert (np.abs(pixels - colour).sum(-1) < 30).sum() > 300
