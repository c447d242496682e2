"""The doctor's look at the gate: whether whom the settings name can be asked, and whether it may veto."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from console.doctor import Check
from console.gate_news import GateSetting
from console.promotion import GateIdentity, promotion_warning
from db.opening import open_journal
from domain.decisions import GateMode
from domain.errors import DeskError
from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import Readiness
from gate.advice import advice_on

PAPER: Final = "paper"
Look = Callable[[], Awaitable[Readiness]]


class GatePlan(Record, frozen=True, kw_only=True):
    """What the settings say of the gate. looks: a look at each that is asked, by name; none where nobody is.

    identity: whom they would ask, None where nobody is asked. evaluation: the number of the stored one, or empty.
    """

    setting: GateSetting
    looks: tuple[tuple[str, Look], ...] = ()
    identity: GateIdentity | None = None
    evaluation: str = ""


def check_gate(plan: GatePlan, database_url: str) -> Iterator[Check]:
    """Look at everybody who would be asked before an entry, as a desk does that opens: this may load a model.

    A gate that cannot be asked keeps no desk from running, so it is a note; a promotion that is refused does.
    """
    setting = plan.setting
    if setting.mode is GateMode.OFF or not plan.looks:
        found = "off: nobody is asked before an entry" if setting.mode is GateMode.OFF else "on, with nobody to ask"
        yield Check(name="gate", ok=True, found=found, advice=setting.news.removeprefix("WARNING: "))
    else:
        for name, look in plan.looks:
            yield _looked_at(name, look, setting.mode)
    promotion = _promotion(plan, database_url)
    if promotion is not None:
        yield promotion


def _looked_at(name: str, look: Look, mode: GateMode) -> Check:
    async def looking() -> Readiness:
        return await look()

    found = asyncio.run(looking())
    told = f"{mode.value}, {name}: {found.told}"
    if found.is_ready:
        return Check(name="gate", ok=True, found=told)
    if found.reason is GateReason.CASSETTE_MISS:
        return Check(name="gate", ok=False, found=told, advice="no run starts like that: name another cassette")
    advice = advice_on(found.reason) or "until that is mended every answer is a no"
    return Check(name="gate", ok=True, found=told, advice=f"{advice}; then `python main.py gate check`")


def _promotion(plan: GatePlan, database_url: str) -> Check | None:
    """Return what stands against a veto on paper; None where there is none."""
    if plan.identity is None or plan.setting.mode is not GateMode.VETO:
        return None
    try:
        with open_journal(database_url, writable=False) as store:
            warning = promotion_warning(store, PAPER, plan.identity, plan.evaluation)
    except DeskError as error:
        advice = "paper does not start like that: GATE_MODE=shadow measures it first"
        return Check(name="veto", ok=False, found=str(error), advice=advice)
    if warning is None:
        return Check(name="veto", ok=True, found=f"evaluation {plan.evaluation} found evidence for this gate")
    return Check(name="veto", ok=True, found=f"evaluation {plan.evaluation} is of this gate", advice=warning)
