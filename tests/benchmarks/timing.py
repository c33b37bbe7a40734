"""Two functions timed turn and turn about: on a busy machine only their ratio means something."""

import time
from collections.abc import Callable
from statistics import median


def compare(title: str, ours: Callable, theirs: Callable, peer: str, rounds: int = 9) -> float:
    """Print and give how many times as fast ours is: the median over rounds, each of one call after the other."""
    ours(), theirs()  # caches, imports and compilers out of the way
    times = [(_seconds(ours), _seconds(theirs)) for _ in range(rounds)]
    ratio = median(other / own for own, other in times)
    own, other = (median(column) * 1e3 for column in zip(*times, strict=True))
    print(
        f"{title:<58} ours {own:8.1f} ms   {peer} {other:8.1f} ms   {ratio:5.1f}x   (median of {rounds}, interleaved)"
    )
    return ratio


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
