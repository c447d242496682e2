"""The least that any client needs: a message from a websocket, read, and an order posted for it on a line kept open."""

import asyncio
import json
import sys

import aiohttp

from benchmarks.live.exchange import BARE_POST, BARE_WS


async def serve(url: str) -> None:
    """Answer every message with an order, until the exchange hangs up."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url + BARE_WS) as socket:
        async for message in socket:
            bar = json.loads(message.data)["data"][0]
            order = json.dumps({"symbol": "S00USDT", "side": "Buy", "qty": "1", "price": bar["close"]})
            async with session.post(url + BARE_POST, data=order) as answer:
                await answer.json()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
