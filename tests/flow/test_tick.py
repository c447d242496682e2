"""The story of a tick: from a closed minute to an order, its fills and its trade, and every way it can end in no."""

import pytest

from db.off import JournalOff
from domain.decisions import Approved, ApprovedOrder, Denied, ExitReason, Refusal, Side
from domain.errors import JournalUnavailable
from domain.features import Regime
from domain.market import Reading
from domain.tick import Outcome, TradingState
from tests.flow.stage import desk, explosive, minute, quiet, run, watch

WARM = 8


def test_an_explosive_bar_becomes_an_order_a_fill_at_the_next_open_and_a_trade_by_target() -> None:
    master = desk()
    venue = watch(master)
    entered = run(master, [*quiet(WARM), explosive(WARM)])[-1]
    assert entered.outcome is Outcome.ENTERED
    assert entered.proposal is not None
    assert entered.proposal.side is Side.BUY
    assert entered.gate is not None
    assert isinstance(entered.gate.verdict, Approved)
    assert entered.gate.verdict.reason_code == "gate_off"
    assert entered.risk is not None
    order = entered.risk.ruling
    assert isinstance(order, ApprovedOrder)
    assert entered.orders == (order,)
    assert venue.submitted == [order]
    assert entered.fills == ()

    price = 150.6
    filled = run(master, [minute(WARM + 1, price, price)])[0]
    assert [fill.client_order_id for fill in filled.fills] == [order.client_order_id]
    assert filled.fills[0].price_ticks > price * 1000
    assert filled.position_lots == order.size_lots

    closed = run(master, [minute(WARM + 2, price, price * 1.03)])[0]
    assert len(closed.trades) == 1
    trade = closed.trades[0]
    assert trade.exit_reason is ExitReason.TARGET
    assert trade.net_microusd > 0
    assert trade.regime in set(Regime)
    assert closed.position_lots == 0
    assert closed.equity_microusd == closed.cash_microusd == 10_000_000_000 + trade.net_microusd


def test_every_tick_carries_every_strategys_answer_and_says_why_nothing_happened() -> None:
    records = run(desk(), quiet(WARM + 3))
    assert [record.outcome for record in records[:6]] == [Outcome.WARMING_UP] * 6
    last = records[-1]
    assert last.outcome is Outcome.NO_SIGNAL
    assert [signal.strategy for signal in last.signals] == ["e3", "funding_fade"]
    assert "e3: " in last.why
    assert "funding_fade: funding or premium is unknown" in last.why


def test_a_stop_is_moved_up_behind_a_rising_price_and_closes_the_trade_as_trailing() -> None:
    master = desk()
    run(master, [*quiet(WARM), explosive(WARM)])
    price = 150.6
    run(master, [minute(WARM + 1, price, price * 1.012)])
    levels = master.execution.books.holdings["SOL-PERP"].levels
    assert levels.stop_is_trailing
    assert levels.stop_ticks > price * 1000
    closed = run(master, [minute(WARM + 2, price * 1.012, price * 1.002)])[0]
    assert closed.trades[0].exit_reason is ExitReason.TRAILING
    assert closed.trades[0].gross_microusd > 0


def test_a_position_is_closed_at_market_when_its_time_is_up_even_on_an_unfit_minute() -> None:
    master = desk(EXIT_MAX_HOLD_BARS="3")
    run(master, [*quiet(WARM), explosive(WARM)])
    price = 150.6
    held = run(master, [minute(WARM + number, price, price) for number in (1, 2)])
    assert all(record.orders == () for record in held)
    leaving = run(master, [minute(WARM + 3, price, price), minute(WARM + 4, price, price).unfit("test gap")])
    exits = [order for record in leaving for order in record.orders]
    assert [order.exit_reason for order in exits] == [ExitReason.TIME]
    assert leaving[-1].trades or run(master, [minute(WARM + 5, price, price)])[0].trades


def test_an_unfit_minute_never_becomes_a_trade_and_says_what_is_wrong_with_it() -> None:
    master = desk()
    venue = watch(master)
    record = run(master, [*quiet(WARM), explosive(WARM).unfit("the book is crossed")])[-1]
    assert (record.outcome, record.why) == (Outcome.UNFIT, "the book is crossed")
    assert record.signals
    assert venue.submitted == []


