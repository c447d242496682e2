import numpy as np
import pytest

from market.sim_parameters import Market
from market.sim_regime import (
    BULL,
    CHOP,
    JUMP_VOLS,
    N_MARKET_COLUMNS,
    N_MARKET_NORMALS,
    N_MARKET_STATE,
    N_MARKET_UNIFORMS,
    REGIME,
    advance_market,
    jump_in_vols,
    next_regime,
    season,
)

MARKET = Market()


def market_rows(n_minutes: int) -> np.ndarray:
    generator = np.random.default_rng(5)
    rows = np.empty((n_minutes, N_MARKET_COLUMNS))
    normals = generator.standard_normal((n_minutes, N_MARKET_NORMALS))
    uniforms = generator.random((n_minutes, N_MARKET_UNIFORMS))
    advance_market(np.zeros(N_MARKET_STATE), 0, normals, uniforms, MARKET, rows)
    return rows


def test_a_regime_stays_until_its_draw_ends_it_and_never_follows_itself() -> None:
    assert next_regime(CHOP, 480.0, 1 / 480, 0.0) == CHOP
    assert next_regime(CHOP, 480.0, 0.0, 0.0) == BULL
    drawn = np.linspace(0.0, 1.0, 1_000, endpoint=False)
    assert all(next_regime(regime, 100.0, 0.0, float(goes)) != regime for regime in range(5) for goes in drawn)


def test_every_regime_is_visited_and_lasts_about_as_long_as_it_says() -> None:
    regimes = market_rows(1_000_000)[:, REGIME].astype(int)
    starts = np.flatnonzero(np.diff(regimes)) + 1
    n_visits = np.bincount(regimes[starts], minlength=5)
    stays = np.bincount(regimes, minlength=5) / n_visits
    assert n_visits.min() > 30
    assert stays == pytest.approx(MARKET.stay_minutes, rel=0.35)


def test_jumps_come_at_their_rate_within_their_sizes() -> None:
    jumps = market_rows(1_000_000)[:, JUMP_VOLS]
    sizes = np.abs(jumps[jumps != 0.0])
    assert len(sizes) / (1_000_000 / 1_440) == pytest.approx(MARKET.jumps_a_day, rel=0.15)
    assert sizes.min() >= MARKET.jump_vols
    assert sizes.max() <= MARKET.jump_cap_vols
    assert jump_in_vols(0.9, 0.1, 0.5, MARKET.jumps_a_day, MARKET) == 0.0


def test_the_day_is_wildest_at_its_peak_minute() -> None:
    swings = [season(minute, MARKET) for minute in range(1_440)]
    assert int(np.argmax(swings)) == int(MARKET.season_peak_minute)
    assert max(swings) == pytest.approx(MARKET.season_log_vol)
