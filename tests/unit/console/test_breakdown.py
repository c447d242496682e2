from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.breakdown import broken_down, by_exit_reason, by_regime, by_strategy, by_symbol
from domain.account import Trade
from domain.decisions import ExitReason, Side
from domain.features import Regime

AMOUNTS = st.integers(min_value=-(10**10), max_value=10**10)
TRADES = st.lists(
    st.builds(
        lambda gross, fees, funding, reason, regime, symbol: Trade(
            symbol=symbol,
            strategy="e3",
            side=Side.BUY,
            size_lots=1,
            entry_ticks=1,
            exit_ticks=1,
            gross_microusd=gross,
            fees_microusd=fees,
            funding_microusd=funding,
            slippage_microusd=0,
            mae_bps=0.0,
            mfe_bps=0.0,
            exit_reason=reason,
            regime=regime,
            conviction_frac=0.5,
            risk_microusd=1_000_000,
            opened_ms=0,
            closed_ms=1,
            n_bars=1,
            client_order_id="x",
        ),
        AMOUNTS,
        AMOUNTS,
        AMOUNTS,
        st.sampled_from(ExitReason),
        st.sampled_from(Regime),
        st.sampled_from(["SOL-PERP", "BTC-PERP"]),
    ),
    max_size=20,
)


@given(TRADES)
def test_every_breakdown_adds_up_to_the_whole(trades: list[Trade]) -> None:
    whole = broken_down("all", trades)
    assert whole.net_microusd == sum(trade.net_microusd for trade in trades)
    assert whole.net_microusd == whole.gross_microusd - whole.fees_microusd + whole.funding_microusd
    for parts in (by_regime(trades), by_exit_reason(trades), by_strategy(trades), by_symbol(trades)):
        assert sum(part.n_trades for part in parts) == len(trades)
        assert sum(part.net_microusd for part in parts) == whole.net_microusd
        assert [part.n_trades for part in parts] == sorted((part.n_trades for part in parts), reverse=True)


def test_ratios_without_a_denominator_are_absent(made: SimpleNamespace) -> None:
    empty = broken_down("none", [])
    assert (empty.win_rate_frac, empty.profit_factor, empty.expectancy_r) == (None, None, None)
    won = broken_down("won", [replace(made.TRADE, gross_microusd=10**9, risk_microusd=0)])
    assert (won.win_rate_frac, won.profit_factor, won.expectancy_r) == (1.0, None, None)
