"""The machine's twin of the report: one object with the figures of a run."""

from typing import Any

from desk.tally import RunSummary
from domain.breakdown import Breakdown, broken_down, by_exit_reason, by_regime, by_strategy, by_symbol
from domain.cassette import CassetteUse
from domain.instrument import MICROUSD_PER_USD


def dollars(microusd: int) -> float:
    """Return micro-dollars as the float nearest to the exact dollars: it prints with at most six decimals."""
    return microusd / MICROUSD_PER_USD


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """Return the figures of a run under plain names with units; an undefined ratio is None."""
    total = broken_down("all", summary.trades)
    return {
        "run_id": summary.run_id,
        "is_simulated": summary.is_simulated,
        "n_bars": summary.n_bars,
        "n_signals": summary.n_signals,
        "n_orders": summary.n_orders,
        "n_trades": total.n_trades,
        "net_pnl_usd": dollars(summary.net_microusd),
        "gross_pnl_usd": dollars(total.gross_microusd),
        "fees_usd": dollars(summary.fees_microusd),
        "funding_usd": dollars(summary.funding_microusd),
        "slippage_usd": dollars(summary.slippage_microusd),
        "starting_equity_usd": dollars(summary.starting_equity_microusd),
        "equity_usd": dollars(summary.equity_microusd),
        "return_frac": _ratio(summary.net_microusd, summary.starting_equity_microusd),
        "max_drawdown_frac": summary.max_drawdown_frac,
        "win_rate_frac": total.win_rate_frac,
        "profit_factor": total.profit_factor,
        "expectancy_r": total.expectancy_r,
        "by_regime": _parts(by_regime(summary.trades)),
        "by_exit_reason": _parts(by_exit_reason(summary.trades)),
        "by_strategy": _parts(by_strategy(summary.trades)),
        "by_symbol": _parts(by_symbol(summary.trades)),
        "outcomes": dict(summary.outcomes),
        "refusals": dict(summary.refusals),
        "gate_mode": summary.gate_mode,
        "gate_reasons": dict(summary.gate_reasons),
        "cassette": None if summary.cassette is None else _cassette(summary.cassette),
        "open_positions": [{"symbol": held.symbol, "size_lots": held.size_lots} for held in summary.open_positions],
        "first_ms": summary.first_ms,
        "last_ms": summary.last_ms,
        "chain_hash": summary.chain_hash,
        "seconds": summary.seconds,
    }


def _cassette(use: CassetteUse) -> dict[str, Any]:
    return {
        "mode": use.mode.value,
        "n_asked": use.n_asked,
        "n_answered": use.n_answered,
        "n_missed": use.n_missed,
        "n_elsewhere": use.n_elsewhere,
        "is_reproducible": use.is_reproducible,
        "told": f"gate: {use.sentence}",
    }


def _parts(parts: tuple[Breakdown, ...]) -> dict[str, dict[str, Any]]:
    return {
        part.name: {
            "n_trades": part.n_trades,
            "win_rate_frac": part.win_rate_frac,
            "gross_pnl_usd": dollars(part.gross_microusd),
            "fees_usd": dollars(part.fees_microusd),
            "funding_usd": dollars(part.funding_microusd),
            "net_pnl_usd": dollars(part.net_microusd),
            "profit_factor": part.profit_factor,
            "expectancy_r": part.expectancy_r,
        }
        for part in parts
    }


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None
