"""The trades of two runs, paired by the decision that opened them, and all else on record that tells them apart."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from backtest.compare.alignment import Alignment, Kind, Meeting, Orders, align
from backtest.compare.figures import NO_FIGURES, nearly_equal
from backtest.compare.headers import differing_settings
from backtest.compare.journeys import Journey, journeys_of
from db.pairing import Line, PairedRun, Wanted
from domain.record import Record

# The venue's no to an order it is handed (execution/paper.py), not its word that the position has gone meanwhile.
_NOT_TAKEN: Final = "venue: "


class Pair(Record, frozen=True, kw_only=True):
    """One trade as each run made it; None where a run did not."""

    a: Journey | None
    b: Journey | None

    @property
    def one(self) -> Journey:
        """The trade in A, or in B where A has none."""
        journey = self.b if self.a is None else self.a
        if journey is None:
            raise ValueError("a pair of nothing")
        return journey

    @property
    def net_difference_microusd(self) -> int:
        """What it adds to net(B) - net(A)."""
        a = 0 if self.a is None else self.a.net_microusd
        return (0 if self.b is None else self.b.net_microusd) - a


@dataclass(slots=True)
class Half:
    """What one run has on record beside its ticks. wanted: by the key of the tick. refused: by order id.

    failed_exits: (symbol, minute) at which the venue would not take an exit.
    """

    run: PairedRun
    journeys: tuple[Journey, ...]
    wanted: dict[int, Wanted]
    refused: dict[str, tuple[str, str]]
    orders: Orders
    order_ids: frozenset[str]
    failed_exits: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, run: PairedRun) -> "Half":
        """Read it."""
        sent = run.sent()
        orders: dict[tuple[str, int], frozenset[tuple[int, int]]] = {}
        for order in sent:
            minute = order.symbol, order.decided_ms
            orders[minute] = orders.get(minute, frozenset()) | {(order.side, order.reduce_only)}
        refused = run.refused()
        failed = (order for order in sent if refused.get(order.client_order_id, ("",))[0].startswith(_NOT_TAKEN))
        return cls(
            run=run,
            journeys=journeys_of(run),
            wanted=run.wanted(),
            refused=refused,
            orders=orders,
            order_ids=frozenset(order.client_order_id for order in sent),
            failed_exits=frozenset((order.symbol, order.decided_ms) for order in failed if order.reduce_only),
        )

    def recent(self, before_ms: int) -> list[Journey]:
        """Return the last two journeys of each symbol decided before this minute, the newest first.

        A symbol holds one position at a time: what is held, and what closed last, is among them.
        """
        n_left = dict.fromkeys(self.run.found.header.symbols, 2)
        found: list[Journey] = []
        place = bisect_left(self.journeys, before_ms, key=lambda journey: journey.decided_ms)
        while place > 0 and any(n_left.values()):
            place -= 1
            journey = self.journeys[place]
            if n_left[journey.symbol]:
                n_left[journey.symbol] -= 1
                found.append(journey)
        return found

    def covers(self, at_ms: int) -> bool:
        """Say whether the run had begun and was not yet over."""
        return self.run.first.as_of_ms <= at_ms <= self.run.last.as_of_ms


@dataclass(slots=True)
class Evidence:
    """Everything the causes are read from. pairs: in the order of their decisions. changed: settings that differ.

    failed_exits: by symbol, the minutes, rising, at which a venue would not take an exit in one of the runs alone.
    """

    a: Half
    b: Half
    pairs: tuple[Pair, ...]
    alignment: Alignment
    changed: frozenset[str]
    is_same_code: bool
    failed_exits: dict[str, list[int]]
    _near: dict[tuple[int, int], bool] = field(default_factory=dict)

    def meeting(self, symbol: str, at_ms: int) -> Meeting:
        """Return the minute of a decision as both runs have it."""
        nowhere = Meeting(symbol=symbol, as_of_ms=at_ms, a=None, b=None, kinds=frozenset({Kind.MISSING}))
        return self.alignment.meetings.get((symbol, at_ms), nowhere)

    def failed_exit(self, symbol: str, from_ms: int, to_ms: int) -> int | None:
        """Return the first minute of [from_ms, to_ms] at which a venue would not take an exit in one run alone."""
        minutes = self.failed_exits.get(symbol, [])
        place = bisect_left(minutes, from_ms)
        return minutes[place] if place < len(minutes) and minutes[place] <= to_ms else None

    def has_changed(self, names: Iterable[str]) -> bool:
        """Say whether a setting whose name begins so differs between the runs."""
        prefixes = tuple(names)
        return bool(prefixes) and any(name.startswith(prefixes) for name in self.changed)

    def figures_agree(self, x: Line, y: Line) -> bool:
        """Say whether the features of two ticks are equal but for traces."""
        key = x.id, y.id
        if key not in self._near:
            ours, theirs = self.a.run.figures(x.id, x.id), self.b.run.figures(y.id, y.id)
            alike = nearly_equal(ours.get(x.id, NO_FIGURES), theirs.get(y.id, NO_FIGURES))
            self._near[key] = alike and x.regime == y.regime
        return self._near[key]


def gather(a: PairedRun, b: PairedRun) -> Evidence:
    """Read two runs and pair their trades by symbol, minute and side of the decision. Raises BadInput as `align`."""
    ours, theirs = Half.of(a), Half.of(b)
    in_a = {journey.key: journey for journey in ours.journeys}
    in_b = {journey.key: journey for journey in theirs.journeys}
    pairs = [Pair(a=in_a.get(key), b=in_b.get(key)) for key in in_a.keys() | in_b.keys()]
    pairs.sort(key=lambda pair: (pair.one.decided_ms, pair.one.symbol, pair.one.side))
    failed: dict[str, list[int]] = {}
    for symbol, at_ms in sorted(ours.failed_exits ^ theirs.failed_exits):
        failed.setdefault(symbol, []).append(at_ms)
    asked = {(pair.one.symbol, pair.one.decided_ms) for pair in pairs}
    return Evidence(
        a=ours,
        b=theirs,
        pairs=tuple(pairs),
        alignment=align(a, b, asked, (ours.orders, theirs.orders)),
        changed=frozenset(one.name for one in differing_settings(a.found.header, b.found.header)),
        failed_exits=failed,
        is_same_code=a.found.header.code_version == b.found.header.code_version,
    )
