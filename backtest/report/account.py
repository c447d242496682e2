"""Arithmetic on a whole run that only its report needs: drawdown, exposure, what it cost, days and months."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np

from backtest.outcome import MICROUSD_PER_USD, EquityCurve, FloatArray, IntArray
from backtest.story import RunStory, SymbolTape
from domain.instrument import Instrument
from domain.record import Record

_CLOSE: Final = 3
_EPOCH: Final = np.datetime64("1970-01-01", "D")


class Costs(Record, frozen=True, kw_only=True):
    """Where the result came from, in micro-dollars, open positions at mark included.

    gross = moves - slippage; net = gross - fees + funding, which is the change of the equity.
    moves: what the positions would have gained at the orders' reference prices.
    """

    moves_microusd: int
    slippage_microusd: int
    gross_microusd: int
    fees_microusd: int
    funding_microusd: int
    net_microusd: int


class Exposure(Record, frozen=True, kw_only=True, eq=False):
    """What was held after each minute of the curve, over the equity. net_frac: signed, shape (n_minutes,), as gross."""

    gross_frac: FloatArray
    net_frac: FloatArray


class Period(Record, frozen=True, kw_only=True):
    """One day or month. name: 2025-05-04 or 2025-05. net: change of the equity in it. n_trades: closed in it."""

    name: str
    starting_microusd: int
    ending_microusd: int
    n_trades: int

    @property
    def net_microusd(self) -> int:
        """The change of the equity in it."""
        return self.ending_microusd - self.starting_microusd

    @property
    def return_frac(self) -> float | None:
        """That change over the equity it began with; None where there was none."""
        return self.net_microusd / self.starting_microusd if self.starting_microusd > 0 else None


def drawdown_frac(curve: EquityCurve) -> FloatArray:
    """Return how far the equity stood below its highest until then, over that highest; shape (n_minutes,), >= 0."""
    peak = np.maximum(np.maximum.accumulate(curve.equity_microusd), curve.starting_microusd)
    fall = peak - curve.equity_microusd
    return np.divide(fall, peak, out=np.zeros(len(peak)), where=peak > 0)


def exposure(story: RunStory) -> Exposure:
    """Value what was held after each minute at the last known close."""
    curve = story.outcome.curve
    values = [_value_usd(tape, story.instruments[tape.symbol], curve.close_ms) for tape in story.tapes]
    equity_usd = curve.equity_microusd / MICROUSD_PER_USD
    stacked = np.divide(
        np.array(values), equity_usd, out=np.zeros((len(values), len(equity_usd))), where=equity_usd > 0
    )
    return Exposure(gross_frac=np.abs(stacked).sum(axis=0), net_frac=stacked.sum(axis=0))


def costs(story: RunStory) -> Costs:
    """Split the change of the equity into what moved and what it cost."""
    curve = story.outcome.curve
    net = int(curve.equity_microusd[-1]) - curve.starting_microusd
    fees = sum(deed.fill.fee_microusd for deed in story.deeds)
    slippage = sum(deed.fill.slippage_microusd for deed in story.deeds)
    funding = sum(payment.amount_microusd for payment in story.funding)
    gross = net + fees - funding
    return Costs(
        moves_microusd=gross + slippage,
        slippage_microusd=slippage,
        gross_microusd=gross,
        fees_microusd=fees,
        funding_microusd=funding,
        net_microusd=net,
    )


def days(story: RunStory) -> tuple[Period, ...]:
    """Return every UTC day with a minute on record."""
    curve = story.outcome.curve
    numbers, endings = curve.daily()
    closed = np.array([trade.closed_ms - 1 for trade in story.outcome.trades], dtype=np.int64) // 86_400_000
    starts = [curve.starting_microusd, *(int(ending) for ending in endings[:-1])]
    return tuple(
        Period(
            name=str(_EPOCH + int(number)),
            starting_microusd=start,
            ending_microusd=int(ending),
            n_trades=int((closed == number).sum()),
        )
        for number, start, ending in zip(numbers, starts, endings, strict=True)
    )


def months(of_days: Sequence[Period]) -> tuple[Period, ...]:
    """Add the days of each month up."""
    groups = [(name, list(group)) for name, group in groupby(of_days, key=lambda day: day.name[:7])]
    return tuple(
        Period(
            name=name,
            starting_microusd=group[0].starting_microusd,
            ending_microusd=group[-1].ending_microusd,
            n_trades=sum(day.n_trades for day in group),
        )
        for name, group in groups
    )


def _value_usd(tape: SymbolTape, instrument: Instrument, close_ms: IntArray) -> FloatArray:
    """Return the signed value held at each of these minutes: at the last minute of this market before it, or none."""
    has_price = ~np.isnan(tape.prices[:, _CLOSE])
    last_priced = np.maximum.accumulate(np.where(has_price, np.arange(len(has_price)), -1))
    prices = np.where(last_priced >= 0, tape.prices[last_priced, _CLOSE], 0.0)
    values = tape.position_lots * instrument.lot * prices
    places = np.searchsorted(tape.close_ms, close_ms, side="right") - 1
    return np.where(places >= 0, values[places], 0.0)
