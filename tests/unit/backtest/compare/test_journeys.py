from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from backtest.compare.journeys import MARK, Journey, journeys_of
from db.opening import open_journal
from db.pairing import PairedRun
from db.reading import trades
from domain.errors import BadInput, JournalCorrupt
from tests.unit.backtest.compare.runs import record, tape, with_funding

PARTIALS: dict[str, Any] = {"EXIT_PARTIAL_AT_R": "0.5", "EXIT_PARTIAL_PCT": "50"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a journal with a run that pays funding, takes partials and ends with a position open."""
    url = f"sqlite:///{tmp_path_factory.mktemp('journeys') / 'journal.db'}"
    record(url, "a", with_funding(tape(), 30_000_000), **PARTIALS)
    return url


def made(url: str) -> tuple[PairedRun, tuple[Journey, ...]]:
    with open_journal(url, writable=False) as store:
        run = PairedRun(store, "a")
        return run, journeys_of(run)


def test_every_micro_dollar_of_the_run_belongs_to_a_journey(url: str) -> None:
    run, journeys = made(url)
    assert sum(one.net_microusd for one in journeys) == run.last.equity_microusd - run.first.equity_microusd
    assert any(one.funding for one in journeys)
    assert any(len(one.legs) > 1 for one in journeys)
    assert [one.is_open for one in journeys] == [False] * (len(journeys) - 1) + [True]
    assert journeys[-1].end.way == MARK


def test_a_closed_journey_earned_what_the_recorded_trade_says(url: str) -> None:
    _, journeys = made(url)
    with open_journal(url, writable=False) as store:
        recorded = {one.client_order_id: one for one in trades(store, "a")}
    closed = [one for one in journeys if not one.is_open]
    assert len(closed) == len(recorded) > 10
    for one in closed:
        trade = recorded[one.order_id]
        assert (one.net_microusd, one.funding_microusd) == (trade.net_microusd, trade.funding_microusd)
        assert (one.end.way, one.end.filled_ms, one.entered_ms) == (trade.exit_reason, trade.closed_ms, trade.opened_ms)


def test_legs_that_are_not_the_whole_are_refused(url: str) -> None:
    _, journeys = made(url)
    with pytest.raises(ValueError, match="do not add up"):
        replace(journeys[0], lots=journeys[0].lots + 1)


def test_a_fill_that_fits_no_position_is_damage_and_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", tape(60))
    engine = create_engine(url)
    with engine.begin() as connection:
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("DELETE FROM fills WHERE id = (SELECT min(id) FROM fills)"))
    engine.dispose()
    with pytest.raises(JournalCorrupt, match="run a: fill .* of SOL-PERP fits no position that was held"):
        made(url)


def test_a_run_without_a_tick_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", tape(5))
    engine = create_engine(url)
    with engine.begin() as connection:
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("DELETE FROM ticks"))
    engine.dispose()
    with pytest.raises(BadInput, match="run a has no tick on record yet: there is nothing to compare"):
        made(url)
