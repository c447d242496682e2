"""Ollama's front over the real decoder."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.doubles.llama import Llama
from tests.doubles.ollama_chats import Chats
from tests.doubles.ollama_installed import Installed
from tests.doubles.ollama_server import Ollama, serving
from tests.doubles.tiny_gguf import CONTEXT_TOKENS


@contextmanager
def engine_ollama(gguf: Path) -> Iterator[Ollama]:
    """Serve the model in a file. The schema reaches the decoder as it came, as it does where a template is Ollama's."""
    content = gguf.read_bytes()
    installed = Installed(
        digest=hashlib.sha256(content).hexdigest(),
        context_tokens=CONTEXT_TOKENS,
        quantization="F32",
        n_bytes=len(content),
    )
    llama = Llama(gguf)
    with serving(Ollama(installed, Chats(llama, installed, sorts_schema=False))) as server:
        yield server
    llama.drop()
