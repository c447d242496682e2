"""A peer in a process of its own: `python -m benchmarks.peers.serve NAME TAPE.npy`, questions in, seconds out.

It may run under another interpreter, so it imports nothing of this project but its own side. It reads one JSON object
a line, {"job": ..., "body": ..., "z": ..., "target": ...}, does the work, and answers with one JSON object: seconds by
its own clock, the number of trades, and the most memory the process has held so far.
"""

import importlib
import json
import resource
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

SIDES = {"vectorbt": "benchmarks.peers.vectorbt_side", "backtesting": "benchmarks.peers.backtesting_side"}
_KIB_PER_MB = 1e6 / 1024


def answer(jobs: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do one job and say how long it took."""
    work = jobs[asked["job"]]
    arguments = {name: value for name, value in asked.items() if name != "job"}
    began = perf_counter()
    n_trades = work(**arguments)
    seconds = perf_counter() - began
    per_mb = 1e6 if sys.platform == "darwin" else _KIB_PER_MB
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb
    return {"seconds": seconds, "n_trades": int(n_trades), "peak_mb": peak_mb}


def serve(name: str, tape_file: str) -> None:
    """Answer questions until there are no more. A peer that is not installed says so at once and ends."""
    try:
        version = importlib.import_module(name).__version__
        side = importlib.import_module(SIDES[name])
    except ImportError as error:
        tell({"absent": str(error)})
        return
    jobs = side.jobs(np.load(tape_file))
    tell({"version": version})
    for line in sys.stdin:
        tell(answer(jobs, json.loads(line)))


def tell(value: Mapping[str, Any]) -> None:
    """Answer on one line."""
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:3])
