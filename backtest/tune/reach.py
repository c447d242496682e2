"""How long an embargo must be: no window, hold or late order of one segment may reach into the next."""

from collections.abc import Mapping, Sequence

from backtest.parts import Parts, PartsOf
from domain.errors import BadInput
from indicators.features import warmup_bars


def longest_reach_bars(values: Mapping[str, Sequence[str]], parts_of: PartsOf) -> int:
    """Return a reach in bars that no combination of these values exceeds.

    A decision reaches back by the features' warm-up, forward by its order's latency and the longest hold. Each of the
    three is largest at the extreme of a single knob; the largest of each are added up. values: of each knob, at
    least its extremes.
    """
    firsts = {name: listed[0] for name, listed in values.items()}
    warmup, latency, hold = _reach(_tried(parts_of, firsts) or parts_of({}))
    for name, listed in values.items():
        for word in listed:
            parts = _tried(parts_of, {**firsts, name: word}) or _tried(parts_of, {name: word})
            if parts is not None:
                one = _reach(parts)
            elif name.startswith("FEATURE_"):
                # It goes only beside other values; no window needs more bars than itself and the one before.
                one = (int(float(word)) + 1, 0, 0)
            else:
                continue
            warmup, latency, hold = max(warmup, one[0]), max(latency, one[1]), max(hold, one[2])
    return warmup + latency + hold


def _tried(parts_of: PartsOf, knobs: Mapping[str, str]) -> Parts | None:
    try:
        return parts_of(knobs)
    except BadInput:
        return None


def _reach(parts: Parts) -> tuple[int, int, int]:
    rules = parts.rules
    return warmup_bars(parts.windows), rules.paper.latency_bars + 1, rules.exits.max_hold_bars
