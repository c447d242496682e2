"""One compiled run from records to records: what a test compares with the desk, and what a report reads."""

from collections.abc import Sequence

from backtest.compiled.columns import AS_OF_MS, Columns
from backtest.compiled.engine import fresh_memory, walk
from backtest.compiled.ledger import Memory
from backtest.compiled.signals import Signals, features_of, fitting, signals_of
from backtest.compiled.state import N_TRADES, REASONS, TradeFloat, TradeInt
from backtest.compiled.terms import Rules, Terms, packed, terms_of
from backtest.compiled.told import empty_told
from backtest.compiled.trips import fresh_trips
from backtest.outcome import EquityCurve, FloatArray, RunOutcome
from domain.account import Trade
from domain.decisions import Side
from domain.features import REGIME_BY_CODE
from domain.instrument import Instrument
from indicators.feature_columns import Figure
from indicators.features import FeatureWindows
from indicators.regime import RegimeThresholds
from strategy.rules import Strategy


def run_compiled(
    columns: Columns,
    instrument: Instrument,
    strategies: Sequence[Strategy],
    rules: Rules,
    windows: FeatureWindows,
    regimes: RegimeThresholds,
    *,
    is_simulated: bool = False,
) -> RunOutcome:
    """Return what one parameter set makes of a tape: the same trades and equity as the event engine's.

    Raises BadInput for a strategy without a kernel and for settings the compiled engine cannot follow.
    """
    features = features_of(columns, windows, regimes)
    signals = fitting(signals_of(columns, features, strategies), features, strategies, rules.portfolio.regimes)
    return outcome_of(
        columns, features, signals, instrument, strategies, terms_of(rules, instrument), is_simulated=is_simulated
    )


def outcome_of(
    columns: Columns,
    features: FloatArray,
    signals: Signals,
    instrument: Instrument,
    strategies: Sequence[Strategy],
    terms: Terms,
    *,
    is_simulated: bool,
    memory: Memory | None = None,
) -> RunOutcome:
    """Return what a walk over these very features and signals comes to.

    memory: fresh, for a caller who wants to see how the run ended.
    """
    memory = memory or fresh_memory(terms.starting_cash_microusd, len(signals.places))
    told = empty_told(columns, minutes=True)
    walk(memory, columns, signals, packed(terms), told, fresh_trips(columns, features, signals))
    curve = EquityCurve(
        close_ms=columns.close_ms, equity_microusd=told.minutes, starting_microusd=terms.starting_cash_microusd
    )
    return RunOutcome(
        run_id="compiled",
        symbols=(instrument.symbol,),
        is_simulated=is_simulated,
        curve=curve,
        trades=trades_of(memory, columns, features, instrument.symbol, strategies),
    )


def trades_of(
    memory: Memory,
    columns: Columns,
    features: FloatArray,
    symbol: str,
    strategies: Sequence[Strategy],
) -> tuple[Trade, ...]:
    """Return the closed trades of a run as records, in the order they closed."""
    n_trades = int(memory.state[N_TRADES])
    names = [strategy.name for strategy in strategies]
    return tuple(
        _trade(memory.trades[number].tolist(), memory.estimates[number].tolist(), columns, features, symbol, names)
        for number in range(n_trades)
    )


def _trade(
    row: list[int], estimates: list[float], columns: Columns, features: FloatArray, symbol: str, names: list[str]
) -> Trade:
    place = row[TradeInt.DECIDED_PLACE]
    return Trade(
        symbol=symbol,
        strategy=names[row[TradeInt.STRATEGY]],
        side=Side.BUY if row[TradeInt.SIZE_LOTS] > 0 else Side.SELL,
        size_lots=abs(row[TradeInt.SIZE_LOTS]),
        entry_ticks=row[TradeInt.ENTRY_TICKS],
        exit_ticks=row[TradeInt.EXIT_TICKS],
        gross_microusd=row[TradeInt.GROSS],
        fees_microusd=row[TradeInt.FEES],
        funding_microusd=row[TradeInt.FUNDING],
        slippage_microusd=row[TradeInt.SLIPPAGE],
        mae_bps=estimates[TradeFloat.MAE_BPS],
        mfe_bps=estimates[TradeFloat.MFE_BPS],
        exit_reason=REASONS[row[TradeInt.REASON]],
        regime=REGIME_BY_CODE[int(features[place, Figure.REGIME])],
        conviction_frac=estimates[TradeFloat.CONVICTION],
        risk_microusd=row[TradeInt.RISK],
        opened_ms=row[TradeInt.OPENED_MS],
        closed_ms=row[TradeInt.CLOSED_MS],
        n_bars=row[TradeInt.N_BARS],
        client_order_id=f"{symbol}-{int(columns.ints[place, AS_OF_MS])}-entry",
    )
