"""A proof that a desk may reach a venue: what was looked at, whether it holds, and what to do where it does not."""

from collections.abc import Iterable

from domain.errors import BadInput
from domain.record import Record


class Proof(Record, frozen=True, kw_only=True):
    """One thing that must hold. advice: what to do where it does not; where it holds, what is worth knowing."""

    name: str
    holds: bool
    found: str
    advice: str = ""


def venue_proofs(findings: Iterable[tuple[str, bool, str]]) -> tuple[Proof, ...]:
    """Return what only the venue can say of itself. findings: (name, whether it holds, what was found)."""
    return tuple(Proof(name=name, holds=holds, found=found) for name, holds, found in findings)


def refuse_unless_proven(mode: str, proofs: Iterable[Proof]) -> None:
    """Raise BadInput with the first proof that is missing, and how many more are. mode: as in MODE."""
    missing = [proof for proof in proofs if not proof.holds]
    if not missing:
        return
    first = missing[0]
    advice = f": {first.advice}" if first.advice else ""
    more = "" if len(missing) == 1 else f", and {len(missing) - 1} more"
    raise BadInput(
        f"{mode} does not start. Not proven: {first.name} ({first.found}){advice}{more}. "
        f"`python main.py doctor --set MODE={mode}` lists every proof"
    )
