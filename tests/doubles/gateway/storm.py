"""Everything that can go wrong between a desk and the chain, drawn from one seeded generator.

The node misbehaves, what is said to the gateway is lost and garbled, the gateway dies at one of its boundaries after
another, the desk at one of its own, and now and then both at once.
"""

import asyncio
import json
import os
import signal
from collections import Counter
from contextlib import suppress

import numpy as np

from tests.doubles.exchange.desk_process import PLACES
from tests.doubles.gateway.between import FAULTS as BETWEEN_FAULTS
from tests.doubles.gateway.between import KINDS
from tests.doubles.gateway.world import BOUNDARIES, FAULTS
from tests.doubles.trading.faults import Fault, Kind

# Deaths of the desk that are caused from outside, by what passes between it and its gateway: the moment, and what
# becomes of the line in hand.
WIRE = {
    "sent": ("asked", None),
    "sent_and_lost": ("asked", Fault.LOSE_REQUEST),
    "sent_and_late": ("asked", Fault.LATE),
    "done_unanswered": ("done", None),
    "any_moment": ("any", None),
    "both_at_once": ("any", None),
}
DESK_DEATHS = (*(place for place in PLACES if place != "order_on_record"), *WIRE)
PASSES = {"after_look": 200, "before_look": 200, "before_telling": 20, "before_commit": 20, "after_commit": 20}
MOST_PASSES, MOST_LINES = 4, 600
# The gateway is asked all the time, so it would die of these before anything else.
MUCH_PASSED = {"before_answer": 6, "before_call": 4, "after_call": 4}
LIVED_MINUTES = (4, 13)
STILL_STARTS = 0.8
NODE_LIKELY = {"sendTransaction": 0.3, "*": 0.01}
FORK_FRAC = 0.02
LOOK_S = 0.01
# Silence takes real time.
WEIGHTS = np.array([0.25 if fault is Fault.SILENCE else 1.0 for fault in BETWEEN_FAULTS])
SHARES = WEIGHTS / WEIGHTS.sum()
REFUSED_STARTS = ("error: the gateway", "error: no order gateway")


