"""Every notice is told once, or given up on record, whatever fails and whenever the process dies."""

from collections import defaultdict
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notices.carrying import Delivery
from notices.notice import Notice, Severity
from notices.outbox import FLOOD_MS, MOST_WAITING, OLDEST_MS
from notices.sender import Sender
from tests.unit.notices.lanes import START_MS, TARGET, DiedError, Disk, World

GROUPS = "abc"
WAITS_MS = (1_000, FLOOD_MS, 3_600_000)
deeds = st.one_of(
    st.tuples(st.just("happens"), st.sampled_from(GROUPS)),
    st.tuples(st.just("step"), st.sampled_from([None, "before", "after"])),
    st.tuples(st.just("deliver"), st.sampled_from(["told", "refused", "unknown, arrived", "unknown, lost"])),
    st.tuples(st.just("dies"), st.sampled_from(["now", "once delivered"])),
    st.tuples(st.just("wait"), st.sampled_from(WAITS_MS)),
)
Deeds = list[tuple[str, object]]


def lived(story: Deeds) -> World:
    world = World()
    for deed, how in story:
        if deed == "happens":
            world.journal.append(str(how))
        elif deed == "wait":
            world.now_ms += int(str(how))
        elif deed == "step":
            world.disk.dies = None if how is None else str(how)
            world.die_or(world.step)
            world.disk.dies = None
        else:
            if deed == "deliver":
                world.outcome = Delivery(str(how).split(",")[0])
                world.does_arrive = how != "unknown, lost"
            if deed == "deliver" or how == "once delivered":
                world.run_jobs()
            if deed == "dies":
                world.start()
    world.drain()
    return world


def check(world: World) -> None:
    """Fail where a notice was left out, told out of order, or told twice without a word."""
    last: dict[str, tuple[int, int]] = defaultdict(lambda: (0, -1))
    for carried, is_doubtful, n_given_up in world.arrived:
        span = (carried.first_ms, carried.last_ms)
        assert carried.count == carried.last_ms - carried.first_ms + 1
        assert n_given_up == 0
        if span == last[carried.group]:
            assert is_doubtful, "told twice without a word"
        else:
            assert carried.first_ms == last[carried.group][1] + 1, "one was left out, or the order was lost"
            last[carried.group] = span
    assert {group: end for group, (_, end) in last.items() if end >= 0} == {
        group: world.journal.count(group) - 1 for group in set(world.journal)
    }


SHORT: Deeds = [
    ("happens", "a"),
    ("step", None),
    ("step", "before"),
    ("step", "after"),
    ("deliver", "told"),
    ("deliver", "refused"),
    ("deliver", "unknown, arrived"),
    ("dies", "now"),
    ("dies", "once delivered"),
]


def test_every_notice_arrives_in_order_and_once_in_every_short_story() -> None:
    for story in product(SHORT, repeat=3):
        check(lived([("happens", "a"), ("step", None), *story]))
        check(lived([("happens", "a"), *story]))


@given(story=st.lists(deeds, min_size=10, max_size=80))
def test_every_notice_arrives_in_order_and_once_unless_nobody_can_know(story: Deeds) -> None:
    check(lived(story))


@given(story=st.lists(st.one_of(deeds, st.just(("wait", OLDEST_MS + 1))), max_size=60))
def test_what_does_not_arrive_was_given_up_and_the_target_is_told_how_much(story: Deeds) -> None:
    world = lived(story)
    arrived = {
        (carried.group, number)
        for carried, _, _ in world.arrived
        for number in range(carried.first_ms, carried.last_ms + 1)
    }
    happened = {(group, number) for group in GROUPS for number in range(world.journal.count(group))}
    assert arrived <= happened
    owed = world.sender.kept.lanes[TARGET.key].n_given_up
    assert len(happened - arrived) <= owed + sum(n for _, _, n in world.arrived)


def test_nothing_leaves_before_it_is_written_down() -> None:
    world = World()
    world.journal.append("a")
    world.disk.dies = "before"
    with pytest.raises(DiedError):
        world.step()
    assert world.jobs == []


def test_a_full_disk_does_not_keep_anybody_from_being_told_and_is_told_once() -> None:
    world = World(disk=Disk(is_full=True))
    world.journal += ["a", "b"]
    for _ in range(4):
        world.step()
        world.run_jobs()
    assert [carried.group for carried, _, _ in world.arrived] == ["a", "b"]
    (said,) = world.said
    assert "No space left on device" in said


