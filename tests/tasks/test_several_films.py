"""Films of several cameras at the level of the job: whom they show, and what a run keeps."""

import pytest

from graphics_ml.jobs import Capture
from graphics_ml.tasks.several_films import Rig, solve_films
from tests.pose.acting import standing, unseen, walking
from tests.pose.filming import around, filmed

FRAMES = 60


@pytest.fixture
def rig():
    return Rig(tuple(around(3)), ())


def job(tmp_path, **settings):
    films = tuple(tmp_path / f"cam{k}.mp4" for k in (1, 2, 3))
    return Capture(video=films, output=tmp_path / "a.npz", calibration=tmp_path / "c.toml", **settings)


def solved(job, rig, people_of):
    """The solution where each further film shows these people, and where it looked."""
    asked = []

    def everyone(film, start, end, caches):
        asked.append((film.name, start, end, caches(1).name, caches(2).name))
        return people_of(rig.cameras[len(asked)])

    first = filmed(rig.cameras[0], walking(FRAMES)).detections
    return solve_films(job, rig, first, everyone, lambda *_: None), asked


def introduced(detections, number, people=2):
    return detections.replace(person=f"person {number} of {people}: centre, 50% of the picture's height")


def test_of_several_people_the_one_who_moves_as_in_the_first_film_is_followed(tmp_path, rig):
    def people(camera):
        other = filmed(camera, standing(FRAMES)).detections
        passing = unseen(filmed(camera, walking(FRAMES)).detections, slice(3, None))
        same = filmed(camera, walking(FRAMES)).detections
        return [introduced(one, number, 3) for number, one in enumerate((other, passing, same), 1)]

    solution, _ = solved(job(tmp_path), rig, people)
    for film in ("cam2.mp4", "cam3.mp4"):
        assert any(note.startswith(f"{film}: following person 3 of 3") for note in solution.warnings)
    assert max(one["reprojection_pixels"] for one in solution.report["cameras"]) < 2


def test_offsets_that_are_given_are_taken_and_say_which_part_to_look_at(tmp_path, rig):
    solution, asked = solved(
        job(tmp_path, offsets=(0.5, -0.25), start=1.0, end=3.0),
        rig,
        lambda camera: [filmed(camera, walking(FRAMES)).detections],
    )
    assert [one["offset"] for one in solution.report["cameras"]] == [0.0, 0.5, -0.25]
    assert asked[0] == ("cam2.mp4", 1.5, 3.5, "a.film-2.detections.npz", "a.film-2.person-2.detections.npz")
    assert asked[1][:3] == ("cam3.mp4", 0.75, 2.75)
    assert any("as given: cam2.mp4 +0.500 s (+15.0 frames)" in note for note in solution.warnings)


def test_where_clocks_are_to_be_found_more_of_the_further_films_is_looked_at(tmp_path, rig):
    _, asked = solved(
        job(tmp_path, start=1.0, end=3.0), rig, lambda camera: [filmed(camera, walking(FRAMES)).detections]
    )
    assert asked[0][1:3] == (0.0, 8.0)
