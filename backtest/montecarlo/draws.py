"""Random numbers by place: the number drawn for (seed, path, step, purpose) is a pure function of the four.

The generator is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"): a counter
times an odd constant, scrambled by a fixed mixer. Because the counter is a place and not a state, paths may be walked
in any order and by any number of threads, and switching one kind of shock on leaves every other draw as it was.
"""

import math
from typing import Final

import numpy as np

from domain.compiled import kernel

SLOTS: Final = 16
"""Counters that belong to one step of a path; each purpose has its own, so that none disturbs another."""

# Unsigned on both sides: numba turns uint64 with a signed number into a float.
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_R30, _R27, _R31, _R11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT: Final = 2.0**-53
_SMALLEST: Final = 2.0**-54


@kernel
def mixed(word: np.uint64) -> np.uint64:
    """Return SplitMix64's finalizer of a 64-bit word."""
    word = (word ^ (word >> _R30)) * _FIRST
    word = (word ^ (word >> _R27)) * _SECOND
    return word ^ (word >> _R31)


@kernel
def path_key(seed_key: np.uint64, path_no: int) -> np.uint64:
    """Return the key of one path's numbers: the output at place `path_no` of the seed's own sequence."""
    return mixed(seed_key + _STEP * np.uint64(path_no + 1))


@kernel
def uniform(key: np.uint64, counter: int) -> float:
    """Return the number in [0, 1) at a place of a key's sequence, a multiple of 2**-53."""
    return float(mixed(key + _STEP * np.uint64(counter + 1)) >> _R11) * _TO_UNIT


@kernel
def normal(key: np.uint64, counter: int) -> float:
    """Return a standard normal number made of the two places from `counter` on (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(key, counter)))
    return radius * math.cos(2.0 * math.pi * uniform(key, counter + 1))


@kernel
def exponential(key: np.uint64, counter: int, mean: float) -> float:
    """Return an exponential number with that mean."""
    return -mean * math.log(1.0 - uniform(key, counter))


@kernel
def student_size(key: np.uint64, counter: int, degrees: float) -> float:
    """Return the absolute value of a Student-t number, made of two places (Bailey 1994's polar form).

    degrees: of freedom, > 0. The tail falls off as size**-degrees; no variance below 2, no mean below 1.
    """
    first = max(uniform(key, counter), _SMALLEST)
    radius = math.sqrt(degrees * (first ** (-2.0 / degrees) - 1.0))
    return abs(radius * math.cos(2.0 * math.pi * uniform(key, counter + 1)))


def seed_key(seed: int) -> np.uint64:
    """Return the 64-bit key of a seed (>= 0), spread by numpy's SeedSequence so that near seeds share nothing."""
    return np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
