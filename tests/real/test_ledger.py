"""On recorded markets every executed trade has a twin among the shadow trades: same end, same minute, same result."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

import main
from agents.shadow import Shadow
from db.off import JournalOff
from domain.decisions import ExitReason
from domain.tick import TickRecord, TradingState
from execution.instruments import instrument
from settings import load_settings
from tests.flow.twins import SAME_SIZE, counterfactuals, net_bps, trades_with_twins

MAY_2025 = ("SOL-PERP",)
SUMMER_2023 = (
    "ohlcv/solusdt_1m_binance-usdm_2023-07_2023-08.parquet",
    "premium/solusdt_premium_1m_binance_2023-07_2023-08.parquet",
    "funding/solusdt_funding_8h_binance-usdm_2023-07_2023-08.parquet",
    "funding/solusdt_mark_8h_binance-usdm_2023-07_2023-08.parquet",
)
HALT_2023 = ("ohlcv/solusdt_1m_binance-spot_2023-01_2023-12.parquet",)
HALT_FROM = "2023-03-22T00:00Z"
N_MINUTES = 8_000

BUSY = {"RISK_COOLDOWN_AFTER_TRADE_S": "0", "RISK_COOLDOWN_AFTER_LOSS_S": "0", "RISK_MAX_CONSECUTIVE_LOSSES": "1000"}
BUSY |= {"RISK_MAX_DAILY_LOSS_PCT": "100", "RISK_MAX_DRAWDOWN_PCT": "99"}
FADE = {
    "FUNDING_FADE_EXTREME_FUNDING_HOURLY_PCT": "0.0002",
    "FUNDING_FADE_NEUTRAL_FUNDING_HOURLY_PCT": "0.00005",
    "FUNDING_FADE_EXTREME_PREMIUM_BPS": "2",
    "FUNDING_FADE_MIN_VOLUME_Z": "0",
}
PARTIALS = {"EXIT_PARTIAL_AT_R": "1", "EXIT_STOP_ATR": "4", "EXIT_TRAIL_PCT": "0.3", "PAPER_LATENCY_BARS": "1"}


def lived(shared: Path, names: tuple[str, ...], knobs: Mapping[str, str], start: str | None = None) -> list[TickRecord]:
    """Live through the first days of some recordings with a gate that asks nobody and stops nothing."""
    files = "" if names is MAY_2025 else ",".join(str(shared / "data" / name) for name in names)
    given = {"FEED": "replay", "REPLAY_DATA": files, "DATA_DIRS": str(shared / "data"), "GATE_MODE": "shadow", **BUSY}
    given |= {} if start is None else {"REPLAY_FROM": start}
    settings = load_settings(None, {}, {**given, **knobs})
    feed = main.build_feed(settings, N_MINUTES)
    master = main.build(settings, {"SOL-PERP": instrument("SOL-PERP")}, JournalOff())

    async def go() -> list[TickRecord]:
        records = []
        while (minute := await feed.next_minute()) is not None:
            records += [await master.tick(snapshot, TradingState.ACTIVE) for snapshot in minute]
        return records

    return asyncio.run(go())


CASES = [
    pytest.param(MAY_2025, {}, None, {ExitReason.STOP, ExitReason.TRAILING, ExitReason.TARGET}, id="hours-of-drift"),
    pytest.param(MAY_2025, PARTIALS, None, {ExitReason.STOP, ExitReason.TRAILING}, id="partials-and-latency"),
    pytest.param(SUMMER_2023, {"STRATEGIES": "e3,funding_fade", **FADE}, None, {ExitReason.STRATEGY}, id="fade"),
    pytest.param(HALT_2023, {"EXIT_MAX_HOLD_BARS": "45"}, HALT_FROM, {ExitReason.TIME}, id="over-an-outage"),
]


@pytest.mark.parametrize(("names", "knobs", "start", "expected"), CASES)
def test_every_trade_has_a_twin_that_ended_alike_in_the_same_minute(shared, names, knobs, start, expected):
    twins = trades_with_twins(lived(shared, names, knobs, start))
    assert len(twins) >= 10
    assert {trade.exit_reason for trade, _, _ in twins} >= expected
    for trade, ended_ms, twin in twins:
        assert (twin.exit_reason, twin.resolved_ms, twin.n_bars) == (trade.exit_reason, ended_ms, trade.n_bars)
        assert (twin.mae_bps, twin.mfe_bps) == (trade.mae_bps, trade.mfe_bps)
        # Sizes differ, so fees, funding and a partial exit are rounded differently.
        assert twin.net_bps == pytest.approx(net_bps(trade), abs=0.05)


@pytest.mark.parametrize(("names", "knobs", "start", "expected"), CASES)
def test_a_trade_of_the_same_size_has_exactly_the_result_of_its_twin(shared, names, knobs, start, expected):
    twins = trades_with_twins(lived(shared, names, {**knobs, **SAME_SIZE}, start))
    assert len(twins) >= 10
    assert [twin.net_bps for _, _, twin in twins] == [net_bps(trade) for trade, _, _ in twins]


@pytest.mark.parametrize(("names", "knobs", "start", "expected"), CASES)
def test_a_shadow_trade_that_never_sleeps_comes_to_the_same(shared, names, knobs, start, expected, monkeypatch):
    sleeping = counterfactuals(lived(shared, names, knobs, start))
    monkeypatch.setattr(Shadow, "_fall_asleep", lambda self, now_ms: None)
    assert counterfactuals(lived(shared, names, knobs, start)) == sleeping
    assert {one.exit_reason for one in sleeping} >= expected
    assert len(sleeping) > 100
