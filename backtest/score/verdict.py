"""Has the gate shown that it knows anything: one word, one rule, one sentence."""

from enum import StrEnum
from typing import Final

from backtest.score.blocks import Interval
from backtest.score.coins import AgainstCoins
from backtest.score.ledger import Ledger
from backtest.score.power import DIFFERENCES_BPS, Power
from domain.record import Record

ALPHA_FRAC: Final = 0.05
FEWEST_DAYS: Final = 20
"""Below it an interval from days drawn anew covers less than it says (tests/unit/backtest/score/test_blocks.py)."""
FEWEST_OF_A_SIDE: Final = 10
LARGE_BPS: Final = DIFFERENCES_BPS[0]
RULE: Final = (
    "Evidence needs both: fewer than alpha of the random gates that approve as often lie as far from the middle "
    "(permutation test, two-sided), and the interval of approved less denied, whole days drawn anew, at 1 - alpha lies "
    "on the same side of zero. alpha is 5 % divided by the trials used: every backend, model, set of weights, prompt "
    f"and threshold that this journal has seen asked. Too few: under {FEWEST_DAYS} days, or under {FEWEST_OF_A_SIDE} "
    f"approved or denied, or no evidence where not even {LARGE_BPS:.0f} bps would have shown in four of five cases."
)


class Finding(StrEnum):
    """What it comes to. NO_EVIDENCE: there was enough to see a large difference, and none was seen."""

    TOO_FEW = "too_few"
    NO_EVIDENCE = "no_evidence"
    EVIDENCE_FOR = "evidence_for"
    EVIDENCE_AGAINST = "evidence_against"

    @property
    def words(self) -> str:
        """The finding as a person says it."""
        return self.value.replace("_", " ")


class Verdict(Record, frozen=True, kw_only=True):
    """alpha_frac: what is left of 5 % after the trials. interval: of delta_bps at 1 - alpha_frac."""

    finding: Finding
    sentence: str
    rule: str
    n_trials: int
    alpha_frac: float
    delta_bps: float | None
    interval: Interval | None
    p_value: float | None


class Shown(Record, frozen=True, kw_only=True):
    """What the verdict stands on; None where it cannot be told."""

    delta_bps: float | None
    interval: Interval | None
    coins: AgainstCoins | None
    power: Power | None


def verdict_of(ledger: Ledger, shown: Shown, n_asked: int, n_trials: int) -> Verdict:
    """Return the verdict by `RULE`. n_asked: triggers it was asked about, resolved or not."""
    finding, sentence = _found(ledger, shown, n_asked, ALPHA_FRAC / n_trials)
    return Verdict(
        finding=finding,
        sentence=sentence,
        rule=RULE,
        n_trials=n_trials,
        alpha_frac=ALPHA_FRAC / n_trials,
        delta_bps=shown.delta_bps,
        interval=shown.interval,
        p_value=None if shown.coins is None else shown.coins.p_value,
    )


def _found(ledger: Ledger, shown: Shown, n_asked: int, alpha_frac: float) -> tuple[Finding, str]:
    little = _too_little(ledger, n_asked)
    if little is not None:
        return Finding.TOO_FEW, little
    delta, interval, coins = shown.delta_bps, shown.interval, shown.coins
    if delta is None or coins is None:
        return Finding.TOO_FEW, "One side is empty: there is nothing to compare."
    if interval is not None and coins.p_value <= alpha_frac:
        if interval.low_bps > 0.0:
            return Finding.EVIDENCE_FOR, _evidence(delta, interval, coins, alpha_frac, "more")
        if interval.high_bps < 0.0:
            return Finding.EVIDENCE_AGAINST, _evidence(delta, interval, coins, alpha_frac, "less")
    return _nothing(ledger.n_triggers, delta, coins, shown.power)


def _too_little(ledger: Ledger, n_asked: int) -> str | None:
    """Say what is missing before anything can be said, None when nothing is."""
    n, n_approved = ledger.n_triggers, int(ledger.is_approved.sum())
    if n == 0:
        if n_asked == 0:
            return "Nobody was asked about anything: there is nothing to score."
        return f"None of {_counted(n_asked, 'trigger')} has ended yet: there is nothing to score so far."
    if n_approved in (0, n):
        word = "approved" if n_approved else "denied"
        return f"It {word} every one of {_counted(n, 'trigger')}: there is nothing to compare them with."
    if ledger.n_days < FEWEST_DAYS:
        return (
            f"Too few to know anything: {_counted(n, 'trigger')} on {_counted(ledger.n_days, 'day')}, and triggers of "
            f"one day resemble one another; at least {FEWEST_DAYS} days are needed."
        )
    fewest, word = min((n_approved, "approved"), (n - n_approved, "denied"))
    if fewest < FEWEST_OF_A_SIDE:
        return f"Too few to know anything: only {fewest} of {_counted(n, 'trigger')} {_was(fewest)} {word}."
    return None


def _nothing(n: int, delta_bps: float, coins: AgainstCoins, power: Power | None) -> tuple[Finding, str]:
    side = "more" if delta_bps >= 0.0 else "less"
    seen = (
        f"what it approved earned {abs(delta_bps):.1f} bps a trade {side} than what it denied, and "
        f"{_among(delta_bps, coins)}"
    )
    if power is not None and power.knowable_bps > LARGE_BPS:
        large = next(one for one in power.needed if one.delta_bps == LARGE_BPS)
        more = f"{large.n_more:,} more are needed" if large.n_more else "still too few"
        return Finding.TOO_FEW, (
            f"Too few to know: {_counted(n, 'trigger')} would show a difference of {power.knowable_bps:.0f} bps, not "
            f"one of {LARGE_BPS:.0f} ({more}); {seen}."
        )
    return Finding.NO_EVIDENCE, f"No evidence that the gate knows anything: {seen}."


def _evidence(delta_bps: float, interval: Interval, coins: AgainstCoins, alpha_frac: float, side: str) -> str:
    head = "Evidence for the gate" if side == "more" else "Evidence against the gate"
    low, high = interval.low_bps, interval.high_bps
    return (
        f"{head}: what it approved earned {abs(delta_bps):.1f} bps a trade {side} than what it denied "
        f"({_percent(1.0 - alpha_frac)} interval {low:+.1f} to {high:+.1f}), and {_among(delta_bps, coins)}. "
        "That is about the past."
    )


def _among(delta_bps: float, coins: AgainstCoins) -> str:
    """Say how many of the random gates do as well, or as badly."""
    frac, word = (coins.better_frac, "well") if delta_bps >= 0.0 else (coins.worse_frac, "badly")
    n_like = round(frac * (coins.n_draws + 1)) - 1
    if n_like == 0:
        return f"none of {coins.n_draws:,} random gates that approve as often does as {word}"
    share = f"{n_like:,} of {coins.n_draws:,}" if frac < 0.01 else f"{frac:.0%} of the"
    return f"{share} random gates that approve as often do as {word}"


def _percent(frac: float) -> str:
    return f"{frac * 100:.4g} %"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
