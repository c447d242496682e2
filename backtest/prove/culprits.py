"""Who is at fault when a decision changed, as far as can be known: what came before it did not change."""

import inspect
from pathlib import Path
from typing import Any, Final

from agents.master import MasterAgent
from backtest.prove.proof import Difference
from domain.decisions import ExitReason
from domain.tick import TickRecord

ROOT: Final = Path(__file__).parents[2]


def culprit(difference: Difference, expected: TickRecord, got: TickRecord | None, master: MasterAgent) -> str:
    """Say which part of the desk answered otherwise although all it was given was the same, and where it stands."""
    part = difference.part
    if part == "signals" or (part == "orders" and _is_strategys_exit(expected, got)):
        return _strategy(difference, expected, got, master)
    parts: dict[str, tuple[str, Any]] = {
        "snapshot": ("the feed, or what it is built of", None),
        "fills": ("the venue", master.execution.venue),
        "funding": ("the venue", master.execution.venue),
        "features": ("the market data agent and its indicators", master.market_data),
        "counterfactuals": ("the ledger of triggers, or what it follows", master.gate.hindsight),
        "reflections": ("what is learnt of triggers", master.gate.hindsight),
        "proposal": ("the exit plan or the choice among the strategies", master.strategies),
        "gate": ("the gate", master.gate.gate),
        "risk": ("risk", master.risk),
        "orders": ("the exit agent", master.exits),
    }
    words, whose = parts.get(part, ("the desk", None))
    return words if whose is None else f"{words} ({where(type(whose))})"


def where(thing: Any) -> str:
    """Return name, file and line of a class or function; the name alone for what has no source, as machine code."""
    name = getattr(thing, "__qualname__", type(thing).__name__)
    try:
        path, line = Path(inspect.getsourcefile(thing) or ""), inspect.getsourcelines(thing)[1]
    except (TypeError, OSError):
        return str(name)
    return f"{name}, {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name}:{max(line, 1)}"


def _strategy(difference: Difference, expected: TickRecord, got: TickRecord | None, master: MasterAgent) -> str:
    leaves = difference.part == "orders"
    orders = [*expected.orders, *(() if got is None else got.orders)]
    name = orders[0].strategy if leaves else difference.figure.split(":")[0].split(".")[0]
    strategy = master.strategies.by_name.get(name)
    if strategy is None:
        return "the strategies"
    asked = strategy.wants_out if leaves else strategy.failed_tests
    told = where(asked)
    stands = told if ".py:" in told else where(type(strategy))
    return f"strategy {name} ({stands}): on the same features it {'leaves' if leaves else 'answers'} otherwise"


def _is_strategys_exit(expected: TickRecord, got: TickRecord | None) -> bool:
    orders = [*expected.orders, *(() if got is None else got.orders)]
    return any(order.exit_reason is ExitReason.STRATEGY for order in orders)
