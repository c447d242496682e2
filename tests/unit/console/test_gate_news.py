"""A person hears at once whether the gate can be asked, and when its answers stop or come back."""

from collections.abc import Mapping

import msgspec
import pytest
from rich.console import Console

from console.gate_news import GateSetting, is_answer, opened_text
from console.live import LiveView
from console.plain import PlainView
from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.instrument import Instrument
from domain.tick import GateExchange, Readiness, TickRecord
from tests.unit.console.conftest import entered

UNREACHABLE = Readiness(reason=GateReason.UNREACHABLE, told="tiny at http://h:1 cannot be asked: nobody answers")


def asked(minute: int, reason: GateReason) -> TickRecord:
    """Return an entry in shadow mode about which the gate said this."""
    record = entered(minute)
    assert record.gate is not None
    yes = Approved(keep_frac=1.0, reason_code="ok", backend="ollama")
    verdict = yes if reason is GateReason.OK else Denied(reason_code=reason.value, backend="ollama")
    gate = msgspec.structs.replace(record.gate, backend="ollama", mode="shadow", verdict=verdict)
    assert isinstance(gate, GateExchange)
    return msgspec.structs.replace(record, gate=gate)


HEARD = [
    asked(minute, reason)
    for minute, reason in enumerate(
        (GateReason.OK, GateReason.UNREACHABLE, GateReason.CIRCUIT_OPEN, GateReason.LLM_DENY, GateReason.OK), start=1
    )
]


@pytest.mark.parametrize(
    ("mode", "backend", "url", "said"),
    [
        (GateMode.OFF, "off", "", ""),
        (GateMode.OFF, "ollama", "http://h:1", "GATE_MODE is off, though GATE_BACKEND is ollama"),
        (GateMode.SHADOW, "off", "", "WARNING: GATE_MODE is shadow and GATE_BACKEND off: nobody is asked, and nothing"),
        (GateMode.VETO, "off", "", "no entry can be made"),
        (GateMode.SHADOW, "metalabel", "", ""),
        (GateMode.SHADOW, "ollama", "http://h:1", "the gate's server at http://h:1; loading its model may take 120 s"),
    ],
)
def test_what_must_be_known_of_the_settings_is_said_before_the_first_minute(mode, backend, url, said):
    news = GateSetting(mode=mode, backend=backend, url=url, warmup_s=120.0).news
    assert said in news
    assert bool(said) is bool(news)


def test_a_gate_that_cannot_be_asked_is_a_warning_with_what_follows():
    assert opened_text(GateMode.VETO, UNREACHABLE).startswith("WARNING: tiny at http://h:1 cannot be asked")
    assert "no entry is made" in opened_text(GateMode.VETO, UNREACHABLE)
    assert "nothing is measured" in opened_text(GateMode.SHADOW, UNREACHABLE)
    ready = Readiness(reason=GateReason.OK, told="tiny keeps to the schema")
    assert opened_text(GateMode.SHADOW, ready) == (
        "the gate is ready, in shadow: its answers are recorded and decide nothing: tiny keeps to the schema"
    )


def test_a_gate_that_stops_answering_is_told_once_and_so_is_its_return(page, instruments: Mapping[str, Instrument]):
    with PlainView(page, "paper", 100, instruments, is_simulated=False) as view:
        for record in HEARD:
            view.on_tick(record)
    told = [line for line in page.export_text().splitlines() if "the gate" in line]
    assert len(told) == 2
    assert "WARNING: the gate gives no answer (unreachable: nobody answers at the server's address)" in told[0]
    assert told[1].endswith("the gate answers again, after 2 failures")


def test_the_picture_shows_mode_count_and_a_failing_gate(page: Console, instruments: Mapping[str, Instrument]):
    view = LiveView(page, "paper", 100, instruments, is_simulated=False)
    for record in HEARD[:3]:
        view.on_tick(record)
    page.print(view.picture())
    text = page.export_text()
    assert "shadow, 1 of 3 approved" in text
    assert "circuit_open, 2 in a row" in text


def test_a_no_that_was_meant_is_an_answer_and_a_failure_is_none():
    meant = {"ok", "llm_deny", "below_threshold", "inconsistent", "abstained", "no_quorum", "gate_off", "no_backend"}
    assert {reason.value for reason in GateReason if is_answer(reason)} == meant
