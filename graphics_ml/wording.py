"""How things are said in one line: suggestions for a mistyped name, spans of frames, dataclasses that hold arrays,
values in TOML."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from difflib import get_close_matches

_FEW = 20  # names that can be listed in a sentence
_SHORT = 60  # characters of a value that is shown whole


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the one that was likely meant, else all of them if they are few."""
    whole = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), whole, n=1)
    if close:
        return f"; did you mean '{whole[close[0]]}'?"
    return f"; there are {', '.join(whole.values())}" if len(whole) <= _FEW else ""


def frame_ranges(frames: Iterable[bool], most: int | None = None) -> str:
    """'frames 3-7, 12' of those that are true; with `most`, so many spans and the number of the others."""
    spans = []
    for frame, chosen in enumerate(frames):
        if chosen and spans and spans[-1][1] == frame - 1:
            spans[-1][1] = frame
        elif chosen:
            spans.append([frame, frame])
    more = f" and {len(spans) - most} more spans" if most is not None and len(spans) > most else ""
    return _in_frames(spans[:most], bool(more)) + more


def renumbered(sentence: str, number: Callable[[int], int]) -> str:
    """A sentence with the frames that frame_ranges has put into it numbered otherwise, in rising order; spans that then
    meet become one."""

    def spans(found):
        said = found.groupdict()
        merged = []
        for span in said["spans"].split(", "):
            first, *_, last = [number(int(frame)) for frame in (span + "-" + span).split("-")]
            if merged and first <= merged[-1][1] + 1:
                merged[-1][1] = max(last, merged[-1][1])
            else:
                merged.append([first, last])
        return _in_frames(merged, said["more"] is not None) + (said["more"] or "")

    return re.sub(r"\bframes? (?P<spans>\d+(-\d+)?(, \d+(-\d+)?)*)(?P<more> and \d+ more spans)?", spans, sentence)


def _in_frames(spans, several):
    shown = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)
    one = not several and len(spans) == 1 and spans[0][0] == spans[0][1]
    return f"frame{'' if one else 's'} {shown}"


def short_repr(data_class):
    """Class decorator, above @dataclass: `repr` is one line, with the kind and shape of arrays in place of numbers.

    Motion(skeleton=Skeleton[22], rotations=float64[90, 22, 4], root_positions=float64[90, 3], fps=Fraction(30, 1), ...)
    """
    data_class.__repr__ = _one_line
    return data_class


def _one_line(self):
    shown = ", ".join(f"{one.name}={brief(getattr(self, one.name))}" for one in fields(self) if one.repr)
    return f"{type(self).__name__}({shown})"


def brief(value) -> str:
    """A value in a few words: of a large array or container its kind and size."""
    if hasattr(value, "dtype") and hasattr(value, "ndim"):
        return str(value.tolist()) if value.size <= 4 else f"{value.dtype}{list(value.shape)}"
    if type(value).__repr__ is _one_line:
        return type(value).__name__ + (f"[{len(value)}]" if hasattr(value, "__len__") else "")
    if isinstance(value, tuple | list | dict):
        kind, count = type(value).__name__, len(value)
        return f"{kind}[{count}]" if count > 4 or len(repr(value)) > _SHORT else repr(value)
    return repr(value)


def toml_value(value) -> str:
    """Text, a number, a boolean or a list of such, as TOML writes it."""
    # As JSON does, but for DEL, which only TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
