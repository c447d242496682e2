"""Fills into one-minute bars, and funding records into the columns the desk replays."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby

import numpy as np

from domain.market import MINUTE_MS
from market.drift.funding import DriftFunding
from market.drift.trades import DriftTrade, in_order
from market.recording import Floats, Ints

Columns = tuple[Ints, Mapping[str, Floats]]
"""Stamps and figures by name, all of shape (n_rows,)."""


def minute_bars(trades: Iterable[DriftTrade]) -> Columns:
    """Aggregate fills to bars of the minutes that had any; a minute without is a gap, not a bar of zeros.

    volume: base units of the fills that tell them. taker_buy_volume: the part takers bought; NaN where a fill of the
    minute does not tell its side.
    """
    rows = []
    for open_ms, group in groupby(in_order(trades), key=lambda one: one.time_ms - one.time_ms % MINUTE_MS):
        fills = list(group)
        prices = [fill.price for fill in fills]
        bought = _base(fill for fill in fills if fill.is_taker_long)
        is_told = all(fill.is_taker_long is not None for fill in fills)
        rows.append(
            (
                open_ms,
                (prices[0], max(prices), min(prices), prices[-1], _base(fills), bought if is_told else float("nan")),
            )
        )
    figures = np.array([row for _, row in rows], dtype=np.float64).reshape(-1, 6)
    names = ("open", "high", "low", "close", "volume", "taker_buy_volume")
    return np.array([open_ms for open_ms, _ in rows], dtype=np.int64), dict(zip(names, figures.T, strict=True))


def funding_columns(records: Iterable[DriftFunding]) -> Columns:
    """Return settlements in order of time, as a Drift funding recording has them; NaN for what was not told.

    Rates are USD per base unit: the record's whole billionths, divided once.
    """
    ordered = sorted(records, key=lambda one: one.settled_ms)

    def column(figures: Iterable[float | None]) -> Floats:
        return np.array([np.nan if one is None else one for one in figures], dtype=np.float64)

    def rates(whole: Iterable[int | None]) -> Floats:
        return column(None if one is None else one / 1e9 for one in whole)

    return np.array([one.settled_ms for one in ordered], dtype=np.int64), {
        "funding_rate_quote_per_base": rates(one.rate_1e9 for one in ordered),
        "funding_rate_long": rates(one.long_rate_1e9 for one in ordered),
        "funding_rate_short": rates(one.short_rate_1e9 for one in ordered),
        "oracle_price_twap": column(one.oracle_price_twap for one in ordered),
        "mark_price_twap": column(one.mark_price_twap for one in ordered),
    }


def _base(fills: Iterable[DriftTrade]) -> float:
    return float(sum((fill.base for fill in fills if fill.base is not None), Decimal(0)))
