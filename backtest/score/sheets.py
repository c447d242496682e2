"""The tables of a score as plain cells, the same in the terminal and on the page."""

from typing import NamedTuple

from backtest.report.writing import ABSENT, plain_words
from backtest.score.arms import Arm, ArmFigures, SplitRow
from backtest.score.blocks import Interval
from backtest.score.pairing import Paired
from backtest.score.reasons import ReasonClass
from backtest.score.score import Score


class Sheet(NamedTuple):
    """A title, heads and rows of text. A head that begins with `>` stands over figures."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


_NAMES = {
    Arm.NO_GATE: "no gate",
    Arm.GATE: "the gate",
    Arm.META: "meta label",
    Arm.COINS: "random gates",
    Arm.META_AS_OFTEN: "meta label as often",
    Arm.GATE_AND_META: "gate and meta label",
    Arm.ORACLE: "oracle (a bound)",
}


def arm_sheet(score: Score) -> Sheet:
    """Compare the arms, each trigger by itself and with one position a market."""
    heads = (
        "arm",
        ">approved",
        ">their mean",
        ">denied mean",
        ">delta",
        ">95 %",
        ">sum",
        ">drawdown",
        ">one a market",
        ">sum",
        ">drawdown",
    )
    title = "Arms, net in bps: each trigger by itself, then with one position a market"
    return Sheet(title, heads, tuple(_arm(one) for one in score.arms))


def split_sheet(score: Score, wanted: Arm = Arm.GATE) -> Sheet:
    """Show one arm by side, regime and strategy."""
    arm = score.arm(wanted)
    rows = [] if arm is None else [_split(split.title, row) for split in arm.splits for row in split.rows]
    heads = ("group", ">triggers", ">approved", ">their mean", ">denied mean", ">delta", ">95 %")
    return Sheet(f"{_NAMES[wanted].capitalize()} by group, net in bps", heads, tuple(rows))


def reason_sheet(score: Score) -> Sheet:
    """Show why it answered as it did, and what failing closed cost."""
    words = {ReasonClass.APPROVED: "yes", ReasonClass.JUDGED: "no", ReasonClass.FAILED: "failed"}
    rows = tuple(
        (
            row.reason_code,
            words[row.kind],
            f"{row.n_asked:,}",
            f"{row.asked_frac:.1%}",
            bps(row.mean_bps),
            f"{row.sum_bps:+,.0f}",
        )
        for row in score.reasons
    )
    heads = ("reason", "kind", ">times", ">share", ">mean net", ">sum net")
    return Sheet("Answers by reason, and what their triggers came to, in bps", heads, rows)


def paired_sheet(paired: Paired) -> Sheet:
    """Hold the gate against the meta-label model, trigger by trigger."""
    figures = (paired.n, paired.n_both, paired.n_only_gate, paired.n_only_meta, paired.n_neither)
    row = (*(f"{figure:,}" for figure in figures), f"{paired.mcnemar_p:.3f}")
    heads = (
        ">triggers",
        ">both right",
        ">only gate",
        ">only model",
        ">neither",
        ">McNemar p",
        ">bps a trigger",
        ">95 %",
    )
    title = "The gate against the meta-label model"
    return Sheet(title, heads, ((*row, bps(paired.more_bps), between(paired.interval)),))


def bin_sheet(score: Score) -> Sheet:
    """List the bins of the reliability diagram."""
    stated = score.calibration.as_stated
    rows = (
        ()
        if stated is None
        else tuple(
            (
                f"{one.mean_p_frac:.1%}",
                f"{one.n:,}",
                f"{one.won_frac:.1%}",
                f"{one.low_frac:.1%} to {one.high_frac:.1%}",
            )
            for one in stated.bins
        )
    )
    return Sheet("Stated chances and what came", ("stated", ">triggers", ">won", ">95 %"), rows)


def bps(figure: float | None) -> str:
    """Write a figure in bps: `+1.2`; None is a dash."""
    return ABSENT if figure is None else f"{round(figure, 1) + 0.0:+,.1f}"


def between(interval: Interval | None) -> str:
    """Write an interval in bps."""
    return ABSENT if interval is None else f"{bps(interval.low_bps)} to {bps(interval.high_bps)}"


def _arm(one: ArmFigures) -> tuple[str, ...]:
    return (
        _NAMES[one.arm],
        f"{one.approve_frac:.0%}",
        bps(one.mean_approved_bps),
        bps(one.mean_denied_bps),
        bps(one.delta_bps),
        between(one.interval),
        f"{one.sum_bps:+,.0f}",
        f"{one.max_drawdown_bps:,.0f}",
        f"{one.portfolio.n_taken:,}",
        f"{one.portfolio.sum_bps:+,.0f}",
        f"{one.portfolio.max_drawdown_bps:,.0f}",
    )


def _split(title: str, row: SplitRow) -> tuple[str, ...]:
    return (
        f"{title}: {plain_words(row.name).lower()}",
        f"{row.n:,}",
        f"{row.approve_frac:.0%}",
        bps(row.mean_approved_bps),
        bps(row.mean_denied_bps),
        bps(row.delta_bps),
        between(row.interval),
    )
