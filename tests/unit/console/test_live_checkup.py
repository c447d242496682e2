"""The doctor's look at the way to a venue: what is asked in which mode, and files judged from outside."""

import json
import os
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

import main
from cli.live_plan import live_plan
from cli.plan import plan_of
from console.checkup import check_up
from console.doctor import Check
from console.live_checkup import LivePlan, check_feed, check_live, doctor_proof, file_proofs, start_proofs
from domain.errors import BadInput, FeedLost
from settings import load_settings

CCXT = {"MODE": "live", "EXECUTION": "ccxt"}


def plan(**knobs: str) -> LivePlan:
    return live_plan(load_settings(None, {}, knobs, is_to_trade=False), main.build_feed)


def checks(chosen: LivePlan, folder: Path) -> dict[str, Check]:
    return {check.name: check for check in check_live(chosen, f"sqlite:///{folder}/none.db")}


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    """Return a socket of our own in a folder of our own."""
    path = tmp_path / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    path.chmod(0o600)
    tmp_path.chmod(0o700)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "bybit.key"
    path.write_text("secret", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_on_paper_one_line_says_that_live_is_not_asked_for(tmp_path: Path) -> None:
    for knobs in ({}, {"EXECUTION": "ccxt"}, {"FEED": "live"}):
        ((name, check),) = checks(plan(**knobs), tmp_path).items()
        assert (name, check.ok, check.advice) == ("live", True, "")
        assert "not asked for" in check.found
        assert start_proofs(plan(**knobs), f"sqlite:///{tmp_path}/none.db") == ()


def test_for_live_every_setting_file_and_proof_that_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    told = checks(plan(**CCXT, LIVE_EXCHANGE="mexc"), tmp_path)
    assert list(told) == ["live: settings", "live: key file", "live: risk accepted"] + [
        f"live: {name}" for name in ("backtest", "paper", "size")
    ]
    missing = [check for check in told.values() if not check.ok]
    assert len(missing) == 5
    assert all(check.advice for check in missing)


def test_each_setting_that_live_does_not_take_is_told_once(tmp_path: Path) -> None:
    chosen = plan(**CCXT, LIVE_EXCHANGE="mexc")
    assert [name for name, _, _ in chosen.unmet] == ["FEED", "LIVE_EXCHANGE"]


def test_a_dry_run_stands_on_the_socket_alone_and_is_told_what_live_will_ask(gateway: Path, tmp_path: Path) -> None:
    chosen = plan(MODE="dry_run", FEED="live", GATEWAY_SOCKET=str(gateway))
    told = checks(replace(chosen, ask_venue=None), tmp_path)
    assert all(check.ok for check in told.values())
    assert told["live: backtest"].advice.startswith("live will ask for it: ")
    assert [proof.holds for proof in start_proofs(chosen, f"sqlite:///{tmp_path}/none.db")] == [True]


def test_what_the_venue_says_of_itself_is_told_among_the_proofs_and_not_asked_for_on_paper(tmp_path: Path) -> None:
    told = [("network", True, "mainnet"), ("program", False, "it is not there")]
    chosen = replace(plan(MODE="dry_run", FEED="live"), ask_venue=lambda: told)
    found = checks(chosen, tmp_path)
    assert [found[f"live: {name}"].ok for name, _, _ in told] == [True, False]
    assert list(checks(replace(chosen, mode="paper"), tmp_path)) == ["live"]


def test_a_live_start_asks_the_journal_first_and_then_the_files(gateway: Path, tmp_path: Path) -> None:
    chosen = plan(MODE="live", FEED="live", GATEWAY_SOCKET=str(gateway))
    names = [proof.name for proof in start_proofs(chosen, f"sqlite:///{tmp_path}/none.db")]
    assert names == ["risk accepted", "backtest", "paper", "size", "gateway"]


def folder_in_its_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_in_its_place(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("elsewhere")))


