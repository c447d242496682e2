"""Where a profile says that a field stands, and what is refused because it stands nowhere known."""

import json

import numpy as np
import pytest

from execution.gateway.instructions import derive
from execution.gateway.profiles import read_account
from tests.gateway.layouts import ACCOUNTS
from tests.gateway.stage import NOW_MS, ORACLES, SOL, TRADERS, on_both_programs
from tests.gateway.velocity_structs import BYTES_OF_THE_MARK, CHAIN, HOST, LAYOUTS, STRUCTS, layout, places

# Sizes of accounts on mainnet in August 2026; the trading account's is what the program itself took then.
SEEN = {"State": 1752, "PerpMarket": 1304, "SpotMarket": 808, "User": 4496, "PythLazerOracle": 48}
# Offsets that the program's source asserts of its own structures, without the mark, and where two markets' oracles
# were found on mainnet, with it.
ASSERTED = {
    "SpotMarket": {
        "withdraw_circuit_breaker_bps": 740,
        "max_deposit_bps_per_day": 742,
        "deposit_guard_threshold": 744,
        "protocol_fee_pool": 752,
        "protocol_liquidation_fee": 784,
        "protocol_fee_factor": 788,
        "if_last_settle_vault_amount": 792,
        "oracle": 40 - BYTES_OF_THE_MARK,
    },
    "PerpMarket": {"oracle": 312 - BYTES_OF_THE_MARK},
    "State": {"padding": 1497},
    "User": {
        "spot_positions": 104 - BYTES_OF_THE_MARK,
        "perp_positions": 424 - BYTES_OF_THE_MARK,
        "orders": 1064 - BYTES_OF_THE_MARK,
        "next_order_id": 4456 - BYTES_OF_THE_MARK,
    },
}
EVERY = [(name, account) for name in sorted(TRADERS) for account in sorted(TRADERS[name].profile.layouts)]


@pytest.mark.parametrize("wide", [CHAIN, HOST])
def test_velocitys_structures_have_the_sizes_that_were_seen(wide):
    assert {name: layout(name, wide)["bytes"] for name in STRUCTS} == SEEN
    assert {name: layout(name, wide) for name in STRUCTS} == LAYOUTS


@pytest.mark.parametrize("name", sorted(ASSERTED))
def test_velocitys_structures_stand_where_its_source_asserts_it(name):
    found = places(STRUCTS[name])
    assert {field: found[field][0] for field in ASSERTED[name]} == ASSERTED[name]


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_velocitys_profile_has_every_field_where_the_structures_have_it(name):
    ours, theirs = TRADERS["velocity"].profile.layouts[name], LAYOUTS[name]
    assert ours["bytes"] == theirs["bytes"]
    assert ours["fields"] == {field: theirs["fields"][field] for field in ours["fields"]}
    rows = ours.get("rows", {})
    assert sorted(rows) == sorted(theirs["rows"])
    for row, (*where, fields) in rows.items():
        assert where == theirs["rows"][row][:3]
        assert fields == {field: theirs["rows"][row][3][field] for field in fields}


@pytest.mark.parametrize("seed", range(5))
def test_a_trading_account_of_random_bytes_is_read_as_the_structures_have_it(seed):
    accounts, profile = ACCOUNTS["velocity"], TRADERS["velocity"].profile
    content = accounts.empty("User")[:8] + np.random.default_rng(seed).bytes(SEEN["User"] - 8)
    ours = read_account(profile, "User", content)
    for rows in ("spot_positions", "perp_positions", "orders"):
        for mine, other in zip(ours[rows], accounts.read_rows(content, rows), strict=True):
            assert mine == {field: other[field] for field in mine}


@pytest.mark.parametrize(("program", "account"), EVERY)
def test_an_account_of_another_size_or_mark_is_not_read(program, account):
    profile, content = TRADERS[program].profile, ACCOUNTS[program].empty(account)
    assert read_account(profile, account, content)
    for other in (content + b"\0", content[:-1], content + bytes(256)):
        with pytest.raises(ValueError, match=f"has {len(content)} bytes, this one {len(other)}"):
            read_account(profile, account, other)
    for other in (b"", content[:7], b"\0" + content[1:], ACCOUNTS[program].empty("User")[:7] + content[7:]):
        if other[:8] != content[:8]:
            with pytest.raises(ValueError, match=f"this is no {account} account of {program}"):
                read_account(profile, account, other)


