"""How an OpenAI-compatible server is asked, such as llama.cpp's, vLLM's or LM Studio's."""

import json
import ssl
from dataclasses import dataclass, field
from typing import Final

import msgspec

from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import Readiness
from gate.canary import canary_body, canary_objection, unfit
from gate.line import Heard
from gate.openai_acceptance import Listed, fingerprint_in, heard_in, listed_in
from gate.reply import SCHEMA
from gate.terms import ChatTerms
from gate.transport import Arrived, from_now, get, post

BACKEND: Final = "openai"


class OpenAiWire(Record, frozen=True, kw_only=True):
    """Implements `gate.line.Wire` for `POST /v1/chat/completions`."""

    terms: ChatTerms

    @property
    def backend(self) -> str:
        """The name under which its answers are recorded."""
        return BACKEND

    def body(self, system: str, user: str) -> str:
        """Word the chat call as canonical JSON. Temperature 0 is greedy; the seed is for the record."""
        body = {
            "max_tokens": self.terms.reply_tokens,
            "messages": [{"content": system, "role": "system"}, {"content": user, "role": "user"}],
            "model": self.terms.model,
            "response_format": {
                "json_schema": {"name": "verdict", "schema": SCHEMA, "strict": True},
                "type": "json_schema",
            },
            "seed": self.terms.seed,
            "stream": False,
            "temperature": 0,
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def heard(self, arrived: Arrived, body: str) -> Heard:
        """Return what the answer to `body` says, or why it is none."""
        return heard_in(arrived, body, self.terms)


@dataclass(slots=True)
class OpenAiLine:
    """Implements `gate.line.Line`. The model's entry and the server's fingerprint are pinned as they were found fit.

    The protocol tells nothing of the weights: a server whose entry holds no more than a name can swap them unseen.
    """

    wire: OpenAiWire
    _pinned: str | None = field(default=None, init=False)
    _fingerprint: str | None = field(default=None, init=False)
    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, init=False)

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        """Make one chat call, then see whether the server's entry of the model is still the pinned one."""
        until = from_now(deadline_s)
        arrived = await self._post(body, until)
        if arrived.failure is not None or arrived.status != 200:
            return arrived
        listed = await self._listed(until)
        if isinstance(listed, GateReason):
            return msgspec.structs.replace(arrived, failure=listed)
        told = fingerprint_in(arrived)
        is_same = listed.digest.startswith(self._wanted) and told in (None, self._fingerprint or told)
        failure = None if is_same else GateReason.IDENTITY_CHANGED
        return msgspec.structs.replace(arrived, failure=failure, digest=listed.digest, server_version=told)

    async def prepare(self) -> Readiness:
        """Find out whether the model can be asked: its entry, its window where it is told, and the canary."""
        terms, until = self.wire.terms, from_now(self.wire.terms.warmup_s)
        listed = await self._listed(until)
        if isinstance(listed, GateReason):
            return unfit(terms, listed)
        if not listed.digest.startswith(self._wanted):
            detail = f"{listed.digest[:12]} is there, {self._wanted[:12]} is pinned"
            return unfit(terms, GateReason.IDENTITY_CHANGED, detail)
        if listed.context_tokens is not None and listed.context_tokens < terms.context_tokens:
            return unfit(terms, GateReason.CONTEXT_CHANGED, f"its window is {listed.context_tokens} tokens")
        arrived = await self._post(canary_body(self.wire).encode(), until)
        objection = canary_objection(self.wire, arrived)
        if objection is not None:
            return unfit(terms, objection)
        told = fingerprint_in(arrived)
        if told not in (None, self._fingerprint or told):
            return unfit(terms, GateReason.IDENTITY_CHANGED, f"fingerprint {told}, {self._fingerprint} is pinned")
        self._pinned, self._fingerprint = listed.digest, told or self._fingerprint
        return _ready(terms, listed, told)

    async def _post(self, body: bytes, until: float) -> Arrived:
        return await post(self.wire.terms.at("/v1/chat/completions"), body, until, self._tls)

    async def _listed(self, until: float) -> Listed | GateReason:
        return listed_in(await get(self.wire.terms.at("/v1/models"), until, self._tls), self.wire.terms.model)

    @property
    def _wanted(self) -> str:
        return self._pinned or self.wire.terms.digest


def _ready(terms: ChatTerms, listed: Listed, fingerprint: str | None) -> Readiness:
    window = "a window it does not tell" if listed.context_tokens is None else f"{listed.context_tokens} tokens"
    pin = "GATE_MODEL_DIGEST" if terms.digest else "what was found now"
    return Readiness(
        reason=GateReason.OK,
        told=f"{terms.model} {listed.digest[:12]} at {terms.url} keeps to the schema in {window}; its entry in the "
        f"server's list is pinned by {pin}, its weights are not told",
        digest=listed.digest,
        server_version=fingerprint,
        context_tokens=listed.context_tokens,
    )
