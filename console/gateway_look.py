"""The doctor's look at the order gateway: what it says of itself, its venue and our markets. No order is part of it."""

import asyncio
from collections.abc import Iterator, Sequence

from domain.errors import DeskError
from execution.gateway_client.broker import GatewayBroker


def ask_gateway(gateway: GatewayBroker, symbols: Sequence[str]) -> Iterator[tuple[str, bool, str]]:
    """Yield what the gateway has to say, as (name, whether it holds, what was found)."""
    with asyncio.Runner() as runner:
        try:
            grids = runner.run(gateway.open(symbols))
        except DeskError as error:
            yield "gateway answers", False, str(error)
            return
        finally:
            runner.run(gateway.close())
    told = gateway.greeting
    if told is not None:
        yield "gateway answers", True, f"{told.mode}, program {told.program}, policy {told.policy[:12]}"
    steps = ", ".join(f"{symbol} in lots of {grid.lot_size_base}" for symbol, grid in sorted(grids.items()))
    yield "gateway markets", True, steps
    for _, sentence in gateway.take_notes():
        yield "gateway", False, sentence
