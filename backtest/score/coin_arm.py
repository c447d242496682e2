"""Random gates that approve as often as the scored one: their figures, and where the scored one stands among them."""

import numpy as np

from backtest.outcome import FloatArray
from backtest.score.arms import Arm, ArmFigures, Portfolio, mean_of
from backtest.score.blocks import Interval
from backtest.score.coins import AgainstCoins, against_coins, coin_gates
from backtest.score.ledger import Ledger
from backtest.score.sequence import Columns, taken_one_at_a_time, walked
from domain.record import Record


class CoinArm(Record, frozen=True, kw_only=True):
    """alone: of the mean of the approved, each by itself. together: of the sum with one position a market."""

    figures: ArmFigures
    alone: AgainstCoins
    together: AgainstCoins


def coin_arm(ledger: Ledger, n_draws: int, seed: int) -> CoinArm | None:
    """Return random gates' figures and the gate's place among them; None where it approved all or nothing."""
    n, n_approved, net = ledger.n_triggers, int(ledger.is_approved.sum()), ledger.net_bps
    if not 0 < n_approved < n:
        return None
    told = np.concatenate([walked(ledger, approved) for approved in coin_gates(n, n_approved, n_draws, seed)])
    means = told[:, Columns.SUM_BPS] / n_approved
    deltas = means - (float(net.sum()) - told[:, Columns.SUM_BPS]) / (n - n_approved)
    n_won = float(told[:, Columns.N_WON].mean())
    figures = ArmFigures(
        arm=Arm.COINS,
        n=n,
        n_approved=n_approved,
        approve_frac=n_approved / n,
        mean_approved_bps=float(means.mean()),
        mean_denied_bps=float((means - deltas).mean()),
        delta_bps=float(deltas.mean()),
        interval=_middle(deltas),
        sum_bps=float(told[:, Columns.SUM_BPS].mean()),
        max_drawdown_bps=float(told[:, Columns.FALL_BPS].mean()),
        won_approved_frac=n_won / n_approved,
        won_denied_frac=(float(ledger.is_win.sum()) - n_won) / (n - n_approved),
        portfolio=_portfolio(ledger, told, n_approved),
        splits=(),
    )
    taken = taken_one_at_a_time(ledger, ledger.is_approved)
    return CoinArm(
        figures=figures,
        alone=against_coins(float(net[ledger.is_approved].mean()), means),
        together=against_coins(float(net[taken].sum()), told[:, Columns.TAKEN_SUM_BPS]),
    )


def _portfolio(ledger: Ledger, told: FloatArray, n_approved: int) -> Portfolio:
    ungated = taken_one_at_a_time(ledger, np.ones_like(ledger.is_approved))
    none_bps = float(ledger.net_bps[ungated].sum())
    sums, n_taken = told[:, Columns.TAKEN_SUM_BPS], told[:, Columns.N_TAKEN]
    return Portfolio(
        n_taken=round(float(n_taken.mean())),
        n_skipped=n_approved - round(float(n_taken.mean())),
        mean_bps=mean_of(sums / n_taken),
        sum_bps=float(sums.mean()),
        max_drawdown_bps=float(told[:, Columns.TAKEN_FALL_BPS].mean()),
        more_than_none_bps=float(sums.mean()) - none_bps,
        interval=_middle(sums - none_bps),
    )


def _middle(drawn: FloatArray) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(low_bps=float(low), high_bps=float(high))
