"""The gateway as a process: its socket, its files, and how it refuses to start."""

import json
import os
import re
import signal
import stat
import sys
import textwrap
from pathlib import Path

import pytest
from solders.keypair import Keypair

from execution.gateway.policy import load_policy
from execution.gateway.schema import MOST_REQUEST_BYTES
from tests.gateway.node import BLOCKS_TO_FINAL
from tests.gateway.node_server import NodeServer
from tests.gateway.process import ROOT, Running
from tests.gateway.stage import WALLET, policy_text, private_file


@pytest.fixture
def running(tmp_path, server):
    tmp_path.chmod(0o700)
    one = Running(tmp_path, server.url)
    one.node = server.node
    yield one
    if one.process and one.process.poll() is None:
        one.stop()


def reason(said):
    assert said[-1]["said"] == "cannot start", said
    return said[-1]["reason"]


def test_a_dry_run_answers_over_its_socket_and_ends_when_told(running):
    running.start()
    client = running.client()
    hello = client.ask("hello")
    assert (hello["mode"], hello["version"]) == ("dry_run", 1)
    assert client.place("a")["order"]["state"] == "simulated"
    assert client.ask("positions")["positions"] == []
    assert client.ask("health")["resolved"] is True
    client.close()
    assert running.stop() == 0
    assert not running.socket_path.exists()


def test_the_socket_is_for_its_user_alone(running):
    running.start()
    assert stat.S_IMODE(running.socket_path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"\n", "garbage"),
        (b"\x00\xff\n", "garbage"),
        (b"[" * 4000 + b"\n", "garbage"),
        (b'{"v":1,"v":1,"op":"hello","tag":1}\n', "garbage"),
        (b'{"v":NaN}\n', "garbage"),
        (b'"hello"\n', "garbage"),
        (b'{"v":2,"op":"hello","tag":1}\n', "unknown_version"),
        (b'{"v":true,"op":"hello","tag":1}\n', "unknown_version"),
        (b'{"v":1,"op":"sudo","tag":1}\n', "unknown_operation"),
        (b'{"v":1,"op":"hello","tag":1,"key":1}\n', "unknown_field"),
        (b'{"v":1,"op":"hello"}\n', "missing_field"),
        (b'{"v":1,"op":"hello","tag":1.0}\n', "bad_value"),
        (b'{"v":1,"op":"hello","tag":' + b"9" * 4000 + b"}\n", "bad_value"),
        (b"x" * (MOST_REQUEST_BYTES + 1) + b"\n", "oversize"),
    ],
)
def test_whatever_is_not_a_request_gets_one_clear_refusal_and_the_next_line_is_heard(session_client, line, code):
    reply = session_client.raw(line)
    assert (reply["ok"], reply["code"]) == (False, code)
    assert session_client.ask("hello")["ok"]


@pytest.fixture(scope="module")
def session_client(tmp_path_factory):
    from tests.gateway.stage import TRADER, node_of

    folder = tmp_path_factory.mktemp("gateway")
    folder.chmod(0o700)
    with NodeServer(node_of(TRADER)) as server:
        one = Running(folder, server.url)
        one.start()
        client = one.client()
        yield client
        client.close()
        one.stop()


def test_a_line_without_an_end_is_refused_and_hung_up_on(running):
    running.start()
    client = running.client()
    assert client.raw(b"x" * 3 * MOST_REQUEST_BYTES)["code"] == "oversize"
    assert client.ask("hello") == {}
    assert running.client().ask("hello")["ok"]


def test_half_a_request_does_nothing_and_several_at_once_are_answered_in_order(running):
    running.start()
    first = running.client()
    first.socket.sendall(b'{"v":1,"op":"place","tag":1,"id":')
    first.close()
    second = running.client()
    second.socket.sendall(b"".join(b'{"v":1,"op":"hello","tag":%d}\n' % tag for tag in range(20)))
    assert [json.loads(second.lines.readline())["tag"] for _ in range(20)] == list(range(20))


def test_a_second_gateway_on_the_same_log_is_refused_and_the_first_goes_on(running, server):
    running.start()
    other = Running(running.folder, server.url)
    other.socket_path = running.folder / "other.sock"
    assert "another gateway is running" in reason(other.start())
    assert running.client().ask("hello")["ok"]


def test_a_killed_gateways_socket_is_taken_over(running):
    running.start()
    running.process.send_signal(signal.SIGKILL)
    running.leave()
    assert running.socket_path.exists()
    running.start()
    assert running.client().ask("hello")["ok"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o400, 0o700, 0o666])
@pytest.mark.parametrize("name", ["wallet.json", "policy.toml", "node"])
def test_a_private_file_of_any_other_mode_is_refused_in_one_sentence(tmp_path, name, mode):
    running = Running(tmp_path, "http://127.0.0.1:1/", "live")
    (tmp_path / name).chmod(mode)
    told = reason(running.start())
    assert name in told
    assert f"has mode {mode:04o}; only 0600 is allowed" in told
    assert running.process.returncode == 2


def test_a_key_file_that_is_a_link_or_anothers_is_refused(tmp_path):
    running = Running(tmp_path, "http://127.0.0.1:1/", "live")
    (tmp_path / "link.json").symlink_to(tmp_path / "wallet.json")
    running.key = str(tmp_path / "link.json")
    assert "cannot be opened: ELOOP" in reason(running.start())
    if os.geteuid() == 0:
        running.key = str(tmp_path / "wallet.json")
        os.chown(running.key, 12_345, -1)
        assert "belongs to user 12345" in reason(running.start())


