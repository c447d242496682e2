"""The front over the real decoder for a test that asks for it by name, where there is a decoder."""

from contextlib import AbstractContextManager

import pytest

from tests.doubles.ollama_server import Ollama


def engine_server(request: pytest.FixtureRequest) -> AbstractContextManager[Ollama]:
    """Return the server over the tests' own model. Skips the test, with a word, where the decoder is missing."""
    gguf = request.getfixturevalue("tiny_gguf")
    from tests.doubles.engine_server import engine_ollama

    return engine_ollama(gguf)
