"""What a person is told of the gate while a run goes on: whether anybody is asked, and when answers stop coming."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from domain.decisions import GateMode
from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import GateExchange, Readiness

# Whoever gives one of these has understood the question, or was never there to be asked.
_ANSWERS: Final = frozenset(
    {
        GateReason.OK,
        GateReason.LLM_DENY,
        GateReason.BELOW_THRESHOLD,
        GateReason.INCONSISTENT,
        GateReason.ABSTAINED,
        GateReason.NO_QUORUM,
        GateReason.GATE_OFF,
        GateReason.NO_BACKEND,
    }
)
_MEANT: Final = {
    GateMode.SHADOW: "in shadow: its answers are recorded and decide nothing",
    GateMode.VETO: "in veto: what it denies is not traded",
}


class GateSetting(Record, frozen=True, kw_only=True):
    """What the settings say of the gate. url: of the server that has to be looked at, empty where none has."""

    mode: GateMode
    backend: str
    url: str = ""
    warmup_s: float = 0.0

    @property
    def news(self) -> str:
        """What must be said before anything else; empty where nothing must."""
        is_asked = self.backend != "off"
        if self.mode is GateMode.OFF:
            return (
                f"nobody is asked before an entry: GATE_MODE is off, though GATE_BACKEND is {self.backend}; "
                "GATE_MODE=shadow asks and records"
                if is_asked
                else ""
            )
        if not is_asked:
            follows = "no entry can be made" if self.mode is GateMode.VETO else "nothing will be measured"
            return f"WARNING: GATE_MODE is {self.mode.value} and GATE_BACKEND off: nobody is asked, and {follows}"
        if not self.url:
            return ""
        return f"looking at the gate's server at {self.url}; loading its model may take {self.warmup_s:g} s"


def opened_text(mode: GateMode, found: Readiness) -> str:
    """Say what was found when the gate opened, and what follows from it."""
    if found.is_ready:
        return f"the gate is ready, {_MEANT.get(mode, mode.value)}: {found.told}"
    follows = "no entry is made" if mode is GateMode.VETO else "nothing is measured"
    return f"WARNING: {found.told}; until the gate can be asked it denies everything, and {follows}"


@dataclass(slots=True)
class GateWatch:
    """Counts answers as they come. n_failed: of those since the gate last answered that were none."""

    mode: str = ""
    n_asked: int = 0
    n_approved: int = 0
    n_failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    last_reason: str = ""

    def hear(self, exchange: GateExchange) -> None:
        """Take in one answer."""
        code = exchange.verdict.reason_code
        if code == GateReason.GATE_OFF:
            return
        self.mode, self.last_reason = exchange.mode, code
        self.n_asked += 1
        self.n_approved += code == GateReason.OK
        self.n_failed = 0 if is_answer(code) else self.n_failed + 1
        self.reasons[code] += 1


def is_answer(reason_code: str) -> bool:
    """Say whether somebody answered, whatever was said; else the gate has failed and closed by itself."""
    return reason_code in _ANSWERS


def reason_text(reason_code: str) -> str:
    """Return a reason with its meaning; one of another version stands alone."""
    return f"{reason_code}: {GateReason(reason_code).label}" if reason_code in set(GateReason) else reason_code
