"""Who walks the blocks: threads of this process, processes of this machine, or a Ray cluster. Same figures."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from threading import local
from typing import Any, Protocol

from backtest.compiled.columns import Columns
from backtest.sweep.block import Block, Measured, Sight, Walker
from domain.errors import BadInput, DeskError

Measure = Callable[[Block], Measured]
_ROOT = Path(__file__).parents[2]


class WorkerLost(DeskError):
    """A worker process died; what was finished is on disk."""


class Crew(Protocol):
    """Walks blocks, several at a time, and hands back each one's figures as it is done, in any order."""

    def measure(self, blocks: Iterable[Block]) -> Iterator[Measured]:
        """Yield what each block came to. Raises WorkerLost when a worker died."""
        ...


def n_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Threads:
    """Threads of one process: the kernels let go of the interpreter's lock, and the tape is in memory once."""

    def __init__(self, columns: Columns, n_threads: int, sight: Sight | None = None) -> None:
        """Take the tape. sight: of the same tape, where somebody else has one."""
        self._columns, self._n_threads, self._sight = columns, n_threads, sight or Sight(columns)
        self._mine = local()

    def measure(self, blocks: Iterable[Block]) -> Iterator[Measured]:
        """Yield what each block came to."""
        with ThreadPoolExecutor(self._n_threads) as pool:
            yield from _as_done(pool, self._measure, blocks, 2 * self._n_threads)

    def _measure(self, block: Block) -> Measured:
        if not hasattr(self._mine, "walker"):
            self._mine.walker = Walker(self._columns, self._sight)
        measured: Measured = self._mine.walker.measure(block)
        return measured


_WALKER: list[Walker] = []
"""A worker process's own walker; filled once by `_settle_in`."""


class Processes:
    """Processes of this machine, each with its own copy of the tape."""

    def __init__(self, columns: Columns, n_workers: int) -> None:
        """Take the tape."""
        self._columns, self._n_workers = columns, n_workers

    def measure(self, blocks: Iterable[Block]) -> Iterator[Measured]:
        """Yield what each block came to. Raises WorkerLost when a worker was killed."""
        context = get_context("spawn")
        with ProcessPoolExecutor(self._n_workers, context, _settle_in, (self._columns,)) as pool:
            try:
                yield from _as_done(pool, _measure_here, blocks, 2 * self._n_workers)
            except BrokenProcessPool as error:
                raise WorkerLost(
                    "a worker died, perhaps for want of memory; the same command goes on from here"
                ) from error


def _settle_in(columns: Columns) -> None:
    _WALKER[:] = [Walker(columns)]


def _measure_here(block: Block) -> Measured:
    return _WALKER[0].measure(block)


def _as_done(pool: Executor, work: Measure, blocks: Iterable[Block], n_ahead: int) -> Iterator[Measured]:
    """Keep `n_ahead` blocks in work, no more: a grid of millions is never laid out in memory."""
    waiting = iter(blocks)
    running: set[Future[Measured]] = {pool.submit(work, block) for block in islice(waiting, n_ahead)}
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, block) for block in islice(waiting, len(done))}
            for future in done:
                yield future.result()
    finally:
        for future in running:
            future.cancel()


class RayCluster:
    """A Ray cluster, or Ray's workers on this machine where no address is named (RAY_ADDRESS)."""

    def __init__(self, columns: Columns, n_workers: int) -> None:
        """Take the tape. Raises BadInput where the extra `ray` is not installed."""
        try:
            import ray
        except ImportError as error:
            raise BadInput("--engine ray needs the package ray: pip install ray, or leave --engine out") from error
        self._ray, self._columns, self._n_workers = ray, columns, n_workers

    def measure(self, blocks: Iterable[Block]) -> Iterator[Measured]:
        """Yield what each block came to. Raises WorkerLost when the cluster lost a worker for good."""
        ray = self._ray
        is_ours = not ray.is_initialized()
        if is_ours:
            self._join(ray)
        try:
            yield from self._measured(ray, blocks)
        except ray.exceptions.RayError as error:
            raise WorkerLost(f"Ray lost a worker: {str(error).splitlines()[0]}; the same command goes on") from error
        finally:
            if is_ours:
                ray.shutdown()

    def _join(self, ray: Any) -> None:
        """Join the cluster that RAY_ADDRESS names, or start workers that only this machine can reach."""
        # Workers import this project from its folder, wherever on the cluster they run.
        common = {"log_to_driver": False, "runtime_env": {"env_vars": {"PYTHONPATH": str(_ROOT)}}}
        if "RAY_ADDRESS" in os.environ:
            ray.init(**common)
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Ray's workers stand back for everything else by default; here they are the work.
        os.environ.setdefault("RAY_worker_niceness", "0")
        ray.init(num_cpus=self._n_workers, include_dashboard=False, _node_ip_address="127.0.0.1", **common)

    def _measured(self, ray: Any, blocks: Iterable[Block]) -> Iterator[Measured]:
        tape = ray.put(self._columns)
        actors = [ray.remote(num_cpus=1)(Walker).remote(tape) for _ in range(self._n_workers)]
        running: dict[Any, Any] = {}
        waiting, idle = iter(blocks), list(actors)
        while True:
            for block in islice(waiting, len(idle)):
                actor = idle.pop()
                running[actor.measure.remote(block)] = actor
            if not running:
                return
            done, _ = ray.wait(list(running), num_returns=1)
            idle.append(running.pop(done[0]))
            yield ray.get(done[0])
