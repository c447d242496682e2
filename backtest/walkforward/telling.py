"""What a walk-forward tells, as plain values for machines and for the console."""

from typing import Any

import msgspec

from backtest.compiled.columns import Columns
from backtest.sweep.telling import luck_by_name
from backtest.tune.telling import told_segment
from backtest.walkforward.drift import Drift
from backtest.walkforward.walkforward import Step, Walked, efficiency


def told_walked(columns: Columns, walked: Walked, drift: tuple[Drift, ...]) -> dict[str, Any]:
    """Return the stitched figures, every window, efficiency, drift and the odds of luck."""
    metrics = msgspec.to_builtins(walked.metrics)
    del metrics["net_r"]
    return {
        "n_windows": len(walked.steps),
        "n_flat": sum(bool(step.note) for step in walked.steps),
        "metrics": metrics,
        "efficiency": efficiency(walked),
        "verdict": verdict_of(walked),
        "luck": luck_by_name(walked.luck),
        "windows": [_step(columns, step) for step in walked.steps],
        "drift": [_drift(one) for one in drift],
    }


def verdict_of(walked: Walked) -> str:
    """Say in one sentence how much of what the windows promised was kept."""
    share = efficiency(walked)
    chose = [step for step in walked.steps if step.choice is not None]
    if not chose:
        return "No window had a candidate: nothing was traded."
    n_gained = sum(step.metrics.net_microusd > 0 for step in chose)
    gained = f"{n_gained} of {len(chose)} steps gained"
    if share is None:
        return f"Even in sample the chosen settings gained nothing on average; out of sample {gained}."
    if share <= 0.0:
        return f"Nothing of what was chosen in sample was left out of sample: {gained}."
    return f"Out of sample {share:.0%} of the daily return that was chosen for in sample was left: {gained}."


def _step(columns: Columns, step: Step) -> dict[str, Any]:
    return {
        "window": step.window.number,
        "train": None if step.window.train is None else told_segment(columns, step.window.train),
        "step": told_segment(columns, step.piece.segment),
        "settings": dict(step.settings) or None,
        "in_sample_score": step.in_sample_score,
        "out_of_sample_score": step.out_of_sample_score,
        "n_trades": step.metrics.n_trades,
        "net_microusd": step.metrics.net_microusd,
        "starting_microusd": step.piece.outcome.curve.starting_microusd,
        "ending_microusd": step.piece.ending_microusd,
        "is_open_at_end": step.piece.is_open_at_end,
        "note": step.note,
    }


def _drift(one: Drift) -> dict[str, Any]:
    return {
        "knob": one.name,
        "chosen": list(one.chosen),
        "n_changes": one.n_changes,
        "changed_frac": one.changed_frac,
        "mean_jump": one.mean_jump,
    }
