"""The program itself, trading on the local exchange with a key: one address for the market and the account."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.doubles.trading.bybit import BybitAccount
from tests.doubles.trading.door import Door
from tests.doubles.trading.engine import Engine
from tests.doubles.trading.stage import LOOK_S, WARMUP, DeskStage
from tests.doubles.trading.world import API_KEY, KEYS, SECRET, contracts_of

__all__ = ["WARMUP", "LiveStage"]
QUIET_LOOKS = 5


@dataclass
class LiveStage(DeskStage):
    """A desk that trades on Bybit's account, and the account's own books."""

    def mounted(self) -> Door:
        """Put the account beside the market."""
        self.engine = Engine(contracts_of(self.markets), self.time.now_ms)
        self.account = BybitAccount(self.engine, API_KEY, SECRET)
        self.door = Door(self.account)
        self.key_file = self.folder / "key.json"
        self.key_file.write_text(json.dumps(KEYS["bybit"]))
        self.key_file.chmod(0o600)
        return self.door

    def way(self) -> dict[str, str]:
        return {"EXECUTION": "ccxt", "CCXT_KEY_FILE": str(self.key_file), "CCXT_URL": self.exchange.url}

    def held(self) -> Mapping[str, int]:
        lots = {base: int(size / self.engine.contracts[base].lot) for base, size in self.engine.held.items()}
        return {f"{base}-PERP": held for base, held in lots.items() if held}

    async def live(self, dies_at: str | None = None) -> None:
        """Start the live desk, and wait until it listens to its account or is gone."""
        self._n_before = self.door.n_connected
        await super().live(dies_at)

    async def joined(self) -> None:
        while not (self.door.n_connected > self._n_before and self.door.is_heard) and not self.is_away():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(LOOK_S)

    async def rest(self) -> None:
        """Wait until no request has come for some looks."""
        n_quiet = 0
        while n_quiet < QUIET_LOOKS and not self.is_away():
            before = sum(self.door.n_asked.values())
            await asyncio.sleep(LOOK_S)
            n_quiet = n_quiet + 1 if sum(self.door.n_asked.values()) == before else 0
