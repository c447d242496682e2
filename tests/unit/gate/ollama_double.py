"""The double of an Ollama server as the tests of the gate use it: a script for its answers, or a pretended model."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.doubles.ollama_chats import Chats
from tests.doubles.ollama_installed import DIGEST, MODEL, WRITTEN, Installed
from tests.doubles.ollama_server import Ollama, Script, serving
from tests.doubles.pretender import Pretender
from tests.doubles.wire import Deed

__all__ = ["DIGEST", "MODEL", "Deed", "Ollama", "Pretender", "Script", "Scripted"]


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


def version(number="0.30.1"):
    """Return what `/api/version` tells."""
    return told(version=number)


def tags(**changes):
    """Return what `/api/tags` tells: one model, and another that nobody asks for."""
    one = {"name": MODEL, "model": MODEL, "digest": DIGEST, "size": 1, "details": {}, **changes}
    return told(models=[{**one, "name": "other:1b", "model": "other:1b", "digest": "0" * 64}, one])


def show(*capabilities, **fields):
    """Return what `/api/show` tells."""
    return told(details={}, model_info={}, template="", capabilities=[*(capabilities or ["completion"])], **fields)


def ps(context_length=4096, **changes):
    """Return what `/api/ps` tells: the model stands in memory."""
    one = {"name": MODEL, "model": MODEL, "digest": DIGEST, "context_length": context_length, "size_vram": 0}
    return told(models=[{**one, **changes}])


ROUTES = {"/api/version": version(), "/api/tags": tags(), "/api/show": show(), "/api/ps": ps()}


def is_canary(body):
    """Say whether a chat call asks for the poem."""
    return "poem" in json.dumps(body.get("messages"))


@dataclass
class Scripted(Ollama):
    """canary: what is done when the poem is asked for. canaries: the bodies that did, kept apart from the requests."""

    canary: Deed = field(default_factory=lambda: Deed(chat(reply("DENY", 0, "no poem"))))
    canaries: list[dict] = field(default_factory=list)

    def scripted(self, body):
        if not is_canary(body):
            return super().scripted(body)
        self.canaries.append(body)
        return self.canary


@contextmanager
def ollama(script: Script | Deed) -> Iterator[Scripted]:
    """Serve a script, or one deed for every question; the routes tell of a model that stands in memory."""
    installed = Installed()
    deed_of = (lambda _: script) if isinstance(script, Deed) else script
    with serving(Scripted(installed, Chats(Pretender(), installed), deed_of, routes=dict(ROUTES))) as server:
        yield server


@contextmanager
def pretended(**knobs) -> Iterator[Ollama]:
    """Serve a pretended model with all of Ollama's habits; `knobs` are the pretender's."""
    installed = Installed()
    with serving(Ollama(installed, Chats(Pretender(**knobs), installed))) as server:
        yield server
