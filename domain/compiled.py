"""The one way this house compiles a function: numba, cached on disk, strict IEEE arithmetic."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile `function` to machine code on its first call and keep the result in `__pycache__`.

    No fastmath: a kernel gives the same bits when the desk calls it bar by bar and when a sweep
    calls it inside a compiled loop. A division by zero gives an IEEE infinity or NaN, as numpy does.
    """
    return cast("Callable[_P, _R]", numba.njit(cache=True, error_model="numpy")(function))
