"""A server is looked at before the first question, after an hour and after trouble; no question waits long for it."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from domain.gate_reason import GateReason
from domain.tick import Readiness
from gate.fitness import AGED_S, Fitness
from gate.transport import Arrived
from tests.unit.gate.ollama_double import chat
from tests.unit.gate.questions import question_of, reader

READY = Readiness(reason=GateReason.OK, told="ready")
POEMS = Readiness(reason=GateReason.FORMAT_NOT_ENFORCED, told="it writes poems")
WHOLE = Arrived(status=200, body=chat(), failure=None, digest="ab" * 32, server_version="0.30.1")
LATE = Arrived(status=None, body=b"", failure=GateReason.DEADLINE)
BROKEN = Arrived(status=500, body=b"", failure=None)


@dataclass
class Line:
    """Tells what it is given, one thing after the other, the last for ever. gate: keeps a look waiting.

    look_s: how long a look takes. needs_s: the least time in which a question is answered.
    """

    findings: list = field(default_factory=lambda: [READY])
    answers: list = field(default_factory=lambda: [WHOLE])
    gate: asyncio.Event | None = None
    look_s: float = 0.0
    needs_s: float = 0.0
    told: list = field(default_factory=list)

    async def call(self, body, deadline_s):
        self.told.append("asked")
        if deadline_s < self.needs_s:
            return LATE
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def prepare(self):
        self.told.append("looked")
        await asyncio.sleep(self.look_s)
        if self.gate is not None:
            await self.gate.wait()
        return self.findings.pop(0) if len(self.findings) > 1 else self.findings[0]


@dataclass
class Watch:
    now_s: float = 0.0

    def __call__(self):
        return self.now_s


def over(line, watch=None, **terms):
    one = reader("http://127.0.0.1:9", **terms)
    one.line, one.elapsed_s = line, watch or Watch()
    one.fitness = Fitness(line=line, elapsed_s=one.elapsed_s)
    return one


async def codes(one, *minutes):
    return [(await one.ask(question_of(one, minute * 60_000))).verdict.reason_code for minute in minutes]


def test_a_reader_that_nobody_prepared_looks_before_its_first_question_and_only_then():
    line = Line()
    assert asyncio.run(codes(over(line), 1, 2)) == ["ok", "ok"]
    assert line.told == ["looked", "asked", "asked"]


def test_it_looks_again_before_the_first_question_after_an_hour():
    line, watch = Line(), Watch()

    async def go():
        one = over(line, watch)
        await one.prepare()
        await codes(one, 1)
        watch.now_s = AGED_S - 1
        await codes(one, 2)
        watch.now_s = AGED_S
        await codes(one, 3, 4)

    asyncio.run(go())
    assert line.told == ["looked", "asked", "asked", "looked", "asked", "asked"]


def test_an_unfit_server_is_left_alone_for_the_bars_then_looked_at_then_asked():
    line = Line(findings=[POEMS, POEMS, READY])
    one = over(line, breaker_bars=2)

    async def go():
        await one.prepare()
        return await codes(one, *range(1, 9))

    unfit = "format_not_enforced"
    assert asyncio.run(go()) == [*[unfit] * 6, "ok", "ok"]
    # Found at the start, found again after the first bars, and well after the second.
    assert line.told == ["looked", "looked", "looked", "asked", "asked"]


def test_a_breaker_that_is_half_open_looks_before_it_asks():
    line = Line(answers=[*[BROKEN] * 3, WHOLE])
    assert asyncio.run(codes(over(line, breaker_bars=1), *range(1, 7))) == [
        *["server_error"] * 3, "circuit_open", "ok", "ok",
    ]  # fmt: skip
    assert line.told == ["looked", "asked", "asked", "asked", "looked", "asked", "asked"]


def test_a_breaker_that_is_half_open_does_not_ask_what_is_found_unfit():
    line = Line(findings=[READY, POEMS], answers=[BROKEN])
    unfit = "format_not_enforced"
    assert asyncio.run(codes(over(line, breaker_bars=1), *range(1, 8))) == [
        *["server_error"] * 3, "circuit_open", unfit, unfit, unfit,
    ]  # fmt: skip
    assert line.told == ["looked", "asked", "asked", "asked", "looked", "looked"]


def test_a_question_does_not_wait_for_a_look_beyond_its_deadline_and_a_later_one_has_the_good_of_it():
    async def go():
        line = Line(gate=asyncio.Event())
        one = over(line, deadline_s=0.05)
        first = await codes(one, 1)
        joined = await codes(one, 2)
        line.gate.set()
        await one.prepare()
        return first + joined + await codes(one, 3), line.told

    assert asyncio.run(go()) == (["deadline", "deadline", "ok"], ["looked", "asked"])


def test_a_look_that_never_ends_trips_the_breaker_like_any_silence():
    async def go():
        one = over(Line(gate=asyncio.Event()), deadline_s=0.02)
        return await codes(one, *range(1, 5))

    assert asyncio.run(go()) == [*["deadline"] * 3, "circuit_open"]


@pytest.mark.parametrize("reason", [GateReason.IDENTITY_CHANGED, GateReason.CONTEXT_CHANGED])
def test_after_a_change_it_looks_before_the_next_question(reason):
    line = Line(answers=[msgspec.structs.replace(WHOLE, failure=reason), WHOLE])
    assert asyncio.run(codes(over(line), 1, 2)) == [reason.value, "ok"]
    assert line.told == ["looked", "asked", "looked", "asked"]


def test_a_question_leaves_a_look_to_run_on_when_it_is_called_off():
    async def go():
        line = Line(gate=asyncio.Event())
        one = over(line)
        waiting = asyncio.create_task(one.ask(question_of(one)))
        await asyncio.sleep(0)
        waiting.cancel()
        line.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await codes(one, 1)

    assert asyncio.run(go()) == ["ok"]


def test_a_slow_model_loses_the_question_that_shared_its_time_with_a_look_and_no_more():
    """Half open or after an hour: a look and a question do not fit into one deadline, each by itself does."""
    line, watch = Line(look_s=0.6, needs_s=0.5, answers=[WHOLE]), Watch()
    one = over(line, watch, deadline_s=1.0, breaker_bars=1)

    async def go():
        await one.prepare()
        first = await codes(one, 1)
        watch.now_s = AGED_S
        aged = await codes(one, 2, 3)
        line.answers = [BROKEN, BROKEN, BROKEN, WHOLE]
        return first, aged, await codes(one, *range(4, 11))

    first, aged, tripped = asyncio.run(go())
    assert (first, aged) == (["ok"], ["deadline", "ok"])
    assert tripped == [*["server_error"] * 3, "circuit_open", "deadline", "ok", "ok"]
