"""What a model would have been told on recorded markets: every real question is short, plain and tells no secret."""

import asyncio
import itertools
import json
import re
import subprocess
import threading

import msgspec
import pytest

import main
from db.off import JournalOff
from domain.decisions import Approved
from domain.market import MINUTE_MS
from domain.tick import GateExchange, TradingState
from execution.instruments import instrument
from gate.memory import SETTLING_BARS
from market.catalog import find_recordings
from market.quality import QualityLimits
from market.replay import load_replay
from settings import load_settings
from tests.real.program import ROOT, Program
from tests.unit.gate.ollama_double import MODEL, Deed, chat, ollama, reply
from tests.unit.gate.wording import MOST_BYTES, MOST_BYTES_WITH_MEMORY, leaks
from wiring.gate import build_prompt

PREMIUM_2023 = (
    "ohlcv/{}_1m_binance-usdm_2023-07_2023-08.parquet",
    "premium/{}_premium_1m_binance_2023-07_2023-08.parquet",
    "funding/{}_funding_8h_binance-usdm_2023-07_2023-08.parquet",
    "funding/{}_mark_8h_binance-usdm_2023-07_2023-08.parquet",
)
BUSY = {
    "GATE_MODE": "shadow",
    "GATE_MEMORY": "on",
    "E3_VOLUME_Z": "1.5",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
    "RISK_MAX_CONSECUTIVE_LOSSES": "1000",
    "RISK_MAX_DAILY_LOSS_PCT": "100",
    "RISK_MAX_DRAWDOWN_PCT": "100",
    "SIZING_KELLY_FRACTION": "0",
    "EXIT_MAX_HOLD_BARS": "30",
}


class Listener:
    """A gate that lets everything pass and keeps what it was shown."""

    def __init__(self):
        self.situations = []

    async def review(self, situation, tick_no):
        # The desk's list goes on growing: what was known now is kept as it is now.
        self.situations.append(msgspec.structs.replace(situation, resolved=tuple(situation.resolved)))
        yes = Approved(keep_frac=1.0, reason_code="ok", backend="listener")
        return GateExchange(request_id="-", backend="listener", mode="shadow", prompt="", raw_reply=None, verdict=yes)


def heard(paths, symbols, n_minutes, **knobs):
    """Carry a whole desk over recordings; return its prompt builder and every situation it asked about."""
    settings = load_settings(None, {}, {"SYMBOLS": ",".join(symbols), **BUSY, **knobs})
    feed = load_replay([str(path) for path in paths], symbols, QualityLimits(), limit_minutes=n_minutes)
    master = main.build(settings, {symbol: instrument(symbol) for symbol in symbols}, JournalOff())
    listener = Listener()
    master.gate = msgspec.structs.replace(master.gate, gate=listener)

    async def go():
        while (batch := await feed.next_minute()) is not None:
            for snapshot in batch:
                await master.tick(snapshot, TradingState.ACTIVE)

    asyncio.run(go())
    return settings, listener.situations


@pytest.fixture(scope="module")
def on_may_2025(shared):
    symbols = ["SOL-PERP", "BTC-PERP"]
    return heard(find_recordings([shared / "data"], symbols), symbols, 4_000)


@pytest.fixture(scope="module")
def on_2023_with_premium(shared):
    paths = [shared / "data" / name.format(pair) for pair in ("solusdt", "btcusdt") for name in PREMIUM_2023]
    mild = {
        "STRATEGIES": "funding_fade,e3",
        "FUNDING_FADE_EXTREME_FUNDING_HOURLY_PCT": "0.0006",
        "FUNDING_FADE_EXTREME_PREMIUM_BPS": "0.5",
        "FUNDING_FADE_NEUTRAL_PREMIUM_BPS": "0.1",
        "FUNDING_FADE_MIN_VOLUME_Z": "0.2",
    }
    return heard(paths, ["SOL-PERP", "BTC-PERP"], 4_000, **mild)


@pytest.fixture(scope="module", params=["on_may_2025", "on_2023_with_premium"])
def recorded(request):
    return request.getfixturevalue(request.param)


def test_no_real_question_tells_a_date_a_price_or_a_name_and_none_is_too_long(recorded):
    settings, situations = recorded
    builder = build_prompt(settings)
    assert len(situations) > 150
    assert {situation.proposal.strategy for situation in situations} == {*settings.strategies}
    for situation in situations:
        words = builder.words(situation)
        assert leaks(words.user, situation) == []
        assert not re.search(r"SOL|BTC|USD|PERP|20(?:23|25)-|[A-Z]{5,}", words.user)
        assert len(words.system) + len(words.user) <= MOST_BYTES_WITH_MEMORY


