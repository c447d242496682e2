"""What can be wrong with the local exchange in a minute."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto

import numpy as np

from domain.market import MINUTE_MS


class Fault(Enum):
    """One fault, for one minute."""

    SILENCE = auto()
    DISCONNECT = auto()
    DUPLICATE = auto()
    OUT_OF_ORDER = auto()
    WRONG_SYMBOL = auto()
    NOT_A_NUMBER = auto()
    HALF_A_MESSAGE = auto()
    SEQUENCE_GAP = auto()
    CROSSED_BOOK = auto()
    TOO_MANY_REQUESTS = auto()
    RECONNECT_STORM = auto()
    DELISTED = auto()
    CLOCK_SKEW = auto()
    OUTAGE = auto()

    @property
    def is_mute(self) -> bool:
        """Whether the streams say nothing."""
        return self in (Fault.SILENCE, Fault.TOO_MANY_REQUESTS, Fault.OUTAGE)


Script = Mapping[int, Fault]


def one_a_minute(first_ms: int, n_minutes: int, seed: int, kinds: Sequence[Fault] = tuple(Fault)) -> Script:
    """Return a script with a fault in every minute, every kind as often as the others, in an order of its own."""
    generator = np.random.default_rng(seed)
    order: list[Fault] = []
    while len(order) < n_minutes:
        order += [kinds[place] for place in generator.permutation(len(kinds))]
    return {first_ms + number * MINUTE_MS: fault for number, fault in enumerate(order[:n_minutes])}
