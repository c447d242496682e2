"""The whole tick: the row of the journal, the page of the web, the golden file of the tests."""

from enum import StrEnum

from domain.account import Fill, FundingPayment, Trade
from domain.decisions import ApprovedOrder, Proposal, Refusal, Ruling, Signal, Verdict
from domain.features import Features
from domain.gate_reason import GateReason
from domain.market import Snapshot
from domain.record import Record
from domain.situation import Counterfactual, Reflection


class TradingState(StrEnum):
    """HALTED: nothing. FLATTENING: close all. REDUCING: exits only. ACTIVE: entries too. A desk starts HALTED.

    The state comes from outside the tick (a human, a failing journal), so it is recorded as an input of the tick.
    """

    HALTED = "halted"
    FLATTENING = "flattening"
    REDUCING = "reducing"
    ACTIVE = "active"


class Outcome(StrEnum):
    """The one word for how a tick ended, the first that applies."""

    UNFIT = "unfit"
    WARMING_UP = "warming_up"
    HALTED = "halted"
    REDUCING = "reducing"
    ENTERED = "entered"
    EXITING = "exiting"
    DENIED = "denied"
    REFUSED = "refused"
    DISAGREED = "disagreed"
    NO_SIGNAL = "no_signal"


class GateQuestion(Record, frozen=True, kw_only=True):
    """One question, ready to be put on record and asked. prompt: everything that is sent, as text.

    break_even_frac: the chance of profit at which the trade pays for its costs; above 1 where it never does.
    """

    request_id: str
    symbol: str
    as_of_ms: int
    backend: str
    mode: str
    prompt: str
    break_even_frac: float


class GateEvidence(Record, frozen=True, kw_only=True):
    """Who answered, by what prompt, how sure it was and what it cost; None where the backend does not tell.

    source: "live", "cassette" or "embedded". digest: the fingerprint of the model's weights. p_win_frac: its own
    chance that the trade's net result is above zero, for noes too. load_ms, prompt_ms, reply_ms: by its own clock.
    """

    source: str
    model: str
    prompt_version: str
    prompt_sha256: str
    digest: str | None = None
    server_version: str | None = None
    p_win_frac: float | None = None
    n_prompt_tokens: int | None = None
    n_reply_tokens: int | None = None
    load_ms: float | None = None
    prompt_ms: float | None = None
    reply_ms: float | None = None


class Readiness(Record, frozen=True, kw_only=True):
    """Whether a reader may be asked. reason: OK, or why it may not; told: one sentence for people.

    digest, server_version, context_tokens: what was found of the model; None where the backend does not tell.
    """

    reason: GateReason
    told: str
    digest: str | None = None
    server_version: str | None = None
    context_tokens: int | None = None

    @property
    def is_ready(self) -> bool:
        """Say whether it may be asked."""
        return self.reason is GateReason.OK


class GateAnswer(Record, frozen=True, kw_only=True):
    """What came back. raw_reply: the bytes as they arrived, whole or not; None when nothing did."""

    verdict: Verdict
    raw_reply: bytes | None = None
    latency_ms: float | None = None
    evidence: GateEvidence | None = None


class GateExchange(Record, frozen=True, kw_only=True):
    """What was asked of the gate and what came back, as recorded. raw_reply: None when nothing arrived.

    backend "off" asks nobody: prompt is empty and the answer is marked as such.
    """

    request_id: str
    backend: str
    mode: str
    prompt: str
    raw_reply: bytes | None
    verdict: Verdict
    latency_ms: float | None = None
    evidence: GateEvidence | None = None


class RiskCheck(Record, frozen=True, kw_only=True):
    """One ruling in full: every rule asked, in order, and the sizes that competed.

    passed: names of the rules that let it pass before the ruling was reached.
    sizes_lots: (method, lots) of each sizing method; the smallest won.
    """

    passed: tuple[str, ...]
    sizes_lots: tuple[tuple[str, int], ...]
    ruling: Ruling


class TickRecord(Record, frozen=True, kw_only=True):
    """What was seen, asked, told and done for one symbol at the close of one minute.

    outcome and why: how it ended, as a word and as a sentence. equity, cash, position: after this tick, by our books.
    orders: entries and exits submitted. refusals: noes of the venue or the journal for those orders.
    counterfactuals, reflections: earlier triggers whose end this minute showed, and what they teach; only with a gate.
    """

    tick_no: int
    snapshot: Snapshot
    state: TradingState
    outcome: Outcome
    why: str
    features: Features | None = None
    signals: tuple[Signal, ...] = ()
    proposal: Proposal | None = None
    gate: GateExchange | None = None
    risk: RiskCheck | None = None
    orders: tuple[ApprovedOrder, ...] = ()
    refusals: tuple[tuple[str, Refusal], ...] = ()
    fills: tuple[Fill, ...] = ()
    funding: tuple[FundingPayment, ...] = ()
    trades: tuple[Trade, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    reflections: tuple[Reflection, ...] = ()
    equity_microusd: int = 0
    cash_microusd: int = 0
    position_lots: int = 0
