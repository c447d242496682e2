"""The market data agent: from what a minute showed to the figures a strategy may look at."""

from domain.features import Features
from domain.market import Snapshot
from indicators.features import FeatureEngine, FeatureWindows
from indicators.regime import RegimeThresholds


class MarketDataAgent:
    """Keeps one feature engine per symbol and feeds it every bar, fit or not for trading."""

    __slots__ = ("_engines", "_regimes", "_windows")

    def __init__(self, windows: FeatureWindows, regimes: RegimeThresholds) -> None:
        """Start cold: each symbol warms up on its own bars."""
        self._windows = windows
        self._regimes = regimes
        self._engines: dict[str, FeatureEngine] = {}

    def observe(self, snapshot: Snapshot) -> Features | None:
        """Take one closed minute. None while warming up, or when the minute had no usable bar."""
        bar = snapshot.bar
        if bar is None:
            return None
        engine = self._engines.get(snapshot.symbol)
        if engine is None:
            engine = self._engines[snapshot.symbol] = FeatureEngine(self._windows, self._regimes)
        return engine.observe(bar, snapshot)

    def warmth(self, symbol: str) -> str:
        """Say how far the warm-up of `symbol` has come."""
        engine = self._engines.get(symbol)
        if engine is None:
            return "no bar seen yet"
        return f"{min(engine.n_seen, engine.warmup_bars)} of {engine.warmup_bars} bars seen"
