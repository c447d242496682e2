"""Knobs become the records the parts are built with."""

import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import settings as face
from configuration.knobs import KNOBS
from domain.errors import BadInput
from execution.paper import PaperTerms
from gate.ensemble import EnsembleTerms
from gate.metalabel.reader import MetaLabelTerms
from gate.terms import ChatTerms
from indicators.features import FeatureWindows
from indicators.regime import RegimeThresholds
from market.history.terms import FetchTerms
from market.live.terms import LiveTerms
from market.quality import QualityLimits
from market.sim_parameters import SimParameters
from risk.allocation import AllocationMethod, AllocationPolicy
from risk.deployment import DeploymentPolicy
from risk.limits import RiskLimits, SizingPolicy
from risk.switching import RegimeSwitch
from settings import E3Direction, GateBackend, SettingsError, load_settings
from strategy.e3 import Direction, E3Thresholds
from strategy.exits import ExitRules
from strategy.funding_fade import FundingFadeThresholds
from strategy.registry import STRATEGIES

PARTS = {
    face.feature_windows: FeatureWindows,
    face.regime_thresholds: RegimeThresholds,
    face.e3_thresholds: E3Thresholds,
    face.funding_fade_thresholds: FundingFadeThresholds,
    face.exit_rules: ExitRules,
    face.risk_limits: RiskLimits,
    face.sizing_policy: SizingPolicy,
    face.regime_switch: RegimeSwitch,
    face.allocation_policy: AllocationPolicy,
    face.deployment_policy: DeploymentPolicy,
    face.paper_terms: PaperTerms,
    face.chat_terms: ChatTerms,
    face.metalabel_terms: MetaLabelTerms,
    face.sim_parameters: SimParameters,
    face.live_terms: LiveTerms,
    face.quality_limits: QualityLimits,
    face.fetch_terms: FetchTerms,
}
ENSEMBLE = {"GATE_BACKEND": "ensemble", "GATE_MODEL": "tiny", "GATE_MEMBERS": "metalabel,ollama"}
# An ensemble has no default to move away from, and what is asked of one reader is asked of every kind.
READ_BY_MAIN = ("GATE_MAX_AGE_S", "GATE_MEMORY_", "GATE_QUORUM", "JOURNAL_", "LOG_", "RECONCILE_", "REPLAY_")
READ_BY_MAIN += ("LIVE_CAPITAL_", "LIVE_CASH_", "LIVE_EXIT_", "LIVE_MAX_", "LIVE_ORDER_", "PROOF_")
READ_BY_MAIN += ("NOTIFY_", "WATCH_")
NUMERIC = [name for name, field in KNOBS.items() if field.annotation in (int, float)]


@pytest.mark.parametrize(("make", "record"), PARTS.items(), ids=lambda part: part.__name__)
def test_the_defaults_of_the_settings_are_the_defaults_of_the_part(make, record):
    assert make(load_settings(None, {})) == record()


@pytest.mark.parametrize("name", [name for name in NUMERIC if not name.startswith(READ_BY_MAIN)])
def test_every_number_reaches_the_part_it_is_for(name):
    default = KNOBS[name].default
    moved = load_settings(None, {name: str(default + 1)}) if name not in TENDER else load_settings(None, TENDER[name])
    changed = [record for make, record in PARTS.items() if make(moved) != record()]
    assert len(changed) == (2 if name == "GATE_MIN_P_WIN_PCT" else 1)


def test_who_is_notified_and_how_patient_the_watcher_is_reach_their_parts():
    assert face.teller_terms(load_settings(None, {})) is None
    given = {
        "NOTIFY_CRITICAL": "ntfy://a,ntfy://b",
        "NOTIFY_SUMMARY": "ntfy://a",
        "NOTIFY_SUMMARY_HOUR_UTC": "7",
        "WATCH_SILENCE_S": "120",
        "STATE_DIR": "s",
    }
    settings = load_settings(None, given)
    told = face.teller_terms(settings)
    assert [target.name for target in told.targets] == ["critical 1 (ntfy)", "critical 2 (ntfy)", "summary 1 (ntfy)"]
    assert told.summary_hour_utc == 7
    watched = face.watch_terms(settings, told)
    assert (watched.silence_s, watched.presence) == (120, face.presence_file(settings))
    assert len({told.base, watched.base, watched.presence}) == 3
    other = face.presence_file(load_settings(None, given | {"DATABASE_URL": "sqlite:///other.db"}))
    assert other != watched.presence, "two journals are two desks"


@pytest.mark.parametrize(("quorum", "needed"), [("0", 2), ("1", 1), ("2", 2)])
def test_an_ensemble_needs_all_its_members_unless_a_quorum_is_given(quorum, needed):
    terms = face.ensemble_terms(load_settings(None, {**ENSEMBLE, "GATE_QUORUM": quorum, "GATE_MIN_P_WIN_PCT": "60"}))
    assert terms == EnsembleTerms(names=("metalabel-1", "ollama:tiny"), quorum=needed, min_p_win_frac=0.6)