def test_a_target_that_fails_waits_longer_each_time_and_holds_up_no_other() -> None:
    good, bad = TARGET, TARGET.__class__(severity=Severity.INFO, name="info 2 (json)", url="json://127.0.0.1/other")
    tried: list[str] = []
    now = [START_MS]

    def deliver(url: str, message: object) -> Delivery:
        tried.append(url)
        return Delivery.TOLD if url == good.url else Delivery.REFUSED

    said: list[str] = []
    sender = Sender(
        (good, bad), Disk(), Disk().load(), lambda: now[0], lambda level, text: said.append(text), deliver,  # type: ignore[arg-type]
        lambda job: job(),
    )  # fmt: skip
    tries_s = []
    for second in range(3_000):
        now[0] = START_MS + second * 1_000
        if second % 100 == 0:
            sender.queue([Notice(severity=Severity.INFO, group=f"g{second}", text="x", at_ms=0)])
        n_before = tried.count(bad.url)
        sender.send()
        sender.settle()
        tries_s += [second] if tried.count(bad.url) > n_before else []
    assert tried.count(good.url) == 30
    pauses = [later - earlier for earlier, later in pairwise(tries_s)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900]
    assert said == ["info 2 (json) could not be told (refused); it is tried again"]


def test_a_target_that_stays_dead_is_given_up_on_after_a_day_and_hears_of_it_when_it_is_back() -> None:
    world = World(outcome=Delivery.REFUSED)
    world.journal += ["a", "a", "a"]
    for _ in range(30):
        world.step()
        world.run_jobs()
        world.now_ms += 3_600_000
    assert "info 1 (json) could not be told for a day: notices given up: 3" in world.said
    world.journal.append("b")
    world.drain()
    (arrived,) = world.arrived
    assert (arrived[0].group, arrived[2]) == ("b", 3)


def test_a_flood_becomes_one_message_a_minute_and_other_news_do_not_wait_for_it() -> None:
    world = World()
    for second in range(200):
        world.journal.append("flood")
        if second == 30:
            world.journal.append("other")
        world.now_ms = START_MS + second * 1_000
        world.step()
        world.run_jobs()
    told = [(carried.group, carried.count) for carried, _, _ in world.arrived]
    assert told == [("flood", 1), ("other", 1), ("flood", 61), ("flood", 61), ("flood", 61)]


def test_a_queue_that_grows_for_ever_gives_up_the_oldest() -> None:
    world = World(outcome=Delivery.REFUSED)
    world.journal += [f"group {number}" for number in range(MOST_WAITING + 50)]
    world.step()
    lane = world.sender.kept.lanes[TARGET.key]
    assert (len(lane.waiting), lane.n_given_up) == (MOST_WAITING - 1, 50)


def test_an_hour_s_queue_of_a_target_that_is_no_longer_set_is_given_up_with_a_word() -> None:
    world = World(outcome=Delivery.REFUSED)
    world.journal.append("a")
    world.step()
    said: list[str] = []
    Sender((), Disk(), world.disk.load(), lambda: 0, lambda level, text: said.append(text))  # type: ignore[arg-type]
    assert said == ["1 notices waited for targets that are no longer set; they are given up"]


def test_a_delivery_that_raises_is_one_of_which_nobody_knows() -> None:
    world = World()
    world.journal.append("a")

    def raises(url: str, message: object) -> Delivery:
        raise RuntimeError("a bug")

    world.sender.deliver = raises
    world.step()
    with pytest.raises(RuntimeError, match="a bug"):
        world.run_jobs()
    world.sender.deliver = world.deliver
    world.drain()
    ((carried, is_doubtful, _),) = world.arrived
    assert (carried.group, is_doubtful) == ("a", True)


def test_no_address_is_in_what_is_kept_or_said() -> None:
    world = World(outcome=Delivery.REFUSED)
    world.journal.append("a")
    world.step()
    world.run_jobs()
    world.step()
    assert world.disk.text is not None
    assert b"token" not in world.disk.text
    assert world.said
    assert "token" not in repr(world.said) + repr(TARGET) + str(world.sender)
