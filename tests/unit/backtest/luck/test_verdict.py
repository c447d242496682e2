import math
import re

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.luck.overfitting import overfitting_of
from backtest.luck.trials import Trials
from backtest.luck.verdict import Finding, Luck, luck_of

PROMISES = re.compile(r"will (earn|make|gain|profit)|profitable|guarantee|expect(ed)? to earn|recommend", re.IGNORECASE)


def days(annual_sharpe: float, n_days: int = 365) -> np.ndarray:
    """Return made-up daily returns with exactly this Sharpe ratio a year, near to normal."""
    draws = np.random.default_rng(6).normal(size=n_days)
    standard = (draws - draws.mean()) / draws.std(ddof=1)
    return 0.01 * (standard + annual_sharpe / math.sqrt(365))


def judged(returns: np.ndarray, n_trades: int = 100, **known: object) -> Luck:
    return luck_of(returns, n_trades=n_trades, seed=1, **known)


def test_without_a_trade_there_is_nothing_to_explain() -> None:
    luck = judged(np.zeros(90), n_trades=0)
    assert (luck.finding, luck.sharpe, luck.interval) == (Finding.NO_TRADES, None, None)
    assert luck.sentence == "No trade was closed: there is nothing that luck or skill could explain."


def test_a_month_is_the_least() -> None:
    luck = judged(days(9.0, 12), n_trades=1)
    assert luck.finding is Finding.TOO_FEW_DAYS
    assert luck.sentence == (
        "12 days with 1 trade are too little to tell luck from skill: at least 30 days with varying results are needed."
    )
    assert judged(days(9.0, 29)).finding is Finding.TOO_FEW_DAYS
    assert judged(days(9.0, 30)).finding is Finding.PLAUSIBLE
    assert judged(np.zeros(90)).finding is Finding.TOO_FEW_DAYS


def test_a_loss_is_no_luck_to_explain() -> None:
    luck = judged(days(-1.3))
    assert luck.finding is Finding.NO_GAIN
    assert luck.sentence == "The Sharpe ratio is -1.30: there is no gain that could be luck."
    assert luck.min_track_record_days is None


def test_an_account_that_was_lost_is_said_to_be() -> None:
    returns = days(1.0)
    returns[-1] = math.nan
    assert judged(returns).finding is Finding.RUINED


def test_the_best_of_many_is_measured_against_what_luck_gives() -> None:
    """Normal quantiles of 1 - 1/15,552 and of 1 - 1/(15,552 e): 3.826 and 4.070.

    Expected maximum 0.4228 * 3.826 + 0.5772 * 4.070 = 3.967. A variance of 0.55 a year: sqrt(0.55) * 3.967 = 2.942.
    """
    trials = Trials(n_trials=15_552, sharpe_variance=0.55 / 365)
    luck = judged(days(1.2), trials=trials)
    assert luck.finding is Finding.BELOW_LUCK
    assert luck.sentence == (
        "With 15,552 trials the best Sharpe ratio of 1.2 is below the 2.9 that luck alone would give: treat it as luck."
    )
    assert luck.lucky_sharpe == pytest.approx(2.942, abs=2e-3)
    assert luck.min_track_record_days is None


def test_above_luck_but_short_says_how_long_it_would_take() -> None:
    luck = judged(days(3.3), trials=Trials(n_trials=15_552, sharpe_variance=0.55 / 365))
    assert luck.finding is Finding.TOO_SHORT
    assert luck.min_track_record_days is not None
    assert luck.min_track_record_days > 365
    assert (
        "3.3 is above the 2.9 that luck alone would give, but over 365 days that could still be luck" in luck.sentence
    )
    assert f"{math.ceil(luck.min_track_record_days):,} days like these to be 95% sure" in luck.sentence


def test_one_trial_alone_can_be_too_short_too() -> None:
    luck = judged(days(1.2))
    assert luck.finding is Finding.TOO_SHORT
    assert luck.sentence.startswith("A Sharpe ratio of 1.20 over 365 days could be luck: it would take ")
    assert (luck.lucky_sharpe, luck.deflated_frac) == (0.0, luck.probabilistic_frac)


def test_plausible_is_the_most_that_is_ever_said() -> None:
    one, best = judged(days(3.0)), judged(days(6.0), trials=Trials(n_trials=100))
    assert {one.finding, best.finding} == {Finding.PLAUSIBLE}
    for luck in (one, best):
        assert luck.sentence.endswith(
            "luck alone is an unlikely explanation of the past, which promises nothing for the future."
        )
    assert best.sentence.startswith("With 100 trials the best Sharpe ratio of 6.0 is above the 2.5 that luck alone")


def test_a_choice_no_better_than_chance_is_not_believed_and_one_that_holds_is() -> None:
    returns, fifty = days(6.0), Trials(n_trials=50, sharpe_variance=1e-5)
    others = np.random.default_rng(1).normal(0, 0.01, size=(365, 49))
    held = overfitting_of(np.column_stack([returns, others]), n_blocks=10)
    luck = judged(returns, trials=fifty, overfitting=held)
    assert (luck.pbo_frac, luck.pbo_loss_frac) == (held.pbo_frac, held.loss_frac)
    assert luck.finding is Finding.PLAUSIBLE
    tied = overfitting_of(np.tile(returns[:, None], 50), n_blocks=10)
    worse = judged(returns, trials=fifty, overfitting=tied)
    assert worse.finding is Finding.OVERFITTED
    assert "in 100% of the splits" in worse.sentence


def test_more_configurations_than_trials_is_a_trial_hidden() -> None:
    found = overfitting_of(np.random.default_rng(1).normal(size=(40, 5)), n_blocks=4)
    with pytest.raises(ValueError, match="5 configurations compared were more than 1 trials"):
        judged(days(2.0), overfitting=found)


def test_independent_trials_deflate_less() -> None:
    luck = judged(days(3.0), trials=Trials(n_trials=1_000, n_independent=20.0))
    assert luck.deflated_frac is not None
    assert luck.deflated_independent_frac is not None
    assert luck.probabilistic_frac is not None
    assert luck.deflated_frac < luck.deflated_independent_frac < luck.probabilistic_frac


@given(
    st.floats(min_value=-8, max_value=8),
    st.integers(2, 900),
    st.integers(0, 3),
    st.integers(1, 10**6),
    st.none() | st.floats(min_value=0, max_value=0.1),
)
def test_whatever_happened_the_verdict_is_whole_and_promises_nothing(
    sharpe: float, n_days: int, n_trades: int, n_trials: int, variance: float | None
) -> None:
    luck = luck_of(
        days(sharpe, n_days), n_trades=n_trades, seed=1, trials=Trials(n_trials=n_trials, sharpe_variance=variance)
    )
    assert luck.sentence.endswith(".")
    assert "\n" not in luck.sentence
    assert not PROMISES.search(luck.sentence)
    assert not re.search(r"\b(nan|inf|None)\b", luck.sentence)
    assert b"NaN" not in msgspec.json.encode(luck)
    if luck.finding is Finding.PLAUSIBLE:
        assert luck.deflated_frac is not None
        assert luck.deflated_frac >= 0.95
        assert luck.min_track_record_days is not None
        assert luck.min_track_record_days <= n_days * (1 + 1e-9)
    if luck.finding is Finding.TOO_SHORT and luck.min_track_record_days is not None:
        assert luck.min_track_record_days > n_days * (1 - 1e-9)
