"""Video files in and out, streaming, with PyAV.

`open_video` first reads the file's packets without decoding them: their timestamps give the exact number of frames,
whether the rate is constant, and whether the file was cut off. Then frames are decoded one at a time and put on an
exact constant rate by nearest timestamp, so memory does not grow with the length of the film. Frames come upright
(rotation and mirroring tags applied) and with square pixels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import MissingExtraError, OutputError, VideoError
from graphics_ml.outputs import ensure_extension, replacing

MAX_PIXELS = 2**26
"""Largest picture that is decoded (8192 x 8192)."""

STANDARD_RATES = tuple(Fraction(n) for n in (10, 12, 15, 24, 25, 30, 48, 50, 60, 100, 120, 240)) + tuple(
    Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240)
)


@dataclass
class Video:
    """A film that can be iterated over any number of times; make it with `open_video`.

    Iterating gives (index, time, rgb): the output frame's number from 0, its time in the film in seconds, and a
    read-only uint8 array (height, width, 3). Where a variable rate makes one picture stand for two frames, the same
    array object comes twice.

    Attributes:
        path: the file.
        width, height: of the frames that come out, pixels, upright and with square pixels.
        fps: exact constant rate of the frames that come out.
        frames: how many come out; fewer if pictures at the end turn out to be damaged.
        start: time of the first one in the film, seconds.
        duration: frames / fps, seconds.
        warnings: what the user should know, one sentence each; more may be added while iterating.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    frames: int
    start: float
    warnings: list[str] = field(default_factory=list)
    _origin: float = field(default=0.0, repr=False)
    _stream: int = field(default=0, repr=False)
    _turn: tuple[bool, bool, bool] = field(default=(False, False, False), repr=False)

    @property
    def duration(self) -> float:
        return float(self.frames / self.fps)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[tuple[int, float, np.ndarray]]:
        return self.every(1)

    def every(self, step: int) -> Iterator[tuple[int, float, np.ndarray]]:
        """Only the frames whose number `step` divides, and the last; the others cost less than with iteration."""
        for index, time, shown in self._shown():
            if index % step == 0 or index == self.frames - 1:
                yield index, time, shown.rgb

    def _shown(self):
        """(index, time, picture) of every frame that comes out."""
        period = float(1 / self.fps)
        index, shown = 0, None
        for time, frame in self._decoded():
            if shown is not None:
                middle = (shown.time + time) / 2
                while index < self.frames and self.start + index * period <= middle + 1e-9:
                    yield index, self.start + index * period, shown
                    index += 1
                if index == self.frames:
                    return
            shown = _Picture(time, frame, (self.height, self.width), self._turn)
        if shown is None:
            raise VideoError(self.path, None, "it holds no frame that can be decoded; export the film again")
        while index < self.frames and self.start + index * period <= shown.time + 1.5 * period:
            yield index, self.start + index * period, shown
            index += 1
        if index < self.frames:
            self._warn(f"only {index} of {self.frames} frames could be decoded; the rest of the file is damaged")

    def _decoded(self):
        """(time, frame) in order of time, from just before `start` on."""
        far_in = self.start > 2.0
        frames = _decode(
            self.path, self._stream, self._origin, self.fps, self.start - 0.5 if far_in else None, self._warn
        )
        first = next(frames, None)
        if far_in and (first is None or first[0] > self.start):
            frames = _decode(self.path, self._stream, self._origin, self.fps, None, self._warn)
            first = next(frames, None)
        if first is not None:
            yield first
            yield from frames

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def open_video(
    path: str | Path, start: float | None = None, end: float | None = None, fps: Fraction | float | None = None
) -> Video:
    """Look into a video file and give its frames on an exact constant rate.

    Args:
        path: .mp4, .mov, .avi, .webm, .mkv, .gif or anything else FFmpeg reads.
        start, end: seconds from the film's first frame; the part [start, end) is given. None: all of it.
        fps: rate of the frames that come out; None keeps the film's own rate.

    Returns:
        a `Video`.

    Raises:
        VideoError: the file is missing, a folder, no video, without frames, or does not reach to `start`.
        MissingExtraError: PyAV is not installed.
    """
    path = Path(path)
    if fps is not None and not 0 < fps <= 1000:
        raise VideoError(path, None, f"{fps} frames per second were asked for; give a rate between 0 and 1000")
    with _open(path) as container:
        stream = _video_stream(container, path)
        index = stream.index
        aspect = _pixel_aspect(stream)
        scan = _scan(container, stream)
    if scan.times.size == 0:
        raise VideoError(path, None, "it holds no frames; export the film again")
    origin, times = scan.times[0], scan.times - scan.times[0]
    own_rate, steady = _rate(times, scan)
    first = next(_decode(path, index, origin, own_rate, None, lambda sentence: None), None)
    if first is None:
        raise VideoError(path, None, "it holds no frame that can be decoded; export the film again")
    turn = _orientation(first[1])
    height, width = first[1].height, max(1, round(first[1].width * aspect))
    if turn[0]:
        height, width = width, height
    if height * width > MAX_PIXELS:
        raise VideoError(path, None, f"its pictures of {width} x {height} are too large; scale the film down")

    warnings = []
    if any(turn):
        warnings.append(_describe_turn(turn))
    if scan.announced:
        times = times[: _readable(path, index, origin, own_rate, times)]
        warnings.append(
            f"the file is cut off: {len(times)} of its {scan.announced} frames are there, and these are used"
        )
    start, stop = _trim(path, times, own_rate, start, end, warnings)
    rate = own_rate if fps is None else Fraction(fps).limit_denominator(100_000)
    if fps is None and start > 0:
        start = float(times[np.argmin(np.abs(times - start))])
    frames = max(1, round((stop - start) * rate))
    if not steady:
        warnings.append(_describe_resampling(times, start, stop, frames, rate))
    return Video(path, width, height, rate, frames, start, warnings, origin, index, turn)


