"""When a watcher speaks: once when something is wrong, once when it is over, and else not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.noted import LastSeen
from desk.presence import Leaving, Presence
from notices.watchdog import PATIENCE_S, Memory, Sight, judge

SILENCE_S = 300.0
FIRST = Presence(pid=11, run_id="p", began_ms=1)
SECOND = Presence(pid=12, run_id="p", began_ms=2)
RUN = LastSeen(
    is_finished=False, newest_kind="active", tick_id=7, as_of_ms=1_746_057_660_000, held=(("SOL-PERP", -12),),
    instruments_json="[]",
)  # fmt: skip
FINISHED = LastSeen(is_finished=True, newest_kind="finished", tick_id=7, as_of_ms=0, held=(), instruments_json="[]")
STOPPED = LastSeen(is_finished=False, newest_kind="stopped", tick_id=7, as_of_ms=0, held=(), instruments_json="[]")
HALTED = LastSeen(is_finished=False, newest_kind="halt", tick_id=7, as_of_ms=0, held=(), instruments_json="[]")


def sight(presence=FIRST, *, lives=True, run=RUN, silent_s=0.0, unreadable_s=0.0, now_ms=1_000):
    return Sight(
        now_ms=now_ms, presence=presence, lives=lives, run=run, silent_s=silent_s, unreadable_s=unreadable_s,
        unreadable_why="it is gone",
    )  # fmt: skip


def left(how, presence=FIRST):
    return Presence(pid=presence.pid, run_id="p", began_ms=presence.began_ms, left=how, why="a bug")


def told(*sights):
    memory, texts = Memory(), []
    for one in sights:
        memory, notices = judge(one, memory, SILENCE_S)
        texts += [notice.text for notice in notices]
    return texts


DEAD = (
    "p: the desk is dead. Its process (pid 11) is gone without a word. "
    "Last minute 2025-05-01 00:01:00 UTC; open positions: short 12 lots SOL-PERP."
)


@pytest.mark.parametrize(
    "calm",
    [
        sight(None, lives=False, run=None),
        sight(),
        sight(silent_s=SILENCE_S),
        sight(left(Leaving.ENDED), lives=False),
        sight(left(Leaving.INTERRUPTED), lives=False, silent_s=9e9),
        sight(left(Leaving.HALTED), lives=False, run=HALTED),
        sight(lives=False, run=FINISHED),
        sight(lives=False, run=STOPPED, silent_s=9e9),
        sight(lives=True, run=FINISHED, silent_s=9e9),
        sight(lives=False, run=None, unreadable_s=1.0),
        sight(unreadable_s=PATIENCE_S),
    ],
)
def test_it_is_quiet_when_all_is_in_order_or_ended_by_will(calm) -> None:
    assert told(calm, calm) == []


def test_a_desk_that_is_gone_without_a_word_is_dead_once_and_back_once() -> None:
    gone, back = sight(lives=False), sight(SECOND, now_ms=121_000)
    assert told(sight(), gone, gone, back, back) == [
        DEAD,
        "p: a desk is back (pid 12), 2 minutes after it was found missing",
    ]


def test_a_desk_that_dies_again_between_two_looks_is_dead_again() -> None:
    again = sight(SECOND, lives=False)
    assert told(sight(lives=False), again, again) == [DEAD, DEAD.replace("pid 11", "pid 12")]


def test_a_dead_desk_whose_successor_came_and_went_in_good_order_is_taken_back() -> None:
    ended = sight(left(Leaving.ENDED, SECOND), lives=False, run=FINISHED)
    assert told(sight(lives=False), ended, ended) == [
        DEAD,
        "p: a desk was there again since and has ended in good order",
    ]


def test_a_halt_that_the_journal_could_not_take_is_told_by_the_watcher() -> None:
    halted = sight(left(Leaving.HALTED), lives=False)
    assert told(halted, halted) == ["p: the desk halted, and its journal does not tell of it: a bug"]


def test_a_living_desk_without_minutes_is_silent_once_and_heard_again_once() -> None:
    silent = sight(silent_s=SILENCE_S + 1)
    assert told(silent, silent, sight(now_ms=61_000 * 60)) == [
        "p: the desk (pid 11) lives, but has put no minute on record for 5 minutes. "
        "Last minute 2025-05-01 00:01:00 UTC; open positions: short 12 lots SOL-PERP.",
        "p: minutes are put on record again, after 60 minutes",
    ]


def test_a_silent_desk_that_is_stopped_is_no_news() -> None:
    assert len(told(sight(silent_s=999), sight(left(Leaving.ENDED), lives=False, run=STOPPED))) == 1


def test_a_journal_that_stays_unreadable_is_told_once_and_once_when_it_is_back() -> None:
    gone = sight(run=None, unreadable_s=PATIENCE_S + 1)
    assert told(gone, gone, sight(now_ms=31_000)) == [
        "p: what the desk does cannot be seen: it is gone",
        "p: the journal can be read again, after 30 seconds",
    ]


def test_a_desk_that_dies_with_its_journal_is_dead_all_the_same() -> None:
    texts = told(sight(lives=False, run=None, unreadable_s=PATIENCE_S + 1))
    assert texts[0].endswith("is gone without a word. Its journal cannot be read.")
    assert len(texts) == 2


sights = st.builds(
    sight,
    st.sampled_from([None, FIRST, SECOND, left(Leaving.ENDED), left(Leaving.HALTED, SECOND)]),
    lives=st.booleans(),
    run=st.sampled_from([None, RUN, FINISHED, STOPPED, HALTED]),
    silent_s=st.sampled_from([0.0, 301.0]),
    unreadable_s=st.sampled_from([0.0, 1.0, 30.0]),
)


@given(seen=st.lists(sights, max_size=20))
def test_the_same_look_twice_says_nothing_new(seen) -> None:
    once = told(*seen)
    assert told(*(one for one in seen for _ in range(3))) == once
