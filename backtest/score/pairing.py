"""Two gates on the same triggers: who was right more often, and whose choice earned more."""

import math

import numpy as np

from backtest.score.blocks import DayDraws, Interval, interval_of
from backtest.score.ledger import BoolArray, Ledger
from domain.record import Record


class Paired(Record, frozen=True, kw_only=True):
    """The gate against the meta-label model where that had an opinion.

    Right is: approved what won, or denied what did not. only_gate, only_meta: triggers on which one alone was right.
    mcnemar_p: chance of so uneven a split between equals, two-sided. more_bps: mean net a trigger of the gate's choice
    less that of the model's, a denied trigger counting as 0.
    """

    n: int
    n_both: int
    n_only_gate: int
    n_only_meta: int
    n_neither: int
    mcnemar_p: float
    more_bps: float
    interval: Interval | None


def paired_of(ledger: Ledger, draws: DayDraws, confidence_frac: float) -> Paired | None:
    """Return how the two compare; None where the meta-label model abstained throughout."""
    within = np.isfinite(ledger.p_meta_frac)
    n = int(within.sum())
    if not n:
        return None
    won, gate, meta = ledger.is_win, ledger.is_approved, ledger.meta_approves
    gate_right, meta_right = gate == won, meta == won
    more = (gate.astype(np.float64) - meta) * ledger.net_bps
    sums = draws.sums(np.column_stack([more * within, within]))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = sums[:, 0] / sums[:, 1]
    only_gate, only_meta = _count(gate_right & ~meta_right & within), _count(meta_right & ~gate_right & within)
    return Paired(
        n=n,
        n_both=_count(gate_right & meta_right & within),
        n_only_gate=only_gate,
        n_only_meta=only_meta,
        n_neither=_count(~gate_right & ~meta_right & within),
        mcnemar_p=mcnemar_p(only_gate, only_meta),
        more_bps=float(more[within].mean()),
        interval=interval_of(drawn, draws.n_days, confidence_frac),
    )


def mcnemar_p(n_one: int, n_other: int) -> float:
    """Return the exact two-sided p-value of McNemar's test, Psychometrika 12, 1947: a fair coin gives such a split."""
    n, least = n_one + n_other, min(n_one, n_other)
    if n == 0:
        return 1.0
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(least + 1)]
    tail = math.fsum(math.exp(one - n * math.log(2.0)) for one in logs)
    return min(1.0, 2.0 * tail)


def _count(which: BoolArray) -> int:
    return int(which.sum())
