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
    Arm.META_AS_OFTEN: "meta, as often",
    Arm.GATE_AND_META: "gate and meta",
    Arm.ORACLE: "oracle",
}


def arm_sheet(score: Score) -> Sheet:
    """Compare the arms, each trigger by itself."""
    heads = ("arm", ">rate", ">approved", ">denied", ">delta", ">95 %", ">sum", ">fall")
    title = "Each trigger by itself: mean net of approved and denied, and what the approved add up to, bps"
    return Sheet(title, heads, tuple(_arm(one) for one in score.arms))


def portfolio_sheet(score: Score) -> Sheet:
    """Compare the arms with one position a market, where a denial leaves room for the next trigger."""
    heads = ("arm", ">trades", ">mean", ">sum", ">fall", ">over no gate", ">95 %")
    return Sheet("One position a market at a time, bps", heads, tuple(_portfolio(one) for one in score.arms))


def split_sheet(score: Score, wanted: Arm = Arm.GATE) -> Sheet:
    """Show one arm by side, regime and strategy."""
    arm = score.arm(wanted)
    rows = [] if arm is None else [_split(row) for split in arm.splits for row in split.rows]
    heads = ("group", ">triggers", ">rate", ">approved", ">denied", ">delta", ">95 %")
    return Sheet(f"{_NAMES[wanted].capitalize()} by side, regime and strategy, mean net in bps", heads, tuple(rows))


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
    return Sheet("Answers by reason, and what their triggers came to in bps", heads, rows)


def paired_sheet(paired: Paired) -> Sheet:
    """Hold the gate against the meta-label model, trigger by trigger."""
    figures = (paired.n, paired.n_both, paired.n_only_gate, paired.n_only_meta, paired.n_neither)
    row = (*(f"{figure:,}" for figure in figures), f"{paired.mcnemar_p:.3f}")
    heads = (">triggers", ">both", ">gate", ">meta", ">neither", ">p", ">bps each", ">95 %")
    title = "Gate against meta label: who was right (p: McNemar), and bps a trigger more from the gate"
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
    )


def _portfolio(one: ArmFigures) -> tuple[str, ...]:
    alone = one.portfolio
    interval = alone.interval
    return (
        _NAMES[one.arm],
        f"{alone.n_taken:,}",
        bps(alone.mean_bps),
        f"{alone.sum_bps:+,.0f}",
        f"{alone.max_drawdown_bps:,.0f}",
        f"{alone.more_than_none_bps:+,.0f}",
        ABSENT if interval is None else f"{interval.low_bps:+,.0f} to {interval.high_bps:+,.0f}",
    )


def _split(row: SplitRow) -> tuple[str, ...]:
    return (
        plain_words(row.name).lower(),
        f"{row.n:,}",
        f"{row.approve_frac:.0%}",
        bps(row.mean_approved_bps),
        bps(row.mean_denied_bps),
        bps(row.delta_bps),
        between(row.interval),
    )
