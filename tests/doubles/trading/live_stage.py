"""The program itself, trading on the local exchange with a key: Bybit's market and account, or Hyperliquid's."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.hyperliquid import Hyperliquid
from tests.doubles.exchange.markets import Market
from tests.doubles.exchange.server import LocalExchange, Protocol
from tests.doubles.trading.engine import Engine
from tests.doubles.trading.server import TradingServer
from tests.doubles.trading.stage import LOOK_S, WARMUP, DeskStage
from tests.doubles.trading.world import ACCOUNTS, KEYS, contracts_of

__all__ = ["WARMUP", "LiveStage"]
QUIET_LOOKS = 5
MARKETS: Mapping[str, Callable[[Sequence[Market]], Protocol]] = {"bybit": Bybit, "hyperliquid": Hyperliquid}


@dataclass
class LiveStage(DeskStage):
    """A desk that trades on an account, and the account's own books.

    Bybit's account has the market's address; Hyperliquid's, which shares its paths with the market, one of its own.
    """

    venue: str = "bybit"
    _n_before: int = 0

    def opened(self) -> LocalExchange:
        """Put the account beside the market."""
        self.engine = Engine(contracts_of(self.markets), self.time.now_ms)
        self.server = TradingServer(ACCOUNTS[self.venue](self.engine))
        self.door = self.server.door
        self.key_file = self.folder / "key.json"
        self.key_file.write_text(json.dumps(KEYS[self.venue]))
        self.key_file.chmod(0o600)
        self.settings = (*self.settings, f"LIVE_EXCHANGE={self.venue}", f"CCXT_VENUE={self.venue}")
        protocol = MARKETS[self.venue](self.markets)
        return LocalExchange(protocol, self.time, self.script, self.door, shares_address=self.shares_address)

    @property
    def shares_address(self) -> bool:
        return self.venue == "bybit"

    async def __aenter__(self) -> Self:
        """Open the account too, where it is alone."""
        if not self.shares_address:
            await self.server.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *failure: object) -> None:
        """Close what was opened."""
        await super().__aexit__(*failure)
        if not self.shares_address:
            await self.server.__aexit__(*failure)

    def way(self) -> dict[str, str]:
        url = self.exchange.url if self.shares_address else self.server.url
        return {"EXECUTION": "ccxt", "CCXT_KEY_FILE": str(self.key_file), "CCXT_URL": url}

    def held(self) -> Mapping[str, int]:
        lots = {base: int(size / self.engine.contracts[base].lot) for base, size in self.engine.held.items()}
        return {f"{base}-PERP": held for base, held in lots.items() if held}

    async def live(self, dies_at: str | None = None) -> None:
        """Start the live desk, and wait until it listens to its account or is gone."""
        self._n_before = self.door.n_connected
        await super().live(dies_at)

    def is_at_the_venue(self) -> bool:
        return self.door.n_connected > self._n_before and self.door.is_heard

    async def joined(self) -> None:
        while not self.is_at_the_venue() and not self.is_away():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(LOOK_S)

    async def rest(self) -> None:
        """Wait until no request has come for some looks."""
        n_quiet = 0
        while n_quiet < QUIET_LOOKS and not self.is_away():
            before = sum(self.door.n_asked.values())
            await asyncio.sleep(LOOK_S)
            n_quiet = n_quiet + 1 if sum(self.door.n_asked.values()) == before else 0
