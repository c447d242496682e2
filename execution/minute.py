"""One minute of one symbol at the paper venue, in the order things are taken to happen.

Funding on what was held at the open; orders at the open; stop, partial and target in the bar; liquidation at its worst.
"""

from dataclasses import dataclass, field
from typing import Final

from domain.account import Fill, FundingPayment, Levels, VenueReport
from domain.decisions import ApprovedOrder, ExitPlan, ExitReason, Side
from domain.funding import funding_payment_microusd
from domain.grid import steps_worse
from domain.market import Bar, FundingSettlement, Reading, Snapshot
from domain.protection import initial_levels, partial_size_lots
from execution.account import Holding, Market, PaperAccount
from execution.admission import refuse_margin
from execution.fees import taker_fee_microusd
from execution.margin import LIQUIDATION_BUFFER_BPS, liquidation_lots
from execution.matching import NOTHING, STOP, protective_fills, taker_fill_ticks

MEASURED_SPREADS: Final = frozenset({"book", "sim"})
AVERAGED_ORACLES: Final = frozenset({"drift_funding"})


@dataclass(slots=True)
class Resting:
    """An accepted order waiting for its bar. wait_bars: bars that must pass first."""

    order: ApprovedOrder
    wait_bars: int


@dataclass(slots=True)
class Minute:
    """What happens to one symbol's orders and position in one bar. Reads `resting`, removes what is done."""

    account: PaperAccount
    market: Market
    snapshot: Snapshot
    resting: list[Resting]
    fee_tier: int
    half_spread_bps: float
    slippage_bps: float
    fills: list[Fill] = field(default_factory=list)
    funding: list[FundingPayment] = field(default_factory=list)
    rejections: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> VenueReport | None:
        """Carry the minute out; None when nothing happened."""
        snapshot, symbol = self.snapshot, self.market.symbol
        held = self.account.holdings.get(symbol)
        if held is not None and snapshot.funding_settlement is not None:
            self._settle_funding(held, snapshot.funding_settlement)
        bar = snapshot.bar
        if bar is not None:
            self._fill_orders(bar)
            held = self.account.holdings.get(symbol)
            if held is not None:
                self._protect(held, bar)
                self._liquidate(held, bar)
                held.mark_price = bar.close_price
        if symbol not in self.account.holdings:
            self._cancel_exits()
        if not (self.fills or self.funding or self.rejections):
            return None
        return VenueReport(fills=tuple(self.fills), funding=tuple(self.funding), rejections=tuple(self.rejections))

    def _settle_funding(self, held: Holding, settlement: FundingSettlement) -> None:
        rate_1e9 = settlement.rate_quote_per_base_1e9
        amount = funding_payment_microusd(rate_1e9, held.lots, self.market.lot_size_1e9)
        self.account.cash_microusd += amount
        self.funding.append(
            FundingPayment(
                symbol=self.market.symbol,
                position_lots=held.lots,
                rate_quote_per_base_1e9=rate_1e9,
                amount_microusd=amount,
                settled_ms=settlement.settled_ms,
                source=settlement.source,
            )
        )

    def _fill_orders(self, bar: Bar) -> None:
        waiting: list[Resting] = []
        for resting in self.resting:
            # A bar that opened before the decision cannot have filled the order.
            if bar.open_ms < resting.order.decided_ms:
                waiting.append(resting)
            elif resting.wait_bars > 0:
                resting.wait_bars -= 1
                waiting.append(resting)
            else:
                self._fill_at_open(resting.order, bar)
        self.resting[:] = waiting

    def _fill_at_open(self, order: ApprovedOrder, bar: Bar) -> None:
        cost_bps = self.half_spread_bps + self.slippage_bps
        fill_ticks = taker_fill_ticks(int(order.side), bar.open_price, cost_bps, self.market.tick)
        held = self.account.holdings.get(self.market.symbol)
        if order.exit_plan is not None:
            self._enter(order, order.exit_plan, fill_ticks, bar)
        elif held is None or order.exit_reason is None:
            self.rejections.append((order.client_order_id, "the position is gone"))
        else:
            lots = min(order.size_lots, abs(held.lots))
            self._reduce(
                held, lots, fill_ticks, order.reference_ticks, order.exit_reason, order.client_order_id, bar.open_ms
            )

    def _enter(self, order: ApprovedOrder, plan: ExitPlan, fill_ticks: int, bar: Bar) -> None:
        refusal = refuse_margin(self.account, self.market, order.size_lots, fill_ticks, 0, self.fee_tier)
        if refusal is not None:
            self.rejections.append((order.client_order_id, f"{refusal.rule}: {refusal.reason}"))
            return
        side = int(order.side)
        stop, target, partial = initial_levels(side, fill_ticks, plan.stop_frac, plan.target_frac, plan.partial_at_r)
        partial_lots = partial_size_lots(order.size_lots, plan.partial_frac) if partial > 0 else 0
        self.account.holdings[self.market.symbol] = Holding(
            market=self.market,
            entry_id=order.client_order_id,
            lots=side * order.size_lots,
            entry_ticks=fill_ticks,
            levels=Levels(
                stop_ticks=stop,
                target_ticks=target,
                partial_ticks=partial if partial_lots > 0 else 0,
                partial_lots=partial_lots,
            ),
            mark_price=bar.open_price,
        )
        self._book_fill(
            side, order.size_lots, fill_ticks, order.reference_ticks, None, order.client_order_id, bar.open_ms
        )

    def _protect(self, held: Holding, bar: Bar) -> None:
        if held.quiet_low < bar.low_price and bar.high_price < held.quiet_high:
            return
        levels, side = held.levels, held.side
        partial_lots, partial_fill_ticks, code, exit_lots, exit_fill_ticks = protective_fills(
            side,
            abs(held.lots),
            bar.open_price,
            bar.high_price,
            bar.low_price,
            self.market.tick,
            levels.stop_ticks,
            levels.target_ticks,
            levels.partial_ticks,
            levels.partial_lots,
            self.half_spread_bps,
            self.slippage_bps,
        )
        # On the way to a stop that lies beyond the liquidation price the liquidator comes first.
        if code == STOP and self.account.shortage_microusd(held, levels.stop_ticks) > 0 and self._liquidate(held, bar):
            return
        if partial_lots > 0:
            held.levels = Levels(
                stop_ticks=levels.stop_ticks,
                target_ticks=levels.target_ticks,
                stop_is_trailing=levels.stop_is_trailing,
            )
            held.is_partial_taken = True
            self._reduce(
                held,
                partial_lots,
                partial_fill_ticks,
                levels.partial_ticks,
                ExitReason.PARTIAL,
                f"{held.entry_id}-partial",
                bar.close_ms,
            )
        if code == NOTHING:
            return
        reason, suffix, level_ticks = _exit_named(code, levels)
        self._reduce(held, exit_lots, exit_fill_ticks, level_ticks, reason, f"{held.entry_id}-{suffix}", bar.close_ms)

    def _liquidate(self, held: Holding, bar: Bar) -> bool:
        worst_price = _worst_price(held.side, bar, self.snapshot.oracle)
        has_cash_moved = bool(self.fills or self.funding)
        if held.lots == 0 or (not has_cash_moved and held.safe_low < worst_price < held.safe_high):
            return False
        side, market = held.side, self.market
        at_ticks = max(1, steps_worse(worst_price, market.tick, -side))
        if self.account.shortage_microusd(held, at_ticks) <= 0:
            return False
        fill_ticks = taker_fill_ticks(-side, float(at_ticks), market.liquidator_fee_bps, 1.0)
        lots = liquidation_lots(
            self.account.shortage_microusd(held, at_ticks, LIQUIDATION_BUFFER_BPS),
            abs(held.lots),
            at_ticks,
            fill_ticks,
            market.maintenance_bps + LIQUIDATION_BUFFER_BPS,
            market.unit,
        )
        held.n_liquidations += 1
        order_id = f"{held.entry_id}-liq-{held.n_liquidations}"
        self._reduce(held, lots, fill_ticks, at_ticks, ExitReason.LIQUIDATION, order_id, bar.close_ms)
        return True

    def _reduce(
        self,
        held: Holding,
        lots: int,
        fill_ticks: int,
        reference_ticks: int,
        reason: ExitReason,
        order_id: str,
        filled_ms: int,
    ) -> None:
        trade_side = -held.side
        self.account.reduce(held, lots, fill_ticks)
        self._book_fill(trade_side, lots, fill_ticks, reference_ticks, reason, order_id, filled_ms)

    def _book_fill(
        self,
        trade_side: int,
        lots: int,
        fill_ticks: int,
        reference_ticks: int,
        reason: ExitReason | None,
        order_id: str,
        filled_ms: int,
    ) -> None:
        unit = self.market.unit
        is_liquidation = reason is ExitReason.LIQUIDATION
        fee = 0 if is_liquidation else taker_fee_microusd(lots * fill_ticks * unit, self.fee_tier)
        self.account.cash_microusd -= fee
        self.fills.append(
            Fill(
                client_order_id=order_id,
                symbol=self.market.symbol,
                side=Side(trade_side),
                size_lots=lots,
                price_ticks=fill_ticks,
                fee_microusd=fee,
                slippage_microusd=trade_side * (fill_ticks - reference_ticks) * lots * unit,
                filled_ms=filled_ms,
                exit_reason=reason,
            )
        )

    def _cancel_exits(self) -> None:
        for resting in self.resting:
            if resting.order.reduce_only:
                self.rejections.append((resting.order.client_order_id, "the position is gone"))
        self.resting[:] = [resting for resting in self.resting if not resting.order.reduce_only]


