"""Every proposal of a run with the gate's answer, its own end, and the trade that was made of it."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec.structs import replace

from db import triggers
from db.opening import open_journal
from db.store import Store
from db.triggers import Asked, trigger_stories
from domain.decisions import Approved
from domain.errors import BadInput
from domain.tick import TickRecord
from execution.instruments import INSTRUMENTS, instrument
from tests.contract.journal_samples import MINUTE_MS, START_MS, header, play, record, sample

N_TICKS = 60
GRIDS = msgspec.json.encode(list(INSTRUMENTS.values())).decode()


@pytest.fixture
def store(journal_url: str) -> Iterator[Store]:
    record(journal_url, "earlier")
    with open_journal(journal_url, writable=True) as opened:
        journal = opened.begin(replace(header("run"), instruments_json=GRIDS), 1)
        play(journal, 1, N_TICKS)
        journal.commit()
        other = opened.begin(replace(header("later"), instruments_json=GRIDS), 1)
        play(other, 1, 12)
        other.commit()
        yield opened


def proposals() -> list[TickRecord]:
    return [told for told in map(sample, range(1, N_TICKS + 1)) if told.proposal is not None]


def test_every_proposal_is_told_in_order_of_time_with_the_features_it_was_made_on(store: Store) -> None:
    stories = list(trigger_stories(store, "run"))
    assert [story.tick_no for story in stories] == [told.tick_no for told in proposals()]
    for story, told in zip(stories, proposals(), strict=True):
        wanted = told.proposal
        assert wanted is not None
        assert story.trigger_id == f"SOL-PERP-{told.snapshot.as_of_ms}"
        assert (story.symbol, story.strategy, story.side) == (wanted.symbol, wanted.strategy, wanted.side)
        assert (story.triggered_ms, story.conviction_frac) == (wanted.as_of_ms, wanted.conviction_frac)
        assert (story.exit_plan, story.reference_price) == (wanted.exit_plan, wanted.reference_price)
        assert story.features == told.features


def test_the_gates_answer_is_told_with_who_gave_it(store: Store) -> None:
    for story, told in zip(trigger_stories(store, "run"), proposals(), strict=True):
        gate = told.gate
        assert gate is not None
        assert story.asked == Asked(
            backend=gate.backend,
            mode=gate.mode,
            reason_code=gate.verdict.reason_code,
            is_approved=isinstance(gate.verdict, Approved),
            latency_ms=gate.latency_ms,
            evidence=gate.evidence,
        )


def test_what_became_of_it_is_told_by_itself_and_as_it_was_traded(store: Store) -> None:
    stories = {story.tick_no: story for story in trigger_stories(store, "run")}
    outcomes = {one.trigger_id: one for n in range(1, N_TICKS + 1) for one in sample(n).counterfactuals}
    (trade,) = sample(10).trades
    grid = instrument("SOL-PERP")
    net_bps = trade.net_microusd / grid.notional_microusd(trade.size_lots, trade.entry_ticks) * 1e4
    for tick_no, story in stories.items():
        assert story.outcome == outcomes[story.trigger_id]
        # The fifth of twelve ticks enters, the eighth is refused.
        assert story.executed_net_bps == (pytest.approx(net_bps) if tick_no % 12 == 5 else None)
    assert len(stories) == N_TICKS // 12 * 2


def test_a_trigger_whose_end_is_not_on_record_yet_has_none(store: Store) -> None:
    journal = store.begin(replace(header("young"), instruments_json=GRIDS), 1)
    play(journal, 1, 9)
    journal.commit()
    assert [(story.outcome, story.executed_net_bps) for story in trigger_stories(store, "young")] == [(None, None)] * 2


def test_a_proposal_the_gate_was_not_asked_about_is_told_too(store: Store) -> None:
    journal = store.begin(replace(header("screened"), instruments_json=GRIDS), 1)
    journal.append(replace(sample(8), gate=None))
    journal.commit()
    (story,) = trigger_stories(store, "screened")
    assert (story.asked, story.triggered_ms) == (None, START_MS + 8 * MINUTE_MS)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_how_much_is_read_at_once_makes_no_difference(store: Store, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = list(trigger_stories(store, "run"))
    monkeypatch.setattr(triggers, "_CHUNK", size)
    assert list(trigger_stories(store, "run")) == whole


def test_a_run_without_a_proposal_has_no_story_and_an_unknown_run_is_bad_input(store: Store) -> None:
    journal = store.begin(replace(header("quiet"), instruments_json=GRIDS), 1)
    play(journal, 1, 4)
    journal.commit()
    assert list(trigger_stories(store, "quiet")) == []
    with pytest.raises(BadInput, match="no run"):
        list(trigger_stories(store, "unheard-of"))
