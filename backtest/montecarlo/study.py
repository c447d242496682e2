"""The study: one run's trades and days, resampled as they were and with shocks, told as distributions."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec.structs import replace

from backtest.montecarlo import paths
from backtest.montecarlo.blocks import BlockRule, Method, block_length
from backtest.montecarlo.distribution import Distribution, Odds, distribution, odds
from backtest.montecarlo.draws import seed_key
from backtest.montecarlo.exposure import Exposure, exposure_of, no_exposure
from backtest.montecarlo.shocks import NO_SHOCKS, Shocks
from backtest.montecarlo.units import Stakes, Units, units_of_days, units_of_trades
from backtest.outcome import FloatArray, RunOutcome
from db.prices import PriceColumns
from domain.errors import BadInput
from domain.instrument import Instrument
from domain.market import DAY_MS, MINUTE_MS
from domain.record import Record
from execution.fees import N_FEE_TIERS, TAKER_FEE_NUMERATORS

MAX_PATHS: Final = 1_000_000
FIGURES: Final[Mapping[str, int]] = {
    "return_frac": paths.RETURN,
    "max_drawdown_frac": paths.DRAWDOWN,
    "longest_losing_streak": paths.STREAK,
    "under_water_frac": paths.UNDER_WATER,
    "longest_under_water": paths.LONGEST_UNDER_WATER,
}
LOSS, RUIN, LIMIT = "loses", "ruined", "drawdown_limit_met"
TRADES, SHOCKED, DAYS = "trades", "trades_with_shocks", "days"


class Plan(Record, frozen=True, kw_only=True):
    """How to resample. ruin_frac: share of the starting equity at or below which the account counts as ruined.

    block: a rule, or a number of units. max_drawdown_frac: the run's own limit. risk_per_trade_frac: for Stakes.RISK.
    halts_at_limit: whether a path stops trading at that limit, as the desk does. fee_tier: the run's.
    """

    n_paths: int = 10_000
    seed: int = 7
    method: Method = Method.STATIONARY
    block: BlockRule | int = BlockRule.POLITIS_WHITE
    stakes: Stakes = Stakes.EQUITY
    risk_per_trade_frac: float = 0.005
    ruin_frac: float = 0.5
    max_drawdown_frac: float = 0.15
    halts_at_limit: bool = False
    fee_tier: int = 0
    shocks: Shocks = Shocks()

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be carried out. A NaN fails every comparison and is refused too."""
        if not 1 <= self.n_paths <= MAX_PATHS:
            raise ValueError(f"{self.n_paths} paths are outside [1, {MAX_PATHS}]")
        if not (0 <= self.seed < 2**63 and 0 <= self.fee_tier < N_FEE_TIERS):
            raise ValueError(f"seed {self.seed} or fee tier {self.fee_tier} is impossible")
        if not (isinstance(self.block, BlockRule) or self.block >= 1):
            raise ValueError(f"a block of {self.block} is shorter than 1")
        if not (0.0 <= self.ruin_frac < 1.0 and 0.0 < self.risk_per_trade_frac <= 1.0):
            raise ValueError(f"ruin at {self.ruin_frac} or risk per trade {self.risk_per_trade_frac} is outside [0, 1)")
        if not 0.0 < self.max_drawdown_frac <= 1.0:
            raise ValueError(f"the drawdown limit {self.max_drawdown_frac} is outside (0, 1]")


class Scenario(Record, frozen=True, kw_only=True):
    """One way of resampling and what came of it. unit: trade or day. mean_taken: units of a path that were traded."""

    name: str
    unit: str
    n_units: int
    block_units: int
    mean_taken: float
    distributions: tuple[Distribution, ...]
    odds: tuple[Odds, ...]

    def of(self, figure: str) -> Distribution:
        """Return the distribution of one figure."""
        return next(one for one in self.distributions if one.figure == figure)

    def odds_of(self, event: str) -> Odds:
        """Return the odds of one event."""
        return next(one for one in self.odds if one.event == event)


class Study(Record, frozen=True, kw_only=True, eq=False):
    """All scenarios. figures: per scenario the figures of every path, shape (n_paths, paths.N_FIGURES).

    notes: what the reader must know to read them right, as sentences.
    """

    scenarios: tuple[Scenario, ...]
    figures: Mapping[str, FloatArray]
    notes: tuple[str, ...]


def study_run(
    outcome: RunOutcome, prices: Mapping[str, PriceColumns], instruments: Mapping[str, Instrument], plan: Plan
) -> Study:
    """Resample a run. prices: its recorded bars by symbol. instruments: of every symbol that was traded.

    Raises BadInput where nothing can be computed: no closed trade, no equity to begin with, returns undefined.
    """
    trades, start = outcome.trades, outcome.curve.starting_microusd
    if not trades:
        raise BadInput(f"run {outcome.run_id} has closed no trade: there is nothing to resample")
    if start <= 0:
        raise BadInput(f"run {outcome.run_id} began with an equity of {start} micro-dollars: ruined before its start")
    units = units_of_trades(trades, start, plan.stakes, plan.risk_per_trade_frac)
    exposure = exposure_of(trades, units, prices, instruments, plan.shocks.late_max_bars)
    calm = _scenario(TRADES, "trade", units, no_exposure(units.n_units), NO_SHOCKS, plan)
    told = [calm]
    if plan.shocks != NO_SHOCKS:
        told.append(_scenario(SHOCKED, "trade", units, exposure, plan.shocks, plan))
    days = units_of_days(outcome.curve, trades, plan.stakes)
    if days.n_units > 1:
        told.append(_scenario(DAYS, "day", days, no_exposure(days.n_units), NO_SHOCKS, plan))
    return Study(
        scenarios=tuple(scenario for scenario, _ in told),
        figures={scenario.name: figures for scenario, figures in told},
        notes=_notes(outcome, units, days, prices, plan),
    )


