"""A run read back as columns and reopened as a story, over SQLite and over PostgreSQL."""

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from backtest.reopened import reopen, reopen_story
from db.columns import NO_REGIME, tick_columns
from db.deeds import outcome_counts, refusals, sent_orders
from db.opening import open_journal
from db.reading import equity, find_run
from domain.decisions import ExitReason
from domain.errors import BadInput, JournalCorrupt
from domain.features import REGIME_BY_CODE
from execution.instruments import INSTRUMENTS
from tests.contract.journal_samples import N_TICKS, header, play, record, sample, snapshot

GRIDS = msgspec.json.encode(list(INSTRUMENTS.values())).decode()


def record_with_grids(url, run_id="first", last=N_TICKS):
    with open_journal(url, writable=True) as store:
        journal = store.begin(replace(header(run_id), instruments_json=GRIDS), 1_000)
        play(journal, 1, last)
        journal.commit()


def test_the_columns_hold_what_every_tick_recorded(journal_url):
    record(journal_url, "other")
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        columns = tick_columns(store, find_run(store, "first").run_no, ("SOL-PERP",))
    records = [sample(number) for number in range(1, N_TICKS + 1)]
    assert columns.tick_no.tolist() == [one.tick_no for one in records]
    assert columns.as_of_ms.tolist() == [one.snapshot.as_of_ms for one in records]
    assert columns.equity_microusd.tolist() == [one.equity_microusd for one in records]
    assert columns.position_lots.tolist() == [one.position_lots for one in records]
    for place, one in enumerate(records):
        bar, code = one.snapshot.bar, columns.regime[place]
        assert code == NO_REGIME if one.features is None else REGIME_BY_CODE[code] is one.features.regime
        if bar is None:
            assert np.isnan(columns.prices[place]).all()
        else:
            assert columns.prices[place].tolist() == [bar.open_price, bar.high_price, bar.low_price, bar.close_price]


def test_each_market_has_its_own_columns_and_a_minute_one_point_of_the_curve(journal_url):
    with open_journal(journal_url, writable=True) as store:
        two = replace(header(), symbols=("SOL-PERP", "BTC-PERP"), instruments_json=GRIDS)
        journal = store.begin(two, 1_000)
        for number in range(1, 5):
            for place, symbol in enumerate(two.symbols):
                one = sample(number)
                journal.append(
                    replace(
                        one,
                        tick_no=2 * number + place,
                        snapshot=snapshot(number, symbol),
                        equity_microusd=10_000_000_000 + 10 * number + place,
                    )
                )
        journal.commit()
    with open_journal(journal_url, writable=False) as store:
        story = reopen_story(store, "first")
        points = equity(store, "first")
    assert [tape.symbol for tape in story.tapes] == ["SOL-PERP", "BTC-PERP"]
    assert [len(tape.close_ms) for tape in story.tapes] == [4, 4]
    assert story.outcome.curve.close_ms.tolist() == [point.as_of_ms for point in points]
    assert story.outcome.curve.equity_microusd.tolist() == [point.equity_microusd for point in points]
    assert story.outcome.curve.equity_microusd[0] == 10_000_000_011


def test_a_reopened_run_is_what_was_recorded(journal_url):
    record_with_grids(journal_url)
    with open_journal(journal_url, writable=False) as store:
        outcome, story = reopen(store, "fir"), reopen_story(store, "fir")
    assert outcome.trades == story.outcome.trades == sample(10).trades + sample(22).trades
    assert (outcome.run_id, outcome.symbols, outcome.is_simulated) == ("first", ("SOL-PERP",), True)
    assert outcome.curve.starting_microusd == 10_000_000_000
    assert story.funding == sample(7).funding + sample(19).funding
    assert story.run.header.code_version == "0.1.0+abc"
    assert story.instruments == dict(INSTRUMENTS)


def test_every_deed_and_trade_tells_why(journal_url):
    record_with_grids(journal_url)
    with open_journal(journal_url, writable=False) as store:
        story = reopen_story(store, "first")
    assert [(deed.fill.exit_reason, deed.tick_no) for deed in story.deeds] == [
        (None, 5),
        (ExitReason.TIME, 9),
        (None, 17),
        (ExitReason.TIME, 21),
    ]
    assert story.deeds[0].why == "body 0.8 ATR; volume z 3.1"
    assert story.deeds[1].why == sample(9).why
    assert [(told.entry_why, told.exit_why, told.tick_no) for told in story.trades] == [
        ("body 0.8 ATR; volume z 3.1", sample(9).why, 5),
        ("body 0.8 ATR; volume z 3.1", sample(21).why, 17),
    ]


def test_refusals_are_counted_by_who_said_no_and_outcomes_by_their_word(journal_url):
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        run_no = find_run(store, "first").run_no
        counted = {(one.asked, one.rule): (one.n_times, one.example) for one in refusals(store, run_no)}
        ended = outcome_counts(store, run_no)
    assert counted == {
        ("risk", "cooldown"): (2, "300 s after a trade"),
        ("gate", "timeout"): (2, "timeout"),
        ("venue or journal", "venue"): (2, "it was filled already"),
    }
    assert ended == {"unfit": 1, "entered": 2, "refused": 2, "exiting": 2, "no_signal": N_TICKS - 7}


def test_an_order_cut_off_before_its_tick_has_no_sentence(journal_url):
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1_000)
        play(journal, 1, 4)
        journal.record_order(sample(5).orders[0], 5)
        journal.commit()
    with open_journal(journal_url, writable=False) as store:
        run_no = find_run(store, "first").run_no
        (cut_off,) = sent_orders(store, run_no, tick_columns(store, run_no, ("SOL-PERP",)).tick_id)
    assert (cut_off.tick_no, cut_off.why, cut_off.reasons) == (5, "", ())


def test_a_run_without_minutes_or_with_strange_instruments_is_refused_in_one_sentence(journal_url):
    with open_journal(journal_url, writable=True) as store:
        store.begin(header("empty"), 1_000).commit()
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        with pytest.raises(BadInput, match="run empty has no minute on record"):
            reopen(store, "empty")
        with pytest.raises(BadInput, match="the instruments of run first are not those of this version"):
            reopen_story(store, "first")
        with pytest.raises(BadInput, match="there is no run second"):
            reopen(store, "second")


@pytest.mark.parametrize("damage", ["snapshot = 'nonsense'", "regime = 'calm'", "symbol = 'DOGE-PERP'"])
def test_a_tick_that_cannot_be_read_is_said_to_be_damaged(journal_url, tamper, damage):
    record_with_grids(journal_url)
    tamper(f"UPDATE ticks SET {damage} WHERE tick_no = 7")
    with (
        open_journal(journal_url, writable=False) as store,
        pytest.raises(JournalCorrupt, match="a tick in the journal"),
    ):
        reopen(store, "first")
