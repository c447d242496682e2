"""Finding decisions: by outcome, by market, or whatever was worth telling."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.lookup import decisions
from db.chain import RunHeader
from db.opening import open_journal
from db.store import Store
from domain.errors import BadInput
from domain.tick import Outcome, TickRecord

DULL = {Outcome.NO_SIGNAL, Outcome.WARMING_UP}


@pytest.fixture
def store(tmp_path: Path, run: list[TickRecord]) -> Iterator[Store]:
    header = RunHeader(
        run_id="r", command="paper", settings_json="{}", code_version="1", data_identity="d",
        symbols=("SOL-PERP",), instruments_json="[]", is_simulated=True,
    )  # fmt: skip
    with open_journal(f"sqlite:///{tmp_path}/journal.db", writable=True) as opened:
        journal = opened.begin(header, 0)
        for record in run:
            journal.append(record)
        journal.commit()
        yield opened


def test_without_a_wish_the_newest_notable_ones_come_oldest_first(store: Store, run: list[TickRecord]) -> None:
    notable = [record.tick_no for record in run if record.outcome not in DULL]
    found = [tick.tick_no for tick in decisions(store, "r", None, None, 500)]
    assert set(notable) <= set(found)
    assert found == sorted(found)
    assert [tick.tick_no for tick in decisions(store, "r", None, None, 2)] == found[-2:]


@pytest.mark.parametrize("outcome", ["entered", "refused", "no_signal"])
def test_one_outcome_may_be_asked_for(store: Store, run: list[TickRecord], outcome: str) -> None:
    found = [tick.tick_no for tick in decisions(store, "r", outcome, None, 500)]
    assert found == [record.tick_no for record in run if record.outcome.value == outcome]
    assert [tick.tick_no for tick in decisions(store, "r", outcome, None, 1)] == found[-1:]


def test_another_market_has_none_and_an_unknown_outcome_is_refused(store: Store) -> None:
    assert decisions(store, "r", None, "BTC-PERP", 5) == ()
    with pytest.raises(BadInput, match="one of unfit, warming_up"):
        decisions(store, "r", "bought", None, 5)
    with pytest.raises(BadInput, match="no run nothing"):
        decisions(store, "nothing", None, None, 5)
