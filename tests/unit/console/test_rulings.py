"""What the gate said is told with its meaning, and a model's bytes cannot speak to the terminal."""

import msgspec
from rich.console import Console

from console.rulings import print_gate
from domain.decisions import Denied
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
