"""When a gate may veto, and what is said where it may."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.gate_identity import gate_identity
from console.promotion import GateIdentity, promotion_warning
from db.evaluations import Evaluation, store_evaluation
from db.opening import open_journal
from domain.decisions import GateMode
from domain.errors import BadInput
from settings import load_settings
from tests.contract.journal_samples import header

GATE = GateIdentity(
    backend="ollama", model="qwen3:4b", prompt_version="veto-2", digest_start="ab" * 6, mode=GateMode.VETO
)
MEASURED = Evaluation(
    created_ms=0,
    backend="ollama",
    model="qwen3:4b",
    digest="sha256:" + "ab" * 32,
    prompt_version="veto-2",
    prompt_sha256="00",
    run_ids=("shadow",),
    n_triggers=2_100,
    n_resolved=2_000,
    finding="evidence_for",
    report_json="{}",
)


VOTING = {"GATE_BACKEND": "ensemble", "GATE_MEMBERS": "metalabel,ollama", "GATE_MODEL": "qwen3:4b"}


@pytest.fixture
def store(tmp_path: Path):
    with open_journal(f"sqlite:///{tmp_path / 'journal.db'}", writable=True) as opened:
        opened.begin(replace(header("shadow"), settings_json='{"GATE_MIN_P_WIN_PCT":50,"GATE_QUORUM":0}'), 0)
        yield opened


def test_a_gate_with_evidence_vetoes_and_nothing_is_said(store) -> None:
    number = store_evaluation(store, MEASURED)
    assert promotion_warning(store, "paper", GATE, str(number)) is None


@pytest.mark.parametrize("finding", ["no_evidence", "too_few", "evidence_against"])
def test_another_finding_does_not_forbid_and_is_said_loudly(store, finding: str) -> None:
    number = store_evaluation(store, replace(MEASURED, finding=finding))
    told = promotion_warning(store, "paper", GATE, str(number))
    assert told is not None
    assert told.startswith("WARNING: this gate vetoes trades")
    assert f"evaluation {number} found {finding.replace('_', ' ')} on 2,000 triggers" in told


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        (replace(GATE, model="other"), "is of ollama qwen3:4b (abababababab), prompt veto-2"),
        (replace(GATE, backend="openai"), "this desk would ask openai qwen3:4b"),
        (replace(GATE, prompt_version="veto-3"), "prompt veto-3"),
        (replace(GATE, digest_start="cd" * 6), "(cdcdcdcdcdcd)"),
    ],
)
def test_the_evaluation_of_another_gate_is_refused_with_both_names(store, gate: GateIdentity, told: str) -> None:
    number = store_evaluation(store, MEASURED)
    with pytest.raises(BadInput) as caught:
        promotion_warning(store, "paper", gate, str(number))
    assert told in str(caught.value)
    assert "GATE_MODE=shadow" in str(caught.value)
    assert "gate score RUN --store" in str(caught.value)


def test_what_makes_a_yes_of_an_answer_must_be_as_it_was_measured(store) -> None:
    number = str(store_evaluation(store, MEASURED))
    same = replace(GATE, terms=(("GATE_MIN_P_WIN_PCT", 50), ("GATE_QUORUM", 0), ("UNKNOWN_THEN", 1)))
    assert promotion_warning(store, "paper", same, number) is None
    with pytest.raises(BadInput, match="a run with GATE_MIN_P_WIN_PCT=50, and this desk has GATE_MIN_P_WIN_PCT=40"):
        promotion_warning(store, "paper", replace(GATE, terms=(("GATE_MIN_P_WIN_PCT", 40),)), number)


def test_weights_count_only_where_both_sides_tell_them(store) -> None:
    known, unknown = store_evaluation(store, MEASURED), store_evaluation(store, replace(MEASURED, digest=None))
    assert promotion_warning(store, "paper", replace(GATE, digest_start="ab" * 6), str(known)) is None
    assert promotion_warning(store, "paper", replace(GATE, digest_start="cd" * 6), str(unknown)) is None


def test_weights_that_were_measured_and_are_not_pinned_are_said_loudly(store) -> None:
    numbers = [store_evaluation(store, replace(MEASURED, finding=one)) for one in ("evidence_for", "too_few")]
    proven, unproven = (promotion_warning(store, "paper", replace(GATE, digest_start=""), str(one)) for one in numbers)
    assert proven is not None
    assert proven.startswith(f"WARNING: this gate vetoes trades, and evaluation {numbers[0]} is of the weights abab")
    assert proven.endswith("GATE_MODEL_DIGEST=abababababab holds it to them")
    assert unproven is not None
    assert "found too few on 2,000 triggers" in unproven
    assert unproven.endswith("GATE_MODEL_DIGEST=abababababab holds it to them")


@pytest.mark.parametrize(("number", "told"), [("", "needs GATE_EVALUATION"), ("7", "GATE_EVALUATION=7 is not in the")])
def test_without_a_measurement_the_two_commands_are_named(store, number: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        promotion_warning(store, "paper", GATE, number)
    assert told in str(caught.value)
    assert "`python main.py paper --set GATE_MODE=shadow ...`" in str(caught.value)
    assert "`python main.py gate score RUN --store`" in str(caught.value)


def test_a_backtest_a_shadow_and_no_gate_need_none(store) -> None:
    assert promotion_warning(store, "backtest", GATE, "") is None
    assert promotion_warning(store, "paper", replace(GATE, mode=GateMode.SHADOW), "") is None
    assert promotion_warning(store, "paper", None, "") is None


def test_the_settings_name_the_gate_as_its_answers_do() -> None:
    asked = {"GATE_MODE": "veto", "GATE_BACKEND": "ollama", "GATE_MODEL": "qwen3:4b", "GATE_MODEL_DIGEST": "ab" * 6}
    found = gate_identity(load_settings(None, asked))
    assert found is not None
    assert (found.backend, found.model, found.digest_start, found.mode) == (
        "ollama",
        "qwen3:4b",
        "ab" * 6,
        GateMode.VETO,
    )
    assert gate_identity(load_settings(None, {**asked, "GATE_MODE": "off"})) is None
    assert gate_identity(load_settings(None, {**asked, "GATE_BACKEND": "off"})) is None


def test_with_a_memory_the_gate_is_another_one_to_be_measured() -> None:
    remembering = {"GATE_MEMORY": "on", "GATE_MEMORY_NEIGHBOURS": "7"}
    asked = {"GATE_MODE": "veto", "GATE_BACKEND": "ollama", "GATE_MODEL": "qwen3:4b"}
    versions = [gate_identity(load_settings(None, {**asked, **more})).prompt_version for more in ({}, remembering)]
    assert versions == ["veto-2", "veto-2+memory-7"]


@pytest.mark.parametrize(
    ("backend", "model"),
    [({"GATE_BACKEND": "metalabel"}, "metalabel-1"), (VOTING, "ensemble(metalabel-1,ollama:qwen3:4b)")],
)
def test_what_learns_as_it_goes_is_known_by_name_alone(backend: dict[str, str], model: str) -> None:
    found = gate_identity(load_settings(None, {"GATE_MODE": "veto", **backend}))
    assert found is not None
    assert (found.backend, found.model, found.digest_start) == (backend["GATE_BACKEND"], model, "")
