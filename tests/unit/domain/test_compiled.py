"""Kernels are strict IEEE arithmetic, quick by their entry point, and never run stale machine code."""

import math
from pathlib import Path

import numpy as np
import pytest

from domain import compiled
from domain.compiled import entry_point, kernel


@kernel
def ratio(values: np.ndarray, place: int, divisor: float) -> float:
    """Return one value divided."""
    return float(values[place] / divisor)


def test_a_division_by_zero_is_an_infinity_and_a_nan_is_carried_not_optimised_away() -> None:
    assert ratio(np.array([1.0, 0.0]), 0, 0.0) == math.inf
    assert math.isnan(ratio(np.array([1.0, 0.0]), 1, 0.0))


def test_an_entry_point_gives_what_its_kernel_gives() -> None:
    quick = entry_point(ratio, np.zeros(1), 0, 0.0)
    values = np.array([3.0, 7.0])
    assert quick(values, 1, 2.0) == ratio(values, 1, 2.0) == 3.5
    assert quick(values, 1, 2) == 3.5


def test_every_file_with_a_kernel_is_among_the_sources_the_cache_is_named_after() -> None:
    named = {path for room in compiled.KERNEL_ROOMS for path in (compiled.ROOT / room).rglob("*.py")}
    rooms = {room.split("/")[0] for room in compiled.KERNEL_ROOMS}
    sources = [path for room in rooms for path in (compiled.ROOT / room).rglob("*.py")]
    with_kernels = {path for path in sources if "kernel\ndef " in path.read_text()}
    assert len(with_kernels) > 30
    assert with_kernels <= named


def test_the_cache_changes_with_any_source_that_may_hold_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "domain").mkdir()
    (tmp_path / "risk").mkdir()
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    seen = {compiled.sources_digest()}
    for path, text in (("domain/grid.py", "a = 1"), ("risk/sizing.py", "b = 1"), ("domain/grid.py", "a = 2")):
        (tmp_path / path).write_text(text)
        seen.add(compiled.sources_digest())
    assert len(seen) == 4
    (tmp_path / "README.md").write_text("no kernel here")
    assert compiled.sources_digest() in seen