@pytest.mark.parametrize(
    ("state", "outcome"),
    [(TradingState.HALTED, Outcome.HALTED), (TradingState.REDUCING, Outcome.REDUCING)],
)
def test_a_desk_that_is_not_active_records_the_proposal_and_sends_nothing(
    state: TradingState, outcome: Outcome
) -> None:
    master = desk()
    venue = watch(master)
    run(master, quiet(WARM))
    record = run(master, [explosive(WARM)], state)[0]
    assert record.outcome is outcome
    assert record.proposal is not None
    assert venue.submitted == []


def test_flattening_closes_what_is_held() -> None:
    master = desk()
    run(master, [*quiet(WARM), explosive(WARM), minute(WARM + 1, 150.6, 150.6)])
    record = run(master, [minute(WARM + 2, 150.6, 150.6)], TradingState.FLATTENING)[0]
    assert [order.exit_reason for order in record.orders] == [ExitReason.HALT]
    assert record.outcome is Outcome.EXITING
    closed = run(master, [minute(WARM + 3, 150.6, 150.6)], TradingState.FLATTENING)[0]
    assert closed.position_lots == 0


def test_a_gate_that_was_asked_for_and_is_missing_denies_on_record() -> None:
    master = desk(GATE_MODE="veto")
    venue = watch(master)
    record = run(master, [*quiet(WARM), explosive(WARM)])[-1]
    assert record.outcome is Outcome.DENIED
    assert record.gate is not None
    assert record.gate.verdict == Denied(reason_code="no_backend", backend="off")
    assert venue.submitted == []


def test_risk_refuses_within_the_cooldown_before_the_gate_is_asked() -> None:
    master = desk(E3_VOLUME_Z="-10", E3_MAX_REALISED_VOL_BPS="1000")
    venue = watch(master)
    run(master, [*quiet(WARM), explosive(WARM), minute(WARM + 1, 150.6, 150.6 * 1.03)])
    assert len(venue.submitted) == 1
    record = run(master, [explosive(WARM + 2, 155.0, 0.03)])[0]
    assert record.outcome is Outcome.REFUSED
    assert record.gate is None
    assert record.risk is not None
    assert isinstance(record.risk.ruling, Refusal)
    assert record.risk.ruling.rule == "cooled_down"


def test_two_strategies_that_disagree_open_nothing_and_the_record_names_both() -> None:
    readings = {
        "premium_bps": Reading(value=12.0, source="test", as_of_ms=0),
        "funding_rate_hourly_frac": Reading(value=0.0001, source="test", as_of_ms=0),
    }
    surge = minute(WARM, 150.0, 150.6, volume=900.0, **readings)
    master = desk()
    venue = watch(master)
    record = run(master, [*quiet(WARM), surge])[-1]
    assert record.outcome is Outcome.DISAGREED
    assert record.why == "strategies disagree: e3 says BUY, funding_fade says SELL"
    assert venue.submitted == []


class BrokenJournal(JournalOff):
    """A journal on a full disk."""

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        raise JournalUnavailable("the disk is full")


def test_without_a_journal_no_entry_leaves_but_an_exit_does() -> None:
    master = desk(journal=BrokenJournal())
    venue = watch(master)
    record = run(master, [*quiet(WARM), explosive(WARM)])[-1]
    assert record.outcome is Outcome.REFUSED
    assert "the disk is full" in record.why
    assert venue.submitted == []

    master = desk(EXIT_MAX_HOLD_BARS="1")
    run(master, [*quiet(WARM), explosive(WARM)])
    master.execution.journal = BrokenJournal()
    venue = watch(master)
    leaving = run(master, [minute(WARM + 1, 150.6, 150.6), minute(WARM + 2, 150.6, 150.6)])
    assert [order.exit_reason for order in venue.submitted] == [ExitReason.TIME]
    assert any("the disk is full" in refusal.reason for record in leaving for _, refusal in record.refusals)
    assert master.execution.books.position_lots("SOL-PERP") == 0


def test_our_books_are_the_venues_after_every_tick_of_a_whole_trade() -> None:
    master = desk()
    tape = [*quiet(WARM), explosive(WARM), *quiet(6, 150.6, WARM + 1), explosive(WARM + 7, 150.6, -0.02)]
    for snapshot in tape:
        run(master, [snapshot])
        assert _reconciles(master)


def _reconciles(master: object) -> bool:
    import asyncio

    asyncio.run(master.execution.reconcile())  # type: ignore[attr-defined]  # a MasterAgent
    return True
