import json

import numpy as np
import pytest

from backtest.report.account import exposure
from backtest.report.payload import payload
from tests.unit.backtest.stories import CASH, story


@pytest.fixture(scope="module")
def packed():
    told = story()
    return json.loads(json.dumps(payload(told, exposure(told)), allow_nan=False))


def unrolled(lengths):
    return [value for value, count in zip(lengths[::2], lengths[1::2], strict=True) for _ in range(count)]


def test_the_bars_unpack_to_the_recorded_prices_on_the_grid(packed):
    told = story()
    for market, tape in zip(packed["markets"], told.tapes, strict=True):
        has_bar = ~np.isnan(tape.prices[:, 3])
        opens, closes, last = [], [], 0
        for up, more in zip(market["open"], market["close"], strict=True):
            opens.append(last + up)
            last = opens[-1] + more
            closes.append(last)
        body = np.column_stack([opens, closes])
        highs, lows = body.max(axis=1) + market["high"], body.min(axis=1) - market["low"]
        found = np.column_stack([opens, highs, lows, closes]) * market["tick"]
        assert np.abs(found - tape.prices[has_bar]).max() <= market["tick"] * 0.5001
        at_s = np.cumsum(unrolled(market["opens"]))
        assert at_s.tolist() == (tape.close_ms[has_bar] // 1000 - 60).tolist()
        assert unrolled(market["regime"]) == tape.regime[has_bar].tolist()


def test_the_account_unpacks_to_cents_and_keeps_the_dip(packed):
    account = packed["account"]
    equity = np.cumsum(account["equity"]) * account["unit_usd"]
    curve = story().outcome.curve
    assert np.abs(equity - curve.equity_microusd / 1e6).max() <= 0.005
    assert max(account["drawdown_ppm"]) == round(50_000_000 / CASH * 1e6)
    assert len(unrolled(account["gross_ppm"])) == len(account["at_s"])


def test_every_deed_names_its_reason_and_the_trade_it_belongs_to(packed):
    deeds, words = packed["deeds"], packed["words"]
    assert [words[number] for number in deeds["why"]] == ["explosive bar", "the target was reached", "explosive bar"]
    assert deeds["trade"] == [0, 0, None]
    assert deeds["market"] == [0, 0, 1]
    assert [None if number is None else words[number] for number in deeds["way_out"]] == [None, "target", None]
    assert len(words) == len(set(words))
