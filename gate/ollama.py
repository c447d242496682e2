"""How an Ollama server is asked: the body of the chat call, and the line to it."""

import json
import ssl
from dataclasses import dataclass, field
from typing import Final

from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import Readiness
from gate.acceptance import heard_in
from gate.line import Heard
from gate.reply import SCHEMA
from gate.terms import ChatTerms
from gate.transport import Arrived, get, post

BACKEND: Final = "ollama"


class OllamaWire(Record, frozen=True, kw_only=True):
    """Implements `gate.line.Wire` for `POST /api/chat`."""

    terms: ChatTerms

    @property
    def backend(self) -> str:
        """The name under which its answers are recorded."""
        return BACKEND

    def body(self, system: str, user: str) -> str:
        """Word the chat call as canonical JSON. Temperature 0 is greedy; the seed is for the record."""
        body = {
            "format": SCHEMA,
            "keep_alive": "30m",
            "messages": [{"content": system, "role": "system"}, {"content": user, "role": "user"}],
            "model": self.terms.model,
            "options": {
                "num_ctx": self.terms.context_tokens,
                "num_predict": self.terms.reply_tokens,
                "seed": self.terms.seed,
                "temperature": 0,
            },
            # Without these two Ollama drops the front of what is too long, and answers all the same.
            "shift": False,
            "stream": False,
            "think": False,
            "truncate": False,
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def heard(self, arrived: Arrived, body: str) -> Heard:
        """Return what the answer to `body` says, or why it is none."""
        return heard_in(arrived, body, self.terms)


@dataclass(slots=True)
class OllamaLine:
    """Implements `gate.line.Line`."""

    wire: OllamaWire
    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, init=False)

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        """Make one chat call."""
        return await post(self.wire.terms.at("/api/chat"), body, deadline_s, self._tls)

    async def prepare(self) -> Readiness:
        """Find out whether a server answers."""
        arrived = await get(self.wire.terms.at("/api/version"), self.wire.terms.warmup_s, self._tls)
        if arrived.failure is not None:
            return Readiness(reason=arrived.failure, told=f"{self.wire.terms.url}: {arrived.failure.label}")
        return Readiness(reason=GateReason.OK, told=f"{self.wire.terms.url} answers")
