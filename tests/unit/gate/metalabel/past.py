"""Resolved triggers made up for the tests: whose chance of a win is known, in the order they ended."""

import msgspec
import numpy as np

from domain.decisions import ExitReason, Side
from domain.market import MINUTE_MS
from domain.situation import Counterfactual, Resolved, Situation, Trigger
from gate.metalabel.vector import Design
from tests.unit.gate.questions import COSTS, features, proposal, snapshot

DESIGN = Design(strategies=("e3", "funding_fade"), costs=COSTS)


def trigger(minute, side=Side.BUY, symbol="SOL-PERP", **figures):
    """Return a trigger of one minute; figures by their upper-case name."""
    wanted = msgspec.structs.replace(proposal(minute * MINUTE_MS, symbol), side=side)
    trigger_id = f"{symbol}-{wanted.as_of_ms}"
    return Trigger(trigger_id=trigger_id, tick_no=minute, proposal=wanted, features=features(**figures))


def ended(one, n_bars=5, net_bps=10.0):
    """Return a trigger with its end, `n_bars` after it was made."""
    made = one.proposal
    outcome = Counterfactual(
        trigger_id=one.trigger_id, symbol=made.symbol, strategy=made.strategy, side=made.side,
        triggered_ms=made.as_of_ms, resolved_ms=made.as_of_ms + n_bars * MINUTE_MS, n_bars=n_bars,
        exit_reason=ExitReason.TARGET, net_bps=net_bps, gross_bps=net_bps, fees_bps=0.0, slippage_bps=0.0,
        funding_bps=0.0, mae_bps=0.0, mfe_bps=0.0,
    )  # fmt: skip
    return Resolved(trigger=one, outcome=outcome)


def past(n, log_odds_per_sd=1.0, seed=7, base=0.0, n_bars=3, first=1, every=2):
    """Return n resolved triggers whose log-odds of a win are `base` plus the return, in standard deviations, times."""
    random = np.random.default_rng(seed)
    drawn = random.normal(size=n)
    chance = 1 / (1 + np.exp(-(base + log_odds_per_sd * drawn)))
    wins = random.random(n) < chance
    volumes = random.normal(size=n)
    made = [
        ended(
            trigger(first + every * place, RETURN_BPS=20.0 * drawn[place], VOLUME_Z=volumes[place]),
            n_bars,
            10.0 if wins[place] else -10.0,
        )
        for place in range(n)
    ]
    return made, chance


def situation_of(one, resolved):
    """Return what the desk knows when this trigger is made."""
    made = one.proposal
    seen = snapshot(made.as_of_ms, made.symbol)
    return Situation(proposal=made, snapshot=seen, features=one.features, resolved=resolved)
