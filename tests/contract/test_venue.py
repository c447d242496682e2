"""What every venue must keep, whatever orders and markets it is given. A new venue adds one line to VENUES.

A random play is performed before a venue: bars, gaps, funding, entries, exits, nonsense, tightened stops, everything
sent twice or once. What the venue reports is folded into books of our own, by other arithmetic than the venue's.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.account import AccountView, Fill, Levels, VenueReport
from domain.decisions import ApprovedOrder, ExitPlan, ExitReason, Refusal, Side
from domain.grid import steps_down
from domain.market import MINUTE_MS, Bar, FundingSettlement, Snapshot
from domain.ports import Venue
from execution.fees import taker_fee_microusd
from execution.gateway_client.rehearsal import RehearsingVenue
from execution.instruments import INSTRUMENTS
from execution.live.broker import BrokerOrder
from execution.live.terms import VenueTerms
from execution.live.wire import ENTRY, WireCode
from execution.paper import PaperTerms, PaperVenue

CASH_USD = 2_000.0
HALF_SPREAD_BPS, SLIPPAGE_BPS = 2.0, 3.0
SYMBOLS = ("SOL-PERP", "BTC-PERP")
PRICES = {"SOL-PERP": 150.0, "BTC-PERP": 95_000.0}


def paper(latency_bars: int, reject_frac: float) -> Venue:
    """Open a paper venue."""
    terms = PaperTerms(
        starting_cash_usd=CASH_USD,
        half_spread_bps=HALF_SPREAD_BPS,
        slippage_bps=SLIPPAGE_BPS,
        latency_bars=latency_bars,
        reject_frac=reject_frac,
    )
    return PaperVenue(terms, INSTRUMENTS)


class Willing:
    """A gateway at whose simulation every order goes through."""

    async def rehearse(self, order: BrokerOrder) -> str:
        return ""


def rehearsing(latency_bars: int, reject_frac: float) -> Venue:
    """Open a paper venue behind a gateway that rehearses its orders."""
    terms = VenueTerms(
        capital_usd=CASH_USD,
        entry_slippage_bps=30.0,
        exit_slippage_bps=150.0,
        order_life_s=10.0,
        cash_tolerance_usd=1.0,
    )
    return RehearsingVenue(
        paper(latency_bars, reject_frac), Willing(), WireCode("contract", SYMBOLS), terms, lambda: MINUTE_MS
    )


OpenVenue = Callable[[int, float], Venue]
VENUES = [pytest.param(paper, id="paper"), pytest.param(rehearsing, id="rehearsing")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One minute of one symbol, and what is asked of the venue after it. action: a word of ACTIONS."""

    symbol: str
    gap_frac: float
    move_frac: float
    reach_frac: float
    has_bar: bool
    rate_1e9: int | None
    action: str
    notional_usd: float
    plan: ExitPlan


@dataclass(slots=True)
class Performance:
    """What was sent, answered and reported."""

    orders: list[ApprovedOrder] = field(default_factory=list)
    answers: dict[str, Refusal | None] = field(default_factory=dict)
    reports: list[tuple[Snapshot, VenueReport]] = field(default_factory=list)
    accounts: list[AccountView] = field(default_factory=list)

    @property
    def fills(self) -> list[tuple[Snapshot, Fill]]:
        """Every fill with the minute it happened in."""
        return [(snapshot, fill) for snapshot, report in self.reports for fill in report.fills]


