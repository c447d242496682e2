"""How much of what is held moves with a new order: correlations of one-minute returns, weighted by notional."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from domain.market import MINUTE_MS, Snapshot

FEWEST_RETURNS: Final = 30
"""Common minutes below which a correlation is not known."""


@dataclass(slots=True)
class Returns:
    """The last log returns of each symbol, from one fit close to the next, a minute later. Nothing spans a gap."""

    n_bars: int
    last: dict[str, tuple[int, float]] = field(default_factory=dict)
    by_symbol: dict[str, deque[tuple[int, float]]] = field(default_factory=dict)

    def on_tick(self, snapshot: Snapshot) -> None:
        """Take one minute of one symbol; one that is unfit is left out."""
        bar = snapshot.bar
        if bar is None or snapshot.defects:
            return
        before = self.last.get(snapshot.symbol)
        self.last[snapshot.symbol] = bar.close_ms, bar.close_price
        if before is not None and bar.close_ms - before[0] == MINUTE_MS:
            kept = self.by_symbol.setdefault(snapshot.symbol, deque(maxlen=self.n_bars))
            kept.append((bar.close_ms, math.log(bar.close_price / before[1])))

    def correlation(self, one: str, other: str) -> float | None:
        """Return the correlation over the minutes both have among their last; None when it is not known.

        Not known: fewer than FEWEST_RETURNS common minutes, or a price that stood still.
        """
        theirs = dict(self.by_symbol.get(other, ()))
        pairs = [(here, theirs[at]) for at, here in self.by_symbol.get(one, ()) if at in theirs]
        return correlation_of(pairs) if len(pairs) >= FEWEST_RETURNS else None


def correlation_of(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Return Pearson's correlation, clamped to [-1, 1]; None when either side has no variance."""
    first, second = zip(*pairs, strict=True)
    mean_first, mean_second = math.fsum(first) / len(first), math.fsum(second) / len(second)
    ups, outs = [one - mean_first for one in first], [one - mean_second for one in second]
    spread = math.fsum(one * one for one in ups) * math.fsum(one * one for one in outs)
    if not spread > 0.0:
        return None
    return max(-1.0, min(1.0, math.fsum(a * b for a, b in zip(ups, outs, strict=True)) / math.sqrt(spread)))


def alike_microusd(symbol: str, side: int, held: Iterable[tuple[str, int]], returns: Returns) -> int:
    """Return how much of what is held moves with an order, in micro-dollars, rounded up.

    held: (symbol, signed notional in micro-dollars) of positions and of entries on their way; the order's own symbol is
    left out. Each counts by the correlation of its profit with the order's: a short in a market that moves with ours
    moves against a long, and counts nothing. A correlation that is not known is taken as 1.
    """
    parts = []
    for other, notional in held:
        if other == symbol or notional == 0:
            continue
        known = returns.correlation(symbol, other)
        moves_with = 1.0 if known is None else known * side * (1 if notional > 0 else -1)
        parts.append(max(0.0, moves_with) * abs(notional))
    return math.ceil(math.fsum(parts))
