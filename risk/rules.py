"""The rules an entry must pass, each one pure question, named as the good state.

Two tuples a reader can count: ENTRY_RULES are asked before anything is sized (and before a model is asked),
SIZE_RULES of the order that would leave. At a cap on size or quality ("at most") the answer is yes; at a cap on
losses or counts ("so many and no more") it is no. A figure that is absent cannot be judged, and is refused.
"""

from collections.abc import Callable
from typing import Final

from domain.decisions import Refusal
from domain.instrument import usd
from risk.case import Case
from risk.exposure import liquidation_distance_bps
from risk.sizing import GRID, KELLY, cap_microusd, gross_cap_microusd, kelly_of

Rule = Callable[[Case], Refusal | None]

# Sizes are chosen to meet a cap exactly; the last digits of a float are not a breach.
FLOAT_NOISE: Final = 1e-9
NOISE_BPS: Final = 1e-6


def snapshot_is_fit(case: Case) -> Refusal | None:
    """Refuse on a snapshot with defects."""
    defects = case.snapshot.defects
    return Refusal(rule="snapshot_is_fit", reason="; ".join(defects)) if defects else None


def snapshot_is_fresh(case: Case) -> Refusal | None:
    """Refuse on a snapshot that is too old, or from a future the clock has not reached."""
    age_ms, cap_ms = case.now_ms - case.snapshot.as_of_ms, case.limits.max_snapshot_age_ms
    if 0 <= age_ms <= cap_ms:
        return None
    aged = f"{age_ms / 1e3:.1f} s old" if age_ms > 0 else f"{-age_ms / 1e3:.1f} s ahead of the clock"
    return Refusal(rule="snapshot_is_fresh", reason=f"snapshot is {aged}, the cap is {cap_ms / 1e3:.1f} s")


def mark_agrees_with_oracle(case: Case) -> Refusal | None:
    """Refuse when mark and oracle stand apart, or when only one of them is known.

    A source that has neither (a plain tape) passes: nothing is claimed about a gap that nobody publishes.
    """
    mark, oracle, cap_bps = case.snapshot.mark, case.snapshot.oracle, case.limits.max_mark_oracle_gap_bps
    if mark is None and oracle is None:
        return None
    if mark is None or oracle is None:
        absent = "mark" if mark is None else "oracle"
        return Refusal(rule="mark_agrees_with_oracle", reason=f"the {absent} is not known, the other is")
    if mark.value <= 0.0 or oracle.value <= 0.0:
        reason = f"mark {mark.value:g} or oracle {oracle.value:g} is not a price"
        return Refusal(rule="mark_agrees_with_oracle", reason=reason)
    gap_bps = abs(mark.value - oracle.value) / oracle.value * 1e4
    if gap_bps <= cap_bps + NOISE_BPS:
        return None
    reason = f"mark is {gap_bps:.1f} bps off the oracle, the cap is {cap_bps:.1f}"
    return Refusal(rule="mark_agrees_with_oracle", reason=reason)


def spread_is_tight(case: Case) -> Refusal | None:
    """Refuse when the spread is wide or not known."""
    spread, cap_bps = case.snapshot.spread_bps, case.limits.max_spread_bps
    if spread is None:
        return Refusal(rule="spread_is_tight", reason=f"spread is not known, the cap is {cap_bps:.1f} bps")
    if spread.value <= cap_bps:
        return None
    return Refusal(rule="spread_is_tight", reason=f"spread is {spread.value:.1f} bps, the cap is {cap_bps:.1f}")


def day_loss_within_cap(case: Case) -> Refusal | None:
    """Refuse for as long as the day's loss, unrealised included, stands at the cap or beyond."""
    start, cap_frac = case.counters.day_start_of(case.snapshot.as_of_ms), case.limits.max_daily_loss_frac
    if start is None or start <= 0:
        return Refusal(rule="day_loss_within_cap", reason="there is no equity at the start of this UTC day")
    loss_frac = (start - case.exposure.equity_microusd) / start
    if loss_frac < cap_frac:
        return None
    reason = f"the day's loss is {loss_frac:.2%} of {usd(start):.2f} USD, the cap is {cap_frac:.2%}"
    return Refusal(rule="day_loss_within_cap", reason=reason)


