"""The outcomes of a tick in plain words, and which of them a person wants to be told about."""

from typing import Final

from domain.decisions import Refusal
from domain.tick import Outcome, TickRecord

QUIET: Final = frozenset({Outcome.NO_SIGNAL, Outcome.WARMING_UP})
TROUBLE: Final = frozenset({Outcome.UNFIT, Outcome.HALTED})

MEANING: Final[dict[Outcome, str]] = {
    Outcome.UNFIT: "the market data were not fit to trade on",
    Outcome.WARMING_UP: "the indicators were still warming up",
    Outcome.HALTED: "the desk was halted",
    Outcome.REDUCING: "the desk was only allowed to reduce",
    Outcome.ENTERED: "an entry order was sent",
    Outcome.EXITING: "an exit order was sent",
    Outcome.DENIED: "the gate said no",
    Outcome.REFUSED: "risk or the venue said no",
    Outcome.DISAGREED: "two strategies wanted opposite sides",
    Outcome.NO_SIGNAL: "no strategy saw a trade",
}

WORD: Final[dict[Outcome, str]] = {outcome: outcome.value.replace("_", " ") for outcome in Outcome}

STYLE: Final[dict[Outcome, str]] = {
    Outcome.ENTERED: "bold green",
    Outcome.EXITING: "bold cyan",
    Outcome.REFUSED: "yellow",
    Outcome.DENIED: "yellow",
    Outcome.DISAGREED: "yellow",
    Outcome.UNFIT: "red",
    Outcome.HALTED: "bold red",
    Outcome.REDUCING: "red",
    Outcome.WARMING_UP: "dim",
    Outcome.NO_SIGNAL: "dim",
}


def meaning(word: str) -> str:
    """Return what an outcome's recorded word means; a word of a later version is returned as it is."""
    known = {outcome.value: text for outcome, text in MEANING.items()}
    return known.get(word, word)


def is_notable(record: TickRecord) -> bool:
    """Say whether a person should be told of this tick: anything but waiting and warming up."""
    return record.outcome not in QUIET or bool(record.fills or record.trades or record.refusals)


def headline(record: TickRecord) -> tuple[str, str, str]:
    """Return (word, style, why) of a tick. One that waited, while the venue filled or closed, is told by that."""
    if record.outcome not in QUIET or not (record.trades or record.fills):
        return WORD[record.outcome], STYLE[record.outcome], record.why
    reason = record.fills[-1].exit_reason if record.fills else record.trades[-1].exit_reason
    by = "the entry order" if reason is None else f"by {reason.value.replace('_', ' ')}"
    return ("closed" if record.trades else "filled"), STYLE[Outcome.EXITING], by


def cause(record: TickRecord) -> str:
    """Return the short name of why nothing was done: the rule that refused, or the outcome."""
    if record.risk is not None and isinstance(record.risk.ruling, Refusal):
        return record.risk.ruling.rule
    if record.refusals:
        return record.refusals[0][1].rule
    return record.outcome.value
