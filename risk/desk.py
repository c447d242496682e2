"""The risk desk: the last word on every order, and the only place where an `ApprovedOrder` is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from domain.account import Position
from domain.decisions import ApprovedOrder, ExitReason, Proposal, Refusal
from domain.errors import BadInput
from domain.features import Regime
from domain.instrument import Instrument
from domain.market import Snapshot
from domain.record import Record
from domain.tick import RiskCheck
from risk.case import Case
from risk.counters import CountersView
from risk.deployment import stage_frac
from risk.exposure import Exposure, stop_distance_ticks
from risk.limits import RiskLimits, SizingPolicy
from risk.portfolio import NO_PORTFOLIO, Portfolio
from risk.portfolio_rules import portfolio_rules
from risk.rules import ENTRY_RULES, SIZE_RULES, Rule
from risk.sizing import DEPLOYMENT, GATE, competing_sizes, shrink_lots
from risk.sleeves import UNTRIED, Standing

SIZE_RULE_NAMES: Final = tuple(rule.__name__ for rule in SIZE_RULES)


class Screened(Record, frozen=True, kw_only=True):
    """A case that has passed every entry rule; only `RiskDesk.screen` makes one, and only it can be sized.

    The case is frozen and the rules are pure, so they need not be asked again after the gate has answered.
    """

    case: Case
    passed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskDesk:
    """Judges entries by the rules and sizes them; lets every exit pass. It remembers nothing itself."""

    limits: RiskLimits
    sizing: SizingPolicy
    instruments: Mapping[str, Instrument]
    portfolio: Portfolio = NO_PORTFOLIO
    _entry_rules: tuple[Rule, ...] = field(init=False, repr=False, compare=False)
    _entry_rule_names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Line up the rules: those of every trade, then those the portfolio asks."""
        rules = ENTRY_RULES + portfolio_rules(self.portfolio, self.limits)
        object.__setattr__(self, "_entry_rules", rules)
        object.__setattr__(self, "_entry_rule_names", tuple(rule.__name__ for rule in rules))

    def case(
        self,
        proposal: Proposal,
        snapshot: Snapshot,
        exposure: Exposure,
        counters: CountersView,
        now_ms: int,
        realised_vol_bps: float | None,
        regime: Regime | None = None,
        standing: Standing = UNTRIED,
        alike_microusd: int = 0,
    ) -> Case:
        """Put together all that the rules may look at. Raises BadInput for a symbol without an instrument."""
        return Case(
            proposal=proposal,
            snapshot=snapshot,
            now_ms=now_ms,
            instrument=self._instrument(proposal.symbol),
            limits=self.limits,
            sizing=self.sizing,
            counters=counters,
            exposure=exposure,
            realised_vol_bps=realised_vol_bps,
            portfolio=self.portfolio,
            regime=regime,
            standing=standing,
            alike_microusd=alike_microusd,
        )

    def screen(self, case: Case) -> Screened | RiskCheck:
        """Ask the entry rules in order: the case with all their names, or a check with the first refusal."""
        passed, refusal = _ask(self._entry_rules, self._entry_rule_names, case)
        if refusal is not None:
            return RiskCheck(passed=passed, sizes_lots=(), ruling=refusal)
        return Screened(case=case, passed=passed)

    def rule_on(self, screened: Screened, keep_frac: float) -> RiskCheck:
        """Rule on an entry that passed the entry rules: the smallest size, what may be kept of it, every size rule.

        Kept is the part the desk has earned (`stage_frac`), and of that what the gate lets pass.
        keep_frac: in (0, 1], from the gate; it can only shrink. Raises ValueError when it would do more.
        """
        if not 0.0 < keep_frac <= 1.0:
            raise ValueError(f"keep_frac {keep_frac} is outside (0, 1]")
        case = screened.case
        sizes = competing_sizes(case, self.sizing)
        lots = min(size for _, size in sizes)
        earned_frac = stage_frac(case.portfolio.deployment, case.standing)
        if earned_frac < 1.0:
            lots = shrink_lots(lots, earned_frac)
            sizes = (*sizes, (DEPLOYMENT, lots))
        if keep_frac < 1.0:
            lots = shrink_lots(lots, keep_frac)
            sizes = (*sizes, (GATE, lots))
        sized = replace(case, sizes_lots=sizes, lots=lots)
        passed_sized, refusal = _ask(SIZE_RULES, SIZE_RULE_NAMES, sized)
        ruling = _entry(sized) if refusal is None else refusal
        return RiskCheck(passed=screened.passed + passed_sized, sizes_lots=sizes, ruling=ruling)

    def approve_exit(
        self,
        position: Position,
        reason: ExitReason,
        reference_ticks: int,
        decided_ms: int,
        size_lots: int | None = None,
    ) -> ApprovedOrder:
        """Approve leaving a position, whole or in part. No cap stands in the way of reducing risk.

        size_lots: unsigned; None = all of it, and never more than is held. Raises ValueError for less than one lot.
        """
        held = abs(position.size_lots)
        return ApprovedOrder(
            client_order_id=f"{position.symbol}-{decided_ms}-{reason.value}",
            symbol=position.symbol,
            strategy=position.strategy,
            side=position.side.opposite,
            size_lots=held if size_lots is None else min(size_lots, held),
            reduce_only=True,
            reference_ticks=reference_ticks,
            decided_ms=decided_ms,
            exit_reason=reason,
        )

    def risk_microusd(self, order: ApprovedOrder) -> int:
        """Return what an entry loses when it fills at its reference and leaves at its stop, before fees.

        0 for an exit. It is the R in which the trade will be remembered.
        """
        if order.exit_plan is None:
            return 0
        distance = stop_distance_ticks(int(order.side), order.reference_ticks, order.exit_plan.stop_frac)
        return self._instrument(order.symbol).notional_microusd(order.size_lots, distance)

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self.instruments.get(symbol)
        if instrument is None:
            raise BadInput(f"risk knows no instrument {symbol}; it knows {', '.join(sorted(self.instruments))}")
        return instrument


def _ask(rules: tuple[Rule, ...], names: tuple[str, ...], case: Case) -> tuple[tuple[str, ...], Refusal | None]:
    for number, rule in enumerate(rules):
        refusal = rule(case)
        if refusal is not None:
            return names[:number], refusal
    return names, None


def _entry(case: Case) -> ApprovedOrder:
    proposal = case.proposal
    return ApprovedOrder(
        client_order_id=f"{proposal.symbol}-{proposal.as_of_ms}-entry",
        symbol=proposal.symbol,
        strategy=proposal.strategy,
        side=proposal.side,
        size_lots=case.lots,
        reduce_only=False,
        reference_ticks=case.reference_ticks,
        decided_ms=proposal.as_of_ms,
        exit_plan=proposal.exit_plan,
    )
