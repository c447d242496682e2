"""What a trade teaches follows from figures alone, in one short line without a date or a price."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.execution import Settled
from agents.reflection import LESSON_CHARS, Reflections, is_borne_out, lesson
from domain.account import Trade
from domain.decisions import Approved, ApprovedOrder, Denied, ExitReason, Refusal, Side
from domain.features import N_FEATURES, Feature, Features, Regime
from domain.situation import Counterfactual, Resolved, Trigger
from domain.tick import GateEvidence, GateExchange
from execution.instruments import instrument
from risk.shadow import shadow_order
from tests.unit.gate.test_off import PROPOSAL


def figures(**values: float) -> Features:
    vector = np.full(N_FEATURES, np.nan)
    vector[Feature.REGIME] = 0
    for name, value in values.items():
        vector[Feature[name.upper()]] = value
    return Features(vector=vector)


FIRED = figures(body_over_atr=1.2, volume_z=3.1, premium_bps=8.0, funding_rate_hourly_frac=-2e-5, book_imbalance=0.3)
TRIGGER = Trigger(trigger_id="SOL-PERP-60000", tick_no=1, proposal=PROPOSAL, features=FIRED)
OUTCOME = Counterfactual(
    trigger_id="SOL-PERP-60000",
    symbol="SOL-PERP",
    strategy="e3",
    side=Side.BUY,
    triggered_ms=60_000,
    resolved_ms=600_000,
    n_bars=9,
    exit_reason=ExitReason.STOP,
    net_bps=-112.0,
    gross_bps=-102.0,
    fees_bps=10.0,
    slippage_bps=4.0,
    funding_bps=0.0,
    mae_bps=102.0,
    mfe_bps=20.0,
)
EVIDENCE = GateEvidence(source="live", model="m", prompt_version="veto-2", prompt_sha256="0" * 64, p_win_frac=0.42)


def exchange(verdict: Approved | Denied, evidence: GateEvidence | None = None) -> GateExchange:
    return GateExchange(
        request_id="SOL-PERP-60000-gate",
        backend="ollama",
        mode="veto",
        prompt="",
        raw_reply=None,
        verdict=verdict,
        evidence=evidence,
    )


NO = exchange(Denied(reason_code="llm_deny", backend="ollama"), EVIDENCE)
YES = exchange(Approved(keep_frac=1.0, reason_code="ok", backend="ollama"))
ORDER = shadow_order(PROPOSAL, instrument("SOL-PERP"))


def trade(order: ApprovedOrder = ORDER) -> Trade:
    return Trade(
        symbol="SOL-PERP",
        strategy="e3",
        side=Side.BUY,
        size_lots=1_000,
        entry_ticks=150_000,
        exit_ticks=153_000,
        gross_microusd=30_000_000,
        fees_microusd=1_500_000,
        funding_microusd=-300_000,
        slippage_microusd=150_000,
        mae_bps=12.0,
        mfe_bps=200.0,
        exit_reason=ExitReason.TARGET,
        regime=Regime.CHOP,
        conviction_frac=0.7,
        risk_microusd=15_000_000,
        opened_ms=60_000,
        closed_ms=600_000,
        n_bars=9,
        client_order_id=order.client_order_id,
    )


def reflecting() -> Reflections:
    grounds = {"e3": (Feature.BODY_OVER_ATR, Feature.VOLUME_Z, Feature.BOOK_IMBALANCE)}
    return Reflections(grounds=grounds, instruments={"SOL-PERP": instrument("SOL-PERP")})


@pytest.mark.parametrize(
    ("ground", "mae_bps", "mfe_bps", "end", "expected"),
    [
        (Feature.BODY_OVER_ATR, 102.0, 99.9, FIRED, False),
        (Feature.BODY_OVER_ATR, 102.0, 100.0, FIRED, True),
        (Feature.VOLUME_Z, 102.0, 3.0, FIRED, True),
        (Feature.VOLUME_Z, 40.0, 99.0, FIRED, False),
        (Feature.BOOK_IMBALANCE, 40.0, 41.0, FIRED, True),
        (Feature.BOOK_IMBALANCE, 41.0, 41.0, FIRED, False),
        (Feature.PREMIUM_BPS, 1.0, 1.0, figures(premium_bps=4.0), True),
        (Feature.PREMIUM_BPS, 1.0, 1.0, figures(premium_bps=-1.0), True),
        (Feature.PREMIUM_BPS, 1.0, 1.0, figures(premium_bps=4.1), False),
        (Feature.PREMIUM_BPS, 1.0, 1.0, figures(), None),
        (Feature.PREMIUM_BPS, 1.0, 1.0, None, None),
        (Feature.FUNDING_RATE_HOURLY_FRAC, 1.0, 1.0, figures(funding_rate_hourly_frac=-3e-5), False),
        (Feature.FUNDING_RATE_HOURLY_FRAC, 1.0, 1.0, figures(funding_rate_hourly_frac=-5e-6), True),
        (Feature.OPEN_INTEREST_USD, 1.0, 1.0, FIRED, None),
        (Feature.SPREAD_BPS, 1.0, 1.0, FIRED, None),
    ],
)
def test_each_reason_is_held_against_what_it_claimed(ground, mae_bps, mfe_bps, end, expected) -> None:
    """The plan's stop stands 100 bps away."""
    assert is_borne_out(ground, TRIGGER, replace(OUTCOME, mae_bps=mae_bps, mfe_bps=mfe_bps), end) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "e3 long in chop was wrong at once: never more than 0.2 stops ahead"),
        ({"mfe_bps": 80.0}, "e3 long in chop was 0.8 stops ahead and gave it back: -1.1 stops"),
        ({"exit_reason": ExitReason.TIME, "net_bps": -30.0}, "e3 long in chop went nowhere in 9 bars: -0.3 stops"),
        (
            {"exit_reason": ExitReason.TIME, "gross_bps": 6.0, "net_bps": -4.0},
            "e3 long in chop was right by less than it costs: 6 bps before, -4 after",
        ),
        (
            {"exit_reason": ExitReason.TRAILING, "net_bps": 40.0, "gross_bps": 50.0, "mfe_bps": 100.0},
            "e3 long in chop kept 0.4 of the 1.0 stops it was ahead by",
        ),
        (
            {"exit_reason": ExitReason.TARGET, "net_bps": 190.0, "gross_bps": 200.0},
            "e3 long in chop reached its target: 1.9 stops after costs",
        ),
        (
            {"exit_reason": ExitReason.HALT},
            "e3 long in chop was ended by halt, not by the plan: it says little of the trigger",
        ),
    ],
)
def test_the_first_rule_that_applies_words_the_lesson(change, expected) -> None:
    assert lesson(TRIGGER, replace(OUTCOME, **change), is_denied=False) == expected


