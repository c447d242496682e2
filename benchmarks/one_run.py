"""One compiled run over 91 days against the bare numba loop, with vectorbt in the same rounds. Budget: 3 x the loop.

The compiled run is the desk's whole tick: features, strategies, the risk desk's rules and sizes, a venue with fees,
spread and slippage in whole ticks, equity after every minute; regimes where a rule or a record asks for them. It begins
at the tape's columns, which hold ticks and returns, and its landmarks: like them, they are worked out once when a tape
is taken, and depend on no setting. The bare loop is the rule and nothing else.
"""

from collections.abc import Callable
from functools import partial

from backtest.compiled.engine import fresh_memory, walk
from backtest.compiled.landmarks import landmarks_of
from backtest.compiled.run import run_compiled
from backtest.compiled.signals import asks_regimes, features_of, signals_of
from backtest.compiled.state import N_TRADES
from backtest.compiled.terms import packed, terms_of
from backtest.compiled.told import empty_told
from backtest.compiled.trips import fresh_trips
from benchmarks import bare_loop, bare_numba
from benchmarks.ninety_one_days import RULE, Stretch
from benchmarks.peers.client import peer
from benchmarks.rounds import in_turn, ratio, seconds_of, tell
from cli.parts import parts_of

N_ROUNDS = 25
BUDGET_TIMES = 3.0
BARE = "bare numba loop"


def engine_of(taken: Stretch, **knobs: str) -> Callable[[], int]:
    """Return a whole compiled run: from columns to equity after every minute and the trades, all as numbers."""
    parts, tape = parts_of(taken.settings(**knobs)), taken.tape
    strategies, terms = parts.built(), packed(terms_of(parts.rules, tape.instrument))
    landmarks = landmarks_of(tape.columns)

    def run() -> int:
        has_regimes = asks_regimes(strategies, parts.rules.portfolio.regimes)
        features = features_of(tape.columns, parts.windows, parts.regimes, has_regimes=has_regimes)
        signals = signals_of(tape.columns, features, strategies)
        memory = fresh_memory(terms.starting_cash_microusd, len(signals.places))
        trips = fresh_trips(tape.columns, features, signals, landmarks)
        walk(memory, tape.columns, signals, terms, empty_told(tape.columns, minutes=True), trips)
        return int(memory.state[N_TRADES])

    return run


def records_of(taken: Stretch) -> Callable[[], int]:
    """Return the same run with the trades as records, as a report reads them."""
    parts, tape = parts_of(taken.settings(**RULE)), taken.tape
    strategies = parts.built()

    def run() -> int:
        outcome = run_compiled(tape.columns, tape.instrument, strategies, parts.rules, parts.windows, parts.regimes)
        return len(outcome.trades)

    return run


def report(taken: Stretch) -> None:
    """Time all in turn and print them."""
    bars = taken.ohlcv
    in_python = bare_loop.walk([tuple(row) for row in bars.tolist()])
    assert bare_numba.walk(bars, 0.5, 2.0, 0.02, False) == bare_numba.walk(bars, 0.5, 2.0, 0.02, True) == in_python
    runs = {
        BARE: lambda: bare_numba.walk(bars, 0.5, 2.0, 0.02, False)[0],
        "the same, no indicators while holding": lambda: bare_numba.walk(bars, 0.5, 2.0, 0.02, True)[0],
        "compiled engine, default settings": engine_of(taken),
        "compiled engine, the rule without brakes": engine_of(taken, **RULE),
        "the same, trades as records": records_of(taken),
    }
    print(f"one run, {taken.name}, median of {N_ROUNDS} rounds, compiling excluded on all sides, time against the loop")
    for name, run in runs.items():
        print(f"  {name}: {run():,} trades")
    timed: dict[str, Callable[[], float]] = {name: partial(seconds_of, run) for name, run in runs.items()}
    with peer("vectorbt", taken.columns_file) as vectorbt:
        if vectorbt is not None:
            name = f"{vectorbt.title}, no trailing"
            print(f"  {name}: {vectorbt.ask('run', body=0.5, z=2.0, target=0.02).n_trades:,} trades")
            timed[name] = lambda: vectorbt.ask("run", body=0.5, z=2.0, target=0.02).seconds
        rounds = in_turn(timed, N_ROUNDS)
    tell(rounds, BARE, len(bars), "bars")
    for name in ("compiled engine, default settings", "compiled engine, the rule without brakes"):
        print(f"  {name}: {ratio(rounds[name], rounds[BARE]):.2f} x the bare loop   budget {BUDGET_TIMES:.0f} x")