def half_spread_of(snapshot: Snapshot, assumed_half_spread_bps: float) -> float:
    """Return half the spread a book showed at the bar's close, or the assumed one where no book was seen."""
    spread = snapshot.spread_bps
    if spread is None or spread.source not in MEASURED_SPREADS or spread.value < 0.0:
        return assumed_half_spread_bps
    return spread.value / 2.0


def liquidation_scale(bar: Bar, oracle: Reading | None) -> float:
    """Return by what the bar's adverse extreme is multiplied for liquidation: the oracle's gap to the close.

    1 where no oracle price of this very minute is known.
    """
    if oracle is None or oracle.as_of_ms <= bar.open_ms or oracle.value <= 0.0 or oracle.source in AVERAGED_ORACLES:
        return 1.0
    return oracle.value / bar.close_price


def _worst_price(side: int, bar: Bar, oracle: Reading | None) -> float:
    return (bar.low_price if side > 0 else bar.high_price) * liquidation_scale(bar, oracle)


def _exit_named(code: int, levels: Levels) -> tuple[ExitReason, str, int]:
    if code != STOP:
        return ExitReason.TARGET, "target", levels.target_ticks
    if levels.stop_is_trailing:
        return ExitReason.TRAILING, "trail", levels.stop_ticks
    return ExitReason.STOP, "stop", levels.stop_ticks
