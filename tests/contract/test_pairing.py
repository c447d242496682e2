"""What a comparison asks of a journal, over SQLite and over PostgreSQL."""

import msgspec
from msgspec.structs import replace

from backtest.compare.causes import Cause
from db.opening import open_journal
from db.pairing import Line, PairedRun
from db.reading import decision
from domain.features import Feature
from execution.instruments import instrument
from tests.contract.journal_samples import N_TICKS, header, sample
from tests.unit.backtest.compare.runs import held_against, record, tape, with_funding


def test_two_runs_compare_alike_wherever_they_are_recorded(journal_url: str) -> None:
    record(journal_url, "a", tape(120))
    record(journal_url, "b", tape(120), PAPER_FEE_TIER="3")
    found = held_against(journal_url)
    assert {row.cause for row in found.causes} == {Cause.FEE}
    assert found.minutes.parity_frac == 1.0


def test_what_is_read_of_a_run_is_what_its_decisions_tell(journal_url: str) -> None:
    record(journal_url, "other", tape(20))
    record(journal_url, "a", with_funding(tape(80), 30_000_000), PAPER_REJECT_PCT="25", RISK_MAX_CONSECUTIVE_LOSSES="2")
    with open_journal(journal_url, writable=False) as store:
        run = PairedRun(store, "a")
        lines, answers, wanted = [Line(*row) for row in run.rows()], run.answers(), run.wanted()
        records = [decision(store, "a", line.id).record for line in lines]
        assert run.n_ticks() == len(records) == 80
        assert run.last_close("SOL-PERP") == records[-1].snapshot.bar.close_price  # type: ignore[union-attr]
        figures = run.figures(lines[0].id, lines[-1].id)
    for line, told in zip(lines, records, strict=True):
        assert (line.tick_no, line.outcome, line.state) == (told.tick_no, told.outcome, told.state)
        assert answers[line.answer_id] == tuple(
            (one.strategy, None if one.side is None else one.side.name, one.failed_mask, one.conviction_frac)
            for one in told.signals
        )
        if told.features is not None:
            places = [place for place in Feature if place is not Feature.REGIME]
            assert figures[line.id] == tuple(told.features.value(place) for place in places)
        assert (line.id in wanted) == (told.proposal is not None)
    fills = [fill for told in records for fill in told.fills]
    assert [(one.client_order_id, one.price_ticks) for one in run.executed()] == [
        (fill.client_order_id, fill.price_ticks) for fill in fills
    ]
    assert [one.amount_microusd for one in run.paid()] == [one.amount_microusd for r in records for one in r.funding]
    assert [one.client_order_id for one in run.sent()] == [one.client_order_id for r in records for one in r.orders]
    assert run.refused().keys() == {order_id for told in records for order_id, _ in told.refusals}
    assert len(run.refused()) > 0
    assert len(run.paid()) > 0


def test_a_run_that_goes_on_growing_is_read_up_to_where_it_was_opened(journal_url: str) -> None:
    instruments = msgspec.json.encode([instrument("SOL-PERP")]).decode()
    with open_journal(journal_url, writable=True) as store:
        log = store.begin(replace(header(), instruments_json=instruments), 0)
        for tick_no in range(1, 11):
            log.append(sample(tick_no))
        log.commit()
        run = PairedRun(store, "first")
        before = list(run.rows()), run.executed(), run.paid(), run.n_ticks()
        for tick_no in range(11, N_TICKS + 1):
            log.append(sample(tick_no))
        log.commit()
        assert (list(run.rows()), run.executed(), run.paid(), run.n_ticks()) == before
        assert before[3] == 10
        assert PairedRun(store, "first").n_ticks() == N_TICKS
        assert len(PairedRun(store, "first").executed()) > len(before[1])
