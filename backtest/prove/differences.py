"""The first figure in which two records of one tick differ, in the order in which the tick comes about."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from backtest.prove.proof import Difference
from domain.decisions import Signal
from domain.features import Feature, Features
from domain.tick import GateExchange, TickRecord

PARTS: Final = (
    "snapshot", "state", "fills", "funding", "trades", "features", "counterfactuals", "reflections", "signals",
    "proposal", "gate", "risk", "orders", "refusals", "outcome", "why", "cash_microusd", "position_lots",
    "equity_microusd", "tick_no",
)  # fmt: skip
NOTHING: Final = "nothing"


def first_difference(expected: TickRecord, got: TickRecord, parts: Sequence[str] = PARTS) -> Difference | None:
    """Return what differs first in `parts`, None when nothing does. How long a gate took is no difference."""
    for part in parts:
        was, now = _timeless(getattr(expected, part)), _timeless(getattr(got, part))
        if not _is_same(was, now):
            path, before, after = _leaf(was, now, "")
            return Difference(part=part, figure=path or part, expected=before, got=after)
    return None


def _is_same(was: Any, now: Any) -> bool:
    # Not `!=`: a record with an equality of its own, as `Features` has, leaves msgspec's inequality as it was.
    return bool(was == now)


def _timeless(value: Any) -> Any:
    return replace(value, latency_ms=None) if isinstance(value, GateExchange) else value


def _leaf(was: Any, now: Any, path: str) -> tuple[str, str, str]:
    """Return (path, expected, got) of the first leaf that differs."""
    if isinstance(was, Features) and isinstance(now, Features):
        return _figure(was, now)
    if isinstance(was, Signal) and isinstance(now, Signal) and was.strategy == now.strategy:
        return _answer(was, now)
    if isinstance(was, msgspec.Struct) and type(was) is type(now):
        name = next(name for name in was.__struct_fields__ if not _is_same(getattr(was, name), getattr(now, name)))
        return _leaf(getattr(was, name), getattr(now, name), f"{path}.{name}".lstrip("."))
    if isinstance(was, tuple) and isinstance(now, tuple):
        return _member(was, now, path)
    return path, _text(was), _text(now)


def _member(was: Sequence[Any], now: Sequence[Any], path: str) -> tuple[str, str, str]:
    for place, (before, after) in enumerate(zip(was, now, strict=False)):
        if not _is_same(before, after):
            return _leaf(before, after, path if len(was) == len(now) == 1 else f"{path}[{place}]")
    place = min(len(was), len(now))
    before, after = (_text(one[place]) if place < len(one) else NOTHING for one in (was, now))
    return f"{path}[{place}]", before, after


def _figure(was: Features, now: Features) -> tuple[str, str, str]:
    for place in Feature:
        before, after = was.vector[place], now.vector[place]
        if before.tobytes() != after.tobytes():
            return place.name.lower(), repr(float(before)), repr(float(after))
    raise ValueError("two feature vectors without a difference have no first one")


def _answer(was: Signal, now: Signal) -> tuple[str, str, str]:
    flipped = was.failed_mask ^ now.failed_mask
    if flipped == 0:
        name = next(name for name in was.__struct_fields__ if not _is_same(getattr(was, name), getattr(now, name)))
        return f"{was.strategy}.{name}", _text(getattr(was, name)), _text(getattr(now, name))
    bit = (flipped & -flipped).bit_length() - 1
    failing = was if was.failed_mask >> bit & 1 else now
    place = (failing.failed_mask & ((1 << bit) - 1)).bit_count()
    phrase = failing.reasons[place] if place < len(failing.reasons) else f"test {bit}"
    answers = ["fails" if one.failed_mask >> bit & 1 else "passes" for one in (was, now)]
    return f"{was.strategy}: {phrase}", answers[0], answers[1]


def _text(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, msgspec.Struct):
        return msgspec.json.encode(value).decode() if not isinstance(value, Features) else "features"
    return str(getattr(value, "name", value))
