import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from console.story import decision_json, tell_decision
from db.chain import RunHeader
from db.opening import open_journal
from db.reading import decision
from db.store import Store
from domain.errors import BadInput
from domain.instrument import Instrument
from domain.tick import TickRecord

HEADER = RunHeader(
    run_id="sol-story",
    command="paper",
    settings_json="{}",
    code_version="test",
    data_identity="test",
    symbols=("SOL-PERP",),
    instruments_json="[]",
)


@pytest.fixture
def store(tmp_path: Path, run: list[TickRecord]) -> Iterator[Store]:
    with open_journal(f"sqlite:///{tmp_path / 'journal.db'}", writable=True) as opened:
        journal = opened.begin(HEADER, 1_790_000_000_000)
        for record in run:
            for order in record.orders:
                journal.record_order(order, record.tick_no)
            journal.append(record)
        journal.commit()
        yield opened


def told(page: Console, store: Store, tick_no: int, instruments: Mapping[str, Instrument]) -> str:
    tell_decision(page, decision(store, "sol-story", tick_no), instruments)
    return page.export_text()


def test_an_entry_is_told_from_sight_to_its_end(
    page: Console, store: Store, instruments: Mapping[str, Instrument]
) -> None:
    text = told(page, store, 3, instruments)
    chapters = [
        "What was seen",
        "What it meant",
        "What the strategies said",
        "What was proposed",
        "What the gate said",
        "How risk ruled",
        "What was done",
        "What came of its orders",
        "The trade ended 2025-05-01 00:05 UTC by stop, after 2 min (2 bars): -54.53 USD net, -1.09 R",
    ]
    places = [text.index(chapter) for chapter in chapters]
    assert places == sorted(places)
    for figure in (
        "open 147.900, high 148.410, low 147.850, close 148.050 USD (+10.1 bps)",
        "takers bought 65.81 % of it",
        "3 min old",
        "Regime: bull trend",
        "go long, conviction 0.65 of 1, because explosive bar, momentum",
        "A stub answered, no model was asked",
        "3 rules passed: snapshot is fit",
        "Approved: 33.77 SOL at about 148.050 USD, worth 4,999.65 USD.",
        "-50.99 USD from the price, -3.48 USD fees, -0.05 USD funding",
    ):
        assert figure in " ".join(text.split())


def test_the_smallest_size_is_named_the_winner_and_no_bound_is_said(
    page: Console, store: Store, instruments: Mapping[str, Instrument]
) -> None:
    lines = told(page, store, 3, instruments).splitlines()
    winners = [line for line in lines if "the smallest wins" in line]
    assert len(winners) == 1
    assert winners[0].startswith("what the stop may lose")
    assert any("no bound" in line for line in lines)


def test_a_failed_test_stands_beside_the_figure_it_failed_on(
    page: Console, store: Store, instruments: Mapping[str, Instrument]
) -> None:
    lines = [" ".join(line.split()) for line in told(page, store, 2, instruments).splitlines()]
    assert "e3: no, 2 tests failed" in lines
    assert "body is under 0.5 ATR body of the bar +0.31 ATR" in lines
    assert "volume z is under 2 volume z-score +1.27 standard deviations" in lines
    assert "No order was sent." in lines


def test_a_refusal_names_its_rule_and_its_figures(
    page: Console, store: Store, instruments: Mapping[str, Instrument]
) -> None:
    text = told(page, store, 7, instruments)
    assert 'the rule "cooled down" was not met: the last losing trade closed 60 s ago.' in " ".join(text.split())
    assert "It was not asked: the answer was no before its turn." in text


def test_a_cold_tick_says_that_nothing_was_known_yet(
    page: Console, store: Store, instruments: Mapping[str, Instrument]
) -> None:
    text = told(page, store, 1, instruments)
    assert "The indicators had no figures yet" in text
    assert "None was asked." in text


def test_the_machine_gets_every_recorded_field(store: Store, run: list[TickRecord]) -> None:
    found = json.loads(json.dumps(decision_json(decision(store, "sol-story", 3)), allow_nan=False))
    assert (found["run_id"], found["tick_no"], found["outcome"]) == ("sol-story", 3, "entered")
    assert found["features"]["volume_z"] == 1.27
    assert found["features"]["open_interest_usd"] is None
    assert found["features"]["regime"] == "bull_trend"
    assert set(TickRecord.__struct_fields__) <= set(found)
    assert len(found["later_fills"]) == 2
    assert len(found["later_trades"]) == 1


def test_a_market_without_instrument_is_one_clear_sentence(page: Console, store: Store) -> None:
    with pytest.raises(BadInput, match="SOL-PERP, whose instrument is not among"):
        tell_decision(page, decision(store, "sol-story", 3), {})