ACTIONS = ("wait", "buy", "buy", "sell", "sell", "close", "close half", "close too much", "tighten")
PLANS = st.builds(
    ExitPlan,
    stop_frac=st.sampled_from([0.001, 0.01, 0.05, 0.5]),
    target_frac=st.sampled_from([0.001, 0.02, 0.1, 0.5]),
    trail_frac=st.just(0.0),
    trail_arm_frac=st.just(0.0),
    partial_at_r=st.sampled_from([0.0, 0.2, 1.0]),
    partial_frac=st.floats(min_value=0.0, max_value=0.9),
    max_hold_bars=st.just(10),
)
SCENES = st.builds(
    Scene,
    symbol=st.sampled_from((*SYMBOLS, SYMBOLS[0])),
    gap_frac=st.sampled_from([0.0, 0.0, 0.002, -0.002, 0.05, -0.05]),
    move_frac=st.floats(min_value=-0.03, max_value=0.03),
    reach_frac=st.floats(min_value=0.0, max_value=0.02),
    has_bar=st.sampled_from([True, True, True, False]),
    rate_1e9=st.sampled_from([None, None, 50_000_000, -50_000_000, 1]),
    action=st.sampled_from(ACTIONS),
    notional_usd=st.sampled_from([1.0, 500.0, 9_000.0, 20_000.0, 37_000.0, 60_000.0]),
    plan=PLANS,
)
PLAYS = st.lists(SCENES, min_size=6, max_size=24)
LATENCIES = st.sampled_from([0, 0, 1, 3])
REJECT_FRACS = st.sampled_from([0.0, 0.0, 0.3])


def snapshot_of(scene: Scene, minute: int, price: float) -> tuple[Snapshot, float]:
    """Return the minute's snapshot and its close."""
    opened = price * (1 + scene.gap_frac)
    closed = opened * (1 + scene.move_frac)
    open_ms = minute * MINUTE_MS
    bar = Bar(
        open_ms=open_ms,
        close_ms=open_ms + MINUTE_MS,
        open_price=opened,
        high_price=max(opened, closed) * (1 + scene.reach_frac),
        low_price=min(opened, closed) * (1 - scene.reach_frac),
        close_price=closed,
        volume_base=1.0,
    )
    settlement = FundingSettlement(rate_quote_per_base_1e9=scene.rate_1e9 or 0, settled_ms=open_ms + 1, source="play")
    snapshot = Snapshot(
        symbol=scene.symbol,
        as_of_ms=open_ms + MINUTE_MS,
        bar=bar if scene.has_bar else None,
        defects=() if scene.has_bar else ("no bar",),
        funding_settlement=None if scene.rate_1e9 is None else settlement,
    )
    return snapshot, closed if scene.has_bar else price


