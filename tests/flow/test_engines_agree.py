"""The compiled engine and the desk are one: same trades, same equity, to the last micro-dollar, on any tape."""

import os
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.market import MINUTE_MS, Bar, FundingSettlement, ImbalanceSource, Reading, Snapshot
from tests.flow.engines import Result, by_the_desk, by_the_kernel, settings_of
from tests.flow.stage import QUICK, explosive, minute, quiet

N_TAPES = int(os.environ.get("TIDEGATE_TAPES", "40"))
"""How many tapes Hypothesis makes; 500 is the full count."""

EAGER = {**QUICK, "E3_VOLUME_Z": "-10", "E3_BODY_OVER_ATR": "0", "E3_MAX_REALISED_VOL_BPS": "10000"}
"""An E3 that fires on almost every bar."""

MOVES = [-0.2, -0.06, -0.02, -0.006, -0.002, -0.0003, 0.0, 0.0, 0.0003, 0.002, 0.006, 0.02, 0.06]
MOVE = st.sampled_from(MOVES)
REACH = st.sampled_from([0.0, 0.0002, 0.001, 0.004, 0.03])
RATE = st.integers(-3_000_000, 3_000_000)
PREMIUM = st.sampled_from([None, -60.0, -8.0, -2.0, 0.0, 0.5, 6.0, 30.0])

STEP = st.fixed_dictionaries(
    {
        "skipped": st.sampled_from([0, 0, 0, 0, 0, 0, 1, 7, 1500]),
        "jump": st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.0, -0.03, 0.03, 0.011]),
        "move": MOVE,
        "up": REACH,
        "down": REACH,
        "volume": st.sampled_from([0.0, 100.0, 103.0, 900.0]),
        "has_bar": st.sampled_from([True] * 12 + [False]),
        "is_fit": st.sampled_from([True] * 9 + [False]),
        "spread": st.sampled_from([("assumed", 2.0), ("sim", 3.0), ("book", 40.0), None]),
        "premium": PREMIUM,
        "funding": st.sampled_from([None, 0.0001, 0.00003, 0.0, -0.00003]),
        "imbalance": st.sampled_from([None, -0.7, 0.1, 0.6]),
        "mark_gap": st.sampled_from([None, None, 0.0, 0.0, 0.004, -0.02]),
        "has_oracle": st.booleans(),
        "oracle_age_ms": st.sampled_from([0, 120_000]),
        "interest": st.sampled_from([None, 0.0, 1e8]),
        "settled": st.one_of(st.none(), st.none(), st.none(), RATE),
    }
)
TAPE = st.lists(STEP, min_size=12, max_size=90)


def number(*values: str) -> Any:
    return st.sampled_from(values)


