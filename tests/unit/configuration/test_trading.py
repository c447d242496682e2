"""What a live market and a mode that reaches a venue demand of the settings."""

import pytest

from settings import load_settings, settings_from_json, settings_json
from tests.unit.configuration.problems import ASKED, problems_of


@pytest.mark.parametrize(
    ("given", "name", "allowed"),
    [
        ({"FEED": "live", "SPEED": "max"}, "SPEED", "real or auto, because FEED is live"),
        ({"FEED": "live", "LIVE_MARKETS": "BTC-PERP=BTC/USDC:USDC"}, "LIVE_MARKETS", "names for SOL-PERP alone"),
        ({"LIVE_MARKETS": "SOL-PERP"}, "LIVE_MARKETS", "a comma list of SYMBOL=MARKET"),
        ({"LIVE_EXCHANGE": "mtgox"}, "LIVE_EXCHANGE", "one of binanceusdm, bybit"),
        ({"LIVE_URL": "127.0.0.1:80"}, "LIVE_URL", "http://HOST:PORT"),
        ({"LIVE_URL": "ftp://127.0.0.1"}, "LIVE_URL", "http://HOST:PORT"),
        ({"LIVE_URL": "http://127.0.0.1/path"}, "LIVE_URL", "http://HOST:PORT"),
    ],
)
def test_a_live_market_that_cannot_be_meant_is_refused_by_name(given, name, allowed):
    (problem,) = problems_of(given)
    assert problem.name == name
    assert allowed in problem.allowed


TRADING = {"FEED": "live", "MODE": "live", "LIVE_TRADING": "I_ACCEPT_THE_RISK"}
AT_BYBIT = {**TRADING, "EXECUTION": "ccxt", "CCXT_KEY_FILE": "bybit.key"}


@pytest.mark.parametrize(
    ("given", "name", "allowed"),
    [
        ({"MODE": "live", "LIVE_TRADING": "I_ACCEPT_THE_RISK"}, "FEED", "live, because MODE is live"),
        ({"MODE": "dry_run"}, "FEED", "live, because MODE is dry_run"),
        ({"FEED": "live", "MODE": "live"}, "LIVE_TRADING", "I_ACCEPT_THE_RISK, because MODE is live; docs/live.md"),
        ({"FEED": "live", "MODE": "dry_run", "EXECUTION": "ccxt"}, "EXECUTION", "gateway, because MODE is dry_run"),
        ({**AT_BYBIT, "CCXT_KEY_FILE": ""}, "CCXT_KEY_FILE", "the 0600 file with the exchange's key"),
        ({**AT_BYBIT, "LIVE_EXCHANGE": "binanceusdm"}, "LIVE_EXCHANGE", "bybit, because EXECUTION is ccxt"),
        ({**AT_BYBIT, "CCXT_VENUE": "hyperliquid"}, "LIVE_EXCHANGE", "hyperliquid, because EXECUTION is ccxt"),
        ({**AT_BYBIT, "LIVE_MARKETS": "SOL-PERP=SOL/USDC:USDC"}, "LIVE_MARKETS", "orders for SOL-PERP go to"),
        ({**AT_BYBIT, "LIVE_URL": "http://127.0.0.1:80"}, "LIVE_URL", "empty like CCXT_URL"),
        ({**TRADING, "LIVE_EXIT_SLIPPAGE_BPS": "20"}, "LIVE_EXIT_SLIPPAGE_BPS", "LIVE_MAX_SLIPPAGE_BPS, which is 30"),
        ({**TRADING, "LIVE_CASH_TOLERANCE_USD": "11"}, "LIVE_CASH_TOLERANCE_USD", "LIVE_CAPITAL_USD, which is 100"),
        (
            {**TRADING, **ASKED, "GATE_MODE": "veto", "LIVE_ORDER_LIFE_S": "10.5"},
            "LIVE_ORDER_LIFE_S",
            "which is 11: the gate's yes would",
        ),
        ({**TRADING, "SPEED": "max"}, "SPEED", "real or auto"),
        ({**TRADING, "GATE_CASSETTE": "replay", "GATE_CASSETTE_FILE": "c"}, "GATE_CASSETTE", "because MODE is live"),
    ],
)
def test_a_mode_that_reaches_a_venue_names_each_setting_that_contradicts_it(given, name, allowed):
    (problem,) = problems_of(given)
    assert problem.name == name
    assert allowed in problem.allowed


