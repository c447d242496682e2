"""What the recorded prices say of a trade: entered later, stopped further away, left only after an outage."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from backtest.montecarlo.units import Units
from backtest.outcome import FloatArray, IntArray
from db.prices import PriceColumns
from domain.account import Trade
from domain.decisions import ExitReason
from domain.instrument import Instrument
from domain.market import MINUTE_MS

_STOPPED: Final = frozenset({ExitReason.STOP, ExitReason.TRAILING})


class Exposure(NamedTuple):
    """Per trade, what each shock costs it, in stakes; a tuple of arrays, as kernels take it.

    late: shape (n_trades, late_max_bars): loss of an entry 1, 2, ... bars later, negative where it would have gained.
    gap: shape (n_trades,): loss when a stop fills one standard deviation of one-minute returns further away, 0 for
    other exits. gap_most: loss when the price falls to nothing, or doubles against a short.
    opened_ms, closed_ms: when it filled. by_opening, by_closing: the trades in these orders.
    per_price: what one unit of price is worth to the trade, in stakes, negative for a short. exit_price: what it got.
    exit_cost: what leaving costs beside the fee, half of the trade's slippage.
    first_bar, end_bar: the trade's bars in close_ms and close_price, of shape (n_bars of all symbols,).
    """

    late: FloatArray
    gap: FloatArray
    gap_most: FloatArray
    opened_ms: IntArray
    closed_ms: IntArray
    by_opening: IntArray
    by_closing: IntArray
    per_price: FloatArray
    exit_price: FloatArray
    exit_cost: FloatArray
    first_bar: IntArray
    end_bar: IntArray
    close_ms: IntArray
    close_price: FloatArray


def exposure_of(
    trades: Sequence[Trade],
    units: Units,
    prices: Mapping[str, PriceColumns],
    instruments: Mapping[str, Instrument],
    late_max_bars: int,
) -> Exposure:
    """Return what the trades are exposed to. units: made of the same trades. A symbol without bars adds nothing."""
    n_trades = len(trades)
    late, gap = np.zeros((n_trades, late_max_bars)), np.zeros(n_trades)
    per_price, exit_price = np.zeros(n_trades), np.zeros(n_trades)
    first_bar, end_bar = np.zeros(n_trades, dtype=np.int64), np.zeros(n_trades, dtype=np.int64)
    starts = dict(zip(prices, np.cumsum([0, *(len(bars.close_ms) for bars in prices.values())]), strict=False))
    deviations = {symbol: minute_deviation_frac(bars) for symbol, bars in prices.items()}
    for place, trade in enumerate(trades):
        grid = instruments[trade.symbol]
        per_price[place] = int(trade.side) * trade.size_lots * grid.microusd_per_tick_lot / grid.tick
        exit_price[place] = trade.exit_ticks * grid.tick
        bars = prices.get(trade.symbol)
        if bars is None:
            continue
        late[place] = per_price[place] * _late_moves(bars, trade, late_max_bars)
        if trade.exit_reason in _STOPPED:
            gap[place] = deviations[trade.symbol] * abs(per_price[place]) * exit_price[place]
        first_bar[place] = starts[trade.symbol]
        end_bar[place] = starts[trade.symbol] + len(bars.close_ms)
    opened_ms = np.array([trade.opened_ms for trade in trades], dtype=np.int64)
    closed_ms = np.array([trade.closed_ms for trade in trades], dtype=np.int64)
    return Exposure(
        late=late * units.scale[:, None],
        gap=gap * units.scale,
        gap_most=np.abs(per_price) * exit_price * units.scale,
        opened_ms=opened_ms,
        closed_ms=closed_ms,
        by_opening=np.argsort(opened_ms, kind="stable"),
        by_closing=np.argsort(closed_ms, kind="stable"),
        per_price=per_price * units.scale,
        exit_price=exit_price,
        exit_cost=units.slippage / 2.0,
        first_bar=first_bar,
        end_bar=end_bar,
        close_ms=np.concatenate([np.zeros(0, dtype=np.int64), *(bars.close_ms for bars in prices.values())]),
        close_price=np.concatenate([np.zeros(0), *(bars.close_price for bars in prices.values())]),
    )


def no_exposure(n_units: int) -> Exposure:
    """Return the exposure of units to which no shock of a single trade applies."""
    none, noon = np.zeros(n_units), np.zeros(n_units, dtype=np.int64)
    return Exposure(
        late=np.zeros((n_units, 1)), gap=none, gap_most=none, opened_ms=noon, closed_ms=noon, by_opening=noon,
        by_closing=noon, per_price=none, exit_price=none, exit_cost=none, first_bar=noon, end_bar=noon,
        close_ms=np.zeros(0, dtype=np.int64), close_price=np.zeros(0),
    )  # fmt: skip


def minute_deviation_frac(bars: PriceColumns) -> float:
    """Return the standard deviation of the log returns between bars a minute apart; 0 when there are fewer than two."""
    follows = np.diff(bars.close_ms) == MINUTE_MS
    returns = np.diff(np.log(bars.close_price))[follows]
    return float(returns.std()) if len(returns) > 1 else 0.0


def _late_moves(bars: PriceColumns, trade: Trade, late_max_bars: int) -> FloatArray:
    """Return how far the open had moved 1, 2, ... bars after the entry's, never past the last bar it was held in."""
    entry = int(np.searchsorted(bars.open_ms, trade.opened_ms))
    last = max(int(np.searchsorted(bars.open_ms, trade.closed_ms)) - 1, entry)
    if last >= len(bars.open_ms):
        return np.zeros(late_max_bars)
    places = np.minimum(entry + 1 + np.arange(late_max_bars), last)
    moves: FloatArray = bars.open_price[places] - bars.open_price[entry]
    return moves
