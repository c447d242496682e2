import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backtest.score.blocks import draw_days
from backtest.score.ledger import MetaLabel, ledger_of
from backtest.score.pairing import mcnemar_p, paired_of
from tests.unit.backtest.score.triggers import stories


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemars_p_value_is_that_of_a_fair_coin(n_one: int, n_other: int) -> None:
    expected = stats.binomtest(n_one, n_one + n_other).pvalue if n_one + n_other else 1.0
    assert mcnemar_p(n_one, n_other) == pytest.approx(expected, abs=1e-9)


def test_a_very_uneven_split_of_many_has_no_chance_left() -> None:
    assert mcnemar_p(0, 40_000) == pytest.approx(0.0)
    assert mcnemar_p(20_000, 20_000) == 1.0


def paired(net, gate, meta):
    told = stories(net, gate, 2)
    said = {one.trigger_id: yes for one, yes in zip(told, meta, strict=True) if yes is not None}
    labels = {name: MetaLabel(p_win_frac=0.5, is_approved=yes) for name, yes in said.items()}
    ledger = ledger_of(told, lambda one: labels.get(one.trigger_id))
    return paired_of(ledger, draw_days(ledger.day, 1_000, 1), 0.95)


def test_six_triggers_worked_out_by_hand() -> None:
    """Right is a yes that won or a no that did not. The last trigger has no opinion of the model and is left out."""
    net = [10.0, -5.0, 8.0, -4.0, 0.0, 99.0]
    gate = [True, True, False, False, False, True]
    meta = [True, False, True, True, True, None]
    found = paired(net, gate, meta)
    assert (found.n, found.n_both, found.n_only_gate, found.n_only_meta, found.n_neither) == (5, 1, 2, 2, 0)
    assert found.more_bps == pytest.approx((0 - 5 - 8 + 4 + 0) / 5)
    assert found.mcnemar_p == 1.0


def test_equal_gates_differ_by_nothing() -> None:
    net = np.random.default_rng(1).normal(0.0, 40.0, 100)
    found = paired(net, net > 0, (net > 0).tolist())
    assert (found.more_bps, found.interval.low_bps, found.interval.high_bps) == (0.0, 0.0, 0.0)
    assert paired(net, net > 0, [None] * 100) is None
