"""The proofs of live over real journals, filled by the desk itself: what counts, what does not, and what is said."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.live_proofs import live_proofs
from db.opening import open_journal
from db.store import Store
from domain.tick import TradingState
from tests.flow.lived import AT_BYBIT, LIVE, WARM, Records, altered, busy
from tests.flow.stage import quiet

DIFFER = "our books and the venue's differ"


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(f"sqlite:///{tmp_path}/journal.db")


def test_without_a_journal_everything_is_missing_but_the_smallest_size_and_none_is_made(
    records: Records, tmp_path: Path
) -> None:
    told = records.proofs()
    assert list(told) == ["risk accepted", "backtest", "paper", "size"]
    assert [name for name, proof in told.items() if not proof.holds] == ["backtest", "paper"]
    assert "no finished backtest with these settings" in told["backtest"].found
    assert "no paper run on bybit's live market" in told["paper"].found
    assert all(proof.advice for proof in told.values() if not proof.holds)
    assert list(tmp_path.iterdir()) == []


def test_a_backtest_and_enough_minutes_on_a_live_market_prove_the_same_decisions(records: Records) -> None:
    records.backtest("tape", quiet(WARM + 20))
    records.paper("paper", quiet(WARM + 20))
    told = records.proofs()
    assert [proof.holds for proof in told.values()] == [True] * 4
    assert told["backtest"].found.startswith("tape: 28 minutes of tape")
    assert told["paper"].found.startswith("paper: 21 minutes live")
    assert all(proof.advice == "" for proof in told.values())


def test_the_money_the_pace_and_the_venue_of_the_desk_are_not_its_decisions(records: Records) -> None:
    records.backtest("tape", quiet(WARM + 20), PAPER_STARTING_CASH_USD="500", REPLAY_ASSUMED_SPREAD_BPS="1")
    records.paper("paper", quiet(WARM + 20), PAPER_FEE_TIER="3")
    assert all(proof.holds for proof in records.proofs(**AT_BYBIT).values())


@pytest.mark.parametrize("kind", ["backtest", "paper"])
def test_another_deciding_setting_proves_nothing_and_is_named(records: Records, kind: str) -> None:
    records.backtest("tape", quiet(WARM + 20), **({"E3_VOLUME_Z": "2.5"} if kind == "backtest" else {}))
    records.paper("paper", quiet(WARM + 20), **({"E3_VOLUME_Z": "2.5", "E3_MIN_MOVE_BPS": "1"}, {})[kind != "paper"])
    told = records.proofs()
    assert [name for name, proof in told.items() if not proof.holds] == [kind]
    more = " and 1 more" if kind == "paper" else ""
    assert f"had another E3_VOLUME_Z{more}" in told[kind].found.replace("E3_MIN_MOVE_BPS", "E3_VOLUME_Z")


def test_minutes_that_were_back_filled_unfit_cold_or_halted_are_not_lived(records: Records) -> None:
    back_filled = [snapshot.unfit("back-filled: the bar was fetched") for snapshot in quiet(WARM + 15)]
    rest = quiet(12, first=len(back_filled))
    records.paper("paper", [*back_filled, *rest])
    records.live("halted", quiet(WARM + 40), state=TradingState.HALTED, FEED="live")
    paper = records.proofs()["paper"]
    assert not paper.holds
    assert "paper: 12 minutes live" in paper.found
    assert "20 minutes are asked for" in paper.found


def test_several_markets_at_one_time_are_one_minute(records: Records) -> None:
    both = {"SYMBOLS": "SOL-PERP,BTC-PERP"}
    minutes = [
        snapshot if symbol == "SOL-PERP" else replace(snapshot, symbol=symbol)
        for snapshot in quiet(WARM + 12)
        for symbol in ("SOL-PERP", "BTC-PERP")
    ]
    records.paper("paper", minutes, **both)
    assert "paper: 13 minutes live" in records.proofs(**both)["paper"].found


@pytest.mark.parametrize(
    ("knobs", "data"),
    [
        ({"FEED": "sim"}, "sim:1"),
        ({"FEED": "replay"}, "tape"),
        ({"FEED": "live", "MODE": "dry_run"}, "live:bybit:ab"),
        ({"FEED": "live"}, "live:binanceusdm:ab"),
        ({"FEED": "live", "LIVE_URL": "http://127.0.0.1:8080"}, "live:bybit:ab"),
    ],
)
def test_only_paper_on_this_exchange_s_own_live_market_counts_as_such(
    records: Records, knobs: dict[str, str], data: str
) -> None:
    records.live("other", quiet(WARM + 40), data=data, **knobs)
    assert not records.proofs()["paper"].holds


def test_a_rehearsal_is_proven_by_a_rehearsal_at_the_same_address(records: Records) -> None:
    here = {"LIVE_URL": "http://127.0.0.1:8080"}
    records.paper("paper", quiet(WARM + 40), **here)
    assert records.proofs(**here)["paper"].holds


def test_a_run_that_ended_in_a_halt_proves_nothing_until_it_has_gone_on_well(records: Records) -> None:
    records.live("paper", quiet(WARM + 40), halted_by=DIFFER, is_finished=False, FEED="live")
    paper = records.proofs()["paper"]
    assert not paper.holds
    assert f"it ended in a halt: {DIFFER}" in paper.found
    assert "--run-id paper" in paper.advice
    records.paper("second", quiet(WARM + 30))
    assert records.proofs()["paper"].found.startswith("second: 31 minutes live")


def test_a_backtest_that_was_cut_off_or_spans_too_little_proves_nothing(records: Records) -> None:
    records.live("cut-off", quiet(WARM + 40), is_finished=False, data="tape", FEED="replay")
    assert "no finished backtest" in records.proofs()["backtest"].found
    records.backtest("short", quiet(19))
    told = records.proofs()["backtest"]
    assert not told.holds
    assert "short: 19 minutes of tape" in told.found
    assert "20 minutes or more" in told.advice


def test_other_code_is_said_and_forbids_nothing(records: Records) -> None:
    records.live("tape", quiet(WARM + 20), code="feed", data="tape", FEED="replay")
    told = records.proofs()["backtest"]
    assert told.holds
    assert f"made by the code feed, and this is {records.case().code_version}" in told.advice


@pytest.mark.parametrize("name", ["backtest", "paper"])
def test_a_run_whose_record_was_altered_proves_nothing(records: Records, name: str) -> None:
    records.backtest("backtest", quiet(WARM + 20))
    records.paper("paper", quiet(WARM + 20))
    run = f"(SELECT run_no FROM runs WHERE run_id = '{name}')"
    altered(records.url, f"UPDATE ticks SET equity_microusd = 1 WHERE tick_no = 5 AND id >> 40 = {run}")
    told = records.proofs()
    assert [one for one, proof in told.items() if not proof.holds] == [name]
    assert "its record was altered" in told[name].found


def test_a_run_of_other_settings_cannot_be_passed_off_for_one_of_these(records: Records) -> None:
    records.paper("paper", quiet(WARM + 20), E3_VOLUME_Z="2.5")
    altered(
        records.url,
        "UPDATE runs SET settings_json = replace(settings_json, '\"E3_VOLUME_Z\":2.5', '\"E3_VOLUME_Z\":2.0')",
    )
    told = records.proofs()["paper"]
    assert not told.holds
    assert "its record was altered" in told.found


@pytest.mark.parametrize("damage", [lambda path: path.write_text("my diary\n" * 100), lambda path: path.mkdir()])
def test_a_journal_that_cannot_be_asked_proves_nothing(
    records: Records, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(tmp_path / "journal.db")
    told = records.proofs()
    assert [name for name, proof in told.items() if not proof.holds] == ["backtest", "paper", "size"]
    assert "the journal cannot be asked" in told["backtest"].found


def test_a_larger_size_stands_on_a_live_run_of_the_smaller_with_time_and_trades(records: Records) -> None:
    assert records.proofs(LIVE_CAPITAL_USD="100")["size"].holds
    assert not records.proofs(LIVE_CAPITAL_USD="101")["size"].holds
    records.live("few", busy(19), **LIVE)
    assert records.closed("few") == 19
    few = records.proofs(LIVE_CAPITAL_USD="1000")["size"]
    assert not few.holds
    assert "LIVE_CAPITAL_USD is 1,000, and up to 100 is proven" in few.found
    assert "20 closed trades" in few.advice
    records.live("enough", busy(20), **LIVE)
    assert records.closed("enough") == 20
    assert records.proofs(LIVE_CAPITAL_USD="1000")["size"].holds
    assert not records.proofs(LIVE_CAPITAL_USD="1001")["size"].holds


@pytest.mark.parametrize(
    ("lived", "now"),
    [
        ({**AT_BYBIT, "CCXT_TESTNET": "true"}, AT_BYBIT),
        ({**AT_BYBIT, "CCXT_URL": "http://127.0.0.1:8080"}, AT_BYBIT),
        (LIVE, AT_BYBIT),
        ({"FEED": "live"}, LIVE),
        ({"FEED": "live", "MODE": "dry_run"}, LIVE),
        ({**LIVE, "E3_VOLUME_Z": "2.5"}, LIVE),
    ],
)
def test_what_was_traded_elsewhere_on_paper_or_otherwise_allows_no_larger_size(
    records: Records, lived: dict[str, str], now: dict[str, str]
) -> None:
    records.live("lived", busy(20), **lived)
    assert records.closed("lived") == 20
    assert not records.proofs(**{**now, "LIVE_CAPITAL_USD": "101"})["size"].holds


def test_a_live_run_that_ended_in_a_halt_allows_no_larger_size(records: Records) -> None:
    records.live("lived", busy(20), halted_by=DIFFER, **LIVE)
    assert records.closed("lived") == 20
    assert not records.proofs(LIVE_CAPITAL_USD="101")["size"].holds


def test_a_risk_that_nobody_accepted_is_the_first_thing_missing(records: Records) -> None:
    case = replace(records.case(), is_risk_accepted=False)
    first = live_proofs(case, records.url)[0]
    assert (first.name, first.holds) == ("risk accepted", False)
    assert "LIVE_TRADING=I_ACCEPT_THE_RISK" in first.advice


def test_asking_for_proofs_changes_nothing_in_the_journal(records: Records) -> None:
    records.paper("paper", quiet(WARM + 20))
    path = records.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        before = list(connection.iterdump())
    records.proofs()
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before


def test_while_another_desk_writes_the_proofs_can_be_asked_for(records: Records) -> None:
    records.paper("paper", quiet(WARM + 20))
    store: Store
    with open_journal(records.url, writable=True) as store:
        assert store.name
        assert records.proofs()["paper"].holds
