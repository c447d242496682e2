"""A desk at a venue in the world, in all weathers: random prices, random faults, killed at any step and started again.

The exchange, the way to it and the desk's lives are in tests/doubles/venue; time leaps, so nothing waits for luck.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.decisions import Side
from domain.errors import BooksDisagree
from execution.live.broker import OrderKind, Resting
from execution.live.wire import WireCode
from tests.doubles.venue.broker import Fault, Way
from tests.doubles.venue.desk import TERMS, Story
from tests.doubles.venue.loop import run
from tests.doubles.venue.world import DEEP, PRICES, Manners, World

SYMBOLS = tuple(sorted(PRICES))
N_MOVES = 4
N_QUIET = 3
ACTIONS = st.sampled_from(["wait", "buy", "sell", "turn", "turn", "leave", "trail"])
MOVES = st.sampled_from([0, 0, 5, -5, 20, -20, 60, -60, 130, -130, 250, -250])
DEPTHS = st.sampled_from([DEEP, DEEP, ((0, 7),), ((0, 4), (25, 9), (60, 3)), ((1, 5), (3, 10**6)), ()])
MANNERS = st.builds(
    Manners,
    refuses_reached=st.booleans(),
    tidies=st.booleans(),
    tells_filled=st.booleans(),
    answers_late=st.booleans(),
    blends=st.booleans(),
    slow_ms=st.sampled_from([0, 0, 700, 2500, 25_000]),
    is_deaf=st.booleans(),
)


@dataclass(frozen=True)
class Scene:
    """One minute: what the desk would do in each symbol, how its price moves meanwhile, what else happens."""

    actions: tuple[str, str]
    moves_bps: tuple[tuple[int, int], ...]
    event: str


SCENES = st.builds(
    Scene,
    actions=st.tuples(ACTIONS, ACTIONS),
    moves_bps=st.lists(st.tuples(MOVES, MOVES), min_size=N_MOVES, max_size=N_MOVES).map(tuple),
    event=st.sampled_from(["", "", "", "", "funding", "liquidation"]),
)


@dataclass(frozen=True)
class Play:
    """A whole story."""

    scenes: tuple[Scene, ...]
    manners: Manners
    depths: tuple
    lags_ms: tuple[int, ...]
    faults: dict[int, Fault]
    kills: frozenset[int]
    order_kills: dict[int, int]
    answer_s: float
    n_at_once: int
    shares: bool


PLAYS = st.builds(
    Play,
    scenes=st.lists(SCENES, min_size=2, max_size=7).map(tuple),
    manners=MANNERS,
    depths=st.lists(DEPTHS, min_size=1, max_size=5).map(tuple),
    lags_ms=st.lists(st.sampled_from([0, 0, 400, 3000, 9000]), min_size=1, max_size=4).map(tuple),
    faults=st.dictionaries(st.integers(1, 400), st.sampled_from(Fault), max_size=12),
    kills=st.frozensets(st.integers(5, 600), max_size=3),
    order_kills=st.dictionaries(st.integers(1, 8), st.integers(1, 9), max_size=3),
    answer_s=st.sampled_from([0.0, 0.0, 0.7, 7.0, 50.0, 80.0]),
    n_at_once=st.sampled_from([1, 64]),
    shares=st.booleans(),
)


async def weather(world: World, scene: Scene) -> None:
    """Move the prices through a minute."""
    for number, moves in enumerate(scene.moves_bps):
        await asyncio.sleep(60 / (len(scene.moves_bps) + 1))
        for symbol, bps in zip(SYMBOLS, moves, strict=True):
            world.move(symbol, world.prices[symbol] + world.prices[symbol] * bps // 10_000)
        if number == 1 and scene.event == "funding":
            world.pay(SYMBOLS[0], -12_345)
        if number == 1 and scene.event == "liquidation":
            world.liquidate(SYMBOLS[1], 0.5)


def begun(play: Play) -> Story:
    """Return a story that nobody has lived yet."""
    world = World(manners=play.manners, depths=play.depths, lags_ms=play.lags_ms)
    way = Way(
        world=world,
        faults=dict(play.faults),
        kill_at=set(play.kills),
        kill_after_order=dict(play.order_kills),
        answer_s=play.answer_s,
    )
    return Story(way=way, terms=replace(TERMS, n_at_once=play.n_at_once), shares=play.shares)


async def played(play: Play) -> Story:
    """Play it to the end and through some quiet minutes; return the story with its last life."""
    story = begun(play)
    world = story.way.world
    await story.do(_nothing)
    for scene in play.scenes:
        blowing = asyncio.ensure_future(weather(world, scene))
        await story.minute(dict(zip(SYMBOLS, scene.actions, strict=True)))
        await blowing
        assert world.flaws == []
    story.way.calm()
    return story


async def quiet(story: Story, action: str = "wait") -> None:
    """Let minutes pass in which nothing goes wrong."""
    for _ in range(N_QUIET):
        await story.minute(dict.fromkeys(SYMBOLS, action))
    await story.do(lambda life: life.execution.reconcile())
    assert story.way.world.flaws == []


async def _nothing(life: object) -> None:
    return


def check_settled(story: Story) -> None:
    """Hold the desk's books against the exchange."""
    life, world = story.life, story.way.world
    assert life is not None
    books = life.books
    assert {one: held.position.size_lots for one, held in books.holdings.items()} == {
        one: lots for one, lots in world.lots.items() if lots
    }
    assert books.open_order_ids() == ()
    for symbol in SYMBOLS:
        assert sorted(_resting(world, symbol)) == sorted(_wanted(life, symbol))


