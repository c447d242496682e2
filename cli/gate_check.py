"""`main.py gate check`: is this server, with this model, fit to serve the gate."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ENV_FILE, EnvOption, JsonOption, SetOption, load, print_json, stdout

if TYPE_CHECKING:
    from gate.chat_reader import ChatReader
    from gate.check.calls import Heard
    from settings import Settings

CallsOption = Annotated[
    int, typer.Option("--calls", min=2, max=1_000, help="Situations asked about; each of them in three ways.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed makes up the same situations.")]


def gate_check(
    context: typer.Context,
    calls: CallsOption = 20,
    seed: SeedOption = 7,
    overrides: SetOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Say whether the server and model of the settings are fit to serve the gate; nothing is recorded.

    It looks at version, weights, window and schema, asks about made-up situations, and puts a question that is too
    long. Exit code 0: fit, 1: not fit, 2: the settings name nobody to ask.
    """
    from console.gate_check import examined_json, print_examined
    from gate.check.findings import Fit, examined

    # A cassette has no server behind it that could be fit.
    settings = load(env_file, overrides, {"GATE_CASSETTE": "off"})
    reader = _reader(context, settings)
    done = examined(_heard(reader, calls, seed, quietly=as_json), reader.terms)
    if as_json:
        print_json(examined_json(done))
    else:
        print_examined(stdout(), done)
    raise typer.Exit(1 if done.fit is Fit.NOT_FIT else 0)


def _reader(context: typer.Context, settings: "Settings") -> "ChatReader":
    from configuration.choices import GateBackend
    from desk.clock import SystemClock
    from domain.cassette import CassetteMode
    from domain.errors import BadInput

    server = settings.gate_backend
    if server not in (GateBackend.OLLAMA, GateBackend.OPENAI):
        raise BadInput(f"GATE_BACKEND={server.value} is no server to check; it must be ollama or openai")
    # The server is what is checked, so no cassette may answer in its place.
    alone = settings.model_copy(update={"gate_cassette": CassetteMode.OFF})
    reader: ChatReader = context.obj.build_chat_reader(alone, server, SystemClock().elapsed_s)
    return reader


def _heard(reader: "ChatReader", n: int, seed: int, *, quietly: bool) -> "Heard":
    from console.gate_check import stepping
    from desk.clock import SystemClock
    from gate.check.calls import Caller, n_calls_of

    clock = SystemClock()
    if quietly:
        return asyncio.run(Caller(reader, clock.elapsed_s, lambda _: None).hear(n, seed))
    with stepping(stdout(), n_calls_of(n)) as step:
        return asyncio.run(Caller(reader, clock.elapsed_s, step).hear(n, seed))
