"""Whether the line is fit to be asked: found out before the first question, and again when that has aged."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from domain.tick import Readiness
from gate.line import Line

AGED_S: Final = 3600.0


@dataclass(slots=True)
class Fitness:
    """Keeps what was found of a line. elapsed_s: a clock that only moves forward: fitness ages like the server does.

    A look may take far longer than a question, because it may load the model. So it goes on by itself when a
    question cannot wait for it any longer, and serves a later one.
    """

    line: Line
    elapsed_s: Callable[[], float]
    found: Readiness | None = field(default=None, init=False)
    _found_s: float = field(default=0.0, init=False)
    _is_doubted: bool = field(default=False, init=False)
    _looking: asyncio.Task[Readiness] | None = field(default=None, init=False)

    @property
    def is_due(self) -> bool:
        """Say whether to look before the next question: not found fit, an hour ago, or something has happened since."""
        if self.found is None or not self.found.is_ready or self._is_doubted:
            return True
        return self.elapsed_s() - self._found_s >= AGED_S

    def doubt(self) -> None:
        """Ask for a look before the next question."""
        self._is_doubted = True

    async def look(self) -> Readiness:
        """Look, or join the look that is under way, as long as it takes."""
        return await asyncio.shield(self._under_way())

    async def look_within(self, patience_s: float) -> Readiness | None:
        """Look, or join the look that is under way; None when it is not over in time."""
        looking = self._under_way()
        await asyncio.wait({looking}, timeout=max(0.0, patience_s))
        return looking.result() if looking.done() else None

    def _under_way(self) -> asyncio.Task[Readiness]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return self._looking

    async def _look(self) -> Readiness:
        found = await self.line.prepare()
        self.found, self._found_s, self._is_doubted = found, self.elapsed_s(), False
        return found
