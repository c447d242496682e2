"""Ids that tell what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import ExitReason
from execution.live.wire import DIGITS, PURPOSES, WireCode, WireId, wire_id_of

SYMBOLS = ("BTC-PERP", "ETH-PERP", "SOL-PERP")
CODE = WireCode("a run", SYMBOLS)
IDS = st.builds(
    WireId,
    symbol=st.sampled_from(SYMBOLS),
    purpose=st.sampled_from(PURPOSES),
    at_ms=st.integers(0, 16**11 - 1),
    serial=st.integers(0, 16**9 - 1),
)


@given(IDS)
def test_an_id_is_32_hex_digits_and_is_read_as_it_was_written(wire_id: WireId) -> None:
    text = CODE.write(wire_id)
    assert len(text) == DIGITS == 32
    assert set(text) <= set("0123456789abcdef")
    assert CODE.read(text) == wire_id


@given(IDS, IDS)
def test_two_orders_never_share_an_id(one: WireId, other: WireId) -> None:
    assert (CODE.write(one) == CODE.write(other)) == (one == other)


@given(IDS, st.text(min_size=1, max_size=12))
def test_an_id_of_another_run_says_nothing(wire_id: WireId, run_id: str) -> None:
    assert (WireCode(run_id, SYMBOLS).read(CODE.write(wire_id)) is None) == (run_id != "a run")


@given(st.one_of(st.none(), st.text(max_size=40), st.text("0123456789abcdefABCDEF", min_size=30, max_size=34)))
def test_what_is_no_id_of_a_desk_says_nothing(text: str | None) -> None:
    assert CODE.read(text) is None


def test_the_order_of_the_symbols_does_not_matter() -> None:
    wire_id = WireId(symbol="SOL-PERP", purpose="stop", at_ms=7, serial=8)
    assert WireCode("a run", SYMBOLS[::-1]).write(wire_id) == CODE.write(wire_id)


def test_a_figure_that_names_no_symbol_or_purpose_says_nothing() -> None:
    text = CODE.write(WireId(symbol="SOL-PERP", purpose="stop", at_ms=7))
    assert CODE.read(f"{text[:9]}ff{text[11:]}") is None
    assert CODE.read(f"{text[:11]}f{text[12:]}") is None


@pytest.mark.parametrize("serial", [-1, 16**9])
def test_a_figure_out_of_range_is_refused(serial: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        CODE.write(WireId(symbol="SOL-PERP", purpose="stop", at_ms=7, serial=serial))


def test_an_order_of_the_desk_is_named_as_the_desk_names_it() -> None:
    for reason in ExitReason:
        client_order_id = f"SOL-PERP-1796000040000-{reason.value}"
        wire_id = wire_id_of(client_order_id)
        assert (wire_id.client_order_id, wire_id.exit_reason) == (client_order_id, reason)
    entry = wire_id_of("SOL-PERP-1796000040000-entry")
    assert entry.exit_reason is None
    protective = WireId(symbol="SOL-PERP", purpose="stop", at_ms=entry.at_ms, serial=5)
    assert protective.client_order_id == entry.client_order_id
    with pytest.raises(ValueError, match="no purpose"):
        wire_id_of("SOL-PERP-1796000040000-shadow")


def test_more_symbols_than_an_id_can_name_are_refused() -> None:
    with pytest.raises(ValueError, match="257 symbols"):
        WireCode("a run", [str(number) for number in range(257)])
