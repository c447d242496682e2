"""The account's key: read once from a file that is ours alone, told to ccxt, shown to nobody.

Whatever is wrong with the file is told without a byte of what is in it. This module is imported where a live broker is
opened and nowhere else.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn

from domain.errors import BadInput

PRIVATE_MODE: Final = 0o600
MOST_BYTES: Final = 4_096
HIDDEN: Final = "…"
_TOKEN: Final = re.compile(r"[A-Za-z0-9]{8,128}")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_PRIVATE: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_WORDS: Final[Mapping[str, Mapping[str, re.Pattern[str]]]] = MappingProxyType(
    {
        "bybit": {"apiKey": _TOKEN, "secret": _TOKEN},
        "hyperliquid": {"walletAddress": _ADDRESS, "privateKey": _PRIVATE},
    }
)
_PUBLIC: Final = frozenset({"walletAddress"})
# Signatures are as long as keys; nothing else an exchange says of us is.
_LONG: Final = re.compile(r"[0-9A-Za-z+/=_-]{48,}")


class ExchangeKey:
    """The holder of the key. It cannot be printed, copied or pickled."""

    __slots__ = ("__words",)

    def __init__(self, words: Mapping[str, str]) -> None:
        """Take what the file holds."""
        self.__words = dict(words)

    def give_to(self, exchange: object) -> None:
        """Set the key on ccxt's object."""
        for name, word in self.__words.items():
            setattr(exchange, name, word)

    def hide(self, text: str) -> str:
        """Return a text without the key, and without anything as long as a signature."""
        for name, word in self.__words.items():
            if name not in _PUBLIC:
                text = re.sub(re.escape(word.removeprefix("0x")), HIDDEN, text, flags=re.IGNORECASE)
        return _LONG.sub(HIDDEN, text)

    def __repr__(self) -> str:
        """Return no word of it."""
        return "ExchangeKey(…)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled."""
        raise TypeError("a key is not copied")


def load_key(path: Path, exchange: str) -> ExchangeKey:
    """Read the key of an exchange's account. Raises BadInput with one sentence that holds no byte of the file."""
    wanted = _WORDS[exchange]
    wrong = BadInput(
        f"the key file {path} does not hold what {exchange} needs: one JSON object with {' and '.join(wanted)}, "
        f"as the exchange gave them, and nothing else"
    )
    try:
        told = json.loads(_private_bytes(path))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.keys() != wanted.keys():
        raise wrong
    if not all(isinstance(told[name], str) and shape.fullmatch(told[name]) for name, shape in wanted.items()):
        raise wrong
    return ExchangeKey(told)


def _private_bytes(path: Path) -> bytes:
    try:
        # Not blocking: a pipe in the file's place is refused, not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        why = "it is a link" if name == "ELOOP" else os.strerror(error.errno or 0)
        raise BadInput(f"the key file {path} cannot be opened ({why}); CCXT_KEY_FILE names it") from None
    try:
        what = _what_is_wrong(os.fstat(descriptor))
        if what:
            raise BadInput(f"the key file {path} {what}")
        return os.read(descriptor, MOST_BYTES)
    finally:
        os.close(descriptor)


def _what_is_wrong(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_uid != os.geteuid():
        return f"belongs to user {found.st_uid}, not to user {os.geteuid()} who runs this"
    if stat.S_IMODE(found.st_mode) != PRIVATE_MODE:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}; only 0600 is allowed (chmod 600)"
    if found.st_size > MOST_BYTES:
        return f"is longer than {MOST_BYTES} bytes"
    return ""
