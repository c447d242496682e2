"""A walk-forward from end to end: choose in every window, run what was chosen on the next step, stitch the pieces."""

from collections.abc import Mapping, Sequence

import numpy as np

from backtest.luck.verdict import Luck, luck_of
from backtest.metrics.compiled import Metric
from backtest.metrics.returns import returns_of
from backtest.metrics.summary import Metrics, metrics_of
from backtest.objective import Objective
from backtest.outcome import RunOutcome
from backtest.parts import PartsOf
from backtest.segment import Segment
from backtest.sweep.grid import Grid
from backtest.walkforward.choosing import Choice
from backtest.walkforward.pieces import Piece, PieceRunner, Tape, stitched
from backtest.walkforward.windows import Window
from domain.instrument import MICROUSD_PER_USD
from domain.record import Record


class Step(Record, frozen=True, kw_only=True, eq=False):
    """One window and what came of it.

    choice: None when no combination had a score on train; the step stays flat then. settings: the chosen knobs.
    metrics: of the piece. in_sample_score, out_of_sample_score: the objective's figure on train and on the piece, the
    latter without conditions; None where undefined. note: why it stayed flat, else empty.
    """

    window: Window
    choice: Choice | None
    settings: Mapping[str, str]
    piece: Piece
    metrics: Metrics
    out_of_sample_score: float | None
    note: str

    @property
    def in_sample_score(self) -> float | None:
        """The score on train."""
        return None if self.choice is None else self.choice.score


class Walked(Record, frozen=True, kw_only=True, eq=False):
    """A whole walk-forward. outcome: the stitched pieces as one run; metrics and luck are of its returns."""

    steps: tuple[Step, ...]
    outcome: RunOutcome
    metrics: Metrics
    luck: Luck


NO_CANDIDATE = "no combination met the objective's conditions on train"
NO_TRAIN = "the tape has no minute to train on before it"
RUINED = "the account was at or below zero"


def walk_forward(
    tape: Tape,
    windows: Sequence[Window],
    chosen: Mapping[int, Choice],
    grid: Grid,
    parts_of: PartsOf,
    objective: Objective,
    run_id: str,
    seed: int,
) -> Walked:
    """Run what was chosen and stitch it. chosen: by window number, as `choose` gives it. seed: of the odds of luck."""
    runner, steps = PieceRunner(tape), list[Step]()
    cash = round(parts_of({}).rules.paper.starting_cash_usd * MICROUSD_PER_USD)
    begin = windows[0].step.first
    for window in windows:
        first = max(begin, window.step.first)
        if first >= window.step.until:
            # A position outlived the whole step; its minutes are part of the piece before.
            continue
        step = _step(runner, window, chosen.get(window.number), grid, parts_of, objective, tape, first, cash)
        steps.append(step)
        begin, cash = step.piece.segment.until, step.piece.ending_microusd
    outcome = stitched([step.piece for step in steps], run_id)
    markets = {tape.instrument.symbol: tape.instrument}
    return Walked(
        steps=tuple(steps),
        outcome=outcome,
        metrics=metrics_of(outcome, markets),
        luck=luck_of(returns_of(outcome.curve), n_trades=len(outcome.trades), seed=seed),
    )


def _step(
    runner: PieceRunner,
    window: Window,
    choice: Choice | None,
    grid: Grid,
    parts_of: PartsOf,
    objective: Objective,
    tape: Tape,
    first: int,
    cash_microusd: int,
) -> Step:
    segment = Segment(first=first, until=window.step.until)
    note = RUINED if cash_microusd <= 0 else NO_TRAIN if window.train is None else "" if choice else NO_CANDIDATE
    settings = {} if choice is None else grid.combination(choice.number)
    piece = runner.flat(segment, cash_microusd) if note else runner.run(parts_of(settings), segment, cash_microusd)
    metrics = metrics_of(piece.outcome, {tape.instrument.symbol: tape.instrument})
    figure = getattr(metrics, objective.metric.name.lower())
    return Step(
        window=window,
        choice=choice,
        settings=settings,
        piece=piece,
        metrics=metrics,
        out_of_sample_score=None if figure is None else float(figure),
        note=note,
    )


def efficiency(walked: Walked) -> float | None:
    """Return the mean daily return out of sample over that in sample; None when the latter is not above zero.

    In sample: the mean, over the windows that chose, of the chosen run's total return by the days of its train segment.
    Out of sample: the total returns of their pieces, the same way. 1 is all of what was promised, 0 none of it.
    """
    steps = [step for step in walked.steps if step.choice is not None]
    inside = [_daily_in_sample(step.choice) for step in steps if step.choice]
    outside = [_daily(step.metrics.total_return_frac or 0.0, step.metrics.n_days) for step in steps]
    if not steps or not np.mean(inside) > 0.0:
        return None
    return float(np.mean(outside) / np.mean(inside))


def _daily_in_sample(choice: Choice) -> float:
    return _daily(float(choice.figures[Metric.TOTAL_RETURN_FRAC]), float(choice.figures[Metric.N_DAYS]))


def _daily(total_return_frac: float, n_days: float) -> float:
    return total_return_frac / max(n_days, 1.0)
