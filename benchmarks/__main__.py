"""`python -m benchmarks`: every figure of docs/performance.md, measured here and now."""

from benchmarks import engine, tick_latency

engine.report()
tick_latency.report()
