"""An open journal database: where runs begin, go on, and are read from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from db.chain import RunHeader, header_seal
from db.journal import SqlJournal
from db.reading import RecordedRun, find_run, last_event, run_ids
from db.recorded import RecordedLedger
from db.tables import RUNS
from db.trouble import in_words, is_damage
from db.writing import Pen
from domain.errors import BadInput, JournalCorrupt, JournalUnavailable


class Store:
    """Made by `db.opening.open_journal`. Writing goes through one journal at a time; readers come and go."""

    __slots__ = ("_pen", "_readers", "_release", "file", "name")

    def __init__(
        self, *, name: str, file: Path | None, readers: Engine, pen: Pen | None, release: Callable[[], None]
    ) -> None:
        """Take the parts. name: printable, without password. release: gives the writer's lock back."""
        self.name: Final = name
        self.file: Final = file
        self._readers: Final = readers
        self._pen: Final = pen
        self._release: Final = release

    @property
    def is_writable(self) -> bool:
        """Say whether runs can be begun or resumed here."""
        return self._pen is not None

    def close(self) -> None:
        """Let go of connections and lock."""
        if self._pen is not None:
            self._pen.close()
        self._readers.dispose()
        self._release()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection that can only read. Raises JournalUnavailable, or JournalCorrupt for a damaged file."""
        try:
            with self._readers.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            if is_damage(error):
                raise JournalCorrupt(f"the journal {self.name} is damaged: {in_words(error)}") from error
            raise JournalUnavailable(f"the journal {self.name} cannot be read: {in_words(error)}") from error

    def begin(self, run: RunHeader, started_wall_ms: int) -> SqlJournal:
        """Open a new run. Raises BadInput when its name is taken, JournalUnavailable when it cannot be written."""
        pen = self._writer()
        if run.run_id in run_ids(self):
            raise BadInput(f"run {run.run_id} is already in the journal {self.name}; choose another --run-id")
        with self.read() as connection:
            run_no = int(connection.scalar(select(func.coalesce(func.max(RUNS.c.run_no), 0))) or 0) + 1
        own = (run_no, run.run_id, run.command, ",".join(run.symbols), int(run.is_simulated), started_wall_ms)
        seal = header_seal(run.genesis, own)
        opening = {
            **dict(zip(("run_no", "run_id", "command", "symbols", "is_simulated", "started_ms"), own, strict=True)),
            "settings_json": run.settings_json,
            "code_version": run.code_version,
            "data_identity": run.data_identity,
            "instruments_json": run.instruments_json,
            "genesis_hash": run.genesis,
            "header_hash": seal,
        }
        journal = SqlJournal(run_no=run_no, run_id=run.run_id, first_link=run.genesis, pen=pen, last_event=(0, seal))
        journal.event("started", run.command, started_wall_ms)
        pen.flush(lambda connection: _insert_run(connection, opening))
        return journal

    def resume(self, run_id: str, run: RunHeader) -> SqlJournal:
        """Go on with an unfinished run: first catch up with its record, then write.

        Raises BadInput when the run is finished, or when settings, code or data are not those it was begun with.
        """
        pen = self._writer()
        found = find_run(self, run_id)
        if found.finished_ms is not None:
            raise BadInput(f"run {found.run_id} is finished: nothing can be added to it; begin a new one")
        _refuse_other_inputs(found, run)
        return SqlJournal(
            run_no=found.run_no,
            run_id=found.run_id,
            first_link=run.genesis,
            pen=pen,
            recorded=RecordedLedger(self, found.run_no),
            last_event=last_event(self, found),
        )

    def write(self, deed: Callable[[Connection], None]) -> None:
        """Do something that belongs to no run, in one durable transaction. Raises BadInput, JournalUnavailable."""
        self._writer().flush(deed)

    def compare(self, run_id: str) -> SqlJournal:
        """Return a journal that compares a second computation with the record and writes nothing."""
        found = find_run(self, run_id)
        return SqlJournal(
            run_no=found.run_no,
            run_id=found.run_id,
            first_link=found.header.genesis,
            pen=None,
            recorded=RecordedLedger(self, found.run_no),
        )

    def _writer(self) -> Pen:
        if self._pen is None:
            raise BadInput(f"the journal {self.name} was opened for reading only")
        return self._pen


def _insert_run(connection: Connection, opening: dict[str, object]) -> None:
    connection.execute(insert(RUNS).values(opening))


def _refuse_other_inputs(found: RecordedRun, run: RunHeader) -> None:
    then = found.header
    pairs = {
        "settings": (then.settings_json, run.settings_json),
        "code": (then.code_version, run.code_version),
        "data": (then.data_identity, run.data_identity),
        "instruments": (then.instruments_json, run.instruments_json),
        "symbols": (then.symbols, run.symbols),
    }
    changed = [name for name, (old, new) in pairs.items() if old != new]
    if changed:
        raise BadInput(
            f"run {found.run_id} cannot be resumed: {', '.join(changed)} differ from those it was begun with; "
            "restore them, or begin a new run"
        )
