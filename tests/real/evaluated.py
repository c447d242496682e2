"""A gate that was measured, as `gate score --store` leaves it: what lets a paper desk veto."""

from db.evaluations import Evaluation, store_evaluation
from db.opening import open_journal
from gate.prompt import VERSION
from tests.real.program import Program
from tests.unit.gate.ollama_double import DIGEST, MODEL


def evaluated(program: Program, **changed: object) -> str:
    """Store an evaluation of the double's model in the program's journal; return its number."""
    given = {
        "created_ms": 0,
        "backend": "ollama",
        "model": MODEL,
        "digest": DIGEST,
        "prompt_version": VERSION,
        "prompt_sha256": "00",
        "run_ids": ("shadow",),
        "n_triggers": 2_000,
        "n_resolved": 2_000,
        "finding": "evidence_for",
        "report_json": "{}",
        **changed,
    }
    with open_journal(f"sqlite:///{program.journal}", writable=True) as store:
        return str(store_evaluation(store, Evaluation(**given)))  # type: ignore[arg-type]  # a test names the fields
