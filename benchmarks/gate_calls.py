"""How long one question to the gate takes, from the desk's reader to its verdict, through a real constrained decoder.

llama.cpp in this process, one thread, serves a model of half a megabyte that is written here (extra `engine`), so the
figure is that of the path: wording, HTTP, Ollama's protocol, prompt, schema-bound sampling, validation. A model that
knows anything takes as long as it takes: `gate check` measures that one.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.tick_latency import SHARES
from desk.clock import SystemClock

if TYPE_CHECKING:
    from gate.check.calls import Heard

N_CALLS = 200
BUDGET_MS = 250.0


async def heard_from(url: str) -> "Heard":
    """Return what a check of two hundred situations hears."""
    import main
    from configuration.choices import GateBackend
    from gate.check.calls import Caller
    from settings import load_settings
    from tests.doubles.ollama_installed import MODEL

    knobs = {"GATE_BACKEND": "ollama", "GATE_URL": url, "GATE_MODEL": MODEL, "GATE_CONTEXT_TOKENS": "16384"}
    clock = SystemClock()
    settings = load_settings(None, {}, {**knobs, "GATE_DEADLINE_S": "45"})
    reader = main.build_chat_reader(settings, GateBackend.OLLAMA, clock.elapsed_s)
    return await Caller(reader, clock.elapsed_s, lambda _: None).hear(N_CALLS, seed=11)


def report() -> float | None:
    """Print the distribution; return the 99th percentile in milliseconds, None where the extra is not installed."""
    try:
        from tests.doubles.engine_server import engine_ollama
        from tests.doubles.tiny_gguf import write_tiny_gguf
    except ModuleNotFoundError as missing:
        print(f"one question to the gate: not measured, {missing.name} is not installed (extra `engine`)")
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.gguf"
        write_tiny_gguf(path)
        with engine_ollama(path) as server:
            heard = asyncio.run(heard_from(server.url))
    assert all(one.is_judgement for one in heard.plain), "an answer was not as agreed"
    times_ms = sorted(one.latency_ms for one in heard.plain)
    n_tokens = max(one.n_prompt_tokens or 0 for one in heard.plain)
    at = {name: times_ms[min(int(len(times_ms) * share), len(times_ms) - 1)] for name, share in SHARES.items()}
    print(f"one question to the gate, {len(times_ms)} of them, up to {n_tokens} tokens, one thread")
    print(
        "  " + ", ".join(f"{name} {value:.0f} ms" for name, value in at.items()) + f"   budget p99 {BUDGET_MS:.0f} ms"
    )
    return at["p99"]


if __name__ == "__main__":
    report()
