"""What a run has lived through: how long, on how good a market, with how many trades, and how it ended."""

from typing import Final

from sqlalchemy import func, select

from db.readable import Readable
from db.reading import RecordedRun, of_run
from db.tables import EVENTS, TICKS, TRADES
from domain.market import MINUTE_MS
from domain.record import Record
from domain.tick import Outcome, TradingState

# Of a snapshot's defects, as `db/seen.py` writes them; a quote inside a text is escaped, so nothing else reads like it.
_DEFECTS: Final = '%"defects":[%'
_OPENED, _HALTED = "active", "halt"


class Experience(Record, frozen=True, kw_only=True):
    """What a run has lived through.

    n_minutes: different minutes on which the desk was active, warm and had a market fit for new risk; what was
    back-filled is not, so of a live run they are those it took as they closed. n_spanned: minutes from its first tick
    to its last. halted_by: why, where its last word is a halt; None where it is not.
    """

    n_minutes: int
    n_spanned: int
    n_trades: int
    halted_by: str | None


def experience(store: Readable, run: RecordedRun) -> Experience:
    """Return what a run has lived through so far."""
    whole = of_run(select(func.min(TICKS.c.id), func.max(TICKS.c.id)), TICKS, run.run_no)
    fit = of_run(select(func.count(TICKS.c.as_of_ms.distinct())), TICKS, run.run_no).where(
        TICKS.c.state == TradingState.ACTIVE.value,
        TICKS.c.outcome != Outcome.WARMING_UP.value,
        TICKS.c.snapshot.not_like(_DEFECTS),
    )
    n_trades = of_run(select(func.count()), TRADES, run.run_no)
    last_word = (
        of_run(select(EVENTS.c.kind, EVENTS.c.detail), EVENTS, run.run_no)
        .where(EVENTS.c.kind.in_((_OPENED, _HALTED)))
        .order_by(EVENTS.c.id.desc())
        .limit(1)
    )
    with store.read() as connection:
        ends = [int(key) for key in connection.execute(whole).one() if key is not None]
        times = [int(connection.scalar(select(TICKS.c.as_of_ms).where(TICKS.c.id == key)) or 0) for key in ends]
        word = connection.execute(last_word).one_or_none()
        return Experience(
            n_minutes=int(connection.scalar(fit) or 0),
            n_spanned=(times[1] - times[0]) // MINUTE_MS + 1 if times else 0,
            n_trades=int(connection.scalar(n_trades) or 0),
            halted_by=word.detail if word is not None and word.kind == _HALTED else None,
        )
