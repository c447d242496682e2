"""Where ccxt is sent, and what it is told: nothing here is ever sent."""

import pytest

from execution.exchange.bybit import Bybit
from execution.exchange.contact import REQUESTS, STREAM, Contact
from execution.exchange.hyperliquid import Hyperliquid
from execution.exchange.line import Line
from execution.exchange.terms import CcxtTerms
from tests.doubles.exchange.time import SimulatedTime


def line(**terms) -> tuple[Line, CcxtTerms]:
    told = CcxtTerms(**terms)
    return Line(told, lambda exchange: None, str, SimulatedTime(1_747_000_000_000), Contact()), told


@pytest.mark.parametrize(
    ("exchange", "testnet", "rest", "stream"),
    [
        ("bybit", True, "https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com/v5/private"),
        ("bybit", False, "https://api.bybit.com", "wss://stream.bybit.com/v5/private"),
        ("hyperliquid", True, "https://api.hyperliquid-testnet.xyz", "wss://api.hyperliquid-testnet.xyz/ws"),
        ("hyperliquid", False, "https://api.hyperliquid.xyz", "wss://api.hyperliquid.xyz/ws"),
    ],
)
def test_the_test_network_and_the_real_one_are_where_the_exchange_says(exchange, testnet, rest, stream):
    made, terms = line(exchange=exchange, testnet=testnet)
    assert made.exchange.implode_hostname(made.exchange.urls["api"]["private"]) == rest
    dialect = {"bybit": Bybit, "hyperliquid": Hyperliquid}[exchange](made, terms)
    assert dialect.stream_url == stream
    assert made.exchange.enableRateLimit
    assert made.exchange.ssl_context is not False


def test_a_rehearsals_address_takes_the_place_of_every_other():
    made, _ = line(url="http://127.0.0.1:4321")
    assert made.exchange.urls["api"]["private"] == "http://127.0.0.1:4321"
    assert made.exchange.urls["api"]["ws"]["private"]["contract"] == "ws://127.0.0.1:4321/v5/private"


def test_requests_are_signed_with_the_exchanges_time_and_a_short_life():
    made, _ = line()
    made.offset_ms = -7_000
    assert made.exchange.nonce() == 1_746_999_993_000
    assert made.exchange.options["recvWindow"] == 5_000
    assert made.exchange.timeout == 5_000


def test_what_an_exchange_says_is_one_short_line():
    made, _ = line()
    assert made.hidden("a\nb\tc\x00") == "a b c"
    assert len(made.hidden("so it goes " * 100)) == 200


def test_a_loss_is_told_once_and_being_back_when_everything_is():
    contact = Contact()
    contact.back(STREAM)
    for _ in range(2):
        contact.lost(REQUESTS, "no answer")
    contact.lost(STREAM, "closed")
    contact.back(REQUESTS)
    assert [kind for kind, _ in contact.take()] == ["broker_lost", "broker_lost"]
    contact.back(STREAM)
    assert [kind for kind, _ in contact.take()] == ["broker_back"]
    assert contact.take() == []
