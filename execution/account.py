"""The paper venue's side of the account: one pot of collateral in USD, cross margin over all positions."""

import math
from dataclasses import dataclass, field
from typing import Self

from domain.account import Levels
from domain.grid import steps_nearest, steps_up
from domain.instrument import Instrument
from domain.protection import quiet_bounds
from execution.margin import BPS, liquidation_price, margin_requirement_microusd, margin_usage_frac


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """An instrument's figures as plain numbers, worked out once. unit: micro-dollars of one tick on one lot."""

    symbol: str
    tick: float
    unit: int
    lot_size_1e9: int
    min_size_lots: int
    initial_bps: int
    maintenance_bps: int
    liquidator_fee_bps: float

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        """Translate an instrument; margin ratios are rounded up to whole basis points."""
        return cls(
            symbol=instrument.symbol,
            tick=instrument.tick,
            unit=instrument.microusd_per_tick_lot,
            lot_size_1e9=instrument.lot_size_1e9,
            min_size_lots=instrument.min_size_lots,
            initial_bps=steps_up(instrument.initial_margin_frac, 1.0 / BPS),
            maintenance_bps=steps_up(instrument.maintenance_margin_frac, 1.0 / BPS),
            liquidator_fee_bps=instrument.liquidator_fee_frac * BPS,
        )


@dataclass(slots=True)
class Holding:
    """An open position at the venue. lots: signed. mark_price: the last close seen.

    quiet_*: no level is touched by a bar strictly between them; safe_*: no liquidation while the price is strictly
    between them. Both are a little too narrow on purpose: outside them the exact arithmetic is asked.
    """

    market: Market
    entry_id: str
    lots: int
    entry_ticks: int
    levels: Levels
    mark_price: float
    is_partial_taken: bool = False
    n_liquidations: int = 0
    quiet_low: float = math.inf
    quiet_high: float = -math.inf
    safe_low: float = math.inf
    safe_high: float = -math.inf

    @property
    def side(self) -> int:
        """+1 for a long, -1 for a short."""
        return 1 if self.lots > 0 else -1

    @property
    def mark_ticks(self) -> int:
        """The mark on the grid."""
        return steps_nearest(self.mark_price, self.market.tick)

    def unrealised_microusd(self, at_ticks: int) -> int:
        """Return what closing at `at_ticks` would add to the cash, before fees."""
        return self.lots * (at_ticks - self.entry_ticks) * self.market.unit


@dataclass(slots=True)
class PaperAccount:
    """Cash is collateral: only realised profit, fees and funding move it. Money in micro-dollars."""

    cash_microusd: int
    holdings: dict[str, Holding] = field(default_factory=dict)

    def equity_microusd(self) -> int:
        """Return cash plus unrealised profit of every position at its mark."""
        return self.cash_microusd + sum(held.unrealised_microusd(held.mark_ticks) for held in self.holdings.values())

    def initial_requirement_microusd(self) -> int:
        """Return the initial margin of everything held, at the marks."""
        return sum(
            margin_requirement_microusd(held.lots * held.mark_ticks * held.market.unit, held.market.initial_bps)
            for held in self.holdings.values()
        )

    def shortage_microusd(self, held: Holding | None = None, at_ticks: int = 0, buffer_bps: int = 0) -> int:
        """Return maintenance requirement less equity, > 0 when the account may be liquidated.

        `held`, where given, is valued at `at_ticks`, everything else at its mark. buffer_bps is added to every ratio.
        """
        shortage = -self.cash_microusd
        for other in self.holdings.values():
            ticks = at_ticks if other is held else other.mark_ticks
            margin_bps = other.market.maintenance_bps + buffer_bps
            shortage += margin_requirement_microusd(other.lots * ticks * other.market.unit, margin_bps)
            shortage -= other.unrealised_microusd(ticks)
        return shortage

    def margin_usage_frac(self) -> float:
        """Return the initial margin tied up over the equity."""
        return margin_usage_frac(self.equity_microusd(), self.initial_requirement_microusd())

    def liquidation_price(self, held: Holding) -> float | None:
        """Return the price of `held` at which liquidation begins while all other marks stand still; None = no price."""
        base = held.lots * held.market.unit
        rest = self.cash_microusd
        for other in self.holdings.values():
            if other is not held:
                notional = other.lots * other.mark_ticks * other.market.unit
                rest += other.unrealised_microusd(other.mark_ticks)
                rest -= margin_requirement_microusd(notional, other.market.maintenance_bps)
        quote = -base * held.entry_ticks
        ticks = liquidation_price(float(rest), float(quote), float(base), held.market.maintenance_bps / BPS)
        return ticks * held.market.tick if ticks > 0.0 else None

    def reduce(self, held: Holding, lots: int, fill_ticks: int) -> None:
        """Close `lots` (unsigned) of a position at a price and book the profit."""
        closed = held.side * lots
        self.cash_microusd += closed * (fill_ticks - held.entry_ticks) * held.market.unit
        held.lots -= closed
        if held.lots == 0:
            del self.holdings[held.market.symbol]

    def refresh_bounds(self) -> None:
        """Work out anew within which prices a bar needs no closer look; due after any change, and after a closer look.

        The account's slack over maintenance is shared out evenly, so while every position keeps within its share no
        sum over positions is needed. With one position its bound is the liquidation price itself.
        """
        if not self.holdings:
            return
        slack = -self.shortage_microusd() / len(self.holdings)
        for held in self.holdings.values():
            held.quiet_low, held.quiet_high = quiet_bounds(held.side, held.levels, held.market.tick)
            _refresh_safe(held, slack)


def _refresh_safe(held: Holding, slack_microusd: float) -> None:
    loss_per_tick = abs(held.lots) * held.market.unit * (1.0 - held.side * held.market.maintenance_bps / BPS)
    # Two ticks cover the rounding of requirements and marks; further off, so does a billionth of the distance.
    room_ticks = slack_microusd / loss_per_tick * (1.0 - 1e-9) - 2.0
    bound = (held.mark_ticks - held.side * room_ticks) * held.market.tick
    held.safe_low, held.safe_high = (bound, math.inf) if held.lots > 0 else (0.0, bound)
