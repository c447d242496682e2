"""What a live feed is asked to do."""

from typing import get_args

import pytest

from market.live.terms import VENUES, LiveTerms
from tests.doubles.exchange.server import Protocol


@pytest.mark.parametrize(
    ("exchange", "market"),
    [
        ("bybit", "SOL/USDT:USDT"),
        ("binanceusdm", "SOL/USDT:USDT"),
        ("mexc", "SOL/USDT:USDT"),
        ("deribit", "SOL/USDC:USDC"),
        ("hyperliquid", "SOL/USDC:USDC"),
    ],
)
def test_a_symbol_is_named_by_rule_on_every_exchange(exchange, market):
    assert LiveTerms(exchange=exchange, symbols=("SOL-PERP",)).market_name("SOL-PERP") == market


def test_a_market_named_outright_wins_over_the_rule():
    terms = LiveTerms(exchange="bybit", symbols=("SOL-PERP",), markets={"SOL-PERP": "SOL/USDC:USDC"})
    assert terms.market_name("SOL-PERP") == "SOL/USDC:USDC"


@pytest.mark.parametrize("wrong", [{"exchange": "mtgox"}, {"warmup_bars": -1}, {"grace_ms": 30_000}])
def test_terms_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="known|warm-up"):
        LiveTerms(**{"exchange": "bybit", "symbols": ("SOL-PERP",), **wrong})


def test_every_exchange_that_may_be_listened_to_has_a_local_one_that_speaks_its_protocol():
    assert {protocol.name for protocol in get_args(Protocol)} == set(VENUES)
