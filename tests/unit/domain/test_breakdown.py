from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.account import Trade
from domain.breakdown import broken_down, by_day, by_exit_reason, by_hour, by_month, by_regime, by_strategy, by_symbol
from domain.decisions import ExitReason, Side
from domain.features import Regime
from domain.market import DAY_MS, HOUR_MS, MINUTE_MS

AMOUNTS = st.integers(min_value=-(10**10), max_value=10**10)
MAY_2025_MS = int(datetime(2025, 5, 1, tzinfo=UTC).timestamp()) * 1_000
TRADE = Trade(
    symbol="SOL-PERP",
    strategy="e3",
    side=Side.BUY,
    size_lots=1,
    entry_ticks=1,
    exit_ticks=1,
    gross_microusd=0,
    fees_microusd=0,
    funding_microusd=0,
    slippage_microusd=0,
    mae_bps=0.0,
    mfe_bps=0.0,
    exit_reason=ExitReason.STOP,
    regime=Regime.CHOP,
    conviction_frac=0.5,
    risk_microusd=1_000_000,
    opened_ms=MAY_2025_MS,
    closed_ms=MAY_2025_MS + MINUTE_MS,
    n_bars=1,
    client_order_id="x",
)
TRADES = st.lists(
    st.builds(
        lambda gross, fees, funding, slippage, reason, regime, symbol, opened_minute, n_minutes: replace(
            TRADE,
            symbol=symbol,
            gross_microusd=gross,
            fees_microusd=fees,
            funding_microusd=funding,
            slippage_microusd=slippage,
            exit_reason=reason,
            regime=regime,
            opened_ms=MAY_2025_MS + opened_minute * MINUTE_MS,
            closed_ms=MAY_2025_MS + (opened_minute + n_minutes) * MINUTE_MS,
        ),
        AMOUNTS,
        AMOUNTS,
        AMOUNTS,
        AMOUNTS,
        st.sampled_from(ExitReason),
        st.sampled_from(Regime),
        st.sampled_from(["SOL-PERP", "BTC-PERP"]),
        st.integers(min_value=0, max_value=100_000),
        st.integers(min_value=1, max_value=3_000),
    ),
    max_size=20,
)


@given(TRADES)
def test_every_breakdown_adds_up_to_the_whole(trades: list[Trade]) -> None:
    whole = broken_down("all", trades)
    assert whole.net_microusd == sum(trade.net_microusd for trade in trades)
    assert whole.net_microusd == whole.gross_microusd - whole.fees_microusd + whole.funding_microusd
    by_size = (by_regime(trades), by_exit_reason(trades), by_strategy(trades), by_symbol(trades))
    by_time = (by_hour(trades), by_day(trades), by_month(trades))
    for parts in by_size + by_time:
        assert sum(part.n_trades for part in parts) == len(trades)
        assert sum(part.net_microusd for part in parts) == whole.net_microusd
        assert sum(part.slippage_microusd for part in parts) == whole.slippage_microusd
    for parts in by_size:
        assert [part.n_trades for part in parts] == sorted((part.n_trades for part in parts), reverse=True)
    for parts in by_time:
        assert [part.name for part in parts] == sorted(part.name for part in parts)


def test_ratios_without_a_denominator_are_absent() -> None:
    empty = broken_down("none", [])
    assert (empty.win_rate_frac, empty.profit_factor, empty.expectancy_r) == (None, None, None)
    won = broken_down("won", [replace(TRADE, gross_microusd=10**9, risk_microusd=0)])
    assert (won.win_rate_frac, won.profit_factor, won.expectancy_r) == (1.0, None, None)


def test_the_hour_is_that_of_the_entry_and_the_day_and_month_that_of_the_close() -> None:
    over_midnight = replace(
        TRADE, opened_ms=MAY_2025_MS + 31 * DAY_MS - HOUR_MS, closed_ms=MAY_2025_MS + 31 * DAY_MS + HOUR_MS
    )
    names = [
        [part.name for part in parts([TRADE, over_midnight, over_midnight])] for parts in (by_hour, by_day, by_month)
    ]
    assert names == [["00", "23"], ["2025-05-01", "2025-06-01"], ["2025-05", "2025-06"]]


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_days_and_months_are_those_of_the_calendar(closed_ms: int) -> None:
    moment = datetime.fromtimestamp(closed_ms // 1_000, UTC)
    trade = replace(TRADE, closed_ms=closed_ms)
    assert (by_day([trade])[0].name, by_month([trade])[0].name) == (f"{moment:%Y-%m-%d}", f"{moment:%Y-%m}")
