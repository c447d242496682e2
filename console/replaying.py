"""Recomputing a recorded run: its own inputs and settings through today's code, every row compared."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from agents.master import MasterAgent
from console.figures import count_text
from db.reading import RecordedRun, find_run, inputs
from db.reported import Reported, reported
from db.store import Store
from db.verify import verify
from desk.clock import SystemClock
from domain.errors import JournalCorrupt
from domain.instrument import Instrument
from domain.ports import Journal
from domain.record import Record

Rebuild = Callable[[str, Mapping[str, Instrument], Journal, Reported | None], MasterAgent]


WORLDLY: Final = frozenset({"live", "dry-run"})


class ReplayResult(Record, frozen=True, kw_only=True):
    """What a recomputation found. difference: the first row that came out otherwise, None when all are identical.

    is_same_code: whether today's code is the code that made the run; with other code a difference may be an
    intended change.
    """

    run_id: str
    n_ticks: int
    n_rows_compared: int
    chain_hash: str
    difference: str | None
    is_same_code: bool
    is_finished: bool
    seconds: float

    @property
    def is_identical(self) -> bool:
        """Say whether every recorded row came out again."""
        return self.difference is None


async def replay(store: Store, run_id: str, rebuild: Rebuild, code_version: str) -> ReplayResult:
    """Live through a run again from its journal alone and compare each row it gives with the row on record.

    Nothing is written and no feed is asked. Raises BadInput for an unknown run.
    """
    found, clock = find_run(store, run_id), SystemClock()
    began_s = clock.elapsed_s()
    instruments = msgspec.json.decode(found.header.instruments_json, type=list[Instrument])
    journal = store.compare(found.run_id)
    master = rebuild(found.header.settings_json, {one.symbol: one for one in instruments}, journal, _told(store, found))
    n_ticks, difference = 0, None
    try:
        for snapshot, state in inputs(store, found.run_id):
            journal.append(await master.tick(snapshot, state))
            n_ticks += 1
        if journal.n_left and found.finished_ms is not None:
            difference = f"{journal.n_left} recorded rows did not come out again"
    except JournalCorrupt as error:
        difference = str(error)
    if difference is None:
        difference = _damage(store, found.run_id)
    return ReplayResult(
        run_id=found.run_id,
        n_ticks=n_ticks,
        n_rows_compared=journal.n_compared,
        chain_hash=journal.chain_hash,
        difference=difference,
        is_same_code=found.header.code_version == code_version,
        is_finished=found.finished_ms is not None,
        seconds=clock.elapsed_s() - began_s,
    )


def _told(store: Store, run: RecordedRun) -> Reported | None:
    """Return the words on record of the world; None for a run on paper alone, whose venue is computed again."""
    return reported(store, run.run_id) if run.header.command in WORLDLY else None


def _damage(store: Store, run_id: str) -> str | None:
    """Return what is wrong with the record itself: links are compared above, not the columns they were taken over."""
    first = verify(store, run_id).first
    return None if first is None else f"every link came out again, but the record was altered: {first.sentence}"


def print_replay(console: Console, result: ReplayResult) -> None:
    """Say whether the run came out again, or where it first did not."""
    lived = f"{count_text(result.n_ticks, 'tick')} lived through again in {result.seconds:.1f} s"
    if result.is_identical:
        console.print(Text("identical", style="bold green"), f"run {result.run_id}: {lived},", highlight=False)
        told = f"all {result.n_rows_compared:,} rows came out as recorded, chain {result.chain_hash}"
        console.print(told, highlight=False)
    else:
        console.print(Text("different", style="bold red"), f"run {result.run_id}: {lived}; then:", highlight=False)
        console.print(Text(str(result.difference)))
    if not result.is_same_code:
        console.print(Text("The run was made by another version of the code.", style="yellow"))
    if not result.is_finished:
        console.print(Text("The run is unfinished; what is on record was compared.", style="yellow"))


def replay_json(result: ReplayResult) -> dict[str, object]:
    """Return the result for a machine."""
    return {**msgspec.to_builtins(result), "is_identical": result.is_identical}
