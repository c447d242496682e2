"""The database itself refuses an approval without evidence, over SQLite and over PostgreSQL, whoever writes the row."""

from collections.abc import Iterator
from contextlib import suppress
from importlib import util
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError

import db
from db.approvals import WHOLE_SQLITE
from db.opening import open_journal
from db.pages import KEY_BITS
from db.store import Store
from db.tables import GATE_OUTCOMES, GATE_REQUESTS
from db.verify import verify
from domain.decisions import Approved, Denied
from domain.errors import JournalUnavailable
from domain.tick import GateAnswer
from tests.contract.journal_samples import header, play

ID = "SOL-PERP-1-gate"
WHOLE = {
    "ollama": b'{"model":"m","done":true,"done_reason":"stop","message":{"content":"\xc3\xa4 {}"}}',
    "openai": b'{"choices":[{"finish_reason":"stop","message":{"content":"{}"}}]}',
    "metalabel": b"p=0.61",
}
NOT_WHOLE = {
    "nothing at all": ("ollama", None),
    "cut off at its length": ("ollama", b'{"done":true,"done_reason":"length"}'),
    "not done": ("ollama", b'{"done":false,"done_reason":"stop"}'),
    "done as a number": ("ollama", b'{"done":1,"done_reason":"stop"}'),
    "no word of its end": ("ollama", b'{"done":true}'),
    "a list": ("ollama", b'[{"done":true,"done_reason":"stop"}]'),
    "half of it": ("ollama", b'{"done":true,"done_reason":"stop"'),
    "two of them": ("ollama", WHOLE["ollama"] * 2),
    "bytes that are no text": ("ollama", b'{"done":true,"done_reason":"stop","x":"\xff'),
    "more behind a NUL": ("ollama", WHOLE["ollama"] + b'\0{"done":false}'),
    "a NUL behind the other's": ("openai", WHOLE["openai"] + b"\0"),
    "empty": ("ollama", b""),
    "the words of another backend": ("ollama", WHOLE["openai"]),
    "cut off by the other's word": ("openai", b'{"choices":[{"finish_reason":"length"}]}'),
    "no choice": ("openai", b'{"choices":[]}'),
    "the other's words": ("openai", WHOLE["ollama"]),
    "an embedded model without a word": ("metalabel", None),
}


@pytest.fixture
def store(journal_url: str) -> Iterator[Store]:
    with open_journal(journal_url, writable=True) as opened:
        yield opened


class Clerk:
    """Writes rows by direct SQL into a run with one tick, each time from the same state."""

    def __init__(self, store: Store) -> None:
        journal = store.begin(header(), 1)
        play(journal, 1, 1)
        journal.commit()
        assert store._pen is not None
        self.connection: Connection = store._pen.connection

    def takes(self, asked: str | None = "ollama", run_no: int = 1, before: int = 0, **changes: object) -> bool:
        """Say whether an approval is taken. asked: whom the question in run `run_no` went to; None = no question."""
        raw = WHOLE.get(str(changes.get("answered_by", asked)))
        row = {
            "id": (1 << KEY_BITS) + 60, "tick_id": (1 << KEY_BITS) + 1, "request_id": ID, "verdict": "approved",
            "reason_code": "ok", "keep_frac": 1.0, "answered_by": asked or "ollama", "answers_request_id": ID,
            "raw_reply": raw, "hash": b"h", "latency_ms": None, "latency_hash": b"l", **changes,
        }  # fmt: skip
        question = {
            "id": (run_no << KEY_BITS) + 50 + before, "tick_no": 1, "request_id": ID, "backend": asked, "mode": "veto",
            "prompt": "may I?", "hash": b"h",
        }  # fmt: skip
        self._begin()
        if asked is not None:
            self.connection.execute(insert(GATE_REQUESTS).values(question))
        refusal = None
        try:
            self.connection.execute(insert(GATE_OUTCOMES).values(row))
        except DBAPIError as error:
            refusal = str(error)
        self.connection.rollback()
        assert refusal is None or "an approval needs its evidence" in refusal
        return refusal is None

    def _begin(self) -> None:
        if self.connection.dialect.name == "sqlite":
            self.connection.exec_driver_sql("BEGIN IMMEDIATE")


@pytest.fixture
def clerk(store: Store) -> Clerk:
    return Clerk(store)


