"""The program's own fills, recorded from the real binary, are reproduced to the micro-dollar."""

import json
from pathlib import Path
from typing import Any

from execution.amm import Curve, curve_quote_microusd
from execution.fees import fee


def recorded_fills(shared: Path) -> list[list[dict[str, Any]]]:
    """Return the fills of each recorded sequence, in order."""
    files = sorted((shared / "data" / "drift").glob("program_vectors_*.json"))
    return [json.loads(file.read_text(encoding="utf-8"))["fills"] for file in files]


def quote_of(fill: dict[str, Any]) -> int:
    """Return our quote for a recorded fill."""
    curve = Curve(
        sqrt_k=int(fill["sqrt_k"]),
        quote_reserve=int(fill["quote_reserve"]),
        peg=fill["peg"],
        long_spread=fill["long_spread"],
        short_spread=fill["short_spread"],
    )
    return curve_quote_microusd(curve, fill["side"], fill["base"])


def test_all_75_fills_move_the_quote_balance_by_price_and_fee_exactly(shared: Path) -> None:
    fills = [fill for sequence in recorded_fills(shared) for fill in sequence]
    assert len(fills) == 75
    for fill in fills:
        quote = quote_of(fill)
        paid = fee(quote, fill["fee_num"], fill["fee_den"])
        assert -fill["side"] * quote - paid == fill["program_quote_delta"]


def test_all_75_fills_move_the_entry_cost_as_our_bookkeeping_would(shared: Path) -> None:
    """Opening adds the quote without fee; reducing drops entry cost in proportion; a flip keeps what is beyond zero."""
    n_reproduced = 0
    for sequence in recorded_fills(shared):
        base, entry = 0, 0
        for fill in sequence:
            traded, quote, before = fill["side"] * fill["base"], quote_of(fill), entry
            if base * traded >= 0:
                entry -= fill["side"] * quote
            elif abs(traded) <= abs(base):
                entry -= (1 if entry > 0 else -1) * (abs(entry) * abs(traded) // abs(base))
            else:
                entry = -fill["side"] * (quote - quote * abs(base) // abs(traded))
            base += traded
            assert entry - before == fill["program_entry_delta"]
            n_reproduced += 1
    assert n_reproduced == 75
