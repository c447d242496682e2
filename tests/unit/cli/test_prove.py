"""What `backtest --prove` is asked, and what it answers."""

import json

import pytest

import main
from agents.strategy import StrategyAgent
from cli.prove import ProofWish, proof_wish
from domain.errors import BadInput
from settings import exit_rules, load_settings
from tests.flow.stage import QUICK
from tests.unit.backtest.prove.stage import Planted

ASKED = {"prove": True, "cuts": None, "seed": None, "run_id": None, "n_minutes": None, "as_json": False}
SIM = {**QUICK, "FEED": "sim"}


def test_without_prove_no_proof_is_asked_for() -> None:
    assert proof_wish(**{**ASKED, "prove": False}) is None


@pytest.mark.parametrize("alone", [{"cuts": 3}, {"seed": 3}])
def test_cuts_and_seed_mean_nothing_alone(alone: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="only means something together with --prove"):
        proof_wish(**{**ASKED, "prove": False, **alone})


def test_a_proof_has_no_run_id() -> None:
    with pytest.raises(BadInput, match="--prove records none"):
        proof_wish(**{**ASKED, "run_id": "mine"})


def wish(*, as_json: bool = True) -> ProofWish:
    return ProofWish(cuts=3, seed=5, n_minutes=300, as_json=as_json)


def test_a_clean_proof_is_exit_code_0_and_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert wish().run(load_settings(None, {}, SIM), main.build, main.build_feed) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert err == ""
    assert told["is_clean"] is True
    assert (told["seed"], len(told["cuts"]), told["n_minutes"]) == (5, 3, 300)
    assert told["findings"] == []
    assert {one["figure"] for one in told["warmth"]["figures"]} >= {"atr_price", "trend_strength"}


def test_a_desk_that_looks_elsewhere_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A strategy that is asked on wall order, not on features, is found by repeating the run."""
    settings = load_settings(None, {}, SIM)
    calls = iter(range(10**9))

    def build(*parts):
        master = main.build(*parts)
        odd = Planted("odd", "not its turn", lambda *_: next(calls) % 91 == 0)
        master.strategies = master.exits.strategies = StrategyAgent([odd], exit_rules(settings))
        return master

    assert wish(as_json=False).run(settings, build, main.build_feed) == 1
    out = capsys.readouterr().out
    assert "SIMULATED MARKET" in out
    assert "decisions changed in 1 check" in out
    assert "strategy odd" in out
