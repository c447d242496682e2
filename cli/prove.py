"""`main.py backtest --prove`: show that no decision of a desk looks ahead, or name the first that does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cli.options import folders, print_json, stdout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.master import MasterAgent
    from backtest.prove.markets import Market
    from backtest.prove.minutes import SnapshotMarket
    from backtest.prove.proof import FigureWarmth, Proof
    from backtest.prove.prover import Progress
    from console.proof import ProofPage
    from console.runs import TapedFeed
    from domain.instrument import Instrument
    from domain.ports import Feed, Journal
    from settings import Settings

    BuildDesk = Callable[[Settings, Mapping[str, Instrument], Journal], MasterAgent]
    BuildFeed = Callable[[Settings, int | None], TapedFeed]

ProveOption = Annotated[
    bool, typer.Option("--prove", help="Record nothing; check that no decision depends on what comes after it.")
]
CutsOption = Annotated[int | None, typer.Option("--cuts", min=1, help="With --prove: futures replaced; 16.")]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="With --prove: of its random draws; 1.")]

SIMULATED_MINUTES = 20_160
"""Two weeks: on the built-in market, which has no end, long enough for every figure to settle after a later start."""


class ProofWish(NamedTuple):
    """What a user asked of a proof, beside the settings; None = as the proof has it."""

    cuts: int | None
    seed: int | None
    n_minutes: int | None
    as_json: bool

    def run(self, settings: "Settings", build: "BuildDesk", build_feed: "BuildFeed") -> int:
        """Make the proof, say what it found and return the exit code: 1 when a decision changed."""
        proof = _prove(self, settings, build, build_feed)
        if self.as_json:
            print_json(proof_json(proof))
        else:
            from console.proof import print_proof

            print_proof(stdout(), proof_page(proof, is_simulated=settings.feed == "sim"))
        return 0 if proof.is_clean else 1


def proof_wish(
    *, prove: bool, cuts: int | None, seed: int | None, run_id: str | None, n_minutes: int | None, as_json: bool
) -> ProofWish | None:
    """Return what is asked of a proof, None when none is. Raises BadInput for options that do not go together."""
    from domain.errors import BadInput

    alone = [name for name, value in (("--cuts", cuts), ("--seed", seed)) if value is not None]
    if not prove and alone:
        raise BadInput(f"{' and '.join(alone)} only means something together with --prove")
    if prove and run_id is not None:
        raise BadInput("--run-id names a run on record, and --prove records none; leave one of them out")
    return ProofWish(cuts=cuts, seed=seed, n_minutes=n_minutes, as_json=as_json) if prove else None


def proof_json(proof: "Proof") -> dict[str, object]:
    """Return the proof for a machine. A difference without measure (a figure that was absent) is null."""
    import json

    import msgspec

    told: dict[str, object] = json.loads(msgspec.json.encode(proof))
    return {"is_clean": proof.is_clean, **told}


def proof_page(proof: "Proof", *, is_simulated: bool) -> "ProofPage":
    """Return the proof as the plain rows the console prints."""
    from console.proof import FoundRow, ProofPage, WarmRow

    warmth = proof.warmth
    return ProofPage(
        is_clean=proof.is_clean,
        is_simulated=is_simulated,
        symbols=proof.symbols,
        n_minutes=proof.n_minutes,
        first_ms=proof.first_ms,
        last_ms=proof.last_ms,
        seed=proof.seed,
        n_runs=proof.n_runs,
        n_bars_compared=proof.n_bars_compared,
        cuts=tuple((cut.as_of_ms, cut.reason.value) for cut in proof.cuts),
        found=tuple(
            FoundRow(
                check=f"{one.check.value.replace('_', ' ')} {one.level.value}",
                future="" if one.future is None else one.future.value,
                cut_ms=one.cut_ms,
                symbol=one.symbol,
                as_of_ms=one.as_of_ms,
                tick_no=one.tick_no,
                part=one.difference.part,
                figure=one.difference.figure,
                expected=one.difference.expected,
                got=one.difference.got,
                culprit=one.culprit,
            )
            for one in proof.findings
        ),
        warmup_bars=None if warmth is None else warmth.warmup_bars,
        answers=None if warmth is None else (warmth.n_answers, warmth.n_changed, warmth.n_near),
        n_regimes=0 if warmth is None else warmth.n_regimes_changed,
        warm=() if warmth is None else tuple(WarmRow(*_figures(one)) for one in warmth.figures),
        warnings=proof.warnings,
    )


def _figures(one: "FigureWarmth") -> tuple[str, float, float, int | None]:
    return one.figure, one.worst_frac, one.last_frac, one.settled_bars


def _prove(wish: ProofWish, settings: "Settings", build: "BuildDesk", build_feed: "BuildFeed") -> "Proof":
    from backtest.prove.prover import ProofPlan, prove
    from db.off import JournalOff
    from execution.instruments import instrument

    instruments = {symbol: instrument(symbol) for symbol in settings.symbols}

    def desk(feed: "Feed") -> "MasterAgent":
        return build(settings, instruments, JournalOff())

    asked = {"n_cuts": wish.cuts, "seed": wish.seed}
    plan = ProofPlan(**{name: value for name, value in asked.items() if value is not None})
    snapshots, tape = _markets(wish, settings, build_feed)
    with _progress(as_json=wish.as_json) as progress:
        return prove(desk, snapshots, tape, plan, progress)


def _markets(wish: ProofWish, settings: "Settings", build_feed: "BuildFeed") -> "tuple[SnapshotMarket, Market | None]":
    """Return the market's snapshots and, where it is recorded, the recordings they are made of."""
    from dataclasses import replace

    from backtest.prove.minutes import drained
    from backtest.prove.tapes import TapeMarket
    from market.catalog import find_recordings
    from market.gather import cut, gather
    from market.replay import replay_of
    from settings import quality_limits

    if settings.feed == "sim":
        return drained(build_feed(settings, wish.n_minutes or SIMULATED_MINUTES)), None
    paths = list(settings.replay_data) or [str(path) for path in find_recordings(folders(settings), settings.symbols)]
    limits, spread_bps = quality_limits(settings), settings.replay_assumed_spread_bps
    gathered = gather(paths, settings.symbols, limits)
    snapshots = drained(replay_of(gathered, limits, spread_bps, limit_minutes=wish.n_minutes))
    end_ms = snapshots.minutes[-1][0].as_of_ms
    asked_for = [replace(one, bars=cut(one.bars, None, end_ms)) for one in gathered]
    return snapshots, TapeMarket(asked_for, lambda known: replay_of(known, limits, spread_bps), limits)


@contextmanager
def _progress(*, as_json: bool) -> "Iterator[Progress]":
    """Show a bar on a terminal's error stream, and nothing anywhere else."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("living through the tape again", total=None)
        yield lambda n_done, n_total: bar.update(task, completed=n_done, total=n_total)
