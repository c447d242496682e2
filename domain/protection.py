"""Where stops and targets stand: the arithmetic shared by the venue, the desk's exit agent and the compiled sweep.

`side` is that of the position: +1 long, -1 short. Every level is rounded away from the entry or the market, so a
stop is never tighter and a target never nearer than the plan asked for.
"""

from domain.account import Levels
from domain.compiled import kernel
from domain.decisions import ExitPlan
from domain.grid import steps_down, steps_worse


@kernel
def initial_levels(
    side: int, entry_ticks: int, stop_frac: float, target_frac: float, partial_at_r: float
) -> tuple[int, int, int]:
    """Return (stop_ticks, target_ticks, partial_ticks) for a position entered at `entry_ticks`.

    stop_frac, target_frac: distances as fractions of the entry price. partial_at_r: gain, in multiples of the stop's
    distance, at which part is taken; 0 = none. The stop stands at least one tick on the losing side and the target one
    on the winning side, neither below 1. partial_ticks is 0 when there is none, or when the target comes first.
    """
    worst_stop = steps_worse(entry_ticks * (1.0 - side * stop_frac), 1.0, -side)
    stop = max(1, side * min(side * worst_stop, side * entry_ticks - 1))
    far_target = steps_worse(entry_ticks * (1.0 + side * target_frac), 1.0, side)
    target = max(1, side * max(side * far_target, side * entry_ticks + 1))
    if partial_at_r <= 0.0:
        return stop, target, 0
    gain = partial_at_r * abs(entry_ticks - stop)
    partial = side * max(side * steps_worse(entry_ticks + side * gain, 1.0, side), side * entry_ticks + 1)
    return stop, target, partial if side * partial < side * target else 0


@kernel
def trailed_stop(
    side: int, stop_ticks: int, entry_ticks: int, best_ticks: int, trail_frac: float, trail_arm_frac: float
) -> tuple[int, bool]:
    """Return (stop_ticks, is_trailing) after the market has reached `best_ticks`; the stop only ever tightens.

    The trail stands `trail_frac` of the best price behind it, once that price has gained `trail_arm_frac` over the
    entry. trail_frac 0 = no trail. is_trailing: the stop stands where the trail puts it.
    """
    if trail_frac <= 0.0 or side * (best_ticks - entry_ticks) < trail_arm_frac * entry_ticks:
        return stop_ticks, False
    trail = max(1, steps_worse(best_ticks * (1.0 - side * trail_frac), 1.0, -side))
    if side * trail >= side * stop_ticks:
        return trail, True
    return stop_ticks, False


@kernel
def partial_size_lots(size_lots: int, partial_frac: float) -> int:
    """Return the lots of a partial exit, rounded down. size_lots: unsigned size at entry. 0 = no partial exit."""
    return steps_down(size_lots * partial_frac, 1.0)


def planned_levels(plan: ExitPlan, side: int, entry_ticks: int, size_lots: int) -> Levels:
    """Return where the protection of a position of `size_lots` > 0, entered at `entry_ticks`, stands at first."""
    stop, target, partial = initial_levels(side, entry_ticks, plan.stop_frac, plan.target_frac, plan.partial_at_r)
    partial_lots = partial_size_lots(size_lots, plan.partial_frac) if partial > 0 else 0
    return Levels(
        stop_ticks=stop,
        target_ticks=target,
        partial_ticks=partial if partial_lots > 0 else 0,
        partial_lots=partial_lots,
    )


def average_ticks(cost_microusd: int, size_lots: int, microusd_per_tick_lot: int) -> int:
    """Return the price, to the nearest tick, at which so much was paid for so many lots; both of one sign."""
    unit = size_lots * microusd_per_tick_lot
    return max(1, (2 * cost_microusd + unit) // (2 * unit))


def quiet_bounds(side: int, levels: Levels, tick: float) -> tuple[float, float]:
    """Return two prices: a bar strictly between them touches no level.

    They stand a tick inside the levels, so that a bar beyond them may touch one and has to be looked at closely.
    """
    nearest = levels.target_ticks
    if levels.partial_lots > 0:
        nearest = side * min(side * nearest, side * levels.partial_ticks)
    if side > 0:
        return (levels.stop_ticks + 1) * tick, (nearest - 1) * tick
    return (nearest + 1) * tick, (levels.stop_ticks - 1) * tick
