import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backtest.report.breakdown import breakdowns
from domain.decisions import ExitReason, Side
from domain.features import Regime
from domain.market import HOUR_MS
from tests.unit.backtest.stories import START_MS, trade

TRADES = st.lists(
    st.builds(
        lambda gross, fees, funding, reason, regime, side, hour: trade(
            gross_microusd=gross,
            fees_microusd=fees,
            funding_microusd=funding,
            exit_reason=reason,
            regime=regime,
            side=side,
            opened_ms=START_MS + hour * HOUR_MS,
        ),
        st.integers(-(10**9), 10**9),
        st.integers(-(10**6), 10**6),
        st.integers(-(10**6), 10**6),
        st.sampled_from(ExitReason),
        st.sampled_from(Regime),
        st.sampled_from(Side),
        st.integers(0, 80),
    ),
    max_size=30,
)


@given(TRADES)
def test_every_way_of_grouping_adds_up_to_the_same_whole(trades):
    for breakdown in breakdowns(trades):
        assert sum(row.n_trades for row in breakdown.rows) == len(trades)
        assert sum(row.net_microusd for row in breakdown.rows) == sum(one.net_microusd for one in trades)
        assert sum(round(row.win_rate_frac * row.n_trades) for row in breakdown.rows) == sum(
            one.net_microusd > 0 for one in trades
        )


def test_the_hours_stand_in_order_and_the_rest_by_frequency():
    trades = [
        trade(opened_ms=START_MS + hour * HOUR_MS, strategy=name) for hour, name in ((30, "b"), (2, "a"), (3, "b"))
    ]
    found = {breakdown.title: [row.name for row in breakdown.rows] for breakdown in breakdowns(trades)}
    assert found["hour of entry, UTC"] == ["02:00", "03:00", "06:00"]
    assert found["strategy"] == ["b", "a"]


def test_results_in_r_leave_out_trades_whose_risk_is_not_known():
    (row,) = breakdowns([trade(), trade(risk_microusd=0)])[1].rows
    assert row.sum_r == pytest.approx(0.525)
    assert breakdowns([trade(risk_microusd=0)])[1].rows[0].sum_r is None


def test_a_row_whose_net_does_not_add_up_is_refused():
    (row,) = breakdowns([trade()])[0].rows
    with pytest.raises(ValueError, match="net is not gross less fees plus funding"):
        replace(row, net_microusd=row.net_microusd + 1)
