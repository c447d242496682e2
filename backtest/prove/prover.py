"""The proof itself: the desk lives again without the future, with another one, and from a later start."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from backtest.prove.culprits import culprit
from backtest.prove.cuts import choose_cuts
from backtest.prove.differences import first_difference
from backtest.prove.futures import Future
from backtest.prove.later import prove_later_starts
from backtest.prove.living import Build, Comparison, live
from backtest.prove.markets import Level, Market
from backtest.prove.minutes import SnapshotMarket
from backtest.prove.proof import Check, Cut, CutReason, Difference, Finding, Proof, Warmth
from domain.errors import DeskError
from domain.ports import Feed
from domain.record import Record
from domain.tick import TickRecord

Progress = Callable[[int, int], None]
"""Told (ticks lived so far, ticks there will be, as far as is known)."""

WARM_ENOUGH_FRAC: Final = 0.01
_STEP_TICKS: Final = 1024
_CUT_STREAM, _START_STREAM = 0, 1


class ProofPlan(Record, frozen=True, kw_only=True):
    """How much is asked. seed: of every draw. n_cuts: minutes whose future is replaced. n_starts: later starts."""

    seed: int = 1
    n_cuts: int = 16
    n_starts: int = 3

    def __post_init__(self) -> None:
        """Refuse a proof of nothing."""
        if self.seed < 0 or self.n_cuts < 1 or self.n_starts < 0:
            raise ValueError("a proof needs a seed of 0 or more, a cut, and no fewer than 0 later starts")


def prove(
    build: Build,
    snapshots: SnapshotMarket,
    tape: Market | None,
    plan: ProofPlan,
    progress: Progress = lambda n_done, n_total: None,
) -> Proof:
    """Hold the desk against itself on one market, at the level of its snapshots and, where there is one, of its tape.

    Raises BadInput for a market too short to be cut, DeskError when the desk halts on the market as it was.
    """
    prover = _Prover(build, plan, progress)
    prover.plan_total(len(snapshots.minutes), tape is not None)
    whole = prover.whole(snapshots)
    cuts = choose_cuts(whole, plan.n_cuts, np.random.default_rng([plan.seed, _CUT_STREAM]))
    if not any(cut.reason is CutReason.ENTRY for cut in cuts):
        prover.warnings.append(
            "no strategy ever fired here: one that peeks only where it fires was not put to the test"
        )
    prover.know_total(whole, cuts, tape is not None)
    prover.hold(snapshots, whole, cuts)
    warmth = prover.begin_later(snapshots, whole)
    if tape is not None:
        del whole
        prover.hold(tape, prover.whole(tape), cuts)
    return Proof(
        seed=plan.seed,
        symbols=tuple(sorted(snapshots.columns())),
        n_minutes=len(snapshots.minutes),
        first_ms=snapshots.minutes[0][0].as_of_ms,
        last_ms=snapshots.minutes[-1][0].as_of_ms,
        cuts=cuts,
        n_runs=prover.n_runs,
        n_bars_compared=prover.n_compared,
        findings=tuple(prover.findings),
        warmth=warmth,
        warnings=tuple(prover.warnings),
    )


class _Prover:
    """Counts and collects while the desk lives again and again."""

    def __init__(self, build: Build, plan: ProofPlan, progress: Progress) -> None:
        self._build = build
        self._plan = plan
        self._progress = progress
        self._n_lived = self._n_total = 0
        self.n_runs = self.n_compared = 0
        self.findings: list[Finding] = []
        self.warnings: list[str] = []

    def plan_total(self, n_minutes: int, has_tape: bool) -> None:
        """Guess how much there is to live through, before the cuts are known."""
        n_levels = 2 if has_tape else 1
        self._n_total = n_minutes * n_levels * (3 + self._plan.n_cuts)

    def know_total(self, whole: Sequence[TickRecord], cuts: Sequence[Cut], has_tape: bool) -> None:
        """Say how much there is to live through."""
        to_cuts = 2 * sum(_n_known(whole, cut.as_of_ms) for cut in cuts)
        self._n_total = 3 * len(whole) + to_cuts + (2 * len(whole) + to_cuts if has_tape else 0)

    def whole(self, market: Market) -> list[TickRecord]:
        """Live once on the market as it was."""
        records: list[TickRecord] = []

        def take(record: TickRecord) -> bool:
            records.append(record)
            return self._seen(record)

        halted = live(self._build, market.whole(), take)
        self.n_runs += 1
        if halted is not None:
            raise DeskError(f"the desk halted on the market as it was, so there is nothing to prove: {halted}")
        return records

    def hold(self, market: Market, whole: Sequence[TickRecord], cuts: Sequence[Cut]) -> None:
        """Make every check of one level against the whole run."""
        if self._compare(market, whole, market.whole(), Check.REPEATED):
            self.warnings.append(
                f"the {market.level.value} were not cut: a desk that answers otherwise on the same market cannot be "
                f"held against itself"
            )
            return
        veiled = market.veiled()
        if veiled is not None:
            self._compare(market, whole, veiled, Check.VEILED)
        for cut, future in zip(cuts, self._futures(len(cuts), market.level), strict=True):
            self._compare(market, whole, market.until(cut.as_of_ms), Check.TRUNCATED, cut)
            other = market.otherwise(cut.as_of_ms, future, self._plan.seed + cut.place)
            self._compare(market, whole, other, Check.SCRAMBLED, cut, future)

    def begin_later(self, market: SnapshotMarket, whole: Sequence[TickRecord]) -> Warmth | None:
        """Check what hangs on where the tape begins; a desk that cannot repeat itself is spared."""
        if any(one.check is Check.REPEATED for one in self.findings) or self._plan.n_starts == 0:
            return None
        draw = np.random.default_rng([self._plan.seed, _START_STREAM])
        later = prove_later_starts(self._build, market, whole, self._plan.n_starts, draw, self._seen)
        self.findings += later.findings
        self.n_compared += later.n_bars
        if later.warmth is None:
            self.warnings.append(later.why_not)
            return None
        self.n_runs += len(later.warmth.starts_ms)
        self.warnings += warmth_warnings(later.warmth)
        return later.warmth

    def _futures(self, n_cuts: int, level: Level) -> list[Future]:
        """Deal out every kind of future once before any comes twice, to each level in an order of its own."""
        draw = np.random.default_rng([self._plan.seed, n_cuts, list(Level).index(level)])
        kinds = list(Future)
        rounds = [draw.permutation(len(kinds)) for _ in range(-(-n_cuts // len(kinds)))]
        return [kinds[int(place)] for one in rounds for place in one][:n_cuts]

    def _compare(
        self,
        market: Market,
        whole: Sequence[TickRecord],
        feed: Feed,
        check: Check,
        cut: Cut | None = None,
        future: Future | None = None,
    ) -> bool:
        """Live on `feed` up to the cut; note the first decision that changed and say whether there is one."""
        until_ms = None if cut is None else cut.as_of_ms
        expected = whole if until_ms is None else whole[: _n_known(whole, until_ms)]
        comparison = Comparison(expected)

        def take(record: TickRecord) -> bool:
            return self._seen(record) and comparison.take(record)

        halted = live(self._build, feed, take, until_ms)
        self.n_runs += 1
        self.n_compared += comparison.n_equal
        missed = comparison.missed
        if missed is None:
            return False
        difference = _difference(missed, comparison.differing, halted)
        self.findings.append(
            Finding(
                check=check,
                level=market.level,
                symbol=missed.snapshot.symbol,
                as_of_ms=missed.snapshot.as_of_ms,
                tick_no=missed.tick_no,
                difference=difference,
                culprit=culprit(difference, missed, comparison.differing, self._build(market.whole())),
                cut_ms=until_ms,
                future=future,
            )
        )
        return True

    def _seen(self, record: TickRecord) -> bool:
        self._n_lived += 1
        if self._n_lived % _STEP_TICKS == 0:
            self._progress(self._n_lived, max(self._n_total, self._n_lived))
        return True


def warmth_warnings(warmth: Warmth) -> list[str]:
    """Say what should be known of a warm-up: that it is short, or that the tape was."""
    warnings = []
    worst = max(warmth.figures, key=lambda one: one.worst_frac)
    if worst.worst_frac > WARM_ENOUGH_FRAC or warmth.n_changed:
        warnings.append(
            f"the warm-up of {warmth.warmup_bars:,} bars is short: at its end {worst.figure} still hangs on where the "
            f"tape begins (by {worst.worst_frac:.1e} of its size), and {warmth.n_changed:,} of {warmth.n_answers:,} "
            f"answers came out otherwise before everything had settled"
        )
    if not warmth.is_whole:
        warnings.append(
            f"a later start saw {warmth.span_bars:,} bars, too few for every figure to settle: what never settles "
            f"could not be told from what settles slowly"
        )
    return warnings


def _difference(expected: TickRecord, got: TickRecord | None, halted: str | None) -> Difference:
    found = None if got is None else first_difference(expected, got)
    if found is not None:
        return found
    reason = "the feed ended before it" if halted is None else f"halted: {halted}"
    return Difference(part="run", figure="run", expected=f"a tick that ended {expected.outcome.value}", got=reason)


def _n_known(whole: Sequence[TickRecord], until_ms: int) -> int:
    """Return how many ticks closed at `until_ms` or before."""
    first, last = 0, len(whole)
    while first < last:
        middle = (first + last) // 2
        if whole[middle].snapshot.as_of_ms <= until_ms:
            first = middle + 1
        else:
            last = middle
    return first
