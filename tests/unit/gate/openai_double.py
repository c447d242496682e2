"""A double of an OpenAI-compatible server, over the sockets of the Ollama double."""

import json
from contextlib import contextmanager

from tests.unit.gate.ollama_double import MODEL, Deed, ollama, reply, told


def choice(content=None, *, finish="stop", index=0, **fields):
    """Return the one choice of an answer; a change to `...` takes the field away."""
    message = {"role": "assistant", "content": reply() if content is None else content, **fields}
    kept = {name: value for name, value in message.items() if value is not ...}
    return {"index": index, "message": kept, "finish_reason": finish}


def completion(*choices, **changes):
    """Return a chat completion as llama.cpp words it; a change to `...` takes the field away."""
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": MODEL,
        "system_fingerprint": "b10488-abc",
        "choices": [*choices] or [choice()],
        "usage": {"prompt_tokens": 800, "completion_tokens": 40, "total_tokens": 840},
        "timings": {"prompt_ms": 20.5, "predicted_ms": 30},
        **changes,
    }
    return json.dumps({name: value for name, value in answer.items() if value is not ...}).encode()


def models(**changes):
    """Return what `/v1/models` tells: one model, and another that nobody asks for."""
    one = {
        "id": MODEL,
        "object": "model",
        "created": 1,
        "owned_by": "here",
        "meta": {"n_params": 4_000, "size": 9},
        **changes,
    }
    return told(object="list", data=[{**one, "id": "other"}, one])


@contextmanager
def openai(script):
    """Serve a chat script, with the list and the canary of a server that fits."""
    with ollama(script) as server:
        server.routes = {"/v1/models": models()}
        server.canary = Deed(completion(choice(reply("DENY", 0, "no poem"))))
        yield server
