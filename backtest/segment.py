"""A stretch of a tape that is run on its own: the account begins fresh there, the features have seen what came before.

A feature never looks ahead, so those of the whole tape up to a minute are those of a tape that ends with it. A run over
a segment therefore takes the whole tape's features, warm from what lies before, and nothing else from outside.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from backtest.compiled.columns import AS_OF_MS, DAY, Columns
from backtest.outcome import FloatArray
from domain.errors import BadInput
from domain.record import Record


class Segment(Record, frozen=True, kw_only=True):
    """Minutes of a tape by their places: from `first` to the one before `until`, 0 <= first < until."""

    first: int
    until: int

    def __post_init__(self) -> None:
        """Refuse a segment of nothing."""
        if not 0 <= self.first < self.until:
            raise ValueError(f"minutes {self.first} to {self.until} are no segment")

    @property
    def n_minutes(self) -> int:
        """How many minutes it has."""
        return self.until - self.first


def columns_in(columns: Columns, segment: Segment) -> Columns:
    """Return a segment's minutes as a tape of their own, its days numbered from 0."""
    ints = columns.ints[segment.first : segment.until].copy()
    ints[:, DAY] -= ints[0, DAY]
    return Columns(ints=ints, floats=np.asfortranarray(columns.floats[segment.first : segment.until]))


def features_in(features: FloatArray, segment: Segment) -> FloatArray:
    """Return a segment's rows of the whole tape's features, in the memory layout that the kernels know."""
    return np.asfortranarray(features[segment.first : segment.until])


def after_bars(columns: Columns, place: int, n_bars: int) -> int:
    """Return the first place before which, counted from `place`, lie `n_bars` minutes with a bar; at most the length.

    Minutes are a minute apart or more, so as many bars are at least as many minutes of time, gaps or not.
    """
    seen = np.cumsum(columns.has_bar[place:])
    return place + (0 if n_bars == 0 else int(np.searchsorted(seen, n_bars)) + 1)


def cut(columns: Columns, fracs: tuple[float, ...], embargo_bars: int) -> tuple[Segment, ...]:
    """Cut a tape into segments by their shares of the minutes; each later one begins an embargo after the one before.

    fracs: above 0, adding up to 1. Raises BadInput when an embargo swallows a segment.
    """
    n_minutes = len(columns.ints)
    edges = [0, *(round(n_minutes * share) for share in np.cumsum(fracs)[:-1].tolist()), n_minutes]
    return tuple(_pieces(columns, edges, embargo_bars))


def _pieces(columns: Columns, edges: list[int], embargo_bars: int) -> Iterator[Segment]:
    for edge, until in pairwise(edges):
        first = after_bars(columns, edge, embargo_bars) if edge > 0 else 0
        if first >= until:
            raise BadInput(
                f"a tape of {edges[-1]:,} minutes is too short: the embargo of {embargo_bars:,} bars leaves nothing of "
                f"the segment from minute {edge:,} to {until:,}; take a longer tape or fewer --embargo-bars"
            )
        yield Segment(first=first, until=until)


def span_ms(columns: Columns, segment: Segment) -> tuple[int, int]:
    """Return the closes of a segment's first and last minute, UTC milliseconds."""
    return int(columns.ints[segment.first, AS_OF_MS]), int(columns.ints[segment.until - 1, AS_OF_MS])
