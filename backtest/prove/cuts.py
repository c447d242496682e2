"""Where to cut: the places where a look ahead would pay, and the rest at random."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from backtest.outcome import IntArray
from backtest.prove.proof import Cut, CutReason
from domain.errors import BadInput
from domain.market import DAY_MS
from domain.tick import TickRecord

LEAST_MINUTES: Final = 4
ENTRY_SHARE, EXIT_SHARE = 4, 8


def choose_cuts(records: Sequence[TickRecord], n_cuts: int, draw: np.random.Generator) -> tuple[Cut, ...]:
    """Choose up to `n_cuts` different minutes with something known before and something to come, in time order.

    One cut lies inside the warm-up, one at a day boundary, a quarter just after entry signals, an eighth right before
    exits, as far as the run has them; the rest is drawn uniformly. Raises BadInput for a tape too short to be cut.
    """
    closes_ms = np.unique([record.snapshot.as_of_ms for record in records])
    lowest, highest = _first_whole_minute(records, closes_ms), len(closes_ms) - 2
    if highest - lowest + 1 < LEAST_MINUTES:
        raise BadInput(
            f"a tape of {len(closes_ms)} minutes is too short to be cut; at least {LEAST_MINUTES + 2} are needed"
        )
    wanted = [
        (CutReason.ENTRY, 1, _entries(records, closes_ms)),
        (CutReason.WARM_UP, 1, _warming(records, closes_ms)),
        (CutReason.EXIT, 1, _exits(records, closes_ms)),
        (CutReason.DAY, 1, np.flatnonzero(closes_ms % DAY_MS == 0)),
        (CutReason.ENTRY, n_cuts // ENTRY_SHARE - 1, _entries(records, closes_ms)),
        (CutReason.EXIT, n_cuts // EXIT_SHARE - 1, _exits(records, closes_ms)),
        (CutReason.RANDOM, n_cuts, np.arange(len(closes_ms))),
    ]
    chosen: dict[int, CutReason] = {}
    for reason, n_wanted, places in wanted:
        free = np.array(
            [one for one in np.unique(places) if lowest <= one <= highest and one not in chosen], dtype=np.int64
        )
        n_taken = min(max(n_wanted, 0), len(free), n_cuts - len(chosen))
        chosen |= dict.fromkeys(draw.choice(free, n_taken, replace=False).tolist(), reason)
    return tuple(
        Cut(place=place, as_of_ms=int(closes_ms[place]), reason=reason) for place, reason in sorted(chosen.items())
    )


def _first_whole_minute(records: Sequence[TickRecord], closes_ms: IntArray) -> int:
    """Return the first minute by which every symbol has shown a bar: before it there is nothing of some to know."""
    firsts: dict[str, int] = {}
    for record in records:
        if record.snapshot.bar is not None:
            firsts.setdefault(record.snapshot.symbol, record.snapshot.as_of_ms)
    latest = max(firsts.values(), default=int(closes_ms[-1]))
    return int(np.searchsorted(closes_ms, latest))


def _entries(records: Sequence[TickRecord], closes_ms: IntArray) -> IntArray:
    signals = [one.snapshot.as_of_ms for one in records if any(not order.reduce_only for order in one.orders)]
    return _places(signals, closes_ms)


def _exits(records: Sequence[TickRecord], closes_ms: IntArray) -> IntArray:
    exits = [one.snapshot.as_of_ms for one in records if any(fill.exit_reason is not None for fill in one.fills)]
    return _places(exits, closes_ms) - 1


def _warming(records: Sequence[TickRecord], closes_ms: IntArray) -> IntArray:
    warm = next((one.snapshot.as_of_ms for one in records if one.features is not None), int(closes_ms[-1]))
    return np.arange(int(np.searchsorted(closes_ms, warm)), dtype=np.int64)


def _places(stamps_ms: Sequence[int], closes_ms: IntArray) -> IntArray:
    return np.searchsorted(closes_ms, np.array(stamps_ms, dtype=np.int64)).astype(np.int64)
