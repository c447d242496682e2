"""What a desk that would reach a venue has to prove before anything is opened."""

from typing import TYPE_CHECKING

from cli.live_plan import live_plan
from cli.options import stdout
from cli.plan import plan_of

if TYPE_CHECKING:
    from cli.shop import Shop
    from settings import Settings


def prove_start(settings: "Settings", shop: "Shop") -> tuple[str, ...]:
    """Return what is worth knowing of the proofs, once every one holds that can be had before the venue is asked.

    First what costs nothing: permission, journal, files. Only then, for live, the doctor's round, which may ask the
    gate's server. The live market is no part of it: the start opens it by itself, before a run is begun. Nothing is
    left on record. Raises BadInput for the first proof that does not hold.
    """
    from console.checkup import checks_of
    from console.live_checkup import doctor_proof, start_proofs
    from console.live_proofs import LIVE
    from console.proofs import refuse_unless_proven

    plan = live_plan(settings, shop.build_feed)
    proofs = start_proofs(plan, settings.database_url.get_secret_value())
    refuse_unless_proven(plan.mode, proofs)
    if plan.mode == LIVE:
        checks = checks_of(stdout(), plan_of(settings, shop.build_chat_reader))
        refuse_unless_proven(plan.mode, (doctor_proof(checks),))
    return tuple(f"{proof.name}: {proof.found}; {proof.advice}" for proof in proofs if proof.advice)
