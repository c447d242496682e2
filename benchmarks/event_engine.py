"""One event-engine backtest, journal off, against backtesting.py on the same 91 days. Budget: faster per bar.

Ours is the desk as it trades: feed, every agent, risk, paper venue, and a decision record for every minute. Theirs has
the indicators given as columns. Loading is timed for neither, their statistics are, as a part of their `run`.
"""

from collections.abc import Callable

from benchmarks.ninety_one_days import RULE, Stretch
from benchmarks.peers.client import Peer, peer
from benchmarks.rounds import in_turn, ratio, tell
from benchmarks.stage import desk_on, feed_for, walk_s

N_ROUNDS = 5
OURS = "event engine, journal off, the rule"


def report(taken: Stretch) -> None:
    """Time both in turn and print them."""
    settings = taken.settings(**RULE)
    timed: dict[str, Callable[[], float]] = {OURS: lambda: walk_s(desk_on(feed_for(settings), settings))}
    print(f"event engine, {taken.name}, median of {N_ROUNDS} rounds, one uncounted round before")
    with peer("backtesting", taken.columns_file) as backtesting:
        if backtesting is not None:
            timed[backtesting.title] = _rule_in(backtesting)
        rounds = in_turn(timed, N_ROUNDS)
    tell(rounds, OURS, len(taken.ohlcv), "bars")
    for name in tuple(rounds)[1:]:
        print(f"  {name} takes {ratio(rounds[name], rounds[OURS]):.2f} x the event engine's time   budget over 1 x")


def _rule_in(backtesting: Peer) -> Callable[[], float]:
    return lambda: backtesting.ask("run", body=0.5, z=2.0, target=0.02).seconds