WRONG: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "absent": (Path.unlink, "No such file"),
    "readable by the group": (lambda path: path.chmod(0o640), "has mode 0640"),
    "writable by all": (lambda path: path.chmod(0o602), "has mode 0602"),
    "one that its owner may not write to": (lambda path: path.chmod(0o400), "has mode 0400"),
    "a folder": (folder_in_its_place, "is no"),
    "a link": (link_in_its_place, "is no"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_socket_that_another_could_reach_or_that_is_none_is_refused(gateway: Path, wrong: str) -> None:
    spoil, told = WRONG[wrong]
    spoil(gateway)
    (proof,) = file_proofs(plan(MODE="dry_run", FEED="live", GATEWAY_SOCKET=str(gateway)))
    assert not proof.holds
    assert told in proof.found
    assert proof.advice


def test_a_socket_in_a_folder_that_others_can_write_to_is_refused(gateway: Path) -> None:
    gateway.parent.chmod(0o777)
    (proof,) = file_proofs(plan(MODE="dry_run", FEED="live", GATEWAY_SOCKET=str(gateway)))
    assert not proof.holds
    assert "folder" in proof.found


@pytest.mark.parametrize("wrong", WRONG)
def test_a_key_file_that_another_could_read_or_that_is_none_is_refused(key: Path, wrong: str) -> None:
    spoil, told = WRONG[wrong]
    spoil(key)
    (proof,) = file_proofs(plan(**CCXT, CCXT_KEY_FILE=str(key)))
    assert not proof.holds
    assert told in proof.found
    assert proof.advice


def test_what_belongs_to_another_user_is_refused(key: Path, gateway: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(key).st_uid + 1)
    for chosen in (plan(**CCXT, CCXT_KEY_FILE=str(key)), plan(MODE="live", GATEWAY_SOCKET=str(gateway))):
        (proof,) = file_proofs(chosen)
        assert not proof.holds
        assert "belongs to another user" in proof.found


def test_a_key_file_of_our_own_alone_is_fine_and_none_named_is_missing(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    (proof,) = file_proofs(plan(**CCXT, CCXT_KEY_FILE=str(key)))
    assert proof.holds
    assert "it was not opened" in proof.found
    (none,) = file_proofs(plan(**CCXT))
    assert (none.holds, none.found) == (False, "CCXT_KEY_FILE names none")


def test_no_key_file_is_even_looked_at_where_nothing_would_be_sent_to_an_exchange(key: Path) -> None:
    for mode, execution in (("paper", "ccxt"), ("dry_run", "ccxt"), ("live", "gateway"), ("dry_run", "gateway")):
        assert plan(MODE=mode, EXECUTION=execution, CCXT_KEY_FILE=str(key)).key_file is None


class Market:
    """A living feed that opens, or says why not."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble, self.calls = trouble, []

    async def open(self, last_as_of_ms: Mapping[str, int]) -> None:
        self.calls.append(("open", dict(last_as_of_ms)))
        if self.trouble is not None:
            raise self.trouble

    async def next_minute(self) -> None:
        self.calls.append(("next_minute", {}))

    def take_notes(self) -> list[tuple[str, str]]:
        return []

    async def close(self) -> None:
        self.calls.append(("close", {}))

    def describe(self) -> str:
        return "LIVE market: bybit"


def test_a_live_market_that_answers_is_opened_and_let_go_without_a_minute_taken() -> None:
    market = Market()
    assert check_feed(lambda: market) == Check(name="live market", ok=True, found="it answers: LIVE market: bybit")
    assert market.calls == [("open", {}), ("close", {})]


@pytest.mark.parametrize("trouble", [FeedLost("bybit could not be reached"), BadInput("no such market")])
def test_a_live_market_that_does_not_answer_is_told_in_its_own_words_and_let_go(trouble: Exception) -> None:
    market = Market(trouble)
    check = check_feed(lambda: market)
    assert (check.ok, check.found) == (False, str(trouble))
    assert check.advice
    assert market.calls[-1] == ("close", {})


def test_the_doctor_is_a_proof_that_names_what_is_to_be_mended() -> None:
    fine, bad = (
        Check(name="python", ok=True, found="3.11"),
        Check(name="clock", ok=False, found="it jumped", advice="NTP"),
    )
    assert doctor_proof(iter([fine])).holds
    told = doctor_proof(iter([fine, bad, bad]))
    assert (told.holds, told.found, told.advice) == (False, "clock: it jumped, and 1 more", "NTP")


def test_the_doctor_tells_a_person_and_a_machine_the_same_of_live(
    page: Console, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"DATABASE_URL": f"sqlite:///{tmp_path}/j.db", "STATE_DIR": f"{tmp_path}", "LOG_FILE": f"{tmp_path}/l"}
    settings = load_settings(None, {}, {**CCXT, **own}, is_to_trade=False)
    chosen = plan_of(settings, None, main.build_feed)
    assert check_up(page, chosen, as_json=False) == 1
    assert check_up(Console(), chosen, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    shown = " ".join(page.export_text().split())
    for check in told["checks"]:
        assert check["name"] in shown
    assert {"live: backtest", "live: paper", "live: key file"} <= {
        check["name"] for check in told["checks"] if not check["ok"]
    }
