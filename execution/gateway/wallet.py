"""The wallet's key. It is read once, signs, and has no way out of this object."""

import ctypes
import json
import os
import resource
import sys
from pathlib import Path
from typing import NoReturn

from solders.keypair import Keypair

from execution.gateway.codes import CannotStart
from execution.gateway.private import read_private

MOST_KEY_BYTES = 1_024
KEY_BYTES = 64
PR_SET_DUMPABLE = 4


class Wallet:
    """The holder of the key. It shows its address and signs; it cannot be printed, copied or pickled."""

    __slots__ = ("__keypair", "address")

    def __init__(self, keypair: Keypair) -> None:
        self.__keypair = keypair
        self.address: str = str(keypair.pubkey())

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature over a compiled message."""
        return bytes(self.__keypair.sign_message(message))

    def __repr__(self) -> str:
        """Return the address alone."""
        return f"Wallet({self.address})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled."""
        raise TypeError("a wallet is not copied")


def load_wallet(source: str) -> Wallet:
    """Read the key from a 0600 file, or from standard input where source is `-`.

    The text is the list of 64 numbers that the Solana tools write. Whatever is wrong is told without a byte of it.
    """
    if source == "-":
        what, text = "the key on standard input", sys.stdin.buffer.read(MOST_KEY_BYTES + 1)
        _forget_standard_input()
    else:
        what, text = f"the key file {source}", read_private(Path(source), "the key file", MOST_KEY_BYTES)
    wrong = CannotStart(f"{what} does not hold a list of {KEY_BYTES} numbers 0..255 whose halves belong together")
    try:
        numbers = json.loads(text)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(numbers, list) or len(numbers) != KEY_BYTES or not all(_is_byte(one) for one in numbers):
        raise wrong
    try:
        return Wallet(Keypair.from_bytes(bytes(numbers)))
    except ValueError:
        raise wrong from None


def _forget_standard_input() -> None:
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)


def _is_byte(value: object) -> bool:
    return type(value) is int and 0 <= value <= 255


def keep_memory_private() -> None:
    """Forbid core dumps, and on Linux also that another process of this user looks into ours."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
