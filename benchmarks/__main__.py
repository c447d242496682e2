"""`python -m benchmarks [PART ...]`: the figures of docs/performance.md and docs/benchmarks.md, measured here."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

ALONE: Mapping[str, str] = {
    "engine": "event engine, journal off and on, beside a bare Python loop (bars/s)",
    "latency": "one minute of twenty symbols, bars in hand to decisions on disk (ms)",
    "live": "last websocket byte of a bar to its order at a local exchange, twenty symbols (ms; budget p99 20)",
    "gate": "a backtest whose gate hears a cassette beside one without a gate (budget 2 x its time)",
    "decoder": "one question to the gate, answered by a real decoder on one thread (ms; budget p99 250)",
}
AGAINST_PEERS: Mapping[str, str] = {
    "run": "one compiled run beside a bare numba loop and vectorbt (bars/s; budget 3 x the loop)",
    "sweep": "100 combinations beside vectorbt and backtesting.py (budget 0.1 s, 300 MB)",
    "grid": "the 15,552 combinations of docs/grids/e3_full.json (budget 10 s, memory flat)",
    "event": "event engine, journal off, beside backtesting.py (budget faster per bar)",
}
HELP = """Parts, all of them without a name:

{parts}

The last four walk the same 131,040 one-minute bars: 91 days of SOLUSDT spot 2023 where the recordings are, else the
simulated market. Peers come with the extra `bench` and run in a process of their own; where they are installed for
another interpreter, BENCH_PEER_PYTHON names it. Everything is timed in turn, after an uncounted round."""


def main(words: Sequence[str]) -> int:
    """Measure the parts that were named. Return 2 for a name nobody knows."""
    known = {**ALONE, **AGAINST_PEERS}
    listed = "\n".join(f"  {name:8} {text}" for name, text in known.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure Tidegate's speed and memory here and now, beside bare loops and peers.",
        epilog=HELP.format(parts=listed),
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure; see below")
    asked = parser.parse_args(words).parts or list(known)
    unknown = [name for name in asked if name not in known]
    if unknown:
        print(f"there is no part {', '.join(unknown)} to measure; there are {', '.join(known)}", file=sys.stderr)
        return 2
    _measure_alone([name for name in asked if name in ALONE])
    _measure_against_peers([name for name in asked if name in AGAINST_PEERS])
    return 0


def _measure_alone(names: Sequence[str]) -> None:
    from benchmarks import engine, gate_calls, live_latency, replayed_gate, tick_latency

    reports: Mapping[str, Callable[[], object]] = {
        "engine": engine.report,
        "latency": tick_latency.report,
        "live": live_latency.report,
        "gate": replayed_gate.report,
        "decoder": gate_calls.report,
    }
    for name in names:
        reports[name]()


def _measure_against_peers(names: Sequence[str]) -> None:
    if not names:
        return
    from benchmarks import event_engine, full_grid, hundred, one_run
    from benchmarks.ninety_one_days import stretch

    reports = {"run": one_run.report, "sweep": hundred.report, "grid": full_grid.report, "event": event_engine.report}
    with stretch() as taken:
        for name in names:
            reports[name](taken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