def test_two_servers_of_an_ensemble_have_an_address_and_a_model_each_and_the_digest_is_of_the_first():
    own = {"GATE_OPENAI_URL": "http://127.0.0.1:8080", "GATE_OPENAI_MODEL": "other", "GATE_MODEL_DIGEST": "a" * 12}
    settings = load_settings(None, {**ENSEMBLE, "GATE_MEMBERS": "openai,ollama", **own})
    first, second = (face.chat_terms(settings, server) for server in (GateBackend.OLLAMA, GateBackend.OPENAI))
    assert (first.model, first.digest, first.url) == ("tiny", "a" * 12, "http://127.0.0.1:11434")
    assert (second.model, second.digest, second.url) == ("other", "", "http://127.0.0.1:8080")


TENDER = {
    "ALLOCATION_MAX_SHARE_PCT": {"ALLOCATION_MAX_SHARE_PCT": "50"},
    "E3_MIN_IMBALANCE_FRAC": {"E3_MIN_IMBALANCE_FRAC": "0.5"},
    "FUNDING_FADE_NEUTRAL_FUNDING_HOURLY_PCT": {"FUNDING_FADE_NEUTRAL_FUNDING_HOURLY_PCT": "0.001"},
    "SIZING_KELLY_FRACTION": {"SIZING_KELLY_FRACTION": "0.5"},
}


def test_percent_becomes_the_nearest_fraction_to_the_last_bit():
    for percent, frac in [("0.07", 0.0007), ("1.1", 0.011), ("29", 0.29), ("0.0005", 0.000005), ("2.3", 0.023)]:
        assert face.exit_rules(load_settings(None, {"EXIT_TRAIL_PCT": percent})).trail_frac == frac


def test_seconds_become_milliseconds_and_a_time_its_epoch():
    assert face.risk_limits(load_settings(None, {"RISK_COOLDOWN_AFTER_LOSS_S": "60"})).cooldown_after_loss_ms == 60_000
    assert face.sim_parameters(load_settings(None, {"SIM_START": "2025-01-01T00:01Z"})).start_ms == 1_735_689_660_000


def test_the_two_lists_of_e3_directions_are_the_same():
    assert [*map(str, E3Direction)] == [*map(str, Direction)]
    assert face.e3_thresholds(load_settings(None, {"E3_DIRECTION": "premium_fade"})).direction is Direction.PREMIUM_FADE


def test_the_two_lists_of_allocation_methods_are_the_same():
    assert [*map(str, face.AllocationMethod)] == [*map(str, AllocationMethod)]
    assert face.allocation_policy(load_settings(None, {"ALLOCATION_METHOD": "equal"})).method is AllocationMethod.EQUAL


def test_thresholds_go_to_strategies_that_exist_and_are_of_their_kind():
    thresholds = face.strategy_thresholds(load_settings(None, {}))
    assert thresholds.keys() <= STRATEGIES.keys()
    assert all(isinstance(record, STRATEGIES[name][1]) for name, record in thresholds.items())


def test_the_default_symbols_and_strategies_are_known():
    given_again = {name: ",".join(KNOBS[name].default[::-1]) for name in ("SYMBOLS", "STRATEGIES")}
    assert load_settings(None, given_again).strategies == KNOBS["STRATEGIES"].default[::-1]


@given(st.data())
def test_whatever_the_settings_allow_no_part_refuses(data):
    names = data.draw(st.lists(st.sampled_from(NUMERIC), unique=True, min_size=1))
    environ = {name: repr(data.draw(allowed_numbers(name), label=name)) for name in names}
    try:
        settings = load_settings(None, environ)
    except SettingsError:
        assume(False)
    for make in PARTS:
        make(settings)


def allowed_numbers(name):
    found = {type(bound).__name__: bound for bound in KNOBS[name].metadata}
    low = found["Ge"].ge if "Ge" in found else found["Gt"].gt
    high = found["Le"].le if "Le" in found else found["Lt"].lt
    ends = [low] * ("Ge" in found) + [high] * ("Le" in found)
    if KNOBS[name].annotation is int:
        return st.sampled_from(ends) | st.integers(low, high)
    return st.sampled_from(ends or [KNOBS[name].default]) | st.floats(
        low, high, exclude_min="Gt" in found, exclude_max="Lt" in found
    )


def test_a_part_that_refuses_its_figures_is_one_clear_sentence():
    settings = load_settings(None, {}).model_copy(update={"exit_stop_pct": 0.0})
    with pytest.raises(BadInput, match="the settings do not make a ExitRules"):
        face.exit_rules(settings)


def test_reading_the_settings_wakes_no_compiler():
    heavy = "{'numba', 'numpy', 'pandas'} & set(sys.modules)"
    code = f"import sys, settings; settings.load_settings(None, {{}}); print(sorted({heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
