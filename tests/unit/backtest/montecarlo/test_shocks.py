"""The odds of shocks: refused when impossible, changed by name."""

import pytest

from backtest.montecarlo.shocks import NO_SHOCKS, Shocks, shocks_with
from domain.errors import BadInput


def test_what_is_typed_changes_one_of_the_odds_and_leaves_the_others() -> None:
    changed = shocks_with(["late_frac=0.2", "late_max_bars=5"])
    assert (changed.late_frac, changed.late_max_bars) == (0.2, 5)
    assert changed.gap_frac == Shocks().gap_frac


def test_none_turns_everything_off_and_what_follows_on_again() -> None:
    assert shocks_with(["none"]) == NO_SHOCKS
    assert not NO_SHOCKS.needs_bars
    assert shocks_with(["none", "gap_frac=0.1"]).needs_bars


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("lateness=0.1", "the names are slippage_factor"),
        ("late_frac", "is not NAME=VALUE"),
        ("late_frac=1.5", "late_frac 1.5 is outside"),
        ("late_frac=nan", "late_frac nan is outside"),
        ("late_frac=often", "late_frac"),
        ("late_max_bars=0", "late_max_bars 0 is outside"),
        ("gap_degrees=0", "gap_degrees"),
    ],
)
def test_odds_that_are_none_are_refused_in_one_sentence(given: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refusal:
        shocks_with([given])
    assert "\n" not in str(refusal.value)


def test_the_mean_of_the_log_normal_factor_lies_above_its_median() -> None:
    assert Shocks(slippage_factor=2.0, slippage_sigma=0.5).mean_slippage_factor == pytest.approx(2.0 * 1.1331484531)
