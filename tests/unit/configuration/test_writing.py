"""Settings on paper: for a person, for the journal, and as the example file."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from configuration.knob import without_password
from configuration.knobs import KNOBS
from settings import effective, env_example, load_settings, settings_hash, settings_json

PASSWORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).map(lambda text: f"hun{text}ter2")
INDIFFERENT = {
    "LIVE_EXCHANGE": "binanceusdm",
    "LIVE_MARKETS": "SOL-PERP=SOL/USDC:USDC",
    "LIVE_WARMUP_BARS": "500",
    "LIVE_GRACE_S": "5",
    "LIVE_URL": "http://127.0.0.1:8080",
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
