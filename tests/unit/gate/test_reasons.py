"""Every reason of the gate has words for people and something that produces it.

Whoever adds a reason adds its case here: a module that keeps a table of cases to PRODUCERS, a single test to ELSEWHERE.
"""

import ast
from pathlib import Path

import pytest

from domain.gate_reason import GateReason
from tests.unit.gate import test_ollama, test_ollama_routes, test_openai

ROOT = Path(__file__).parents[3]

# Modules whose CASES are run through a reader, each case with the reason it must end in.
PRODUCERS = (test_ollama, test_ollama_routes, test_openai)

OFF = ("tests/unit/gate/test_off.py", "test_the_answer_is_marked_as_a_stub_and_counts_as_the_mode_says")

# Reasons of the desk's own: the file, and the test in it that ends in the reason and names it.
ELSEWHERE = {
    GateReason.GATE_OFF: OFF,
    GateReason.NO_BACKEND: OFF,
    GateReason.UNREACHABLE: ("tests/unit/gate/test_ollama.py", "test_nobody_at_the_address_is_a_no"),
    GateReason.BUSY_LOCAL: (
        "tests/unit/gate/test_ollama.py",
        "test_a_second_question_about_a_market_is_refused_while_the_first_is_open_and_another_market_is_not",
    ),
    GateReason.CIRCUIT_OPEN: (
        "tests/unit/gate/test_ollama.py",
        "test_a_server_that_fails_three_times_in_a_row_is_left_alone_for_the_bars_and_one_failure_reopens",
    ),
    GateReason.AUDIT_FAILED: (
        "tests/unit/agents/test_audited_gate.py",
        "test_a_question_that_cannot_be_put_on_record_is_not_asked_and_is_a_no",
    ),
    GateReason.INTERRUPTED: (
        "tests/flow/test_gate.py",
        "test_a_desk_killed_while_it_waited_denies_that_trade_and_asks_on",
    ),
    GateReason.CASSETTE_MISS: (
        "tests/unit/gate/cassette/test_replaying.py",
        "test_a_question_that_is_not_on_it_is_a_miss_that_took_no_time",
    ),
    GateReason.CASSETTE_UNWRITTEN: (
        "tests/unit/gate/cassette/test_recording.py",
        "test_an_answer_that_cannot_be_written_is_a_no_and_its_bytes_are_kept_for_the_record",
    ),
    GateReason.STALE: (
        "tests/unit/agents/test_audited_gate.py",
        "test_an_approval_of_a_bar_too_old_is_a_no_with_its_bytes",
    ),
    GateReason.CALLED_OFF: (
        "tests/unit/agents/test_audited_gate.py",
        "test_an_approval_that_finds_the_desk_called_off_is_a_no_with_its_bytes",
    ),
    GateReason.ABSTAINED: (
        "tests/unit/gate/metalabel/test_reader.py",
        "test_it_abstains_until_it_has_seen_enough_and_says_so",
    ),
    GateReason.NO_QUORUM: (
        "tests/unit/gate/test_ensemble.py",
        "test_it_approves_exactly_where_a_quorum_does_and_never_keeps_more_than_any_of_them",
    ),
}


def produced_by_cases():
    return {GateReason(case[-1]) for module in PRODUCERS for case in module.CASES.values()}


def test_every_reason_has_a_label_of_its_own():
    labels = [reason.label for reason in GateReason]
    assert all(labels)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("reason", GateReason)
def test_every_reason_has_a_case_that_ends_in_it(reason):
    assert reason in produced_by_cases() | ELSEWHERE.keys()


@pytest.mark.parametrize("reason", ELSEWHERE)
def test_the_test_that_is_said_to_produce_a_reason_is_there_and_names_it(reason):
    path, name = ELSEWHERE[reason]
    source = (ROOT / path).read_text(encoding="utf-8")
    found = [one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef) and one.name == name]
    assert len(found) == 1
    first = min([found[0].lineno, *(one.lineno for one in found[0].decorator_list)])
    body = "\n".join(source.splitlines()[first - 1 : found[0].end_lineno])
    assert f'"{reason.value}"' in body or f"GateReason.{reason.name}" in body
