"""What the gate said is told with its meaning, and a model's bytes cannot speak to the terminal."""

import msgspec
from rich.console import Console

from console.rulings import print_gate
from domain.decisions import Denied
from domain.tick import GateEvidence
from tests.contract.journal_samples import EVIDENCE
from tests.unit.console.conftest import entered


def told(**changes):
    record = entered()
    record = msgspec.structs.replace(record, gate=msgspec.structs.replace(record.gate, **changes))
    console = Console(width=300, record=True, quiet=False, force_terminal=False)
    with console.capture() as capture:
        print_gate(console, record)
    return capture.get()


def test_a_denial_is_told_by_who_how_long_and_why():
    denied = Denied(reason_code="deadline", backend="ollama")
    text = told(backend="ollama", verdict=denied, latency_ms=8001.0)
    assert "ollama was asked and took 8,001 ms: denied (deadline: no whole answer came in time)." in text


def test_a_reason_of_another_version_stands_alone():
    assert "denied (of_tomorrow)." in told(backend="ollama", verdict=Denied(reason_code="of_tomorrow", backend="x"))


def test_the_raw_reply_is_shown_as_it_was_and_what_does_not_print_as_its_escape():
    raw = b'{"a": "\x1b[31mred\x00\xff \\u0000 gr\xc3\xb6\xc3\x9fer"}\n'
    text = told(backend="ollama", prompt="may I?", raw_reply=raw)
    assert "may I?" in text
    assert '{"a": "\\x1b[31mred\\x00\\xff \\u0000 größer"}\\n' in text


def test_who_answered_is_told_with_model_prompt_tokens_and_timings():
    text = told(backend="ollama", evidence=EVIDENCE)
    assert f"answered by: tiny:latest (live, server 0.9.1, weights {'cd' * 32})" in text
    assert f"prompt: veto-2, sha256 {'ab' * 32}" in text
    assert "its chance of a profit: 62.00 %" in text
    assert "tokens: read 812, wrote 41" in text
    assert "by its own clock: loading 2 ms, reading 700 ms, writing 96 ms" in text


def test_what_a_backend_does_not_tell_is_left_out():
    known = GateEvidence(source="embedded", model="metalabel", prompt_version="1", prompt_sha256="ab", n_reply_tokens=0)
    text = told(backend="metalabel", evidence=known)
    assert "answered by: metalabel (embedded)\n" in text
    assert "tokens: wrote 0\n" in text
    assert not any(word in text for word in ("chance", "clock", "None", "read "))
