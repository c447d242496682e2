"""A dry run of the program itself: a live market, the real gateway without a key, a chain to which nothing is sent."""

import asyncio
import json
from pathlib import Path

import pytest

from db.opening import open_journal
from db.verify import verify
from tests.conftest import NO_GATEWAY
from tests.doubles.exchange.markets import recorded
from tests.doubles.gateway.world import INSTALLED, SOL, GatewayWorld
from tests.doubles.trading.stage import PATIENCE_S, WARMUP, DeskStage

N_MINUTES = 16
FIRST_BAR = 3_000


class DryStage(DeskStage):
    """The program in a dry run, and the chain whose price follows the market's."""

    gateway: GatewayWorld

    async def rest(self) -> None:
        """Nothing is on its way between the minutes: an order is rehearsed within its tick."""

    def dry_words(self) -> list[str]:
        return self.words("dry-run", "--run-id", "dry", "--json", GATEWAY_SOCKET=str(self.gateway.socket_path))

    def set_time(self) -> None:
        """Let the gateway live at the market's time; it reads the file whenever it likes."""
        fresh = self.folder / "gateway.new"
        fresh.write_text(str(self.time.now_ms()))
        fresh.replace(self.folder / "gateway.time")

    async def go_on(self, n_minutes: int) -> None:
        """Play minutes, the oracle where the market is."""
        for _ in range(n_minutes):
            self.set_time()
            price = self.markets[0].price(self.time.now_ms())
            await asyncio.to_thread(self.gateway.chain, "price", market_index=SOL, price_raw=round(price * 1e6))
            await self.play(1, "dry")
            assert not self.is_away(), self.said()


@pytest.fixture
def stage(shared: Path, tmp_path: Path):
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    one = DryStage(tmp_path, recorded(shared, ("SOL",), FIRST_BAR, WARMUP + 200))
    one.gateway = GatewayWorld(tmp_path / "gateway", "dry_run", now_file=tmp_path / "gateway.time")
    one.set_time()
    yield one
    one.gateway.close()


def test_a_dry_run_rehearses_every_order_fills_on_paper_and_comes_out_again_without_a_gateway(
    stage: DryStage,
) -> None:
    async def go() -> None:
        async with stage:
            await asyncio.to_thread(stage.gateway.start)
            await stage.start(stage.dry_words())
            await stage.go_on(N_MINUTES // 2)
            stage.kill()
            await stage.start(stage.dry_words())
            await stage.go_on(N_MINUTES // 2)
            await asyncio.to_thread(stage.stop)
            assert stage.gateway.stop() == 0
            words = ["audit", "replay", "dry", "--db", f"sqlite:///{stage.journal}", "--json"]
            assert '"is_identical": true' in await asyncio.to_thread(stage.result, words)

    asyncio.run(go())
    orders = dict(stage.query("SELECT client_order_id, reduce_only FROM orders"))
    states = stage.gateway.states()
    rehearsed = [
        detail.partition(":")[0] for (detail,) in stage.query("SELECT detail FROM events WHERE kind = 'rehearsed'")
    ]
    assert len(orders) >= 4
    assert len(states) == len(orders), "each order was rehearsed, once"
    assert set(states.values()) <= {"simulated", "refused"}
    assert {order for order, reduces in orders.items() if not reduces} <= set(rehearsed)
    calls = stage.gateway.chain("calls")
    assert "simulateTransaction" in calls
    assert "sendTransaction" not in calls
    fills = stage.query("SELECT client_order_id FROM fills")
    assert len(fills) >= 4
    assert json.loads(stage.said().splitlines()[-1])["starting_equity_usd"] == 100.0
    with open_journal(f"sqlite:///{stage.journal}", writable=False) as store:
        assert verify(store, "dry").is_sound


def test_a_gateway_that_refuses_or_is_gone_lets_no_entry_through_and_every_exit(stage: DryStage) -> None:
    async def go() -> None:
        async with stage:
            await asyncio.to_thread(stage.gateway.start)
            await stage.start(stage.dry_words())
            for _ in range(N_MINUTES):
                await stage.go_on(1)
                if stage.query("SELECT 1 FROM fills WHERE exit_reason IS NULL"):
                    break
            stage.gateway.kill()
            await stage.go_on(8)
            await asyncio.to_thread(stage.stop)

    asyncio.run(go())
    refused = stage.query("SELECT rule, reason FROM order_refusals")
    assert refused
    assert all(rule == "gateway" and str(reason).startswith("venue_unreachable: ") for rule, reason in refused)
    assert stage.query("SELECT 1 FROM fills WHERE exit_reason = 'time'"), "what was open was left on paper all the same"
    ((lots,),) = stage.query("SELECT position_lots FROM ticks ORDER BY id DESC LIMIT 1")
    assert lots == 0


def test_the_doctor_tells_what_the_gateway_says_and_that_it_is_gone(stage: DryStage) -> None:
    def doctor() -> dict[str, dict[str, object]]:
        words = stage.words(
            "doctor", "--json", MODE="dry_run", FEED="live", GATEWAY_SOCKET=str(stage.gateway.socket_path)
        )
        out = stage.folder / "doctor.out"
        out.unlink(missing_ok=True)
        stage.spawn(words, out).wait(PATIENCE_S)
        return {one["name"]: one for one in json.loads(out.read_text(encoding="utf-8"))["checks"]}

    async def go() -> tuple[dict[str, dict[str, object]], dict[str, dict[str, object]]]:
        async with stage:
            await asyncio.to_thread(stage.gateway.start)
            there = await asyncio.to_thread(doctor)
            stage.gateway.kill()
            return there, await asyncio.to_thread(doctor)

    there, gone = asyncio.run(go())
    assert there["live: gateway answers"]["ok"]
    assert str(there["live: gateway answers"]["found"]).startswith("dry_run, program dRifty")
    assert there["live: gateway markets"]["found"] == "SOL-PERP in lots of 0.01"
    assert not gone["live: gateway answers"]["ok"]
