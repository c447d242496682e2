"""Transactions: instructions compiled into one message, with the wallet's signature or with an empty one."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta
from solders.instruction import Instruction as WireInstruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from execution.gateway.instructions import Instruction
from execution.gateway.policy import Limits
from execution.gateway.wallet import Wallet

MOST_TRANSACTION_BYTES = 1_232


@dataclass(frozen=True, slots=True)
class Compiled:
    """A message that can be simulated as it is and signed later. blockhash and payer are part of it."""

    message: MessageV0

    @property
    def unsigned(self) -> str:
        """Return the transaction with an empty signature, base64, for a simulation that does not check it."""
        return _text(VersionedTransaction.populate(self.message, [Signature.default()]))

    def signed_by(self, wallet: Wallet) -> tuple[str, str]:
        """Return (signature in base58, transaction in base64)."""
        signature = Signature.from_bytes(wallet.sign(bytes(to_bytes_versioned(self.message))))
        return str(signature), _text(VersionedTransaction.populate(self.message, [signature]))


def compile_message(payer: str, instructions: Sequence[Instruction], blockhash: str, limits: Limits) -> Compiled:
    """Return the instructions as one message, behind the compute budget that the policy sets.

    Raises
    ------
    ValueError
        When the transaction would be longer than the network takes.
    """
    budget = [
        set_compute_unit_limit(limits.compute_units),
        set_compute_unit_price(limits.priority_fee_micro_lamports),
    ]
    wire = [*budget, *(_wire(one) for one in instructions)]
    compiled = Compiled(MessageV0.try_compile(Pubkey.from_string(payer), wire, [], Hash.from_string(blockhash)))
    n_bytes = len(base64.b64decode(compiled.unsigned))
    if n_bytes > MOST_TRANSACTION_BYTES:
        raise ValueError(f"the transaction has {n_bytes} bytes, {MOST_TRANSACTION_BYTES} are allowed")
    return compiled


def _wire(one: Instruction) -> WireInstruction:
    accounts = [AccountMeta(Pubkey.from_string(use.address), use.signs, use.writes) for use in one.accounts]
    return WireInstruction(Pubkey.from_string(one.program), one.data, accounts)


def _text(transaction: VersionedTransaction) -> str:
    return base64.b64encode(bytes(transaction)).decode()
