from datetime import date

import pytest

from domain.errors import BadInput
from market.history.plan import plan_fetch
from market.history.series import Kind, Series, start_ms

NOW_MS = start_ms(date(2025, 5, 6)) + 3_600_000


def plan(exchange="bybit", symbols=("SOL-PERP",), first="2025-05-04", last=None, what=None, market=None):
    return plan_fetch(exchange, symbols, first, last, what, market, NOW_MS)


def test_without_more_words_everything_up_to_today_is_fetched():
    planned = plan()
    assert planned.days == (date(2025, 5, 4), date(2025, 5, 5), date(2025, 5, 6))
    assert [series.kind for series in planned.series] == list(Kind)


def test_kinds_come_in_the_order_asked_each_once():
    planned = plan(symbols=("SOL-PERP", "BTC-PERP", "SOL-PERP"), what="mark, bars,mark", last="2025-05-04")
    assert planned.series == tuple(
        Series(kind, "bybit", symbol) for symbol in ("SOL-PERP", "BTC-PERP") for kind in (Kind.MARK, Kind.BARS)
    )
    assert planned.days == (date(2025, 5, 4),)


def test_what_an_exchange_no_longer_shows_is_said_beforehand_and_nothing_else_is():
    assert plan(exchange="hyperliquid").warning is None
    assert plan(exchange="hyperliquid", first="2025-05-01", what="funding").warning is None
    assert plan(exchange="bybit", first="2020-05-01").warning is None
    warning = plan(exchange="hyperliquid", first="2025-05-01").warning
    assert warning is not None
    assert "newest 5,000 minutes and none before 2025-05-02 13:40 UTC" in warning


def test_an_exchange_is_asked_for_what_it_has_history_of():
    assert [series.kind for series in plan(exchange="hyperliquid").series] == [Kind.BARS, Kind.FUNDING]
    with pytest.raises(BadInput, match="'mark' is unknown here; a comma list of bars, funding is allowed"):
        plan(exchange="hyperliquid", what="mark")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"exchange": "moon"}, "'moon' is unknown; .*bybit"),
        ({"symbols": ("SOLUSDT",)}, "names like SOL-PERP"),
        ({"first": "2025-05-05", "last": "2025-05-04"}, "must not be later"),
        ({"first": "2025-05-07"}, "has not begun"),
        ({"what": "bars,ticks"}, "'ticks' is unknown here"),
        ({"symbols": ("SOL-PERP", "BTC-PERP"), "market": "X/USDT:USDT"}, "one symbol at a time"),
    ],
)
def test_what_cannot_be_fetched_is_refused_before_anything_is_sent(given, words):
    with pytest.raises(BadInput, match=words):
        plan(**given)
