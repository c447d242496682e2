"""What the gate said is told with its meaning, and a model's bytes cannot speak to the terminal."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.gate_words import question_parts, votes_of, words_of
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


def test_in_shadow_a_denial_is_told_as_one_that_nothing_depended_on():
    denied = Denied(reason_code="llm_deny", backend="ollama")
    text = told(backend="ollama", mode="shadow", verdict=denied, latency_ms=7.0)
    assert "ollama was asked (in shadow, so nothing depended on it) and took 7 ms: denied (llm_deny" in text
    assert "nothing depended" not in told(backend="ollama", mode="veto", verdict=denied)


def test_what_a_model_said_comes_before_the_bytes_it_came_in():
    content = json.dumps({"analysis": "volume\n fades", "p_win_pct": 31, "verdict": "DENY"})
    for reply in ({"message": {"content": content}}, {"choices": [{"message": {"content": content}}]}):
        text = told(backend="ollama", raw_reply=json.dumps(reply).encode())
        assert "It said: DENY at 31 %: volume fades\n" in text
    prose = {"message": {"content": "I \x1b[31mthink\nso"}}
    assert "It said: I \\x1b[31mthink so\n" in told(backend="ollama", raw_reply=json.dumps(prose).encode())


@pytest.mark.parametrize(
    "raw", [b"", b"[", b"[1]", b"{}", b'{"message":7}', b'{"choices":[]}', b'{"message":{"content":""}}', b'[{"a":1}]']
)
def test_of_a_reply_that_is_none_no_words_are_told(raw):
    assert "It said" not in told(backend="ollama", raw_reply=raw)
    assert (words_of(raw), votes_of(raw)) == ("", [])


@given(
    st.binary()
    | st.recursive(st.none() | st.text() | st.floats(), lambda part: st.lists(part)).map(repr).map(str.encode)
)
def test_no_bytes_break_the_story_or_speak_to_the_terminal(raw):
    for line in (words_of(raw), *votes_of(raw), *(text for _, text in question_parts(raw.decode("latin-1")))):
        assert line.replace("\n", "").isprintable()


def test_a_call_is_told_message_by_message_and_nothing_of_it_is_left_out():
    call = {
        "model": "tiny",
        "messages": [{"role": "system", "content": "One.\nTwo."}, {"role": "user", "content": "{}"}],
    }
    text = told(backend="ollama", prompt=json.dumps(call))
    assert "asked, system:\nOne.\nTwo.\n" in text
    assert "asked, user:\n{}\n" in text
    assert 'asked, the rest of the call:\n{"model":"tiny"}\n' in text


def test_an_ensembles_votes_are_told_one_by_one():
    raw = b'{"message":{"content":"{\\"analysis\\":\\"holds\\",\\"p_win_pct\\":82,\\"verdict\\":\\"APPROVE\\"}"}}'
    votes = [
        {
            "member": "ollama:tiny",
            "reason": "ok",
            "p_win_frac": 0.82,
            "raw_reply_base64": base64.b64encode(raw).decode(),
        },
        {"member": "metalabel-1", "reason": "abstained", "p_win_frac": None, "raw_reply_base64": "?"},
    ]
    text = told(backend="ensemble", raw_reply=json.dumps(votes).encode())
    assert (
        "  ollama:tiny: ok: the model approved, with a chance of profit above what is asked, chance of a profit" in text
    )
    assert "82.00 %; it said: APPROVE at 82 %: holds\n" in text
    assert "  metalabel-1: abstained: the model has seen too few resolved triggers to say anything\n" in text
