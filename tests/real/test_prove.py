"""The shipped strategies, held against themselves on recorded markets, and the command as users call it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import main
from backtest.prove.minutes import drained
from backtest.prove.prover import ProofPlan, prove
from backtest.prove.tapes import TapeMarket
from db.off import JournalOff
from domain.market import MINUTE_MS
from execution.instruments import instrument
from market.catalog import find_recordings
from market.gather import cut, gather
from market.quality import QualityLimits
from market.replay import replay_of
from settings import load_settings
from tests.real.program import Program, complaint

LIMITS = QualityLimits()
MORNING_MS = 1_679_637_600_000  # 2023-03-24 06:00 UTC
PREMIUM_2023 = (
    "ohlcv/solusdt_1m_binance-usdm_2023-07_2023-08.parquet",
    "premium/solusdt_premium_1m_binance_2023-07_2023-08.parquet",
    "funding/solusdt_funding_8h_binance-usdm_2023-07_2023-08.parquet",
    "funding/solusdt_mark_8h_binance-usdm_2023-07_2023-08.parquet",
)


def proof_on(paths, symbols, n_minutes, start_ms=None, **knobs):
    settings = load_settings(None, {}, {"SYMBOLS": ",".join(symbols), **knobs})
    instruments = {symbol: instrument(symbol) for symbol in symbols}
    gathered = gather([str(path) for path in paths], symbols, LIMITS)
    start_ms = start_ms or max(int(one.bars.stamps_ms[0]) for one in gathered)
    end_ms = start_ms + n_minutes * MINUTE_MS
    short = [replace(one, bars=cut(one.bars, start_ms, end_ms)) for one in gathered]
    tape = TapeMarket(short, lambda known: replay_of(known, LIMITS), LIMITS)
    plan = ProofPlan(n_cuts=6, n_starts=1)
    return prove(lambda _: main.build(settings, instruments, JournalOff()), drained(tape.whole()), tape, plan)


def test_no_decision_looks_ahead_on_drifts_hours_of_may_2025(shared):
    proof = proof_on(find_recordings([shared / "data"], ["SOL-PERP"]), ["SOL-PERP"], 1_500)
    assert proof.is_clean, proof.findings
    assert proof.n_bars_compared > 10_000


@pytest.mark.parametrize("direction", ["momentum", "premium_fade"])
def test_no_decision_looks_ahead_with_a_premium_a_minute_and_funding_every_eight_hours(shared, direction):
    paths = [shared / "data" / name for name in PREMIUM_2023]
    proof = proof_on(paths, ["SOL-PERP"], 1_200, E3_DIRECTION=direction)
    assert proof.is_clean, proof.findings


def test_nothing_that_is_known_of_earlier_triggers_looks_ahead(shared):
    paths = find_recordings([shared / "data"], ["SOL-PERP"])
    proof = proof_on(paths, ["SOL-PERP"], 1_200, GATE_MODE="shadow")
    assert proof.is_clean, proof.findings


def test_no_decision_looks_ahead_over_an_outage_and_beside_another_symbol(shared):
    """Binance's spot market stood still from 12:40 to 13:59 UTC on 2023-03-24."""
    names = [f"ohlcv/{pair}_1m_binance-spot_2023-01_2023-12.parquet" for pair in ("solusdt", "btcusdt")]
    proof = proof_on([shared / "data" / name for name in names], ["SOL-PERP", "BTC-PERP"], 700, MORNING_MS)
    assert proof.is_clean, proof.findings


def test_the_command_proves_and_answers_in_json(tmp_path: Path, shared: Path) -> None:
    program = Program(tmp_path)
    words = ("backtest", "--prove", "--symbol", "SOL-PERP", "--minutes", "700", "--cuts", "3", "--seed", "9", "--json")
    done = program.call(*words, "--set", f"DATA_DIRS={shared / 'data'}")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["is_clean"] is True
    assert (told["seed"], len(told["cuts"])) == (9, 3)
    assert not program.journal.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("backtest", "--cuts", "3"), "--prove"),
        (("backtest", "--prove", "--run-id", "mine"), "--run-id"),
        (("backtest", "--prove", "--minutes", "3", "--set", "FEED=sim"), "too short to be cut"),
    ],
)
def test_what_cannot_be_proved_is_one_sentence(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in complaint(Program(tmp_path).call(*words), 2)