def grow(node, address, n_bytes):
    """Let the program have grown an account, as an upgrade does."""
    node.put(address, node.content(address) + bytes(n_bytes))


@on_both_programs
@pytest.mark.parametrize(
    ("seeds", "name"), [((b"perp_market", bytes(2)), "PerpMarket"), ((b"spot_market", bytes(2)), "SpotMarket")]
)
def test_after_an_upgrade_that_grows_the_markets_nothing_is_placed_and_the_reason_is_told(stage, seeds, name):
    grow(stage.node, derive(str(stage.node.program), *seeds), 256)
    reply = stage.place()
    assert (reply["ok"], reply["code"]) == (False, "layout_unknown")
    known = stage.trader.profile.layouts[name]["bytes"]
    assert f"has {known} bytes, this one {known + 256}" in reply["reason"]
    assert "simulateTransaction" not in stage.node.calls
    (proof,) = [one for one in stage.preflight.parts() if "layout" in one.name]
    assert not proof.holds
    assert str(known + 256) in proof.found


@on_both_programs
def test_a_grown_trading_account_is_neither_told_nor_acted_upon(stage):
    assert stage.place("a")["ok"]
    grow(stage.node, stage.trader.user, 64)
    asked = [stage.place("b"), stage.ask("orders"), stage.ask("positions")]
    asked.append(stage.ask("cancel_all", id="c", valid_until_ms=NOW_MS))
    assert {one["code"] for one in asked} == {"layout_unknown"}


@on_both_programs
def test_a_grown_oracle_prices_nothing(stage):
    grow(stage.node, ORACLES[SOL], 8)
    reply = stage.place()
    assert reply["code"] == "oracle_unfit"
    assert "has 48 bytes, this one 56" in json.dumps(reply)
    assert [one.holds for one in stage.preflight.parts() if "layout" in one.name] == [False]


@on_both_programs
def test_a_market_that_only_reduces_takes_what_reduces(stage):
    market = stage.trader.perp_market(SOL)
    status = {"drift_v2": 6, "velocity": 2}[stage.trader.profile.name]
    stage.node.put(market, stage.node.accounts.put("PerpMarket", stage.node.content(market), "status", status))
    assert stage.place("a")["code"] == "venue_paused"
    assert stage.place("b", reduce_only=True)["ok"]


@pytest.mark.parametrize("trader", ["velocity"], indirect=True)
@pytest.mark.parametrize("field", ["open_bids", "open_asks", "isolated_position_scaled_balance"])
def test_whatever_velocity_counts_as_a_position_is_named_behind_an_order(stage, field):
    user = stage.node.accounts.write_row(
        stage.node.content(stage.trader.user),
        "perp_positions",
        5,
        {
            "market_index": 1,
            field: 7,
        },
    )
    stage.node.put(stage.trader.user, user)
    reading = stage.venue.read([SOL])
    named = [one.address for one in stage.venue.remaining(reading, SOL, takes=False)]
    assert named[-2:] == [stage.trader.perp_market(1), stage.trader.perp_market(0)]


@pytest.mark.parametrize("trader", ["velocity"], indirect=True)
@pytest.mark.parametrize(
    ("answer", "code", "word"),
    [
        (6358, "insufficient_funds", "Custom"),
        (6148, "venue_paused", "Custom"),
        (6050, "simulation_failed", "may not be immediate"),
        (6057, "simulation_failed", "post-only"),
    ],
)
def test_what_velocity_answers_is_told_in_words(stage, answer, code, word):
    stage.node.program_answers(answer)
    reply = stage.place()
    assert (reply["code"], reply["order"]["program_code"]) == (code, answer)
    assert word in reply["reason"]
