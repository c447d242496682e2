"""A real decoder: llama.cpp inside this process, with a model the tests wrote, on one thread."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import xllamacpp

from tests.doubles.decoder import DecoderError, End, Job, Piece

LONG_S = 120.0
SILENT = -1


@dataclass
class Llama:
    """One slot, one thread. url: the engine's own server, which also speaks OpenAI's protocol; empty while unloaded."""

    path: Path
    url: str = ""
    _server: Any = None
    _client: httpx.AsyncClient | None = field(default=None)

    async def load(self, context_tokens: int) -> None:
        """Load the model, in the place of one with another window."""
        await self.unload()
        self._server = await asyncio.to_thread(xllamacpp.Server, _parameters(self.path, context_tokens))
        self.url = self._server.listening_address
        # The engine closes connections that it has kept for a while, whenever it likes: none is kept.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=self.url, timeout=LONG_S, limits=limits, trust_env=False)

    async def unload(self) -> None:
        """Stop the engine and give its memory back."""
        if self._client is not None:
            await self._client.aclose()
        self.drop()

    def drop(self) -> None:
        """Do the same where no loop runs any more; no connection is ever kept open."""
        self._server, self._client, self.url = None, None, ""

    async def tokens_of(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """Return a conversation in the model's own template, as tokens."""
        said = [{"role": message["role"], "content": message.get("content") or ""} for message in messages]
        text = (await self._post("/apply-template", {"messages": said}))["prompt"]
        tokens: Sequence[int] = (await self._post("/tokenize", {"content": text, "add_special": True}))["tokens"]
        return tokens

    async def generate(self, job: Job) -> AsyncIterator[Piece]:
        """Write on, token by token. Closing the connection frees the engine's slot."""
        assert self._client is not None
        async with self._client.stream("POST", "/completion", json=_completion(job)) as response:
            if response.status_code >= 400:
                await response.aread()
                raise DecoderError(response.status_code, _complaint(response))
            async for line in response.aiter_lines():
                if not line.startswith("data: "):
                    continue
                event = json.loads(line.removeprefix("data: "))
                if "error" in event:
                    raise DecoderError(500, f"an error was encountered while running the model: {event['error']}")
                if event["content"]:
                    yield Piece(event["content"])
                if event["stop"]:
                    yield Piece(end=_end(event))

    async def counters(self) -> dict[str, float]:
        """Return the engine's own counts since it was loaded, by name."""
        assert self._client is not None
        text = (await self._client.get("/metrics")).text
        lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
        return {name.partition(":")[2]: float(figure) for name, figure in lines}

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        assert self._client is not None
        response = await self._client.post(path, json=body)
        if response.status_code >= 400:
            raise DecoderError(response.status_code, _complaint(response))
        return response.json()


def _parameters(path: Path, context_tokens: int) -> Any:
    asked = xllamacpp.CommonParams()
    asked.model.path = str(path)
    asked.n_ctx = context_tokens
    asked.n_parallel = 1
    asked.n_gpu_layers = 0
    asked.cpuparams.n_threads = 1
    asked.cpuparams_batch.n_threads = 1
    asked.hostnames = ["127.0.0.1"]
    asked.port = 0
    asked.warmup = False
    asked.use_jinja = True
    asked.endpoint_metrics = True
    asked.verbosity = SILENT
    return asked


def _completion(job: Job) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "prompt": list(job.tokens),
        "n_predict": job.n_predict,
        "temperature": job.temperature,
        "seed": job.seed,
        "top_k": job.top_k,
        "top_p": job.top_p,
        "stop": list(job.stop),
        "cache_prompt": True,
        "stream": True,
    }
    if job.schema is not None:
        asked["json_schema"] = {} if isinstance(job.schema, str) else job.schema
    return asked


def _end(event: Mapping[str, Any]) -> End:
    timings = event["timings"]
    return End(
        reason="length" if event["stop_type"] == "limit" else "stop",
        n_prompt=timings["cache_n"] + timings["prompt_n"],
        n_eval=timings["predicted_n"],
        prompt_s=timings["prompt_ms"] / 1000,
        eval_s=timings["predicted_ms"] / 1000,
    )


def _complaint(response: httpx.Response) -> str:
    error = response.json().get("error", {})
    return f"{error.get('message', response.text)} ({error.get('type', 'error')})"
