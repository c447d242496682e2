"""Reads the journal on from where it was read to, run by run, and turns what is new into notices."""

from msgspec import ValidationError, field, json
from msgspec.structs import replace

from db.noted import News, Reached, RunHead, news, run_heads, seal_of
from db.readable import Readable
from domain.instrument import Instrument
from domain.record import Record
from notices.notice import Notice
from notices.words import BREAKERS, Instruments, of_breaker, of_event, of_fill, of_trade

NO_DESK = "backtest"
"""The command whose runs nobody waits for."""


class Position(Record, frozen=True, kw_only=True):
    """How far a journal was read.

    newest_run_no, newest_seal: the newest run that was known, which tells whether it is the same journal still.
    unfinished: of the known runs those that may go on, by number, and how far each was read.
    """

    newest_run_no: int = 0
    newest_seal: str = ""
    unfinished: dict[int, Reached] = field(default_factory=dict)


def at_the_end(store: Readable) -> Position:
    """Return the position behind everything that is on record now."""
    heads = run_heads(store, 0)
    return Position(
        newest_run_no=heads[-1].run_no if heads else 0,
        newest_seal=heads[-1].seal if heads else "",
        unfinished={head.run_no: head.reached for head in heads if not head.is_finished and head.command != NO_DESK},
    )


def read_on(store: Readable, position: Position) -> tuple[Position, tuple[Notice, ...]]:
    """Return what came after a position, and the position after it. Raises JournalUnavailable, JournalCorrupt.

    At most a few hundred rows of a run are read at once; the next call goes on.
    """
    if position.newest_run_no and seal_of(store, position.newest_run_no) != position.newest_seal:
        # Another journal under the same name: nothing of it has been told.
        position = Position()
    heads = run_heads(store, position.newest_run_no, frozenset(position.unfinished))
    notices: list[Notice] = []
    unfinished = dict(position.unfinished)
    for head in heads:
        if head.command == NO_DESK:
            continue
        before = unfinished.get(head.run_no, Reached())
        reached = before
        if before != head.reached:
            found = news(store, head.run_no, before, BREAKERS)
            notices += _notices(head, found)
            reached = found.reached
        unfinished[head.run_no] = reached
        if head.is_finished and reached == head.reached:
            del unfinished[head.run_no]
    if heads and heads[-1].run_no > position.newest_run_no:
        position = replace(position, newest_run_no=heads[-1].run_no, newest_seal=heads[-1].seal)
    return replace(position, unfinished=unfinished), tuple(notices)


def instruments_of(instruments_json: str) -> Instruments:
    """Return the instruments of a run's header; none where it tells none that are whole."""
    try:
        listed = json.decode(instruments_json, type=list[Instrument])
    except ValidationError:
        return {}
    return {one.symbol: one for one in listed}


def _notices(head: RunHead, found: News) -> list[Notice]:
    run_id, instruments = head.run_id, instruments_of(head.instruments_json)
    events = [notice for event in found.events if (notice := of_event(run_id, event)) is not None]
    # Fills, trades and refusals are numbered together, in the order they came about.
    ledger = [(fill.seq, of_fill(run_id, fill, instruments)) for fill in found.fills]
    ledger += [(trade.seq, of_trade(run_id, trade, instruments)) for trade in found.trades]
    ledger += [(no.seq, of_breaker(run_id, no)) for no in found.refusals if no.is_first]
    return events + [notice for _, notice in sorted(ledger, key=lambda one: one[0])]
