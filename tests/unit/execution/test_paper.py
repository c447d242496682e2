"""The paper venue takes, refuses and protects; each test is one rule of docs/fills.md."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from domain.account import AccountView, Levels
from domain.decisions import ExitPlan, ExitReason, Refusal, Side
from execution.paper import PaperTerms, PaperVenue

Open = Callable[..., Any]
EXIT = ExitReason.STRATEGY


def rule_of(answer: Refusal | None) -> str | None:
    """Return the rule of a refusal."""
    return None if answer is None else answer.rule


def test_an_entry_fills_at_the_next_open_plus_half_spread_and_slippage(open_stage: Open) -> None:
    stage = open_stage(half_spread_bps=1.0, slippage_bps=1.0)
    order = stage.order(Side.BUY, 1_000)
    assert stage.submit(order) is None
    assert asyncio.run(stage.venue.account()).open_order_ids == (order.client_order_id,)

    (fill,) = stage.bar(151.0, 151.2, 150.9, 151.1).fills
    assert fill.client_order_id == order.client_order_id
    assert fill.price_ticks == 151_031
    assert fill.fee_microusd == -(-1_000 * 151_031 * 10 * 42 // 120_000)
    assert fill.slippage_microusd == (151_031 - 150_000) * 1_000 * 10
    assert (fill.filled_ms, fill.exit_reason) == (0, None)
    assert stage.venue.cash_microusd == 10_000_000_000 - fill.fee_microusd
    assert stage.venue.equity_microusd == stage.venue.cash_microusd + (151_100 - 151_031) * 1_000 * 10
    assert asyncio.run(stage.venue.account()) == AccountView(
        cash_microusd=stage.venue.cash_microusd, positions=(("SOL-PERP", 1_000),)
    )


def test_latency_lets_whole_bars_pass(open_stage: Open) -> None:
    stage = open_stage(latency_bars=2)
    stage.submit(stage.order(Side.SELL, 10))
    assert stage.bar(150.0) is None
    assert stage.bar(151.0) is None
    assert stage.bar(152.0).fills[0].price_ticks == 152_000


def test_a_minute_without_a_bar_fills_nothing_and_keeps_the_order(stage: Any) -> None:
    stage.submit(stage.order(Side.BUY, 10))
    assert stage.bar(150.0, has_bar=False) is None
    assert len(stage.bar(150.0).fills) == 1


def test_a_bar_that_opened_before_the_decision_fills_nothing(stage: Any) -> None:
    stage.minute = 5
    order = stage.order(Side.BUY, 10)
    stage.minute = 4
    assert stage.submit(order) is None
    assert stage.bar(150.0) is None
    assert stage.bar(151.0).fills[0].price_ticks == 151_000


def test_the_same_order_twice_has_one_effect_and_one_answer(stage: Any) -> None:
    order = stage.order(Side.BUY, 10)
    assert stage.submit(order) is None
    assert stage.submit(order) is None
    assert len(stage.bar(150.0).fills) == 1
    assert stage.submit(order) is None
    assert stage.bar(150.0) is None

    refused = stage.order(Side.BUY, 10)
    answer = stage.submit(refused)
    assert rule_of(answer) == "venue: one position"
    assert stage.submit(refused) == answer


def test_an_id_cannot_be_used_for_another_order(stage: Any) -> None:
    stage.submit(stage.order(Side.BUY, 10, order_id="x"))
    assert rule_of(stage.submit(stage.order(Side.BUY, 11, order_id="x"))) == "venue: order id"


def test_a_second_entry_is_refused_while_one_is_on_its_way_or_open(stage: Any) -> None:
    stage.submit(stage.order(Side.BUY, 10, order_id="first"))
    assert rule_of(stage.submit(stage.order(Side.SELL, 10, order_id="second"))) == "venue: one position"
    stage.bar(150.0)
    assert rule_of(stage.submit(stage.order(Side.BUY, 10, order_id="third"))) == "venue: one position"
    assert stage.submit(stage.order(Side.BUY, 10, symbol="ETH-PERP", reference_ticks=340_000)) is None


def test_an_exit_may_neither_enlarge_nor_flip_nor_come_from_nowhere(stage: Any) -> None:
    assert rule_of(stage.submit(stage.order(Side.SELL, 10, reason=EXIT, order_id="a"))) == "venue: reduce only"
    stage.enter(Side.BUY, 10)
    assert "enlarge" in stage.submit(stage.order(Side.BUY, 5, reason=EXIT, order_id="b")).reason
    assert "flip" in stage.submit(stage.order(Side.SELL, 11, reason=EXIT, order_id="c")).reason
    assert stage.submit(stage.order(Side.SELL, 10, reason=EXIT, order_id="d")) is None


def test_sizes_off_the_grid_too_small_or_too_large_are_refused(open_stage: Open) -> None:
    stage = open_stage(starting_cash_usd=1e9)
    assert rule_of(stage.submit(stage.order(Side.BUY, 10.5, order_id="a"))) == "venue: grid"
    assert rule_of(stage.submit(stage.order(Side.BUY, 100_000_000, order_id="b"))) == "venue: maximum size"
    assert rule_of(stage.submit(stage.order(Side.BUY, 1, order_id="c", symbol="DOGE"))) == "venue: symbol"


def test_an_entry_beyond_the_initial_margin_is_refused_with_the_figures(stage: Any) -> None:
    """At five per cent and 3.5 bps, 10,000 dollars carry 132,406 lots at 150 dollars and not one more."""
    assert stage.submit(stage.order(Side.BUY, 132_407, order_id="a")) == Refusal(
        rule="venue: initial margin", reason="margin and fee of 10000.04 USD are needed, 10000.00 USD are free"
    )
    assert stage.submit(stage.order(Side.BUY, 132_406, order_id="b")) is None


def test_margin_is_asked_again_at_the_fill(stage: Any) -> None:
    order = stage.order(Side.BUY, 132_000)
    assert stage.submit(order) is None
    report = stage.bar(160.0)
    assert report.fills == ()
    assert report.rejections[0][0] == order.client_order_id
    assert report.rejections[0][1].startswith("venue: initial margin")
    assert stage.venue.cash_microusd == 10_000_000_000
    assert asyncio.run(stage.venue.account()) == AccountView(cash_microusd=10_000_000_000, positions=())


def test_entries_on_their_way_reserve_their_margin(stage: Any) -> None:
    assert stage.submit(stage.order(Side.BUY, 100_000)) is None
    second = stage.order(Side.BUY, 20_000, symbol="ETH-PERP", reference_ticks=340_000)
    assert rule_of(stage.submit(second)) == "venue: initial margin"


def test_an_order_that_is_turned_away_never_fills_and_stays_turned_away(open_stage: Open) -> None:
    stage = open_stage(reject_frac=1.0)
    order = stage.order(Side.BUY, 1)
    assert rule_of(stage.submit(order)) == "venue: rejected"
    assert rule_of(stage.submit(order)) == "venue: rejected"
    assert stage.bar(150.0) is None


def test_a_desk_exit_and_a_gapped_stop_at_one_open_are_one_exit(stage: Any) -> None:
    stage.enter(Side.BUY, 100)
    order = stage.order(Side.SELL, 100, reason=ExitReason.TIME)
    assert stage.submit(order) is None
    report = stage.bar(140.0, 141.0, 130.0)
    assert [(fill.client_order_id, fill.exit_reason, fill.size_lots) for fill in report.fills] == [
        (order.client_order_id, ExitReason.TIME, 100)
    ]
    assert report.rejections == ()
    assert stage.venue.position_lots("SOL-PERP") == 0


def test_an_exit_on_its_way_is_cancelled_when_the_stop_comes_first(open_stage: Open) -> None:
    stage = open_stage(latency_bars=1)
    stage.submit(stage.order(Side.BUY, 100))
    stage.bar(150.0)
    stage.bar(150.0)
    order = stage.order(Side.SELL, 100, reason=ExitReason.TIME)
    stage.submit(order)
    report = stage.bar(149.0, 149.0, 148.0)
    assert report.fills[0].exit_reason is ExitReason.STOP
    assert report.rejections == ((order.client_order_id, "the position is gone"),)
    assert asyncio.run(stage.venue.account()).open_order_ids == ()


def test_an_exit_is_cut_to_what_is_left(open_stage: Open) -> None:
    stage = open_stage(latency_bars=1)
    plan = ExitPlan(
        stop_frac=0.01,
        target_frac=0.05,
        trail_frac=0.0,
        trail_arm_frac=0.0,
        partial_at_r=1.0,
        partial_frac=0.5,
        max_hold_bars=9,
    )
    stage.submit(stage.order(Side.BUY, 100, plan=plan))
    stage.bar(150.0)
    stage.bar(150.0)
    stage.submit(stage.order(Side.SELL, 100, reason=EXIT))
    (partial,) = stage.bar(150.0, 151.5, 150.0).fills
    assert (partial.size_lots, partial.exit_reason) == (50, ExitReason.PARTIAL)
    (rest,) = stage.bar(151.0).fills
    assert (rest.size_lots, rest.exit_reason) == (50, EXIT)
    assert stage.venue.position_lots("SOL-PERP") == 0


def test_protection_can_be_tightened_and_never_loosened(stage: Any) -> None:
    entry = stage.enter(Side.BUY, 100)
    protect = stage.venue.protect
    assert stage.venue.levels("SOL-PERP") == Levels(stop_ticks=148_500, target_ticks=153_000)
    trailed = Levels(stop_ticks=149_500, target_ticks=153_000, stop_is_trailing=True)
    asyncio.run(protect("SOL-PERP", trailed))
    for refused in (
        Levels(stop_ticks=149_499, target_ticks=153_000),
        Levels(stop_ticks=149_600, target_ticks=0),
        Levels(stop_ticks=149_600, target_ticks=153_000, partial_lots=5),
    ):
        with pytest.raises(ValueError, match="SOL-PERP"):
            asyncio.run(protect("SOL-PERP", refused))
    (fill,) = stage.bar(150.0, 150.0, 149.5).fills
    assert (fill.client_order_id, fill.exit_reason) == (f"{entry}-trail", ExitReason.TRAILING)
    assert fill.price_ticks == 149_500
    with pytest.raises(ValueError, match="no position"):
        asyncio.run(protect("SOL-PERP", trailed))


def test_a_short_stop_tightens_downwards(stage: Any) -> None:
    stage.enter(Side.SELL, 100)
    asyncio.run(stage.venue.protect("SOL-PERP", Levels(stop_ticks=151_000, target_ticks=147_000)))
    with pytest.raises(ValueError, match="looser"):
        asyncio.run(stage.venue.protect("SOL-PERP", Levels(stop_ticks=151_001, target_ticks=147_000)))


def test_a_partial_exit_is_taken_once(stage: Any) -> None:
    plan = ExitPlan(
        stop_frac=0.01,
        target_frac=0.05,
        trail_frac=0.0,
        trail_arm_frac=0.0,
        partial_at_r=1.0,
        partial_frac=0.3,
        max_hold_bars=9,
    )
    entry = stage.enter(Side.BUY, 100, plan=plan)
    (fill,) = stage.bar(150.0, 151.6, 150.0).fills
    assert (fill.client_order_id, fill.size_lots, fill.price_ticks) == (f"{entry}-partial", 30, 151_500)
    assert stage.venue.levels("SOL-PERP") == Levels(stop_ticks=148_500, target_ticks=157_500)
    assert stage.bar(150.0, 151.6, 150.0) is None
    again = Levels(stop_ticks=149_000, target_ticks=157_500, partial_ticks=152_000, partial_lots=10)
    with pytest.raises(ValueError, match="already taken"):
        asyncio.run(stage.venue.protect("SOL-PERP", again))


def test_the_venue_tells_its_margin_usage_and_liquidation_price(stage: Any) -> None:
    assert stage.venue.liquidation_price("SOL-PERP") is None
    assert stage.venue.margin_usage_frac() == 0.0
    stage.enter(Side.BUY, 20_000)
    assert stage.venue.margin_usage_frac() == pytest.approx(0.15, rel=2e-3)
    assert stage.venue.liquidation_price("SOL-PERP") == pytest.approx((30_000 - 9_989.5) / 200 / 0.97, rel=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"starting_cash_usd": 0.0},
        {"starting_cash_usd": float("nan")},
        {"fee_tier": 6},
        {"half_spread_bps": -1.0},
        {"slippage_bps": float("inf")},
        {"latency_bars": -1},
        {"reject_frac": 1.1},
    ],
)
def test_impossible_terms_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"impossible|outside"):
        PaperTerms(**wrong)


def test_a_symbol_the_venue_does_not_know_is_ignored(stage: Any) -> None:
    assert stage.bar(1.0, symbol="DOGE") is None
    assert isinstance(stage.venue, PaperVenue)
