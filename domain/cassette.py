"""Whether the gate's answers come from a cassette, and what a run may say of itself afterwards."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.gate_reason import GateReason
from domain.record import Record

NOBODY: Final = ""
"""The source of a no that nobody was asked for."""
FROM_CASSETTE: Final = "cassette"
"""The source of an answer that was recorded earlier."""

# Noes that the desk gives by itself, from what it knows: they come out again without a cassette.
_OWN: Final = frozenset({GateReason.GATE_OFF, GateReason.NO_BACKEND, GateReason.BUSY_LOCAL, GateReason.CIRCUIT_OPEN})
# What arrived was not put on the cassette: the disk was full, or another model answered.
_NOT_KEPT: Final = frozenset({GateReason.CASSETTE_UNWRITTEN, GateReason.IDENTITY_CHANGED})


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
    """How a run fared with its cassette. n_asked: questions whose answer was to come from it, or to go onto it.

    n_missed: not on it. n_elsewhere: neither there nor missed: the desk was cut off or could not write, the server was
    not fit to be asked, or another process of the run had asked it.
    """

    mode: CassetteMode
    n_asked: int
    n_missed: int
    n_elsewhere: int

    @property
    def n_answered(self) -> int:
        """Questions whose answer is on the cassette."""
        return self.n_asked - self.n_missed - self.n_elsewhere

    @property
    def is_reproducible(self) -> bool:
        """Say whether the run comes out again from this cassette alone."""
        return self.mode.is_replay and self.n_answered == self.n_asked

    @property
    def sentence(self) -> str:
        """The hit rate, and what follows from it."""
        counts = f"{self.n_answered:,} of {self.n_asked:,} answers"
        if not self.mode.is_replay:
            return f"{counts} on the cassette"
        if self.is_reproducible:
            return f"{counts} from the cassette, reproducible"
        gone = [f"{self.n_missed:,} {'miss' if self.n_missed == 1 else 'misses'}"] if self.n_missed else []
        gone += [f"{self.n_elsewhere:,} from elsewhere"] if self.n_elsewhere else []
        return f"{counts} from the cassette, {', '.join(gone)}: not reproducible"


def cassette_use(mode: CassetteMode, answers: Mapping[tuple[str, str], int]) -> CassetteUse | None:
    """Return how a run fared with its cassette; None without one.

    answers: how often the gate gave which reason, by the source of what it heard: `NOBODY`, "live" or `FROM_CASSETTE`.
    """
    if mode is CassetteMode.OFF:
        return None
    asked = {(source, why): n for (source, why), n in answers.items() if source != NOBODY or why not in _OWN}
    return CassetteUse(
        mode=mode,
        n_asked=sum(asked.values()),
        n_missed=sum(n for (_, why), n in asked.items() if why == GateReason.CASSETTE_MISS),
        n_elsewhere=sum(n for (source, why), n in asked.items() if not _is_on_it(mode, source, why)),
    )


def _is_on_it(mode: CassetteMode, source: str, why: str) -> bool:
    """Say whether the answer is on the cassette; a miss is counted by itself, and counts here as if it were."""
    if source == FROM_CASSETTE or why == GateReason.CASSETTE_MISS:
        return why != GateReason.CASSETTE_UNWRITTEN
    return mode is CassetteMode.RECORD and source != NOBODY and why not in _NOT_KEPT
