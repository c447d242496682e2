"""What a question may weigh, and what it must never tell."""

import json
import re

from domain.decisions import ExitReason
from domain.features import Regime
from gate.figures import MOST_TOLD

MOST_BYTES = 3_600
MOST_BYTES_WITH_MEMORY = 3_800
PLAIN_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,32}")
DATE_OR_CLOCK = re.compile(r"\d{4}-\d\d|\d\d:\d\d|\d{5,}|T\d\d|UTC|GMT|20\d\d[-/]")
VOCABULARY = {"BUY", "SELL", "e3", "funding_fade", "veto-2", *Regime, *ExitReason}
"""Every text a question of the desk's own rules can hold."""


def leaks(text, situation):
    """Return what in a question tells a date, a clock time, a price level, a name or words from outside."""
    values, asked = [*_values(json.loads(text))], situation.proposal
    words = [one for one in values if isinstance(one, str)]
    numbers = [one for one in values if isinstance(one, int | float)]
    levels = {asked.reference_price, *(one.bar.close_price for one in situation.recent if one.bar is not None)}
    return [
        *(word for word in words if word not in VOCABULARY or not PLAIN_WORD.fullmatch(word)),
        *(number for number in numbers if abs(number) > MOST_TOLD or number in _telling(levels)),
        *DATE_OR_CLOCK.findall(text),
        *(name for name in (asked.symbol, asked.symbol.split("-")[0]) if name in text),
    ]


def _telling(levels):
    """Return the prices whose own digits would give them away; a round or a small one may be some other figure."""
    cents = {round(level, 2) for level in levels if level > 20}
    return {level for level in cents if level != round(level, 1)}


def _values(value):
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if parts is None:
        yield value
    for part in parts or ():
        yield from _values(part)
