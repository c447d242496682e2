"""From raw text to settings, or to every reason why not."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import SecretStr, ValidationError

from configuration.choices import FeedKind, GateBackend, Mode, Speed
from configuration.knob import allowed_words, written
from configuration.knobs import KNOBS, Settings
from configuration.problems import Problem, SettingsError, shown
from configuration.sources import DEFAULT, JOURNAL, Given, gather, unknown
from domain.cassette import CassetteMode
from domain.decisions import GateMode
from domain.errors import BadInput

NO_OVERRIDES: Final[Mapping[str, str]] = MappingProxyType({})


def load_settings(
    env_file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, str] = NO_OVERRIDES,
    *,
    is_to_trade: bool = True,
) -> Settings:
    """Read the settings; the environment wins over `.env`, the command line over both.

    env_file: may be None or absent. overrides: raw values by upper-case name, from the command line.
    is_to_trade: False where nothing will be traded and MODE may ask for what is not there yet (`doctor` tells it).
    Raises SettingsError with every problem at once, BadInput when the file cannot be read.
    """
    given, problems = gather(KNOBS, env_file, environ, overrides)
    raw = {name: (value.text, value) for name, value in given.items()}
    return _validated(raw, problems, is_to_trade=is_to_trade)


def settings_from_json(text: str) -> Settings:
    """Return the settings a run was made with, from what `settings_json` wrote; the rest is at its default.

    Raises SettingsError when a name or value in it is not a setting of this version, BadInput when it is not JSON.
    """
    try:
        recorded = json.loads(text)
    except ValueError as error:
        raise BadInput(f"the recorded settings are not JSON: {error}") from error
    if not isinstance(recorded, dict):
        raise BadInput("the recorded settings are not an object of names and values")
    origin = Given("", JOURNAL, JOURNAL)
    problems = [unknown(name, JOURNAL, KNOBS) for name in recorded if name not in KNOBS]
    raw = {name: (value, origin) for name, value in recorded.items() if name in KNOBS}
    # A record holds neither the permission to trade nor where a key lies, and reading it asks for neither.
    return _validated(raw, problems, is_to_trade=False)


def _validated(raw: Mapping[str, tuple[Any, Given]], problems: list[Problem], *, is_to_trade: bool) -> Settings:
    values = {name.lower(): value for name, (value, _) in raw.items()}
    try:
        settings = Settings(**values)
        refused: set[str] = set()
    except ValidationError as error:
        refused = {str(detail["loc"][0]).upper() for detail in error.errors(include_input=False)}
        settings = Settings(**{name: value for name, value in values.items() if name.upper() not in refused})
    problems = problems + [_refusal(name, *raw[name]) for name in KNOBS if name in refused]
    settings._sources = {name: origin.source for name, (_, origin) in raw.items()}
    problems += _contradictions(settings, raw, refused)
    if is_to_trade and settings.mode is not Mode.PAPER:
        problems += _untradable(settings, raw, refused)
    if problems:
        order = {name: place for place, name in enumerate(KNOBS)}
        raise SettingsError(sorted(problems, key=lambda problem: order.get(problem.name, -1)))
    return settings


def _refusal(name: str, value: Any, origin: Given) -> Problem:
    given = "(not shown)" if isinstance(KNOBS[name].default, SecretStr) else shown(value)
    return Problem(name, given, allowed_words(KNOBS[name]), origin.place)


# What one knob demands of another: the first must stay below the second.
BELOW: Final = (
    ("FEATURE_VOL_BARS", "FEATURE_VOL_LONG_BARS"),
    ("FEATURE_EMA_FAST_BARS", "FEATURE_EMA_SLOW_BARS"),
    ("FUNDING_FADE_NEUTRAL_FUNDING_HOURLY_PCT", "FUNDING_FADE_EXTREME_FUNDING_HOURLY_PCT"),
    ("FUNDING_FADE_NEUTRAL_PREMIUM_BPS", "FUNDING_FADE_EXTREME_PREMIUM_BPS"),
    ("GATE_REPLY_TOKENS", "GATE_CONTEXT_TOKENS"),
)

_WITHOUT_CASSETTE: Final = {
    GateBackend.OFF: "GATE_BACKEND is off and nobody is asked",
    GateBackend.METALABEL: "GATE_BACKEND is metalabel, which asks no server and answers alike every time",
    GateBackend.ENSEMBLE: "GATE_BACKEND is ensemble and a cassette holds the answers of one server",
}


def _contradictions(settings: Settings, raw: Mapping[str, tuple[Any, Given]], refused: set[str]) -> Iterator[Problem]:
    for low, high in BELOW:
        values = getattr(settings, low.lower()), getattr(settings, high.lower())
        if values[0] >= values[1] and not refused & {low, high}:
            yield _misordered(low, high, values, raw)
    if settings.symbols != KNOBS["SYMBOLS"].default:
        from execution.instruments import INSTRUMENTS

        yield from _strangers("SYMBOLS", settings.symbols, INSTRUMENTS, raw)
    if settings.strategies != KNOBS["STRATEGIES"].default:
        from strategy.registry import STRATEGIES

        yield from _strangers("STRATEGIES", settings.strategies, STRATEGIES, raw)
    if settings.regime_switch:
        yield from _misswitched(settings.regime_switch, raw)
    if settings.feed is FeedKind.LIVE:
        yield from _unlivable(settings, raw)
    yield from _of_the_gate(settings, raw)
    yield from _untellable(settings, raw)


def _unlivable(settings: Settings, raw: Mapping[str, tuple[Any, Given]]) -> Iterator[Problem]:
    if settings.speed is Speed.MAX:
        yield _clash("SPEED", Speed.MAX.value, "real or auto, because FEED is live and its minutes take a minute", raw)
    named = [entry.partition("=")[0] for entry in settings.live_markets]
    if not set(named) <= set(settings.symbols):
        yield _clash("LIVE_MARKETS", settings.live_markets, f"names for {', '.join(settings.symbols)} alone", raw)


NOTIFIED: Final = ("NOTIFY_CRITICAL", "NOTIFY_WARNING", "NOTIFY_INFO", "NOTIFY_SUMMARY")


def _untellable(settings: Settings, raw: Mapping[str, tuple[Any, Given]]) -> Iterator[Problem]:
    given = [name for name in NOTIFIED if getattr(settings, name.lower()).get_secret_value().strip()]
    if not given:
        return
    from notices.targets import objection_to

    for name in given:
        objection = objection_to(getattr(settings, name.lower()).get_secret_value())
        if objection is not None:
            yield Problem(name, "(not shown)", objection, raw[name][1].place)


def _untradable(settings: Settings, raw: Mapping[str, tuple[Any, Given]], refused: set[str]) -> Iterator[Problem]:
    from configuration.trading import unmet

    for name, allowed in unmet(settings):
        if name not in refused:
            yield _clash(name, getattr(settings, name.lower()), allowed, raw)


def _of_the_gate(settings: Settings, raw: Mapping[str, tuple[Any, Given]]) -> Iterator[Problem]:
    if settings.gate_backend is GateBackend.ENSEMBLE:
        yield from _misassembled(settings, raw)
    for server in settings.gate_servers:
        yield from _unaskable(settings, server, raw)
    if settings.gate_cassette is not CassetteMode.OFF:
        yield from _unplayable(settings, raw)


def _misordered(low: str, high: str, values: tuple[float, float], raw: Mapping[str, tuple[Any, Given]]) -> Problem:
    """Blame the knob that was given; when both were, the one that must be the smaller."""
    if low in raw:
        return _clash(low, values[0], f"less than {high}, which is {written(values[1])}", raw)
    return _clash(high, values[1], f"more than {low}, which is {written(values[0])}", raw)


def _strangers(
    name: str, entries: tuple[str, ...], known: Mapping[str, Any], raw: Mapping[str, tuple[Any, Given]]
) -> Iterator[Problem]:
    if any(entry not in known for entry in entries):
        yield _clash(name, entries, f"a comma list of {', '.join(known)}", raw)


def _misswitched(entries: tuple[str, ...], raw: Mapping[str, tuple[Any, Given]]) -> Iterator[Problem]:
    from domain.features import Regime
    from strategy.registry import STRATEGIES

    named = [entry.partition(":") for entry in entries]
    words = [word for _, _, regimes in named for word in regimes.split("|")]
    strategies = [name for name, _, _ in named]
    is_sound = (
        len(set(strategies)) == len(strategies) and set(strategies) <= set(STRATEGIES) and set(words) <= {*Regime}
    )
    if not is_sound:
        known = f"strategies {', '.join(STRATEGIES)}; regimes {', '.join(Regime)}"
        yield _clash(
            "REGIME_SWITCH", entries, f"a comma list of STRATEGY:REGIME|REGIME, each strategy once; {known}", raw
        )


def _unaskable(settings: Settings, server: GateBackend, raw: Mapping[str, tuple[Any, Given]]) -> Iterator[Problem]:
    from gate.address import objection_to

    url_knob, model_knob = settings.gate_server_knobs(server)
    url, model = getattr(settings, url_knob.lower()), getattr(settings, model_knob.lower())
    objection = objection_to(url, allows_remote=settings.gate_allow_remote)
    if objection is not None:
        yield _clash(url_knob, url, objection, raw)
    elif server is GateBackend.OPENAI and url_knob not in raw:
        meant = "the address of your server, because openai is asked and this default is where Ollama stands"
        yield _clash(url_knob, url, meant, raw)
    if not model or not model.isprintable():
        yield _clash(model_knob, model, f"the name of a model, because {server.value} is asked", raw)


def _misassembled(settings: Settings, raw: Mapping[str, tuple[Any, Given]]) -> Iterator[Problem]:
    members, n_members = settings.gate_members, len(settings.gate_members)
    known = [one.value for one in GateBackend if one not in (GateBackend.OFF, GateBackend.ENSEMBLE)]
    if n_members < 2 or not set(members) <= set(known):
        allowed = f"two or more of {', '.join(known)}, because GATE_BACKEND is ensemble"
        yield _clash("GATE_MEMBERS", members, allowed, raw)
    elif settings.gate_quorum > n_members:
        allowed = f"up to {n_members}, as many as GATE_MEMBERS names, or 0 for all of them"
        yield _clash("GATE_QUORUM", settings.gate_quorum, allowed, raw)


def _unplayable(settings: Settings, raw: Mapping[str, tuple[Any, Given]]) -> Iterator[Problem]:
    mode = settings.gate_cassette.value
    if not settings.gate_cassette_file or not settings.gate_cassette_file.isprintable():
        yield _clash("GATE_CASSETTE_FILE", settings.gate_cassette_file, f"a file, because GATE_CASSETTE is {mode}", raw)
    if settings.gate_mode is not GateMode.OFF and settings.gate_backend in _WITHOUT_CASSETTE:
        why = f"off, because {_WITHOUT_CASSETTE[settings.gate_backend]}"
        yield _clash("GATE_CASSETTE", mode, why, raw)


def _clash(name: str, value: object, allowed: str, raw: Mapping[str, tuple[Any, Given]]) -> Problem:
    return Problem(name, shown(written(value)), allowed, raw[name][1].place if name in raw else DEFAULT)
