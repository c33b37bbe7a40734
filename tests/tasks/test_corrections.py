"""Corrections of a capture on real films: nothing is detected again, and each does what it says where it says."""

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.corrections import Span
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Capture
from graphics_ml.pose.detection import load_detections, save_detections
from graphics_ml.run import run
from graphics_ml.tasks.capture import camera_cache, detection_cache
from tests.pose.test_solver import exchanged

pytest.importorskip("mediapipe")

FILMS = ("treadmill_a.mp4", "multiview/cam01.mp4")


@pytest.fixture(scope="module", params=FILMS)
def filmed(request, test_data, tmp_path_factory):
    """A capture of a film, its motion, and a function that captures it again beside the same detections."""
    film, folder = test_data / "video" / request.param, tmp_path_factory.mktemp("corrected")
    job = Capture(video=film, output=folder / "base.npz")
    run(job)

    def again(name, detections=None, **corrections):
        output = folder / f"{name}.npz"
        (camera_cache(output)).write_bytes(camera_cache(job.output).read_bytes())
        save_detections(detection_cache(output), detections or load_detections(detection_cache(job.output)))
        run(Capture(video=film, output=output, **corrections))
        return formats.load(output)

    return formats.load(job.output), load_detections(detection_cache(job.output)), again


@pytest.fixture(autouse=True)
def nothing_is_detected_again(filmed, monkeypatch):
    def fail(*_):
        raise AssertionError("the film was looked at again")

    monkeypatch.setattr("graphics_ml.pose.tracking.follow_people", fail)


def seconds(motion, first, stop):
    """The span of these frames."""
    return Span(float(first / motion.fps), float(stop / motion.fps))


def test_a_swapped_detection_is_mended_by_a_swap(filmed):
    base, detections, again = filmed
    first, stop = len(base) // 4, len(base) - 5
    wrong = exchanged(detections, first, stop)
    disturbed = again("wrong", wrong)
    mended = again("mended", wrong, swap=(str(seconds(base, first, stop)),))
    assert np.linalg.norm(disturbed.positions() - base.positions(), axis=-1)[first:stop].mean() > 0.1
    np.testing.assert_allclose(mended.positions(), base.positions(), atol=1e-6)


def test_a_planted_foot_stands_still_on_its_ground(filmed):
    """The longest stance of each foot, planted by hand in a capture that locks no feet."""
    base, _, again = filmed
    for side, column in (("left", 0), ("right", 2)):
        stands = base.contacts[:, column : column + 2].all(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], stands.astype(int), [0])))).reshape(-1, 2)
        first, stop = max(edges, key=lambda edge: edge[1] - edge[0])
        free = again("free", foot_lock=0.0)
        held = again("held", foot_lock=0.0, plant=(f"{side}:{seconds(base, first, stop)}",))

        def strays(motion, first=first, stop=stop, side=side):
            feet = motion.positions()[:, [motion.skeleton.index(f"{side}_{part}") for part in ("foot", "toes")]]
            belt = np.arange(len(motion))[:, None, None] / float(motion.fps) * motion.provenance["solver"]["belt"]
            places = (feet - belt)[first:stop]
            return np.linalg.norm(places - np.median(places, axis=0), axis=-1).max()

        assert strays(free) > 0.01
        assert strays(held) < 0.005
        assert held.contacts[first:stop, column : column + 2].all()


def test_a_span_solved_again_changes_nothing_else(filmed):
    base, _, again = filmed
    first, stop = len(base) // 3, 2 * len(base) // 3
    span = seconds(base, first, stop)
    smoother = again("smoother", again=(f"{span}:smoothing=8,foot_lock=0",))
    apart = np.linalg.norm(smoother.positions() - base.positions(), axis=-1).max(axis=1)
    assert apart[:first].max() == 0 and apart[stop:].max() == 0
    assert apart[first:stop].max() > 0.01
    hands = [base.skeleton.index(f"{side}_hand") for side in ("left", "right")]
    inner = slice(first + 6, stop - 6)
    shaking = [
        np.linalg.norm(np.diff(motion.positions()[inner, hands], 3, axis=0), axis=-1).mean()
        for motion in (smoother, base)
    ]
    assert shaking[0] < 0.7 * shaking[1]


@pytest.mark.parametrize("word", ["100-101", "3.99-4"])
def test_a_span_outside_the_film_is_one_sentence(filmed, word):
    *_, again = filmed
    with pytest.raises(GraphicsMLError, match=f"no frame lies in the span {word} to correct"):
        again("outside", swap=(word,))
