"""The rule in vectorbt: indicators by its own compiled rolling functions, exits by its stops. No trailing stop.

Its trailing stop cannot wait to be armed without a callback for every bar, which would slow it down by half.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from vectorbt.generic.nb import rolling_mean_1d_nb, rolling_std_1d_nb

STOP, FEES = 0.01, 0.0005


def jobs(ohlcv: Any) -> Mapping[str, Callable[..., int]]:
    """Return what can be asked, by name. ohlcv: shape (n, 5)."""
    tape = pd.DataFrame(ohlcv, columns=["open", "high", "low", "close", "volume"])

    def run(body: float, z: float, target: float) -> int:
        return sweep([body], [z], [target])

    def sweep(body: Sequence[float], z: Sequence[float], target: Sequence[float]) -> int:
        """Walk every combination at once, as its users do, and count the trades."""
        over_atr, volume_z = _figures(tape)
        grid = np.array(list(product(body, z, target)))
        fires = (np.abs(over_atr)[:, None] > grid[:, 0]) & (volume_z[:, None] > grid[:, 1])
        # Decided at the close, filled at the next open.
        fires[1:] = fires[:-1].copy()
        fires[0] = False
        rises = np.roll(over_atr, 1)[:, None] > 0.0
        return _n_trades(tape, fires & rises, fires & ~rises, grid[:, 2])

    return {"run": run, "sweep": sweep}


def _figures(tape: Any) -> tuple[Any, Any]:
    high, low, close, volume = (tape[name].to_numpy() for name in ("high", "low", "close", "volume"))
    before = np.concatenate((close[:1], close[:-1]))
    ranges = np.maximum(high - low, np.maximum(np.abs(high - before), np.abs(low - before)))
    atr = rolling_mean_1d_nb(ranges, 14, 14)
    deviation = rolling_std_1d_nb(volume, 20, 20, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        over_atr = (close - tape["open"].to_numpy()) / atr
        volume_z = (volume - rolling_mean_1d_nb(volume, 20, 20)) / deviation
    return np.nan_to_num(over_atr), np.nan_to_num(volume_z)


def _n_trades(tape: Any, longs: Any, shorts: Any, targets: Any) -> int:
    account = vbt.Portfolio.from_signals(
        tape["close"],
        entries=longs,
        short_entries=shorts,
        price=tape["open"],
        open=tape["open"],
        high=tape["high"],
        low=tape["low"],
        sl_stop=STOP,
        tp_stop=targets,
        fees=FEES,
        stop_entry_price="price",
        upon_opposite_entry="ignore",
        freq="1min",
    )
    account.total_return()
    return int(np.sum(account.trades.count()))
