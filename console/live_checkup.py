"""The doctor's look at the way to a venue: the live market, the socket, the key's file, and every proof."""

import asyncio
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from console.doctor import Check
from console.live_proofs import LIVE, PAPER, Case, live_proofs
from console.living import NOTHING_SEEN, LivingFeed, opened
from console.proofs import Proof, venue_proofs
from domain.errors import DeskError
from domain.record import Record

PRIVATE: Final = 0o600
WRITES: Final = stat.S_IWGRP | stat.S_IWOTH


class LivePlan(Record, frozen=True, kw_only=True):
    """What the settings say of the way to a venue. mode: as in MODE.

    unmet: settings that MODE does not take, as (name, value, what is allowed). gateway_socket, key_file: what this
    mode stands on; None where it needs none, an empty path where it needs one and none is named. build_feed: the
    live market; None where the market is no live one. ask_venue: what the venue says of itself without a key, as
    (name, whether it holds, what was found); None where nobody can be asked so.
    """

    mode: str
    case: Case
    unmet: tuple[tuple[str, str, str], ...] = ()
    gateway_socket: Path | None = None
    key_file: Path | None = None
    build_feed: Callable[[], Any] | None = None
    ask_venue: Callable[[], Iterable[tuple[str, bool, str]]] | None = None


def check_feed(build_feed: Callable[[], Any]) -> Check:
    """Open the live market as a desk does that starts, and let it go again."""
    feed = build_feed()
    with asyncio.Runner() as runner:
        try:
            with opened(feed, runner, NOTHING_SEEN) if isinstance(feed, LivingFeed) else nullcontext():
                return Check(name="live market", ok=True, found=f"it answers: {feed.describe()}")
        except DeskError as error:
            return Check(name="live market", ok=False, found=str(error), advice="no run starts until it answers")


def check_live(plan: LivePlan, database_url: str) -> Iterator[Check]:
    """Look at everything that stands between this desk and a venue; one line where MODE asks for none."""
    if plan.mode == PAPER:
        yield Check(name="live", ok=True, found="not asked for: MODE is paper, and no key is ever read")
        return
    for name, value, allowed in plan.unmet:
        found = f"{name} is {value or 'empty'}, and MODE is {plan.mode}"
        yield Check(name="live: settings", ok=False, found=found, advice=f"allowed: {allowed}")
    for proof in file_proofs(plan):
        yield _told(proof)
    if plan.ask_venue is not None:
        yield from map(_told, venue_proofs(plan.ask_venue()))
    is_asked = plan.mode == LIVE
    for proof in live_proofs(plan.case, database_url):
        yield _told(proof) if is_asked else _told_ahead(proof)


def start_proofs(plan: LivePlan, database_url: str) -> tuple[Proof, ...]:
    """Return every proof that can be had without opening anything but the journal: those a start begins with."""
    if plan.mode == LIVE:
        return (*live_proofs(plan.case, database_url), *file_proofs(plan))
    return file_proofs(plan)


def doctor_proof(checks: Iterator[Check]) -> Proof:
    """Return the proof that the doctor finds nothing to mend."""
    failed = [check for check in checks if not check.ok]
    if not failed:
        return Proof(name="doctor", holds=True, found="nothing to mend")
    more = "" if len(failed) == 1 else f", and {len(failed) - 1} more"
    found = f"{failed[0].name}: {failed[0].found}{more}"
    return Proof(name="doctor", holds=False, found=found, advice=failed[0].advice)


def file_proofs(plan: LivePlan) -> tuple[Proof, ...]:
    """Return what can be seen of socket and key file from outside. Neither is opened."""
    proofs = []
    if plan.gateway_socket is not None:
        proofs.append(_socket_proof(plan.gateway_socket))
    if plan.key_file is not None:
        proofs.append(_key_proof(plan.key_file))
    return tuple(proofs)


def _socket_proof(socket: Path) -> Proof:
    advice = "start the order gateway and name its socket in GATEWAY_SOCKET (docs/gateway.md)"
    try:
        status, folder = os.lstat(socket), os.stat(socket.absolute().parent)
    except OSError as error:
        return Proof(name="gateway", holds=False, found=f"{socket}: {error.strerror}", advice=advice)
    if not stat.S_ISSOCK(status.st_mode):
        return Proof(name="gateway", holds=False, found=f"{socket} is no socket", advice=advice)
    wrong = _open_to_others(status, socket)
    if wrong is None and (folder.st_mode & WRITES or folder.st_uid != os.geteuid()):
        wrong = f"the folder of {socket} belongs to another user or can be written to by others"
    if wrong is not None:
        advice = "only the user who runs gateway and desk may reach it: mode 0600, in a folder of his own"
        return Proof(name="gateway", holds=False, found=wrong, advice=advice)
    return Proof(name="gateway", holds=True, found=f"{socket} is there, and yours alone")


def _key_proof(key_file: Path) -> Proof:
    if key_file == Path():
        return Proof(name="key file", holds=False, found="CCXT_KEY_FILE names none", advice="see docs/live.md")
    try:
        status = os.lstat(key_file)
    except OSError as error:
        advice = "put the exchange's key there (docs/live.md)"
        return Proof(name="key file", holds=False, found=f"{key_file}: {error.strerror}", advice=advice)
    if not stat.S_ISREG(status.st_mode):
        advice = "put the key into a file of its own, no link (docs/live.md)"
        return Proof(name="key file", holds=False, found=f"{key_file} is no file", advice=advice)
    wrong = _open_to_others(status, key_file)
    if wrong is not None:
        is_mine = status.st_uid == os.geteuid()
        advice = f"chmod 600 {key_file}" if is_mine else "let the user run the desk whose key it is"
        return Proof(name="key file", holds=False, found=wrong, advice=advice)
    return Proof(name="key file", holds=True, found=f"{key_file} is there, and yours alone; it was not opened")


def _open_to_others(status: os.stat_result, path: Path) -> str | None:
    if status.st_uid != os.geteuid():
        return f"{path} belongs to another user"
    mode = stat.S_IMODE(status.st_mode)
    return None if mode == PRIVATE else f"{path} has mode {mode:04o}"


def _told(proof: Proof) -> Check:
    return Check(name=f"live: {proof.name}", ok=proof.holds, found=proof.found, advice=proof.advice)


def _told_ahead(proof: Proof) -> Check:
    """Tell what live would ask; a dry run starts without it."""
    advice = "" if proof.holds else f"live will ask for it: {proof.advice or 'docs/live.md'}"
    return Check(name=f"live: {proof.name}", ok=True, found=proof.found, advice=advice)
