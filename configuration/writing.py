"""Settings on paper: for a person, for the journal, and as the example file."""

import hashlib
import json
from typing import NamedTuple

from configuration.knob import allowed_words, extra_of, written
from configuration.knobs import GROUPS, KNOBS, Settings


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
    return json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)


def settings_hash(settings: Settings) -> str:
    """Return the SHA-256 of `settings_json`, in hex."""
    return hashlib.sha256(settings_json(settings).encode()).hexdigest()


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
