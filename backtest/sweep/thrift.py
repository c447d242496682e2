"""Giving memory back: what the C library does with large arrays that nobody needs any more."""

import ctypes
from contextlib import suppress
from typing import Final

_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 65_536


def give_back_what_is_freed() -> None:
    """Let large arrays return to the system when they are freed, here and now and in every thread.

    glibc raises the size from which it does so with every large array that is freed, up to 32 MB, and keeps the rest.
    Other C libraries have no such setting and need none.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
