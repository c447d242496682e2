"""How far an account fell from its highest equity, and how long it took to come back."""

import math
from typing import Final

from backtest.outcome import EquityCurve, IntArray
from domain.compiled import kernel
from domain.market import MINUTE_MS
from domain.record import Record

STILL_UNDER: Final = -2
"""In place of the minute of the recovery where there was none."""
BEFORE_THE_FIRST: Final = -1
"""The place of the starting equity: before the first minute."""


@kernel
def deepest_drawdown(starting_microusd: int, equity_microusd: IntArray) -> tuple[float, int, int, int]:
    """Return the largest fall as a part of the highest equity before it, and where it began, bottomed and ended.

    equity_microusd: shape (n_minutes,). The places are minutes: the last one at the peak (-1: the starting equity),
    the first one at the lowest equity, the first one at or above the peak again (-2: it never came back). Of
    falls equally deep the first counts. An account that never fell gives (0, -1, -1, -1); one that began with
    nothing has nothing to fall from and gives NaN.
    """
    peak, peak_at, trough = starting_microusd, BEFORE_THE_FIRST, starting_microusd
    deepest_frac = 0.0 if starting_microusd > 0 else math.nan
    began, bottomed, ended = BEFORE_THE_FIRST, BEFORE_THE_FIRST, BEFORE_THE_FIRST
    for minute in range(equity_microusd.shape[0]):
        equity = equity_microusd[minute]
        if equity >= peak:
            if ended == STILL_UNDER:
                ended = minute
            peak, peak_at, trough = equity, minute, equity
        elif equity < trough:
            trough = equity
            fall_frac = (peak - equity) / peak
            if fall_frac > deepest_frac:
                deepest_frac = fall_frac
                began, bottomed, ended = peak_at, minute, STILL_UNDER
    return deepest_frac, began, bottomed, ended


class Drawdown(Record, frozen=True, kw_only=True):
    """The deepest fall of an equity curve, as a part of the highest equity before it.

    frac: None when the run began with nothing to lose, 0 when it never fell; the rest is None or 0 then.
    n_minutes: from the peak to the recovery, or to the end of the curve. began_ms: the last minute at the peak.
    ended_ms: the first minute at or above that peak again; None when it never came back.
    """

    frac: float | None
    n_minutes: int
    began_ms: int | None
    bottomed_ms: int | None
    ended_ms: int | None


def drawdown_of(curve: EquityCurve) -> Drawdown:
    """Return the deepest fall of the equity after each minute; the starting equity counts as the first peak."""
    frac, began, bottomed, ended = deepest_drawdown(curve.starting_microusd, curve.equity_microusd)
    if not frac > 0.0:
        absent = None if math.isnan(frac) else frac
        return Drawdown(frac=absent, n_minutes=0, began_ms=None, bottomed_ms=None, ended_ms=None)
    start_ms, last_ms = int(curve.close_ms[0]) - MINUTE_MS, int(curve.close_ms[-1])
    began_ms = start_ms if began == BEFORE_THE_FIRST else int(curve.close_ms[began])
    ended_ms = None if ended == STILL_UNDER else int(curve.close_ms[ended])
    return Drawdown(
        frac=frac,
        n_minutes=((last_ms if ended_ms is None else ended_ms) - began_ms) // MINUTE_MS,
        began_ms=began_ms,
        bottomed_ms=int(curve.close_ms[bottomed]),
        ended_ms=ended_ms,
    )
