"""Settings on paper: for a person, for the journal, and as the example file."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from configuration.knob import without_password
from configuration.knobs import KNOBS
from configuration.writing import deciding_names
from settings import (
    decision_hash,
    effective,
    env_example,
    load_settings,
    recorded_decision_hash,
    recorded_decisions,
    settings_hash,
    settings_json,
    strategy_json,
)

PASSWORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).map(lambda text: f"hun{text}ter2")
INDIFFERENT = {
    "LIVE_EXCHANGE": "binanceusdm",
    "LIVE_MARKETS": "SOL-PERP=SOL/USDC:USDC",
    "LIVE_WARMUP_BARS": "500",
    "LIVE_GRACE_S": "5",
    "LIVE_TRADING": "I_ACCEPT_THE_RISK",
    "PROOF_PAPER_MINUTES": "60",
    "GATEWAY_SOCKET": "elsewhere.sock",
    "CCXT_KEY_FILE": "elsewhere.key",
    "DATABASE_URL": "postgresql://me:hunter2@h/d",
    "STATE_DIR": "elsewhere",
    "SPEED": "max",
    "LOG_LEVEL": "debug",
    "LOG_FILE": "x.log",
    "LOG_FILE_MAX_MB": "1",
    "LOG_FILE_KEEP": "1",
    "JOURNAL_BATCH_TICKS": "1",
    "REPLAY_DATA": "a.csv",
    "DATA_DIRS": "elsewhere",
    "FETCH_URL": "http://127.0.0.1:8080/mirror",
    "FETCH_TRIES": "1",
    "FETCH_PAUSE_S": "1",
    "FETCH_TIMEOUT_S": "1",
    "GATE_CASSETTE": "record",
    "GATE_CASSETTE_FILE": "c.jsonl",
    "NOTIFY_CRITICAL": "ntfy://desk",
    "NOTIFY_WARNING": "ntfy://desk",
    "NOTIFY_INFO": "ntfy://desk",
    "NOTIFY_SUMMARY": "ntfy://desk",
    "NOTIFY_SUMMARY_HOUR_UTC": "7",
    "WATCH_SILENCE_S": "120",
}


@given(PASSWORD)
@example("hun@/:ter2")
@example("hun#?&=ter2")
def test_no_password_is_printed_whatever_it_is_made_of(password):
    settings = load_settings(None, {"DATABASE_URL": f"postgresql://me:{password}@host/desk"})
    shown = f"{effective(settings)}{settings!r}{settings!s}{settings_json(settings)}{settings.model_dump_json()}"
    assert password not in shown
    (row,) = (row for row in effective(settings) if row.name == "DATABASE_URL")
    assert row.value == "postgresql://me:***@host/desk"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///state/journal.db", "sqlite:///state/journal.db"),
        ("postgresql://host/desk", "postgresql://host/desk"),
        ("postgresql://me@host/desk", "postgresql://me@host/desk"),
        ("postgresql://:pw@host/desk", "postgresql://:***@host/desk"),
        ("postgresql://me:a/b@c@host/desk", "postgresql://me:***@host/desk"),
        ("postgresql://host/desk?user=me&password=pw", "postgresql://host/desk?user=me&password=***"),
        ("postgresql://host/desk?sslpassword=pw&x=1", "postgresql://host/desk?sslpassword=***&x=1"),
    ],
)
def test_a_database_is_shown_without_what_opens_it(url, shown):
    assert without_password(url) == shown


def test_the_effective_settings_name_every_knob_once_with_value_source_and_meaning():
    rows = effective(load_settings(None, {"E3_VOLUME_Z": "2.50"}))
    assert [row.name for row in rows] == list(KNOBS)
    (row,) = (row for row in rows if row.name == "E3_VOLUME_Z")
    assert row[:3] == ("E3_VOLUME_Z", "2.5", "environment")
    assert all(row.meaning for row in rows)


def test_what_cannot_change_a_decision_does_not_change_the_hash():
    plain = load_settings(None, {})
    assert settings_json(load_settings(None, INDIFFERENT)) == settings_json(plain)
    assert set(json.loads(settings_json(plain))) == set(KNOBS) - set(INDIFFERENT)


@pytest.mark.parametrize(("name", "value"), [("E3_VOLUME_Z", "2.0000001"), ("SIM_SEED", "8"), ("GATE_MODE", "veto")])
def test_what_can_change_a_decision_changes_the_hash(name, value):
    assert settings_hash(load_settings(None, {name: value})) != settings_hash(load_settings(None, {}))


def test_the_same_number_written_differently_is_the_same_hash():
    assert settings_hash(load_settings(None, {"E3_VOLUME_Z": "2.50"})) == settings_hash(
        load_settings(None, {"E3_VOLUME_Z": "25e-1"})
    )


def test_the_example_file_tells_meaning_unit_allowed_and_default_of_every_knob():
    text = env_example()
    assert "# stay out above this spread\n# a number above 0 up to 10000 bps\nE3_MAX_SPREAD_BPS=30\n" in text
    assert [line.split("=")[0] for line in text.splitlines() if line and not line.startswith("#")] == list(KNOBS)
    assert max(len(line) for line in text.splitlines()) <= 120


DECIDING = deciding_names()
OF_THE_RUN = ["FEED", "MODE", "EXECUTION", "SIM_SEED", "PAPER_STARTING_CASH_USD", "LIVE_CAPITAL_USD", "REPLAY_FROM"]
OF_THE_RUN += ["ON_STOP", "GATE_EVALUATION", "DATABASE_URL", "GATE_CASSETTE", "LIVE_TRADING", "PROOF_PAPER_MINUTES"]
OTHERWISE = {
    "SYMBOLS": "BTC-PERP",
    "STRATEGIES": "e3",
    "REGIME_SWITCH": "e3:chop",
    "GATE_URL": "http://127.0.0.1:1",
    "GATE_MODEL": "tiny",
    "GATE_MODEL_DIGEST": "a" * 12,
    "GATE_MEMBERS": "ollama,openai",
    "GATE_OPENAI_URL": "http://127.0.0.1:1",
    "GATE_OPENAI_MODEL": "tiny",
}


def other_value(name):
    """Return a JSON value that a knob could hold as well, and does not."""
    value = json.loads(settings_json(load_settings(None, {})))[name]
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case _:
            return [*value, "x"]


def test_the_decision_hash_is_of_what_is_done_with_a_market_and_not_of_how_it_is_run():
    assert set(DECIDING) < set(json.loads(settings_json(load_settings(None, {}))))
    assert not set(DECIDING) & {*OF_THE_RUN, *INDIFFERENT}
    assert set(DECIDING) >= {
        "SYMBOLS",
        "STRATEGIES",
        "E3_VOLUME_Z",
        "RISK_MAX_SPREAD_BPS",
        "GATE_MODE",
        "EXIT_STOP_PCT",
    }
    assert set(DECIDING) >= {"QUALITY_MAX_GAP_BARS", "SIZING_KELLY_FRACTION", "REGIME_SWITCH", "FEATURE_ATR_BARS"}


@given(st.sampled_from(sorted(json.loads(settings_json(load_settings(None, {}))))))
def test_any_deciding_setting_on_record_changes_the_decision_hash_and_any_other_does_not(name):
    recorded = json.loads(settings_json(load_settings(None, {})))
    before = recorded_decision_hash(json.dumps(recorded))
    recorded[name] = other_value(name)
    assert (recorded_decision_hash(json.dumps(recorded)) != before) == (name in DECIDING)


@given(st.dictionaries(st.sampled_from([*INDIFFERENT, *OF_THE_RUN]), st.none(), max_size=8))
def test_the_same_strategy_run_in_any_other_way_has_the_same_decision_hash(chosen):
    ways = {**INDIFFERENT, "FEED": "live", "SIM_SEED": "8", "PAPER_STARTING_CASH_USD": "50", "LIVE_CAPITAL_USD": "500"}
    ways |= {"ON_STOP": "flatten", "GATE_EVALUATION": "3", "REPLAY_FROM": "2023-01-01T00:00Z", "MODE": "dry_run"}
    other = {name: ways[name] for name in chosen if name in ways}
    other |= {"SPEED": "real", "GATE_CASSETTE_FILE": "c.jsonl"}
    turned = load_settings(None, other, is_to_trade=False)
    assert decision_hash(turned) == decision_hash(load_settings(None, {}))


@pytest.mark.parametrize("name", sorted(OTHERWISE))
def test_a_deciding_word_that_is_loaded_otherwise_is_another_decision_hash(name):
    assert decision_hash(load_settings(None, {name: OTHERWISE[name]})) != decision_hash(load_settings(None, {}))


def test_the_hash_of_a_desk_is_the_hash_of_its_record():
    for chosen in ({}, {"E3_VOLUME_Z": "2.5", "SYMBOLS": "BTC-PERP,SOL-PERP", "GATE_MODE": "shadow"}):
        settings = load_settings(None, chosen)
        assert recorded_decision_hash(settings_json(settings)) == decision_hash(settings)
        assert json.loads(strategy_json(settings)) == recorded_decisions(settings_json(settings))


@pytest.mark.parametrize("name", ["E3_VOLUME_Z", "SYMBOLS", "GATE_MODE"])
def test_a_record_that_lacks_a_deciding_setting_has_no_decision_hash(name):
    recorded = json.loads(settings_json(load_settings(None, {})))
    del recorded[name]
    assert recorded_decision_hash(json.dumps(recorded)) is None


@pytest.mark.parametrize("text", ["", "[]", "null", '{"E3_VOLUME_Z":2.0}'])
def test_what_is_no_whole_record_has_no_decision_hash(text):
    assert recorded_decision_hash(text) is None


def test_a_record_with_a_setting_that_is_unknown_today_has_no_decision_hash_and_one_without_an_indifferent_has():
    recorded = json.loads(settings_json(load_settings(None, {})))
    assert recorded_decision_hash(json.dumps({**recorded, "E3_MOON_PHASE": 1})) is None
    del recorded["PAPER_SEED"]
    assert recorded_decision_hash(json.dumps(recorded)) == decision_hash(load_settings(None, {}))
