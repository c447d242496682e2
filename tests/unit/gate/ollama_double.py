"""The double of an Ollama server as the tests of the gate use it: a script for its answers, or a pretended model."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.doubles.ollama_chats import Chats
from tests.doubles.ollama_installed import DIGEST, MODEL, WRITTEN, Installed
from tests.doubles.ollama_server import Ollama, Script, serving
from tests.doubles.pretender import Pretender
from tests.doubles.wire import Deed

__all__ = [
    "DIGEST",
    "MODEL",
    "WRITTEN",
    "Deed",
    "Installed",
    "Ollama",
    "Pretender",
    "Script",
    "chat",
    "ollama",
    "ps",
    "reply",
    "show",
    "tags",
    "told",
    "version",
]


def reply(verdict="APPROVE", chance=70, analysis="volume and body agree"):
    """Return a model's text as it should be."""
    return json.dumps({"analysis": analysis, "p_win_pct": chance, "verdict": verdict})


def chat(content=None, **changes):
    """Return a chat answer as Ollama words it; a change to `...` takes the field away."""
    answer = {
        "model": MODEL,
        "created_at": WRITTEN,
        "message": {"role": "assistant", "content": reply() if content is None else content},
        "done": True,
        "done_reason": "stop",
        "total_duration": 60_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": 800,
        "prompt_eval_duration": 20_000_000,
        "eval_count": 40,
        "eval_duration": 30_000_000,
        **changes,
    }
    return json.dumps({name: value for name, value in answer.items() if value is not ...}).encode()


def told(**fields):
    """Return an answer of a route that tells something."""
    return Deed(json.dumps(fields).encode())


def version(number="0.30.2"):
    """Return what `/api/version` tells."""
    return told(version=number)


def tags(**changes):
    """Return what `/api/tags` tells: one model, and another that nobody asks for."""
    other = Installed(name="other:1b", digest="0" * 64)
    return told(models=[other.entry(), Installed().entry(**changes)])


def show(*capabilities, **fields):
    """Return what `/api/show` tells."""
    return told(details={}, model_info={}, template="", capabilities=[*(capabilities or ["completion"])], **fields)


def ps(context_length=4096, **changes):
    """Return what `/api/ps` tells: the model stands in memory."""
    return told(models=[Installed().entry(context_length=context_length, size_vram=0, **changes)])


@contextmanager
def ollama(script: Script | Deed | None = None, **knobs) -> Iterator[Ollama]:
    """Serve. Without a script a pretender answers, with `knobs` of its own; with one, the model counts as loaded."""
    installed = Installed(loaded_tokens=None if script is None else 4096)
    chats = Chats(Pretender(**knobs), installed)
    deed_of = (lambda _: script) if isinstance(script, Deed) else script
    canary = None if script is None else Deed(chat(reply("DENY", 0, "no poem")))
    with serving(Ollama(installed, chats, deed_of, canary)) as server:
        yield server
