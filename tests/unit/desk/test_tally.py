"""The tally equals what anybody would add up from the records."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.tally import Tally
from domain.market import Snapshot
from domain.tick import Outcome, TickRecord
from tests.flow import stage

CASH = 10_000_000_000


def records(moves: list[float]) -> list[TickRecord]:
    """Return the records of a market that explodes by the given fractions, three minutes apart."""
    tape: list[Snapshot] = stage.quiet(12)
    for number, move in enumerate(moves):
        at = 12 + 3 * number
        tape += [stage.explosive(at, move_frac=move), *stage.quiet(2, price=150.0 * (1 + move), first=at + 1)]
    return stage.run(stage.desk(RISK_COOLDOWN_AFTER_TRADE_S="0", RISK_COOLDOWN_AFTER_LOSS_S="0"), tape)


def tallied(run: list[TickRecord], start: int = CASH) -> Tally:
    tally = Tally(starting_equity_microusd=start)
    for record in run:
        tally.add(record)
    return tally


@settings(max_examples=25)
@given(moves=st.lists(st.sampled_from([0.004, -0.004, 0.012, -0.012, 0.025]), max_size=8))
def test_every_sum_is_the_sum_over_the_records(moves: list[float]) -> None:
    run = records(moves)
    told = tallied(run).summary("r", "hash", 1.0, is_simulated=True)
    fills = [fill for record in run for fill in record.fills]
    payments = [payment for record in run for payment in record.funding]
    assert told.n_bars == len(run) == sum(count for _, count in told.outcomes)
    assert dict(told.outcomes) == {
        outcome.value: n for outcome in Outcome if (n := sum(record.outcome is outcome for record in run))
    }
    assert told.n_signals == sum(signal.side is not None for record in run for signal in record.signals)
    assert told.n_orders == sum(len(record.orders) for record in run)
    assert told.fees_microusd == sum(fill.fee_microusd for fill in fills)
    assert told.slippage_microusd == sum(fill.slippage_microusd for fill in fills)
    assert told.funding_microusd == sum(payment.amount_microusd for payment in payments)
    assert told.trades == tuple(trade for record in run for trade in record.trades)
    assert told.equity_microusd == run[-1].equity_microusd
    assert told.max_drawdown_frac == pytest.approx(drawdown([record.equity_microusd for record in run]), abs=0)
    held = run[-1].position_lots
    assert [(one.symbol, one.size_lots) for one in told.open_positions] == ([("SOL-PERP", held)] if held else [])
    assert (told.first_ms, told.last_ms) == (run[0].snapshot.as_of_ms, run[-1].snapshot.as_of_ms)


def drawdown(equities: list[int]) -> float:
    return max(
        (max([CASH, *equities[: n + 1]]) - now) / max([CASH, *equities[: n + 1]]) for n, now in enumerate(equities)
    )


def test_a_refusal_is_counted_under_the_rule_that_made_it() -> None:
    tape = [*stage.quiet(12), stage.explosive(12), *stage.quiet(3, first=13)]
    run = stage.run(stage.desk(RISK_MAX_SPREAD_BPS="1"), tape)
    told = tallied(run).summary("r", "hash", 1.0, is_simulated=True)
    assert run[12].outcome is Outcome.REFUSED
    assert told.refusals == ((run[12].why.split(":")[0], 1),)
    assert dict(told.outcomes)["refused"] == 1


def test_a_run_of_quiet_minutes_knows_when_it_began() -> None:
    run = stage.run(stage.desk(), stage.quiet(30))[12:]
    told = tallied(run).summary("r", "hash", 1.0, is_simulated=True)
    assert told.first_ms == run[0].snapshot.as_of_ms


def test_the_gates_reasons_are_counted_unless_there_is_no_gate() -> None:
    """In shadow without a backend every entry asked for is told `no_backend`; in off there is nothing to count."""
    tape = [*stage.quiet(12), stage.explosive(12), *stage.quiet(3, price=150.6, first=13)]
    run = stage.run(stage.desk(GATE_MODE="shadow"), tape)
    told = tallied(run).summary("r", "hash", 1.0, is_simulated=True)
    assert told.gate_reasons == (("no_backend", sum(one.gate is not None for one in run)),) != (("no_backend", 0),)
    assert told.cassette is None
    assert told.gate_mode == "shadow"
    assert tallied(stage.run(stage.desk(), tape)).summary("r", "hash", 1.0, is_simulated=True).gate_reasons == ()
