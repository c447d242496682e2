"""How gates were measured: what `gate score` found, kept so that a promotion can rest on it.

An evaluation belongs to no run. The rows are numbered from 1 without a gap and chained among themselves: each hash is
sha256(hash of the row before ‖ msgpack of ["evaluations", id, values…]), the values in column order.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from db.chain import Value, encode, link
from db.clean import clean
from db.gate_tables import EVALUATIONS
from db.readable import Readable
from db.store import Store
from domain.errors import BadInput, JournalCorrupt
from domain.record import Record

FINDINGS: Final = ("evidence_for", "evidence_against", "no_evidence", "too_few")
_NAME: Final = "evaluations"
FIRST_LINK: Final = sha256(encode([_NAME])).digest()
_COLUMNS: Final = tuple(column.name for column in EVALUATIONS.columns if column.name not in ("id", "hash"))


class Evaluation(Record, frozen=True, kw_only=True):
    """What one model with one prompt was found to be worth, and on how much.

    created_ms: wall clock. digest: the fingerprint of the model's weights; None where the backend tells none.
    run_ids: the runs it was measured on. n_resolved: how many of its triggers have a known end. finding: one of
    FINDINGS. report_json: everything that was computed.
    """

    created_ms: int
    backend: str
    model: str
    digest: str | None
    prompt_version: str
    prompt_sha256: str
    run_ids: tuple[str, ...]
    n_triggers: int
    n_resolved: int
    finding: str
    report_json: str

    def __post_init__(self) -> None:
        """Refuse a finding that is none, and more ends than beginnings."""
        if self.finding not in FINDINGS:
            raise ValueError(f"{self.finding} is no finding; allowed are {', '.join(FINDINGS)}")
        if not 0 <= self.n_resolved <= self.n_triggers:
            raise ValueError(f"{self.n_resolved} of {self.n_triggers} triggers cannot be resolved")

    @property
    def report_sha256(self) -> str:
        """The fingerprint of the report's bytes, in hex."""
        return sha256(clean(self.report_json).encode()).hexdigest()


def store_evaluation(store: Store, evaluation: Evaluation) -> int:
    """Keep an evaluation, durably; return its number.

    Raises BadInput when the journal was opened for reading only, JournalUnavailable when it cannot be written.
    """
    numbers: list[int] = []

    def keep(connection: Connection) -> None:
        number = int(connection.scalar(select(func.coalesce(func.max(EVALUATIONS.c.id), 0))) or 0) + 1
        before = connection.scalar(select(EVALUATIONS.c.hash).where(EVALUATIONS.c.id == number - 1))
        values = _values(evaluation)
        digest = link(FIRST_LINK if before is None else bytes(before), _NAME, number, values)
        row = dict(zip(_COLUMNS, values, strict=True)) | {"id": number, "hash": digest}
        connection.execute(insert(EVALUATIONS).values(row))
        numbers.append(number)

    store.write(keep)
    return numbers[-1]


def find_evaluation(store: Readable, number: int) -> Evaluation:
    """Return one evaluation. Raises BadInput when there is none, JournalCorrupt when it is not as it was stored."""
    for row in _sound_rows(store):
        if row.id == number:
            return _evaluation_of(row)
    raise BadInput(f"there is no evaluation {number} in the journal {store.name}; run `gate score` first")


def unsound(rows: Iterator[Row[Any]]) -> Iterator[tuple[Row[Any], str]]:
    """Yield every row that is not as it was stored, with what is wrong. rows: all there are, by number, as they lie."""
    previous: Value = FIRST_LINK
    due = 1
    for row in rows:
        if row.id != due:
            yield row, f"number {due} is missing before it"
        elif not _fits(row, previous):
            yield row, "its columns, its hash or the hash before it are not as written"
        previous, due = row.hash, row.id + 1


def _fits(row: Row[Any], previous: Value) -> bool:
    values = tuple(row._mapping[name] for name in _COLUMNS)
    try:
        is_linked = isinstance(previous, bytes) and row.hash == link(previous, _NAME, row.id, values)
        return bool(is_linked) and row.report_sha256 == sha256(row.report_json.encode()).hexdigest()
    except (UnicodeEncodeError, AttributeError):
        return False


def _sound_rows(store: Readable) -> list[Row[Any]]:
    with store.read() as connection:
        rows = list(connection.execute(select(EVALUATIONS).order_by(EVALUATIONS.c.id)))
    for row, what in unsound(iter(rows)):
        raise JournalCorrupt(f"evaluation {row.id} in the journal {store.name} was altered: {what}")
    return rows


def _values(evaluation: Evaluation) -> tuple[Value, ...]:
    told = msgspec.structs.asdict(evaluation)
    told["run_ids"] = msgspec.json.encode(evaluation.run_ids).decode()
    told["report_sha256"] = evaluation.report_sha256
    return tuple(clean(told[name]) if isinstance(told[name], str) else told[name] for name in _COLUMNS)


def _evaluation_of(row: Row[Any]) -> Evaluation:
    fields = {name: row._mapping[name] for name in Evaluation.__struct_fields__}
    return Evaluation(**fields | {"run_ids": msgspec.json.decode(row.run_ids, type=tuple[str, ...])})
