"""One exchange and a broker for it, lived through for the length of a story."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.doubles.trading.world import CcxtWorld

Story = Callable[[CcxtWorld, Any], Awaitable[None]]
Prepare = Callable[[CcxtWorld, Any], None]
Play = Callable[..., None]


@pytest.fixture
def play() -> Play:
    """Return a way to live a story: (world, story, prepare); the account is got ready before the broker is opened."""

    def play(world: CcxtWorld, story: Story, prepare: Prepare | None = None) -> None:
        async def go() -> None:
            if prepare is not None:
                prepare(world, world.account)
            try:
                await world.begin()
                await story(world, world.account)
            finally:
                await world.end()

        asyncio.run(go())

    return play