class Storm:
    """Lives with a stage, as a context: while it lasts, a gateway that died is started again.

    desk_deaths, gateway_deaths: how often each died where. n_starts_refused: starts that met a silent venue.
    """

    def __init__(self, stage, seed):
        self.stage, self.drawn = stage, np.random.default_rng(seed)
        self.desk_deaths, self.gateway_deaths = Counter(), Counter()
        self.n_starts_refused = 0
        self._desk_ways, self._gateway_ways = [], []
        self._boundary, self._fuse = None, None
        self._rages = False
        stage.between.passes = self._passes

    async def __aenter__(self):
        """Let the gateway die from now on."""
        self._rages = True
        self.stage.gateway.kill()
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_):
        """Let everything work from now on, with a gateway that does not die."""
        self._rages, self._fuse, self._boundary = False, None, None
        self.stage.gateway.chain("faults")
        self.stage.between.weather.clear()
        self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping
        await asyncio.to_thread(self._leave)

    def _leave(self):
        self.stage.gateway.kill()
        assert self.stage.gateway.start()

    @property
    def has_been_everywhere(self):
        """Say whether everybody has died in every way there is."""
        return self.desk_deaths.keys() >= set(DESK_DEATHS) and self.gateway_deaths.keys() >= BOUNDARIES.keys()

    async def life(self):
        """Let the desk live for some minutes, and die; now and then the market goes on without it."""
        way = self._next_way()
        number = int(1 + self.drawn.integers(PASSES.get(way, MOST_PASSES)))
        if self.drawn.random() < STILL_STARTS:
            self.stage.between.weather.clear()
        await self.stage.live(None if way in WIRE else f"{way}:{number}")
        if way in WIRE:
            lines = MOST_LINES if WIRE[way][0] == "any" else MOST_PASSES
            self._fuse = way, int(1 + self.drawn.integers(lines))
        for _ in range(int(self.drawn.integers(*LIVED_MINUTES))):
            if self._keeping.done():
                self._keeping.result()
            self.strike()
            await self.stage.play(1)
            if self.stage.is_away():
                break
        self._fuse = None
        if self.stage.is_away():
            self._bury(way)
        else:
            self.stage.kill()
            self.desk_deaths["outlived"] += 1
        self._tell_progress()
        if self.drawn.random() < 0.2:
            await self.stage.play(int(1 + self.drawn.integers(2)))

    def _tell_progress(self):
        """Write down how far it has come, for whoever waits for a long one."""
        yet = {
            "desk": [*set(DESK_DEATHS) - self.desk_deaths.keys()],
            "gateway": [*BOUNDARIES.keys() - self.gateway_deaths.keys()],
        }
        told = {"orders": self.stage.n_orders(), "desk_deaths": self.desk_deaths, "not_died_at_yet": yet}
        (self.stage.folder / "storm.json").write_text(json.dumps(told, indent=1), encoding="utf-8")

    def strike(self):
        """Let some of the next lines be lost, garbled, doubled or delayed, and some orders find only a part."""
        for kind in Kind:
            drawn = self.drawn.choice(len(BETWEEN_FAULTS), int(self.drawn.integers(0, 3)), p=SHARES)
            self.stage.between.weather.strike(kind, *(BETWEEN_FAULTS[one] for one in drawn))
        fracs = self.drawn.choice((0.0, 0.4, 0.7, 1.0), int(self.drawn.integers(0, 3)), p=(0.1, 0.2, 0.2, 0.5))
        self.stage.gateway.chain("ioc_next", fracs=[float(one) for one in fracs])

    def _next_way(self):
        if not self._desk_ways:
            self._desk_ways = [str(one) for one in self.drawn.permutation(DESK_DEATHS)]
        return self._desk_ways.pop()

    def _bury(self, way):
        code = self.stage.desk.returncode
        if code == -signal.SIGKILL:
            self.desk_deaths[way] += 1
            return
        last = self.stage.said().rstrip().rpartition("\n")[2]
        assert last.startswith(REFUSED_STARTS), last
        self.n_starts_refused += 1

    def _passes(self, moment, op):
        """Let a fuse burn down with what passes between desk and gateway."""
        if self._fuse is None:
            return
        way, left = self._fuse
        when, fault = WIRE[way]
        if when != "any" and (when != moment or op not in KINDS):
            return
        self._fuse = (way, left - 1) if left > 1 else None
        if left > 1:
            return
        os.kill(self.stage.desk.pid, signal.SIGKILL)
        if way == "both_at_once":
            self._boundary = None
            self.stage.gateway.process.send_signal(signal.SIGKILL)
        if fault is not None:
            self.stage.between.weather.to_come[KINDS[op]].appendleft(fault)

    async def _keep(self):
        """Start the gateway again whenever it is dead, each time with another way to die."""
        gateway = self.stage.gateway
        while True:
            if not gateway.is_running():
                if self._boundary is not None:
                    self.gateway_deaths[self._boundary] += 1
                gateway.chain("faults")
                if not self._gateway_ways:
                    self._gateway_ways = [str(one) for one in self.drawn.permutation(list(BOUNDARIES))]
                self._boundary = boundary = self._gateway_ways.pop()
                most = BOUNDARIES[boundary] * MUCH_PASSED.get(boundary, 1)
                is_ready = await asyncio.to_thread(gateway.start, boundary, int(1 + self.drawn.integers(most)))
                if is_ready and self._rages:
                    seed = int(self.drawn.integers(2**31))
                    gateway.chain("faults", seed=seed, likely=NODE_LIKELY, kinds=FAULTS, fork_frac=FORK_FRAC)
            await asyncio.sleep(LOOK_S)
