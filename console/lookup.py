"""Finding the decisions a person asked for."""

from db.reading import RecordedTick, notable_ticks, ticks
from db.store import Store
from domain.errors import BadInput
from domain.tick import Outcome


def decisions(
    store: Store, run_id: str, outcome: str | None, symbol: str | None, limit: int
) -> tuple[RecordedTick, ...]:
    """Return the newest decisions, oldest first: with one outcome, or all in which something happened.

    Raises BadInput for an unknown run or outcome.
    """
    if outcome is not None and outcome not in set(Outcome):
        raise BadInput(f"--outcome {outcome} is not one of {', '.join(Outcome)}")
    if outcome is not None:
        found = ticks(store, run_id, outcome=Outcome(outcome), symbol=symbol, limit=limit, newest_first=True)
        return tuple(reversed(found))
    return notable_ticks(store, run_id, symbol, limit)
