"""Round trips are shared by runs whose exits are alike, and by no others."""

import numpy as np
import pytest

from backtest.compiled.columns import columns_of
from backtest.compiled.landmarks import landmarks_of
from backtest.compiled.signals import Signals
from backtest.compiled.trips import KNOWN, WHOLE
from backtest.sweep.shelf import Shelf
from execution.instruments import instrument
from indicators.feature_columns import N_FIGURES
from strategy.rules import LONG_LEAVES
from tests.flow.stage import quiet

COLUMNS = columns_of(quiet(40), instrument("SOL-PERP"))
LANDMARKS = landmarks_of(COLUMNS)
FEATURES = np.zeros((40, N_FIGURES))


def order_at(place: int, leaves: int = 0) -> Signals:
    return Signals(
        places=np.array([place]),
        sides=np.array([1], dtype=np.int8),
        convictions=np.ones(1),
        strategies=np.zeros(1, dtype=np.int8),
        leaves=np.full((1, 40), leaves, dtype=np.int8),
    )


def is_shared(first: Signals, second: Signals) -> bool:
    """Say whether the second run finds what the first has worked out."""
    shelf = Shelf()
    worked_out = shelf.trips_of(COLUMNS, LANDMARKS, FEATURES, first)
    worked_out.table[0, worked_out.rows, KNOWN] = WHOLE
    looked_up = shelf.trips_of(COLUMNS, LANDMARKS, FEATURES, second)
    return bool(looked_up.table[0, looked_up.rows, KNOWN].any())


def test_a_later_run_finds_the_trip_of_the_same_order() -> None:
    assert is_shared(order_at(5), order_at(5))
    assert not is_shared(order_at(5), order_at(6))


@pytest.mark.parametrize(("first", "second"), [(LONG_LEAVES, 0), (0, LONG_LEAVES), (LONG_LEAVES, LONG_LEAVES)])
def test_a_trip_that_a_strategy_may_cut_short_is_nobody_else_s(first: int, second: int) -> None:
    assert not is_shared(order_at(5, first), order_at(5, second))
