"""How an Ollama server is asked: the body of the chat call, and the line to it."""

import json
import ssl
from dataclasses import dataclass, field
from typing import Final

import msgspec

from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import Readiness
from gate.acceptance import heard_in
from gate.canary import canary_body, canary_objection, unfit
from gate.line import Heard
from gate.ollama_routes import Loaded, Shown, digest_in, loaded_in, shown_in, version_in
from gate.reply import SCHEMA
from gate.terms import ChatTerms
from gate.transport import MOST_LISTED_BYTES, Arrived, from_now, get, post

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
            # Entries are rare, and a question cannot wait for a model that was unloaded in between.
            "keep_alive": "24h",
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
    """Implements `gate.line.Line`. The model's weights are pinned: by the terms, else to those first found fit."""

    wire: OllamaWire
    _pinned: str | None = field(default=None, init=False)
    _version: str | None = field(default=None, init=False)
    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, init=False)

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        """Make one chat call, then see which weights stand in memory, with which window."""
        until = from_now(deadline_s)
        arrived = await post(self.wire.terms.at("/api/chat"), body, until, self._tls)
        if arrived.failure is not None or arrived.status != 200:
            return arrived
        loaded = await self._loaded(until)
        if isinstance(loaded, GateReason):
            return msgspec.structs.replace(arrived, failure=loaded)
        failure = self._objection(loaded, self._wanted)
        return msgspec.structs.replace(arrived, failure=failure, digest=loaded.digest, server_version=self._version)

    async def prepare(self) -> Readiness:
        """Find out whether the model can be asked: its server, its weights, what it can do, and the canary.

        The canary loads the model, so all of it may take `warmup_s`.
        """
        terms, until = self.wire.terms, from_now(self.wire.terms.warmup_s)
        version = version_in(arrived := await self._get("/api/version", until))
        if isinstance(version, GateReason):
            detail = arrived.body[:60].decode("ascii", "replace") if version is GateReason.SERVER_TOO_OLD else ""
            return unfit(terms, version, detail)
        digest = digest_in(await self._get("/api/tags", until), terms.model)
        if isinstance(digest, GateReason):
            return unfit(terms, digest)
        if not digest.startswith(self._wanted):
            return unfit(terms, GateReason.IDENTITY_CHANGED, f"{digest[:12]} is there, {self._wanted[:12]} is pinned")
        shown = shown_in(await self._show(until))
        if isinstance(shown, GateReason):
            return unfit(terms, shown)
        reason, loaded = await self._canary(digest, until)
        if reason is not None or loaded is None:
            return unfit(terms, reason or GateReason.IDENTITY_UNKNOWN, _window(loaded))
        self._pinned, self._version = loaded.digest, version
        return _ready(terms, loaded, version, shown)

    async def _canary(self, digest: str, until: float) -> tuple[GateReason | None, Loaded | None]:
        body = canary_body(self.wire).encode()
        arrived = await post(self.wire.terms.at("/api/chat"), body, until, self._tls)
        objection = canary_objection(self.wire, arrived)
        if objection is not None:
            return objection, None
        loaded = await self._loaded(until)
        return (loaded, None) if isinstance(loaded, GateReason) else (self._objection(loaded, digest), loaded)

    async def _loaded(self, until: float) -> Loaded | GateReason:
        return loaded_in(await self._get("/api/ps", until), self.wire.terms.model)

    async def _get(self, path: str, until: float) -> Arrived:
        return await get(self.wire.terms.at(path), until, self._tls)

    async def _show(self, until: float) -> Arrived:
        body = json.dumps({"model": self.wire.terms.model}).encode()
        return await post(self.wire.terms.at("/api/show"), body, until, self._tls, MOST_LISTED_BYTES)

    @property
    def _wanted(self) -> str:
        return self._pinned or self.wire.terms.digest

    def _objection(self, loaded: Loaded, wanted: str) -> GateReason | None:
        if not loaded.digest.startswith(wanted):
            return GateReason.IDENTITY_CHANGED
        return None if loaded.context_tokens == self.wire.terms.context_tokens else GateReason.CONTEXT_CHANGED


def _window(loaded: Loaded | None) -> str:
    return "" if loaded is None else f"its window is {loaded.context_tokens} tokens"


def _ready(terms: ChatTerms, loaded: Loaded, version: str, shown: Shown) -> Readiness:
    thinks = "; it can think and is asked not to" if shown.can_think else ""
    pin = "GATE_MODEL_DIGEST" if terms.digest else "what was found now"
    return Readiness(
        reason=GateReason.OK,
        told=f"{terms.model} {loaded.digest[:12]} on Ollama {version} keeps to the schema in a window of "
        f"{loaded.context_tokens} tokens; its weights are pinned by {pin}{thinks}",
        digest=loaded.digest,
        server_version=version,
        context_tokens=loaded.context_tokens,
    )