KNOBS = st.fixed_dictionaries(
    {},
    optional={
        "STRATEGIES": number("e3", "funding_fade", "funding_fade,e3"),
        "E3_DIRECTION": number("momentum", "premium_fade"),
        "E3_REQUIRES_IMBALANCE": number("true"),
        "E3_MIN_MOVE_BPS": number("5", "60"),
        "E3_BODY_OVER_ATR": number("0.5"),
        "FUNDING_FADE_MIN_VOLUME_Z": number("-10", "0"),
        "EXIT_STOP_PCT": number("0.1", "1", "20"),
        "EXIT_STOP_ATR": number("0.5", "3"),
        "EXIT_TARGET_PCT": number("0.2", "2", "30"),
        "EXIT_TRAIL_PCT": number("0", "0.1", "2"),
        "EXIT_TRAIL_ARM_PCT": number("0", "0.3"),
        "EXIT_PARTIAL_AT_R": number("0.5", "1", "3"),
        "EXIT_PARTIAL_PCT": number("10", "90"),
        "EXIT_MAX_HOLD_BARS": number("1", "3", "20"),
        "RISK_MAX_DAILY_LOSS_PCT": number("1", "100"),
        "RISK_MAX_DRAWDOWN_PCT": number("2", "100"),
        "RISK_MAX_CONSECUTIVE_LOSSES": number("1", "100"),
        "RISK_COOLDOWN_AFTER_TRADE_S": number("0", "60"),
        "RISK_COOLDOWN_AFTER_LOSS_S": number("0", "120"),
        "RISK_MAX_ORDER_NOTIONAL_USD": number("10", "1000000"),
        "RISK_MAX_POSITION_NOTIONAL_USD": number("1000000"),
        "RISK_MAX_GROSS_EXPOSURE_PCT": number("50", "2000"),
        "RISK_MAX_MARK_ORACLE_GAP_BPS": number("10", "1000"),
        "RISK_MAX_SPREAD_BPS": number("2", "100"),
        "RISK_MAX_MARGIN_USAGE_PCT": number("5", "100"),
        "RISK_MIN_LIQUIDATION_DISTANCE_BPS": number("0", "100"),
        "SIZING_RISK_PER_TRADE_PCT": number("5", "100"),
        "SIZING_DAILY_VOL_TARGET_PCT": number("0", "50"),
        "SIZING_KELLY_MIN_TRADES": number("2", "5"),
        "SIZING_KELLY_FRACTION": number("0", "1"),
        "PAPER_STARTING_CASH_USD": number("50", "1000000"),
        "PAPER_FEE_TIER": number("3"),
        "PAPER_HALF_SPREAD_BPS": number("0", "9"),
        "PAPER_SLIPPAGE_BPS": number("0", "25"),
        "PAPER_LATENCY_BARS": number("1", "3"),
    },
)
RECKLESS = {
    "SIZING_RISK_PER_TRADE_PCT": "100", "SIZING_DAILY_VOL_TARGET_PCT": "0", "SIZING_KELLY_FRACTION": "0",
    "RISK_MAX_GROSS_EXPOSURE_PCT": "2000", "RISK_MAX_MARGIN_USAGE_PCT": "90", "RISK_MIN_LIQUIDATION_DISTANCE_BPS": "0",
    "RISK_MAX_ORDER_NOTIONAL_USD": "10000000", "RISK_MAX_POSITION_NOTIONAL_USD": "10000000",
    "RISK_MAX_DAILY_LOSS_PCT": "100", "RISK_MAX_DRAWDOWN_PCT": "100", "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0", "RISK_MAX_CONSECUTIVE_LOSSES": "1000", "EXIT_STOP_PCT": "6",
    "EXIT_TARGET_PCT": "50", "EXIT_TRAIL_PCT": "0", "EXIT_MAX_HOLD_BARS": "30",
}  # fmt: skip
"""A desk so deep in debt that the liquidator visits."""


def snapshots(steps: list[dict[str, Any]]) -> list[Snapshot]:
    """Lay steps out as a tape on the venue's grid: gaps, spikes, flat bars, bars that hold stop and target."""
    taken, close_ms, price = [], 40 * MINUTE_MS, 150.0
    for step in steps:
        close_ms += MINUTE_MS * (1 + step["skipped"])
        open_price = round(price * (1 + step["jump"]), 3)
        price = max(0.5, round(open_price * (1 + step["move"]), 3))
        taken.append(snapshot(step, close_ms, open_price, price))
    return taken


