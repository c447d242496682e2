"""How an Ollama server answers chat calls: load when needed, one at a time and first come first served, then write."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from desk.clock import SystemClock
from tests.doubles.decoder import Decoder, DecoderError, End, Job
from tests.doubles.latch import Latch
from tests.doubles.ollama_calls import ChatCall, Runner, read_chat, schema_of, wrong_option
from tests.doubles.ollama_installed import Installed, stamp
from tests.doubles.wire import Chunks, Deed, do, refusal, told

BUSY = "server busy, please try again.  maximum pending requests exceeded"
TOO_LONG = "the prompt of {n} tokens exceeds the available context size of {window} (exceed_context_size_error)"
MOST_REPEATS = 30
ROOM_IN_CONTEXTS = 10


@dataclass
class Asked:
    """One chat call and what became of it. n_pieces: tokens that the decoder had written when it ended."""

    body: Mapping[str, Any]
    n_pieces: int = 0
    has_begun: bool = False
    is_over: bool = False
    hung_up: bool = False


@dataclass
class Written:
    """A generation so far. end: None when it was given up."""

    text: str = ""
    thinking: str = ""
    end: End | None = None


@dataclass
class Chats:
    """The calls of one server, in the order they came.

    honours_truncate: servers of old cut a long prompt whatever they were told. sorts_schema: the keys of a schema
    pass through a Go map. max_queue: calls that may wait for a load beside the one that loads. may_load: loading
    waits while it is shut.
    """

    decoder: Decoder
    installed: Installed
    honours_truncate: bool = True
    sorts_schema: bool = True
    max_queue: int = 512
    asked: list[Asked] = field(default_factory=list)
    may_load: Latch = field(default_factory=Latch)
    n_loads: int = 0
    n_most_at_once: int = 0
    _runner: Runner | None = None
    _n_pending: int = 0
    _n_at_once: int = 0
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _slot: asyncio.Lock = field(default_factory=asyncio.Lock)
    _clock: SystemClock = field(default_factory=SystemClock)

    async def answer(
        self, body: bytes, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one call, on the wire."""
        began_s = self._clock.elapsed_s()
        call = read_chat(body)
        deed = call if isinstance(call, Deed) else self._objection_to(call)
        if deed is None and isinstance(call, ChatCall):
            deed = await self._loaded(call)
            load_s = self._clock.elapsed_s() - began_s
            if deed is None:
                deed = await self._generated(call, asked, Chunks(writer), began_s, load_s)
        asked.is_over = True
        if deed is not None:
            await do(deed, reader, writer)

    def _objection_to(self, call: ChatCall) -> Deed | None:
        """Refuse what needs no model in memory to be refused; answer what only gives one back."""
        if not self.installed.is_named(call.model):
            return refusal(404, f"model '{call.model}' not found")
        if call.think and "thinking" not in self.installed.capabilities:
            return refusal(400, f"{json.dumps(call.model)} does not support thinking")
        complaint = wrong_option(call.options)
        return None if complaint is None else refusal(500, complaint)

    async def _loaded(self, call: ChatCall) -> Deed | None:
        """Have the model in memory on the call's terms. Return the answer if no more was wanted, or a refusal."""
        if not call.messages and call.unloads:
            await self._unload()
            return told(self._line(call, {"role": "assistant", "content": ""}, done=True, done_reason="unload"))
        if self._runner != call.runner:
            if self._n_pending > self.max_queue:
                return refusal(503, BUSY)
            self._n_pending += 1
            try:
                await self._load(call.runner)
            finally:
                self._n_pending -= 1
        if not call.messages:
            return told(self._line(call, {"role": "assistant", "content": ""}, done=True, done_reason="load"))
        return None

    async def _load(self, runner: Runner) -> None:
        async with self._loading:
            if self._runner == runner:
                return
            async with self._slot:
                await self.may_load.passed()
                await self.decoder.load(min(runner.context_tokens, self.installed.context_tokens))
                self._runner, self.installed.loaded_tokens = runner, runner.context_tokens
                self.n_loads += 1

    async def _unload(self) -> None:
        async with self._slot:
            await self.decoder.unload()
            self._runner, self.installed.loaded_tokens = None, None

    async def _generated(
        self, call: ChatCall, asked: Asked, chunks: Chunks, began_s: float, load_s: float
    ) -> Deed | None:
        schema = schema_of(call)
        if isinstance(schema, Deed):
            return schema
        async with self._turn():
            try:
                job = await self._job(call, schema)
                if isinstance(job, Deed):
                    return job
                written = await self._write(call, job, asked, chunks)
            except DecoderError as error:
                if not chunks.has_begun:
                    return refusal(error.status, str(error))
                await chunks.send({"error": str(error)})
                await chunks.end()
                return None
        if call.unloads:
            await self._unload()
        total_s = self._clock.elapsed_s() - began_s
        return await self._finished(call, written, chunks, _metrics(written.end, total_s, load_s))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One at a time, in the order they came; whoever waits hears nothing."""
        async with self._slot:
            self._n_at_once += 1
            self.n_most_at_once = max(self.n_most_at_once, self._n_at_once)
            try:
                yield
            finally:
                self._n_at_once -= 1

    async def _job(self, call: ChatCall, schema: Mapping[str, Any] | str | None) -> Job | Deed:
        tokens, window = await self.decoder.tokens_of(call.messages), call.runner.context_tokens
        if len(tokens) > window:
            if self.honours_truncate and not call.truncates:
                return refusal(400, TOO_LONG.format(n=len(tokens), window=window))
            tokens = tokens[-(window // 2 + 2) :]
        if self.sorts_schema and isinstance(schema, Mapping):
            schema = json.loads(json.dumps(schema, sort_keys=True))
        n_predict = call.option("num_predict", -1)
        return Job(
            tokens=tokens,
            schema=schema,
            n_predict=int(n_predict) if n_predict >= 0 else ROOM_IN_CONTEXTS * window,
            temperature=call.option("temperature", 0.8),
            seed=int(call.option("seed", -1)),
            top_k=int(call.option("top_k", 40)),
            top_p=call.option("top_p", 0.9),
            stop=tuple(call.option("stop", ())),
            # A model that can think does, unless it is told not to.
            thinks="thinking" in self.installed.capabilities and call.think is not False,
        )

    async def _write(self, call: ChatCall, job: Job, asked: Asked, chunks: Chunks) -> Written:
        """Take the tokens as they come. More than thirty times the same one ends it without a word of why."""
        written, last, n_repeats = Written(), None, 0
        asked.has_begun = True
        async with aclosing(self.decoder.generate(job)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                if piece.end is not None:
                    written.end = piece.end
                    continue
                asked.n_pieces += 1
                n_repeats = n_repeats + 1 if piece.text.strip() == last else 0
                last = piece.text.strip()
                if n_repeats > MOST_REPEATS:
                    break
                kind = "thinking" if piece.is_thinking else "text"
                setattr(written, kind, getattr(written, kind) + piece.text)
                if call.streams and piece.text:
                    said = {"content": "", "thinking": piece.text} if piece.is_thinking else {"content": piece.text}
                    await chunks.send(self._line(call, {"role": "assistant", **said}, done=False))
        return written

    async def _finished(self, call: ChatCall, written: Written, chunks: Chunks, metrics: dict[str, Any]) -> Deed | None:
        if call.streams:
            if metrics:
                await chunks.send(self._line(call, {"role": "assistant", "content": ""}, done=True, **metrics))
            await chunks.end()
            return None
        message = {"role": "assistant", "content": written.text}
        if written.thinking:
            message["thinking"] = written.thinking
        return told(self._line(call, message, done=written.end is not None, **metrics))

    def _line(self, call: ChatCall, message: Mapping[str, str], **more: Any) -> dict[str, Any]:
        return {"model": call.model, "created_at": stamp(self._clock.now_ms()), "message": message, **more}


def _metrics(end: End | None, total_s: float, load_s: float) -> dict[str, Any]:
    """Return how it ended and what it took, in nanoseconds; a zero is left out, and so is all of it when given up."""
    if end is None:
        return {}
    figures = {
        "total_duration": _ns(total_s),
        "load_duration": _ns(load_s),
        "prompt_eval_count": end.n_prompt,
        "prompt_eval_duration": _ns(end.prompt_s),
        "eval_count": end.n_eval,
        "eval_duration": _ns(end.eval_s),
    }
    return {"done_reason": end.reason, **{name: figure for name, figure in figures.items() if figure}}


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
