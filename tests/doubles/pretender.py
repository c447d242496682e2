"""A decoder without a model: what it writes fits the schema and is a function of the prompt's bytes alone."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from desk.clock import SystemClock
from tests.doubles.decoder import DecoderError, End, Job, Piece
from tests.doubles.latch import Latch

BYTES_A_TOKEN = 4
CHARACTERS_A_TOKEN = 3
CLOCK = SystemClock()
WORDS = ("volume", "body", "trend", "funding", "regime", "stop", "target", "spread", "holds", "fades", "agrees")


@dataclass
class Pretender:
    """The knobs are the ways in which servers and models have been seen to go wrong.

    ignores_schema: writes prose whatever was asked. is_constant: the prompt does not matter. is_fickle: the same
    prompt gives another text each time. repeats: says one token without end. fails_after: pieces before the runner
    stops. script: writes this text. may_write: while shut, every generation waits before its first token.
    """

    ignores_schema: bool = False
    is_constant: bool = False
    is_fickle: bool = False
    repeats: bool = False
    fails_after: int | None = None
    script: str | None = None
    may_write: Latch = field(default_factory=Latch)
    n_generations: int = 0
    n_stopped: int = 0

    async def load(self, context_tokens: int) -> None:
        pass

    async def unload(self) -> None:
        pass

    async def tokens_of(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        text = "".join(f"<{message.get('role')}>{message.get('content', '')}\n" for message in messages).encode()
        return [int.from_bytes(text[at : at + BYTES_A_TOKEN]) for at in range(0, len(text), BYTES_A_TOKEN)]

    async def generate(self, job: Job) -> AsyncIterator[Piece]:
        self.n_generations += 1
        began_s = CLOCK.elapsed_s()
        try:
            await self.may_write.passed()
            pieces = self._pieces(job)
            written = pieces[: job.n_predict]
            for n_before, piece in enumerate(written):
                if n_before == self.fails_after:
                    raise DecoderError(500, "model runner has unexpectedly stopped")
                yield piece
                await asyncio.sleep(0)
            took_s = CLOCK.elapsed_s() - began_s
            # The token that ends a text is one too.
            reason = "stop" if len(pieces) < job.n_predict else "length"
            yield Piece(end=End(reason, len(job.tokens), len(written), took_s / 4, took_s / 2))
        except GeneratorExit:
            self.n_stopped += 1
            raise

    def _pieces(self, job: Job) -> Sequence[Piece]:
        draws = np.random.default_rng(self._seed(job))
        thoughts = [Piece(f"{word} ", is_thinking=True) for word in draws.choice(WORDS, 12)] if job.thinks else []
        if self.repeats:
            return thoughts + [Piece("on ")] * 1_000
        text = self.script if self.script is not None else self._text(job, draws)
        places = range(0, len(text), CHARACTERS_A_TOKEN)
        return thoughts + [Piece(text[at : at + CHARACTERS_A_TOKEN]) for at in places]

    def _text(self, job: Job, draws: np.random.Generator) -> str:
        if job.schema is None or self.ignores_schema:
            return "I would " + " ".join(draws.choice(WORDS, 9)) + "."
        schema = {"type": "object"} if isinstance(job.schema, str) else job.schema
        return json.dumps(instance_of(schema, draws))

    def _seed(self, job: Job) -> list[int]:
        """Greedy decoding knows no seed; a negative one is another each time."""
        prompt = b"" if self.is_constant else repr(list(job.tokens)).encode()
        is_drawn = self.is_fickle or (job.temperature > 0 and job.seed < 0)
        chance = self.n_generations if is_drawn else job.seed if job.temperature > 0 else 0
        return [int.from_bytes(hashlib.sha256(prompt).digest()[:8]), chance]


def instance_of(schema: Mapping[str, Any], draws: np.random.Generator) -> Any:
    """Return a value that fits a schema, its keys in the schema's order."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][int(draws.integers(len(schema["enum"])))]
    kind = schema.get("type", "object")
    if kind == "object":
        required = schema.get("required", ())
        parts = schema.get("properties", {}).items()
        return {name: instance_of(part, draws) for name, part in parts if name in required}
    if kind == "array":
        return [instance_of(schema.get("items", {}), draws) for _ in range(schema.get("minItems", 0))]
    return _scalar(kind, schema, draws)


def _scalar(kind: str, schema: Mapping[str, Any], draws: np.random.Generator) -> Any:
    low, high = schema.get("minimum", 0), schema.get("maximum", 100)
    if kind == "integer":
        return int(draws.integers(low, high + 1))
    if kind == "number":
        return float(draws.uniform(low, high))
    if kind == "boolean":
        return bool(draws.integers(2))
    if kind == "null":
        return None
    text = " ".join(draws.choice(WORDS, 6)).ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", 10_000)]
