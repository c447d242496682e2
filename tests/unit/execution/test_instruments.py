"""The catalogue of perpetuals, and what a user hears who asks for another."""

import pytest

from domain.errors import BadInput
from execution.instruments import INSTRUMENTS, instrument


def test_a_known_symbol_is_found_under_its_own_name() -> None:
    for symbol, known in INSTRUMENTS.items():
        assert instrument(symbol) is known
        assert known.symbol == symbol


def test_one_tick_on_one_lot_is_ten_microdollars_on_all_three() -> None:
    assert {symbol: known.microusd_per_tick_lot for symbol, known in INSTRUMENTS.items()} == {
        "SOL-PERP": 10,
        "BTC-PERP": 10,
        "ETH-PERP": 10,
    }


def test_an_unknown_symbol_is_refused_with_the_names_of_the_known_ones() -> None:
    with pytest.raises(BadInput, match="'DOGE-PERP' is not known; known are BTC-PERP, ETH-PERP, SOL-PERP"):
        instrument("DOGE-PERP")


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        INSTRUMENTS["X-PERP"] = INSTRUMENTS["SOL-PERP"]  # type: ignore[index]  # the point of the test
