"""The gateway put together: files read, proofs asked for, the follower's thread, the socket."""

import argparse
import signal
import socket
import threading
from collections.abc import Callable

from execution.gateway.acting import Acting
from execution.gateway.answering import Answering
from execution.gateway.chain import Chain
from execution.gateway.clock import SystemClock
from execution.gateway.codes import CannotStart, Refused
from execution.gateway.following import Following
from execution.gateway.instructions import Trader
from execution.gateway.policy import Policy, load_policy
from execution.gateway.preflight import Part, Preflight
from execution.gateway.private import read_private
from execution.gateway.profiles import load_profiles
from execution.gateway.records import Records
from execution.gateway.rpc import Rpc, RpcRefused, Unreachable
from execution.gateway.server import listen, serve
from execution.gateway.venue import Venue
from execution.gateway.wallet import Wallet, load_wallet

LOOK_EVERY_S = 0.4
MOST_ADDRESS_BYTES = 2_048

Say = Callable[[dict[str, object]], None]


def run(asked: argparse.Namespace, clock: SystemClock, say: Say) -> int:
    """Serve until told to stop, and return 0; raise `CannotStart` for whatever keeps the gateway from starting."""
    policy, profile = load_policy(asked.policy), load_profiles()[asked.profile]
    chain = Chain(Rpc(read_private(asked.rpc, "the node's address", MOST_ADDRESS_BYTES).decode().strip(), clock))
    trader = Trader(profile=profile, authority=policy.authority, sub_account=policy.limits.sub_account)
    try:
        say({"said": "trades", "program": profile.program, "user": trader.user})
    except ValueError:
        raise CannotStart(f"the policy {asked.policy}: authority is no address, or sub_account above 65535") from None
    venue = Venue(trader, chain, policy.limits)
    records = Records(asked.log, _identity(asked.mode, trader))
    wallet = _wallet(asked, policy)
    following = Following(records, chain, venue, clock.now_ms, clock)
    parts = _proven(Preflight(policy, venue, chain), say) if wallet else ()
    acting = Acting(policy, records, venue, chain, clock.now_ms, wallet=wallet, may_send=following.is_clear)
    answering = Answering(asked.mode, policy, venue, chain, records, acting, following, clock.now_ms, parts)
    server = listen(asked.socket)
    say({"said": "ready", "mode": asked.mode, "policy": policy.digest, "open": len(records.open_orders())})
    _serve(server, answering, following, say)
    asked.socket.unlink(missing_ok=True)
    return 0


def _wallet(asked: argparse.Namespace, policy: Policy) -> Wallet | None:
    if asked.mode == "dry_run":
        if asked.key is not None:
            raise CannotStart("dry_run loads no key: leave --key out")
        return None
    if asked.key is None:
        raise CannotStart("live needs --key: a file of mode 0600, or - for standard input")
    wallet = load_wallet(asked.key)
    if wallet.address != policy.authority:
        raise CannotStart(f"the key belongs to {wallet.address}, the policy names {policy.authority}")
    return wallet


def _identity(mode: str, trader: Trader) -> dict[str, object]:
    return {
        "mode": mode,
        "program": trader.profile.program,
        "authority": trader.authority,
        "sub_account": trader.sub_account,
    }


def _proven(preflight: Preflight, say: Say) -> tuple[Part, ...]:
    parts = tuple(preflight.parts())
    for one in parts:
        say({"said": "proof", "part": one.name, "holds": one.holds, "found": one.found})
    if failed := [one.name for one in parts if not one.holds]:
        raise CannotStart(f"live needs every proof, and this does not hold: {'; '.join(failed)}")
    return parts


def _serve(server: socket.socket, answering: Answering, following: Following, say: Say) -> None:
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    threading.Thread(target=serve, args=(server, answering.answer), daemon=True).start()
    while not stopped.is_set():
        try:
            following.look()
        except (Unreachable, RpcRefused, Refused) as trouble:
            say({"said": "trouble", "reason": str(trouble)})
        stopped.wait(LOOK_EVERY_S)
    server.close()