@pytest.mark.parametrize(
    "given",
    [
        TRADING,
        AT_BYBIT,
        {**AT_BYBIT, "CCXT_VENUE": "hyperliquid", "LIVE_EXCHANGE": "hyperliquid"},
        {**AT_BYBIT, "LIVE_URL": "http://127.0.0.1:80", "CCXT_URL": "http://127.0.0.1:80"},
        {**AT_BYBIT, "CCXT_URL": "http://127.0.0.1:80"},
        {**TRADING, "LIVE_EXCHANGE": "binanceusdm"},
        {**TRADING, **ASKED, "GATE_MODE": "veto", "LIVE_ORDER_LIFE_S": "11"},
        {**TRADING, "LIVE_ORDER_LIFE_S": "1"},
        {**TRADING, "LIVE_URL": "http://127.0.0.1:80", "LIVE_MARKETS": "SOL-PERP=SOL/USDC:USDC"},
        {"FEED": "live", "MODE": "dry_run"},
        {"FEED": "live", "MODE": "dry_run", "LIVE_CAPITAL_USD": "10", "LIVE_CASH_TOLERANCE_USD": "1"},
        {"EXECUTION": "ccxt", "LIVE_EXCHANGE": "mexc", "LIVE_EXIT_SLIPPAGE_BPS": "1", "LIVE_CASH_TOLERANCE_USD": "99"},
    ],
)
def test_what_a_mode_takes_is_taken_and_on_paper_everything_of_a_venue_is(given):
    assert load_settings(None, given).mode == given.get("MODE", "paper")


def test_all_that_live_lacks_is_told_in_one_go():
    given = {"MODE": "live", "EXECUTION": "ccxt", "LIVE_EXCHANGE": "mexc"}
    assert [problem.name for problem in problems_of(given)] == [
        "FEED",
        "LIVE_EXCHANGE",
        "LIVE_TRADING",
        "CCXT_KEY_FILE",
    ]
    assert load_settings(None, given, is_to_trade=False).mode == "live"


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:80",
        "http://127.0.0.1.example.com",
        "http://example.com",
        "http://127.evil:80",
        "https://me:pw@host",
        "http://127.0.0.1:80@host",
        "ws://127.0.0.1",
    ],
)
def test_signed_orders_travel_to_no_address_that_is_neither_encrypted_nor_on_this_machine(url):
    (problem,) = problems_of({"CCXT_URL": url})
    assert problem.name == "CCXT_URL"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:1", "https://h:1"])
def test_a_rehearsal_may_stand_on_this_machine_or_behind_encryption(url):
    assert load_settings(None, {"CCXT_URL": url}).ccxt_url == url


def test_the_record_of_a_live_run_is_read_without_the_permission_and_the_key_it_had():
    for exchange in ("bybit", "hyperliquid"):
        lived = load_settings(None, {**AT_BYBIT, "CCXT_VENUE": exchange, "LIVE_EXCHANGE": exchange})
        recorded = settings_json(lived)
        assert settings_from_json(recorded).mode == "live"
        assert settings_json(settings_from_json(recorded)) == recorded


def test_a_live_market_has_its_own_pace_and_what_is_said_of_it_without_one_does_no_harm():
    assert load_settings(None, {"FEED": "live", "SPEED": "real"}).feed == "live"
    assert load_settings(None, {"FEED": "live"}).speed == "auto"
    assert load_settings(None, {"LIVE_MARKETS": "BTC-PERP=BTC/USDC:USDC"}).feed == "sim"
