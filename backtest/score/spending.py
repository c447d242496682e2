"""What asking cost, why the gate closed by itself, and how far the ledger's results are from the trades made."""

import math
from collections.abc import Sequence

import numpy as np

from backtest.outcome import FloatArray
from backtest.score.ledger import Ledger, column
from backtest.score.reasons import ReasonClass, class_of, label_of
from db.triggers import TriggerStory
from domain.record import Record


class Spread(Record, frozen=True, kw_only=True):
    """One figure over all decisions that have it."""

    n: int
    p50: float
    p99: float
    total: float


class Spending(Record, frozen=True, kw_only=True):
    """Time and tokens a decision; None where nobody told."""

    latency_ms: Spread | None
    prompt_tokens: Spread | None
    reply_tokens: Spread | None


class ReasonRow(Record, frozen=True, kw_only=True):
    """One reason: how often it came, and what the resolved ones of its triggers came to by themselves.

    asked_frac: part of all that were asked. sum_bps: what those triggers would have made; minus it is what their denial
    added, failures included: what failing closed cost is sum_bps where it is above zero.
    """

    reason_code: str
    label: str
    kind: ReasonClass
    n_asked: int
    asked_frac: float
    n_resolved: int
    mean_bps: float | None
    sum_bps: float


class RealGap(Record, frozen=True, kw_only=True):
    """Net of the trades really made less what the ledger says of the same triggers, in bps of the notional."""

    n: int
    mean_bps: float
    sd_bps: float | None
    mean_abs_bps: float


def spending_of(stories: Sequence[TriggerStory]) -> Spending:
    """Return what the decisions cost; a decision without a figure is left out of it."""
    asked = [story.asked for story in stories if story.asked is not None]
    told = [one.evidence for one in asked if one.evidence is not None]
    return Spending(
        latency_ms=_spread([one.latency_ms for one in asked]),
        prompt_tokens=_spread([one.n_prompt_tokens for one in told]),
        reply_tokens=_spread([one.n_reply_tokens for one in told]),
    )


def reasons_of(stories: Sequence[TriggerStory]) -> tuple[ReasonRow, ...]:
    """Return every reason that came, the most frequent first."""
    groups: dict[tuple[str, bool], list[TriggerStory]] = {}
    for story in stories:
        if story.asked is not None:
            groups.setdefault((story.asked.reason_code, story.asked.is_approved), []).append(story)
    n_asked = sum(map(len, groups.values()))
    rows = (_reason_row(code, members, n_asked, is_approved) for (code, is_approved), members in groups.items())
    return tuple(sorted(rows, key=lambda row: (-row.n_asked, row.reason_code)))


def gap_of(ledger: Ledger) -> RealGap | None:
    """Return the gap between trades and ledger; None where no trade was made."""
    gaps: FloatArray = (ledger.executed_net_bps - ledger.net_bps)[np.isfinite(ledger.executed_net_bps)]
    if not len(gaps):
        return None
    return RealGap(
        n=len(gaps),
        mean_bps=float(gaps.mean()),
        sd_bps=float(gaps.std(ddof=1)) if len(gaps) > 1 else None,
        mean_abs_bps=float(np.abs(gaps).mean()),
    )


def _reason_row(code: str, members: Sequence[TriggerStory], n_asked: int, is_approved: bool) -> ReasonRow:
    nets = [story.outcome.net_bps for story in members if story.outcome is not None]
    return ReasonRow(
        reason_code=code,
        label=label_of(code),
        kind=class_of(code, is_approved=is_approved),
        n_asked=len(members),
        asked_frac=len(members) / n_asked,
        n_resolved=len(nets),
        mean_bps=math.fsum(nets) / len(nets) if nets else None,
        sum_bps=math.fsum(nets),
    )


def _spread(figures: Sequence[float | None]) -> Spread | None:
    known = column([figure for figure in figures if figure is not None])
    if not len(known):
        return None
    p50, p99 = np.quantile(known, [0.5, 0.99])
    return Spread(n=len(known), p50=float(p50), p99=float(p99), total=float(known.sum()))