def _resting(world: World, symbol: str) -> list[tuple[str, int, int, int]]:
    return [(one.kind.value, one.side, one.price_ticks, one.size_lots) for one in world.resting(symbol)]


def _wanted(life, symbol: str) -> list[tuple[str, int, int, int]]:
    held = life.books.holdings.get(symbol)
    if held is None:
        return []
    side, lots, levels = held.position.side.opposite, abs(held.position.size_lots), held.levels
    wanted = [
        (OrderKind.STOP.value, side, levels.stop_ticks, lots),
        (OrderKind.TARGET.value, side, levels.target_ticks, lots),
    ]
    if levels.partial_lots:
        wanted.append((OrderKind.TARGET.value, side, levels.partial_ticks, min(lots, levels.partial_lots)))
    return wanted


def check_told_once(story: Story) -> None:
    """Every execution is on the desk's record exactly once."""
    code = WireCode("a run", SYMBOLS)
    done: Counter[tuple[str, int, int, int]] = Counter()
    for _, one in story.way.world.executed:
        assert one.is_liquidation or code.read(one.wire_id) is not None
        done[one.symbol, one.executed_ms, one.size_lots, int(one.side)] += 1
    told = Counter(
        (fill.symbol, fill.filled_ms, fill.size_lots, int(fill.side))
        for report in story.notebook.reports().values()
        for fill in report.fills
    )
    assert told == done
    paid = Counter((one.symbol, one.amount_microusd, one.settled_ms) for _, one in story.way.world.paid)
    assert paid == Counter(
        (one.symbol, one.amount_microusd, one.settled_ms)
        for report in story.notebook.reports().values()
        for one in report.funding
    )


async def a_story(play: Play) -> None:
    """Play it, and check it twice: with what it holds in the end, and after everything was left."""
    story = await played(play)
    await quiet(story)
    check_settled(story)
    check_told_once(story)
    await quiet(story, "leave")
    check_settled(story)
    check_told_once(story)
    assert story.life is not None
    assert story.life.books.holdings == {}
    assert story.life.books.cash_microusd == story.way.world.cash_microusd
    await story.end()


@given(PLAYS)
def test_books_and_venue_agree_whatever_goes_wrong_and_whenever_the_desk_dies(play: Play) -> None:
    run(a_story(play))


@dataclass(frozen=True)
class Meddling:
    """Something that no order of the desk explains, in the middle of a minute of the play."""

    what: str
    scene: int

    def meddle(self, world: World) -> None:
        """Do it."""
        if self.what == "trade":
            world.trade(SYMBOLS[0], Side.SELL, 3)
        elif self.what == "order":
            world.by_hand.append(Resting(wire_id="f" * 32, symbol=SYMBOLS[0], side=Side.BUY, size_lots=1))
        elif self.what == "other market":
            world.trade(SYMBOLS[1], Side.BUY, 1)
            executed = world.executed.pop()
            world.executed.append((executed[0], replace(executed[1], symbol="DOGE-PERP")))
        elif self.what == "position":
            world.lots[SYMBOLS[0]] += 100
        else:
            world.cash_microusd -= 10_000_000


MEDDLINGS = st.builds(
    Meddling, what=st.sampled_from(["trade", "order", "other market", "position", "cash"]), scene=st.integers(0, 2)
)


async def meddled(story: Story, play: Play, meddling: Meddling) -> None:
    """Play it with the meddling, to the end, and through quiet minutes; leave everything."""
    for number, scene in enumerate(play.scenes[:4]):
        blowing = asyncio.ensure_future(weather(story.way.world, scene))
        if number == min(meddling.scene, len(play.scenes) - 1):
            asyncio.get_running_loop().call_later(30.0, meddling.meddle, story.way.world)
        await story.minute(dict(zip(SYMBOLS, scene.actions, strict=True)))
        await blowing
    story.way.calm()
    await quiet(story)
    await quiet(story, "leave")


async def a_meddled_story(play: Play, meddling: Meddling) -> None:
    """Play it until the desk finds out; then start it again."""
    story = begun(play)
    world = story.way.world
    await story.do(_nothing)
    with pytest.raises(BooksDisagree):
        await meddled(story, play, meddling)
    assert not [flaw for flaw in world.flaws if "twice" in flaw]
    story.way.calm()
    with pytest.raises(BooksDisagree):
        await quiet(story, "leave")


@settings(max_examples=25)
@given(PLAYS, MEDDLINGS)
def test_what_nothing_explains_halts_the_desk_and_does_so_again_after_a_restart(play: Play, meddling: Meddling) -> None:
    run(a_meddled_story(play, meddling))
