"""Where a value comes from: `.env`, the environment, the command line; each later one wins."""

import difflib
import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from dotenv.parser import Binding, parse_stream

from configuration.problems import Problem, shown
from domain.errors import BadInput

DEFAULT: Final = "default"
DOTENV: Final = ".env"
ENVIRONMENT: Final = "environment"
COMMAND_LINE: Final = "command line"
JOURNAL: Final = "journal"

# An environment variable that begins like this is meant for the desk; one we do not know is a typo.
PREFIXES: Final = (
    "TIDEGATE_",
    "ALLOCATION_",
    "CCXT_",
    "DEPLOYMENT_",
    "E3_",
    "EXIT_",
    "FEATURE_",
    "FETCH_",
    "FUNDING_FADE_",
    "GATE_",
    "JOURNAL_",
    "LIVE_",
    "NOTIFY_",
    "PAPER_",
    "PROOF_",
    "QUALITY_",
    "RECONCILE_",
    "REGIME_",
    "REPLAY_",
    "RISK_",
    "SIM_",
    "SIZING_",
    "WATCH_",
)

# Names with our prefix that are no settings: the test run reads them.
RESERVED: Final = frozenset({"TIDEGATE_KILLS", "TIDEGATE_LIVE_HOURS", "TIDEGATE_REQUIRE_SHARED"})


class Given(NamedTuple):
    """A raw value, the source it came from, and where exactly."""

    text: str
    source: str
    place: str


def gather(
    names: Collection[str], env_file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str]
) -> tuple[dict[str, Given], list[Problem]]:
    """Return the winning raw value of every setting that was given, and what cannot be a setting at all.

    names: every known setting, upper case. env_file: may be absent. Raises BadInput when it cannot be read.
    """
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    for binding in _bindings(env_file):
        problem = _line_problem(binding, given, names)
        if problem is None:
            given[str(binding.key)] = Given(str(binding.value), DOTENV, _place(binding))
        else:
            problems.append(problem)
    problems += [unknown(name, ENVIRONMENT, names) for name in sorted(environ) if _is_stray(name, names)]
    problems += [unknown(name, COMMAND_LINE, names) for name in overrides if name not in names]
    given |= {name: Given(environ[name], ENVIRONMENT, ENVIRONMENT) for name in names if name in environ}
    given |= {name: Given(overrides[name], COMMAND_LINE, COMMAND_LINE) for name in names if name in overrides}
    return given, problems


def unknown(name: str, source: str, names: Collection[str]) -> Problem:
    """Return the problem of a name nobody knows. Its value is not shown: it may be a misspelt secret's."""
    nearest = difflib.get_close_matches(name.upper(), names, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else "; .env.example lists them all"
    return Problem(shown(name), "(unknown name)", f"no such setting{hint}", source)


def _is_stray(name: str, names: Collection[str]) -> bool:
    return name.startswith(PREFIXES) and name not in names and name not in RESERVED


def _line_problem(binding: Binding, seen: Collection[str], names: Collection[str]) -> Problem | None:
    source = _place(binding)
    if binding.error or binding.key is None or binding.value is None:
        return Problem("(a line)", "(not shown)", "NAME=VALUE, or # and a remark", source)
    if binding.key not in names:
        return unknown(binding.key, source, names)
    if binding.key in seen:
        return Problem(binding.key, "(a second time)", "each name once", source)
    return None


def _place(binding: Binding) -> str:
    # The parser counts from the blank lines before the entry, which it keeps as part of it.
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())].count("\n")
    return f"{DOTENV} line {binding.original.line + blank}"


def _bindings(env_file: Path | None) -> Iterator[Binding]:
    if env_file is None:
        return
    try:
        text = env_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(f"{env_file} cannot be read as settings: {reason}") from error
    for binding in parse_stream(io.StringIO(text.removeprefix("\ufeff"))):
        if binding.error or binding.key is not None:
            yield binding
