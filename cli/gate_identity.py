"""Whom a desk would ask before an entry, by the names under which an evaluation keeps it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.promotion import GateIdentity
    from settings import Settings


def gate_identity(settings: "Settings") -> "GateIdentity | None":
    """Return who is asked before an entry, as an evaluation names them; None where nobody is."""
    from configuration.choices import GateBackend
    from console.promotion import GateIdentity
    from domain.decisions import GateMode
    from settings import yes_knobs

    backend = settings.gate_backend
    if settings.gate_mode is GateMode.OFF or backend is GateBackend.OFF:
        return None
    if backend is GateBackend.METALABEL:
        from gate.metalabel.reader import MODEL

        model, version, digest = MODEL, MODEL, ""
    elif backend is GateBackend.ENSEMBLE:
        from gate import ensemble
        from settings import ensemble_terms

        model, version, digest = ensemble.model_name(ensemble_terms(settings).names), ensemble.VERSION, ""
    else:
        from gate.prompt import version_of
        from settings import n_similar

        model, version, digest = settings.gate_model, version_of(n_similar(settings)), settings.gate_model_digest
    return GateIdentity(
        backend=backend.value,
        model=model,
        prompt_version=version,
        digest_start=digest,
        mode=settings.gate_mode,
        terms=yes_knobs(settings),
    )
