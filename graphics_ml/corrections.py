"""What a user corrects in a capture, as words: spans of the film whose sides are exchanged (1.2-1.9), feet that stand
(left:2.0-3.1), spans that are solved again with other settings (2-3.5:smoothing=3,person=2).

Times are seconds of the film, as `start` and `end` of a capture are; a span holds the frames from its first time on and
before its second. Standard library only: jobs and panels read and write these words.
"""

import re
from dataclasses import dataclass

from graphics_ml.errors import GraphicsMLError
from graphics_ml.wording import suggestion

SIDES = ("left", "right")
AGAIN = ("smoothing", "foot_lock", "person")
"""The settings of a capture that may differ where a span is solved again."""


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, seconds of the film."""

    start: float
    end: float

    def __str__(self):
        return f"{_decimal(self.start)}-{_decimal(self.end)}"


@dataclass(frozen=True)
class Plant:
    """A foot, "left" or "right", that stands in a span."""

    side: str
    span: Span

    def __str__(self):
        return f"{self.side}:{self.span}"


@dataclass(frozen=True)
class SpanAgain:
    """A span that is solved again; `changes` are the settings that differ there, as words by name."""

    span: Span
    changes: dict[str, str]

    def __str__(self):
        return f"{self.span}:" + ",".join(f"{name}={value}" for name, value in self.changes.items())


def read_span(text: str) -> Span:
    """A span from words such as 1.2-1.9.

    Raises:
        GraphicsMLError: it is none, or its end does not come after its start.
    """
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*-\s*(\d+\.?\d*|\.\d+)\s*", text)
    if found is None:
        raise GraphicsMLError(f"'{text}' is no span of time; write two times in seconds, such as 1.2-1.9")
    start, end = map(float, found.groups())
    if not start < end:
        raise GraphicsMLError(f"the span '{text}' does not end after it starts; write the earlier time first")
    return Span(start, end)


def read_plant(text: str) -> Plant:
    """A foot that stands from words such as left:2.0-3.1; raises as read_span, and where no foot is named."""
    side, _, span = text.partition(":")
    if side.strip() not in SIDES:
        raise GraphicsMLError(f"'{text}' names no foot that stands; write such as left:2.0-3.1 or right:0-1")
    return Plant(side.strip(), read_span(span))


def read_again(text: str) -> SpanAgain:
    """A span to solve again from words such as 2-3.5:smoothing=3,person=2.

    Raises:
        GraphicsMLError: as read_span, or where it says of no setting, or of an unknown one, what it shall be.
    """
    span, _, changes = text.partition(":")
    found = {}
    for change in changes.split(","):
        name, equals, value = (part.strip() for part in change.partition("="))
        if not equals or not value:
            raise GraphicsMLError(
                f"'{text}' does not say how to solve the span again; write such as 2-3.5:smoothing=3,foot_lock=0.5"
            )
        if name not in AGAIN:
            raise GraphicsMLError(f"'{name}' cannot differ in a span that is solved again{suggestion(name, AGAIN)}")
        found[name] = value
    return SpanAgain(read_span(span), found)


def _decimal(seconds):
    """Without an exponent, to a microsecond, which tells the frames of every film apart."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
