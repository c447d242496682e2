"""The program itself, trading through the real gateway process on the test chain, which lives in the market's time."""

import asyncio

from tests.doubles.exchange.desk_process import HURRIES
from tests.doubles.gateway.between import Between
from tests.doubles.gateway.world import BTC, SOL, GatewayWorld
from tests.doubles.trading.stage import LOOK_S, PATIENCE_S, DeskStage

INDEXES = {"SOL": SOL, "BTC": BTC}
LOTS = {"SOL-PERP": 10_000_000, "BTC-PERP": 100_000}
BLOCK_MS, MOST_BLOCKS, BLOCKS_TO_FINAL = 400, 150, 5
DEEDS = ("place", "cancel", "void")
OPEN = {"accepted", "signed"}
WHOLE_LOOKS, MOST_ROUNDS = 2, 60
STARTING_MS = 2_000
"""No process follows another in the same instant: ids of protective orders rest on that."""
CREEPING_LOOKS, LOOKING_S = 30, 10


class GatewayStage(DeskStage):
    """A desk, its gateway, somebody between them who can lose what is said, and the chain behind.

    keeper: starts the gateway again when it has died; set by whoever lets it die. n_gateway_starts: how often it was.
    """

    def __post_init__(self):
        """Put a flat account on a chain of its own, at the market's time."""
        super().__post_init__()
        self.now_file = self.folder / "now"
        self._show_time()
        wide = {"most_oracle_age_slots": 10**9, "orders_per_minute": 10**6, "reducing_orders_per_minute": 10**6}
        self.gateway = GatewayWorld(self.folder / "gateway", now_file=self.now_file, **wide)
        self.gateway.chain("ioc", price="oracle")
        self.between = Between(self.gateway.folder / "between.sock", self.gateway.socket_path, self.time.now_ms)
        self._at_rest, self._n_fills, self._is_live = None, 0, False
        self._pass_time()

    @property
    def environ(self):
        return {**super().environ, HURRIES: "1"}

    def way(self):
        return {"EXECUTION": "gateway", "GATEWAY_SOCKET": str(self.between.path)}

    async def __aenter__(self):
        """Begin to listen, with the gateway behind."""
        await super().__aenter__()
        await asyncio.to_thread(self.gateway.start)
        await self.between.__aenter__()
        return self

    async def __aexit__(self, *failure):
        """End every process."""
        await super().__aexit__(*failure)
        await self.between.__aexit__()
        self.gateway.close()

    async def move_to(self, now_ms):
        """Move the chain first: the desk hears of a price that orders have met already."""
        before_ms = self.time.now_ms()
        self.time.move_to(now_ms)
        self._show_time()
        self._pass_time(min((now_ms - before_ms) // BLOCK_MS, MOST_BLOCKS))
        if self.gateway.is_running():
            await self.between.let_in_late()
        await self.exchange.move_to(now_ms)

    async def live(self, dies_at=None):
        self._is_live, self._n_active_before = True, self._n_active()
        await self.move_to(self.time.now_ms() + STARTING_MS)
        await super().live(dies_at)

    async def joined(self):
        """Wait until it is active: it has looked at the account and reconciled."""
        is_active = await self.until(lambda: self._n_active() > self._n_active_before, PATIENCE_S)
        assert is_active or self.is_away(), f"the desk does not become active: {self.said()}"

    async def rest(self):
        """Wait until every order has its end, that is final, and the desk has looked since and done nothing more."""
        if self._is_live and self._state() != self._at_rest:
            await self.come_to_rest()

    async def come_to_rest(self):
        """Do so even where nothing seems to have happened, as after a minute that the desk has just taken."""
        for _ in range(MOST_ROUNDS):
            n_deeds, n_looks = self.n_deeds(), self.between.n_asked["fills"]
            wanted = n_looks + WHOLE_LOOKS
            looks_on = await self.until(lambda wanted=wanted: self.between.n_asked["fills"] >= wanted, LOOKING_S)
            if not looks_on:
                # It is away, or will say with its next minute why it looks no more.
                return
            if self.n_deeds() == n_deeds and not self.is_anything_open():
                self._at_rest = self._state()
                return

    async def taken(self, close_ms, run):
        """Wait with a clock that creeps so slowly that an order whose answer is awaited does not come too late."""
        n_looks = 0
        while not self.is_away() and self.taken_ms(run) < close_ms:
            await asyncio.sleep(LOOK_S)
            n_looks += 1
            if n_looks % CREEPING_LOOKS == 0:
                await self.move_to(self.time.now_ms() + 1_000)
        if self._is_live:
            await self.come_to_rest()

    async def until(self, holds, patience_s):
        """Let blocks pass until something holds; say whether it does, or the desk is away, or patience is over."""
        for _ in range(int(patience_s / LOOK_S)):
            if self.is_away() or holds():
                break
            self.gateway.chain("advance", blocks=BLOCKS_TO_FINAL)
            await asyncio.sleep(LOOK_S)
        return holds()

    def n_deeds(self):
        """Return how many orders, cancellations and giving-ups the desk has asked for."""
        return sum(self.between.n_asked[one] for one in DEEDS)

    def n_orders(self):
        """Return how many orders the gateway has on record; what takes one away is none."""
        return sum(one["fact"] == "asked" and one["op"] == "place" for one in self.gateway.facts())

    def is_anything_open(self):
        """Say whether an order of the gateway has no end yet."""
        return bool(OPEN & set(self.gateway.states().values()))

    def held(self):
        return {symbol: base // LOTS[symbol] for symbol, base in self.gateway.positions().items()}

    def _n_active(self):
        return int(str(self.query("SELECT COUNT(*) FROM events WHERE kind = 'active'")[0][0]))

    def _state(self):
        return self.n_deeds(), self._n_fills

    def _pass_time(self, blocks=1):
        now_ms = self.time.now_ms()
        prices = {INDEXES[one.base]: round(one.price(now_ms) * 1_000_000) for one in self.markets}
        self._n_fills = self.gateway.chain("pass_time", now_ms=now_ms, prices=prices, blocks=blocks)

    def _show_time(self):
        # In one step: the gateway reads the file whenever it likes.
        fresh = self.now_file.with_suffix(".new")
        fresh.write_text(str(self.time.now_ms()))
        fresh.replace(self.now_file)
