"""How many gates were tried before one was shown: each of them could have come out well by luck."""

import json
from collections.abc import Iterable
from typing import Final

from backtest.score.gathering import EMBEDDED, ENSEMBLE
from db.tried import Tried

SHAPING: Final = {
    "GATE_MIN_P_WIN_PCT": "50",
    "GATE_MEMORY": "off",
    "GATE_QUORUM": "0",
    "GATE_METALABEL_MIN_TRIGGERS": "200",
}
"""Settings that make another gate of the same model and prompt, with what runs that do not name them had."""


def n_trials_of(everyone: Iterable[Tried]) -> int:
    """Return how many different gates these are: by backend, model, weights, prompt, and what of it counts as a yes."""
    return len({_who(one) for one in everyone})


def _who(one: Tried) -> tuple[str, ...]:
    given = json.loads(one.settings_json)
    shaping = (str(given.get(name, default)) for name, default in SHAPING.items())
    digest = "" if one.source == EMBEDDED or one.backend == ENSEMBLE else one.digest or ""
    text = "" if one.backend == ENSEMBLE else one.prompt_sha256
    return (one.backend, one.model, digest, one.prompt_version, text, *shaping)
