"""Records are frozen and refuse to be wrong."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Approved, ApprovedOrder, ExitPlan, ExitReason, Side
from domain.instrument import Instrument
from domain.market import Bar, Reading, Snapshot

GOOD = {
    "open_ms": 0,
    "close_ms": 60_000,
    "open_price": 10.0,
    "high_price": 12.0,
    "low_price": 9.0,
    "close_price": 11.0,
    "volume_base": 5.0,
}


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Bar(**GOOD).open_price = 11.0  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize("name", ["open_price", "high_price", "low_price", "close_price", "volume_base"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, -1.0])
def test_a_bar_refuses_what_no_market_can_print(name: str, wrong: float) -> None:
    with pytest.raises(ValueError, match="not a possible bar"):
        Bar(**{**GOOD, name: wrong})


@given(prices=st.tuples(*[st.floats(0.01, 100.0)] * 4))
def test_a_bar_exists_only_with_open_and_close_between_low_and_high(prices: tuple[float, ...]) -> None:
    open_price, high, low, close = prices
    parts = {**GOOD, "open_price": open_price, "high_price": high, "low_price": low, "close_price": close}
    if low <= min(open_price, close) and high >= max(open_price, close):
        assert Bar(**parts).high_price == high
    else:
        with pytest.raises(ValueError, match="not a possible bar"):
            Bar(**parts)


def test_an_absent_figure_is_none_and_never_a_nan() -> None:
    with pytest.raises(ValueError, match="not a figure"):
        Reading(value=math.nan, source="test", as_of_ms=0)


def test_a_snapshot_cannot_know_a_bar_before_it_has_closed_or_lack_one_without_a_reason() -> None:
    with pytest.raises(ValueError, match="is not known at"):
        Snapshot(symbol="SOL-PERP", as_of_ms=59_999, bar=Bar(**GOOD))
    with pytest.raises(ValueError, match="must say why"):
        Snapshot(symbol="SOL-PERP", as_of_ms=60_000, bar=None)
    assert not Snapshot(symbol="SOL-PERP", as_of_ms=60_000, bar=Bar(**GOOD)).unfit("late").is_fit


def test_the_gate_cannot_enlarge() -> None:
    for keep_frac in (0.0, 1.0000001, math.nan, -0.5):
        with pytest.raises(ValueError, match="outside"):
            Approved(keep_frac=keep_frac, reason_code="x", backend="x")


def test_an_entry_carries_a_plan_and_an_exit_a_reason_and_never_both() -> None:
    plan = ExitPlan(
        stop_frac=0.01, target_frac=0.02, trail_frac=0.0, trail_arm_frac=0.0, partial_at_r=0.0, partial_frac=0.0,
        max_hold_bars=1,
    )  # fmt: skip
    common = {
        "client_order_id": "x", "symbol": "SOL-PERP", "strategy": "e3", "side": Side.BUY, "size_lots": 1,
        "reference_ticks": 1, "decided_ms": 0,
    }  # fmt: skip
    for reduce_only, exit_plan, exit_reason in (
        (False, None, None),
        (True, plan, ExitReason.TIME),
        (True, None, None),
        (False, plan, ExitReason.TIME),
    ):
        with pytest.raises(ValueError, match="an entry carries a plan"):
            ApprovedOrder(**common, reduce_only=reduce_only, exit_plan=exit_plan, exit_reason=exit_reason)


def test_an_instrument_whose_money_would_not_be_whole_microdollars_is_refused() -> None:
    with pytest.raises(ValueError, match="off the grid"):
        Instrument(
            symbol="X", tick_size_price=Decimal("0.00001"), lot_size_base=Decimal("0.01"), min_size_lots=1,
            initial_margin_frac=0.05, maintenance_margin_frac=0.03, liquidator_fee_frac=0.01, funding_clamp_den=33,
        )  # fmt: skip
