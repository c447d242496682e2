"""Settings on paper: for a person, for the journal, and as the example file."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from configuration.asking import GateKnobs
from configuration.deciding import (
    E3Knobs,
    ExitKnobs,
    FeatureKnobs,
    FundingFadeKnobs,
    PortfolioKnobs,
    QualityKnobs,
    RiskKnobs,
    SizingKnobs,
)
from configuration.knob import allowed_words, extra_of, written
from configuration.knobs import GROUPS, KNOBS, Settings

# What the desk does with a given market and a given account. Not how it is run: which market, at what pace, on which
# venue, with what money and costs, recorded where. GATE_EVALUATION lets a gate veto and changes none of its answers.
_DECIDING_GROUPS: Final = (
    QualityKnobs,
    FeatureKnobs,
    E3Knobs,
    FundingFadeKnobs,
    ExitKnobs,
    RiskKnobs,
    SizingKnobs,
    PortfolioKnobs,
    GateKnobs,
)
_APART: Final = frozenset({"GATE_EVALUATION"})


class Effective(NamedTuple):
    """One row of `main.py config`. value: printable, a password is hidden."""

    name: str
    value: str
    source: str
    meaning: str


def settings_json(settings: Settings) -> str:
    """Return everything that can change a decision as canonical JSON: sorted, no secret, no path, no display knob."""
    values = settings.model_dump(mode="json")
    decisive = {name: values[name.lower()] for name, field in KNOBS.items() if extra_of(field)["decides"]}
    return _canonical(decisive)


def settings_hash(settings: Settings) -> str:
    """Return the SHA-256 of `settings_json`, in hex."""
    return hashlib.sha256(settings_json(settings).encode()).hexdigest()


def deciding_names() -> tuple[str, ...]:
    """Return the names of the settings that decide what the desk does with a given market, in order."""
    grouped = (name.upper() for group in _DECIDING_GROUPS for name in group.model_fields)
    deciding = [name for name in grouped if extra_of(KNOBS[name])["decides"] and name not in _APART]
    return ("SYMBOLS", "STRATEGIES", *deciding)


def recorded_decisions(text: str) -> dict[str, Any] | None:
    """Return the deciding settings of a run by name, from the JSON in its header.

    None where they cannot be known to be today's: one is not on record, or one is that this version does not know.
    """
    try:
        recorded = json.loads(text)
    except ValueError:
        return None
    names = deciding_names()
    if not isinstance(recorded, dict) or not recorded.keys() <= KNOBS.keys() or not recorded.keys() >= set(names):
        return None
    return {name: recorded[name] for name in names}


def strategy_json(settings: Settings) -> str:
    """Return the deciding settings alone as canonical JSON: two desks with the same one trade a market alike."""
    return _canonical(recorded_decisions(settings_json(settings)))


def decision_hash(settings: Settings) -> str:
    """Return the SHA-256 of `strategy_json`, in hex."""
    return hashlib.sha256(strategy_json(settings).encode()).hexdigest()


def recorded_decision_hash(text: str) -> str | None:
    """Return the `decision_hash` of a run from the settings in its header; None where it cannot be known."""
    decisions = recorded_decisions(text)
    return None if decisions is None else hashlib.sha256(_canonical(decisions).encode()).hexdigest()


def effective(settings: Settings) -> list[Effective]:
    """Return every knob with its value and source, in the order of `.env.example`; secrets are hidden."""
    sources = settings.sources
    return [
        Effective(name, written(getattr(settings, name.lower())), sources[name], str(field.description))
        for name, field in KNOBS.items()
    ]


def env_example() -> str:
    """Return the text of `.env.example`: every knob with its meaning, what is allowed, and its default."""
    lines = [
        "# Tidegate's settings. Copy to .env and change what you like; the environment wins over .env, and a name or",
        "# value the desk does not know refuses the start. `python main.py config` shows what counts, and from where.",
    ]
    for group in GROUPS:
        lines += ["", f"# --- {str(group.__doc__).rstrip('.')} ---"]
        for name, field in group.model_fields.items():
            lines += ["", f"# {field.description}", f"# {allowed_words(field)}"]
            lines.append(f"{name.upper()}={written(field.default)}")
    return "\n".join(lines) + "\n"


def _canonical(values: Mapping[str, Any] | None) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
