"""The agents of one desk, wired together: every part is made once, from the settings and what it stands on.

Heavy parts are imported where they are used, so that `--help` answers at once. The same holds for the whole folder.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wiring.gate import build_gate

if TYPE_CHECKING:
    from agents.hindsight import Hindsight
    from agents.master import MasterAgent
    from agents.strategy import StrategyAgent
    from domain.instrument import Instrument
    from domain.ports import Journal, Venue
    from risk.desk import RiskDesk
    from settings import Settings


def build(
    settings: "Settings", instruments: "Mapping[str, Instrument]", journal: "Journal", venue: "Venue | None" = None
) -> "MasterAgent":
    """Wire the agents of one desk: every part is made here, once, from the settings and what it stands on.

    venue: where orders go; None = the paper venue, which is the only one made here.
    """
    import settings as part
    from agents.books import Books
    from agents.execution import ExecutionAgent
    from agents.exits import ExitAgent
    from agents.gate import GateAgent
    from agents.market_data import MarketDataAgent
    from agents.master import MasterAgent
    from agents.risk import RiskAgent
    from agents.strategy import StrategyAgent
    from execution.paper import PaperVenue
    from risk.desk import RiskDesk
    from strategy.registry import build_strategies

    cash_microusd = part.live_capital_microusd(settings)
    if venue is None:
        paper = PaperVenue(part.paper_terms(settings), instruments)
        venue, cash_microusd = paper, paper.cash_microusd
    books = Books(instruments=instruments, cash_microusd=cash_microusd)
    execution = ExecutionAgent(venue=venue, journal=journal, books=books)
    chosen = build_strategies(settings.strategies, part.strategy_thresholds(settings))
    strategies = StrategyAgent(chosen, part.exit_rules(settings))
    limits, sizing = part.risk_limits(settings), part.sizing_policy(settings)
    risk_desk = RiskDesk(limits=limits, sizing=sizing, instruments=instruments, portfolio=part.portfolio(settings))
    risk = RiskAgent(desk=risk_desk)
    hindsight = build_hindsight(settings, instruments, strategies, risk_desk)
    return MasterAgent(
        market_data=MarketDataAgent(part.feature_windows(settings), part.regime_thresholds(settings)),
        strategies=strategies,
        gate=GateAgent(gate=build_gate(settings, journal), mode=settings.gate_mode, hindsight=hindsight),
        risk=risk,
        execution=execution,
        exits=ExitAgent(execution=execution, strategies=strategies, risk=risk),
    )


def build_hindsight(
    settings: "Settings",
    instruments: "Mapping[str, Instrument]",
    strategies: "StrategyAgent",
    risk_desk: "RiskDesk",
) -> "Hindsight | None":
    """Build what is kept for the gate's sake: None where no gate is in use, for there is nothing to learn."""
    from msgspec.structs import replace

    import settings as part
    from agents.hindsight import Hindsight
    from agents.ledger import TriggerLedger
    from agents.recollection import Recollection
    from agents.reflection import Reflections
    from agents.risk import RiskAgent
    from db.off import JournalOff
    from domain.decisions import GateMode
    from execution.paper import MAX_CASH_USD, PaperVenue

    if settings.gate_mode is GateMode.OFF:
        return None
    # Ten times what the largest order it takes is worth, so that no shadow trade wants for margin.
    terms = replace(part.paper_terms(settings), starting_cash_usd=MAX_CASH_USD, reject_frac=0.0)
    ledger = TriggerLedger(
        open_venue=lambda symbol: PaperVenue(terms, {symbol: instruments[symbol]}),
        journal=JournalOff(),
        instruments=instruments,
        strategies=strategies,
        risk=RiskAgent(desk=risk_desk),
    )
    grounds = {name: strategy.grounds for name, strategy in strategies.by_name.items()}
    reflections = Reflections(grounds=grounds, instruments=instruments)
    return Hindsight(recollection=Recollection(), ledger=ledger, reflections=reflections)
