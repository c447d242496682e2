"""The gates that are held against one another on the same triggers, and the figures of each."""

from enum import StrEnum
from typing import Final

import numpy as np

from backtest.outcome import FloatArray
from backtest.score.blocks import DayDraws, Interval, interval_of, mean_deltas
from backtest.score.ledger import BoolArray, Labels, Ledger
from backtest.score.sequence import deepest_fall_bps, taken_one_at_a_time
from domain.record import Record

SHOWN_CONFIDENCE_FRAC: Final = 0.95


class Arm(StrEnum):
    """Which gate. META: the meta-label model, walked forward. META_AS_OFTEN: it, approving as often as the gate."""

    NO_GATE = "no_gate"
    GATE = "gate"
    META = "meta_label"
    COINS = "random_gates"
    META_AS_OFTEN = "meta_label_as_often"
    GATE_AND_META = "gate_and_meta_label"
    ORACLE = "oracle"


class SplitRow(Record, frozen=True, kw_only=True):
    """One group of triggers, e.g. all longs. Means are None where no trigger is behind them."""

    name: str
    n: int
    approve_frac: float
    mean_approved_bps: float | None
    mean_denied_bps: float | None
    delta_bps: float | None
    interval: Interval | None


class Split(Record, frozen=True, kw_only=True):
    """The triggers grouped one way. title: what by."""

    title: str
    rows: tuple[SplitRow, ...]


class Portfolio(Record, frozen=True, kw_only=True):
    """What the approved triggers make with one position a market at a time. interval: of more_than_none_bps.

    n_skipped: approved, but the market was taken. more_than_none_bps: sum less that of no gate.
    """

    n_taken: int
    n_skipped: int
    mean_bps: float | None
    sum_bps: float
    max_drawdown_bps: float
    more_than_none_bps: float
    interval: Interval | None


class ArmFigures(Record, frozen=True, kw_only=True):
    """One gate on all triggers, each at the same notional by itself. interval: of delta_bps, days drawn anew.

    sum_bps, max_drawdown_bps: of the approved, in the order they ended. won_*_frac: part of them that won.
    Of random gates all figures are means over the draws, and the interval holds 95 of 100 draws.
    """

    arm: Arm
    n: int
    n_approved: int
    approve_frac: float
    mean_approved_bps: float | None
    mean_denied_bps: float | None
    delta_bps: float | None
    interval: Interval | None
    sum_bps: float
    max_drawdown_bps: float
    won_approved_frac: float | None
    won_denied_frac: float | None
    portfolio: Portfolio
    splits: tuple[Split, ...]


def approvals(ledger: Ledger) -> dict[Arm, BoolArray]:
    """Return what each gate approves, shape (n,); those of the meta-label model where it ever had an opinion."""
    gate = ledger.is_approved
    arms = {Arm.NO_GATE: np.ones_like(gate), Arm.GATE: gate}
    if np.isfinite(ledger.p_meta_frac).any():
        arms[Arm.META] = ledger.meta_approves
        arms[Arm.META_AS_OFTEN] = _as_often(ledger.p_meta_frac, gate)
        arms[Arm.GATE_AND_META] = gate & ledger.meta_approves
    arms[Arm.ORACLE] = ledger.is_win
    return arms


def figures_of(arm: Arm, ledger: Ledger, approved: BoolArray, draws: DayDraws) -> ArmFigures:
    """Return the figures of one gate. approved: shape (n,); there is at least one trigger."""
    net, n, everything = ledger.net_bps, ledger.n_triggers, np.ones(ledger.n_triggers, dtype=np.bool_)
    whole = _row("all", ledger, approved, everything, draws)
    return ArmFigures(
        arm=arm,
        n=n,
        n_approved=int(approved.sum()),
        approve_frac=whole.approve_frac,
        mean_approved_bps=whole.mean_approved_bps,
        mean_denied_bps=whole.mean_denied_bps,
        delta_bps=whole.delta_bps,
        interval=whole.interval,
        sum_bps=float(net[approved].sum()),
        max_drawdown_bps=deepest_fall_bps(ledger, approved),
        won_approved_frac=mean_of(ledger.is_win[approved].astype(np.float64)),
        won_denied_frac=mean_of(ledger.is_win[~approved].astype(np.float64)),
        portfolio=_portfolio(ledger, approved, draws),
        splits=tuple(
            _split(title, labels, ledger, approved, draws)
            for title, labels in (("side", ledger.side), ("regime", ledger.regime), ("strategy", ledger.strategy))
        ),
    )


def mean_of(values: FloatArray) -> float | None:
    """Return the mean, None of nothing."""
    return float(values.mean()) if len(values) else None


def _as_often(p_meta_frac: FloatArray, gate: BoolArray) -> BoolArray:
    """Approve the best by the model's chance, as large a part of those it has an opinion on as the gate approves.

    The threshold is chosen with all chances known, though with no outcome: a bound, not a rule one could have traded.
    """
    known = np.flatnonzero(np.isfinite(p_meta_frac))
    n_best = round(float(gate.mean()) * len(known))
    best = known[np.argsort(-p_meta_frac[known], kind="stable")[:n_best]]
    approved = np.zeros_like(gate)
    approved[best] = True
    return approved


def _split(title: str, labels: Labels, ledger: Ledger, approved: BoolArray, draws: DayDraws) -> Split:
    rows = [_row(name, ledger, approved, labels.places == place, draws) for place, name in enumerate(labels.names)]
    return Split(title=title, rows=tuple(rows))


def _row(name: str, ledger: Ledger, approved: BoolArray, within: BoolArray, draws: DayDraws) -> SplitRow:
    net = ledger.net_bps
    taken, left = mean_of(net[approved & within]), mean_of(net[~approved & within])
    interval = None
    if taken is not None and left is not None:
        drawn = mean_deltas(net, approved, draws, within)
        interval = interval_of(drawn, len(np.unique(ledger.day[within])), SHOWN_CONFIDENCE_FRAC)
    return SplitRow(
        name=name,
        n=int(within.sum()),
        approve_frac=float(approved[within].mean()),
        mean_approved_bps=taken,
        mean_denied_bps=left,
        delta_bps=None if taken is None or left is None else taken - left,
        interval=interval,
    )


def _portfolio(ledger: Ledger, approved: BoolArray, draws: DayDraws) -> Portfolio:
    taken = taken_one_at_a_time(ledger, approved)
    ungated = taken_one_at_a_time(ledger, np.ones_like(approved))
    net = ledger.net_bps
    drawn = draws.sums((net * taken - net * ungated)[:, np.newaxis])[:, 0]
    return Portfolio(
        n_taken=int(taken.sum()),
        n_skipped=int((approved & ~taken).sum()),
        mean_bps=mean_of(net[taken]),
        sum_bps=float(net[taken].sum()),
        max_drawdown_bps=deepest_fall_bps(ledger, taken),
        more_than_none_bps=float(net[taken].sum() - net[ungated].sum()),
        interval=interval_of(drawn, draws.n_days, SHOWN_CONFIDENCE_FRAC),
    )
