"""What is told of a journal while it is written: every row once, whichever run it belongs to and whoever comes back."""

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from db.chain import RunHeader
from db.day import day_figures
from db.noted import last_seen, run_heads
from db.opening import open_journal
from db.pages import KEY_MASK
from db.store import Store
from db.tables import FILLS, TICKS
from domain.market import MINUTE_MS
from domain.tick import RiskCheck
from notices.notice import Severity
from notices.tail import Position, at_the_end, read_on
from tests.contract.journal_samples import N_TICKS, START_MS, header, record, sample

HEAD = header()
FIRST_FILL = "first: SOL-PERP bought 250 lots at 150120 ticks (entry), fee 0.13 USD"


def read_all(store: Store, position: Position) -> tuple[Position, list[str]]:
    """Read on until nothing new comes."""
    texts: list[str] = []
    while True:
        position, notices = read_on(store, position)
        if not notices:
            return position, texts
        texts += [notice.text for notice in notices]


def test_everything_worth_telling_is_told_once_in_order(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        position, texts = read_all(store, Position())
        assert texts[0] == "first: run begun"
        assert texts.index(FIRST_FILL) > 0
        (trade,) = [text for text in texts if "closed (time)" in text][:1]
        assert trade.startswith("first: SOL-PERP long 250 lots closed (time), 150120 ticks to 150500 ticks, net ")
        with store.read() as connection:
            n_fills = len(connection.execute(select(FILLS.c.id)).all())
        assert sum(" fee 0.13 USD" in text for text in texts) == n_fills
        assert read_all(store, position) == (position, [])
        assert position.unfinished == {}, "a finished run that was read needs no memory"


def test_what_was_there_before_anybody_listened_is_no_news(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header("first"), 1)
        for tick_no in range(1, 7):
            journal.append(sample(tick_no))
        journal.event("late_tick", "before", 2)
        journal.commit()
        position = at_the_end(store)
        assert read_all(store, position)[1] == []
        journal.event("late_tick", "after", 3)
        for tick_no in range(7, N_TICKS + 1):
            journal.append(sample(tick_no))
        journal.commit()
        _, texts = read_all(store, position)
        assert texts[0] == "first: a minute came late: after"
        assert texts.count(FIRST_FILL) == 1, "of the two entries one was filled before"
        assert any("closed (time)" in text for text in texts)


def test_an_older_run_that_goes_on_beside_a_newer_one_is_told_of_too(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        first = store.begin(header("first"), 1)
        first.event("stopped", "for now", 2)
        first.commit()
        second = store.begin(header("second"), 3)
        second.finish("{}", 4)
        position, texts = read_all(store, Position())
        assert texts == [
            "first: run begun", "first: desk stopped: for now", "second: run begun", "second: run finished",
        ]  # fmt: skip
        again = store.resume("first", header("first"))
        again.event("recovered", "0 ticks", 5)
        again.commit()
        position, texts = read_all(store, position)
        assert texts == ["first: desk recovered: 0 ticks"]
        again.finish("{}", 6)
        position, texts = read_all(store, position)
        assert (texts, position.unfinished) == (["first: run finished"], {})


def test_another_journal_under_the_same_name_is_told_of_from_its_beginning(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        other = Position(newest_run_no=1, newest_seal="0" * 16)
        assert read_all(store, other)[1] == read_all(store, Position())[1]


def test_a_backtest_is_nobody_s_business(journal_url: str) -> None:
    fields = {name: getattr(HEAD, name) for name in HEAD.__struct_fields__}
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(RunHeader(**{**fields, "command": "backtest"}), 1)
        journal.event("halt", "a cassette", 2)
        journal.commit()
        assert read_all(store, Position())[1] == []
        assert at_the_end(store).unfinished == {}


def test_a_thousand_rows_are_read_a_part_at_a_time_and_none_is_lost(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1)
        for number in range(1_200):
            journal.event("late_tick", str(number), number)
        journal.commit()
        _, first = read_on(store, Position())
        assert 0 < len(first) < 1_200
        _, texts = read_all(store, Position())
        assert texts[1:] == [f"first: a minute came late: {number}" for number in range(1_200)]


def test_a_breaker_is_told_of_once_a_day(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1)
        refused = next(one for one in map(sample, range(1, N_TICKS + 1)) if refusal_of(one) is not None)
        ruling = replace(refused.risk.ruling, rule="day_loss_within_cap", reason="3 % lost")
        for tick_no, minutes in ((1, 0), (2, 1), (3, 2), (4, 1_440), (5, 1_441)):
            seen = replace(refused.snapshot, as_of_ms=START_MS + minutes * MINUTE_MS, bar=None, defects=("no bar: x",))
            journal.append(
                replace(refused, tick_no=tick_no, snapshot=seen, risk=replace(refused.risk, ruling=ruling), gate=None)
            )
        journal.commit()
        _, notices = read_on(store, Position())
    told = [notice for notice in notices if notice.severity is Severity.WARNING]
    assert [notice.text for notice in told] == [
        "first: no new risk, day loss within cap says no (SOL-PERP): 3 % lost"
    ] * 2
    assert [notice.at_ms - START_MS for notice in told] == [0, 1_440 * MINUTE_MS]


def refusal_of(one):
    risk = one.risk
    return risk.ruling if isinstance(risk, RiskCheck) and hasattr(risk.ruling, "rule") else None


@pytest.mark.parametrize(("first", "end"), [(0, N_TICKS + 1), (5, 11), (6, 7), (10, N_TICKS + 1)])
def test_a_day_s_figures_are_those_of_its_ticks(journal_url: str, first: int, end: int) -> None:
    record(journal_url, finish=False)
    with open_journal(journal_url, writable=False) as store:
        (day,) = day_figures(store, START_MS + first * MINUTE_MS, START_MS + end * MINUTE_MS)
    ticks = [sample(number) for number in range(1, N_TICKS + 1)]
    inside = [one for one in ticks if first * MINUTE_MS <= one.snapshot.as_of_ms - START_MS < end * MINUTE_MS]
    before = [one.equity_microusd for one in ticks if one.snapshot.as_of_ms < START_MS + first * MINUTE_MS]
    assert day.n_ticks == len(inside)
    assert day.equity_microusd == inside[-1].equity_microusd
    assert day.net_microusd == inside[-1].equity_microusd - (before or [inside[0].equity_microusd])[-1]
    assert (day.n_fills, day.n_trades) == (
        sum(len(one.fills) for one in inside),
        sum(len(one.trades) for one in inside),
    )
    assert day.fees_microusd == sum(fill.fee_microusd for one in inside for fill in one.fills)
    n_refusals = sum(len(one.refusals) for one in inside) + sum(refusal_of(one) is not None for one in inside)
    assert sum(count for _, count in day.refusals) == n_refusals


def test_a_day_without_a_tick_has_no_figures(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        assert day_figures(store, 0, START_MS) == ()
        assert day_figures(store, START_MS + 1_000 * MINUTE_MS, START_MS + 2_000 * MINUTE_MS) == ()


def test_how_a_run_stands_is_told_by_its_last_tick_and_event(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        assert last_seen(store, "first") is None
        journal = store.begin(header(), 1)
        fresh = last_seen(store, "first")
        assert fresh is not None
        assert (fresh.tick_id, fresh.newest_kind, fresh.held, fresh.is_finished) == (0, "started", (), False)
        journal.append(replace(sample(1), position_lots=-7))
        journal.event("halt", "why", 2)
        journal.commit()
        stands = last_seen(store, "first")
        assert stands is not None
        assert (stands.newest_kind, stands.held) == ("halt", (("SOL-PERP", -7),))
        with store.read() as connection:
            assert stands.tick_id == connection.scalar(select(TICKS.c.id))
        (head,) = run_heads(store, 0)
        assert head.reached.events == 2
        assert head.reached.fills <= KEY_MASK
