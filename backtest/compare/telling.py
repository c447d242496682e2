"""A comparison as plain rows: what `--json` answers and what the console prints."""

from typing import Any

import msgspec

from backtest.compare.causes import Share
from backtest.compare.comparison import CauseRow, Comparison
from backtest.compare.headers import Side
from domain.instrument import MICROUSD_PER_USD

CENTS_PER_USD = 100


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison for a machine.

    Money is in whole micro-dollars (`_microusd`, exact) and in dollars to the cent (`_usd`, adds up as it stands).
    """
    minutes = found.minutes
    return {
        "is_identical": found.is_identical,
        "a": _side_json(found.a),
        "b": _side_json(found.b),
        "settings": msgspec.to_builtins(found.settings),
        "is_same_code": found.a.code_version == found.b.code_version,
        "is_same_data": found.a.data_identity == found.b.data_identity,
        "is_same_start": found.a.starting_microusd == found.b.starting_microusd,
        "minutes": {
            **msgspec.to_builtins(minutes),
            "by_kind": {str(kind): count for kind, count in minutes.by_kind},
            "parity_frac": minutes.parity_frac,
        },
        "first_difference": msgspec.to_builtins(found.first_difference),
        "n_trades": found.n_pairs,
        "difference_microusd": found.difference_microusd,
        "difference_usd": found.difference_cents / CENTS_PER_USD,
        "causes": [_cause_json(row) for row in found.causes],
        "unexplained_microusd": found.unexplained_microusd,
        "unexplained_usd": found.unexplained_cents / CENTS_PER_USD,
    }


def _side_json(side: Side) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(side)
    return {**told, "net_microusd": side.net_microusd, "net_usd": side.net_microusd / MICROUSD_PER_USD}


def _cause_json(row: CauseRow) -> dict[str, Any]:
    return {
        "cause": row.cause.value,
        "rule": row.rule or None,
        "is_knock_on": row.is_knock_on,
        "microusd": row.microusd,
        "usd": row.cents / CENTS_PER_USD,
        "n_trades": row.n_trades,
        "examples": [_share_json(share) for share in row.examples],
    }


def _share_json(share: Share) -> dict[str, Any]:
    return {
        "symbol": share.symbol,
        "side": "long" if share.side > 0 else "short",
        "decided_ms": share.decided_ms,
        "tick_a": share.tick_a,
        "tick_b": share.tick_b,
        "part": share.part.value,
        "microusd": share.microusd,
        "why": share.blame.why,
    }
