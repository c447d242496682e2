"""The calls of a check: the made-up questions, what came back and how long it took."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.gate_reason import GateReason
from domain.record import Record
from domain.situation import Situation
from domain.tick import Readiness
from gate.breaker import INFRASTRUCTURE, MOST_FAILURES
from gate.chat_reader import ChatReader, judged
from gate.check.probes import mirrored, shuffled, situations
from gate.transport import Arrived

N_REPEATS: Final = 5
# Digits and blanks: no vocabulary puts more than a handful of them into one token.
FILLER: Final = "9 8 7 6 5 4 3 2 1 0 "
FILLER_BYTES_A_TOKEN: Final = 8
JUDGED: Final = frozenset({GateReason.OK, GateReason.LLM_DENY, GateReason.BELOW_THRESHOLD, GateReason.INCONSISTENT})
"""Reasons in which the model has spoken as agreed, whatever it said."""

Step = Callable[[str], None]


class Said(Record, frozen=True, kw_only=True):
    """One answer. text: the model's own, empty where there is none. p_win_frac: None unless it is as agreed."""

    reason: GateReason
    text: str
    p_win_frac: float | None
    n_prompt_tokens: int | None
    latency_ms: float

    @property
    def is_judgement(self) -> bool:
        """Say whether the model has spoken as agreed, in time."""
        return self.reason in JUDGED

    @property
    def is_yes(self) -> bool:
        """Say whether a desk could have taken it for an approval."""
        return self.reason is GateReason.OK

    @property
    def ruling(self) -> tuple[GateReason, float | None]:
        """What the answer says, without the words."""
        return self.reason, self.p_win_frac


class Heard(Record, frozen=True, kw_only=True):
    """Everything a check has heard. long_prompt: what became of a question beyond the window; None: not asked.

    was_given_up: the server failed several times in a row, and what was still to be asked was left.
    """

    readiness: Readiness
    plain: tuple[Said, ...] = ()
    shuffled: tuple[Said, ...] = ()
    mirrored: tuple[Said, ...] = ()
    repeated: tuple[Said, ...] = ()
    long_prompt: GateReason | None = None
    was_given_up: bool = False


def n_calls_of(n: int) -> int:
    """Return how many steps a check takes: readiness, the long question, and each of `n` situations three ways."""
    return 2 + 3 * n + N_REPEATS


@dataclass(slots=True)
class Caller:
    """Asks one reader over its own line, with no breaker between. elapsed_s: a clock that only moves forward.

    step: told the name of each step when it is over.
    """

    reader: ChatReader
    elapsed_s: Callable[[], float]
    step: Step
    n_failures: int = field(default=0, init=False)

    async def hear(self, n: int, seed: int) -> Heard:
        """Find out whether the model can be asked, then ask: at most `n_calls_of(n)` steps, each with its deadline.

        Three failures of the server in a row end it, as they would open the breaker of a desk.
        """
        readiness = await self.reader.prepare()
        self.step("readiness")
        if not readiness.is_ready:
            return Heard(readiness=readiness)
        given = situations(n, seed)
        plain = await self._ask("calls", given)
        repeated = await self._ask("repeats", given[:1] * N_REPEATS)
        turned = await self._ask("shuffled", shuffled(given))
        upside_down = await self._ask("mirrored", [mirrored(one) for one in given])
        return Heard(
            readiness=readiness,
            plain=plain,
            shuffled=turned,
            mirrored=upside_down,
            repeated=repeated,
            long_prompt=None if self._has_failed else await self._ask_too_long(),
            was_given_up=self._has_failed,
        )

    @property
    def _has_failed(self) -> bool:
        return self.n_failures >= MOST_FAILURES

    async def _ask(self, name: str, given: Iterable[Situation]) -> tuple[Said, ...]:
        heard: list[Said] = []
        for situation in given:
            if self._has_failed:
                break
            heard.append(await self._said(situation))
            self.n_failures = self.n_failures + 1 if heard[-1].reason in INFRASTRUCTURE else 0
            self.step(name)
        return tuple(heard)

    async def _said(self, situation: Situation) -> Said:
        question = self.reader.question(situation)
        began_s = self.elapsed_s()
        arrived = await self._call(question.prompt)
        latency_ms = (self.elapsed_s() - began_s) * 1000
        found = judged(arrived, question, self.reader.wire, self.reader.terms)
        return Said(
            reason=found.reason,
            text=found.heard.text,
            p_win_frac=None if found.reply is None else found.reply.p_win_frac,
            n_prompt_tokens=found.heard.meter.n_prompt_tokens,
            latency_ms=latency_ms,
        )

    async def _ask_too_long(self) -> GateReason:
        n_bytes = FILLER_BYTES_A_TOKEN * self.reader.terms.context_tokens
        body = self.reader.wire.body("Answer as the schema says.", FILLER * (n_bytes // len(FILLER)))
        reason = self.reader.wire.heard(await self._call(body), body).reason
        self.step("long question")
        return reason

    async def _call(self, body: str) -> Arrived:
        return await self.reader.line.call(body.encode(), self.reader.terms.deadline_s)


def differing(before: Sequence[Said], after: Sequence[Said]) -> tuple[int, int]:
    """Return how many rulings differ between answers to one question in two ways, and of how many both are known."""
    both = [(one, other) for one, other in zip(before, after, strict=False) if one.is_judgement and other.is_judgement]
    return sum(one.ruling != other.ruling for one, other in both), len(both)
