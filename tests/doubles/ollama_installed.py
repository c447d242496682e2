"""What an Ollama server tells of itself: its version, the models it has, and what is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.doubles.wire import Deed, refusal, told

MODEL = "tiny:latest"
DIGEST = "ab" * 32
WRITTEN = "2026-11-20T00:00:00.123456789Z"


@dataclass
class Installed:
    """The server and its one model. A test may change it between two calls.

    context_tokens: what the model was trained for. loaded_tokens: the window of the loaded model, None while none is.
    """

    name: str = MODEL
    digest: str = DIGEST
    version: str = "0.30.2"
    context_tokens: int = 32_768
    loaded_tokens: int | None = None
    capabilities: tuple[str, ...] = ("completion",)
    quantization: str = "Q4_K_M"
    n_bytes: int = 437_600

    def is_named(self, asked: str) -> bool:
        return asked == self.name or f"{asked}:latest" == self.name

    def details(self) -> dict[str, Any]:
        return {
            "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "4.0B",
            "quantization_level": self.quantization,
        }  # fmt: skip

    def entry(self, **more: Any) -> dict[str, Any]:
        same = {"name": self.name, "model": self.name, "size": self.n_bytes, "digest": self.digest}
        return {**same, "details": self.details(), **more}

    def tags(self) -> Deed:
        return told({"models": [self.entry(modified_at=WRITTEN)]})

    def ps(self) -> Deed:
        if self.loaded_tokens is None:
            return told({"models": []})
        loaded = self.entry(expires_at=WRITTEN, size_vram=0, context_length=self.loaded_tokens)
        return told({"models": [loaded]})

    def show(self, body: Mapping[str, Any]) -> Deed:
        asked = body.get("model") or body.get("name") or ""
        if not asked:
            return refusal(400, "model is required")
        if not self.is_named(asked):
            return refusal(404, f"model '{asked}' not found")
        info = {"general.architecture": "llama", "llama.context_length": self.context_tokens}
        described = {"details": self.details(), "model_info": info, "capabilities": list(self.capabilities)}
        return told({"modelfile": "", "parameters": "", "template": "", **described, "modified_at": WRITTEN})


def stamp(now_ms: int) -> str:
    """Return an instant as Go's RFC 3339 with nanoseconds: UTC, zeros at the end left out."""
    text = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") + "Z"
