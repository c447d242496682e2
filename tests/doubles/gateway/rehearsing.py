"""A dry run as a process: `python -m tests.doubles.gateway.rehearsing SOCKET`. It tells what it heard.

An entry, an exit of it, and an entry larger than the gateway's policy allows go to the real `RehearsingVenue`.
"""

import asyncio
import json
import sys
from pathlib import Path

from desk.clock import SystemClock
from domain.decisions import ApprovedOrder, ExitPlan, ExitReason, Side
from domain.market import Bar, Snapshot
from execution.gateway_client.broker import GatewayBroker
from execution.gateway_client.rehearsal import RehearsingVenue
from execution.instruments import INSTRUMENTS
from execution.live.terms import VenueTerms
from execution.live.wire import WireCode
from execution.paper import PaperTerms, PaperVenue

SYMBOL, START_MS, MINUTE_MS, PRICE, TICKS = "SOL-PERP", 1_790_000_040_000, 60_000, 150.0, 150_000
PLAN = ExitPlan(
    stop_frac=0.02,
    target_frac=0.04,
    trail_frac=0.0,
    trail_arm_frac=0.0,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=60,
)
TERMS = VenueTerms(
    capital_usd=10_000.0, entry_slippage_bps=30.0, exit_slippage_bps=150.0, order_life_s=60.0, cash_tolerance_usd=1.0
)


def order(minute, side, lots, reason=None):
    """Return an order decided at the end of a minute."""
    at_ms = START_MS + minute * MINUTE_MS
    return ApprovedOrder(
        client_order_id=f"{SYMBOL}-{at_ms}-{reason or 'entry'}",
        symbol=SYMBOL,
        strategy="play",
        side=side,
        size_lots=lots,
        reduce_only=reason is not None,
        reference_ticks=TICKS,
        decided_ms=at_ms,
        exit_plan=None if reason else PLAN,
        exit_reason=reason,
    )


def minute_of(number):
    """Return a minute in which nothing moves."""
    bar = Bar(
        open_ms=START_MS + number * MINUTE_MS - MINUTE_MS,
        close_ms=START_MS + number * MINUTE_MS,
        open_price=PRICE,
        high_price=PRICE,
        low_price=PRICE,
        close_price=PRICE,
        volume_base=1.0,
    )
    return Snapshot(symbol=SYMBOL, as_of_ms=START_MS + number * MINUTE_MS, bar=bar)


async def play(path):
    """Rehearse, and return what was answered, filled and noted."""
    clock = SystemClock()
    broker = GatewayBroker(Path(path), "dry_run", clock.now_ms)
    instruments = await broker.open([SYMBOL])
    paper = PaperVenue(PaperTerms(), {SYMBOL: INSTRUMENTS[SYMBOL]})
    venue = RehearsingVenue(paper, broker, WireCode("dry", [SYMBOL]), TERMS, clock.now_ms)
    answers, fills = [], []
    for number, asked in enumerate(
        (order(0, Side.BUY, 100), order(1, Side.SELL, 100, ExitReason.STRATEGY), order(2, Side.BUY, 6_000))
    ):
        answers.append(await venue.submit(asked))
        report = await venue.advance(minute_of(number + 1))
        fills += [fill.client_order_id for fill in report.fills] if report else []
    await broker.close()
    return {
        "symbols": sorted(instruments),
        "answers": [answer and [answer.rule, answer.reason] for answer in answers],
        "fills": fills,
        "notes": [kind for kind, _ in venue.take_notes()],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(play(sys.argv[1]))) + "\n")
