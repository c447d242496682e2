import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.likeness import FEWEST_RETURNS, Returns, alike_microusd, correlation_of
from tests.flow.stage import minute

FIGURE = st.floats(-0.1, 0.1)


def told(closes, n_bars=240, symbols=("SOL-PERP", "BTC-PERP"), skip=()):
    """Return the memory after a walk of both symbols: rows of closes, one a minute."""
    returns = Returns(n_bars)
    for number, row in enumerate(closes):
        for symbol, close in zip(symbols, row, strict=True):
            seen = minute(number, close, close, symbol=symbol)
            returns.on_tick(seen.unfit("test") if (number, symbol) in skip else seen)
    return returns


def walk(seed, n_minutes, likeness):
    draws = np.random.default_rng(seed).normal(0.0, 0.001, (n_minutes, 2))
    draws[:, 1] = likeness * draws[:, 0] + np.sqrt(1 - likeness**2) * draws[:, 1]
    return 100.0 * np.exp(np.cumsum(draws, axis=0))


@given(pairs=st.lists(st.tuples(FIGURE, FIGURE), min_size=3, max_size=40))
def test_the_correlation_is_numpys(pairs):
    first, second = np.array(pairs).T
    ours = correlation_of(pairs)
    if ours is not None and min(first.std(), second.std()) > 1e-6:
        assert ours == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-6)


def test_the_memory_measures_the_returns_of_its_last_bars():
    closes = walk(3, 200, 0.7)
    expected = np.corrcoef(np.diff(np.log(closes[-101:]), axis=0).T)[0, 1]
    assert told(closes, n_bars=100).correlation("SOL-PERP", "BTC-PERP") == pytest.approx(expected)


def test_no_return_spans_an_unfit_minute():
    closes = walk(3, 40, 0.7)
    returns = told(closes, skip={(20, "SOL-PERP")})
    assert len(returns.by_symbol["SOL-PERP"]) == 37
    assert len(returns.by_symbol["BTC-PERP"]) == 39


def test_too_few_common_minutes_and_a_price_that_stands_still_are_not_known():
    assert told(walk(3, FEWEST_RETURNS, 0.7)).correlation("SOL-PERP", "BTC-PERP") is None
    assert told(walk(3, FEWEST_RETURNS + 1, 0.7)).correlation("SOL-PERP", "BTC-PERP") is not None
    assert told([(100.0, 100.0 + number) for number in range(50)]).correlation("SOL-PERP", "BTC-PERP") is None


def test_what_is_held_counts_by_how_it_moves_with_the_order():
    returns = told(walk(3, 200, 0.7))
    known = returns.correlation("SOL-PERP", "BTC-PERP")
    held = [("BTC-PERP", 1_000_000_000), ("SOL-PERP", 7)]
    assert alike_microusd("SOL-PERP", 1, held, returns) == pytest.approx(known * 1e9, abs=1)
    assert alike_microusd("SOL-PERP", -1, held, returns) == 0
    assert alike_microusd("SOL-PERP", -1, [("BTC-PERP", -1_000_000_000)], returns) == pytest.approx(known * 1e9, abs=1)


def test_what_is_not_known_is_taken_to_move_alike():
    assert alike_microusd("SOL-PERP", 1, [("BTC-PERP", -500)], Returns(100)) == 500


@given(notionals=st.lists(st.integers(-(10**12), 10**12), max_size=5), side=st.sampled_from([1, -1]))
def test_what_moves_alike_is_never_more_than_what_is_held_and_order_is_nothing_to_it(notionals, side):
    returns = told(walk(3, 60, 0.7))
    held = [("BTC-PERP", notional) for notional in notionals]
    found = alike_microusd("SOL-PERP", side, held, returns)
    assert 0 <= found <= sum(map(abs, notionals)) + 1
    assert found == alike_microusd("SOL-PERP", side, held[::-1], returns)
