"""Each symbol warms up on its own bars, and a minute without a bar is not a bar."""

from agents.market_data import MarketDataAgent
from domain.market import Snapshot
from indicators.features import FeatureWindows
from indicators.regime import RegimeThresholds
from tests.flow.stage import minute

WINDOWS = FeatureWindows(
    atr_bars=2, volume_bars=2, vol_bars=2, vol_long_bars=3, ema_fast_bars=2, ema_slow_bars=3, drawdown_bars=2
)


def test_symbols_do_not_warm_each_other() -> None:
    agent = MarketDataAgent(WINDOWS, RegimeThresholds())
    sol = [agent.observe(minute(number, 150.0, 150.1)) for number in range(6)]
    assert sol[-1] is not None
    assert agent.observe(minute(6, 95_000.0, 95_010.0, symbol="BTC-PERP")) is None
    assert agent.warmth("BTC-PERP") == "1 of 4 bars seen"
    assert agent.warmth("ETH-PERP") == "no bar seen yet"


def test_a_minute_without_a_bar_gives_no_features_and_leaves_the_windows_alone() -> None:
    one, other = (MarketDataAgent(WINDOWS, RegimeThresholds()) for _ in range(2))
    bars = [minute(number, 150.0, 150.0 + number % 3) for number in range(8)]
    for snapshot in bars[:-1]:
        one.observe(snapshot)
        other.observe(snapshot)
    hole = Snapshot(symbol="SOL-PERP", as_of_ms=bars[-1].as_of_ms, bar=None, defects=("close is NaN",))
    assert one.observe(hole) is None
    assert one.observe(bars[-1]) == other.observe(bars[-1])
