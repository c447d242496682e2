"""Whether the gate's answers come from a cassette, and what a run may say of itself afterwards."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.gate_reason import GateReason
from domain.record import Record

# Noes that the desk gives by itself, from what it knows: they come out again without a cassette.
UNASKED: Final = frozenset({GateReason.GATE_OFF, GateReason.NO_BACKEND, GateReason.BUSY_LOCAL, GateReason.CIRCUIT_OPEN})
# Noes that trouble of this very run gave: another run over the same cassette need not meet it.
LOST: Final = frozenset({GateReason.AUDIT_FAILED, GateReason.INTERRUPTED, GateReason.CASSETTE_UNWRITTEN})


class CassetteMode(StrEnum):
    """Where answers come from. RECORD: the server, where the cassette has none yet. The others ask no server.

    REPLAY: what is not on the cassette is denied. REPLAY_STRICT: it stops the run.
    """

    OFF = "off"
    RECORD = "record"
    REPLAY = "replay"
    REPLAY_STRICT = "replay_strict"

    @property
    def is_replay(self) -> bool:
        """Say whether no server is asked."""
        return self in (CassetteMode.REPLAY, CassetteMode.REPLAY_STRICT)


class CassetteUse(Record, frozen=True, kw_only=True):
    """How a run fared with its cassette. n_asked: questions that went to it; n_missed, n_lost: those without an answer.

    n_missed: not on the cassette. n_lost: the answer did not count, because the desk was cut off or could not write.
    """

    mode: CassetteMode
    n_asked: int
    n_missed: int
    n_lost: int

    @property
    def n_answered(self) -> int:
        """Questions that got an answer which is on the cassette."""
        return self.n_asked - self.n_missed - self.n_lost

    @property
    def is_reproducible(self) -> bool:
        """Say whether the run comes out again from this cassette alone."""
        return self.mode.is_replay and self.n_answered == self.n_asked

    @property
    def sentence(self) -> str:
        """The hit rate, and what follows from it."""
        counts = f"{self.n_answered:,} of {self.n_asked:,} answers"
        gone = [f"{self.n_missed:,} {'miss' if self.n_missed == 1 else 'misses'}"] if self.n_missed else []
        gone += [f"{self.n_lost:,} lost"] if self.n_lost else []
        if not self.mode.is_replay:
            return ", ".join([f"{counts} on the cassette", *gone])
        end = ", reproducible" if self.is_reproducible else f", {', '.join(gone)}: not reproducible"
        return f"{counts} from the cassette{end}"


def cassette_use(mode: CassetteMode, reasons: Mapping[str, int]) -> CassetteUse | None:
    """Return how a run fared with its cassette; None without one. reasons: how often the gate gave which reason."""
    if mode is CassetteMode.OFF:
        return None
    return CassetteUse(
        mode=mode,
        n_asked=sum(count for reason, count in reasons.items() if reason not in UNASKED),
        n_missed=reasons.get(GateReason.CASSETTE_MISS, 0),
        n_lost=sum(reasons.get(reason, 0) for reason in LOST),
    )
