"""What a journal tells those who ask: decisions, lists, views and files, over SQLite and over PostgreSQL."""

from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from db.export import export
from db.figures import NAMES
from db.opening import open_journal
from db.reading import (
    decision,
    equity,
    events,
    failed_tests,
    find_run,
    inputs,
    last_as_of_ms,
    notable_ticks,
    runs,
    snapshots,
    ticks,
    trades,
)
from db.seen import snapshot_of
from db.tables import EVIDENCE
from domain.errors import BadInput
from domain.tick import Outcome, TradingState
from tests.contract.journal_samples import N_TICKS, START_MS, header, record, sample


def test_a_decision_is_told_back_exactly_as_it_was_taken(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        for tick_no in range(1, N_TICKS + 1):
            assert decision(store, "first", tick_no).record == sample(tick_no)


def test_a_decision_tells_what_became_of_its_order(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        entered = decision(store, "first", 5)
        assert entered.later_fills == sample(6).fills
        assert entered.later_trades == sample(10).trades
        assert decision(store, "first", entered.tick_id) == entered
        assert decision(store, "first", 9).later_refusals == sample(10).refusals
        assert (entered.later_outcome, decision(store, "first", 8).later_outcome) == sample(10).counterfactuals
        assert decision(store, "first", 17).later_outcome == sample(22).counterfactuals[0]
        with pytest.raises(BadInput, match="has no tick 99"):
            decision(store, "first", 99)


def test_the_readers_answer_what_was_recorded(journal_url: str) -> None:
    chain_hash = record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        (run,) = runs(store)
        assert (run.header, run.chain_hash, run.summary_json) == (header(), chain_hash, '{"n_trades":2}')
        assert find_run(store, "fir") == run
        assert list(snapshots(store, "first")) == [sample(n).snapshot for n in range(1, N_TICKS + 1)]
        assert {state for _, state in inputs(store, "first")} == {TradingState.ACTIVE}
        assert last_as_of_ms(store, "first") == {"SOL-PERP": START_MS + N_TICKS * 60_000}
        assert [tick.tick_no for tick in ticks(store, "first", outcome=Outcome.ENTERED)] == [5, 17]
        assert [tick.tick_no for tick in ticks(store, "first", limit=2, newest_first=True)] == [24, 23]
        assert ticks(store, "first", symbol="BTC-PERP") == ()
        assert trades(store, "first") == sample(10).trades + sample(22).trades
        assert [point.equity_microusd for point in equity(store, "first")][:2] == [10_000_001_000, 10_000_002_000]
        assert [event.kind for event in events(store, "first")] == ["started", "finished"]


def test_the_views_answer_questions_in_sql(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store, store.read() as connection:
        assert (
            connection.execute(text("SELECT time_utc FROM decisions WHERE tick_no = 1")).scalar()
            == "2025-05-01T00:01:00Z"
        )
        query = "SELECT count(*), max(drawdown_frac) FROM equity WHERE run_id = 'first'"
        assert tuple(connection.execute(text(query)).one()) == (N_TICKS, 0)


def test_the_view_of_signals_spreads_every_answer_into_a_row(journal_url: str) -> None:
    record(journal_url)
    record(journal_url, "second", last=6)
    told = [
        ("first", record.tick_no, record.snapshot.as_of_ms, record.snapshot.symbol, signal)
        for record in map(sample, range(1, N_TICKS + 1))
        for signal in record.signals
    ]
    query = "SELECT * FROM signals WHERE run_id = 'first' ORDER BY tick_id, strategy"
    with open_journal(journal_url, writable=False) as store, store.read() as connection:
        rows = [row._asdict() for row in connection.execute(text(query))]
        said = connection.execute(text("SELECT count(*) FROM signals WHERE run_id = 'second' AND side = 1")).scalar()
        assert said == 1
    assert rows == [
        {
            "run_id": run_id,
            "tick_id": row["tick_id"],
            "tick_no": tick_no,
            "as_of_ms": as_of_ms,
            "symbol": symbol,
            "strategy": signal.strategy,
            "side": signal.side,
            "failed_mask": signal.failed_mask,
            "conviction_frac": signal.conviction_frac,
            "reasons": "; ".join(signal.reasons),
        }
        for row, (run_id, tick_no, as_of_ms, symbol, signal) in zip(rows, told, strict=True)
    ]


def test_the_failed_tests_of_a_run_are_counted_in_words(journal_url: str) -> None:
    record(journal_url)
    n_noes = sum(not signal.reasons for n in range(1, N_TICKS + 1) for signal in sample(n).signals)
    assert n_noes > 0
    with open_journal(journal_url, writable=False) as store:
        n_silent = sum(sample(n).signals != () for n in range(1, N_TICKS + 1)) - 2
        assert failed_tests(store, "first", 5) == (
            ("e3: body below 0.5 ATR", n_silent),
            ("e3: volume z below 2", n_silent),
        )
        assert failed_tests(store, "first", 1) == (("e3: body below 0.5 ATR", n_silent),)


def test_notable_ticks_are_those_in_which_something_happened(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        # Unfit, entered, filled, refused, exiting, filled and closed; not 7 and 19, which settled funding alone.
        told = [3, 5, 6, 8, 9, 10, 17, 18, 20, 21, 22]
        assert [tick.tick_no for tick in notable_ticks(store, "first", None, 100)] == told
        assert [tick.tick_no for tick in notable_ticks(store, "first", "SOL-PERP", 3)] == told[-3:]
        assert notable_ticks(store, "first", "BTC-PERP", 3) == ()


def test_an_exit_that_the_desk_ordered_tells_the_trade_it_closed(journal_url: str) -> None:
    """A trade is named after its entry; its end is found by the fill of the exit."""
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        left = decision(store, "first", 9)
        assert left.later_fills == sample(10).fills
        assert left.later_trades == sample(10).trades
        assert decision(store, "first", 21).later_trades == sample(22).trades
        assert decision(store, "first", 8).later_trades == ()


def test_the_view_of_decisions_tells_figures_by_name_and_the_snapshot_whole(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store, store.read() as connection:
        told = connection.execute(text("SELECT * FROM decisions ORDER BY id")).all()
    for row in told:
        given = sample(row.tick_no)
        figures = dict.fromkeys(NAMES) if given.features is None else given.features.as_dict()
        for name in NAMES:
            assert (row._mapping[name] is None) == (figures[name] is None)
            assert row._mapping[name] == (None if figures[name] is None else pytest.approx(figures[name], rel=1e-14))
        plain = msgspec.json.decode(msgspec.json.encode(given.snapshot))
        assert msgspec.json.decode(row.snapshot) == {
            name: value for name, value in plain.items() if name not in ("symbol", "as_of_ms")
        }


def test_an_export_holds_every_row(journal_url: str, tmp_path: Path) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        files = export(store, "first", tmp_path / "out" / "run")
        assert len(files) == 2 * (len(EVIDENCE) + 1)
        for table in EVIDENCE:
            whole = pq.read_table(tmp_path / "out" / "run" / f"{table.name}.parquet")
            lines = (tmp_path / "out" / "run" / f"{table.name}.jsonl").read_bytes().splitlines()
            with store.read() as connection:
                n_rows = connection.execute(text(f"SELECT count(*) FROM {table.name}")).scalar()
            assert whole.num_rows == len(lines) == n_rows > 0
        first = msgspec.json.decode((tmp_path / "out" / "run" / "ticks.jsonl").read_bytes().splitlines()[0])
        seen = snapshot_of(*(first[name] for name in ("symbol", "as_of_ms", "snapshot", "readings")))
        assert msgspec.json.encode(seen) == msgspec.json.encode(sample(1).snapshot)
    assert not [path for path in (tmp_path / "out" / "run").iterdir() if path.suffix == ".part"]
