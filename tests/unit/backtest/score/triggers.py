"""Triggers made here: what a gate said of each and what it came to."""

from collections.abc import Sequence

import numpy as np

from backtest.score.answerer import Answerer
from db.triggers import Asked, TriggerStory
from domain.decisions import ExitPlan, ExitReason, Side
from domain.features import N_FEATURES, Feature, Features
from domain.market import DAY_MS, MINUTE_MS
from domain.situation import Counterfactual
from domain.tick import GateEvidence

START_MS = 19_000 * DAY_MS
PLAN = ExitPlan(
    stop_frac=0.006,
    target_frac=0.012,
    trail_frac=0.0,
    trail_arm_frac=0.0,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=60,
)
ANSWERER = Answerer(backend="ollama", model="m", digest="sha256:1", prompt_version="veto-2", prompt_sha256="00")


def evidence(p_win: float | None = 0.6, **changed: object) -> GateEvidence:
    given = {
        "source": "live",
        "model": "m",
        "prompt_version": "veto-2",
        "prompt_sha256": "00",
        "digest": "sha256:1",
        "p_win_frac": p_win,
        "n_prompt_tokens": 800,
        "n_reply_tokens": 60,
        **changed,
    }
    return GateEvidence(**given)  # type: ignore[arg-type]  # a test names the record's own fields


def asked(is_approved: bool = True, **changed: object) -> Asked:
    given = {
        "backend": "ollama",
        "mode": "shadow",
        "reason_code": "ok" if is_approved else "llm_deny",
        "is_approved": is_approved,
        "latency_ms": 900.0,
        "evidence": evidence(),
        **changed,
    }
    return Asked(**given)  # type: ignore[arg-type]  # as above


def ended(triggered_ms: int, net_bps: float, hold_ms: int = 30 * MINUTE_MS, symbol: str = "SOL-PERP") -> Counterfactual:
    return Counterfactual(
        trigger_id=f"{symbol}-{triggered_ms}",
        symbol=symbol,
        strategy="e3",
        side=Side.BUY,
        triggered_ms=triggered_ms,
        resolved_ms=triggered_ms + hold_ms,
        n_bars=hold_ms // MINUTE_MS,
        exit_reason=ExitReason.TIME,
        net_bps=net_bps,
        gross_bps=net_bps + 8.0,
        fees_bps=8.0,
        slippage_bps=1.0,
        funding_bps=0.0,
        mae_bps=10.0,
        mfe_bps=10.0,
    )


def story(
    triggered_ms: int,
    net_bps: float | None,
    said: Asked | None,
    *,
    symbol: str = "SOL-PERP",
    hold_ms: int = 30 * MINUTE_MS,
    **changed: object,
) -> TriggerStory:
    vector = np.zeros(N_FEATURES)
    vector[Feature.REGIME] = changed.pop("regime", 0)  # type: ignore[call-overload]  # a test gives a regime's place
    given = {
        "trigger_id": f"{symbol}-{triggered_ms}",
        "tick_no": triggered_ms // MINUTE_MS,
        "symbol": symbol,
        "strategy": "e3",
        "side": Side.BUY,
        "triggered_ms": triggered_ms,
        "conviction_frac": 0.5,
        "exit_plan": PLAN,
        "reference_price": 150.0,
        "features": Features(vector=vector),
        "asked": said,
        "outcome": None if net_bps is None else ended(triggered_ms, net_bps, hold_ms, symbol),
        "executed_net_bps": None,
        **changed,
    }
    return TriggerStory(**given)  # type: ignore[arg-type]  # as above


def times(n_days: int, n_a_day: int) -> list[int]:
    """Return times spread over days, the first a minute after midnight."""
    step_ms = (DAY_MS - 2 * MINUTE_MS) // n_a_day // MINUTE_MS * MINUTE_MS
    return [START_MS + day * DAY_MS + MINUTE_MS + place * step_ms for day in range(n_days) for place in range(n_a_day)]


def stories(
    net_bps: Sequence[float],
    approved: Sequence[bool],
    n_a_day: int,
    p_win: Sequence[float] | None = None,
) -> list[TriggerStory]:
    """Return one story a figure, so many a day."""
    n = len(net_bps)
    chances = [0.6] * n if p_win is None else list(p_win)
    rows = zip(times(-(-n // n_a_day), n_a_day), net_bps, approved, chances, strict=False)
    return [
        story(at_ms, float(net), asked(bool(yes), evidence=evidence(float(p))), regime=place % 3)
        for place, (at_ms, net, yes, p) in enumerate(rows)
    ]