def snapshot(step: dict[str, Any], close_ms: int, open_price: float, close_price: float) -> Snapshot:
    def reading(value: float | None, source: str = "test", age_ms: int = 0) -> Reading | None:
        return None if value is None else Reading(value=value, source=source, as_of_ms=close_ms - age_ms)

    bar = Bar(
        open_ms=close_ms - MINUTE_MS,
        close_ms=close_ms,
        open_price=open_price,
        high_price=round(max(open_price, close_price) * (1 + step["up"]), 3),
        low_price=max(0.001, round(min(open_price, close_price) * (1 - step["down"]), 3)),
        close_price=close_price,
        volume_base=step["volume"],
    )
    gap, rate, spread = step["mark_gap"], step["settled"], step["spread"]
    return Snapshot(
        symbol="SOL-PERP",
        as_of_ms=close_ms,
        bar=bar if step["has_bar"] else None,
        n_missing_bars=step["skipped"],
        defects=() if step["is_fit"] and step["has_bar"] else ("made unfit",),
        spread_bps=None if spread is None else reading(spread[1], spread[0]),
        imbalance_frac=step["imbalance"],
        imbalance_source=ImbalanceSource.NONE if step["imbalance"] is None else ImbalanceSource.BOOK,
        mark=reading(None if gap is None else close_price),
        oracle=reading(
            None if gap is None or not step["has_oracle"] else close_price * (1 + gap), "test", step["oracle_age_ms"]
        ),
        premium_bps=reading(step["premium"]),
        funding_rate_hourly_frac=reading(step["funding"]),
        open_interest_usd=reading(step["interest"]),
        funding_settlement=None
        if rate is None
        else FundingSettlement(rate_quote_per_base_1e9=rate, settled_ms=close_ms - 1, source="test"),
    )


def agree(knobs: Mapping[str, str], tape: list[Snapshot]) -> None:
    chosen = settings_of(knobs)
    desk, kernel = by_the_desk(chosen, tape), by_the_kernel(chosen, tape)
    assert kernel.trades == desk.trades
    assert kernel.equity_microusd == desk.equity_microusd


@settings(max_examples=N_TAPES)
@given(steps=TAPE, knobs=KNOBS)
def test_both_engines_agree_exactly_whatever_the_market_does_and_whatever_is_set(
    steps: list[dict[str, Any]], knobs: dict[str, str]
) -> None:
    agree({**EAGER, **knobs}, snapshots(steps))


@settings(max_examples=N_TAPES)
@given(steps=TAPE, knobs=KNOBS)
def test_both_engines_agree_exactly_on_a_reckless_desk_that_is_liquidated(
    steps: list[dict[str, Any]], knobs: dict[str, str]
) -> None:
    agree({**EAGER, **knobs, **RECKLESS}, snapshots(steps))


AFTER_ENTRY = {
    "target": ({}, [156.0]),
    "stop": ({}, [148.0]),
    "trailing": ({}, [152.9, 151.0]),
    "time": ({"EXIT_MAX_HOLD_BARS": "3"}, []),
    "liquidation": (RECKLESS, [141.0]),
}
"""What must be set, and which prices come after an entry at 150.6, for each way out."""


@pytest.mark.parametrize("way_out", AFTER_ENTRY)
def test_both_engines_agree_on_every_way_out_of_a_position(way_out: str) -> None:
    knobs, prices = AFTER_ENTRY[way_out]
    desk, kernel = both(knobs, after_entry(prices))
    assert [trade.exit_reason.value for trade in desk.trades] == [way_out]
    assert kernel == desk


def test_both_engines_agree_on_a_partial_exit() -> None:
    tape = after_entry([152.5, 147.0])
    whole, _ = both({}, tape)
    desk, kernel = both({"EXIT_PARTIAL_AT_R": "1"}, tape)
    assert desk.trades[0].gross_microusd > whole.trades[0].gross_microusd
    assert kernel == desk


def after_entry(prices: list[float]) -> list[Snapshot]:
    """Return a tape on which E3 goes long at about 150.6, and then sees these prices."""
    tape, last = [*quiet(10), explosive(10), *quiet(1, 150.6, 11)], 150.6
    for price in prices:
        tape.append(minute(len(tape), last, price))
        last = price
    return [*tape, *quiet(8, last, len(tape))]


def both(knobs: Mapping[str, str], tape: list[Snapshot]) -> tuple[Result, Result]:
    chosen = settings_of({**QUICK, **knobs})
    return by_the_desk(chosen, tape), by_the_kernel(chosen, tape)


def test_what_the_compiled_engine_cannot_follow_it_refuses_by_name() -> None:
    with pytest.raises(BadInput, match="PAPER_REJECT_PCT"):
        by_the_kernel(settings_of({**QUICK, "PAPER_REJECT_PCT": "5"}), quiet(20))
