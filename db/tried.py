"""Who was ever asked for a gate: what a score must count before it calls anything evidence."""

from sqlalchemy import select

from db.gate_tables import GATE_REPLIES
from db.pages import KEY_BITS
from db.readable import Readable
from db.tables import GATE_OUTCOMES, RUNS
from domain.record import Record


class Tried(Record, frozen=True, kw_only=True):
    """One that answered in one run, with the settings of the run. digest: None where nobody told."""

    settings_json: str
    backend: str
    source: str
    model: str
    digest: str | None
    prompt_version: str
    prompt_sha256: str


def tried(store: Readable) -> tuple[Tried, ...]:
    """Return everyone who answered in any run of the journal, once a run and set of weights."""
    reply, outcome = GATE_REPLIES.c, GATE_OUTCOMES.c
    who = (outcome.answered_by, reply.source, reply.model, reply.digest, reply.prompt_version, reply.prompt_sha256)
    asked = select((reply.id // (1 << KEY_BITS)).label("run_no"), *who).join(
        GATE_OUTCOMES, outcome.tick_id == reply.tick_id
    )
    with store.read() as connection:
        settings = dict(connection.execute(select(RUNS.c.run_no, RUNS.c.settings_json)).all())
        rows = connection.execute(asked.distinct().order_by("run_no", *who)).all()
    names = Tried.__struct_fields__[1:]
    return tuple(Tried(settings_json=settings[run_no], **dict(zip(names, told, strict=True))) for run_no, *told in rows)