def drawdown_within_limit(case: Case) -> Refusal | None:
    """Refuse once the fall from the peak has touched the limit, for the rest of the run."""
    counters, limit_frac = case.counters, case.limits.max_drawdown_frac
    peak, equity = counters.peak_equity_microusd, case.exposure.equity_microusd
    now_frac = (peak - equity) / peak if peak > 0 else 1.0
    worst_frac = max(counters.worst_drawdown_frac, now_frac)
    if worst_frac < limit_frac:
        return None
    reached = f"drawdown has reached {worst_frac:.2%}, the limit is {limit_frac:.2%}"
    reason = f"{reached}; a human must look at it, then begin a new run"
    return Refusal(rule="drawdown_within_limit", reason=reason)


def no_losing_streak(case: Case) -> Refusal | None:
    """Refuse for the rest of the UTC day once so many trades in a row have lost."""
    n_losses = case.counters.losing_streak_of(case.snapshot.as_of_ms)
    cap = case.limits.max_consecutive_losses
    if n_losses < cap:
        return None
    reason = f"{n_losses} losses in a row today, the cap is {cap}; entries pause until 00:00 UTC"
    return Refusal(rule="no_losing_streak", reason=reason)


def cooled_down(case: Case) -> Refusal | None:
    """Refuse for a while after a trade has closed, and for its own while after a losing one."""
    counters, limits, as_of_ms = case.counters, case.limits, case.snapshot.as_of_ms
    for what, closed_ms, pause_ms in (
        ("losing trade", counters.last_loss_ms, limits.cooldown_after_loss_ms),
        ("trade", counters.last_trade_ms, limits.cooldown_after_trade_ms),
    ):
        if closed_ms is not None and as_of_ms - closed_ms < pause_ms:
            quiet_s = (as_of_ms - closed_ms) / 1e3
            reason = f"the last {what} closed {quiet_s:.0f} s ago, the pause is {pause_ms / 1e3:.0f} s"
            return Refusal(rule="cooled_down", reason=reason)
    return None


def symbol_is_free(case: Case) -> Refusal | None:
    """Refuse where a position is held or an entry is on its way: this desk does not add to a position."""
    held = case.exposure.position_lots
    if held != 0:
        reason = f"{case.instrument.size(held)} of {case.instrument.symbol} is held already"
        return Refusal(rule="symbol_is_free", reason=reason)
    if case.exposure.has_pending_entry:
        return Refusal(rule="symbol_is_free", reason=f"an entry in {case.instrument.symbol} is on its way already")
    return None


def open_positions_within_limit(case: Case) -> Refusal | None:
    """Refuse when as many positions as allowed are open or on their way."""
    n_open, cap = case.exposure.n_open_positions, case.limits.max_open_positions
    if n_open < cap:
        return None
    return Refusal(rule="open_positions_within_limit", reason=f"{n_open} positions are open, the cap is {cap}")


def order_rate_within_limit(case: Case) -> Refusal | None:
    """Refuse when as many entry orders as allowed have left within a minute."""
    n_orders, cap = case.counters.n_entries_in_minute(case.snapshot.as_of_ms), case.limits.max_orders_per_minute
    if n_orders < cap:
        return None
    reason = f"{n_orders} entry orders in the last minute, the cap is {cap}"
    return Refusal(rule="order_rate_within_limit", reason=reason)


def order_notional_within_cap(case: Case) -> Refusal | None:
    """Refuse an order worth more than the cap."""
    notional, cap_usd = case.order_notional_microusd, case.limits.max_order_notional_usd
    if notional <= cap_microusd(cap_usd):
        return None
    reason = f"the order is worth {usd(notional):.2f} USD, the cap is {cap_usd:.2f}"
    return Refusal(rule="order_notional_within_cap", reason=reason)


def position_notional_within_cap(case: Case) -> Refusal | None:
    """Refuse an order that would make the position worth more than the cap."""
    notional = abs(case.exposure.position_lots) * case.lot_notional_microusd + case.order_notional_microusd
    cap_usd = case.limits.max_position_notional_usd
    if notional <= cap_microusd(cap_usd):
        return None
    reason = f"the position would be worth {usd(notional):.2f} USD, the cap is {cap_usd:.2f}"
    return Refusal(rule="position_notional_within_cap", reason=reason)


