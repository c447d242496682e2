"""A dry run over the real gateway and the test chain: orders are built, simulated, never sent, and no key is opened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import BooksDisagree
from tests.conftest import NO_GATEWAY
from tests.doubles.gateway.playing import order, play
from tests.doubles.gateway.world import INSTALLED, GatewayWorld, key_watch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(tmp_path):
    """Return the files of a gateway and the chain; the gateway does not run yet."""
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    one = GatewayWorld(tmp_path / "world", "dry_run")
    yield one
    one.close()


def test_neither_process_of_a_dry_run_ever_opens_the_key_that_lies_beside_them(world, monkeypatch):
    notes = world.folder / "notes"
    for name, value in key_watch(world.key_path, notes).items():
        monkeypatch.setenv(name, value)
    world.start(module="execution.gateway")
    command = [sys.executable, "-m", "tests.doubles.gateway.rehearsing", str(world.socket_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert heard["symbols"] == ["SOL-PERP"]
    assert heard["answers"][:2] == [None, None]
    rule, reason = heard["answers"][2]
    assert (rule, "above the policy's cap" in reason) == ("gateway", True)
    assert [id.rsplit("-", 1)[1] for id in heard["fills"]] == ["entry", "strategy"]
    assert heard["notes"] == ["rehearsed", "rehearsed", "rehearsal_failed"]
    assert sorted(world.states().values()) == ["refused", "simulated", "simulated"]
    assert "sendTransaction" not in world.chain("calls")
    assert world.key_path.exists()
    assert world.stop() == 0
    assert notes.read_text() == "", "the hook saw nobody touch the key"
    world.mode = "live"
    world.start(module="execution.gateway")
    assert "open" in notes.read_text(), "and it does see the live gateway open it"


def test_a_live_gateway_that_takes_the_place_of_the_rehearsing_one_is_asked_for_nothing(world):
    world.start()

    async def scene(broker):
        assert await broker.rehearse(order(1)) == ""
        world.stop()
        world.mode = "live"
        world.start()
        with pytest.raises(BooksDisagree, match="runs in live, the desk in dry_run"):
            await broker.rehearse(order(2))

    play(world, scene)
    assert world.executed() == []
    assert world.states() == {}
