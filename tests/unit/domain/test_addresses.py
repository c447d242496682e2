"""Where an exchange's addresses lead."""

import pytest

from domain.addresses import is_loopback, redirected


def test_every_address_is_redirected_and_keeps_its_path_and_kind():
    urls = {
        "public": "https://api.{hostname}",
        "fapiPublic": "https://fapi.binance.com/fapi/v1",
        "ws": {"linear": "wss://fstream.binance.com/ws", "public": {"linear": "wss://stream.{hostname}/v5/public"}},
    }
    assert redirected(urls, "http://127.0.0.1:8080") == {
        "public": "http://127.0.0.1:8080",
        "fapiPublic": "http://127.0.0.1:8080/fapi/v1",
        "ws": {"linear": "ws://127.0.0.1:8080/ws", "public": {"linear": "ws://127.0.0.1:8080/v5/public"}},
    }
    assert redirected("wss://a.b/ws", "https://c.d") == "wss://c.d/ws"


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [("http://127.0.0.1:1", True), ("https://api.bybit.nl", False), ("", False), ("ws://[::1]:80/x", True)],
)
def test_only_this_machine_is_asked_without_pause(address, is_ours):
    assert is_loopback(address) is is_ours
