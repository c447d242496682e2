"""What a verification can find."""

from typing import Any, Final

from sqlalchemy import Row

from domain.record import Record

_KEPT: Final = 20


class Finding(Record, frozen=True, kw_only=True):
    """One thing that does not fit. what: altered, missing, inserted, orphan, or runs row altered.

    table: where; "ledger" when a missing row's table is no longer known. id: the row's key. tick_no, at_ms: the tick it
    belongs to (or follows), and when, where that is known.
    """

    what: str
    table: str
    id: Any
    tick_no: Any
    at_ms: Any
    detail: str

    @property
    def sentence(self) -> str:
        """The finding in words."""
        row = "" if self.id is None else f" row {self.id}"
        tick = "" if self.tick_no is None else f" (tick {self.tick_no})"
        return f"{self.what}: {self.table}{row}{tick}: {self.detail}"


class VerifyReport(Record, frozen=True, kw_only=True):
    """The outcome for one run. chain_hash: the last recorded link. findings: the earliest 20 of n_findings."""

    run_id: str
    is_finished: bool
    n_rows: int
    n_events: int
    chain_hash: str
    n_findings: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Say whether nothing was found."""
        return self.n_findings == 0

    @property
    def first(self) -> Finding | None:
        """The earliest finding."""
        return self.findings[0] if self.findings else None


class Found:
    """Collects findings without holding a whole ruined journal in memory."""

    __slots__ = ("count", "kept")

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self.kept: Final[list[Finding]] = []

    def add(self, finding: Finding) -> None:
        """Keep one more, if it is among the first."""
        self.count += 1
        if len(self.kept) < _KEPT:
            self.kept.append(finding)


class Orphans:
    """Follows which order waits for its tick, which fill has its order, and which tick its answer and its readings.

    An order after the last tick is none: the desk was cut off between the two.
    """

    __slots__ = ("_answers", "_lost", "_orders", "_readings", "_ticks", "_waiting")

    def __init__(self) -> None:
        """Begin with an empty run."""
        self._answers: Final[set[Any]] = {None}
        self._readings: Final[set[Any]] = set()
        self._orders: Final[set[str]] = set()
        self._waiting: Final[dict[tuple[Any, Any], tuple[int, str]]] = {}
        self._lost: Final[list[Finding]] = []
        self._ticks = 0

    def see(self, table: str, row: Row[Any]) -> None:
        """Take one row in the order of the ledger."""
        if table == "ticks":
            self._ticks = row.id
            self._see_named(row, "answer", row.answer_id, self._answers)
            if row.readings is not None:
                self._readings.add(row.id)
            self._see_named(row, "readings", row.readings_id, self._readings)
            if self._waiting:
                self._waiting.pop((row.tick_no, row.symbol), None)
        elif table == "answers":
            self._answers.add(row.id)
        elif table == "orders":
            self._orders.add(row.client_order_id)
            self._waiting[row.tick_no, row.symbol] = (row.id, row.client_order_id)
        elif table == "fills" and not self._has_order(str(row.client_order_id)):
            text = f"a fill of {row.client_order_id}, but no such order was recorded before it"
            self._lost.append(
                Finding(what="orphan", table="fills", id=row.id, tick_no=None, at_ms=row.filled_ms, detail=text)
            )

    def report(self, problems: Found) -> None:
        """Tell what was left over."""
        for finding in self._lost:
            problems.add(finding)
        for (tick_no, _), (key, order) in self._waiting.items():
            if key < self._ticks:
                text = f"order {order} was recorded, but the tick that sent it was not"
                problems.add(Finding(what="orphan", table="orders", id=key, tick_no=tick_no, at_ms=None, detail=text))

    def _see_named(self, tick: Row[Any], what: str, key: Any, known: set[Any]) -> None:
        """Tell once of each answer, or each row of readings, that is not there: at the first tick that names it."""
        if key not in known:
            known.add(key)
            text = f"it names the {what} {key}, but no such row was recorded before it"
            self._lost.append(
                Finding(
                    what="orphan", table="ticks", id=tick.id, tick_no=tick.tick_no, at_ms=tick.as_of_ms, detail=text
                )
            )

    def _has_order(self, fill: str) -> bool:
        """Say whether a fill is of an order, or of an exit the venue named after it (`<order>-stop`)."""
        while fill not in self._orders:
            fill, dash, _ = fill.rpartition("-")
            if not dash:
                return False
        return True