def gross_exposure_within_cap(case: Case) -> Refusal | None:
    """Refuse an order that would lift the sum of all notionals above the cap."""
    gross = case.exposure.gross_notional_microusd + case.order_notional_microusd
    cap = gross_cap_microusd(case.limits, case.exposure.equity_microusd)
    if gross <= cap:
        return None
    reason = f"gross exposure would be {usd(gross):.2f} USD, the cap is {usd(cap):.2f}"
    return Refusal(rule="gross_exposure_within_cap", reason=reason)


def margin_usage_within_cap(case: Case) -> Refusal | None:
    """Refuse an order that would tie up too much of the equity as initial margin."""
    equity, cap_frac = case.exposure.equity_microusd, case.limits.max_margin_usage_frac
    margin = case.exposure.initial_margin_microusd + case.order_notional_microusd * case.instrument.initial_margin_frac
    if margin <= max(0.0, cap_frac * equity * (1.0 + FLOAT_NOISE)):
        return None
    usage = f"{margin / equity:.1%} of equity" if equity > 0 else f"{margin / 1e6:.2f} USD on no equity"
    return Refusal(rule="margin_usage_within_cap", reason=f"margin would be {usage}, the cap is {cap_frac:.1%}")


def liquidation_is_far(case: Case) -> Refusal | None:
    """Refuse an order that would bring liquidation too near, were everything held to move against us at once."""
    held, notional, limit_bps = case.exposure, case.order_notional_microusd, case.limits.min_liquidation_distance_bps
    distance_bps = liquidation_distance_bps(
        float(held.equity_microusd),
        float(held.gross_notional_microusd + notional),
        held.maintenance_margin_microusd + notional * case.instrument.maintenance_margin_frac,
    )
    if distance_bps >= limit_bps - NOISE_BPS:
        return None
    reason = f"liquidation would be {distance_bps:.1f} bps away, the least is {limit_bps:.1f}"
    return Refusal(rule="liquidation_is_far", reason=reason)


def size_is_tradable(case: Case) -> Refusal | None:
    """Refuse a size below the venue's minimum, and say which method made it so small."""
    minimum = case.instrument.min_size_lots
    if case.lots >= minimum:
        return None
    method = min(case.sizes_lots, key=lambda size: size[1])[0] if case.sizes_lots else "nobody"
    detail = ""
    if method == KELLY:
        detail = f"; {case.counters.n_trades} trades on record have a Kelly fraction of {kelly_of(case):+.3f}"
    elif method == GRID:
        detail = f"; {case.proposal.reference_price:g} is no price of {case.instrument.symbol}"
    reason = f"{case.lots} lots by {method}, the venue's minimum is {minimum}{detail}"
    return Refusal(rule="size_is_tradable", reason=reason)


def own_record_has_an_edge(case: Case) -> Refusal | None:
    """Refuse when Kelly has a vote and the desk's own record says that trading on loses: its stake would be nothing.

    It ends only with the run: without further trades the record cannot improve.
    """
    counters, policy = case.counters, case.sizing
    if policy.kelly_fraction <= 0.0 or counters.n_trades < policy.kelly_min_trades:
        return None
    fraction = kelly_of(case)
    if fraction > 0.0:
        return None
    reason = f"{counters.n_trades} trades on record have a Kelly fraction of {fraction:+.3f}: no size is right"
    return Refusal(rule="own_record_has_an_edge", reason=reason)


ENTRY_RULES: tuple[Rule, ...] = (
    snapshot_is_fit,
    symbol_is_free,
    own_record_has_an_edge,
    snapshot_is_fresh,
    mark_agrees_with_oracle,
    spread_is_tight,
    day_loss_within_cap,
    drawdown_within_limit,
    no_losing_streak,
    cooled_down,
    open_positions_within_limit,
    order_rate_within_limit,
)

SIZE_RULES: tuple[Rule, ...] = (
    size_is_tradable,
    order_notional_within_cap,
    position_notional_within_cap,
    gross_exposure_within_cap,
    margin_usage_within_cap,
    liquidation_is_far,
)