def test_with_the_memory_off_every_real_question_is_within_the_smaller_budget(recorded):
    _, situations = recorded
    builder = build_prompt(load_settings(None, {}, {"GATE_MEMORY": "off"}))
    sizes = [len(words.system) + len(words.user) for words in map(builder.words, situations)]
    assert max(sizes) <= MOST_BYTES


def test_the_margins_of_every_real_trigger_are_known_and_none_is_negative(recorded):
    settings, situations = recorded
    builder = build_prompt(settings)
    for situation in situations:
        over = json.loads(builder.words(situation).user)["trigger"]["over"]
        assert all(margin is None or margin >= 0 for margin in over.values())
        assert {name for name, margin in over.items() if margin is None} <= {"imbalance_frac", "premium_bps"}


def test_every_real_question_has_its_hour_and_agrees_with_the_features_about_the_last_minute(recorded):
    settings, situations = recorded
    builder = build_prompt(settings)
    for situation in situations:
        document = json.loads(builder.words(situation).user)
        assert None not in document["recent"]["returns_bps"]
        assert document["recent"]["returns_bps"][-1] == pytest.approx(document["minute"]["return_bps"], abs=0.101)
        assert 0 <= document["market"]["range_60m_frac"] <= 1


def test_every_trigger_has_ended_once_its_holding_time_has_passed(recorded):
    """Else the wait for slow ends would not be long enough, and the rate would be one of quick ends after all."""
    _, situations = recorded
    for one in situations[-1].resolved:
        longest_ms = (one.trigger.proposal.exit_plan.max_hold_bars + SETTLING_BARS) * MINUTE_MS
        assert one.outcome.resolved_ms - one.outcome.triggered_ms <= longest_ms


def test_in_time_a_rate_and_neighbours_are_told_and_a_second_life_says_the_same(recorded):
    settings, situations = recorded
    first, second = build_prompt(settings), build_prompt(settings)
    texts = [first.words(situation).user for situation in situations]
    assert [second.words(situation).user for situation in situations] == texts
    assert build_prompt(settings).words(situations[-1]).user == texts[-1]
    documents = [json.loads(text) for text in texts]
    assert documents[0]["base_rate"] is None
    assert documents[-1]["base_rate"]["n"] >= 30
    assert len(documents[-1]["similar"]) == settings.gate_memory_neighbours
    rates = [document["base_rate"]["n"] for document in documents if document["base_rate"]]
    assert len(rates) > 10
    assert any(later != earlier for earlier, later in itertools.pairwise(rates))


def test_a_desk_that_was_killed_remembers_in_its_second_life_what_it_knew_in_its_first(tmp_path):
    """Every question is worded anew when the run is lived through again, and has to be the one on record."""
    knobs = {
        "GATE_BACKEND": "ollama",
        "GATE_MODEL": MODEL,
        "GATE_DEADLINE_S": "20",
        **BUSY,
        "EXIT_MAX_HOLD_BARS": "10",
    }
    program, n_before, hangs, asked = Program(tmp_path), 60, threading.Event(), itertools.count()

    def answer(_):
        if next(asked) != n_before:
            return Deed(chat(reply()))
        hangs.set()
        return Deed(has_head=False, ending="hang")

    with ollama(answer) as server:
        knobs["GATE_URL"] = server.url
        given = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
        words = ["paper", "--feed", "sim", "--minutes", "4000", "--speed", "max", "--run-id", "run", "--json", *given]
        first = subprocess.Popen(program.command(*words), cwd=ROOT, env=program.env, stdout=subprocess.DEVNULL)
        assert hangs.wait(120)
        first.kill()
        first.wait(30)
        done = program.fork(*words)
    assert done.returncode == 0, done.stderr
    prompts = [row[0] for row in program.query("SELECT prompt FROM gate_requests ORDER BY tick_no")]
    assert len(prompts) > n_before + 10
    told = [json.loads(json.loads(prompt)["messages"][1]["content"]) for prompt in prompts]
    assert [one["base_rate"] is None for one in (told[0], told[-1])] == [True, False]
    assert len(told[-1]["similar"]) == 5
    again = program.fork("audit", "replay", "run")
    assert (again.returncode, again.stdout.split()[0]) == (0, "identical")
