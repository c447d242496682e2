"""Will the database take this approval? Asked before anything rests on it.

The guard of `gate_outcomes` (migration 0002) refuses an approval without evidence. The row comes with its tick, after
the order was sent: too late for a refusal, so the same question is put as soon as the answer is there.
"""

from typing import Final

from sqlalchemy import Connection, LargeBinary, Text, bindparam, func, text

from db.writing import Pen
from domain.decisions import Approved
from domain.gate_reason import GateReason
from domain.tick import GateAnswer

WHOLE_SQLITE: Final = (
    "CASE WHEN {backend} NOT IN ('ollama', 'openai') THEN 1 "
    # What follows a NUL the reader of JSON does not see.
    "WHEN instr(CAST({raw} AS BLOB), x'00') OR NOT json_valid(CAST({raw} AS TEXT)) THEN 0 "
    "WHEN {backend} = 'ollama' THEN json_type(CAST({raw} AS TEXT), '$.done') = 'true' "
    "AND json_extract(CAST({raw} AS TEXT), '$.done_reason') = 'stop' "
    "ELSE json_extract(CAST({raw} AS TEXT), '$.choices[0].finish_reason') = 'stop' END"
)
"""Says of the bytes themselves that they hold a whole answer; NULL counts as no."""


def is_kept(pen: Pen, asked_backend: str | None, request_id: str, answer: GateAnswer) -> bool:
    """Say whether the outcome of this answer will be taken; a denial always is.

    asked_backend: whom the recorded question went to; None when there is none. Raises JournalUnavailable.
    """
    verdict, raw = answer.verdict, answer.raw_reply
    if not isinstance(verdict, Approved):
        return True
    if raw is None or verdict.request_id != request_id or verdict.reason_code != GateReason.OK.value:
        return False
    return verdict.backend == asked_backend and pen.ask(lambda connection: _is_whole(connection, verdict.backend, raw))


def _is_whole(connection: Connection, backend: str, raw: bytes) -> bool:
    if connection.dialect.name == "sqlite":
        query = text(f"SELECT {WHOLE_SQLITE.format(backend=':backend', raw=':raw')}")
        return bool(connection.scalar(query, {"backend": backend, "raw": raw}))
    return bool(
        connection.scalar(func.tidegate_is_whole(bindparam("b", backend, Text), bindparam("r", raw, LargeBinary)))
    )
