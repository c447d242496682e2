"""What stands behind an Ollama server: something that reads tokens and goes on writing, under a schema or without."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Job:
    """One generation. schema: a JSON schema, the word "json", or None. n_predict: most tokens, counted when done."""

    tokens: Sequence[int]
    schema: Mapping[str, Any] | str | None
    n_predict: int
    temperature: float = 0.8
    seed: int = -1
    top_k: int = 40
    top_p: float = 0.9
    stop: tuple[str, ...] = ()
    thinks: bool = False


@dataclass(frozen=True)
class End:
    """reason: "stop" or "length". Durations in seconds; n_prompt counts cached tokens too."""

    reason: str
    n_prompt: int
    n_eval: int
    prompt_s: float
    eval_s: float


@dataclass(frozen=True)
class Piece:
    """A token's text as it comes; the last piece carries the end."""

    text: str = ""
    is_thinking: bool = False
    end: End | None = None


class DecoderError(Exception):
    """The engine refused or broke. status: what the server passes on."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Decoder(Protocol):
    """A model in memory, one generation at a time."""

    async def load(self, context_tokens: int) -> None:
        """Load the model with a window of so many tokens."""

    async def unload(self) -> None:
        """Give its memory back."""

    async def tokens_of(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """Return the prompt of a conversation as tokens."""

    def generate(self, job: Job) -> AsyncIterator[Piece]:
        """Go on writing. Raises DecoderError. Closing the iterator stops the work."""