def test_an_approval_with_its_evidence_is_taken(clerk: Clerk) -> None:
    assert all(clerk.takes(backend) for backend in WHOLE)
    assert clerk.takes("off", answers_request_id=None, raw_reply=None, reason_code="gate_off")


def test_an_approval_that_is_not_whole_is_refused(clerk: Clerk) -> None:
    taken = [name for name, (backend, raw) in NOT_WHOLE.items() if clerk.takes(backend, raw_reply=raw)]
    assert taken == []


@pytest.mark.parametrize(
    "changes",
    [
        {"reason_code": "deadline"},
        {"reason_code": "gate_off"},
        {"keep_frac": 1.0000001},
        {"keep_frac": 0.0},
        {"keep_frac": -0.5},
        {"keep_frac": None},
        {"answers_request_id": None},
        {"answers_request_id": "SOL-PERP-2-gate"},
        {"answered_by": "openai"},
        {"answered_by": "off", "reason_code": "gate_off", "raw_reply": None},
        {"verdict": "Approved"},
        {"verdict": "denied"},
    ],
    ids=str,
)
def test_an_approval_that_is_wrong_in_one_place_is_refused(clerk: Clerk, changes: dict[str, object]) -> None:
    assert not clerk.takes(**changes)


def test_an_approval_of_what_was_never_asked_is_refused(clerk: Clerk) -> None:
    assert not clerk.takes(None)
    assert not clerk.takes("ollama", run_no=2)
    assert not clerk.takes("ollama", before=20)
    assert not clerk.takes("ollama", request_id="another", answers_request_id="another")
    assert not clerk.takes("off")


def test_a_denial_is_always_taken(clerk: Clerk) -> None:
    no = {"verdict": "denied", "keep_frac": None}
    assert clerk.takes(**no, reason_code="deadline", raw_reply=None, answers_request_id=None)
    assert clerk.takes(None, **no, reason_code="ok", raw_reply=b"\xff\x00")
    assert clerk.takes("off", **no, reason_code="no_backend")


def test_the_desk_asks_what_the_guard_asks() -> None:
    """On a server both call one function; in a file the expression stands twice, and must be the same."""
    path = Path(str(db.__file__)).parent / "migrations" / "versions" / "r0002_gate.py"
    spec = util.spec_from_file_location("r0002_gate", path)
    assert spec is not None
    assert spec.loader is not None
    migration = util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    assert migration.WHOLE_SQLITE == WHOLE_SQLITE


@pytest.mark.parametrize("name", NOT_WHOLE)
def test_an_approval_the_database_would_refuse_is_refused_before_anything_rests_on_it(store: Store, name: str) -> None:
    backend, raw = NOT_WHOLE[name]
    journal = store.begin(header(), 1)
    journal.record_request(1, ID, backend, "veto", "may I?")
    yes = Approved(keep_frac=1.0, reason_code="ok", backend=backend, request_id=ID)
    with pytest.raises(JournalUnavailable, match="does not take the approval"):
        journal.record_answer(ID, GateAnswer(verdict=yes, raw_reply=raw), 2)
    journal.record_answer(ID, GateAnswer(verdict=Denied(reason_code="audit_failed", backend=backend)), 3)
    journal.record_answer(ID, GateAnswer(verdict=yes, raw_reply=WHOLE[backend]), 3)
    journal.commit()
    assert verify(store, "first").is_sound


def test_what_no_database_reads_alike_is_never_an_error(store: Store) -> None:
    """A NUL or half a surrogate, as an escape somewhere in the reply, is JSON to one and not to the other."""
    journal = store.begin(header(), 1)
    journal.record_request(1, ID, "ollama", "veto", "may I?")
    yes = Approved(keep_frac=1.0, reason_code="ok", backend="ollama", request_id=ID)
    for odd in (b'"\\u0000"', b'"\\ud800"', b"1e-99999", b"[" * 5000 + b"]" * 5000):
        raw = b'{"done":true,"done_reason":"stop","thinking":' + odd + b"}"
        with suppress(JournalUnavailable):
            journal.record_answer(ID, GateAnswer(verdict=yes, raw_reply=raw), 2)
    play(journal, 1, 6)
    journal.commit()
    assert verify(store, "first").is_sound