def walked(units: Units, exposure: Exposure, terms: paths.Terms, factors: FloatArray, plan: Plan) -> FloatArray:
    """Return the figures of every path, shape (plan.n_paths, paths.N_FIGURES)."""
    figures = np.zeros((plan.n_paths, paths.N_FIGURES))
    paths.walk_paths(units, exposure, terms, factors, seed_key(plan.seed), 0, figures)
    return figures


def walked_as_it_was(units: Units, plan: Plan) -> FloatArray:
    """Return the figures of the units in the order they happened, shape (paths.N_FIGURES,). It halts as a path does."""
    whole = replace(plan, n_paths=1, method=Method.MOVING)
    terms = terms_of(NO_SHOCKS, whole, units.n_units, units.n_units)
    figures: FloatArray = walked(units, no_exposure(units.n_units), terms, np.ones(1), whole)[0]
    return figures


def terms_of(shocks: Shocks, plan: Plan, block_units: int, n_units: int) -> paths.Terms:
    """Return the shocks and the plan as the walk takes them."""
    is_moving = plan.method is Method.MOVING
    has_outages = shocks.outages_per_day > 0.0
    return paths.Terms(
        block_units=block_units,
        # A block as long as the record is the record: it never breaks.
        breaks_frac=-1.0 if is_moving else 0.0 if block_units >= n_units else 1.0 / block_units,
        slippage_factor=shocks.slippage_factor,
        slippage_half_sigma=shocks.slippage_sigma / math.sqrt(2.0),
        late_frac=shocks.late_frac,
        missed_frac=shocks.missed_frac,
        gap_frac=shocks.gap_frac,
        gap_scale=shocks.gap_scale,
        gap_degrees=shocks.gap_degrees,
        outage_gap_ms=DAY_MS / shocks.outages_per_day if has_outages else 0.0,
        outage_ms=shocks.outage_minutes * MINUTE_MS,
        stops_at_drawdown_frac=plan.max_drawdown_frac if plan.halts_at_limit else math.inf,
    )


def fee_factors(fee_tier: int, shift: int) -> FloatArray:
    """Return what the recorded fees are multiplied by in each tier from `shift` below to `shift` above.

    Beyond the first and the last tier there is none: those draws stay there.
    """
    tiers = np.clip(np.arange(fee_tier - shift, fee_tier + shift + 1), 0, N_FEE_TIERS - 1)
    factors: FloatArray = np.array(TAKER_FEE_NUMERATORS, dtype=np.float64)[tiers] / TAKER_FEE_NUMERATORS[fee_tier]
    return factors


def _scenario(
    name: str, unit: str, units: Units, exposure: Exposure, shocks: Shocks, plan: Plan
) -> tuple[Scenario, FloatArray]:
    block_units = block_length(units.net, plan.block, plan.method)
    terms, factors = (
        terms_of(shocks, plan, block_units, units.n_units),
        fee_factors(plan.fee_tier, shocks.fee_tier_shift),
    )
    figures, actual = walked(units, exposure, terms, factors, plan), walked_as_it_was(units, plan)
    told = Scenario(
        name=name,
        unit=unit,
        n_units=units.n_units,
        block_units=block_units,
        mean_taken=float(figures[:, paths.TAKEN].mean()),
        distributions=tuple(
            distribution(figure, figures[:, column], actual[column]) for figure, column in FIGURES.items()
        ),
        odds=tuple(
            odds(event, hits, has_happened=bool(has_happened))
            for event, hits, has_happened in zip(
                (LOSS, RUIN, LIMIT), _hits(figures, plan), _hits(actual[None, :], plan)[:, 0], strict=True
            )
        ),
    )
    return told, figures


def _hits(figures: FloatArray, plan: Plan) -> FloatArray:
    """Return whether each path lost, was ruined, met the drawdown limit; shape (3, n_paths)."""
    return np.stack(
        [
            figures[:, paths.RETURN] < 0.0,
            figures[:, paths.LOWEST] <= plan.ruin_frac,
            figures[:, paths.DRAWDOWN] >= plan.max_drawdown_frac,
        ]
    )


def _notes(
    outcome: RunOutcome, units: Units, days: Units, prices: Mapping[str, PriceColumns], plan: Plan
) -> tuple[str, ...]:
    notes = []
    if units.n_units == 1:
        notes.append("One closed trade is no sample: every path is that trade.")
    if not (units.net < 0.0).any():
        notes.append("No recorded trade lost: a record without a loss can show none, except through shocks.")
    if days.n_units < 2:
        notes.append("The run lies within one UTC day, so days are not resampled.")
    dark = sorted({trade.symbol for trade in outcome.trades} - prices.keys())
    if dark and plan.shocks.needs_bars:
        notes.append(f"No bars of {', '.join(dark)} are on record: its trades meet no late entry, gap or delayed exit.")
    open_microusd = (
        int(outcome.curve.equity_microusd[-1])
        - outcome.curve.starting_microusd
        - sum(trade.net_microusd for trade in outcome.trades)
    )
    equity = np.concatenate([[outcome.curve.starting_microusd], outcome.curve.equity_microusd]).astype(np.float64)
    deepest = float((1.0 - equity / np.maximum.accumulate(equity)).max())
    notes.append(
        "Drawdowns are measured where a trade or a day closes; "
        f"minute by minute the run's deepest fall was {deepest:.2%}."
    )
    if open_microusd != 0:
        notes.append(
            f"{open_microusd / 1e6:+,.2f} USD of the run's result belong to no closed trade (a position open at its "
            "end): in the days, not in the trades."
        )
    return tuple(notes)