def write_video(path: str | Path, frames: Iterable[np.ndarray], fps: Fraction | float, *, crf: int = 18) -> int:
    """Write frames as they come, H.264 (MPEG-4 where FFmpeg was built without it), yuv420p.

    The film is written beside its place, opened again and counted, and only then put under its name.

    Args:
        path: .mp4, .mov, .mkv or .avi.
        frames: uint8 (H, W, 3) arrays, all of one size; odd sizes are padded by repeating the last row or column.
        fps: frames per second.
        crf: H.264's quality, 0 (exact) to 51.

    Returns:
        how many frames were written.

    Raises:
        OutputError: the name is no video's, the place cannot be written, there are no frames or they differ in size.
    """
    path = Path(path)
    ensure_extension(path, (".mp4", ".mov", ".mkv", ".avi"))
    with replacing(path, lambda unfinished: _check_written(path, unfinished, written)) as unfinished:
        written = _encode(path, unfinished, frames, fps, crf)
    return written


# Reading


@dataclass
class _Scan:
    times: np.ndarray  # (N,) seconds, ascending
    tick: float  # seconds between representable timestamps
    declared_rates: tuple[Fraction, ...]
    announced: int  # how many frames there should be if the file was cut off, else 0


class _Picture:
    """A decoded frame, turned into an upright RGB array the first time it is asked for."""

    def __init__(self, time, frame, size, turn):
        self.time, self._frame, self._size, self._turn, self._rgb = time, frame, size, turn, None

    @property
    def rgb(self) -> np.ndarray:
        if self._rgb is None:
            self._rgb = _upright(self._frame, self._size, self._turn)
            self._rgb.flags.writeable = False
            self._frame = None
        return self._rgb


def _av():
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingExtraError("av", "pose") from error
    return av


def _open(path: Path):
    av = _av()
    if not path.exists():
        raise VideoError(path, None, "there is no such file; check the name")
    if path.is_dir():
        raise VideoError(path, None, "this is a folder, not a film; name a film in it")
    try:
        return av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        size = path.stat().st_size
        if size == 0:
            why = "the file is empty"
        elif _starts_like_mp4(path):
            why = "its index is missing or damaged, as when a recording was cut off before it was finished"
        else:
            why = f"it is not a video that can be read ({error.strerror or error})"
        raise VideoError(path, None, f"{why}; export the film again as .mp4") from error


def _starts_like_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide")


def _video_stream(container, path: Path):
    """The first video stream that is not a cover picture."""
    if container.format.name == "image2" or container.format.name.endswith("_pipe"):  # FFmpeg's readers of pictures
        raise VideoError(path, None, "this is a picture, not a film; give a video file")
    streams = [s for s in container.streams.video if not s.disposition & type(s.disposition).attached_pic]
    if not streams:
        what = "only sound" if container.streams.audio else "no pictures"
        raise VideoError(path, None, f"it holds {what}; give a file with a video track")
    return streams[0]


