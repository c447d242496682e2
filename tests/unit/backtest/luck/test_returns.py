import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from backtest.luck.returns import ReturnShape, shape_of

RETURNS = arrays.arrays(float, st.integers(2, 50), elements=st.floats(min_value=-0.5, max_value=0.5))


def test_the_shape_of_four_days_is_the_one_worked_out_by_hand() -> None:
    """Returns 0, 0, 0, 4: mean 1, distances -1, -1, -1, 3; squares mean 3 (ddof 0), sum 12, so sd (ddof 1) = 2.

    Sharpe 1 / 2. Cubes: (-3 + 27) / 4 = 6, over 3^1.5: 1.1547. Fourth powers: (3 + 81) / 4 = 21, over 9: 2.3333.
    """
    shape = shape_of(np.array([0.0, 0.0, 0.0, 4.0]))
    assert shape is not None
    assert (shape.n_days, shape.sharpe) == (4, 0.5)
    assert (shape.skew, shape.kurtosis) == (pytest.approx(1.1547005), pytest.approx(7 / 3))


@given(RETURNS, st.floats(min_value=0.01, max_value=100))
def test_the_shape_does_not_change_with_the_size_of_the_bet(returns: np.ndarray, leverage: float) -> None:
    shape, scaled = shape_of(returns), shape_of(returns * leverage)
    if shape is None or scaled is None or np.std(returns) < 1e-6:
        return
    assert scaled.sharpe == pytest.approx(shape.sharpe, rel=1e-6)
    assert scaled.skew == pytest.approx(shape.skew, rel=1e-6, abs=1e-9)
    assert scaled.kurtosis == pytest.approx(shape.kurtosis, rel=1e-6)


def test_long_series_have_the_moments_that_pandas_finds() -> None:
    """Pandas corrects skew and kurtosis for small samples; over 50,000 days that is no difference."""
    returns = np.random.default_rng(3).standard_t(9, size=50_000) * 0.01
    shape = shape_of(returns)
    assert shape is not None
    assert shape.skew == pytest.approx(pd.Series(returns).skew(), abs=1e-3)
    assert shape.kurtosis - 3 == pytest.approx(pd.Series(returns).kurt(), rel=1e-2)


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, 0.1, 0.1], [0.0, 0.0], [0.1, math.nan, 0.2]])
def test_what_has_no_sharpe_has_no_shape(returns: list[float]) -> None:
    assert shape_of(np.array(returns)) is None


def test_moments_that_no_distribution_has_are_refused() -> None:
    for wrong in ({"skew": 2.0, "kurtosis": 3.0}, {"n_days": 1}, {"sharpe": math.nan}, {"kurtosis": math.nan}):
        with pytest.raises(ValueError, match="no"):
            ReturnShape(**{"n_days": 10, "sharpe": 0.1, **wrong})
