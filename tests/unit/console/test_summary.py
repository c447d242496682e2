import json
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.summary import dollars, summary_json
from desk.tally import RunSummary
from domain.cassette import CassetteMode, cassette_use

PROMISED = {
    "run_id",
    "n_bars",
    "n_signals",
    "n_trades",
    "net_pnl_usd",
    "fees_usd",
    "funding_usd",
    "max_drawdown_frac",
    "chain_hash",
    "seconds",
}


def test_the_object_holds_every_promised_figure(summary: RunSummary) -> None:
    told = summary_json(summary)
    assert set(told) >= PROMISED
    assert (told["n_bars"], told["n_signals"], told["n_trades"], told["is_simulated"]) == (10, 5, 1, True)
    assert told["net_pnl_usd"] == -54.525966
    assert told["gross_pnl_usd"] - told["fees_usd"] + told["funding_usd"] == told["net_pnl_usd"]
    assert told["by_regime"]["bull_trend"]["net_pnl_usd"] == -54.525966
    assert told["by_exit_reason"]["stop"]["n_trades"] == 1
    assert told["refusals"] == {"cooled_down": 4}


def test_the_object_is_strict_json_even_without_trades(made: SimpleNamespace) -> None:
    told = summary_json(made.summary_of([]))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["win_rate_frac"] is None
    assert told["profit_factor"] is None


def test_the_object_says_how_the_run_fared_with_its_cassette(summary: RunSummary) -> None:
    assert (summary_json(summary)["gate_reasons"], summary_json(summary)["cassette"]) == ({}, None)
    reasons = {"ok": 60, "llm_deny": 30, "cassette_miss": 3}
    use = cassette_use(CassetteMode.REPLAY, {("cassette", reason): count for reason, count in reasons.items()})
    told = summary_json(replace(summary, gate_reasons=tuple(reasons.items()), cassette=use))
    assert told["gate_reasons"] == reasons
    assert told["cassette"] == {
        "mode": "replay",
        "n_asked": 93,
        "n_answered": 90,
        "n_missed": 3,
        "n_elsewhere": 0,
        "is_reproducible": False,
        "told": "gate: 90 of 93 answers from the cassette, 3 misses: not reproducible",
    }


@given(st.integers(min_value=-(2**52), max_value=2**52))
def test_dollars_lose_no_micro_dollar(microusd: int) -> None:
    assert round(dollars(microusd) * 1_000_000) == microusd
