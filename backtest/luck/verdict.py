"""Could it be luck: the odds of one result, and one plain sentence about them.

The sentence speaks of the past only. It never says that a strategy will earn money, because no backtest can.
"""

import math
from enum import StrEnum
from typing import Final

import numpy as np
from msgspec.structs import replace

from backtest.luck import sentences
from backtest.luck.bootstrap import SharpeInterval, sharpe_interval
from backtest.luck.odds import min_track_record_days, probabilistic_sharpe_frac
from backtest.luck.overfitting import Overfitting
from backtest.luck.returns import ReturnShape, shape_of
from backtest.luck.trials import (
    ONE_TRIAL,
    Trials,
    deflated_sharpe_frac,
    lucky_sharpe,
    min_backtest_days,
    null_variance,
)
from backtest.metrics.returns import DAYS_PER_YEAR
from backtest.outcome import FloatArray
from domain.record import Record

FEWEST_DAYS: Final = 30
"""Below it the odds, which hold for long records, say nothing."""
CHANCE_PBO_FRAC: Final = 0.5
"""From here on, choosing the best in sample is no better than choosing at random."""
ANNUAL: Final = math.sqrt(DAYS_PER_YEAR)


class Finding(StrEnum):
    """What the odds come to; the first that applies."""

    NO_TRADES = "no_trades"
    RUINED = "ruined"
    TOO_FEW_DAYS = "too_few_days"
    NO_GAIN = "no_gain"
    BELOW_LUCK = "below_luck"
    TOO_SHORT = "too_short"
    OVERFITTED = "overfitted"
    PLAUSIBLE = "plausible"


class Luck(Record, frozen=True, kw_only=True):
    """The odds of one result, and what they come to. Sharpe ratios are a year's. None where there is nothing to tell.

    lucky_sharpe: what the best of n_trials is expected to show without any edge. probabilistic_frac: probability that
    the true Sharpe ratio is above zero (PSR). deflated_frac: that it is above lucky_sharpe (DSR);
    deflated_independent_frac: the same when only the independent trials count. min_track_record_days: how many
    such days it takes for a DSR of `confidence_frac`; None when no number of them does. min_backtest_days: how long a
    backtest must be for luck alone not to show this Sharpe ratio. pbo_*, degradation_slope: as in `Overfitting`.
    """

    finding: Finding
    sentence: str
    n_trades: int
    n_days: int
    trials: Trials
    confidence_frac: float
    sharpe: float | None = None
    lucky_sharpe: float | None = None
    probabilistic_frac: float | None = None
    deflated_frac: float | None = None
    deflated_independent_frac: float | None = None
    min_track_record_days: float | None = None
    min_backtest_days: float | None = None
    interval: SharpeInterval | None = None
    pbo_frac: float | None = None
    pbo_loss_frac: float | None = None
    degradation_slope: float | None = None


def luck_of(
    returns: FloatArray,
    *,
    n_trades: int,
    seed: int,
    trials: Trials = ONE_TRIAL,
    overfitting: Overfitting | None = None,
    confidence_frac: float = 0.95,
) -> Luck:
    """Return whether a result could be luck.

    returns: daily, of the result that is shown, shape (n_days,), as `returns_of` gives them. trials: all that was
    tried before it was chosen. overfitting: of that choice, where it was looked at. seed: of the bootstrap. Raises
    ValueError when fewer trials are owned up to than configurations were compared.
    """
    if overfitting is not None and overfitting.n_configurations > trials.n_trials:
        raise ValueError(
            f"{overfitting.n_configurations} configurations compared were more than {trials.n_trials} trials"
        )
    shape = shape_of(returns) if np.isfinite(returns).all() else None
    bare = Luck(
        finding=Finding.NO_TRADES,
        sentence=sentences.no_trades(),
        n_trades=n_trades,
        n_days=int(returns.shape[0]),
        trials=trials,
        confidence_frac=confidence_frac,
    )
    if n_trades == 0:
        return bare
    if shape is None or shape.n_days < FEWEST_DAYS:
        return _without_odds(bare, returns)
    luck = _with_odds(bare, shape, sharpe_interval(returns, seed=seed), overfitting)
    finding, sentence = _judged(luck)
    return replace(luck, finding=finding, sentence=sentence)


def _without_odds(bare: Luck, returns: FloatArray) -> Luck:
    if not np.isfinite(returns).all():
        return replace(bare, finding=Finding.RUINED, sentence=sentences.ruined())
    few = sentences.too_few_days(bare.n_days, bare.n_trades, FEWEST_DAYS)
    return replace(bare, finding=Finding.TOO_FEW_DAYS, sentence=few)


def _with_odds(
    bare: Luck, shape: ReturnShape, interval: SharpeInterval | None, overfitting: Overfitting | None
) -> Luck:
    trials = bare.trials
    variance = null_variance(shape.n_days) if trials.sharpe_variance is None else trials.sharpe_variance
    lucky = lucky_sharpe(trials.n_trials, variance)
    independent = trials.n_independent
    return replace(
        bare,
        sharpe=shape.sharpe * ANNUAL,
        lucky_sharpe=lucky * ANNUAL,
        probabilistic_frac=probabilistic_sharpe_frac(shape),
        deflated_frac=probabilistic_sharpe_frac(shape, lucky),
        deflated_independent_frac=None if independent is None else deflated_sharpe_frac(shape, independent, variance),
        min_track_record_days=min_track_record_days(shape, lucky, bare.confidence_frac),
        min_backtest_days=min_backtest_days(trials.n_trials, shape.sharpe * ANNUAL),
        interval=interval,
        pbo_frac=None if overfitting is None else overfitting.pbo_frac,
        pbo_loss_frac=None if overfitting is None else overfitting.loss_frac,
        degradation_slope=None if overfitting is None else overfitting.degradation_slope,
    )


def _judged(luck: Luck) -> tuple[Finding, str]:
    n_trials, n_days = luck.trials.n_trials, luck.n_days
    sharpe, lucky, deflated_frac = luck.sharpe or 0.0, luck.lucky_sharpe or 0.0, luck.deflated_frac or 0.0
    if sharpe <= 0.0:
        return Finding.NO_GAIN, sentences.no_gain(sharpe)
    if sharpe <= lucky:
        return Finding.BELOW_LUCK, sentences.below_luck(n_trials, sharpe, lucky)
    if deflated_frac < luck.confidence_frac:
        needed_days = luck.min_track_record_days
        short = sentences.too_short(n_trials, n_days, sharpe, lucky, needed_days, luck.confidence_frac)
        return Finding.TOO_SHORT, short
    if luck.pbo_frac is not None and luck.pbo_frac >= CHANCE_PBO_FRAC:
        return Finding.OVERFITTED, sentences.overfitted(n_trials, luck.pbo_frac)
    return Finding.PLAUSIBLE, sentences.plausible(n_trials, n_days, sharpe, lucky, deflated_frac)
