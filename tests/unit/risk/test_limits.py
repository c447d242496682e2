import math

import pytest

from risk.limits import RiskLimits, SizingPolicy


def test_the_defaults_are_allowed():
    assert RiskLimits().max_daily_loss_frac == 0.03
    assert SizingPolicy().kelly_min_trades == 100


@pytest.mark.parametrize("field", RiskLimits.__struct_fields__)
@pytest.mark.parametrize("figure", [-1, math.nan, math.inf])
def test_no_limit_may_be_negative_infinite_or_not_a_number(field, figure):
    with pytest.raises(ValueError, match=field):
        RiskLimits(**{field: figure})


@pytest.mark.parametrize(
    "field",
    sorted(
        set(RiskLimits.__struct_fields__)
        - {
            "cooldown_after_trade_ms",
            "cooldown_after_loss_ms",
            "min_liquidation_distance_bps",
            "max_correlated_exposure_frac",
        }
    ),
)
def test_a_cap_of_zero_is_refused(field):
    with pytest.raises(ValueError, match=field):
        RiskLimits(**{field: 0})


@pytest.mark.parametrize("field", ["cooldown_after_trade_ms", "cooldown_after_loss_ms", "min_liquidation_distance_bps"])
def test_a_pause_or_a_distance_may_be_switched_off_with_zero(field):
    assert getattr(RiskLimits(**{field: 0}), field) == 0


@pytest.mark.parametrize("field", ["max_daily_loss_frac", "max_drawdown_frac", "max_margin_usage_frac"])
def test_more_than_all_of_the_equity_is_refused(field):
    assert getattr(RiskLimits(**{field: 1.0}), field) == 1.0
    with pytest.raises(ValueError, match=field):
        RiskLimits(**{field: 1.01})


@pytest.mark.parametrize(
    ("field", "figure"),
    [
        ("risk_per_trade_frac", 0.0),
        ("risk_per_trade_frac", 1.5),
        ("risk_per_trade_frac", math.nan),
        ("daily_vol_target_frac", -0.1),
        ("daily_vol_target_frac", math.nan),
        ("kelly_fraction", 1.1),
        ("kelly_fraction", -0.1),
        ("kelly_min_trades", 0),
    ],
)
def test_an_impossible_sizing_policy_is_refused(field, figure):
    with pytest.raises(ValueError, match=field):
        SizingPolicy(**{field: figure})
