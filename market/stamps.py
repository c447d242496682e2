"""Which unit a time stamp was written in, told from its size."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from market.recording import Ints

# From 2009 (no crypto market is older) to 2100. The four ranges do not touch, so a unit is never a guess.
_EARLIEST_S: Final = 1_230_768_000
_LATEST_S: Final = 4_102_444_800

UNITS: Final = ("seconds", "milliseconds", "microseconds", "nanoseconds")
MILLISECONDS: Final = 1
UNKNOWN: Final = -1
_PER_SECOND: Final = (1, 1_000, 1_000_000, 1_000_000_000)


def unit_places(stamps: Ints) -> NDArray[np.int8]:
    """Return for each stamp its place in `UNITS`, or `UNKNOWN` when it is no time of 2009 to 2100 in any of them."""
    places = np.full(len(stamps), UNKNOWN, dtype=np.int8)
    for place, per_second in enumerate(_PER_SECOND):
        places[(stamps >= _EARLIEST_S * per_second) & (stamps < _LATEST_S * per_second)] = place
    return places


def in_milliseconds(stamps: Ints, unit_place: int) -> Ints:
    """Return stamps of one known unit as milliseconds; what is finer than a millisecond is dropped."""
    if unit_place == 0:
        return stamps * 1000
    return stamps // (_PER_SECOND[unit_place] // 1000)
