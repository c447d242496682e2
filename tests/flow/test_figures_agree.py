"""A sweep's figures are those of the same runs told minute by minute, to the last bit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings

from backtest.compiled.columns import columns_of
from backtest.compiled.run import run_compiled
from backtest.compiled.terms import packed_all, terms_of
from backtest.metrics.compiled import Metric
from backtest.metrics.summary import metrics_of
from backtest.parts import Parts
from backtest.sweep.block import Block, Walker
from cli.parts import parts_of
from execution.instruments import instrument
from tests.flow.engines import settings_of
from tests.flow.test_engines_agree import EAGER, KNOBS, N_TAPES, RECKLESS, TAPE, snapshots

SOL = instrument("SOL-PERP")
EXITS: Sequence[Mapping[str, str]] = (
    {},
    {"EXIT_STOP_PCT": "0.3", "EXIT_TRAIL_PCT": "0"},
    {"SIZING_RISK_PER_TRADE_PCT": "3"},
    {"EXIT_TARGET_PCT": "0.4", "EXIT_TRAIL_PCT": "0.1", "EXIT_TRAIL_ARM_PCT": "0"},
    {"PAPER_FEE_TIER": "5", "RISK_MAX_CONSECUTIVE_LOSSES": "2"},
    {"EXIT_PARTIAL_AT_R": "1", "EXIT_MAX_HOLD_BARS": "4"},
    {"EXIT_STOP_PCT": "0.3", "EXIT_TRAIL_PCT": "0", "PAPER_LATENCY_BARS": "2"},
)


def block_of(many: Sequence[Parts]) -> Block:
    first = many[0]
    return Block(
        numbers=np.arange(len(many)),
        windows=first.windows,
        regimes=first.regimes,
        strategies=first.strategies,
        thresholds=first.thresholds,
        terms=packed_all([terms_of(parts.rules, SOL) for parts in many]),
        switch=first.rules.portfolio.regimes,
    )


@settings(max_examples=N_TAPES, deadline=None)
@given(TAPE, KNOBS)
def test_runs_that_share_their_round_trips_come_to_what_each_comes_to_alone(
    steps: list[dict[str, Any]], knobs: dict[str, str]
) -> None:
    columns = columns_of(snapshots(steps), SOL)
    walker = Walker(columns)
    for base in (EAGER, RECKLESS | EAGER, EAGER | {"E3_BODY_OVER_ATR": "0.4"}):
        many = [parts_of(settings_of({**base, **knobs, **exits})) for exits in EXITS]
        figures = walker.measure(block_of(many)).figures
        for parts, found in zip(many, figures, strict=True):
            outcome = run_compiled(columns, SOL, parts.built(), parts.rules, parts.windows, parts.regimes)
            told = metrics_of(outcome, {SOL.symbol: SOL})
            expected = [getattr(told, metric.name.lower()) for metric in Metric]
            assert [None if np.isnan(figure) else figure for figure in found.tolist()] == expected
