"""The search: Optuna proposes settings, the compiled engine walks them over a segment, the study remembers."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from backtest.compiled.terms import packed_all, terms_of
from backtest.objective import Objective
from backtest.outcome import FloatArray
from backtest.parts import Parts, PartsOf
from backtest.segment import Segment
from backtest.sweep.block import Block, Measured, Walker
from backtest.tune.space import Space
from backtest.tune.study import DAYS, FIGURES, WHY, WORDS, Study, Tried, complaining
from domain.errors import BadInput
from domain.instrument import Instrument
from domain.record import Record


class Bench(Record, frozen=True, kw_only=True, eq=False):
    """What a set of settings is measured on."""

    walker: Walker
    parts_of: PartsOf
    instrument: Instrument

    def measure(self, settings: Mapping[str, str], segment: Segment) -> Measured:
        """Walk one set of settings over one segment. Raises BadInput when the values do not go together."""
        return self.walker.measure(block_of(self.parts_of(settings), self.instrument, segment))


def block_of(parts: Parts, instrument: Instrument, segment: Segment) -> Block:
    """Return one run over one segment as a unit of work."""
    return Block(
        numbers=np.zeros(1, dtype=np.int64),
        windows=parts.windows,
        regimes=parts.regimes,
        strategies=parts.strategies,
        switch=parts.rules.portfolio.regimes,
        thresholds=parts.thresholds,
        terms=packed_all([terms_of(parts.rules, instrument)]),
        segment=segment,
    )


def search(
    study: Study,
    space: Space,
    bench: Bench,
    segment: Segment,
    objective: Objective,
    n_trials: int,
    seed: int,
    on_progress: Callable[[int], None],
) -> None:
    """Make so many more trials on one segment, one after the other.

    Every proposal depends on the seed and the trials before it alone: a search that was stopped between two trials goes
    on as if it had not been. A trial that is interrupted is put down as failed.
    """
    for _ in range(n_trials):
        with complaining("written"):
            study.optuna.sampler = _sampler(study, seed)
            trial = study.optuna.ask(space.distributions())
        try:
            _try(study.optuna, trial, space.words(trial.params), bench, segment, objective)
        except BaseException:
            with complaining("written"):
                study.optuna.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            raise
        on_progress(1)


def _sampler(study: Study, seed: int) -> TPESampler:
    n_before = len(study.optuna.get_trials(deepcopy=False))
    return TPESampler(seed=int(np.random.SeedSequence([seed, n_before]).generate_state(1)[0]))


def _try(
    study: optuna.Study,
    trial: optuna.Trial,
    settings: Mapping[str, str],
    bench: Bench,
    segment: Segment,
    objective: Objective,
) -> None:
    try:
        measured = bench.measure(settings, segment)
    except BadInput as error:
        with complaining("written"):
            trial.set_user_attr(WHY, str(error))
            study.tell(trial, state=TrialState.FAIL)
        return
    score = objective.score(measured.figures[0])
    with complaining("written"):
        trial.set_user_attr(WORDS, dict(settings))
        trial.set_user_attr(FIGURES, _without_nan(measured.figures[0]))
        trial.set_user_attr(DAYS, measured.days_microusd[0].tolist())
        # Without a score it says where not to look: Optuna ranks what was pruned below every score.
        state = TrialState.PRUNED if score is None else TrialState.COMPLETE
        study.tell(trial, score, state)


def best_by_score(tried: Sequence[Tried], n_best: int) -> list[Tried]:
    """Return the trials with the highest scores, best first, each set of settings once; the earlier of equals first."""
    ranked = sorted((one for one in tried if one.score is not None), key=lambda one: (-(one.score or 0.0), one.number))
    distinct: dict[tuple[tuple[str, str], ...], Tried] = {}
    for one in ranked:
        distinct.setdefault(tuple(one.settings.items()), one)
    return list(distinct.values())[:n_best]


def _without_nan(figures: FloatArray) -> list[float | None]:
    return [None if math.isnan(figure) else figure for figure in figures.tolist()]
