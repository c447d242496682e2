"""Somebody between the desk and its gateway who loses, garbles, repeats and delays what is said.

It listens on a socket of its own and speaks to the real one. Greetings pass; every other line may be struck.
"""

import asyncio
import json
from collections import Counter

from tests.doubles.trading.faults import Fault, Kind, Weather

KINDS = {"place": Kind.PLACE, "cancel": Kind.CANCEL}
FAULTS = (
    Fault.LOSE_REQUEST,
    Fault.LOSE_ANSWER,
    Fault.TWICE,
    Fault.LATE,
    Fault.GARBAGE,
    Fault.HALF_AN_ANSWER,
    Fault.STRANGE,
)
LIMIT = 1 << 23


class Between:
    """One go-between. path: where the desk finds it. target: the gateway's socket. weather: what strikes next.

    n_asked: lines by operation, whatever became of them. n_struck: faults that struck. terms: what each id was asked
    with. passes: told of each line, as `asked` when it has come and as `done` before its answer goes back.
    now_ms: by which clock what is late arrives.
    """

    def __init__(self, path, target, now_ms):
        self.path, self.target, self.now_ms, self.weather = path, target, now_ms, Weather()
        self.late, self.open = [], set()
        self.n_asked, self.n_struck, self.terms = Counter(), Counter(), {}
        self.passes = lambda moment, op: None

    async def __aenter__(self):
        """Begin to listen."""
        self.server = await asyncio.start_unix_server(self._serve, self.path, limit=LIMIT)
        self.path.chmod(0o600)
        return self

    async def __aexit__(self, *_):
        """Hang up on everybody."""
        self.server.close()
        for task in list(self.open):
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def let_in_late(self):
        """Hand over what was held back until now, as if it had been on its way all the time."""
        due = [line for due_ms, line in self.late if due_ms <= self.now_ms()]
        self.late = [(due_ms, line) for due_ms, line in self.late if due_ms > self.now_ms()]
        for line in due:
            await self._asked(line)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.open.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, asyncio.CancelledError):
            # The gateway died or the test is over: the desk's end is closed like any other.
            return
        finally:
            self.open.discard(task)
            writer.close()

    async def _converse(self, reader, writer):
        theirs, ours = await asyncio.open_unix_connection(self.target, limit=LIMIT)
        try:
            while line := await reader.readline():
                op = self._noted(json.loads(line))
                self.passes("asked", op)
                fault = None if op == "hello" else self.weather.next(KINDS.get(op, Kind.ASK))
                self.n_struck.update([fault.name] if fault else [])
                if fault is Fault.LOSE_REQUEST:
                    return
                if fault is Fault.LATE:
                    self.late.append((self.now_ms() + self.weather.late_ms, line))
                    return
                ours.write(line * (2 if fault is Fault.TWICE else 1))
                answer = await theirs.readline()
                if fault is Fault.TWICE:
                    await theirs.readline()
                self.passes("done", op)
                if not answer or fault is Fault.LOSE_ANSWER:
                    return
                writer.write(_spoilt(answer, fault))
                if fault is Fault.HALF_AN_ANSWER:
                    return
        finally:
            ours.close()

    def _noted(self, told):
        op = told["op"]
        self.n_asked[op] += 1
        if op in KINDS:
            terms = tuple(sorted((name, value) for name, value in told.items() if name != "tag"))
            self.terms.setdefault(told["id"], set()).add(terms)
        return op

    async def _asked(self, line):
        try:
            theirs, ours = await asyncio.open_unix_connection(self.target, limit=LIMIT)
            ours.write(line)
            await theirs.readline()
        except OSError:
            # Nobody was there, or whoever was died of it.
            return
        ours.close()
        await asyncio.sleep(0)


def _spoilt(answer, fault):
    if fault is Fault.HALF_AN_ANSWER:
        return answer[: len(answer) // 2]
    if fault is Fault.GARBAGE:
        return b'{"v":1,"tag":' + answer[5:40].replace(b"\n", b"") + b"\n"
    if fault is Fault.STRANGE:
        return json.dumps({**json.loads(answer), "tag": 999_999}).encode() + b"\n"
    return answer
