"""The last instant of a run that was killed: an order on record whose tick was lost."""

from sqlalchemy import func, select

from db.reading import find_run, of_run
from db.store import Store
from db.tables import ORDERS, TICKS
from domain.decisions import ExitReason
from domain.tick import TradingState


def state_of_cut_off_tick(store: Store, run_id: str) -> TradingState:
    """Return the state of the tick that was cut off: FLATTENING when its recorded order says so, else ACTIVE.

    ACTIVE also when no tick was cut off: then nothing asks for it.
    """
    run_no = find_run(store, run_id).run_no
    with store.read() as connection:
        last_tick = connection.scalar(of_run(select(func.max(TICKS.c.tick_no)), TICKS, run_no)) or 0
        query = of_run(select(ORDERS.c.exit_reason), ORDERS, run_no).where(ORDERS.c.tick_no > last_tick)
        reasons = set(connection.scalars(query))
    return TradingState.FLATTENING if ExitReason.HALT.value in reasons else TradingState.ACTIVE
