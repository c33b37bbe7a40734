import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from graphics_ml.errors import OutputError, VideoError
from graphics_ml.pose.video import open_video, write_video
from tests.pose.videos import CODECS, make_film, make_sound, number_of, numbered


def numbers(video):
    return [number_of(picture) for _, _, picture in video]


@pytest.mark.parametrize("ending", CODECS)
def test_every_frame_of_every_container_comes_once_and_in_order(tmp_path, ending):
    fps = 25
    video = open_video(make_film(tmp_path / f"film{ending}", (numbered(i) for i in range(40)), fps))
    assert (video.width, video.height, video.frames, video.fps) == (96, 64, 40, fps)
    assert video.duration == pytest.approx(40 / fps)
    assert not video.warnings
    indices, times, pictures = zip(*video, strict=True)
    assert list(indices) == list(range(40))
    np.testing.assert_allclose(times, np.arange(40) / fps, atol=1e-6)
    assert [number_of(p) for p in pictures] == list(range(40))
    assert all(p.dtype == np.uint8 and p.shape == (64, 96, 3) for p in pictures)


def test_a_film_can_be_read_twice(tmp_path):
    video = open_video(make_film(tmp_path / "film.mp4", (numbered(i) for i in range(10))))
    assert numbers(video) == numbers(video) == list(range(10))


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), 24, 60])
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_the_exact_rate_is_recovered_from_rounded_timestamps(tmp_path, rate, ending):
    video = open_video(make_film(tmp_path / f"film{ending}", (numbered(i) for i in range(60)), rate))
    assert video.fps == rate
    assert numbers(video) == list(range(60))


