"""A gate without a model says so on record, and refuses as soon as its answer would count."""

import asyncio

import numpy as np
import pytest

from agents.books import Books
from agents.gate import GateAgent
from domain.decisions import Approved, Denied, ExitPlan, GateMode, Proposal, Side
from domain.features import N_FEATURES, Features
from domain.market import Snapshot
from gate.off import OffGate

PLAN = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.0,
    trail_arm_frac=0.0,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=60,
)
PROPOSAL = Proposal(
    symbol="SOL-PERP",
    strategy="e3",
    side=Side.BUY,
    conviction_frac=0.7,
    reasons=("test",),
    exit_plan=PLAN,
    reference_price=150.0,
    as_of_ms=60_000,
)
SNAPSHOT = Snapshot(symbol="SOL-PERP", as_of_ms=60_000, bar=None, defects=("test",))


@pytest.mark.parametrize(
    ("mode", "verdict", "keep_frac"),
    [
        (GateMode.OFF, Approved(keep_frac=1.0, reason_code="gate_off", backend="off"), 1.0),
        (GateMode.SHADOW, Denied(reason_code="no_backend", backend="off"), 1.0),
        (GateMode.VETO, Denied(reason_code="no_backend", backend="off"), 0.0),
    ],
)
def test_the_answer_is_marked_as_a_stub_and_counts_as_the_mode_says(
    mode: GateMode, verdict: Approved | Denied, keep_frac: float
) -> None:
    agent = GateAgent(gate=OffGate(mode=mode), mode=mode)
    books, features = Books(instruments={}, cash_microusd=0), Features(vector=np.zeros(N_FEATURES))
    exchange = asyncio.run(agent.review(PROPOSAL, SNAPSHOT, features, books, 1))
    assert (exchange.backend, exchange.prompt, exchange.raw_reply) == ("off", "", None)
    assert exchange.verdict == verdict
    assert agent.keep_frac(exchange) == keep_frac
