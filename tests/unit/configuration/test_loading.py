"""From raw text to settings, or to every reason why not."""

import json
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from configuration.knob import allowed_words, extra_of, written
from configuration.knobs import KNOBS
from domain.errors import BadInput
from settings import GateBackend, Settings, SettingsError, effective, load_settings, settings_from_json, settings_json
from tests.unit.configuration.problems import ASKED, problems_of

NUMERIC = [name for name, field in KNOBS.items() if field.annotation in (int, float)]
WORDS = ["FEED", "SPEED", "GATE_MODE", "GATE_BACKEND", "ON_STOP", "E3_DIRECTION", "LOG_LEVEL"]
BAD_NUMBERS = ("nan", "inf", "-inf", "1e999", "", "abc", "1_0", "0,5", "0x10", "true", "1;2", "٣")


def bounds(name):
    """Return (low, is_low_open, high, is_high_open) of a numeric knob, from what it declares."""
    found = {type(bound).__name__: bound for bound in KNOBS[name].metadata}
    low = found["Ge"].ge if "Ge" in found else found["Gt"].gt
    high = found["Le"].le if "Le" in found else found["Lt"].lt
    return low, "Gt" in found, high, "Lt" in found


def numbers(name):
    low, low_open, high, high_open = bounds(name)
    if KNOBS[name].annotation is int:
        return st.integers(low, high)
    return st.floats(low, high, exclude_min=low_open, exclude_max=high_open)


@pytest.mark.parametrize("name", NUMERIC)
def test_what_is_no_plain_number_is_refused_for_every_number(name):
    for bad in BAD_NUMBERS:
        (problem,) = problems_of({name: bad})
        assert problem == (name, bad or "(empty)", allowed_words(KNOBS[name]), "environment")


@pytest.mark.parametrize("name", NUMERIC)
def test_the_limits_of_every_number_hold_on_both_sides(name):
    low, low_open, high, high_open = bounds(name)
    is_whole = KNOBS[name].annotation is int
    beyond_low = low - 1 if is_whole else math.nextafter(low, -math.inf)
    beyond_high = high + 1 if is_whole else math.nextafter(high, math.inf)
    for outside in (beyond_low, beyond_high, *([low] if low_open else []), *([high] if high_open else [])):
        assert problems_of({name: repr(outside)})[0].name == name
    for inside in (*([] if low_open else [low]), *([] if high_open else [high])):
        assert [problem for problem in problems_or_none({name: repr(inside)}) if not contradicts(problem)] == []


def contradicts(problem):
    """Say whether a value was refused for another knob's sake, not for its own limits."""
    return "which is" in problem.allowed


def problems_or_none(environ):
    try:
        load_settings(None, environ)
    except SettingsError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("name", [name for name in NUMERIC if KNOBS[name].annotation is int])
def test_a_fraction_is_no_whole_number(name):
    assert problems_of({name: "5.0"})[0].name == name


@pytest.mark.parametrize("name", WORDS)
def test_a_word_outside_its_set_is_refused_and_the_set_is_told(name):
    (problem,) = problems_of({name: "sideways"})
    assert problem.allowed.startswith("one of ")
    assert written(KNOBS[name].default) in problem.allowed


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("SYMBOLS", "DOGE-PERP"),
        ("SYMBOLS", ""),
        ("SYMBOLS", "SOL-PERP,SOL-PERP"),
        ("SYMBOLS", "SOL-PERP,,BTC-PERP"),
        ("STRATEGIES", "e4"),
        ("STRATEGIES", ","),
        ("SIM_START", "yesterday"),
        ("SIM_START", "2025-01-01T00:00:30Z"),
        ("SIM_START", "2025-01-01T00:00"),
        ("SIM_START", "2025-01-01T00:00+02:00"),
        ("SIM_START", "1735689600"),
        ("SIM_START", "1969-12-31T23:59Z"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "sqlite:///"),
        ("STATE_DIR", ""),
        ("DATA_DIRS", ""),
    ],
)
def test_a_bad_list_time_path_or_database_is_refused(name, bad):
    (problem,) = problems_of({name: bad})
    assert problem.name == name


