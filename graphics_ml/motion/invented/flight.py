"""Free flight: nothing but gravity moves the centre of mass."""

import numpy as np

from graphics_ml.motion.invented.settle import centre_of_mass
from graphics_ml.motion.invented.solve import solve
from graphics_ml.motion.invented.tracks import Tracks


def fly(tracks: Tracks, times, flights, gravity: float) -> None:
    """Move the body up and down so that its centre of mass is on a parabola between take-offs and landings.

    The hips as they are drawn say from where to where a flight goes.

    Args:
        flights: (start, end) in seconds.
        gravity: body heights a second squared.
    """
    height = centre_of_mass(solve(tracks))[:, 1]
    wanted, flown = height.copy(), np.zeros(len(times), dtype=bool)
    for start, end in flights:
        air = (times >= start) & (times <= end)
        ends = np.interp((start, end), times, height)
        share = (times[air] - start) / (end - start)
        wanted[air] = ends[0] + share * (ends[1] - ends[0]) + gravity / 2 * (times[air] - start) * (end - times[air])
        flown |= air
    # Legs that the floor or their reach holds back move the centre less than the hips: what is left, again.
    for _ in range(3):
        tracks["hips"][flown, 1] += (wanted - height)[flown]
        height = centre_of_mass(solve(tracks))[:, 1]
