"""Fills, as the program tells them in the logs of whatever transaction touched the account."""

import base64
import warnings

import pytest

from execution.gateway.encoding import event_mark
from execution.gateway.events import events, fills_of
from tests.gateway.node import BLOCKS_TO_FINAL
from tests.gateway.stage import ORACLE_PRICE_RAW, PROFILE, WALLET, on_both_programs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ResourceWarning")


@pytest.fixture
def filled(stage):
    stage.records.close()
    stage.clock.step_s = 1.0
    stage.open(live=True)
    stage.place("rests")
    stage.look(blocks=1)
    stage.place("takes", kind="ioc", side="short", base_raw=3 * 10**9)
    stage.look(blocks=1)
    stage.look(blocks=BLOCKS_TO_FINAL)
    return stage


@on_both_programs
def test_a_fill_is_told_under_the_client_order_id_and_survives_a_restart(filled):
    for _ in range(2):
        reply = filled.ask("fills", after_slot=0)
        assert reply["complete"] is True
        (fill,) = reply["fills"]
        assert (fill["id"], fill["side"], fill["role"]) == ("takes", "short", "taker")
        assert (fill["base_raw"], fill["quote_raw"], fill["fee_raw"]) == (3 * 10**9, 3 * ORACLE_PRICE_RAW, 450_000)
        assert fill["order_id"] == filled.records.order("takes").order_id == 2
        filled.reopen(live=True)


@on_both_programs
def test_only_what_came_after_the_slot_is_told(filled):
    (fill,) = filled.ask("fills", after_slot=0)["fills"]
    assert filled.ask("fills", after_slot=fill["slot"])["fills"] == []
    assert filled.ask("fills", after_slot=fill["slot"] - 1)["fills"] == [fill]


def test_a_log_that_was_cut_is_told_as_incomplete(filled):
    for lines in filled.node.logs.values():
        lines.append("Log truncated")
    assert filled.ask("fills", after_slot=0)["complete"] is False


@on_both_programs
def test_another_programs_words_are_no_fill(filled):
    profile, user = filled.trader.profile, filled.trader.user
    lines = next(lines for lines in filled.node.logs.values() if fills_of(profile, lines, user))
    data = [line for line in lines if line.startswith("Program data")]
    other = ["Program Other111 invoke [1]", *data, "Program Other111 success"]
    inner = [f"Program {profile.program} invoke [1]", "Program Other111 invoke [2]", *data]
    assert fills_of(profile, lines, user)
    assert fills_of(profile, other, user) == fills_of(profile, inner, user) == []
    assert fills_of(profile, data, user) == []
    assert fills_of(profile, lines, str(WALLET.pubkey())) == []


def test_an_event_is_read_as_the_public_client_reads_it(filled):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from anchorpy import Wallet
        from driftpy.account_subscription_config import AccountSubscriptionConfig
        from driftpy.drift_client import DriftClient
        from solana.rpc.async_api import AsyncClient

        client = DriftClient(
            AsyncClient("http://127.0.0.1:1/"), Wallet(WALLET), account_subscription=AccountSubscriptionConfig("cached")
        )
    n_compared = 0
    for lines in filled.node.logs.values():
        theirs = [base64.b64decode(line.split()[-1]) for line in lines if line.startswith("Program data")]
        for (name, ours), content in zip(events(PROFILE, lines), theirs, strict=True):
            assert content[:8] == event_mark(name)
            other = client.program.coder.events.parse(content).data
            for field, value in ours.items():
                named = "ts" if field == "ts_s" else field
                found = getattr(other if hasattr(other, named) else other.order, named)
                if isinstance(found, int | None) or field in {"user", "taker", "maker"}:
                    assert str(value) == str(found), field
                    n_compared += 1
    assert n_compared > 40
