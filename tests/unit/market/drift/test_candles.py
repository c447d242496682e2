import json

from market.drift.candles import read_candles
from market.drift.counts import Why

MINUTE_MS = 60_000
NOON_MS = 1_736_164_800_000


def api_candle(place, **told):
    usual = {
        "ts": NOON_MS // 1000 + 60 * place,
        "fillOpen": 100.5,
        "fillHigh": 102,
        "fillLow": 100,
        "fillClose": 101.25,
        "oracleClose": 101.5,
        "quoteVolume": 503.1,
        "baseVolume": 5,
    }
    return usual | told


def test_newest_first_with_an_unfinished_one_and_repeats_becomes_finished_bars_in_order_of_time():
    rows = [api_candle(3), api_candle(2), api_candle(2), api_candle(1, baseVolume=0), api_candle(0)]
    body = json.dumps({"success": True, "records": rows}).encode()
    page = read_candles("candles", body, step_ms=MINUTE_MS, now_ms=NOON_MS + 3 * MINUTE_MS + 59_999)
    assert [candle.open_ms for candle in page.rows] == [NOON_MS, NOON_MS + 2 * MINUTE_MS]
    assert (page.rows[0].high_price, page.rows[0].volume_base, page.rows[0].oracle_close) == (102, 5, 101.5)
    assert dict(page.counts.reasons) == {Why.UNFINISHED: 1, Why.DUPLICATE: 1, Why.NO_FILLS: 1}


def test_the_archives_other_names_and_milliseconds_are_read():
    body = f"start,open,high,low,close,volume\n{NOON_MS},1.5,2,1,1.75,10\n".encode()
    page = read_candles("1.csv", body, step_ms=MINUTE_MS, now_ms=NOON_MS + MINUTE_MS)
    assert [(one.open_ms, one.open_price, one.volume_base) for one in page.rows] == [(NOON_MS, 1.5, 10.0)]


def test_whole_figures_alone_do_not_say_what_they_are():
    body = f"ts,open,high,low,close,volume\n{NOON_MS},100000000,2,1,1,10\n".encode()
    page = read_candles("1.csv", body, step_ms=MINUTE_MS, now_ms=NOON_MS + MINUTE_MS)
    assert dict(page.counts.reasons) == {Why.NOT_TOLD_APART: 1}