def test_the_words_of_a_refused_list_name_what_is_known():
    assert problems_of({"SYMBOLS": "DOGE-PERP"})[0].allowed == "a comma list of SOL-PERP, BTC-PERP, ETH-PERP"
    assert problems_of({"STRATEGIES": "e4"})[0].allowed == "a comma list of e3, funding_fade"


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("FEATURE_VOL_BARS", "FEATURE_VOL_LONG_BARS"),
        ("FEATURE_EMA_FAST_BARS", "FEATURE_EMA_SLOW_BARS"),
        ("FUNDING_FADE_NEUTRAL_FUNDING_HOURLY_PCT", "FUNDING_FADE_EXTREME_FUNDING_HOURLY_PCT"),
        ("FUNDING_FADE_NEUTRAL_PREMIUM_BPS", "FUNDING_FADE_EXTREME_PREMIUM_BPS"),
    ],
)
def test_two_knobs_that_contradict_each_other_are_refused_and_the_one_given_is_blamed(low, high):
    assert [problem.name for problem in problems_of({low: written(KNOBS[high].default)})] == [low]
    assert [problem.name for problem in problems_of({high: written(KNOBS[low].default)})] == [high]
    assert [problem.name for problem in problems_of({low: "5", high: "5"})] == [low]


def test_every_problem_is_told_in_one_go_in_the_order_of_the_example_file():
    problems = problems_of(
        {
            "RISK_MAX_DRAWDOWN_PCT": "-1",
            "E3_VOLUME_Z": "nan",
            "SYMBOLS": "DOGE",
            "FEATURE_VOL_BARS": "9999",
            "LOG_LEVEL": "loud",
            "SIM_SED": "7",
        }
    )
    assert [problem.name for problem in problems] == [
        "SIM_SED",
        "SYMBOLS",
        "FEATURE_VOL_BARS",
        "E3_VOLUME_Z",
        "RISK_MAX_DRAWDOWN_PCT",
        "LOG_LEVEL",
    ]


def test_the_message_is_one_sentence_with_name_given_and_allowed():
    with pytest.raises(BadInput) as caught:
        load_settings(None, {"E3_VOLUME_Z": "lots\n\x1b[31m"})
    assert str(caught.value) == (
        "a setting is refused: E3_VOLUME_Z = lots??[31m "
        "(environment; allowed: a number from -10 up to 50 standard deviations)"
    )


def test_a_value_without_end_is_shown_in_part():
    (problem,) = problems_of({"E3_VOLUME_Z": "9" * 10_000_000})
    assert len(problem.given) <= 60


def test_a_password_never_appears_in_a_refusal():
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {"DATABASE_URL": "mysql://me:hunter2@h/d"})
    assert "hunter2" not in f"{caught.value!s}{caught.value!r}{caught.value.problems}{caught.value.__cause__!r}"


def test_severities_are_read_in_either_case():
    assert load_settings(None, {"LOG_LEVEL": "WARNING"}).log_level == "warning"


@given(st.data())
def test_any_allowed_values_survive_being_written_and_read_back(data):
    names = data.draw(st.lists(st.sampled_from(NUMERIC), unique=True))
    given_values = {name: repr(data.draw(numbers(name), label=name)) for name in names}
    problems = problems_or_none(given_values)
    assert [problem for problem in problems if not contradicts(problem)] == []
    assume(not problems)
    first = load_settings(None, given_values)
    as_text = {name: written(getattr(first, name.lower())) for name in KNOBS}
    second = load_settings(None, as_text)
    assert second.model_dump() == first.model_dump()
    assert settings_json(settings_from_json(settings_json(first))) == settings_json(first)


@given(st.dictionaries(st.sampled_from(sorted(KNOBS)), st.text(max_size=20), max_size=6))
def test_no_text_whatever_ends_in_anything_but_settings_or_a_clear_refusal(environ):
    for problem in problems_or_none(environ):
        assert problem.name in environ
        assert problem.allowed
        assert problem.given.isprintable()


def test_the_settings_of_a_run_come_back_from_its_journal():
    settings = load_settings(
        None, {"E3_VOLUME_Z": "2.5", "SYMBOLS": "BTC-PERP,SOL-PERP", "SIM_START": "2024-02-29T23:59Z"}
    )
    again = settings_from_json(settings_json(settings))
    assert settings_json(again) == settings_json(settings)
    assert again.symbols == ("BTC-PERP", "SOL-PERP")
    assert again.sources["E3_VOLUME_Z"] == "journal"
    assert again.sources["DATABASE_URL"] == "default"


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_record_that_holds_no_settings_is_one_clear_sentence(text):
    with pytest.raises(BadInput, match="recorded settings"):
        settings_from_json(text)


def test_a_recorded_name_or_value_this_version_does_not_know_is_refused():
    with pytest.raises(SettingsError) as caught:
        settings_from_json(json.dumps({"E3_OLD_KNOB": 1, "E3_VOLUME_Z": 99, "FEED": True}))
    assert [problem.name for problem in caught.value.problems] == ["E3_OLD_KNOB", "FEED", "E3_VOLUME_Z"]


