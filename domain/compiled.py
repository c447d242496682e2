"""The one way this house compiles a function: numba, cached on disk, strict IEEE arithmetic.

numba's cache looks only at the file of the function itself: a kernel that calls one in another file would go on
running the old machine code after that other file changed. So the cache lives in a folder named after the sources
of all rooms that hold kernels, and any change to one of them starts a fresh one. This file therefore reads sources
once, at import; it is the only one in `domain` that touches a disk.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
from numba.extending import intrinsic

ROOT: Final = Path(__file__).parents[1]
KERNEL_ROOMS: Final = (
    "domain",
    "indicators",
    "strategy",
    "risk",
    "execution",
    "market",
    "backtest/compiled",
    "backtest/luck",
    "backtest/metrics",
    "backtest/montecarlo",
    "backtest/score",
    "backtest/sweep",
)
CACHES: Final = ROOT / ".kernels"
N_CACHES_KEPT: Final = 3

_P = ParamSpec("_P")
_R = TypeVar("_R")


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile `function` to machine code on its first call and keep the result on disk.

    No fastmath: a kernel gives the same bits when the desk calls it bar by bar and when a sweep
    calls it inside a compiled loop. A division by zero gives an IEEE infinity or NaN, as numpy does.
    """
    return cast("Callable[_P, _R]", numba.njit(cache=CAN_CACHE, error_model="numpy")(function))


def inner_kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile as `kernel` does, for a step of a hot loop: its code becomes a part of every kernel that calls it.

    A call hands on each array as seven numbers and a tuple of arrays as dozens of them, which takes longer than a step.
    """
    return cast("Callable[_P, _R]", numba.njit(cache=CAN_CACHE, error_model="numpy", forceinline=True)(function))


def tape_kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile as `kernel` does, for a loop over a whole tape: it lets go of the interpreter's lock while it runs.

    So several threads walk tapes on several cores. To let go and take hold again costs what a small kernel takes.
    """
    return cast("Callable[_P, _R]", numba.njit(cache=CAN_CACHE, error_model="numpy", nogil=True)(function))


@cast("Callable[[Callable[[Any, Any], Any]], Any]", intrinsic)
def lent(_: Any, array: Any) -> Any:
    """Return a view of an array that nobody counts, inside a kernel that holds the array itself for as long.

    numba counts every array that is taken out of a tuple, with a locked instruction each time; a hot loop would spend a
    third of its time on that. A view must not outlive that kernel's call.
    """

    def view(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        struct = context.make_array(signature.args[0])(context, builder, values[0])
        struct.meminfo = struct.meminfo.type(None)
        return struct._getvalue()

    return array(array), view


def entry_point(function: Callable[_P, _R], *example: object) -> Callable[_P, _R]:
    """Return a kernel's machine code for arguments of the example's types, without numba's look-up of types.

    It saves 0.1 to 0.2 µs a call, half of a small kernel's cost, and is meant for the few that run on every bar.
    example: one value per parameter; it is not passed to the kernel. Element type and number of dimensions of an
    array are NOT checked any more: use it only where the caller itself made the arrays.
    """
    dispatcher, type_of = cast("Any", function), cast("Any", numba.typeof)
    signature = tuple(type_of(value) for value in example)
    dispatcher.compile(signature)
    return cast("Callable[_P, _R]", dispatcher.overloads[signature].entry_point)


def sources_digest() -> str:
    """Return a fingerprint of every source file that may hold a kernel, in hex, 16 digits."""
    digest = hashlib.sha256()
    for room in KERNEL_ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _settle_cache() -> bool:
    """Point numba at this version's folder, drop the oldest others, and say whether kernels can be kept at all.

    NUMBA_CACHE_DIR, when set, has the last word. Where the project's folder cannot be written, nothing is kept:
    numba would refuse to compile, and a slower start is better than none.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return True
    folder = CACHES / sources_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return False
    setattr(numba.config, "CACHE_DIR", str(folder))  # noqa: B010 - numba makes its options at run time, untyped
    with suppress(FileNotFoundError):  # another process may be dropping the same ones
        by_age = sorted(CACHES.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-N_CACHES_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    return os.access(folder, os.W_OK)


CAN_CACHE: Final = _settle_cache()
