"""Timing fairly on a machine that is not quiet: everybody in turn, round after round, ratios between neighbours."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any

Timed = Mapping[str, Callable[[], float]]
Rounds = Mapping[str, Sequence[float]]


def seconds_of(work: Callable[[], Any]) -> float:
    """Return how long one call takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def in_turn(timed: Timed, n_rounds: int) -> Rounds:
    """Return the seconds of every round by name. Each is done once before the first: that round is not counted."""
    for once in timed.values():
        once()
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(n_rounds):
        for name, once in timed.items():
            seconds[name].append(once())
    return seconds


def ratio(mine: Sequence[float], its: Sequence[float]) -> float:
    """Return the median over the rounds of how many times as long as its neighbour `mine` took."""
    return median(one / other for one, other in zip(mine, its, strict=True))


def tell(rounds: Rounds, base: str, n_items: int, item: str) -> None:
    """Print a line for each: median and best seconds, items a second, and the time against `base`."""
    for name, seconds in rounds.items():
        rate = n_items / median(seconds)
        print(
            f"  {name:42} {median(seconds) * 1e3:>11,.2f} ms (best {min(seconds) * 1e3:,.2f}), "
            f"{rate:>13,.0f} {item}/s, {ratio(seconds, rounds[base]):9,.2f} x"
        )
