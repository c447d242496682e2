"""What the meta-label gate was worth on recorded markets: part of `python -m benchmarks.results`; docs/results.md.

Every trigger of E3 with its defaults in 2022 and 2023 is followed by itself, as the desk does for any gate (agents/
ledger.py), and the model walks over them: at each it knows only those that had ended. It is scored as `gate score`
does, against trading all of them and against gates that approve as often blindly. Nothing was tuned: the three ways
to make a gate of its chances were written down before the first look.
"""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Final, NamedTuple

from backtest.score.answerer import Answerer
from backtest.score.arms import Arm
from backtest.score.meta import meta_labels_of
from backtest.score.score import Draws, Score, score_of
from benchmarks.stage import SHARED, desk_on
from db.triggers import Asked, TriggerStory
from domain.gate_reason import GateReason
from domain.situation import Resolved
from domain.tick import GateEvidence
from gate.metalabel.reader import BACKEND, MODEL
from gate.metalabel.vector import Design
from main import build_feed
from settings import Settings, load_settings, trade_costs

COINS: Final = ("sol", "btc", "eth")
GATES: Final = ("pays", "pays and likely", "better half")
"""pays: the chance covers the mean win and loss seen so far. likely: it is 50 % too, as GATE_MIN_P_WIN_PCT asks.
better half: it is above the middle of the chances given before."""
N_TRIALS: Final = len(COINS) * len(GATES)
DRAWS: Final = Draws(n_draws=2_000, seed=7)


class Said(NamedTuple):
    """What the model said of one trigger. is_yes: by gate."""

    p_win_frac: float
    is_yes: dict[str, bool]


def settings_of(coin: str) -> Settings:
    """Return the defaults on two years of one spot market; nobody is asked, every trigger is followed."""
    years = [f"ohlcv/{coin}usdt_1m_binance-spot_{year}-01_{year}-12.parquet" for year in (2022, 2023)]
    given = {
        "FEED": "replay",
        "SYMBOLS": f"{coin.upper()}-PERP",
        "STRATEGIES": "e3",
        "REPLAY_DATA": ",".join(str(SHARED / "data" / year) for year in years),
        "GATE_MODE": "shadow",
    }
    return load_settings(None, {}, given)


def triggers_of(settings: Settings) -> list[Resolved]:
    """Walk the desk over the tape and return every trigger that ended, with what it came to."""
    desk = desk_on(build_feed(settings, None), settings)

    async def go() -> None:
        await desk.open()
        await desk.walk()

    asyncio.run(go())
    assert desk.master.gate.hindsight is not None
    return desk.master.gate.hindsight.ledger.resolved


def story_of(one: Resolved, asked: Asked | None = None) -> TriggerStory:
    """Return a trigger as the score reads it from a journal."""
    proposal = one.trigger.proposal
    return TriggerStory(
        trigger_id=one.trigger.trigger_id,
        tick_no=one.trigger.tick_no,
        symbol=proposal.symbol,
        strategy=proposal.strategy,
        side=proposal.side,
        triggered_ms=proposal.as_of_ms,
        conviction_frac=proposal.conviction_frac,
        exit_plan=proposal.exit_plan,
        reference_price=proposal.reference_price,
        features=one.trigger.features,
        asked=asked,
        outcome=one.outcome,
        executed_net_bps=None,
    )


def said_of(triggers: Sequence[Resolved], design: Design) -> list[Said | None]:
    """Walk the model over the triggers in order of time; None where it abstains."""
    opinion_of = meta_labels_of([story_of(one) for one in triggers], design)
    before: list[float] = []
    said: list[Said | None] = []
    for one in triggers:
        opinion = opinion_of(story_of(one))
        if opinion is None:
            said.append(None)
            continue
        chance, pays = opinion.p_win_frac, opinion.is_approved
        is_upper = bisect_left(before, chance) * 2 > len(before)
        insort(before, chance)
        said.append(Said(chance, dict(zip(GATES, (pays, pays and chance >= 0.5, is_upper), strict=True))))
    return said


def asked_by(said: Said | None, gate: str) -> Asked:
    """Return the answer as the reader would have recorded it."""
    is_yes = said is not None and said.is_yes[gate]
    no = GateReason.ABSTAINED if said is None else GateReason.BELOW_THRESHOLD
    evidence = GateEvidence(
        source="embedded",
        model=MODEL,
        prompt_version=MODEL,
        prompt_sha256="",
        p_win_frac=None if said is None else said.p_win_frac,
    )
    return Asked(
        backend=BACKEND,
        mode="shadow",
        reason_code=(GateReason.OK if is_yes else no).value,
        is_approved=is_yes,
        latency_ms=None,
        evidence=evidence,
    )


def scores_of(coin: str) -> Iterator[tuple[str, Score]]:
    """Yield the score of each gate on one market."""
    settings = settings_of(coin)
    design = Design(strategies=settings.strategies, costs=trade_costs(settings))
    triggers = sorted(triggers_of(settings), key=lambda one: one.trigger.proposal.as_of_ms)
    said = said_of(triggers, design)
    for gate in GATES:
        stories = [story_of(one, asked_by(answer, gate)) for one, answer in zip(triggers, said, strict=True)]
        answerer = Answerer(backend=BACKEND, model=MODEL, digest="", prompt_version=gate, prompt_sha256="")
        yield gate, score_of(answerer, stories, n_trials=N_TRIALS, draws=DRAWS)[0]


def row(gate: str, score: Score) -> str:
    """Return one row of the table."""
    figures, verdict = score.arm(Arm.GATE), score.verdict
    assert figures is not None

    def bps(figure: float | None) -> str:
        return "-" if figure is None else f"{figure:+.1f}"

    reach = verdict.interval
    cells = [
        gate,
        f"{figures.approve_frac:.1%}",
        bps(figures.mean_approved_bps),
        bps(figures.mean_denied_bps),
        bps(verdict.delta_bps),
        "-" if reach is None else f"{reach.low_bps:+.1f} to {reach.high_bps:+.1f}",
        "-" if verdict.p_value is None else f"{verdict.p_value:.4f}",
        verdict.finding.words,
    ]
    return f"| {' | '.join(cells)} |"


def report(coin: str) -> None:
    """Print what the model was worth on one market, as a table of docs/results.md."""
    began = perf_counter()
    scores = list(scores_of(coin))
    first = scores[0][1]
    everything = first.arm(Arm.NO_GATE)
    print(f"\n### metalabel, {coin.upper()}-PERP: every trigger of E3 in 2022 and 2023\n")
    print("| gate | approved | net of approved, bps | of denied | delta | its interval | p | finding |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(row(gate, score) for gate, score in scores))
    assert everything is not None
    n, n_days, mean_bps = first.n_resolved, first.n_days, everything.mean_approved_bps
    print(f"\n- {n:,} triggers on {n_days} days; all of them: {mean_bps:+.1f} bps")
    stated = first.calibration.as_stated
    if stated is not None and stated.brier_skill is not None and stated.auroc is not None:
        print(
            f"- its chances: Brier {stated.brier:.4f}, skill {stated.brier_skill:+.4f} against always saying "
            f"{stated.base_frac:.1%}; a winner had the higher one in {stated.auroc:.1%} of the pairs; off by "
            f"{stated.ece_frac:.3f}, true ones stay under {stated.ece_null_p95_frac:.3f} in 95 % of the cases"
        )
    print(f"- {perf_counter() - began:.0f} s")


if __name__ == "__main__":
    for name in COINS:
        report(name)
