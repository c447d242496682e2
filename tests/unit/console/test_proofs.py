"""Refusing a start: one sentence with the first missing proof and how many more."""

import pytest

from console.proofs import Proof, refuse_unless_proven, venue_proofs
from domain.errors import BadInput

HOLDS = Proof(name="paper", holds=True, found="2,000 minutes live", advice="made by other code")
MISSING = Proof(name="backtest", holds=False, found="none is on record", advice="run one")


def test_a_desk_with_every_proof_may_start() -> None:
    refuse_unless_proven("live", [])
    refuse_unless_proven("live", [HOLDS, HOLDS])


def test_the_first_missing_proof_is_named_with_what_to_do_and_how_many_more() -> None:
    with pytest.raises(BadInput) as caught:
        refuse_unless_proven("live", [HOLDS, MISSING, *venue_proofs([("slots", False, "they stand still")])])
    assert str(caught.value) == (
        "live does not start. Not proven: backtest (none is on record): run one, and 1 more. "
        "`python main.py doctor --set MODE=live` lists every proof"
    )


def test_what_the_venue_says_of_itself_counts_like_any_proof() -> None:
    findings = [("network", True, "mainnet"), ("program", False, "it is not there")]
    with pytest.raises(BadInput, match=r"Not proven: program \(it is not there\)\. "):
        refuse_unless_proven("dry_run", venue_proofs(findings))
    refuse_unless_proven("dry_run", venue_proofs(findings[:1]))
