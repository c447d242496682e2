"""What a trade came to in bps of its notional at entry."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.ledger import outcome_of
from domain.decisions import ExitReason
from execution.instruments import instrument
from tests.flow import stage
from tests.unit.agents.test_reflection import TRIGGER, trade

SOL = instrument("SOL-PERP")
MONEY = st.integers(-(10**9), 10**9)


def test_the_figures_of_a_trade_of_1500_dollars_in_bps_of_them() -> None:
    """Ten coins at 150: 30 dollars won, 1.50 paid in fees, 0.30 in funding, 0.15 lost to slippage."""
    outcome = outcome_of(TRIGGER, trade(), SOL, 600_000)
    assert (outcome.gross_bps, outcome.fees_bps, outcome.funding_bps, outcome.slippage_bps) == (200.0, 10.0, -2.0, 1.0)
    assert (outcome.net_bps, outcome.is_win) == (188.0, True)
    assert (outcome.exit_reason, outcome.n_bars, outcome.resolved_ms) == (ExitReason.TARGET, 9, 600_000)
    assert (outcome.trigger_id, outcome.triggered_ms) == (TRIGGER.trigger_id, TRIGGER.proposal.as_of_ms)


@given(gross=MONEY, fees=MONEY, funding=MONEY)
def test_net_is_gross_less_fees_plus_funding_and_wins_exactly_when_the_trade_does(gross, fees, funding) -> None:
    done = replace(trade(), gross_microusd=gross, fees_microusd=fees, funding_microusd=funding)
    outcome = outcome_of(TRIGGER, done, SOL, 600_000)
    assert outcome.net_bps == pytest.approx(outcome.gross_bps - outcome.fees_bps + outcome.funding_bps, abs=1e-6)
    assert outcome.is_win == (done.net_microusd > 0)


def test_a_price_off_the_grid_opens_nothing() -> None:
    ledger = stage.desk(GATE_MODE="shadow").gate.hindsight.ledger
    odd = replace(TRIGGER, proposal=replace(TRIGGER.proposal, reference_price=1e-9))
    assert asyncio.run(ledger.open(odd)) is False
    assert ledger.n_open == 0
    assert asyncio.run(ledger.open(TRIGGER)) is True
    assert ledger.n_open == 1
