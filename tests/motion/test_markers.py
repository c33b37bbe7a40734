"""Markers: what they hold, their gaps, their names, other rates."""

from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.motion.markers import (
    Gap,
    Markers,
    bare_name,
    fill_short_gaps,
    find_gaps,
    gap_report,
    of_subject,
    resample,
    select,
    subjects,
)


def moving(frames=60, fps=30, names=("LANK", "RANK", "C7")):
    """Markers on parabolas, which a cubic follows exactly."""
    time = np.arange(frames)[:, None, None] / fps
    rng = np.random.default_rng(0)
    place, speed, gain = rng.normal(size=(3, 1, len(names), 3))
    return Markers(names, place + speed * time + gain * time**2, fps)


def with_gaps(markers, *gaps):
    positions = np.array(markers.positions)
    for marker, start, stop in gaps:
        positions[start:stop, marker] = np.nan
    return markers.replace(positions=positions)


def test_a_sample_is_seen_whole_or_not_at_all():
    positions = np.zeros((2, 1, 3))
    positions[1, 0, 2] = np.nan
    markers = Markers(("a",), positions, 30)
    assert np.isnan(markers.positions[1]).all()
    assert markers.missing.tolist() == [[False], [True]]
    with pytest.raises(ValueError, match="read-only"):
        markers.positions[0] = 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"names": ("a", "a")}, "not unique: a"),
        ({"names": ("a",)}, "shape"),
        ({"positions": np.zeros((0, 2, 3))}, "shape"),
        ({"positions": np.full((4, 2, 3), np.inf)}, "infinite"),
        ({"fps": 0}, "frame rate"),
        ({"residuals": np.zeros((4, 3))}, "residuals"),
    ],
)
def test_what_makes_no_markers_is_refused(change, said):
    plain = {"names": ("a", "b"), "positions": np.zeros((4, 2, 3)), "fps": 30}
    with pytest.raises(ValueError, match=said):
        Markers(**{**plain, **change})


def test_gaps_are_found_and_told_the_worst_first():
    markers = with_gaps(moving(), (0, 3, 5), (1, 10, 20), (1, 50, 60), (2, 0, 60))
    assert find_gaps(markers) == (Gap("LANK", 3, 5), Gap("RANK", 10, 20), Gap("RANK", 50, 60), Gap("C7", 0, 60))
    assert gap_report(markers) == (
        "C7 was never seen",
        "RANK was not seen in frames 10-19, 50-59",
        "LANK was not seen in frames 3-4",
    )


def test_short_gaps_are_bridged_along_the_path_and_others_stay():
    whole = moving()
    markers = with_gaps(whole, (0, 20, 25), (1, 20, 40), (2, 0, 3))
    filled = fill_short_gaps(markers, longest=0.2)
    # Speeds at the edges are those of one frame; a cubic through them is off by what the speed changes in it.
    np.testing.assert_allclose(filled.positions[20:25, 0], whole.positions[20:25, 0], atol=5e-3)
    assert filled.missing[20:40, 1].all() and filled.missing[:3, 2].all()
    assert not filled.missing[:, 0].any()
    np.testing.assert_array_equal(filled.positions[~markers.missing], markers.positions[~markers.missing])


def test_another_rate_follows_the_path_and_keeps_the_gaps():
    whole = moving(frames=61)
    twice = resample(whole, 60)
    assert len(twice) == 121 and twice.fps == 60
    np.testing.assert_allclose(twice.positions[::2], whole.positions, atol=1e-12)
    time = np.arange(121) / 60
    line = np.polyfit(np.arange(61) / 30, whole.positions[:, 0], 2)
    np.testing.assert_allclose(twice.positions[:, 0], np.stack([np.polyval(c, time) for c in line.T], 1), atol=1e-9)
    gone = resample(with_gaps(whole, (1, 10, 12)), 60).missing[:, 1]
    # Of the frames 9 and 12, which are seen, only these themselves stay; all between them goes.
    assert np.flatnonzero(gone).tolist() == list(range(19, 24))
    assert resample(whole, Fraction(30)) is whole


def test_labels_lose_their_subjects():
    assert bare_name("Anna:LANK") == bare_name(" LANK ") == bare_name("shot:Anna:LANK") == "LANK"
    two = Markers(("Anna:LANK", "Ben:LANK", "wand"), np.arange(9.0).reshape(1, 3, 3), 30)
    assert subjects(two.names) == ("Anna", "Ben", "")
    ben = of_subject(two, "Ben")
    assert ben.names == ("LANK",) and ben.positions[0, 0].tolist() == [3, 4, 5]
    with pytest.raises(KeyError, match="did you mean 'Anna'"):
        of_subject(two, "Ana")
    with pytest.raises(KeyError, match=r"no subject .bob.; there are Anna, Ben\W$"):
        of_subject(two, "bob")
    with pytest.raises(KeyError, match="no subject 'bob'; the labels name none, so leave the subject out"):
        of_subject(two.replace(names=("LANK", "RANK", "wand")), "bob")


def test_markers_are_selected_by_name_and_in_order():
    markers = moving().replace(residuals=np.arange(180.0).reshape(60, 3))
    some = select(markers, ["C7", "LANK"])
    np.testing.assert_array_equal(some.positions, markers.positions[:, [2, 0]])
    assert some.residuals[0].tolist() == [2, 0]
    with pytest.raises(KeyError, match="did you mean 'LANK'"):
        select(markers, ["LANKL"])
    assert len(markers.frames(10, 20)) == 10
