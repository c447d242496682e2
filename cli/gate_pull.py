"""`main.py gate pull`: the model that the settings name, fetched to the server that they name."""

from typing import TYPE_CHECKING

from cli.options import ENV_FILE, EnvOption, JsonOption, SetOption, load, print_json, stdout

if TYPE_CHECKING:
    from rich.console import Console

    from gate.pulling import Progress


def gate_pull(
    overrides: SetOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Let the Ollama server at GATE_URL fetch GATE_MODEL, and print the digest that GATE_MODEL_DIGEST can pin."""
    import asyncio

    from configuration.choices import GateBackend
    from domain.errors import BadInput
    from gate.pulling import digest_of, pull
    from settings import chat_terms

    settings = load(env_file, overrides, {})
    if settings.gate_backend is not GateBackend.OLLAMA:
        raise BadInput(
            f"GATE_BACKEND is {settings.gate_backend.value}: only an Ollama server fetches models; it must be ollama"
        )
    terms, telling = chat_terms(settings), _Telling(None if as_json else stdout())

    async def go() -> str:
        await pull(terms, telling.tell)
        return await digest_of(terms)

    digest = asyncio.run(go())
    if as_json:
        print_json({"model": terms.model, "digest": digest})
    else:
        stdout().print(
            f"{terms.model} is at {terms.url}, digest {digest}", soft_wrap=True, markup=False, highlight=False
        )


class _Telling:
    """Prints a line when the status changes, and at every tenth of a layer."""

    __slots__ = ("_console", "_last")

    def __init__(self, console: "Console | None") -> None:
        self._console = console
        self._last = ""

    def tell(self, progress: "Progress") -> None:
        line = progress.status
        if progress.n_bytes is not None and progress.n_bytes_whole:
            line = f"{line} {progress.n_bytes * 10 // progress.n_bytes_whole * 10} %"
        if self._console is not None and line != self._last:
            self._console.print(line, soft_wrap=True, markup=False, highlight=False)
        self._last = line
