"""Every instruction and every account, byte for byte as the public client has it."""

import asyncio
import warnings
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from execution.gateway.instructions import Trader, cancel, cancel_all, place
from execution.gateway.profiles import read_account
from tests.gateway.drawn import orders
from tests.gateway.layouts import DRIFT
from tests.gateway.stage import BTC, PROFILE, SOL, TRADER, WALLET

# The public client is abandoned; its use of newer packages warns in many places, none of them ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ResourceWarning")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from anchorpy import Context, Wallet
    from driftpy.account_subscription_config import AccountSubscriptionConfig
    from driftpy.decode.user import decode_user
    from driftpy.drift_client import DriftClient
    from driftpy.types import (
        MarketType,
        OracleInfo,
        OracleSource,
        OrderParams,
        OrderTriggerCondition,
        OrderType,
        PositionDirection,
        PostOnlyParams,
    )
    from solana.rpc.async_api import AsyncClient

TYPES = {
    "limit": OrderType.Limit(),
    "ioc": OrderType.Limit(),
    "market": OrderType.Market(),
    "oracle": OrderType.Oracle(),
    "trigger_market": OrderType.TriggerMarket(),
    "trigger_limit": OrderType.TriggerLimit(),
}
POST = {
    None: PostOnlyParams.NONE(),
    "must": PostOnlyParams.MustPostOnly(),
    "try": PostOnlyParams.TryPostOnly(),
    "slide": PostOnlyParams.Slide(),
}
TRIGGERS = {
    None: OrderTriggerCondition.Above(),
    "above": OrderTriggerCondition.Above(),
    "below": OrderTriggerCondition.Below(),
}
SIDES = {"long": PositionDirection.Long(), "short": PositionDirection.Short()}


def theirs(order, market_index, number):
    return OrderParams(
        order_type=TYPES[order["kind"]],
        market_type=MarketType.Perp(),
        direction=SIDES[order["side"]],
        user_order_id=number,
        base_asset_amount=order["base_raw"],
        price=order.get("price_raw", 0),
        market_index=market_index,
        reduce_only=order["reduce_only"],
        post_only=POST[order.get("post_only")],
        bit_flags=1 if order["kind"] == "ioc" else 0,
        max_ts=order["max_ts_s"],
        trigger_price=order.get("trigger_price_raw"),
        trigger_condition=TRIGGERS[order.get("trigger_when")],
        oracle_price_offset=order.get("oracle_offset_raw"),
        auction_duration=order.get("auction_slots"),
        auction_start_price=order.get("auction_start_raw"),
        auction_end_price=order.get("auction_end_raw"),
    )


def assert_same(ours, other):
    assert ours.program == str(other.program_id)
    assert ours.data == bytes(other.data)
    uses = [(one.address, one.signs, one.writes) for one in ours.accounts]
    assert uses == [(str(one.pubkey), one.is_signer, one.is_writable) for one in other.accounts]


@pytest.fixture(scope="module")
def offline():
    return DriftClient(
        AsyncClient("http://127.0.0.1:1/"), Wallet(WALLET), account_subscription=AccountSubscriptionConfig("cached")
    )


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_five_hundred_random_orders_of_each_kind_are_the_same_instruction(offline, kind):
    @settings(max_examples=500)
    @given(orders(kind), st.integers(0, 2**16 - 1), st.integers(0, 255), st.integers(0, 2**16 - 1))
    def check(order, market_index, number, sub_account):
        trader = Trader(profile=PROFILE, authority=str(WALLET.pubkey()), sub_account=sub_account)
        name = "place_and_take_perp_order" if kind == "ioc" else "place_perp_order"
        accounts = {
            "state": offline.get_state_public_key(),
            "user": offline.get_user_account_public_key(sub_account),
            "user_stats": offline.get_user_stats_public_key(),
            "authority": WALLET.pubkey(),
        }
        arguments = [theirs(order, market_index, number), *([None] if kind == "ioc" else [])]
        other = offline.program.instruction[name](*arguments, ctx=Context(accounts=accounts))
        assert_same(place(trader, order, market_index, number, []), other)

    check()


@pytest.fixture
def online(node, server):
    """Return the public client, unmodified, subscribed to the test chain.

    Its one-shot subscription cannot read the newest oracles; told that they need no reading, it names them all the
    same.
    """
    clients = []

    def connect():
        client = DriftClient(
            AsyncClient(server.url),
            Wallet(WALLET),
            account_subscription=AccountSubscriptionConfig("demo"),
            perp_market_indexes=[SOL, BTC],
            spot_market_indexes=[0],
            oracle_infos=[OracleInfo(Pubkey.from_string(one), OracleSource.QuoteAsset()) for one in oracles()],
        )
        clients.append(client)
        return client

    return connect


def oracles():
    from tests.gateway.stage import ORACLES, QUOTE_ORACLE

    return [*ORACLES.values(), QUOTE_ORACLE]


def held(content, holdings):
    """Return a trading account with a deposit and some positions."""
    content = DRIFT.write_row(content, "spot_positions", 0, {"scaled_balance": 10**12})
    for row, index in enumerate(holdings):
        content = DRIFT.write_row(
            content, "perp_positions", row, {"market_index": index, "base_asset_amount": -(10**9)}
        )
    return content