def test_a_denial_is_told_by_what_it_spared_or_missed() -> None:
    assert lesson(TRIGGER, OUTCOME, is_denied=True).startswith("denied and spared: e3 long")
    assert lesson(TRIGGER, replace(OUTCOME, net_bps=1.0), is_denied=True).startswith("denied and missed: e3 long")


@given(
    strategy=st.text(st.characters(codec="ascii", categories=("L",)), min_size=1, max_size=300),
    side=st.sampled_from(Side),
    reason=st.sampled_from(ExitReason),
    net_bps=st.floats(-9_000, 9_000),
    gross_bps=st.floats(-9_000, 9_000),
    mfe_bps=st.floats(0, 9_000),
    is_denied=st.booleans(),
)
def test_a_lesson_is_one_short_line_without_a_date_or_a_price(
    strategy, side, reason, net_bps, gross_bps, mfe_bps, is_denied
) -> None:
    trigger = replace(TRIGGER, proposal=replace(PROPOSAL, strategy=strategy, side=side))
    outcome = replace(OUTCOME, exit_reason=reason, net_bps=net_bps, gross_bps=gross_bps, mfe_bps=mfe_bps)
    told = lesson(trigger, outcome, is_denied=is_denied)
    assert len(told) <= LESSON_CHARS
    assert told.isprintable()
    assert "SOL" not in told.removeprefix(strategy)
    assert not re.search(r"\d{4}-\d\d|\d{5,}|150\.", told)


def test_a_closed_trade_is_told_with_what_was_expected_and_what_happened() -> None:
    reflections = reflecting()
    reflections.expect(TRIGGER, YES, ORDER, will_resolve=True)
    (told,) = reflections.reflect(Settled(trades=(trade(),)), (), FIRED, 600_000)
    assert (told.subject, told.subject_id) == ("trade", ORDER.client_order_id)
    assert told.expected == "e3 long, conviction 0.70: stop 100 bps, target 200 bps, at most 60 bars; gate yes (ok)"
    assert told.happened == ("target after 9 bars: net 188.0 bps; at best 200.0 bps ahead, at worst 12.0 bps behind")
    assert told.held == ("body_over_atr 1.2", "volume_z 3.1", "book_imbalance 0.3")
    assert told.failed == ()
    assert reflections.reflect(Settled(trades=(trade(),)), (), FIRED, 660_000) == ()


def test_a_denied_trigger_is_told_once_with_the_gates_own_chance() -> None:
    reflections, ended = reflecting(), (Resolved(trigger=TRIGGER, outcome=OUTCOME),)
    reflections.expect(TRIGGER, NO, None, will_resolve=True)
    (told,) = reflections.reflect(Settled(), ended, FIRED, 600_000)
    assert (told.subject, told.subject_id) == ("counterfactual", TRIGGER.trigger_id)
    assert told.expected.endswith("gate no (llm_deny), chance of profit 0.42")
    assert (told.held, told.failed) == (("volume_z 3.1",), ("body_over_atr 1.2", "book_imbalance 0.3"))
    assert reflections.reflect(Settled(), ended, FIRED, 660_000) == ()


def test_an_approved_trigger_is_reflected_on_as_the_trade_it_was_and_not_again() -> None:
    reflections = reflecting()
    reflections.expect(TRIGGER, YES, ORDER, will_resolve=True)
    assert reflections.reflect(Settled(), (Resolved(trigger=TRIGGER, outcome=OUTCOME),), FIRED, 600_000) == ()


def test_an_entry_the_venue_rejected_later_is_forgotten() -> None:
    reflections = reflecting()
    reflections.expect(TRIGGER, YES, ORDER, will_resolve=True)
    rejected = Settled(refusals=((ORDER.client_order_id, Refusal(rule="venue", reason="margin")),))
    assert reflections.reflect(rejected, (), FIRED, 120_000) == ()
    assert reflections.reflect(Settled(trades=(trade(),)), (), FIRED, 600_000) == ()
