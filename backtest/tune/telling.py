"""What a tuning tells, as plain values for machines and for the console."""

from datetime import UTC, datetime
from typing import Any

from backtest.compiled.columns import Columns
from backtest.segment import Segment, span_ms
from backtest.sweep.telling import figures_by_name, luck_by_name
from backtest.tune.tuning import Finalist, Look, Split, Tuned


def told_split(columns: Columns, split: Split, embargo_bars: int) -> dict[str, Any]:
    """Return where each segment lies."""
    pieces = {name: told_segment(columns, segment) for name, segment in split._asdict().items()}
    return {"embargo_bars": embargo_bars, **pieces}


def told_segment(columns: Columns, segment: Segment) -> dict[str, Any]:
    """Return a segment's first and last close in UTC, and how many minutes it has."""
    first_ms, last_ms = span_ms(columns, segment)
    return {"from": _instant(first_ms), "until": _instant(last_ms), "n_minutes": segment.n_minutes}


def told_tuned(tuned: Tuned) -> dict[str, Any]:
    """Return what was found: counts, finalists, winner, its figures on each segment, and the odds of luck."""
    return {
        "n_trials": tuned.n_trials,
        "n_scored": tuned.n_scored,
        "n_impossible": tuned.n_impossible,
        "finalists": [_finalist(one) for one in tuned.finalists],
        "winner": None if tuned.winner is None else _winner(tuned.winner),
        "luck": luck_by_name(tuned.luck),
        "test": None if tuned.look is None else _look(tuned.look),
    }


def warning_of(look: Look) -> str | None:
    """Return the plain sentence about a test segment that is not fresh any more; None at the first look."""
    if look.n_before == 0:
        return None
    times = "once" if look.n_before == 1 else f"{look.n_before} times"
    return f"the test segment was already looked at {times}: this is no longer out of sample"


def _finalist(one: Finalist) -> dict[str, Any]:
    return {
        "trial": one.tried.number,
        "settings": dict(one.tried.settings),
        "train_score": one.tried.score,
        "validation_score": one.validation_score,
    }


def _winner(one: Finalist) -> dict[str, Any]:
    figures = {"train": one.tried.figures, "validation": one.validation_figures}
    return {**_finalist(one), "figures": {name: figures_by_name(vector) for name, vector in figures.items()}}


def _look(look: Look) -> dict[str, Any]:
    return {
        "n_looks_before": look.n_before,
        "warning": warning_of(look),
        "figures": figures_by_name(look.figures),
        "luck": luck_by_name(look.luck),
    }


def _instant(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%MZ}"
