"""Velocity's parameters: Drift's, with a wider oracle offset and two options for a builder."""

from hypothesis import given
from hypothesis import strategies as st

from execution.gateway.instructions import Trader, order_params, place
from execution.gateway.profiles import load_profiles
from tests.gateway.stage import TRADER, WALLET

PROFILES = load_profiles()
DRIFT, VELOCITY = PROFILES["drift_v2"], PROFILES["velocity"]


def order(offset):
    return {
        "kind": "oracle",
        "side": "short",
        "base_raw": 10**9,
        "reduce_only": True,
        "oracle_offset_raw": offset,
        "auction_slots": 10,
        "auction_start_raw": -5,
        "auction_end_raw": 5,
        "max_ts_s": 1_790_000_000,
    }


@given(st.integers(-(2**31), 2**31 - 1))
def test_velocitys_order_is_drifts_with_a_wider_offset_and_no_builder(offset):
    drift, velocity = order_params(DRIFT, order(offset), 3, 9), order_params(VELOCITY, order(offset), 3, 9)
    narrow, wide = (b"\1" + offset.to_bytes(size, "little", signed=True) for size in (4, 8))
    before, after = drift.split(narrow, 1) if drift.count(narrow) == 1 else (None, None)
    if before is not None:
        assert velocity == before + wide + after + b"\0\0"
    assert len(velocity) == len(drift) + 4 + 2


def test_an_order_without_an_offset_differs_by_the_two_empty_options_alone():
    limit = {"kind": "limit", "side": "long", "base_raw": 1, "reduce_only": False, "price_raw": 2}
    assert order_params(VELOCITY, limit, 0, 1) == order_params(DRIFT, limit, 0, 1) + b"\0\0"


def test_velocity_has_its_own_program_and_state():
    trader = Trader(profile=VELOCITY, authority=str(WALLET.pubkey()), sub_account=0)
    instruction = place(trader, order(0), 0, 1, [])
    assert instruction.program == "vELoC1audYbSYVRXn1vPaV8Axoa9oU6BYmNGZZBDZ1P"
    assert instruction.accounts[0].address == trader.state
    assert not {trader.state, trader.user} & {TRADER.state, TRADER.user}
