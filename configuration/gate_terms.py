"""From the gate's knobs to the records its parts are built with, which are imported where they are needed."""

from pathlib import Path
from typing import TYPE_CHECKING

from configuration.choices import GateBackend, GateMemory
from configuration.knobs import Settings
from configuration.making import frac, made

if TYPE_CHECKING:
    from gate.cassette.identity import CassetteTerms
    from gate.ensemble import EnsembleTerms
    from gate.metalabel.reader import MetaLabelTerms
    from gate.prompt import Costs
    from gate.terms import ChatTerms


def chat_terms(settings: Settings, server: GateBackend = GateBackend.OLLAMA) -> "ChatTerms":
    """Return which model of a server is asked, how, and what counts as a yes. The digest is of GATE_MODEL alone."""
    from gate.terms import ChatTerms

    url_knob, model_knob = settings.gate_server_knobs(server)
    return made(
        ChatTerms,
        url=getattr(settings, url_knob.lower()),
        allows_remote=settings.gate_allow_remote,
        model=getattr(settings, model_knob.lower()),
        deadline_s=settings.gate_deadline_s,
        min_p_win_frac=frac(settings.gate_min_p_win_pct),
        context_tokens=settings.gate_context_tokens,
        reply_tokens=settings.gate_reply_tokens,
        seed=settings.gate_seed,
        breaker_bars=settings.gate_breaker_bars,
        digest=settings.gate_model_digest if model_knob == "GATE_MODEL" else "",
        warmup_s=settings.gate_warmup_s,
    )


def cassette_terms(settings: Settings) -> "CassetteTerms":
    """Return what is done with which cassette, and whose answers it must hold."""
    from gate.cassette.identity import CassetteTerms

    return made(
        CassetteTerms,
        mode=settings.gate_cassette,
        path=Path(settings.gate_cassette_file),
        backend=settings.gate_backend.value,
        model=settings.gate_model,
        digest=settings.gate_model_digest,
    )


def metalabel_terms(settings: Settings) -> "MetaLabelTerms":
    """Return when the meta-label model begins to answer, and what counts as a yes."""
    from gate.metalabel.reader import MetaLabelTerms

    return made(
        MetaLabelTerms,
        min_p_win_frac=frac(settings.gate_min_p_win_pct),
        min_triggers=settings.gate_metalabel_min_triggers,
    )


def ensemble_terms(settings: Settings) -> "EnsembleTerms":
    """Return who votes, and how many yeses are needed."""
    from gate.ensemble import EnsembleTerms
    from gate.metalabel.reader import MODEL

    names = {GateBackend.METALABEL.value: MODEL}
    for server in settings.gate_servers:
        names[server.value] = f"{server.value}:{chat_terms(settings, server).model}"
    return made(
        EnsembleTerms,
        names=tuple(names[member] for member in settings.gate_members),
        quorum=settings.gate_quorum or len(settings.gate_members),
        min_p_win_frac=frac(settings.gate_min_p_win_pct),
    )


def trade_costs(settings: Settings) -> "Costs":
    """Return what one side of a trade costs on the paper venue, as the gate's model is told."""
    from execution.fees import FEE_DENOMINATOR, TAKER_FEE_NUMERATORS
    from gate.figures import BPS
    from gate.prompt import Costs

    return made(
        Costs,
        fee_bps=TAKER_FEE_NUMERATORS[settings.paper_fee_tier] / FEE_DENOMINATOR * BPS,
        half_spread_bps=settings.paper_half_spread_bps,
        slippage_bps=settings.paper_slippage_bps,
    )


def n_similar(settings: Settings) -> int | None:
    """Return how many similar past triggers a question tells; None where it tells none."""
    return settings.gate_memory_neighbours if settings.gate_memory is GateMemory.ON else None


def yes_knobs(settings: Settings) -> tuple[tuple[str, int], ...]:
    """Return the knobs that make a yes of an answer, with their values: with others a gate is to be measured anew."""
    return (
        ("GATE_MIN_P_WIN_PCT", settings.gate_min_p_win_pct),
        ("GATE_QUORUM", settings.gate_quorum),
        ("GATE_METALABEL_MIN_TRIGGERS", settings.gate_metalabel_min_triggers),
    )
