"""What every strategy answered on a tick, as the one JSON text that `answers.signals` holds.

A list of objects in the order the strategies were asked: strategy, side ("BUY", "SELL" or null), failed_mask,
conviction_frac, reasons (a list). The same answers always give the same text.
"""

from functools import lru_cache
from typing import Final, Literal

import msgspec

from db.clean import clean
from domain.decisions import Side, Signal
from domain.record import Record


class Answer(Record, frozen=True, kw_only=True):
    """One strategy's answer as it is written: `domain.decisions.Signal` with its side as a word."""

    strategy: str
    side: Literal["BUY", "SELL"] | None
    failed_mask: int
    conviction_frac: float
    reasons: tuple[str, ...]


_WORDS: Final[dict[Side, Literal["BUY", "SELL"]]] = {Side.BUY: "BUY", Side.SELL: "SELL"}
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[Answer, ...]).decode


@lru_cache(maxsize=4096)
def written(signals: tuple[Signal, ...]) -> str:
    """Return the answers as JSON. Strategies say the same few noes all day: their text is remembered."""
    return _encode([_answer(signal) for signal in signals]).decode()


def answers(text: str) -> tuple[Answer, ...]:
    """Return the answers that `written` wrote."""
    return _decode(text)


def read(text: str) -> tuple[Signal, ...]:
    """Return the signals that `written` wrote."""
    return tuple(
        Signal(
            strategy=answer.strategy,
            side=None if answer.side is None else _SIDES[answer.side],
            failed_mask=answer.failed_mask,
            conviction_frac=answer.conviction_frac,
            reasons=answer.reasons,
        )
        for answer in answers(text)
    )


def _answer(signal: Signal) -> Answer:
    return Answer(
        strategy=clean(signal.strategy),
        side=None if signal.side is None else _WORDS[signal.side],
        failed_mask=signal.failed_mask,
        # SQLite does not keep the sign of a zero.
        conviction_frac=signal.conviction_frac + 0.0,
        reasons=tuple(map(clean, signal.reasons)),
    )