@pytest.mark.parametrize("holdings", [(), (SOL,), (BTC,), (BTC, SOL), (SOL, BTC)])
@pytest.mark.parametrize("kind", ["limit", "ioc"])
def test_whole_instructions_are_the_public_clients_whatever_the_account_holds(stage, online, holdings, kind):
    stage.node.put(TRADER.user, held(stage.node.content(TRADER.user), holdings))
    order = {
        "kind": kind,
        "side": "short",
        "base_raw": 10**9,
        "reduce_only": True,
        "max_ts_s": None,
        "price_raw": 15 * 10**7,
    }

    async def build():
        client = online()
        await client.subscribe()
        placing = client.get_place_and_take_perp_order_ix if kind == "ioc" else client.get_place_perp_order_ix
        built = [
            placing(theirs(order, SOL, 7)),
            client.get_cancel_order_by_user_id_ix(7),
            client.get_cancel_orders_ix(MarketType.Perp(), SOL, None),
            client.get_cancel_orders_ix(),
        ]
        await client.unsubscribe()
        await client.connection.close()
        return built

    placed, cancelled, market_cancelled, all_cancelled = asyncio.run(build())
    reading = stage.venue.read([SOL])
    rest = stage.venue.remaining(reading, None, takes=False)
    assert_same(place(TRADER, order, SOL, 7, stage.venue.remaining(reading, SOL, takes=kind == "ioc")), placed)
    assert_same(cancel(TRADER, 7, rest), cancelled)
    assert_same(cancel_all(TRADER, SOL, rest), market_cancelled)
    assert_same(cancel_all(TRADER, None, rest), all_cancelled)


@pytest.mark.parametrize("seed", range(20))
def test_a_trading_account_of_random_bytes_is_read_as_the_public_client_reads_it(seed):
    drawn = np.random.default_rng(seed)
    content = bytes.fromhex("9f755fe3ef973aec") + drawn.bytes(4368)
    for index in range(8):
        if drawn.integers(2):
            content = content[: 424 + 96 * index] + bytes(96) + content[424 + 96 * index + 96 :]
    for index in range(32):
        tamed = {
            "status": int(drawn.integers(2)),
            "order_type": index % 5,
            "direction": index % 2,
            "trigger_condition": 1,
        }
        content = DRIFT.write_row(content, "orders", index, tamed)
    ours, other = read_account(PROFILE, "User", content), decode_user(content)
    resting = [one for one in ours["orders"] if one["status"] == 1]
    assert len(resting) == len(other.orders)
    for mine, one in zip(resting, other.orders, strict=True):
        for name in (
            "slot",
            "price",
            "base_asset_amount",
            "base_asset_amount_filled",
            "trigger_price",
            "max_ts",
            "market_index",
            "user_order_id",
        ):
            assert mine[name] == getattr(one, name), name
        assert mine["order_id"] == one.order_id % 2**32
    kept = [
        one
        for one in ours["perp_positions"]
        if any(one[n] for n in ("base_asset_amount", "quote_asset_amount", "open_orders", "lp_shares"))
    ]
    assert len(kept) == len(other.perp_positions)
    for mine, one in zip(kept, other.perp_positions, strict=True):
        for name in (
            "base_asset_amount",
            "quote_asset_amount",
            "quote_entry_amount",
            "quote_break_even_amount",
            "market_index",
        ):
            assert mine[name] == getattr(one, name), name


NAMES = {
    "exchange_status": "exchange_status",
    "oracle": "amm.oracle",
    "base_step": "amm.order_step_size",
    "price_step": "amm.order_tick_size",
    "least_base": "amm.min_order_size",
    "market_index": "market_index",
    "paused_operations": "paused_operations",
    "pubkey": "pubkey",
    "quote_spot_market": "quote_spot_market_index",
}


@pytest.mark.parametrize("name", ["State", "PerpMarket", "SpotMarket"])
def test_the_other_accounts_are_read_as_the_public_client_reads_them(offline, name):
    # Bytes 0..250, each distinct from its neighbours, with every enumeration and flag kept in its range.
    content = bytearray((i * 7 + 3) % 251 for i in range(DRIFT.layouts[name]["bytes"]))
    content[:8] = bytes.fromhex(
        {"State": "d8926b5e684bb6b1", "PerpMarket": "0adf0c2c6bf537f7", "SpotMarket": "64b1086ba8414127"}[name]
    )
    tamed = {"PerpMarket": [926, 1162, 1163, 1164], "SpotMarket": [686, 687, 688, 689], "State": []}[name]
    for at in tamed:
        content[at] = 1
    decoded = offline.program.coder.accounts.decode(bytes(content))
    for field, value in read_account(PROFILE, name, bytes(content)).items():
        if field in {"status", "oracle_source"}:
            continue
        path = NAMES[field] if name == "PerpMarket" else NAMES[field].removeprefix("amm.")
        found = reduce(getattr, path.split("."), decoded)
        assert str(value) == str(found), field


def test_an_enumeration_of_a_market_is_where_the_public_client_has_it(offline):
    content = bytearray(1216)
    content[:8] = bytes.fromhex("0adf0c2c6bf537f7")
    content[926], content[1162] = 12, 6
    decoded = offline.program.coder.accounts.decode(bytes(content))
    ours = read_account(PROFILE, "PerpMarket", bytes(content))
    assert (type(decoded.amm.oracle_source).__name__, type(decoded.status).__name__) == ("PythLazer", "ReduceOnly")
    assert (ours["oracle_source"], ours["status"]) == (12, 6)
