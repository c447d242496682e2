"""How long to wait before the next attempt: twice as long after each failure, with a jitter of its own seed."""

from typing import Final

import numpy as np

FIRST_MS: Final = 500
LEAST_FRAC: Final = 0.5


class Backoff:
    """Pauses between attempts at one thing. Two that fail together do not come back together: the jitter differs."""

    __slots__ = ("_generator", "_max_ms", "n_failures")

    def __init__(self, seed: int, name: str, max_ms: int) -> None:
        """Begin without a failure. name: what is attempted; it gives the jitter a stream of its own."""
        sequence = np.random.SeedSequence(seed, spawn_key=tuple(name.encode()))
        self._generator = np.random.Generator(np.random.PCG64(sequence))
        self._max_ms = max_ms
        self.n_failures = 0

    def succeeded(self) -> None:
        """Begin again with the shortest pause."""
        self.n_failures = 0

    def failed(self) -> int:
        """Count a failure; return the pause before the next attempt, in ms: from half to the whole of its size."""
        size_ms = min(self._max_ms, FIRST_MS * 2 ** min(self.n_failures, 16))
        self.n_failures += 1
        return int(size_ms * self._generator.uniform(LEAST_FRAC, 1.0))
