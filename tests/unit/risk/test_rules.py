import pytest
from msgspec.structs import replace

from domain.decisions import Refusal
from domain.market import DAY_MS
from risk import rules
from risk.exposure import Exposure
from risk.limits import RiskLimits, SizingPolicy
from tests.unit.risk.cases import (
    EQUITY_MICROUSD,
    NOON_MS,
    SOL,
    case,
    counters_view,
    proposal,
    reading,
    snapshot,
)

LOSSES_AT = {"streak_day_no": NOON_MS // DAY_MS}


def held(**changes):
    """Return the ordinary account with changes."""
    return Exposure(**({"equity_microusd": EQUITY_MICROUSD} | changes))


def limited(**changes):
    """Return the default limits with changes."""
    return RiskLimits(**changes)


def at_equity(microusd):
    """Return a case of a desk that began the day with 10,000 USD and stands at this equity."""
    return case(exposure=held(equity_microusd=microusd))


# One row: the rule, a case just inside its limit, one exactly at it, one just outside; and whether "at" passes.
EDGES = [
    (
        rules.snapshot_is_fresh,
        case(now_ms=NOON_MS + 89_999),
        case(now_ms=NOON_MS + 90_000),
        case(now_ms=NOON_MS + 90_001),
        True,
    ),
    (
        rules.mark_agrees_with_oracle,
        case(snapshot=snapshot(mark=reading(100.99))),
        case(snapshot=snapshot(mark=reading(101.0))),
        case(snapshot=snapshot(mark=reading(101.01))),
        True,
    ),
    (
        rules.mark_agrees_with_oracle,
        case(snapshot=snapshot(mark=reading(99.01))),
        case(snapshot=snapshot(mark=reading(99.0))),
        case(snapshot=snapshot(mark=reading(98.99))),
        True,
    ),
    (
        rules.spread_is_tight,
        case(snapshot=snapshot(spread_bps=reading(29.9))),
        case(snapshot=snapshot(spread_bps=reading(30.0))),
        case(snapshot=snapshot(spread_bps=reading(30.1))),
        True,
    ),
    (rules.day_loss_within_cap, at_equity(9_700_000_001), at_equity(9_700_000_000), at_equity(9_699_999_999), False),
    (rules.drawdown_within_limit, at_equity(8_500_000_001), at_equity(8_500_000_000), at_equity(8_499_999_999), False),
    (
        rules.drawdown_within_limit,
        case(counters=counters_view(worst_drawdown_frac=0.1499)),
        case(counters=counters_view(worst_drawdown_frac=0.15)),
        case(counters=counters_view(worst_drawdown_frac=0.1501)),
        False,
    ),
    (
        rules.no_losing_streak,
        case(counters=counters_view(worst_losing_streak=3, **LOSSES_AT)),
        case(counters=counters_view(worst_losing_streak=4, **LOSSES_AT)),
        case(counters=counters_view(worst_losing_streak=5, **LOSSES_AT)),
        False,
    ),
    (
        rules.cooled_down,
        case(counters=counters_view(last_trade_ms=NOON_MS - 300_001)),
        case(counters=counters_view(last_trade_ms=NOON_MS - 300_000)),
        case(counters=counters_view(last_trade_ms=NOON_MS - 299_999)),
        True,
    ),
    (
        rules.cooled_down,
        case(counters=counters_view(last_loss_ms=NOON_MS - 900_001)),
        case(counters=counters_view(last_loss_ms=NOON_MS - 900_000)),
        case(counters=counters_view(last_loss_ms=NOON_MS - 899_999)),
        True,
    ),
    (
        rules.open_positions_within_limit,
        case(exposure=held(n_open_positions=2)),
        case(exposure=held(n_open_positions=3)),
        case(exposure=held(n_open_positions=4)),
        False,
    ),
    (
        rules.order_rate_within_limit,
        case(counters=counters_view(entry_order_ms=(NOON_MS,) * 5)),
        case(counters=counters_view(entry_order_ms=(NOON_MS,) * 6)),
        case(counters=counters_view(entry_order_ms=(NOON_MS,) * 7)),
        False,
    ),
    (rules.order_notional_within_cap, case(lots=9_999), case(lots=10_000), case(lots=10_001), True),
    (
        rules.position_notional_within_cap,
        case(lots=4_999, exposure=held(position_lots=-5_000)),
        case(lots=5_000, exposure=held(position_lots=-5_000)),
        case(lots=5_001, exposure=held(position_lots=-5_000)),
        True,
    ),
    (
        rules.gross_exposure_within_cap,
        case(lots=4_999, exposure=held(gross_notional_microusd=15_000_000_000)),
        case(lots=5_000, exposure=held(gross_notional_microusd=15_000_000_000)),
        case(lots=5_001, exposure=held(gross_notional_microusd=15_000_000_000)),
        True,
    ),
    (
        rules.margin_usage_within_cap,
        case(lots=9_999, exposure=held(initial_margin_microusd=4_500_000_000)),
        case(lots=10_000, exposure=held(initial_margin_microusd=4_500_000_000)),
        case(lots=10_001, exposure=held(initial_margin_microusd=4_500_000_000)),
        True,
    ),
    # 1,000,000 USD on 80,000 USD of equity at 3 % maintenance: (80,000 - 30,000) / 1,030,000 = 485.4 bps away.
    (
        rules.liquidation_is_far,
        case(lots=1_000_000, exposure=held(equity_microusd=81_500_000_001)),
        case(lots=1_000_000, exposure=held(equity_microusd=81_500_000_000)),
        case(lots=1_000_000, exposure=held(equity_microusd=80_000_000_000)),
        True,
    ),
    (
        rules.size_is_tradable,
        case(lots=11, instrument=replace(SOL, min_size_lots=10)),
        case(lots=10, instrument=replace(SOL, min_size_lots=10)),
        case(lots=9, instrument=replace(SOL, min_size_lots=10)),
        True,
    ),
]


@pytest.mark.parametrize(("rule", "inside", "at", "outside", "at_passes"), EDGES)
def test_each_rule_draws_its_line_exactly_at_its_limit(rule, inside, at, outside, at_passes):
    assert rule(inside) is None
    assert (rule(at) is None) == at_passes
    refusal = rule(outside)
    assert isinstance(refusal, Refusal)
    assert refusal.rule == rule.__name__


def test_the_rules_are_counted_and_stand_in_the_order_in_which_they_are_asked():
    assert [rule.__name__ for rule in rules.ENTRY_RULES] == [
        "snapshot_is_fit",
        "symbol_is_free",
        "own_record_has_an_edge",
        "snapshot_is_fresh",
        "mark_agrees_with_oracle",
        "spread_is_tight",
        "day_loss_within_cap",
        "drawdown_within_limit",
        "no_losing_streak",
        "cooled_down",
        "open_positions_within_limit",
        "order_rate_within_limit",
    ]
    assert [rule.__name__ for rule in rules.SIZE_RULES] == [
        "size_is_tradable",
        "order_notional_within_cap",
        "position_notional_within_cap",
        "gross_exposure_within_cap",
        "margin_usage_within_cap",
        "liquidation_is_far",
    ]


def test_an_ordinary_case_passes_every_rule():
    assert [rule(case(lots=100)) for rule in rules.ENTRY_RULES + rules.SIZE_RULES] == [None] * 18


@pytest.mark.parametrize(
    ("refused", "rule", "reason"),
    [
        (
            case(snapshot=snapshot(defects=("bar is missing", "spread is crossed"))),
            rules.snapshot_is_fit,
            "bar is missing; spread is crossed",
        ),
        (
            case(now_ms=NOON_MS + 120_000),
            rules.snapshot_is_fresh,
            "snapshot is 120.0 s old, the cap is 90.0 s",
        ),
        (
            case(now_ms=NOON_MS - 500),
            rules.snapshot_is_fresh,
            "snapshot is 0.5 s ahead of the clock, the cap is 90.0 s",
        ),
        (
            case(snapshot=snapshot(mark=reading(102.0))),
            rules.mark_agrees_with_oracle,
            "mark is 200.0 bps off the oracle, the cap is 100.0",
        ),
        (
            case(snapshot=snapshot(spread_bps=reading(41.0))),
            rules.spread_is_tight,
            "spread is 41.0 bps, the cap is 30.0",
        ),
        (
            at_equity(9_650_000_000),
            rules.day_loss_within_cap,
            "the day's loss is 3.50% of 10000.00 USD, the cap is 3.00%",
        ),
        (
            case(counters=counters_view(last_trade_ms=NOON_MS - 60_000, last_loss_ms=NOON_MS - 400_000)),
            rules.cooled_down,
            "the last losing trade closed 400 s ago, the pause is 900 s",
        ),
        (
            case(lots=10_001),
            rules.order_notional_within_cap,
            "the order is worth 10001.00 USD, the cap is 10000.00",
        ),
        (
            case(lots=1_000_000, exposure=held(equity_microusd=80_000_000_000)),
            rules.liquidation_is_far,
            "liquidation would be 485.4 bps away, the least is 500.0",
        ),
    ],
)
def test_a_reason_carries_the_figures_in_plain_words(refused, rule, reason):
    assert rule(refused) == Refusal(rule=rule.__name__, reason=reason)


def test_a_spread_that_is_not_known_is_refused():
    assert "not known" in rules.spread_is_tight(case(snapshot=snapshot(spread_bps=None))).reason


def test_mark_and_oracle_pass_without_a_claim_when_neither_is_known_and_not_when_one_is():
    neither = case(snapshot=snapshot(mark=None, oracle=None))
    assert rules.mark_agrees_with_oracle(neither) is None
    for half in (snapshot(mark=None), snapshot(oracle=None)):
        assert "is not known" in rules.mark_agrees_with_oracle(case(snapshot=half)).reason


@pytest.mark.parametrize("broken", [{"mark": reading(0.0)}, {"oracle": reading(0.0)}, {"oracle": reading(-1.0)}])
def test_a_mark_or_oracle_that_is_no_price_is_refused_even_when_the_two_agree(broken):
    assert "is not a price" in rules.mark_agrees_with_oracle(case(snapshot=snapshot(**broken))).reason


def test_a_day_whose_start_was_not_seen_is_refused():
    yesterday = counters_view(day_end_ms=NOON_MS - DAY_MS // 2)
    assert rules.day_loss_within_cap(case(counters=yesterday)) is not None
    assert rules.day_loss_within_cap(case(counters=counters_view(day_start_equity_microusd=None))) is not None
    assert rules.day_loss_within_cap(case(counters=counters_view(day_start_equity_microusd=0))) is not None


def test_a_losing_streak_of_yesterday_does_not_pause_today():
    yesterday = counters_view(worst_losing_streak=9, streak_day_no=NOON_MS // DAY_MS - 1)
    assert rules.no_losing_streak(case(counters=yesterday)) is None


def test_a_symbol_with_a_position_or_an_entry_on_its_way_is_not_free():
    assert "-0.07 of SOL-PERP" in rules.symbol_is_free(case(exposure=held(position_lots=-7))).reason
    assert "on its way" in rules.symbol_is_free(case(exposure=held(has_pending_entry=True))).reason


def test_an_account_without_equity_may_not_tie_up_margin():
    assert rules.margin_usage_within_cap(case(lots=1, exposure=held(equity_microusd=0))) is not None
    assert rules.margin_usage_within_cap(case(lots=1, exposure=held(equity_microusd=-5))) is not None


def test_a_size_too_small_names_the_method_that_made_it_so():
    sizes = (("risk_per_trade", 50), ("kelly", 0))
    record = counters_view(n_trades=40, n_wins=10, n_losses=30, win_sum_r=10.0, loss_sum_r=30.0)
    refusal = rules.size_is_tradable(case(sizes_lots=sizes, lots=0, counters=record))
    assert refusal.reason == (
        "0 lots by kelly, the venue's minimum is 1; 40 trades on record have a Kelly fraction of -0.500"
    )
    off_grid = case(sizes_lots=(("grid", 0),), proposal=proposal(reference_price=1e-9))
    assert "1e-09 is no price of SOL-PERP" in rules.size_is_tradable(off_grid).reason


@pytest.mark.parametrize(
    ("n_trades", "win_sum_r", "kelly_fraction", "refuses"),
    [(99, 10.0, 0.25, False), (100, 10.0, 0.25, True), (100, 100.0, 0.25, False), (100, 10.0, 0.0, False)],
)
def test_a_losing_record_is_refused_once_it_is_long_enough_and_kelly_has_a_vote(
    n_trades, win_sum_r, kelly_fraction, refuses
):
    record = counters_view(
        n_trades=n_trades, n_wins=n_trades // 2, n_losses=n_trades - n_trades // 2, win_sum_r=win_sum_r, loss_sum_r=50.0
    )
    refusal = rules.own_record_has_an_edge(case(counters=record, sizing=SizingPolicy(kelly_fraction=kelly_fraction)))
    assert (refusal is not None) == refuses
    assert refusal is None or "Kelly fraction of -" in refusal.reason