def _scan(container, stream) -> _Scan:
    """Timestamps of all packets of the stream, and whether the file holds as much as it announces."""
    av = _av()
    stamps, last, latest = [], 0.0, None
    try:
        for packet in container.demux():
            stamp = packet.dts if packet.pts is None else packet.pts
            if packet.size == 0 or stamp is None:
                continue
            last = max(last, float((stamp + (packet.duration or 0)) * packet.time_base))
            if packet.stream_index == stream.index and not packet.is_discard:
                stamps.append(stamp)
                latest = packet.dts
    except av.error.FFmpegError:
        pass  # a damaged end: what came before it counts
    times = np.unique(np.array(stamps, dtype=np.float64)) * float(stream.time_base)
    declared = tuple(r for r in (stream.guessed_rate, stream.base_rate, stream.average_rate) if r)
    announced = stream.frames
    if not announced and container.duration and declared:
        length = container.duration / av.time_base
        announced = round(length * declared[0]) if last < length - max(0.25, 2 / declared[0]) else 0
    if latest is not None and len(stamps) != stream.frames:
        times = _without_torn_end(times, latest * float(stream.time_base))
    return _Scan(times, float(stream.time_base), declared, announced if 0 < len(stamps) < announced else 0)


def _without_torn_end(times: np.ndarray, latest: float) -> np.ndarray:
    """The times up to the first gap after `latest`, the decoding time of the last packet.

    Frames are stored in the order of decoding, those that others are made from first: where a file is cut off, frames
    shown before its last ones are missing. All that are shown up to `latest` are there.
    """
    gaps = np.flatnonzero((times[1:] > latest) & (np.diff(times) > 1.5 * np.median(np.diff(times))))
    return times[: gaps[0] + 1] if gaps.size else times


def _readable(path, stream, origin, rate, times) -> int:
    """How many of the frames at these times can be decoded, where the file ends in the middle of one."""
    for seek_to in (times[-1], None):  # from the last key frame on; where that is the torn one, from the start
        decoded = _decode(path, stream, origin, rate, seek_to, lambda sentence: None)
        last = max((time for time, _ in decoded), default=0.0)
        if last > 0:
            break
    return int(np.searchsorted(times, last + 0.5 / float(rate)))


def _rate(times: np.ndarray, scan: _Scan) -> tuple[Fraction, bool]:
    """The film's rate, and whether its frames keep to it.

    The typical interval between timestamps decides; the exact fraction is the announced or standard rate that agrees
    with it as closely as rounded timestamps can tell.
    """
    if len(times) < 2:
        return (scan.declared_rates or (Fraction(25),))[0], True
    intervals = np.diff(times)
    regular = intervals[np.abs(intervals - np.median(intervals)) <= 0.5 * np.median(intervals)]
    measured = 1 / regular.mean()
    tolerance = max(2e-4, 2 * scan.tick * measured / len(regular))
    rate = next((r for r in scan.declared_rates if abs(float(r) / measured - 1) <= tolerance), None)
    if rate is None:
        rate = min(STANDARD_RATES, key=lambda r: abs(float(r) / measured - 1))
        if abs(float(rate) / measured - 1) > max(tolerance, 0.01):
            rate = Fraction(measured).limit_denominator(1001)
    strays = np.abs(intervals - float(1 / rate))
    return rate, bool(strays.max() <= 0.25 / float(rate) + scan.tick)


def _trim(path, times, rate, start, end, warnings) -> tuple[float, float]:
    length = float(times[-1] + 1 / rate)
    start = 0.0 if start is None else float(start)
    stop = length if end is None else float(end)
    if start >= length:
        raise VideoError(
            path, None, f"the part starts at {start:g} s but the film is {length:.2f} s long; start earlier"
        )
    if start < 0 or stop <= start:
        raise VideoError(path, None, f"the part from {start:g} s to {stop:g} s is empty; give 0 <= start < end")
    if stop > length + 1e-3:
        if end is not None and stop > length + float(1 / rate):
            warnings.append(f"the part ends at {stop:g} s but the film is {length:.2f} s long; it is used to its end")
        stop = length
    return start, stop


def _describe_resampling(times, start, stop, frames, rate) -> str:
    inside = np.flatnonzero((times >= start - 1e-9) & (times < stop - 1e-9))
    wanted = start + np.arange(frames) / float(rate)
    right = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    nearest = np.where(wanted - times[right - 1] <= times[right] - wanted, right - 1, right)
    used = np.unique(nearest)
    return (
        f"the frame rate varies: frames were put on {float(rate):.6g} per second by their nearest time, "
        f"{frames - len(used)} shown twice and {len(np.setdiff1d(inside, used))} left out"
    )


