"""What the gateway asks of the node, with every answer checked for its shape."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey

from execution.gateway.rpc import Rpc, Unreachable

CONFIRMED = {"commitment": "confirmed"}
FINALIZED = {"commitment": "finalized"}
MOST_REASON = 300


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its bytes, the program that owns it, whether it is a program."""

    content: bytes
    owner: str
    executable: bool


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A blockhash, the last block height at which it is good, and the slot it was read at."""

    text: str
    last_valid_height: int
    slot: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transaction fails: the node's words, and the program's own number where it gave one."""

    text: str
    program_code: int | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a node knows of a signature at a slot. found: it has it. final: no fork can take it back any more.

    landed_slot: the slot of the block that holds it, 0 where it was not found.
    """

    slot: int
    found: bool
    final: bool = False
    failure: Failure | None = None
    landed_slot: int = 0


@dataclass(frozen=True, slots=True)
class Touch:
    """One transaction that named an address, whether it failed, and the time of its block where the node has it."""

    slot: int
    signature: str
    failed: bool
    ts_s: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest finalized block: slot and height."""

    slot: int
    height: int


class Chain:
    """The node's answers as values. Every method raises `Unreachable` or `RpcRefused` when there is none."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def genesis(self) -> str:
        """Return the hash that names the network."""
        return _text(self._rpc.call("getGenesisHash"))

    def slot(self) -> int:
        """Return the newest confirmed slot."""
        return _integer(self._rpc.call("getSlot", CONFIRMED))

    def accounts(
        self, addresses: Sequence[str], *, final: bool = False, least_slot: int = 0
    ) -> tuple[int, list[Account | None]]:
        """Return the slot and the accounts of one moment, None for each that does not exist.

        final: as of the newest finalized block. least_slot: a node that has not got there yet answers with an error.
        """
        options = {"encoding": "base64", **_view(final=final, least_slot=least_slot)}
        slot, value = _with_slot(self._rpc.call("getMultipleAccounts", list(addresses), options))
        if not isinstance(value, list) or len(value) != len(addresses):
            raise Unreachable("getMultipleAccounts: not as many accounts as were asked for")
        return slot, [_account(one) for one in value]

    def latest_blockhash(self) -> Blockhash:
        """Return a blockhash to build on."""
        slot, value = _with_slot(self._rpc.call("getLatestBlockhash", CONFIRMED))
        found = _object(value)
        return Blockhash(_hash(found.get("blockhash")), _integer(found.get("lastValidBlockHeight")), slot)

    def simulate(self, transaction: str) -> Failure | None:
        """Return how the transaction would fail now, None when it would not. Its signature is not looked at."""
        options = {"encoding": "base64", "sigVerify": False, "replaceRecentBlockhash": False, **CONFIRMED}
        _, value = _with_slot(self._rpc.call("simulateTransaction", transaction, options))
        found = _object(value)
        if "err" not in found:
            raise Unreachable("simulateTransaction: the answer does not say how it went")
        return _failure(found["err"])

    def send(self, transaction: str) -> None:
        """Hand a signed transaction to the network. Whatever this raises, it may have gone out."""
        options = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        self._rpc.call("sendTransaction", transaction, options)

    def sighting(self, signature: str) -> Sighting:
        """Return what the node knows of a signature, its whole history searched."""
        options = {"searchTransactionHistory": True}
        slot, value = _with_slot(self._rpc.call("getSignatureStatuses", [signature], options))
        if not isinstance(value, list) or len(value) != 1:
            raise Unreachable("getSignatureStatuses: not one answer to one question")
        if value[0] is None:
            return Sighting(slot, found=False)
        found = _object(value[0])
        level = found.get("confirmationStatus")
        if level == "processed":
            return Sighting(slot, found=False)
        failure, landed_slot = _failure(found.get("err")), _integer(found.get("slot"))
        return Sighting(slot, found=True, final=level == "finalized", failure=failure, landed_slot=landed_slot)

    def touches(
        self, address: str, limit: int, *, before: str | None = None, final: bool = False, least_slot: int = 0
    ) -> list[Touch]:
        """Return the newest transactions that named an address, newest first; only those before a signature if told.

        final, least_slot: as in `accounts`.
        """
        options = {"limit": limit, **_view(final=final, least_slot=least_slot)}
        if before is not None:
            options["before"] = before
        found = self._rpc.call("getSignaturesForAddress", address, options)
        if not isinstance(found, list):
            raise Unreachable("getSignaturesForAddress: no list")
        return [_touch(_object(one)) for one in found]

    def log_lines(self, signature: str, *, final: bool = False) -> list[str]:
        """Return what was logged in a transaction; raise `Unreachable` while the node does not have it."""
        options = {"encoding": "base64", "maxSupportedTransactionVersion": 0, **_view(final=final)}
        meta = _object(_object(self._rpc.call("getTransaction", signature, options)).get("meta"))
        lines = meta.get("logMessages")
        if not isinstance(lines, list):
            raise Unreachable("getTransaction: the transaction came without its log")
        return [_text(line) for line in lines]

    def head(self) -> Head:
        """Return the newest finalized block."""
        found = _object(self._rpc.call("getEpochInfo", FINALIZED))
        return Head(_integer(found.get("absoluteSlot")), _integer(found.get("blockHeight")))

    def first_slot(self) -> int:
        """Return the oldest slot of which the node still has the block."""
        return _integer(self._rpc.call("getFirstAvailableBlock"))

    def block_time_s(self, slot: int) -> int:
        """Return when the block of a slot was made, UTC epoch seconds by the network's clock."""
        return _integer(self._rpc.call("getBlockTime", slot))


def _view(*, final: bool, least_slot: int = 0) -> dict[str, Any]:
    """Return which state a call looks at, and how new it has to be."""
    return {**(FINALIZED if final else CONFIRMED), **({"minContextSlot": least_slot} if least_slot else {})}


def _touch(one: dict[str, Any]) -> Touch:
    told_s = one.get("blockTime")
    ts_s = None if told_s is None else _integer(told_s)
    return Touch(_integer(one.get("slot")), _text(one.get("signature")), one.get("err") is not None, ts_s)


def _failure(error: Any) -> Failure | None:
    if error is None:
        return None
    text = error if isinstance(error, str) else json.dumps(error)
    return Failure(text[:MOST_REASON], _program_code(error))


def _program_code(error: Any) -> int | None:
    pair = error.get("InstructionError") if isinstance(error, dict) else None
    inner = pair[1] if isinstance(pair, list) and len(pair) == 2 else None
    code = inner.get("Custom") if isinstance(inner, dict) else None
    return code if type(code) is int else None


def _account(found: Any) -> Account | None:
    if found is None:
        return None
    one = _object(found)
    pair = one.get("data")
    if not isinstance(pair, list) or not pair or not isinstance(pair[0], str):
        raise Unreachable("an account came without its bytes")
    try:
        content = base64.b64decode(pair[0], validate=True)
    except ValueError:
        raise Unreachable("an account's bytes cannot be read") from None
    return Account(content, _text(one.get("owner")), one.get("executable") is True)


def _with_slot(answer: Any) -> tuple[int, Any]:
    found = _object(answer)
    return _integer(_object(found.get("context")).get("slot")), found.get("value")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreachable("the answer has another shape than the protocol's")
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise Unreachable("the answer has something else where a count should be")
    return value


def _hash(value: Any) -> str:
    text = _text(value)
    try:
        Pubkey.from_string(text)
    except ValueError:
        raise Unreachable("the answer has something else where a hash should be") from None
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreachable("the answer has something else where a text should be")
    return value
