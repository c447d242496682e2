"""A tuning from end to end: search on train, choose on validation, look at the test segment once."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backtest.luck.trials import Trials
from backtest.luck.verdict import Luck, luck_of
from backtest.metrics.compiled import Metric
from backtest.metrics.returns import daily_returns
from backtest.objective import Objective
from backtest.outcome import FloatArray
from backtest.segment import Segment
from backtest.sweep.telling import luck_of_chosen
from backtest.tune.search import Bench, best_by_score, search
from backtest.tune.space import Space
from backtest.tune.study import Study, Tried
from domain.record import Record


class Split(NamedTuple):
    """The three segments of a tape, in time order."""

    train: Segment
    validation: Segment
    test: Segment


class Aim(Record, frozen=True, kw_only=True):
    """What a tuning is to do. n_finalists: how many of the best on train are compared on validation.

    seed: of the search and of the odds. looks_at_test: whether the winner is run on the test segment.
    """

    objective: Objective
    n_trials: int
    n_finalists: int
    seed: int
    looks_at_test: bool = True


class Finalist(Record, frozen=True, kw_only=True, eq=False):
    """One of the best on train, and what it came to on validation. validation_score: None without a score there."""

    tried: Tried
    validation_score: float | None
    validation_figures: FloatArray


class Look(Record, frozen=True, kw_only=True, eq=False):
    """What the winner came to on the test segment. n_before: how often anybody had looked there before."""

    figures: FloatArray
    luck: Luck
    n_before: int


class Tuned(Record, frozen=True, kw_only=True, eq=False):
    """What a tuning found. finalists: best on train first. winner: None when none had a score on validation.

    n_trials: all ever walked in the study. luck: of the winner on train, counting them and all earlier looks.
    """

    n_trials: int
    n_scored: int
    n_impossible: int
    finalists: tuple[Finalist, ...]
    winner: Finalist | None
    luck: Luck | None
    look: Look | None


def tune(study: Study, space: Space, bench: Bench, split: Split, aim: Aim, on_progress: Callable[[int], None]) -> Tuned:
    """Search, choose and look. Raises StudyUnavailable; the trials finished before stay in the study."""
    search(study, space, bench, split.train, aim.objective, aim.n_trials, aim.seed, on_progress)
    tried = study.tried()
    finalists = tuple(_compared(one, bench, split, aim.objective) for one in best_by_score(tried, aim.n_finalists))
    winner = _best_on_validation(finalists)
    n_looks = len(study.looks())
    return Tuned(
        n_trials=len(tried),
        n_scored=sum(one.score is not None for one in tried),
        n_impossible=study.n_impossible(),
        finalists=finalists,
        winner=winner,
        luck=None if winner is None else _luck_on_train(winner.tried, tried, n_looks, aim.seed),
        look=None if winner is None or not aim.looks_at_test else look(study, bench, split.test, winner, aim.seed),
    )


def look(study: Study, bench: Bench, segment: Segment, winner: Finalist, seed: int) -> Look:
    """Run the winner on the test segment; the look is on record before it is taken, and counts as a trial."""
    n_before = len(study.looks())
    settings: Mapping[str, str] = winner.tried.settings
    study.remember_look(settings)
    measured = bench.measure(settings, segment)
    figures, days = measured.figures[0], measured.days_microusd[0]
    odds = luck_of(
        daily_returns(int(days[0]), days[1:]),
        n_trades=int(figures[Metric.N_TRADES]),
        seed=seed,
        trials=Trials(n_trials=1 + n_before),
    )
    return Look(figures=figures, luck=odds, n_before=n_before)


def _compared(tried: Tried, bench: Bench, split: Split, objective: Objective) -> Finalist:
    figures = bench.measure(tried.settings, split.validation).figures[0]
    shorter = objective.over(split.validation.n_minutes / split.train.n_minutes)
    return Finalist(tried=tried, validation_score=shorter.score(figures), validation_figures=figures)


def _best_on_validation(finalists: Sequence[Finalist]) -> Finalist | None:
    """Return the highest score; of equals the one that was better on train."""
    scored = [one for one in finalists if one.validation_score is not None]
    return max(scored, key=lambda one: one.validation_score or 0.0, default=None)


def _luck_on_train(winner: Tried, tried: Sequence[Tried], n_looks: int, seed: int) -> Luck:
    return luck_of_chosen(
        winner.figures,
        winner.days_microusd,
        np.array([one.figures[Metric.SHARPE] for one in tried]),
        np.stack([one.days_microusd for one in tried]),
        seed,
        n_more=n_looks,
    )