def patched_matrix(path, a, b, c, d):
    """Put a display matrix into the track header, as a phone does (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    box = data.index(b"tkhd")
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 0], np.float64) * 65536
    matrix[8] = 1 << 30
    data[box + 44 : box + 80] = matrix.astype(">i4").tobytes()
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize(
    ("matrix", "upright", "said"),
    [
        (
            (0, 1, -1, 0),
            lambda p: np.rot90(p, -1),
            "stored on its side",
        ),  # a phone held upright: shown turned clockwise
        ((-1, 0, 0, -1), lambda p: np.rot90(p, 2), "stored upside down"),
        ((0, -1, 1, 0), lambda p: np.rot90(p, 1), "stored on its side"),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1], "stored mirrored and tagged"),  # a selfie
        ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2), "stored mirrored and on its side"),
    ],
)
def test_rotation_and_mirroring_tags_are_applied_and_it_is_said(tmp_path, matrix, upright, said):
    path = make_film(tmp_path / "phone.mp4", (numbered(37) for _ in range(5)))
    plain = next(iter(open_video(path)))[2]
    video = open_video(patched_matrix(path, *matrix))
    picture = next(iter(video))[2]
    np.testing.assert_array_equal(picture, upright(plain))
    assert picture.shape[:2] == (video.height, video.width)
    assert len(video.warnings) == 1 and said in video.warnings[0]


def test_rotation_tags_written_by_ffmpeg_are_applied(tmp_path):
    path = make_film(tmp_path / "phone.mov", (numbered(37) for _ in range(5)), rotation=90)
    plain = make_film(tmp_path / "plain.mov", (numbered(37) for _ in range(5)))
    turned, upright = (next(iter(open_video(p)))[2] for p in (path, plain))
    np.testing.assert_array_equal(turned, np.rot90(upright, 1))


def test_odd_sizes_are_kept(tmp_path):
    path = make_film(tmp_path / "odd.mp4", (numbered(i, 97, 65) for i in range(12)), pix_fmt="yuv444p")
    video = open_video(path)
    assert (video.width, video.height) == (97, 65)
    assert numbers(video) == list(range(12))


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = make_film(tmp_path / "wide.mp4", (numbered(i) for i in range(5)), aspect=Fraction(4, 3))
    video = open_video(path)
    assert (video.width, video.height) == (128, 64)
    assert numbers(video) == list(range(5))


def test_a_variable_rate_is_put_on_an_exact_one_by_nearest_time_and_this_is_said(tmp_path):
    rng = np.random.default_rng(3)
    steps = np.full(59, 1 / 30)
    steps[20], steps[40] = 4 / 30, 3 / 30  # the camera missed some
    times = np.concatenate([[0], np.cumsum(steps)])
    times[1:-1] += rng.uniform(-0.004, 0.004, 58)
    path = make_film(tmp_path / "phone.mp4", (numbered(i) for i in range(60)), times=times)
    video = open_video(path)
    assert video.fps == 30
    shown = numbers(video)
    wanted = np.arange(video.frames) / 30
    nearest = np.abs(times[None] - wanted[:, None]).argmin(axis=1)
    assert len(shown) == video.frames == round(times[-1] * 30) + 1
    assert (np.array(shown) == nearest).mean() > 0.97  # ties, and times rounded to the millisecond
    assert "varies" in video.warnings[0] and "5 shown twice" in video.warnings[0]


def test_a_picture_shown_twice_is_the_same_object(tmp_path):
    path = make_film(tmp_path / "slow.mp4", (numbered(i) for i in range(10)), 10)
    pictures = [picture for _, _, picture in open_video(path, fps=20)]
    assert len(pictures) == 20
    assert all(a is b for a, b in zip(pictures[::2], pictures[1::2], strict=True))


def test_another_rate_can_be_asked_for(tmp_path):
    video = open_video(make_film(tmp_path / "film.mp4", (numbered(i) for i in range(60)), 30), fps=10)
    assert video.fps == 10
    assert numbers(video) == list(range(0, 60, 3))


def test_frames_of_an_avi_with_b_frames_stay_in_order(tmp_path):
    path = make_film(tmp_path / "film.avi", (numbered(i) for i in range(100)), 25, codec="libx264", preset="medium")
    assert numbers(open_video(path)) == list(range(100))
    assert numbers(open_video(path, 3.0, 3.4)) == list(range(75, 85))


@pytest.mark.parametrize(("start", "end"), [(0.4, 1.2), (3.2, 4.4), (None, 1.0), (5.0, None)])
def test_a_part_is_cut_out_at_the_right_frames(tmp_path, start, end):
    path = make_film(tmp_path / "film.mp4", (numbered(i) for i in range(150)), 25)
    video = open_video(path, start, end)
    first, stop = round((start or 0) * 25), 150 if end is None else round(end * 25)
    assert numbers(video) == list(range(first, stop))
    assert next(iter(video))[1] == pytest.approx(first / 25)


def test_an_end_after_the_film_is_taken_as_its_end_with_a_warning(tmp_path):
    video = open_video(make_film(tmp_path / "film.mp4", (numbered(i) for i in range(25)), 25), end=60)
    assert video.frames == 25
    assert "used to its end" in video.warnings[0]


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm"])
def test_a_film_cut_off_in_the_middle_gives_what_it_holds_with_a_warning(tmp_path, ending):
    noise = np.random.default_rng(0)
    pictures = [np.maximum(numbered(i), noise.integers(0, 60, (64, 96, 3), dtype=np.uint8)) for i in range(100)]
    options = {"movflags": "faststart"} if ending == ".mp4" else None
    path = make_film(tmp_path / f"film{ending}", pictures, 25, options=options, preset="medium")
    whole = path.read_bytes()
    for part in (0.4, 0.6, 0.8):
        path.write_bytes(whole[: int(part * len(whole))])
        video = open_video(path)
        assert 20 < video.frames < 90
        assert numbers(video) == list(range(video.frames))
        assert video.warnings == [
            f"the file is cut off: {video.frames} of its 100 frames are there, and these are used"
        ]


def test_a_recording_cut_off_before_its_index_is_named_as_that(tmp_path):
    path = make_film(tmp_path / "film.mp4", (numbered(i) for i in range(50)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match="index is missing"):
        open_video(path)


def no_such_file(folder):
    return folder / "nothing.mp4"


def a_folder(folder):
    return folder


def text(folder):
    path = folder / "text.mp4"
    path.write_text("This is not a film.\n" * 100)
    return path


def empty(folder):
    path = folder / "empty.mp4"
    path.touch()
    return path


def sound(folder):
    return make_sound(folder / "sound.mp4")


def no_frames(folder):
    path = folder / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    return path


def only_a_header(folder):
    path = make_film(folder / "film.mkv", [numbered(0)])
    data = path.read_bytes()
    path.write_bytes(data[: data.index(bytes.fromhex("1f43b675"))])  # up to the first cluster
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (no_such_file, "no such file"),
        (a_folder, "is a folder, not a film; name a film in it"),
        (text, "not a video"),
        (empty, "empty"),
        (sound, "only sound"),
        (no_frames, "no pictures"),
        (only_a_header, "not a video"),
    ],
)
def test_what_is_no_film_is_refused_in_one_sentence(tmp_path, make, said):
    path = make(tmp_path)
    with pytest.raises(VideoError, match=said) as caught:
        list(open_video(path))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("start", "end", "fps", "said"),
    [
        (5, None, None, "starts at 5 s but the film is 2.00 s long"),
        (1, 1, None, "from 1 s to 1 s is empty"),
        (-1, None, None, "from -1 s to 2 s is empty"),
        (None, None, 0, "0 frames per second"),
    ],
)
def test_a_part_outside_the_film_is_refused(tmp_path, start, end, fps, said):
    path = make_film(tmp_path / "film.mp4", (numbered(i) for i in range(50)), 25)
    with pytest.raises(VideoError, match=said):
        open_video(path, start, end, fps)


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".avi"])
def test_a_written_film_reads_back(tmp_path, ending):
    path = tmp_path / f"out{ending}"
    assert write_video(path, (numbered(i, 97, 65) for i in range(30)), Fraction(30000, 1001)) == 30
    video = open_video(path)
    assert (video.width, video.height, video.fps) == (98, 66, Fraction(30000, 1001))
    assert numbers(video) == list(range(30))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def breaks_off():
    yield numbered(0)
    raise RuntimeError("the renderer stopped")


def test_nothing_is_left_when_writing_fails(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"an older film")
    for frames, error in (((), OutputError), (breaks_off(), RuntimeError)):
        with pytest.raises(error):
            write_video(path, frames, 25)
    with pytest.raises(OutputError, match="no folder"):
        write_video(path / "no folder" / "out.mp4", [numbered(0)], 25)
    with pytest.raises(OutputError, match=r"\.mp4"):
        write_video(tmp_path / "out.txt", [numbered(0)], 25)
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    assert path.read_bytes() == b"an older film"


def test_memory_does_not_grow_with_the_length_of_the_film(tmp_path):
    pytest.importorskip("resource")
    path = make_film(tmp_path / "long.mp4", (numbered(i % 256, 1280, 720) for i in range(400)))
    script = (
        "import resource, sys; from graphics_ml.pose.video import open_video\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for index, _, picture in open_video(sys.argv[1]):\n"
        "    if index == 50: early = peak()\n"
        "print((peak() - early) / 1024)"
    )
    grown = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert float(grown.stdout) < 60  # MB; the frames between are 920


def test_real_films_are_read_whole(test_data):
    for name, frames, size, fps in (
        ("treadmill_a.mp4", 90, (720, 720), Fraction(24000, 1001)),
        ("multiview/cam02.mp4", 100, (1080, 1920), 60),
        ("street.avi", 205, (1280, 720), 50),
    ):
        video = open_video(test_data / "video" / name)
        assert (video.frames, (video.width, video.height), video.fps, video.warnings) == (frames, size, fps, [])
        assert sum(1 for _ in video) == frames
