"""How many triggers it takes until a difference could be known.

Two samples, normal approximation: n = (z(1 - alpha / 2) + z(power))^2 * sd^2 * (1 / q + 1 / (1 - q)) / delta^2, q the
part that is approved (Chow, Shao & Wang, "Sample Size Calculations in Clinical Research", 2008, section 3.2). Triggers
of one day resemble one another, so n of them are worth n / design effect (Kish, "Survey Sampling", 1965).
"""

import math
from typing import Final

import numpy as np

from backtest.luck.odds import NORMAL
from backtest.outcome import FloatArray
from backtest.score.ledger import BoolArray
from domain.record import Record

POWER_FRAC: Final = 0.8
DIFFERENCES_BPS: Final = (10.0, 5.0, 2.0, 1.0)


class Needed(Record, frozen=True, kw_only=True):
    """How many triggers a difference takes in all, and how many more; n_more_days: at the pace so far."""

    delta_bps: float
    is_seen: bool
    n_triggers: int
    n_more: int
    n_more_days: float | None


class Power(Record, frozen=True, kw_only=True):
    """What can be known by now. sd_bps: of the net within approved and denied. design_effect: >= 1.

    n_effective: what the triggers are worth were they independent. knowable_bps: the difference that so many would
    show with 80 % power.
    """

    alpha_frac: float
    power_frac: float
    sd_bps: float
    approve_frac: float
    design_effect: float
    n_effective: float
    knowable_bps: float
    needed: tuple[Needed, ...]


def triggers_needed(
    delta_bps: float, sd_bps: float, approve_frac: float, *, alpha_frac: float = 0.05, power_frac: float = POWER_FRAC
) -> int:
    """Return how many independent triggers show such a difference with such a power.

    Raises ValueError for no difference, a deviation below zero, or a share that leaves one side empty.
    """
    if not (delta_bps != 0.0 and sd_bps >= 0.0 and 0.0 < approve_frac < 1.0):
        raise ValueError(f"{delta_bps} bps, sd {sd_bps}, {approve_frac} approved: nothing to compare")
    return math.ceil((_unit_bps(sd_bps, approve_frac, alpha_frac, power_frac) / delta_bps) ** 2)


def _unit_bps(sd_bps: float, approve_frac: float, alpha_frac: float, power_frac: float) -> float:
    """Return the difference that one trigger would show."""
    spread = math.sqrt(1.0 / approve_frac + 1.0 / (1.0 - approve_frac))
    return (NORMAL.inv_cdf(1.0 - alpha_frac / 2.0) + NORMAL.inv_cdf(power_frac)) * sd_bps * spread


def power_of(
    net_bps: FloatArray, is_approved: BoolArray, drawn_deltas: FloatArray, n_days: int, alpha_frac: float
) -> Power | None:
    """Return what so many triggers can show; None where one side has fewer than two, or nothing varies.

    net_bps, is_approved: shape (n,). drawn_deltas: the difference in each bootstrap draw of days, shape (n_draws,).
    """
    approved, denied = net_bps[is_approved], net_bps[~is_approved]
    if min(len(approved), len(denied)) < 2:
        return None
    squares = float(((approved - approved.mean()) ** 2).sum() + ((denied - denied.mean()) ** 2).sum())
    sd_bps, n = math.sqrt(squares / (len(net_bps) - 2)), len(net_bps)
    if sd_bps == 0.0:
        return None
    share = len(approved) / n
    effect = _design_effect(approved, denied, drawn_deltas)
    seen = float(approved.mean() - denied.mean())
    wanted = [(delta, False) for delta in DIFFERENCES_BPS] + ([(abs(seen), True)] if seen else [])
    return Power(
        alpha_frac=alpha_frac,
        power_frac=POWER_FRAC,
        sd_bps=sd_bps,
        approve_frac=share,
        design_effect=effect,
        n_effective=n / effect,
        knowable_bps=_unit_bps(sd_bps, share, alpha_frac, POWER_FRAC) / math.sqrt(n / effect),
        needed=tuple(
            _needed(delta, triggers_needed(delta, sd_bps, share, alpha_frac=alpha_frac), effect, n, n_days, is_seen)
            for delta, is_seen in wanted
        ),
    )


def _needed(delta_bps: float, n_alone: int, effect: float, n: int, n_days: int, is_seen: bool) -> Needed:
    in_all = math.ceil(n_alone * effect)
    more = max(in_all - n, 0)
    return Needed(
        delta_bps=delta_bps,
        is_seen=is_seen,
        n_triggers=in_all,
        n_more=more,
        n_more_days=more * n_days / n if n_days else None,
    )


def _design_effect(approved: FloatArray, denied: FloatArray, drawn_deltas: FloatArray) -> float:
    """Return the variance of the difference over days against that of independent triggers, at least 1."""
    known = drawn_deltas[np.isfinite(drawn_deltas)]
    alone = float(approved.var(ddof=1) / len(approved) + denied.var(ddof=1) / len(denied))
    if len(known) < 2 or alone == 0.0:
        return 1.0
    return max(float(known.var(ddof=1)) / alone, 1.0)
