"""The product's own source, read and parsed once for every test that looks at its shape."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Source:
    """One product file. path: relative to the repository. folder: its room, or its own name at the top level."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        return self.path.parts[0].removesuffix(".py")

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"


def parsed(path: str, text: str) -> Source:
    return Source(Path(path), text, ast.parse(text))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def rooms() -> frozenset[str]:
    """Return every top-level package of the product."""
    return frozenset(path.parent.name for path in ROOT.glob("*/__init__.py")) - {"tests", "benchmarks"}


@pytest.fixture(scope="session")
def sources(rooms: frozenset[str]) -> tuple[Source, ...]:
    """Return every product file, parsed."""
    inside = (path for room in sorted(rooms) for path in sorted((ROOT / room).rglob("*.py")))
    paths = [*sorted(ROOT.glob("*.py")), *inside]
    return tuple(parsed(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths)


@pytest.fixture(scope="session")
def source_of():
    """Return a function that makes a source of (path, text), to show that a check can fail."""
    return parsed
