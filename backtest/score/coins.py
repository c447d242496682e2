"""Gates that approve as often as the one that is scored, and know nothing: the arm every gate must beat.

A gate that denies at random looks good on any strategy that loses a little, because it trades less. So the question is
not whether the account did better, but whether what was approved did better than as many triggers picked blindly: the
permutation test of Fisher and Pitman, with the p-value of Phipson & Smyth, "Permutation P-values Should Never Be Zero",
Statistical Applications in Genetics and Molecular Biology 9, 2010.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from backtest.outcome import FloatArray
from backtest.score.ledger import BoolArray
from domain.record import Record

CELLS_AT_ONCE: Final = 4_000_000
"""Triggers times draws held at a time; it bounds the memory."""
ROUNDING_BPS: Final = 1e-9


def coin_gates(n_triggers: int, n_approved: int, n_draws: int, seed: int) -> Iterator[BoolArray]:
    """Yield what blind gates approve, shape (n_rows, n_triggers) at a time, exactly n_approved in each row.

    Raises ValueError when so many cannot be approved.
    """
    if not 0 <= n_approved <= n_triggers:
        raise ValueError(f"{n_approved} of {n_triggers} triggers cannot be approved")
    draws = np.random.default_rng(seed)
    at_once = max(1, CELLS_AT_ONCE // max(n_triggers, 1))
    for start in range(0, n_draws, at_once):
        shape = (min(at_once, n_draws - start), n_triggers)
        approved = np.zeros(shape, dtype=np.bool_)
        if 0 < n_approved < n_triggers:
            chosen = np.argpartition(draws.random(shape), n_approved - 1, axis=1)[:, :n_approved]
            np.put_along_axis(approved, chosen, values=True, axis=1)
        else:
            approved[:] = n_approved == n_triggers
        yield approved


class AgainstCoins(Record, frozen=True, kw_only=True):
    """How the gate stands among the blind ones. The mean of the approved and the delta to the denied rank alike.

    better_frac, worse_frac: chance that a blind gate does at least as well, or at most as well. p_value: two-sided.
    coin_low_bps, coin_high_bps: where the middle 90 % of the blind gates' means of the approved lie.
    """

    n_draws: int
    better_frac: float
    worse_frac: float
    p_value: float
    coin_mean_bps: float
    coin_low_bps: float
    coin_high_bps: float


def against_coins(seen_bps: float, drawn_bps: FloatArray) -> AgainstCoins:
    """Return how a figure stands among those of blind gates, shape (n_draws,), larger being better."""
    n_draws = len(drawn_bps)
    slack = ROUNDING_BPS * max(abs(seen_bps), 1.0)
    better = (1.0 + float((drawn_bps >= seen_bps - slack).sum())) / (n_draws + 1.0)
    worse = (1.0 + float((drawn_bps <= seen_bps + slack).sum())) / (n_draws + 1.0)
    low, high = np.quantile(drawn_bps, [0.05, 0.95])
    return AgainstCoins(
        n_draws=n_draws,
        better_frac=better,
        worse_frac=worse,
        p_value=min(1.0, 2.0 * min(better, worse)),
        coin_mean_bps=float(drawn_bps.mean()),
        coin_low_bps=float(low),
        coin_high_bps=float(high),
    )
