"""Who is asked before an entry, wired together."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from configuration.choices import GateBackend
    from domain.ports import Gate, Journal, Reader
    from gate.chat_reader import ChatReader
    from gate.line import Line, Wire
    from gate.prompt import PromptBuilder
    from gate.terms import ChatTerms
    from settings import Settings


def build_gate(settings: "Settings", journal: "Journal") -> "Gate":
    """Build who is asked before an entry: nobody, unless the settings name a mode and a backend."""
    from configuration.choices import GateBackend
    from domain.decisions import GateMode
    from gate.off import OffGate

    if settings.gate_mode is GateMode.OFF or settings.gate_backend is GateBackend.OFF:
        return OffGate(mode=settings.gate_mode)
    from agents.audited_gate import AuditedGate
    from desk.clock import SystemClock
    from desk.switch import HaltSwitch

    clock = SystemClock()
    return AuditedGate(
        reader=_reader(settings, settings.gate_backend, clock.elapsed_s),
        journal=journal,
        clock=clock,
        max_age_s=settings.gate_max_age_s,
        cassette=settings.gate_cassette,
        asked_state=HaltSwitch(settings.state_dir / "switch").asked,
    )


def _reader(settings: "Settings", backend: "GateBackend", elapsed_s: "Callable[[], float]") -> "Reader":
    """Build one backend's reader; an ensemble's members are built as they would be alone."""
    import settings as part
    from configuration.choices import GateBackend

    mode = settings.gate_mode
    if backend is GateBackend.ENSEMBLE:
        from gate.ensemble import EnsembleReader

        members = [_reader(settings, GateBackend(member), elapsed_s) for member in settings.gate_members]
        return EnsembleReader(part.ensemble_terms(settings), mode, members, elapsed_s)
    if backend is GateBackend.METALABEL:
        from gate.metalabel.reader import MetaLabelReader
        from gate.metalabel.vector import Design

        design = Design(strategies=settings.strategies, costs=part.trade_costs(settings))
        return MetaLabelReader(part.metalabel_terms(settings), mode, design, elapsed_s)
    return build_chat_reader(settings, backend, elapsed_s)


def build_chat_reader(settings: "Settings", server: "GateBackend", elapsed_s: "Callable[[], float]") -> "ChatReader":
    """Build the reader that asks a model on a server, or the cassette that answers for it."""
    import settings as part
    from gate.cassette.choosing import cassette_line
    from gate.chat_reader import ChatReader

    terms = part.chat_terms(settings, server)
    wire, line = _line_to(server, terms)
    return ChatReader(
        terms=terms,
        mode=settings.gate_mode,
        prompt=build_prompt(settings),
        wire=wire,
        line=cassette_line(part.cassette_terms(settings), line, elapsed_s),
        elapsed_s=elapsed_s,
    )


def build_prompt(settings: "Settings") -> "PromptBuilder":
    """Build what words every question to a chat model, whoever answers it."""
    import settings as part
    from gate.prompt import PromptBuilder, load_prompt

    e3, fade = part.e3_thresholds(settings), part.funding_fade_thresholds(settings)
    return PromptBuilder(
        prompt=load_prompt(),
        costs=part.trade_costs(settings),
        tests={"e3": e3.tests(), "funding_fade": fade.tests()},
        n_similar=part.n_similar(settings),
    )


def _line_to(backend: "GateBackend", terms: "ChatTerms") -> "tuple[Wire, Line]":
    """Return how a backend's calls are worded, and the line they go out on."""
    from configuration.choices import GateBackend

    if backend is GateBackend.OPENAI:
        from gate.openai import OpenAiLine, OpenAiWire

        compatible = OpenAiWire(terms=terms)
        return compatible, OpenAiLine(compatible)
    from gate.ollama import OllamaLine, OllamaWire

    wire = OllamaWire(terms=terms)
    return wire, OllamaLine(wire)


def check(settings: "Settings") -> None:
    """Raise BadInput where the settings name a cassette that the gate could not use."""
    import settings as part
    from domain.decisions import GateMode
    from gate.cassette.choosing import check_cassette

    if settings.gate_mode is not GateMode.OFF:
        check_cassette(part.cassette_terms(settings))