def test_settings_cannot_be_changed_once_read():
    settings = load_settings(None, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.e3_volume_z = 1.0


def test_every_knob_says_what_it_means_in_what_unit_and_what_is_allowed():
    for name, field in KNOBS.items():
        assert field.description, name
        assert allowed_words(field), name
        is_number = field.annotation in (int, float) and not name.endswith(("_SEED", "_TIER"))
        assert bool(extra_of(field)["unit"]) == is_number, name


NOTIFIED = ["NOTIFY_CRITICAL", "NOTIFY_WARNING", "NOTIFY_INFO", "NOTIFY_SUMMARY"]


def test_the_database_and_who_is_notified_are_secrets_and_nothing_else_is():
    secrets = [name for name, field in KNOBS.items() if isinstance(field.default, SecretStr)]
    assert secrets == ["DATABASE_URL", *NOTIFIED]


@pytest.mark.parametrize("name", NOTIFIED)
def test_who_is_notified_is_shown_by_nothing(name):
    settings = load_settings(None, {name: "ntfy://sekret,json://host/sekret"})
    assert settings_json(settings) == settings_json(Settings())
    shown = repr(settings) + str(settings.model_dump()) + settings.model_dump_json() + repr(effective(settings))
    assert "sekret" not in shown
    assert {row.value for row in effective(settings) if row.name.startswith("NOTIFY")} >= {"***", ""}


def test_a_wrong_address_is_refused_by_its_place_and_not_shown():
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {"NOTIFY_CRITICAL": "ntfy://ok,tgram://sekret", "NOTIFY_SUMMARY_HOUR_UTC": "24"})
    (address, hour) = caught.value.problems
    assert (address.name, address.given, address.source) == ("NOTIFY_CRITICAL", "(not shown)", "environment")
    assert address.allowed.endswith("entry 2 is none")
    assert hour.name == "NOTIFY_SUMMARY_HOUR_UTC"
    assert "sekret" not in str(caught.value)


def test_a_model_on_this_machine_may_be_asked():
    assert load_settings(None, ASKED).gate_model == "tiny"
    assert load_settings(None, {**ASKED, "GATE_URL": "http://10.0.0.7:11434", "GATE_ALLOW_REMOTE": "true"}).gate_url


@pytest.mark.parametrize(
    ("given", "name", "allowed"),
    [
        ({"GATE_MODEL": ""}, "GATE_MODEL", "the name of a model"),
        ({"GATE_MODEL": "a\x1b[31m"}, "GATE_MODEL", "the name of a model"),
        ({"GATE_URL": "http://10.0.0.7:11434"}, "GATE_URL", "GATE_ALLOW_REMOTE=true"),
        ({"GATE_URL": "localhost"}, "GATE_URL", "http://HOST:PORT"),
        ({"GATE_REPLY_TOKENS": "4096"}, "GATE_REPLY_TOKENS", "less than GATE_CONTEXT_TOKENS"),
        ({"GATE_BACKEND": "openai"}, "GATE_URL", "the address of your server, because openai is asked"),
        ({"GATE_MODEL_DIGEST": "abc"}, "GATE_MODEL_DIGEST", "the first 12 to 64 hex digits"),
        ({"GATE_MODEL_DIGEST": "AB" * 32}, "GATE_MODEL_DIGEST", "the first 12 to 64 hex digits"),
        ({"GATE_MAX_AGE_S": "0"}, "GATE_MAX_AGE_S", "0.1"),
    ],
)
def test_a_gate_that_cannot_be_asked_refuses_the_start(given, name, allowed):
    (problem,) = problems_of({**ASKED, **given})
    assert problem.name == name
    assert allowed in problem.allowed


def test_another_server_may_stand_where_ollama_does_when_that_is_said():
    given = {**ASKED, "GATE_BACKEND": "openai", "GATE_URL": "http://127.0.0.1:11434"}
    recorded = settings_json(load_settings(None, given))
    assert settings_from_json(recorded).gate_url == given["GATE_URL"]


ENSEMBLE = {"GATE_BACKEND": "ensemble", "GATE_MODEL": "tiny", "GATE_MEMBERS": "ollama,metalabel"}
BOTH = {
    **ENSEMBLE,
    "GATE_MEMBERS": "metalabel,openai,ollama",
    "GATE_OPENAI_URL": "http://127.0.0.1:8080",
    "GATE_OPENAI_MODEL": "other",
}


