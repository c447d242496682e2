"""The recorded prices as columns, over SQLite and over PostgreSQL."""

import pytest

from db.opening import open_journal
from db.prices import price_columns
from db.reading import snapshots
from domain.errors import BadInput
from tests.contract.journal_samples import N_TICKS, record


def test_prices_are_the_bars_of_the_recorded_snapshots_without_the_minutes_that_had_none(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        bars = [one.bar for one in snapshots(store, "first") if one.bar is not None]
        (found,) = price_columns(store, "first").values()
    assert len(bars) == N_TICKS - 1
    assert list(found.open_ms) == [bar.open_ms for bar in bars]
    assert list(found.close_ms) == [bar.close_ms for bar in bars]
    assert list(found.open_price) == [bar.open_price for bar in bars]
    assert list(found.close_price) == [bar.close_price for bar in bars]


def test_a_run_without_a_tick_has_no_prices_and_an_unknown_one_is_refused(journal_url: str) -> None:
    record(journal_url, last=0, finish=False)
    with open_journal(journal_url, writable=False) as store:
        assert price_columns(store, "first") == {}
        with pytest.raises(BadInput, match="there is no run nobody"):
            price_columns(store, "nobody")