def order_of(scene: Scene, minute: int, price: float, held_lots: int) -> ApprovedOrder | None:
    """Return the order the scene asks for, sensible or not."""
    if scene.action in {"wait", "tighten"}:
        return None
    instrument = INSTRUMENTS[scene.symbol]
    is_exit = scene.action.startswith("close")
    lots = max(1, steps_down(scene.notional_usd, price * instrument.lot))
    if is_exit:
        lots = {"close": abs(held_lots), "close half": abs(held_lots) // 2}.get(scene.action, abs(held_lots) + 1)
    buys = held_lots < 0 if is_exit else scene.action == "buy"
    return ApprovedOrder(
        client_order_id=f"{scene.symbol}-{minute}-{ExitReason.STRATEGY if is_exit else ENTRY}",
        symbol=scene.symbol,
        strategy="play",
        side=Side.BUY if buys else Side.SELL,
        size_lots=max(1, lots),
        reduce_only=is_exit,
        reference_ticks=max(1, steps_down(price, instrument.tick)),
        decided_ms=(minute + 1) * MINUTE_MS,
        exit_plan=None if is_exit else scene.plan,
        exit_reason=ExitReason.STRATEGY if is_exit else None,
    )


async def perform(venue: Venue, play: list[Scene], *, n_sends: int = 1) -> Performance:
    """Give the play before the venue, sending every order `n_sends` times."""
    seen = Performance(accounts=[await venue.account()])
    prices = dict(PRICES)
    for minute, scene in enumerate(play):
        snapshot, prices[scene.symbol] = snapshot_of(scene, minute, prices[scene.symbol])
        report = await venue.advance(snapshot)
        seen.reports.append((snapshot, report or VenueReport()))
        held = dict((await venue.account()).positions).get(scene.symbol, 0)
        for _ in range(n_sends):
            order = order_of(scene, minute, prices[scene.symbol], held)
            if order is not None:
                seen.orders.append(order)
                seen.answers[order.client_order_id] = await venue.submit(order)
        if scene.action == "tighten" and held != 0:
            far = 1_000_000_000 if held > 0 else 1
            stop = steps_down(prices[scene.symbol], INSTRUMENTS[scene.symbol].tick)
            await tighten(venue, scene.symbol, Levels(stop_ticks=stop, target_ticks=far))
        seen.accounts.append(await venue.account())
    return seen


async def tighten(venue: Venue, symbol: str, levels: Levels) -> None:
    """Move the stop to the last close; a venue may say that this would loosen it."""
    with contextlib.suppress(ValueError):
        await venue.protect(symbol, levels)


def watched(
    open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float, n_sends: int = 1
) -> Performance:
    """Perform on a fresh venue."""
    return asyncio.run(perform(open_venue(latency, reject_frac), play, n_sends=n_sends))


@pytest.mark.parametrize("open_venue", VENUES)
@settings(max_examples=25)
@given(PLAYS, LATENCIES, REJECT_FRACS)
def test_cash_is_always_the_start_plus_realised_less_fees_plus_funding(
    open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float
) -> None:
    """Folded lot by lot from the fills alone; with it equity = cash + unrealised holds at any mark, exactly."""
    seen = watched(open_venue, play, latency, reject_frac)
    cash = round(CASH_USD * 1_000_000)
    flow: dict[str, int] = {}
    lots: dict[str, int] = {}
    for (snapshot, report), account in zip(seen.reports, seen.accounts[1:], strict=True):
        for payment in report.funding:
            assert payment.position_lots == lots[payment.symbol]
            cash += payment.amount_microusd
        for fill in report.fills:
            unit = INSTRUMENTS[fill.symbol].microusd_per_tick_lot
            cash -= fill.fee_microusd
            flow[fill.symbol] = flow.get(fill.symbol, 0) - fill.side * fill.size_lots * fill.price_ticks * unit
            lots[fill.symbol] = lots.get(fill.symbol, 0) + fill.side * fill.size_lots
        mark = 123_457
        value = sum(lots[s] * mark * INSTRUMENTS[s].microusd_per_tick_lot for s in lots)
        entries = entry_costs(seen, snapshot.as_of_ms)
        unrealised = value - sum(entries.values())
        assert account.cash_microusd + unrealised == cash + sum(flow.values()) + value
        assert dict(account.positions) == {s: n for s, n in lots.items() if n != 0}


def entry_costs(seen: Performance, until_ms: int) -> dict[str, int]:
    """Return the signed cost of what is still held, from entries and the lots left of them."""
    costs: dict[str, tuple[int, int]] = {}
    for snapshot, fill in seen.fills:
        if snapshot.as_of_ms > until_ms:
            break
        price, lots = costs.get(fill.symbol, (0, 0))
        price = fill.price_ticks if fill.exit_reason is None else price
        costs[fill.symbol] = (price, lots + fill.side * fill.size_lots)
    return {s: price * lots * INSTRUMENTS[s].microusd_per_tick_lot for s, (price, lots) in costs.items()}


@pytest.mark.parametrize("open_venue", VENUES)
@settings(max_examples=25)
@given(PLAYS, LATENCIES, REJECT_FRACS)
def test_size_and_price_are_whole_and_every_fee_is_the_schedule_s(
    open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float
) -> None:
    for _, fill in watched(open_venue, play, latency, reject_frac).fills:
        assert type(fill.size_lots) is type(fill.price_ticks) is type(fill.fee_microusd) is int
        assert type(fill.slippage_microusd) is int
        assert fill.size_lots >= 1 <= fill.price_ticks
        notional = fill.size_lots * fill.price_ticks * INSTRUMENTS[fill.symbol].microusd_per_tick_lot
        is_liquidation = fill.exit_reason is ExitReason.LIQUIDATION
        assert fill.fee_microusd == (0 if is_liquidation else taker_fee_microusd(notional, 0))


@pytest.mark.parametrize("open_venue", VENUES)
@settings(max_examples=25)
@given(PLAYS, LATENCIES, REJECT_FRACS)
def test_refused_and_rejected_orders_never_fill_and_no_id_fills_twice(
    open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float
) -> None:
    seen = watched(open_venue, play, latency, reject_frac)
    filled = [fill.client_order_id for _, fill in seen.fills]
    assert len(filled) == len(set(filled))
    refused = {order_id for order_id, answer in seen.answers.items() if answer is not None}
    rejected = {order_id for _, report in seen.reports for order_id, _ in report.rejections}
    assert not (refused | rejected) & set(filled)
    accepted = seen.answers.keys() - refused
    assert set(seen.accounts[-1].open_order_ids) == accepted - rejected - set(filled)


@pytest.mark.parametrize("open_venue", VENUES)
@settings(max_examples=25)
@given(PLAYS, LATENCIES, REJECT_FRACS)
def test_an_exit_only_ever_reduces(open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float) -> None:
    lots: dict[str, int] = {}
    for _, fill in watched(open_venue, play, latency, reject_frac).fills:
        before = lots.get(fill.symbol, 0)
        after = lots[fill.symbol] = before + fill.side * fill.size_lots
        if fill.exit_reason is None:
            assert before == 0
        else:
            assert abs(after) < abs(before)
            assert after * before >= 0


@pytest.mark.parametrize("open_venue", VENUES)
@settings(max_examples=25)
@given(PLAYS, LATENCIES, REJECT_FRACS)
def test_no_fill_is_better_than_the_bar_nor_worse_than_the_bar_and_its_costs(
    open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float
) -> None:
    decided = {}
    seen = watched(open_venue, play, latency, reject_frac)
    for order in seen.orders:
        decided[order.client_order_id] = order.decided_ms
    for snapshot, fill in seen.fills:
        instrument, bar = INSTRUMENTS[fill.symbol], snapshot.bar
        assert bar is not None
        assert bar.open_ms <= fill.filled_ms <= bar.close_ms
        assert decided.get(fill.client_order_id, 0) <= bar.open_ms
        cost = (HALF_SPREAD_BPS + SLIPPAGE_BPS) * 1e-4
        if fill.exit_reason is ExitReason.LIQUIDATION:
            cost = instrument.liquidator_fee_frac
        price, rounding = fill.price_ticks * instrument.tick, 2 * instrument.tick
        if fill.side is Side.BUY:
            assert bar.low_price - rounding <= price <= bar.high_price * (1 + cost) + rounding
        else:
            assert bar.low_price * (1 - cost) - rounding <= price <= bar.high_price + rounding


@pytest.mark.parametrize("open_venue", VENUES)
@settings(max_examples=25)
@given(PLAYS, LATENCIES, REJECT_FRACS)
def test_the_same_play_before_a_fresh_venue_ends_the_same(
    open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float
) -> None:
    """Recovery rests on it: a killed venue is rebuilt by giving it its minutes and orders again."""
    first, second = (watched(open_venue, play, latency, reject_frac) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("open_venue", VENUES)
@settings(max_examples=25)
@given(PLAYS, LATENCIES, REJECT_FRACS)
def test_an_order_sent_thrice_is_an_order_sent_once(
    open_venue: OpenVenue, play: list[Scene], latency: int, reject_frac: float
) -> None:
    once = watched(open_venue, play, latency, reject_frac)
    thrice = watched(open_venue, play, latency, reject_frac, n_sends=3)
    assert (once.answers, once.reports, once.accounts) == (thrice.answers, thrice.reports, thrice.accounts)
