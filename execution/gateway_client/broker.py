"""The order gateway as a broker of the desk: orders out, their fate, executions and the account back.

What happened to an order is told from final blocks alone (ledger.py says why). An entry that has filled is over, and
its execution there to be booked, about thirteen seconds after its block; until then it is WORKING.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from domain.decisions import Side
from domain.errors import BadInput, BooksDisagree, VenueUnreachable
from domain.instrument import Instrument
from execution.gateway_client.grid import instrument_there, lots_of, request_of
from execution.gateway_client.ledger import Ledger, name_of
from execution.gateway_client.line import Denial, Line, what_is_wrong_with
from execution.gateway_client.messages import (
    AccountTold,
    Cancel,
    Fills,
    FillsTold,
    Greeting,
    Health,
    Hello,
    Markets,
    MarketsTold,
    OrderOnRecord,
    Orders,
    OrderTold,
    Request,
    RestingOnChain,
    State,
    Void,
    Wellbeing,
)
from execution.live.broker import (
    BrokerOrder,
    Execution,
    FundingPaid,
    OrderState,
    Resting,
    Stage,
    Standing,
)

UNKNOWN_ORDER: Final = "unknown_order"
TERMS_DIFFER: Final = "terms_differ"
STALE_REQUEST: Final = "stale_request"
LOG_UNAVAILABLE: Final = "log_unavailable"
NODE_SILENT: Final = "venue_unreachable"
REHEARSES: Final = "dry_run"
SIMULATED: Final = "simulated, not sent: the gateway runs in dry_run"
LANDED: Final = "it landed, and nothing of it rests; what is missing was not to be had, or was dropped"
CANCELS: Final = ".c"
CANCEL_LIFE_MS: Final = 10_000
LOOK_EVERY_S: Final = 1.0

_Body = TypeVar("_Body")


class GatewayBroker:
    """Implements `execution.live.broker.Broker` over the gateway's socket.

    greeting: who answered `open`; its policy's digest and program are worth recording with a run.
    """

    def __init__(self, path: Path, mode: str, now_ms: Callable[[], int], timeout_s: float = 10.0) -> None:
        """Take the socket's path, the mode the gateway has to run in, a clock, and how long an answer may take."""
        self._path, self._mode, self._now_ms = path, mode, now_ms
        # An order may take the gateway several questions to its node: nobody who only looks waits behind it.
        self._acting = Line(path, timeout_s, self._hold_greeting)
        self._looking = Line(path, timeout_s, self._hold_greeting)
        self._ledger = Ledger(self._fills)
        self._instruments: Mapping[str, Instrument] = {}
        self._notes: list[tuple[str, str]] = []
        self._is_lost = False
        self._n_cancels = 0
        self._seen: object = None
        self.greeting: Greeting | None = None

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Greet the gateway, hold what it is against what is asked for, and return each symbol's figures there."""
        self._hold_socket()
        self._hold_symbols(await self._told(Hello(), Greeting), symbols)
        self._hold_health(await self._told(Health(), Wellbeing))
        told = await self._told(Markets(), MarketsTold)
        markets = {one.symbol: one for one in told.markets}
        self._instruments = {symbol: instrument_there(symbol, markets) for symbol in symbols}
        return self._instruments

    async def close(self) -> None:
        """Hang up."""
        await self._acting.close()
        await self._looking.close()

    async def place(self, order: BrokerOrder) -> OrderState:
        """Send one order, once."""
        told = await self._order(request_of(order, self._instruments[order.symbol]))
        if told.order is not None:
            return await self._state(order.wire_id, told.order, told.reason)
        if told.code == TERMS_DIFFER:
            raise BooksDisagree(f"the id {order.wire_id} was used for another order before: {told.reason}")
        if told.code == LOG_UNAVAILABLE:
            # A log that failed may hold more than its gateway believes; only its next start will tell.
            raise VenueUnreachable(f"the gateway cannot keep its log: {told.reason}")
        # It was answered, and left no trace. Its id is given up, so that it stays so whatever arrives once more.
        left = await self._given_up(order.wire_id)
        if left.order is not None and left.order.op != Void.op:
            return await self._state(order.wire_id, left.order, left.reason)
        code = "too late" if told.code == STALE_REQUEST else told.code
        return OrderState(wire_id=order.wire_id, stage=Stage.OVER, filled_lots=0, why=f"{code}: {told.reason}")

    async def rehearse(self, order: BrokerOrder) -> str:
        """Have an order built and simulated, and return why it would not go through, "" where it would.

        Raises ValueError in live, where the same request is an order.
        """
        if self._mode != REHEARSES:
            raise ValueError(f"orders are rehearsed in {REHEARSES} alone")
        told = await self._order(request_of(order, self._instruments[order.symbol]))
        if told.order is not None and told.order.state is State.SIMULATED:
            return ""
        return f"{told.code}: {told.reason}"

    async def cancel(self, wire_id: str, symbol: str) -> None:
        """Ask for the end of a resting order, under an id of its own each time.

        What does not rest any more, or has its end on the way already, is left alone: each cancellation is a
        transaction that is paid for.
        """
        account = await self._told(Orders(), AccountTold)
        unfinished = {one.id for one in account.unfinished}
        is_ending = any(id.startswith(f"{wire_id}{CANCELS}") for id in unfinished)
        if is_ending or not (wire_id in unfinished or _rests(account, wire_id)):
            return
        self._n_cancels += 1
        now_ms = self._now_ms()
        id = f"{wire_id}{CANCELS}{now_ms:x}.{self._n_cancels}"
        told = await self._order(Cancel(id=id, valid_until_ms=now_ms + CANCEL_LIFE_MS, target=wire_id))
        if told.code not in {"", UNKNOWN_ORDER}:
            raise VenueUnreachable(f"the order {wire_id} could not be cancelled: {told.reason}")

    async def state_of(self, wire_id: str, symbol: str) -> OrderState:
        """Return how far an order is.

        When the gateway has no order of this id, a request for it may still be on its way: unread in a connection that
        was given up, or read and being worked on. Neither the end of its validity nor a later answer on a new
        connection rules that out. So the id is given up: the gateway finishes what it is working on, then takes it on
        record that this id is no order. What comes later finds the id taken, for ever. Only then it is ABSENT.
        """
        answer = await self._ask(self._looking, Orders(id=wire_id), OrderTold)
        if isinstance(answer, Denial) and answer.code == UNKNOWN_ORDER:
            answer = await self._given_up(wire_id)
        if isinstance(answer, Denial) or answer.order is None:
            raise VenueUnreachable(f"the fate of {wire_id} is unknown: {answer.reason}")
        if answer.order.op == Void.op:
            return OrderState(wire_id=wire_id, stage=Stage.ABSENT, filled_lots=0, why=answer.reason)
        return await self._state(wire_id, answer.order, answer.reason)

    async def executions(self, since_ms: int) -> Sequence[Execution]:
        """Return every final execution on the account since an instant, oldest first."""
        return await self._ledger.since(since_ms, self._instruments)

    async def funding(self, since_ms: int) -> Sequence[FundingPaid] | None:
        """Return None: the program settles funding into the position without telling a sum."""
        return None

    async def standing(self) -> Standing:
        """Return the account as of the newest final block; its cash is not told."""
        account = await self._account()
        held = ((one.symbol, one.market_index, one.base_asset_amount) for one in account.positions)
        positions = ((name_of(symbol, index), self._lots(symbol, base_raw)) for symbol, index, base_raw in held)
        return Standing(
            positions=tuple(sorted((name, lots) for name, lots in positions if lots)),
            resting=tuple(self._resting(one) for one in account.resting),
            cash_microusd=None,
        )

    async def changed(self) -> None:
        """Return when what rests, is held or has no end yet is not what it was when this last returned."""
        # The gateway speaks when it is spoken to: there is no event to wait for.
        while True:
            account = await self._account()
            seen = (account.resting, account.positions, account.unfinished)
            if seen != self._seen:
                self._seen = seen
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what happened to the connection since last asked."""
        notes, self._notes = self._notes, []
        return notes

    async def _state(self, wire_id: str, order: OrderOnRecord, reason: str) -> OrderState:
        if order.state.is_open:
            return OrderState(wire_id=wire_id, stage=Stage.WORKING, filled_lots=None)
        if order.state is not State.LANDED:
            why = SIMULATED if order.state is State.SIMULATED else f"{order.state}: {reason}"
            return OrderState(wire_id=wire_id, stage=Stage.OVER, filled_lots=0, why=why)
        if _rests(await self._account(), wire_id):
            return OrderState(wire_id=wire_id, stage=Stage.WORKING, filled_lots=None)
        return OrderState(wire_id=wire_id, stage=Stage.OVER, filled_lots=None, why=LANDED)

    async def _account(self) -> AccountTold:
        """Return the account as of the newest final block, never of an older one than was told before."""
        account = await self._told(Orders(final=True), AccountTold)
        self._ledger.hold_to(account.slot)
        return account

    async def _given_up(self, wire_id: str) -> OrderTold:
        """Give an id up; return what is on record of it then. Raises VenueUnreachable where nothing is."""
        answer = _with_order(await self._ask(self._acting, Void(id=wire_id), OrderTold))
        if isinstance(answer, Denial):
            raise VenueUnreachable(f"the fate of {wire_id} is unknown: {answer.reason}")
        return answer

    async def _fills(self, request: Fills) -> FillsTold:
        return await self._told(request, FillsTold)

    async def _order(self, request: Request) -> OrderTold:
        """Return what became of a request for an order or a cancellation, with the order where it left one."""
        answer = _with_order(await self._ask(self._acting, request, OrderTold))
        return OrderTold(code=answer.code, reason=answer.reason) if isinstance(answer, Denial) else answer

    async def _told(self, request: Request, kind: type[_Body]) -> _Body:
        """Return the answer to a question that has one. Raises VenueUnreachable where it is no."""
        answer = await self._ask(self._looking, request, kind)
        if isinstance(answer, Denial):
            raise VenueUnreachable(f"the gateway: {answer.reason}")
        return answer

    async def _ask(self, line: Line, request: Request, kind: type[_Body]) -> _Body | Denial:
        try:
            answer = await line.ask(request, kind)
        except VenueUnreachable as error:
            self._note_loss(str(error))
            raise
        if isinstance(answer, Denial):
            if answer.code == NODE_SILENT:
                self._note_loss(answer.reason)
        elif self._is_lost and not _is_from_record(request):
            self._is_lost = False
            self._notes.append(("broker_back", "the order gateway and its node answer again"))
        return answer

    def _note_loss(self, reason: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._notes.append(("broker_lost", reason))

    def _lots(self, symbol: str | None, base_raw: int) -> int:
        of = self._instruments.get(symbol or "")
        return base_raw if of is None else lots_of(base_raw, of, "a position")

    def _resting(self, one: RestingOnChain) -> Resting:
        left_raw = one.base_asset_amount - one.base_asset_amount_filled
        return Resting(
            wire_id=one.id,
            symbol=name_of(one.symbol, one.market_index),
            side=Side.SELL if one.direction else Side.BUY,
            size_lots=self._lots(one.symbol, left_raw),
        )

    def _hold_socket(self) -> None:
        try:
            wrong = what_is_wrong_with(self._path)
        except OSError as error:
            raise VenueUnreachable(
                f"no order gateway listens at {self._path} ({error.strerror}): start it, see docs/gateway.md"
            ) from None
        if wrong:
            raise BadInput(f"GATEWAY_SOCKET {self._path} may not be trusted: {wrong}")

    def _hold_greeting(self, greeting: Greeting) -> None:
        """Refuse a gateway of another mode or account, at first as the user's slip, later as a reason to halt."""
        if greeting.mode != self._mode:
            slip = (
                f"the order gateway at {self._path} runs in {greeting.mode}, the desk in {self._mode}: start the "
                f"gateway with --mode {self._mode}"
            )
            raise BadInput(slip) if self.greeting is None else BooksDisagree(slip)
        first = self.greeting or greeting
        if (greeting.program, greeting.user) != (first.program, first.user):
            raise BooksDisagree(f"the order gateway trades for {greeting.user} now; it was {first.user}")
        self.greeting = greeting

    def _hold_symbols(self, greeting: Greeting, symbols: Sequence[str]) -> None:
        if missing := sorted(set(symbols) - set(greeting.symbols)):
            raise BadInput(
                f"the order gateway's policy does not list {', '.join(missing)}; it lists {', '.join(greeting.symbols)}"
            )

    def _hold_health(self, health: Wellbeing) -> None:
        failed = [f"{one.part} ({one.found})" for one in health.preflight if not one.holds]
        if failed:
            raise BadInput(f"the order gateway's proof that the venue is alive does not hold: {'; '.join(failed)}")
        for who, is_halted in sorted(health.halted.items()):
            if is_halted:
                self._notes.append(("broker_halted", f"the order gateway is halted by the {who}: only exits pass"))


def _rests(account: AccountTold, wire_id: str) -> bool:
    return any(one.id == wire_id for one in account.resting)


def _with_order(answer: OrderTold | Denial) -> OrderTold | Denial:
    """Return the order behind a no, where there is one: an order that was refused stands on record."""
    if not isinstance(answer, Denial):
        return answer
    try:
        told = msgspec.json.decode(answer.line, type=OrderTold)
    except msgspec.ValidationError as error:
        raise VenueUnreachable(f"the gateway's answer cannot be read: {error}") from None
    return answer if told.order is None else told


def _is_from_record(request: Request) -> bool:
    """Whether the gateway answers without its node, so that the answer proves nothing of the venue."""
    return isinstance(request, Hello | Void) or (isinstance(request, Orders) and request.id is not None)
