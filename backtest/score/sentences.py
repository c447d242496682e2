"""A score in plain sentences, the same in the terminal and on the page."""

from backtest.report.writing import when_text
from backtest.score.calibration import Calibration
from backtest.score.card import Scorecard
from backtest.score.power import Power
from backtest.score.reasons import ReasonClass
from backtest.score.score import Score, ValueAdded
from backtest.score.spending import RealGap, Spending

KEEP_ASKING = (
    "Risk ended most of the measuring: a run that is only to measure is kept asking by SIZING_KELLY_FRACTION=0 and a "
    "wide RISK_MAX_DRAWDOWN_PCT (docs/score.md)."
)
IN_SAMPLE = "meta, as often knows all its chances when it chooses its threshold; like oracle it is a bound, not a rule."


def span_of(score: Score, card: Scorecard) -> str:
    """Say how much was looked at."""
    if score.first_ms is None or score.last_ms is None:
        return f"{score.n_asked:,} triggers asked, none ended; trials used: {card.n_trials}."
    between = f"{when_text(score.first_ms).removesuffix(' UTC')} to {when_text(score.last_ms)}"
    triggers, days = _count(score.n_asked, "trigger"), _count(score.n_days, "day")
    return f"{triggers} asked, {score.n_resolved:,} of them ended, on {days} ({between}); trials used: {card.n_trials}."


def value_of(value: ValueAdded) -> str:
    """Say what denying came to, beside what a coin would have saved."""
    verb = "saved" if value.added_bps >= 0.0 else "cost"
    coin = "saved" if value.coin_added_bps >= 0.0 else "cost"
    return (
        f"Its denials {verb} {abs(value.added_bps):,.0f} bps in all ({value.fees_saved_bps:,.0f} bps of fees were not "
        f"paid); denying as many at random would have {coin} {abs(value.coin_added_bps):,.0f} bps."
    )


def needed_of(power: Power | None) -> str:
    """Say when anything could be known."""
    if power is None:
        return "How many triggers it takes cannot be told yet."
    parts = [
        f"{one.delta_bps:.1f} bps, as seen: {_more(one.n_more)}"
        if one.is_seen
        else f"{one.delta_bps:.0f} bps: {_more(one.n_more)}"
        for one in power.needed
    ]
    return (
        f"Triggers until a difference could be known ({power.power_frac:.0%} power): {'; '.join(parts)}. They are "
        f"worth {power.n_effective:,.0f} independent ones (design effect {power.design_effect:.2f}, sd "
        f"{power.sd_bps:.0f} bps)."
    )


def failures_said(score: Score) -> str:
    """Say how often nothing was judged, and what failing closed came to."""
    failed = [row for row in score.reasons if row.kind is ReasonClass.FAILED]
    n_failed, sum_bps = sum(row.n_asked for row in failed), sum(row.sum_bps for row in failed)
    if not n_failed:
        return "It answered every question."
    verb = "cost" if sum_bps >= 0.0 else "saved"
    return (
        f"In {n_failed / score.n_asked:.1%} of the cases nothing was judged and the trade denied (kind: failed); that "
        f"{verb} {abs(sum_bps):,.0f} bps."
    )


def calibration_said(score: Score) -> str:
    """Say whether its chances mean what they say."""
    stated, right = score.calibration.as_stated, score.calibration.put_right
    if stated is None:
        return "It states no chances, so there is no calibration to judge."
    told = [_brier(stated), _band(stated), f"{stated.n_distinct} different chances were used."]
    if stated.auroc is not None:
        told.append(f"A winner was given the higher chance in {stated.auroc:.0%} of the pairs.")
    if right is not None and score.calibration.brier_as_stated is not None:
        told.append(
            f"Put right by earlier ends (Platt, {right.n:,} triggers) Brier is {right.brier:.3f} instead of "
            f"{score.calibration.brier_as_stated:.3f}."
        )
    return " ".join(told)


def spending_said(spending: Spending) -> str:
    """Say what a decision costs."""
    parts = []
    if spending.latency_ms is not None:
        wait = spending.latency_ms
        parts.append(
            f"{wait.p50 / 1000:.2f} s a decision (p99 {wait.p99 / 1000:.2f} s, {wait.total / 60_000:,.1f} min in all)"
        )
    for name, tokens in (("prompt", spending.prompt_tokens), ("reply", spending.reply_tokens)):
        if tokens is not None:
            parts.append(f"{tokens.p50:,.0f} {name} tokens (p99 {tokens.p99:,.0f}, {tokens.total:,.0f} in all)")
    return f"{'; '.join(parts)}." if parts else "What a decision costs is not on record."


def gap_said(gap: RealGap | None) -> str:
    """Say how far the ledger is from the trades made."""
    if gap is None:
        return "No trade was made of these triggers, so ledger and trades cannot be compared."
    if abs(gap.mean_bps) < 0.005 and (gap.sd_bps or 0.0) < 0.005:
        return f"The {gap.n:,} trades really made came to what the ledger says."
    spread = "" if gap.sd_bps is None else f", sd {gap.sd_bps:.1f}"
    side = "more" if gap.mean_bps >= 0.0 else "less"
    return f"The {gap.n:,} trades really made came to {abs(gap.mean_bps):.2f} bps {side} than the ledger says{spread}."


def left_out(card: Scorecard) -> str:
    """Say which triggers are in no figure, empty where all are."""
    parts = []
    if card.n_never_asked:
        parts.append(
            f"{card.n_never_asked:,} of the triggers, which nobody was asked about (risk refused them, or no gate)"
        )
    if card.n_repeated:
        parts.append(f"{card.n_repeated:,} that a second run asked again, which count once")
    advice = f" {KEEP_ASKING}" if 2 * card.n_never_asked > card.n_triggers else ""
    return f"Left out: {'; '.join(parts)}.{advice}" if parts else ""


def _brier(stated: Calibration) -> str:
    skill = (
        ""
        if stated.brier_skill is None
        else f", skill {round(stated.brier_skill, 3) + 0.0:+.3f} against always saying the average"
    )
    return f"Brier {stated.brier:.3f}{skill}."


def _band(stated: Calibration) -> str:
    head = f"Its chances are off by {stated.ece_frac:.3f} on average"
    if stated.is_inside_null_band:
        return f"{head}, which true ones may show too with so few (95 % stay under {stated.ece_null_p95_frac:.3f})."
    return f"{head}, more than true ones would show (95 % stay under {stated.ece_null_p95_frac:.3f})."


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _more(n_more: int) -> str:
    return f"{n_more:,} more" if n_more else "enough"
