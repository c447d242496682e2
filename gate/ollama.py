"""The second reader on an Ollama server: one chat call an entry, and no for whatever goes wrong."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.record import Record
from domain.situation import Situation
from domain.tick import GateAnswer, GateQuestion
from gate.acceptance import Expected, content_of
from gate.address import objection_to
from gate.breaker import Breaker
from gate.prompt import PromptBuilder
from gate.reply import SCHEMA, Reply, read_reply, ruling_on
from gate.transport import Arrived, post

BACKEND: Final = "ollama"


class OllamaTerms(Record, frozen=True, kw_only=True):
    """Whom to ask, and what counts as a yes.

    url: scheme, host and port. deadline_s: for the whole call. min_p_win_frac: least chance of profit.
    context_tokens: the model's window; reply_tokens: what it may spend on the answer. breaker_bars: how long a
    failing server is left alone.
    """

    url: str = "http://127.0.0.1:11434"
    allows_remote: bool = False
    model: str = ""
    deadline_s: float = 8.0
    min_p_win_frac: float = 0.5
    context_tokens: int = 4096
    reply_tokens: int = 200
    seed: int = 7
    breaker_bars: int = 15

    def __post_init__(self) -> None:
        """Refuse an address that is not allowed, and a window without room for a question."""
        objection = objection_to(self.url, allows_remote=self.allows_remote)
        if objection is not None:
            raise ValueError(f"{self.url} is not {objection}")
        if not (self.deadline_s > 0.0 and 0.0 <= self.min_p_win_frac <= 1.0 and self.breaker_bars >= 0):
            raise ValueError("deadline, threshold or breaker is impossible")
        if not 1 <= self.reply_tokens < self.context_tokens:
            raise ValueError(f"{self.reply_tokens} tokens of reply leave nothing of {self.context_tokens}")


@dataclass(slots=True)
class OllamaReader:
    """Implements `domain.ports.Reader`. elapsed_s: a clock that only moves forward, for the latency."""

    terms: OllamaTerms
    mode: GateMode
    prompt: PromptBuilder
    elapsed_s: Callable[[], float]
    breaker: Breaker = field(init=False)
    _open_symbols: set[str] = field(default_factory=set, init=False)
    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, init=False)

    def __post_init__(self) -> None:
        """Begin with a closed breaker."""
        self.breaker = Breaker(open_bars=self.terms.breaker_bars)

    def question(self, situation: Situation) -> GateQuestion:
        """Word the question: the body of the call, to the byte."""
        proposal, words = situation.proposal, self.prompt.words(situation)
        return GateQuestion(
            request_id=f"{proposal.symbol}-{proposal.as_of_ms}-gate",
            symbol=proposal.symbol,
            as_of_ms=proposal.as_of_ms,
            backend=BACKEND,
            mode=self.mode.value,
            prompt=chat_body(self.terms, words.system, words.user),
            break_even_frac=words.break_even_frac,
        )

    async def ask(self, question: GateQuestion) -> GateAnswer:
        """Ask once, unless a question about this market is open or the server is being left alone."""
        if question.symbol in self._open_symbols:
            return _answer(question, GateReason.BUSY_LOCAL)
        if self.breaker.is_open(question.as_of_ms):
            return _answer(question, GateReason.CIRCUIT_OPEN)
        self._open_symbols.add(question.symbol)
        began_s = self.elapsed_s()
        try:
            url = f"{self.terms.url.rstrip('/')}/api/chat"
            arrived = await post(url, question.prompt.encode(), self.terms.deadline_s, self._tls)
        finally:
            self._open_symbols.discard(question.symbol)
        latency_ms = (self.elapsed_s() - began_s) * 1000
        reason = judged(arrived, question, self.terms)
        self.breaker.hear(reason, question.as_of_ms)
        return _answer(question, reason, arrived, latency_ms)


def chat_body(terms: OllamaTerms, system: str, user: str) -> str:
    """Return the body of the chat call as canonical JSON. Temperature 0 is greedy; the seed is for the record."""
    body = {
        "format": SCHEMA,
        "keep_alive": "30m",
        "messages": [{"content": system, "role": "system"}, {"content": user, "role": "user"}],
        "model": terms.model,
        "options": {
            "num_ctx": terms.context_tokens,
            "num_predict": terms.reply_tokens,
            "seed": terms.seed,
            "temperature": 0,
        },
        # Without these two Ollama drops the front of what is too long, and answers all the same.
        "shift": False,
        "stream": False,
        "think": False,
        "truncate": False,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)


def judged(arrived: Arrived, question: GateQuestion, terms: OllamaTerms) -> GateReason:
    """Return OK when everything about the answer is as it must be, else the first thing that is not."""
    messages = json.loads(question.prompt)["messages"]
    expected = Expected(
        model=terms.model,
        n_bytes=sum(len(message["content"].encode()) for message in messages),
        most_tokens=terms.context_tokens - terms.reply_tokens,
    )
    content = content_of(arrived, expected)
    if isinstance(content, GateReason):
        return content
    reply = read_reply(content)
    if not isinstance(reply, Reply):
        return reply
    return ruling_on(reply, terms.min_p_win_frac, question.break_even_frac)


def _answer(
    question: GateQuestion, reason: GateReason, arrived: Arrived | None = None, latency_ms: float | None = None
) -> GateAnswer:
    by = {"reason_code": reason.value, "backend": question.backend, "request_id": question.request_id}
    return GateAnswer(
        verdict=Approved(keep_frac=1.0, **by) if reason is GateReason.OK else Denied(**by),
        raw_reply=None if arrived is None or arrived.status is None else arrived.body,
        latency_ms=latency_ms,
    )
