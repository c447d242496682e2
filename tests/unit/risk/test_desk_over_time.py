"""The desk lived through: orders wait, fill and close, days pass, the desk is restarted in between."""

import json
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from domain.decisions import ApprovedOrder, ExitReason, Refusal
from domain.market import DAY_MS, MINUTE_MS
from risk.counters import RiskCounters
from risk.desk import RiskDesk
from risk.exposure import exposure_of
from risk.limits import RiskLimits, SizingPolicy
from tests.unit.risk.cases import EQUITY_MICROUSD, NOON_MS, SOL, position, proposal, ruled, snapshot, trade

SYMBOLS = ("SOL-PERP", "AAA-PERP", "BBB-PERP")
INSTRUMENTS = {symbol: replace(SOL, symbol=symbol) for symbol in SYMBOLS}
MARKS = dict.fromkeys(SYMBOLS, 100_000)
LIMITS = RiskLimits(
    max_order_notional_usd=6_000.0,
    max_gross_exposure_frac=1.0,
    max_open_positions=2,
    max_orders_per_minute=2,
    max_consecutive_losses=2,
    cooldown_after_trade_ms=2 * MINUTE_MS,
    cooldown_after_loss_ms=5 * MINUTE_MS,
)
DESK = RiskDesk(
    limits=LIMITS,
    sizing=SizingPolicy(risk_per_trade_frac=0.02, daily_vol_target_frac=0.0, kelly_fraction=0.0),
    instruments=INSTRUMENTS,
)


class DeskOverTime(RuleBasedStateMachine):
    """What the machine remembers beside the desk is the history itself, looked through afresh at each question."""

    def __init__(self):
        super().__init__()
        self.counters, self.now_ms, self.equity = RiskCounters(), NOON_MS, EQUITY_MICROUSD
        self.held, self.pending = {}, {}
        self.sent_ms, self.trades, self.equities = [], [], []
        self.tick()

    def tick(self):
        self.counters.on_tick(self.now_ms, self.equity)
        self.equities.append((self.now_ms, self.equity))

    @rule(minutes=st.sampled_from([1, 2, 5, 5, 300]))
    def wait(self, minutes):
        self.now_ms += minutes * MINUTE_MS
        self.tick()

    @rule()
    def fill(self):
        for symbol, order in self.pending.items():
            self.held[symbol] = int(order.side) * order.size_lots
        self.pending.clear()

    @rule(net=st.integers(-150_000_000, 50_000_000))
    def close(self, net):
        if not self.held:
            return
        symbol, lots = self.held.popitem()
        order = DESK.approve_exit(replace(position(lots), symbol=symbol), ExitReason.STOP, 100_000, self.now_ms)
        assert order.size_lots == abs(lots)
        self.counters.on_order(self.now_ms, reduce_only=True)
        self.counters.on_trade(replace(trade(net, self.now_ms), symbol=symbol))
        self.trades.append((self.now_ms, net))
        self.equity += net
        self.tick()

    @rule()
    def restart(self):
        state, self.counters = json.dumps(self.counters.state()), RiskCounters()
        self.counters.restore(json.loads(state))

    @rule()
    def resume_by_a_human(self):
        self.counters.acknowledge_drawdown(self.equity)

    @rule(symbol=st.sampled_from(SYMBOLS))
    def propose(self, symbol):
        exposure = exposure_of(symbol, self.equity, self.held, MARKS, self.pending.values(), INSTRUMENTS)
        wanted = proposal(symbol=symbol, as_of_ms=self.now_ms)
        seen = snapshot(symbol=symbol, as_of_ms=self.now_ms)
        put = DESK.case(wanted, seen, exposure, self.counters.view(), self.now_ms, 10.0)
        ruling = ruled(DESK, put, 1.0).ruling
        if isinstance(ruling, ApprovedOrder):
            self.check_history(symbol)
            self.pending[symbol] = ruling
            self.counters.on_order(self.now_ms)
            self.sent_ms.append(self.now_ms)
            gross = sum(abs(lots) for lots in self.held.values())
            gross += sum(order.size_lots for order in self.pending.values())
            assert gross * 1_000_000 <= LIMITS.max_gross_exposure_frac * self.equity
        else:
            assert isinstance(ruling, Refusal)

    def check_history(self, symbol):
        """Look the whole history through for a reason why this entry must not have been approved."""
        assert symbol not in self.held
        assert symbol not in self.pending
        assert all(self.now_ms - at_ms >= LIMITS.cooldown_after_trade_ms for at_ms, _ in self.trades)
        assert all(self.now_ms - at_ms >= LIMITS.cooldown_after_loss_ms for at_ms, net in self.trades if net < 0)
        today = [net for at_ms, net in self.trades if at_ms // DAY_MS == self.now_ms // DAY_MS]
        assert not any(first < 0 and second < 0 for first, second in pairwise(today))
        start = next(equity for at_ms, equity in self.equities if at_ms // DAY_MS == self.now_ms // DAY_MS)
        assert start - self.equity < LIMITS.max_daily_loss_frac * start

    @invariant()
    def counts_stand_within_their_caps(self):
        assert len(self.held.keys() | self.pending.keys()) <= LIMITS.max_open_positions
        assert sum(self.now_ms - at_ms < MINUTE_MS for at_ms in self.sent_ms) <= LIMITS.max_orders_per_minute


DeskOverTime.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_no_sequence_of_proposals_fills_and_restarts_passes_a_limit = DeskOverTime.TestCase
