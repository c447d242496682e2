"""What is resampled: the closed trades of a run, or its days, as fractions of a stake or as micro-dollars."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from backtest.outcome import EquityCurve, FloatArray, IntArray
from domain.account import Trade
from domain.errors import BadInput
from domain.market import DAY_MS


class Stakes(StrEnum):
    """How a trade's result is carried to another equity.

    EQUITY: as a fraction of the equity just before it closed, so that sizes grow and shrink with the account as the
    desk's do. RISK: its result in R times a fixed fraction of the equity. FIXED: as the same amount of money.
    """

    EQUITY = "equity"
    RISK = "risk"
    FIXED = "fixed"


class Units(NamedTuple):
    """The units of a resampling, in the order they happened; arrays of shape (n_units,). A tuple, as kernels take it.

    net, slippage, fees: result after all costs, and the costs in it, >= 0; all in stakes: fractions of the equity
    before the unit when is_compound, else micro-dollars. start: 1 when is_compound, else the starting micro-dollars.
    scale: what one micro-dollar of the unit is in stakes.
    """

    net: FloatArray
    slippage: FloatArray
    fees: FloatArray
    scale: FloatArray
    is_compound: bool
    start: float

    @property
    def n_units(self) -> int:
        """How many there are."""
        return len(self.net)


def units_of_trades(
    trades: tuple[Trade, ...], starting_microusd: int, stakes: Stakes, risk_per_trade_frac: float
) -> Units:
    """Return the trades of a run as units, in the order they closed. Raises BadInput where the stakes cannot be known.

    risk_per_trade_frac: of the equity, for Stakes.RISK only.
    """
    net = np.array([trade.net_microusd for trade in trades], dtype=np.float64)
    before = starting_microusd + np.concatenate([[0.0], np.cumsum(net)[:-1]])
    scale = _scale(trades, before, stakes, risk_per_trade_frac)
    # A fill better than its reference is luck of the market's move, not a cost that could have been multiplied.
    slippage = np.array([max(trade.slippage_microusd, 0) for trade in trades], dtype=np.float64)
    fees = np.array([trade.fees_microusd for trade in trades], dtype=np.float64)
    return _units(net, slippage, fees, scale, starting_microusd, is_compound=stakes is not Stakes.FIXED)


def units_of_days(curve: EquityCurve, trades: tuple[Trade, ...], stakes: Stakes) -> Units:
    """Return the UTC days of a run as units; Stakes.RISK counts as EQUITY. A day bears the costs of what closed in it.

    Raises BadInput when the equity was gone at the end of a day on which another followed.
    """
    days, equity = curve.daily()
    before = np.concatenate([[curve.starting_microusd], equity[:-1]]).astype(np.float64)
    slippage = _by_day(days, trades, [max(trade.slippage_microusd, 0) for trade in trades])
    fees = _by_day(days, trades, [trade.fees_microusd for trade in trades])
    is_compound = stakes is not Stakes.FIXED
    scale = _of_equity(before, "day") if is_compound else np.ones(len(days))
    return _units(equity - before, slippage, fees, scale, curve.starting_microusd, is_compound=is_compound)


def _units(
    net: FloatArray, slippage: FloatArray, fees: FloatArray, scale: FloatArray, start: int, *, is_compound: bool
) -> Units:
    return Units(
        net=net * scale,
        slippage=slippage * scale,
        fees=fees * scale,
        scale=scale,
        is_compound=is_compound,
        start=1.0 if is_compound else float(start),
    )


def _scale(trades: tuple[Trade, ...], before: FloatArray, stakes: Stakes, risk_per_trade_frac: float) -> FloatArray:
    if stakes is Stakes.FIXED:
        return np.ones(len(trades))
    if stakes is Stakes.EQUITY:
        return _of_equity(before, "trade")
    unknown = [trade.client_order_id for trade in trades if trade.risk_microusd <= 0]
    if unknown:
        raise BadInput(f"the risk of trade {unknown[0]} is not on record; take --stakes equity or fixed")
    return risk_per_trade_frac / np.array([trade.risk_microusd for trade in trades], dtype=np.float64)


def _of_equity(before: FloatArray, noun: str) -> FloatArray:
    if not (before > 0.0).all():
        place = int(np.argmax(before <= 0.0)) + 1
        raise BadInput(f"the equity was gone before {noun} {place}, so no return on it is defined; take --stakes fixed")
    return 1.0 / before


def _by_day(days: IntArray, trades: tuple[Trade, ...], microusd: list[int]) -> FloatArray:
    sums = np.zeros(len(days))
    for trade, amount in zip(trades, microusd, strict=True):
        sums[min(int(np.searchsorted(days, (trade.closed_ms - 1) // DAY_MS)), len(days) - 1)] += amount
    return sums