def _decode(path, stream_index, origin, rate, seek_to, warn):
    """(seconds since the film's first frame, frame), times strictly ascending."""
    av = _av()
    with _open(path) as container:
        stream = container.streams[stream_index]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 4  # every thread holds pictures of its own
        if seek_to is not None and not _is_untimed(container):
            container.seek(int((seek_to + origin) / stream.time_base), stream=stream, backward=True)
        counted = _is_untimed(container)
        previous, damaged, just_now = None, 0, 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError):
                break
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                just_now += 1
                continue
            for frame in frames:
                if frame.is_corrupt:
                    just_now += 1
                    continue
                damaged, just_now = damaged + just_now, 0  # at the end they are missing, not passed over
                time = None if counted or frame.time is None else frame.time - origin
                if time is None or (previous is not None and time <= previous):
                    time = 0.0 if previous is None else previous + float(1 / rate)
                previous = time
                yield time, frame
        if damaged:
            warn("1 damaged frame was passed over" if damaged == 1 else f"{damaged} damaged frames were passed over")


def _is_untimed(container) -> bool:
    """AVI stores no presentation times; what FFmpeg makes up for them is out of order where there are B-frames."""
    return container.format.name == "avi"


def _orientation(frame) -> tuple[bool, bool, bool]:
    """How the decoded picture is made upright: (transpose, then flip columns, then flip rows).

    The display matrix maps stored to shown coordinates, x' = a x + c y and y' = b x + d y (y down), in rows
    (a, b, u), (c, d, v), (x, y, w) of 16.16 fixed point numbers (ISO/IEC 14496-12, 8.3.2). Asked of the first frame
    only: PyAV ties a frame whose side data was looked at into a cycle, which keeps hundreds of frames in memory.
    """
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(data), dtype=np.int32)[:5]
            if abs(int(a)) + abs(int(d)) >= abs(int(b)) + abs(int(c)):
                return False, bool(a < 0), bool(d < 0)
            return True, bool(c < 0), bool(b < 0)
    return False, False, False


def _describe_turn(turn: tuple[bool, bool, bool]) -> str:
    transpose, flip_columns, flip_rows = turn
    if transpose == (flip_columns != flip_rows):
        how = "on its side" if transpose else "upside down"
    else:
        how = "mirrored" + (" and on its side" if transpose else "")
    return f"the film is stored {how} and tagged so; its pictures are turned upright"


def _pixel_aspect(stream) -> float:
    """Width of a pixel over its height; 1 where the file says nothing, or nonsense."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if 0.25 <= aspect <= 4 else 1.0


def _upright(frame, size: tuple[int, int], turn: tuple[bool, bool, bool]) -> np.ndarray:
    """uint8 (size[0], size[1], 3); a film that changes its size on the way keeps the first one."""
    transpose, flip_columns, flip_rows = turn
    height, width = size[::-1] if transpose else size
    rgb = frame.to_ndarray(format="rgb24", width=width, height=height)
    if transpose:
        rgb = rgb.transpose(1, 0, 2)
    if flip_columns:
        rgb = rgb[:, ::-1]
    if flip_rows:
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


# Writing


def _encode(path, unfinished, frames, fps, crf) -> int:
    av = _av()
    h264 = "libx264" in av.codecs_available
    written, size, stream = 0, None, None
    try:
        with av.open(str(unfinished), "w") as container:
            for rgb in frames:
                if stream is None:
                    size = rgb.shape
                    stream = container.add_stream(
                        "libx264" if h264 else "mpeg4", Fraction(fps).limit_denominator(60_000)
                    )
                    stream.width, stream.height = size[1] + size[1] % 2, size[0] + size[0] % 2
                    stream.pix_fmt = "yuv420p"
                    stream.options = {"crf": str(crf), "preset": "veryfast"} if h264 else {"qscale": "3"}
                if rgb.shape != size:
                    raise OutputError(path, None, f"frame {written} is {rgb.shape} where the first one was {size}")
                even = np.pad(rgb, ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), mode="edge")
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")))
                written += 1
            if stream is None:
                raise OutputError(path, None, "there are no frames to write; check what makes them")
            container.mux(stream.encode())
    except (av.error.FFmpegError, OSError) as error:
        raise OutputError(path, None, f"writing stopped ({error.strerror or error}); is the disk full?") from error
    return written


def _check_written(path: Path, unfinished: Path, written: int) -> None:
    with _open(unfinished) as container:
        found = sum(1 for packet in container.demux(video=0) if packet.size)
    if found != written:
        raise OutputError(path, None, f"{written} frames were written but {found} are in the file; is the disk full?")
