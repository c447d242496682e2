"""The rule in backtesting.py: indicators given as numpy columns, stops and target on the order, trailing in `next`."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

STOP, TRAIL, ARM, FEES, SIZE = 0.01, 0.005, 0.01, 0.0005, 0.1


class Explosive(Strategy):  # type: ignore[misc]  # the peer ships no types
    """Long or short on an explosive bar, one position at a time."""

    body = 0.5
    z = 2.0
    target = 0.02

    def init(self) -> None:
        """Compute the figures, as its users do: over the whole tape."""
        over_atr, volume_z = figures(self.data.df)
        self.over_atr = self.I(lambda: over_atr, name="over_atr")
        self.volume_z = self.I(lambda: volume_z, name="volume_z")

    def next(self) -> None:
        """Trail what is open, else enter."""
        price = self.data.Close[-1]
        if self.position:
            self._trail()
        elif abs(self.over_atr[-1]) > self.body and self.volume_z[-1] > self.z:
            if self.over_atr[-1] > 0.0:
                self.buy(size=SIZE, sl=price * (1 - STOP), tp=price * (1 + self.target))
            else:
                self.sell(size=SIZE, sl=price * (1 + STOP), tp=price * (1 - self.target))

    def _trail(self) -> None:
        for trade in self.trades:
            if trade.is_long:
                best = max(getattr(trade, "best", 0.0), self.data.High[-1])
                if best >= trade.entry_price * (1 + ARM):
                    trade.sl = max(trade.sl or 0.0, best * (1 - TRAIL))
            else:
                best = min(getattr(trade, "best", np.inf), self.data.Low[-1])
                if best <= trade.entry_price * (1 - ARM):
                    trade.sl = min(trade.sl or np.inf, best * (1 + TRAIL))
            trade.best = best


def figures(tape: Any) -> tuple[Any, Any]:
    """Return (body over ATR, z-score of the volume), each of shape (n,)."""
    before = tape["Close"].shift().fillna(tape["Close"].iloc[0])
    ranges = np.maximum(tape["High"], before) - np.minimum(tape["Low"], before)
    window = tape["Volume"].rolling(20)
    over_atr = (tape["Close"] - tape["Open"]) / ranges.rolling(14).mean()
    volume_z = (tape["Volume"] - window.mean()) / window.std(ddof=0)
    return over_atr.fillna(0.0).to_numpy(), volume_z.fillna(0.0).to_numpy()


def jobs(ohlcv: Any) -> Mapping[str, Callable[..., int]]:
    """Return what can be asked, by name. ohlcv: shape (n, 5)."""
    warnings.filterwarnings("ignore")
    tape = pd.DataFrame(ohlcv, columns=["Open", "High", "Low", "Close", "Volume"])
    tape.index = pd.date_range("2023-01-01", periods=len(tape), freq="min")

    def run(body: float, z: float, target: float) -> int:
        engine = Backtest(tape, Explosive, cash=1_000_000, commission=FEES, finalize_trades=True)
        return int(engine.run(body=body, z=z, target=target)["# Trades"])

    return {"run": run}
