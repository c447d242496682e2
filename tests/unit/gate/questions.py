"""One proposal, the question made of it, and a reader for the tests of the gate."""

import asyncio

import numpy as np

from desk.clock import SystemClock
from domain.decisions import ExitPlan, GateMode, Proposal, Side
from domain.features import N_FEATURES, Feature, Features, Regime
from domain.market import MINUTE_MS, Bar, Reading, Snapshot
from domain.situation import Situation
from domain.tick import GateAnswer, GateQuestion
from gate.chat_reader import ChatReader
from gate.ollama import OllamaLine, OllamaWire
from gate.prompt import Costs, PromptBuilder, load_prompt
from gate.terms import ChatTerms
from strategy.e3 import E3Thresholds
from strategy.funding_fade import FundingFadeThresholds

MODEL = "tiny:latest"
COSTS = Costs(fee_bps=3.5, half_spread_bps=1.0, slippage_bps=1.0)
PLAN = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.005,
    trail_arm_frac=0.005,
    partial_at_r=0.0,
    partial_frac=0.5,
    max_hold_bars=240,
)
"""Stop 100 and target 200 bps; with 11 bps of costs it breaks even at a chance of 37 %."""
TESTS = {"e3": E3Thresholds().tests(), "funding_fade": FundingFadeThresholds().tests()}


def builder(n_similar=None, costs=COSTS) -> PromptBuilder:
    return PromptBuilder(prompt=load_prompt(), costs=costs, tests=TESTS, n_similar=n_similar)


def features(**figures):
    vector = np.full(N_FEATURES, np.nan)
    known = {
        "BODY_OVER_ATR": 0.873, "VOLUME_Z": 3.456, "PREMIUM_BPS": -1.25, "FUNDING_RATE_HOURLY_FRAC": 0.00001,
        "REALISED_VOL_BPS": 7.77, "SPREAD_BPS": 2.0, "ATR_PRICE": 0.15, "RETURN_BPS": 40.04, "TREND_STRENGTH": 1.618,
        "DRAWDOWN_BPS": 0.0, "REGIME": [*Regime].index(Regime.BULL_TREND),
    }  # fmt: skip
    for name, figure in {**known, **figures}.items():
        vector[Feature[name]] = figure
    return Features(vector=vector)


def proposal(as_of_ms=60_000, symbol="SOL-PERP", price=150.0):
    return Proposal(
        symbol=symbol,
        strategy="e3",
        side=Side.BUY,
        conviction_frac=0.7,
        reasons=("a body of 0.87 ATR on 2025-05-01",),
        exit_plan=PLAN,
        reference_price=price,
        as_of_ms=as_of_ms,
    )


def snapshot(as_of_ms=60_000, symbol="SOL-PERP", price=150.0):
    bar = Bar(
        open_ms=as_of_ms - MINUTE_MS, close_ms=as_of_ms, open_price=price, high_price=price, low_price=price,
        close_price=price, volume_base=10.0,
    )  # fmt: skip
    spread = Reading(value=2.0, source="assumed", as_of_ms=0)
    return Snapshot(symbol=symbol, as_of_ms=as_of_ms, bar=bar, spread_bps=spread)


def reader(url, **terms) -> ChatReader:
    wire = OllamaWire(terms=ChatTerms(**{"url": url, "model": MODEL, "deadline_s": 5.0, **terms}))
    return ChatReader(
        terms=wire.terms,
        mode=GateMode.VETO,
        prompt=builder(),
        wire=wire,
        line=OllamaLine(wire),
        elapsed_s=ticking(),
    )


def ready(one: ChatReader) -> ChatReader:
    """Let a reader find its server fit, so that its questions are all it asks from here."""
    found = asyncio.run(one.prepare())
    assert found.is_ready, found.told
    return one


def situation(as_of_ms=60_000, symbol="SOL-PERP"):
    return Situation(proposal=proposal(as_of_ms, symbol), snapshot=snapshot(as_of_ms, symbol), features=features())


def ticking():
    """Return a clock that goes on by a second at every look."""
    seconds = iter(range(10**9))
    return lambda: float(next(seconds))


def question_of(one: ChatReader, as_of_ms=60_000, symbol="SOL-PERP") -> GateQuestion:
    return one.question(situation(as_of_ms, symbol))


def ask(one: ChatReader, as_of_ms=60_000) -> GateAnswer:
    return asyncio.run(one.ask(question_of(one, as_of_ms)))


def timed(one, question):
    """Return the answer and the seconds it took."""

    async def go():
        began_s = clock.elapsed_s()
        return await one.ask(question), clock.elapsed_s() - began_s

    clock = SystemClock()
    return asyncio.run(go())