@pytest.mark.parametrize(
    "text", ["", "[]", "[1,2,3]", "[" + "1," * 63 + "256]", "[" + "1," * 63 + "true]", "not a key: hunter2", "[" * 1000]
)
def test_a_broken_key_is_refused_and_none_of_it_is_told(tmp_path, text):
    running = Running(tmp_path, "http://127.0.0.1:1/", "live")
    private_file(tmp_path / "wallet.json", text)
    told = reason(running.start())
    assert "does not hold a list of 64 numbers" in told
    assert "hunter2" not in told
    assert [one["said"] for one in running.said] == ["trades", "cannot start"]


def test_a_key_whose_halves_do_not_belong_together_is_refused(tmp_path):
    running = Running(tmp_path, "http://127.0.0.1:1/", "live")
    halves = bytes(Keypair.from_seed(bytes(32)))[:32] + bytes(Keypair.from_seed(bytes([1] * 32)))[32:]
    private_file(tmp_path / "wallet.json", json.dumps(list(halves)))
    assert "whose halves belong together" in reason(running.start())


def test_a_dry_run_has_no_place_for_a_key(tmp_path):
    running = Running(tmp_path, "http://127.0.0.1:1/")
    assert reason(running.start("--key", str(tmp_path / "wallet.json"))) == "dry_run loads no key: leave --key out"


def test_anothers_key_is_refused(tmp_path):
    running = Running(tmp_path, "http://127.0.0.1:1/", "live")
    private_file(tmp_path / "wallet.json", json.dumps(list(bytes(Keypair.from_seed(bytes([5] * 32))))))
    assert "the policy names" in reason(running.start())


def test_the_key_comes_over_standard_input_too_and_stands_nowhere_else(tmp_path, server):
    tmp_path.chmod(0o700)
    server.node.moves = frozenset({"getSlot"})
    running = Running(tmp_path, server.url, "live")
    text = Path(running.key).read_bytes()
    running.key = "-"
    with private_file(tmp_path / "input", text).open("rb") as keys:
        assert running.start(stdin=keys)[-1]["said"] == "ready"
    assert running.client().ask("hello")["mode"] == "live"
    if sys.platform == "linux":
        words = Path(f"/proc/{running.process.pid}/cmdline").read_bytes()
        assert text[:20] not in words
        limits = Path(f"/proc/{running.process.pid}/limits").read_text()
        assert "Max core file size        0                    0" in limits
    running.stop()


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        ("", "authority is missing"),
        ("network = ", "cannot be read"),
        (policy_text() + "[more]\n", "more is not known"),
        (policy_text().replace("halted = false", 'halted = "no"'), "halted must be true or false"),
        (policy_text(price_band_bps="200.5"), "price_band_bps must be an integer"),
        (policy_text(price_band_bps="-1"), "price_band_bps must be an integer"),
        (policy_text(price_band_bps="true"), "price_band_bps must be an integer"),
        (policy_text(price_band="1"), "price_band is not known"),
        (policy_text(sub_account=65_536), "sub_account above 65535"),
        (re.sub('authority = "..', 'authority = "zzzzzzz', policy_text()), "authority"),
    ],
)
def test_a_policy_that_is_not_whole_is_refused(tmp_path, policy, word):
    running = Running(tmp_path, "http://127.0.0.1:1/")
    private_file(tmp_path / "policy.toml", policy)
    assert word in reason(running.start())


def test_the_policy_that_the_page_shows_is_one(tmp_path):
    page = (ROOT / "docs/gateway.md").read_text(encoding="utf-8")
    block = page.split("## The policy")[1].split("Every figure")[0]
    text = textwrap.dedent(block).replace('"…"', f'"{WALLET.pubkey()}"')
    policy = load_policy(private_file(tmp_path / "policy.toml", text))
    assert policy.limits.sub_account == 0
    assert policy.symbols["SOL-PERP"].most_base_raw == 10**8


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "ftp://127.0.0.1/", "https://user:pass@host/", "", "https:///x"])
def test_a_node_in_the_clear_or_without_a_host_is_refused_and_its_address_is_not_told(tmp_path, url):
    told = reason(Running(tmp_path, url).start())
    assert "the node's address must" in told
    assert "pass" not in told


def test_a_log_of_another_mode_is_refused(running):
    running.start()
    running.stop()
    running.mode = "live"
    assert "begun for another mode" in reason(running.start())


def test_a_folder_where_others_may_write_is_no_place_for_the_socket(tmp_path, server):
    running = Running(tmp_path, server.url)
    tmp_path.chmod(0o777)
    assert "writable by nobody else" in reason(running.start())


@pytest.mark.parametrize("trader", ["velocity"], indirect=True)
def test_a_gateway_on_the_velocity_profile_trades_there_and_reads_back_what_it_did(running, trader):
    server_node = running.node
    server_node.moves = frozenset({"getSlot"})
    running.mode = "live"
    said = running.start("--profile", "velocity")
    assert {one["program"] for one in said if one["said"] == "trades"} == {trader.profile.program}
    assert all(one["holds"] for one in said if one["said"] == "proof")
    client = running.client()
    assert client.ask("hello")["profile"] == "velocity"
    assert client.place("a")["order"]["state"] == "signed"
    server_node.advance(BLOCKS_TO_FINAL + 1)
    assert [one["id"] for one in client.ask("orders")["resting"]] == ["a"]
