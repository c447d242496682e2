"""A Solana node on loopback: JSON-RPC over the real runtime (`solders.litesvm`), with blocks, forks and faults.

The runtime executes; the node keeps what a cluster adds around it: blockhashes that hold for 150 blocks, transactions
that wait, land, get confirmed and then finalized, the history of signatures. Time is block height, and moves only by
`advance` and by calls.
"""

import base64
import re
import threading
from functools import partial
from hashlib import sha256

from solders.account import Account
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from tests.gateway.layouts import DRIFT
from tests.gateway.standin import Floor, answer_at, carry_out, fill, fire, params, program_elf

GENESIS = str(Hash(sha256(b"the tests' own network").digest()))
BLOCKS_VALID = 150
BLOCKS_TO_FINAL = 4
PLACING = ("place_perp_order", "place_and_take_perp_order")
NAMES = (*PLACING, "cancel_order_by_user_id", "cancel_orders")
MARKS = {sha256(f"global:{name}".encode()).digest()[:8]: name for name in NAMES}


class RpcError(Exception):
    """An error that the protocol answers with."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.body = {"code": code, "message": message, "data": data}


class Node:
    """One node. faults: gives each call's fault or None, by method. moves: the methods whose call makes a block.

    accounts: the layout of the program that its stand-in plays.
    """

    def __init__(self, program, accounts=DRIFT, first_slot=1_000):
        self.svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        self.program = Pubkey.from_string(program)
        self.accounts = accounts
        self.svm.add_program(self.program, program_elf(accounts))
        self.slot, self.height = first_slot, 100
        self.first_available = 0
        self.user, self.state = None, None
        self.waiting, self.landed, self.executed, self.calls = {}, {}, [], []
        self.blockhashes, self.logs, self.users = {}, {}, {}
        self.floor = Floor(accounts)
        self.faults = lambda method: None
        self.moves = frozenset()
        self.before_block = []
        self.lock = threading.RLock()
        self.advance()

    # The world.

    def put(self, address, content, owner=None):
        """Put an account on chain."""
        owner = self.program if owner is None else owner
        self.svm.set_account(Pubkey.from_string(str(address)), Account(10**9, content, owner, False, 0))

    def content(self, address):
        """Return an account's bytes."""
        return bytes(self.svm.get_account(Pubkey.from_string(str(address))).data)

    def program_answers(self, code):
        """Let the program return this error from now on, 0 for success."""
        content = self.content(self.state)
        self.put(self.state, content[: answer_at(self.accounts)] + code.to_bytes(8, "little"))

    def advance(self, blocks=1):
        """Make blocks: what waits lands in the first one, unless its blockhash is over, and triggers go off."""
        with self.lock:
            for _ in range(blocks):
                self.slot, self.height = self.slot + 1, self.height + 1
                user = self.user and self.content(self.user)
                self.before_block = [(user, list(self.executed), [], len(self.floor.fills))]
                for signature, transaction in list(self.waiting.items()):
                    self._land(signature, transaction)
                if user:
                    self._fire()
                    self.users[self.height] = self.content(self.user)
                    self.users.pop(self.height - 2 * BLOCKS_TO_FINAL, None)
                self.svm.expire_blockhash()
                self.blockhashes[str(self.svm.latest_blockhash())] = self.height + BLOCKS_VALID

    def outside_fill(self, market_index, direction, base, price, why=0):
        """Fill an order that is nobody's of ours, in a block of its own: a human's, or a liquidation (why 5)."""
        with self.lock:
            self.advance()
            user = self.content(self.user)
            order_id = self.accounts.read("User", user, "next_order_id")
            order = {"order_id": order_id, "market_index": market_index, "direction": direction}
            user = self.accounts.put("User", user, "next_order_id", order_id + 1)
            signature = foreign_signature(self.slot, order["order_id"])
            user, said = fill(
                self.floor, user, {**order, "reduce_only": 0}, base, price, signature, str(self.user), self.slot, why
            )
            self._put_foreign(signature, said, user)
            self.users[self.height] = user

    def _fire(self):
        before = self.content(self.user)
        user, done = fire(self.floor, before, str(self.user), self.slot, partial(foreign_signature, self.slot))
        for signature, said in done:
            self._put_foreign(signature, said, user)

    def _put_foreign(self, signature, said, user):
        """Note a transaction of somebody else's that touched the account."""
        self.put(self.user, user)
        self.landed[signature] = {
            "slot": self.slot,
            "height": self.height,
            "err": None,
            "ts_s": self.floor.ts_s(),
        }
        self.logs[signature] = [f"Program {self.program} invoke [1]", *said, f"Program {self.program} success"]
        self.before_block[0][2].append((signature, None))

    def fork(self, *, again):
        """Take the newest block back; its transactions wait again, or are gone."""
        with self.lock:
            user, executed, landed, n_fills = self.before_block[0]
            self.executed = executed
            del self.floor.fills[n_fills:]
            if user:
                self.put(self.user, user)
                self.users[self.height] = user
            for signature, transaction in landed:
                if self.landed.pop(signature, None) and again and transaction is not None:
                    self.waiting[signature] = transaction

    def _land(self, signature, transaction):
        del self.waiting[signature]
        if self.height > self.blockhashes.get(str(transaction.message.recent_blockhash), 0) or signature in self.landed:
            return
        result = self.svm.send_transaction(transaction)
        failed = isinstance(result, FailedTransactionMetadata)
        self.landed[signature] = {
            "slot": self.slot,
            "height": self.height,
            "err": error_json(result.err()) if failed else None,
            "ts_s": self.floor.ts_s(),
        }
        self.before_block[0][2].append((signature, transaction))
        lines = list((result.meta() if failed else result).logs())
        self.logs[signature] = lines
        if not failed:
            self._apply(signature, transaction)

    def _apply(self, signature, transaction):
        keys = transaction.message.account_keys
        for one in transaction.message.instructions:
            if keys[one.program_id_index] == self.program:
                data = bytes(one.data)
                name, before = MARKS[data[:8]], self.content(self.user)
                user, said = carry_out(self.floor, before, data, name, signature, str(self.user), self.slot)
                self.put(self.user, user)
                own_end = self.logs[signature].index(f"Program {self.program} success")
                self.logs[signature][own_end:own_end] = said
                self.executed.append((signature, name, params(data[8:]) if name in PLACING else {}))

    # The protocol.

    def answer(self, method, asked):
        """Return the result of one call."""
        with self.lock:
            self.calls.append(method)
            if method in self.moves:
                self.advance()
            name = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", method)
            return getattr(self, f"on_{name}", self._unknown)(*asked)

    def _unknown(self, *_):
        raise RpcError(-32601, "Method not found")

    def _at_slot(self, value):
        return {"context": {"slot": self.slot, "apiVersion": "2.2.0"}, "value": value}

    def on_get_genesis_hash(self):
        return GENESIS

    def on_get_slot(self, *_):
        return self.slot

    def on_get_first_available_block(self):
        return self.first_available

    def on_get_epoch_info(self, *_):
        behind = BLOCKS_TO_FINAL
        return {
            "absoluteSlot": self.slot - behind,
            "blockHeight": self.height - behind,
            "epoch": 0,
            "slotIndex": 0,
            "slotsInEpoch": 432_000,
        }

    def on_get_latest_blockhash(self, *_):
        text = str(self.svm.latest_blockhash())
        return self._at_slot({"blockhash": text, "lastValidBlockHeight": self.blockhashes[text]})

    def on_get_block_time(self, slot):
        times = [one["ts_s"] for one in self.landed.values() if one["slot"] >= slot]
        return min(times, default=self.floor.ts_s())

    def on_get_multiple_accounts(self, addresses, options=None):
        return self._at_view([self._account(one, self._is_final(options)) for one in addresses], options)

    def on_get_account_info(self, address, options=None):
        return self._at_view(self._account(address, self._is_final(options)), options)

    def _is_final(self, options):
        return (options or {}).get("commitment") == "finalized"

    def _at_view(self, value, options):
        slot = self._viewed_slot(options)
        return {"context": {"slot": slot, "apiVersion": "2.2.0"}, "value": value}

    def _viewed_slot(self, options):
        slot = self.slot - BLOCKS_TO_FINAL if self._is_final(options) else self.slot
        if ((options or {}).get("minContextSlot") or 0) > slot:
            raise RpcError(-32016, "Minimum context slot has not been reached", {"contextSlot": slot})
        return slot

    def _account(self, address, is_final=False):
        found = self.svm.get_account(Pubkey.from_string(address))
        if found is None:
            return None
        content = bytes(found.data)
        if is_final and address == self.user and content:
            content = self.users.get(self.height - BLOCKS_TO_FINAL, content)
        content = base64.b64encode(content).decode()
        return {
            "lamports": found.lamports,
            "owner": str(found.owner),
            "executable": found.executable,
            "rentEpoch": 0,
            "space": len(found.data),
            "data": [content, "base64"],
        }

    def on_simulate_transaction(self, text, options):
        transaction = VersionedTransaction.from_bytes(base64.b64decode(text))
        if options.get("sigVerify") and not all(transaction.verify_with_results()):
            return self._at_slot({"err": "SignatureFailure", "logs": [], "unitsConsumed": 0})
        if self.height > self.blockhashes.get(str(transaction.message.recent_blockhash), 0):
            return self._at_slot({"err": "BlockhashNotFound", "logs": [], "unitsConsumed": 0})
        result = self.svm.simulate_transaction(transaction)
        failed = isinstance(result, FailedTransactionMetadata)
        meta = result.meta()
        err = error_json(result.err()) if failed else None
        return self._at_slot({"err": err, "logs": meta.logs(), "unitsConsumed": meta.compute_units_consumed()})

    def on_send_transaction(self, text, *_):
        transaction = VersionedTransaction.from_bytes(base64.b64decode(text))
        if not all(transaction.verify_with_results()):
            raise RpcError(-32003, "Transaction signature verification failure")
        signature = str(transaction.signatures[0])
        if signature not in self.landed:
            self.waiting[signature] = transaction
        return signature

    def on_get_signatures_for_address(self, address, options):
        assert address == self.user
        self._viewed_slot(options)
        oldest = sorted(self.landed.items(), key=lambda one: one[1]["height"])
        newest = oldest[::-1]
        if self._is_final(options):
            newest = [one for one in newest if self._is_old(one[1])]
        if before := options.get("before"):
            at = next((at for at, one in enumerate(newest) if one[0] == before), len(newest))
            newest = newest[at + 1 :]
        newest = [one for one in newest if one[1]["slot"] >= self.first_available]
        return [
            {"signature": signature, "slot": one["slot"], "err": one["err"], "blockTime": one["ts_s"]}
            for signature, one in newest[: options["limit"]]
        ]

    def on_get_transaction(self, signature, options=None):
        found = self.landed.get(signature)
        if found is None or (self._is_final(options) and not self._is_old(found)):
            return None
        return {"slot": found["slot"], "meta": {"err": found["err"], "logMessages": self.logs[signature]}}

    def _is_old(self, found):
        return found["height"] <= self.height - BLOCKS_TO_FINAL

    def on_get_signature_statuses(self, signatures, *_):
        return self._at_slot([self._status(one) for one in signatures])

    def _status(self, signature):
        found = self.landed.get(signature)
        if found is None or found["slot"] < self.first_available:
            return None
        final = self._is_old(found)
        level = "finalized" if final else "confirmed"
        return {
            "slot": found["slot"],
            "confirmations": None if final else 1,
            "err": found["err"],
            "confirmationStatus": level,
        }


def foreign_signature(slot, order_id):
    """Return the signature of somebody else's transaction."""
    return str(Signature.from_bytes(sha256(f"{slot} {order_id}".encode()).digest() * 2))


def error_json(error):
    """Return the runtime's error as a node sends it."""
    if type(error).__name__ == "TransactionErrorInstructionError":
        inner = error.err
        told = (
            {"Custom": inner.code}
            if type(inner).__name__ == "InstructionErrorCustom"
            else str(inner).rsplit(".", 1)[-1]
        )
        return {"InstructionError": [error.index, told]}
    return str(error).rsplit(".", 1)[-1]