@pytest.mark.parametrize(
    ("given", "name", "allowed"),
    [
        ({**ENSEMBLE, "GATE_MEMBERS": ""}, "GATE_MEMBERS", "two or more of ollama, openai, metalabel"),
        ({**ENSEMBLE, "GATE_MEMBERS": "ollama"}, "GATE_MEMBERS", "two or more"),
        ({**ENSEMBLE, "GATE_MEMBERS": "metalabel,oracle"}, "GATE_MEMBERS", "two or more of ollama"),
        ({**ENSEMBLE, "GATE_MEMBERS": "metalabel,off"}, "GATE_MEMBERS", "two or more of ollama"),
        ({**ENSEMBLE, "GATE_MEMBERS": "metalabel,ensemble"}, "GATE_MEMBERS", "two or more of ollama"),
        ({**ENSEMBLE, "GATE_MEMBERS": "ollama,ollama"}, "GATE_MEMBERS", "a comma list"),
        ({**ENSEMBLE, "GATE_QUORUM": "3"}, "GATE_QUORUM", "up to 2"),
        ({**ENSEMBLE, "GATE_QUORUM": "-1"}, "GATE_QUORUM", "from 0"),
        ({**ENSEMBLE, "GATE_MODEL": ""}, "GATE_MODEL", "because ollama is asked"),
        ({**BOTH, "GATE_OPENAI_MODEL": ""}, "GATE_OPENAI_MODEL", "because openai is asked"),
        ({**BOTH, "GATE_OPENAI_URL": ""}, "GATE_OPENAI_URL", "http://HOST:PORT"),
        ({**BOTH, "GATE_OPENAI_URL": "http://10.0.0.7:1"}, "GATE_OPENAI_URL", "GATE_ALLOW_REMOTE=true"),
        ({**ENSEMBLE, "GATE_MEMBERS": "openai,metalabel"}, "GATE_URL", "openai is asked"),
    ],
)
def test_an_ensemble_that_cannot_vote_refuses_the_start(given, name, allowed):
    problems = problems_of(given)
    assert [problem.name for problem in problems][:1] == [name]
    assert allowed in problems[0].allowed


def test_an_ensemble_needs_the_second_servers_address_only_beside_the_first():
    assert load_settings(None, BOTH).gate_members == ("metalabel", "openai", "ollama")
    alone = {**ENSEMBLE, "GATE_MEMBERS": "openai,metalabel", "GATE_URL": "http://127.0.0.1:8080"}
    assert load_settings(None, alone).gate_server_knobs(GateBackend.OPENAI) == ("GATE_URL", "GATE_MODEL")


def test_a_model_of_the_desks_own_needs_no_server_and_no_name():
    assert load_settings(None, {"GATE_BACKEND": "metalabel", "GATE_URL": "http://10.0.0.7:11434"}).gate_model == ""


def test_where_nobody_is_asked_no_model_is_needed():
    assert load_settings(None, {"GATE_MODE": "veto", "GATE_URL": "http://10.0.0.7:11434"}).gate_model == ""


@pytest.mark.parametrize("mode", ["record", "replay", "replay_strict"])
def test_a_cassette_needs_a_file_and_somebody_who_is_asked(mode):
    (problem,) = problems_of({**ASKED, "GATE_CASSETTE": mode})
    assert (problem.name, problem.allowed) == ("GATE_CASSETTE_FILE", f"a file, because GATE_CASSETTE is {mode}")
    (problem,) = problems_of({"GATE_MODE": "veto", "GATE_CASSETTE": mode, "GATE_CASSETTE_FILE": "c.jsonl"})
    assert (problem.name, problem.allowed) == ("GATE_CASSETTE", "off, because GATE_BACKEND is off and nobody is asked")
    assert load_settings(None, {**ASKED, "GATE_CASSETTE": mode, "GATE_CASSETTE_FILE": "c.jsonl"}).gate_cassette == mode


def test_a_search_may_leave_a_cassette_in_its_settings_where_the_gate_is_off():
    assert load_settings(None, {"GATE_CASSETTE": "replay", "GATE_CASSETTE_FILE": "c.jsonl"}).gate_mode == "off"


def test_a_cassette_is_no_setting_of_the_run_so_that_a_recording_and_its_replay_are_one_chain():
    recorded = load_settings(None, {**ASKED, "GATE_CASSETTE": "record", "GATE_CASSETTE_FILE": "a"})
    replayed = load_settings(None, {**ASKED, "GATE_CASSETTE": "replay", "GATE_CASSETTE_FILE": "b"})
    assert settings_json(recorded) == settings_json(replayed)
