"""Every difference between two runs with its cause, part by part. The shares add up exactly: none is a remainder."""

from bisect import bisect_left
from itertools import islice
from typing import Final

import msgspec

from backtest.compare.causes import SIZE_KNOBS, Blame, Cause, Share
from backtest.compare.journeys import Journey
from backtest.compare.one_sided import one_sided_blame
from backtest.compare.pairs import Evidence, Half, Pair
from backtest.compare.parts import Part, parts_of
from backtest.compare.same_trade import entry_blame, exit_blame, features_blame
from db.pairing import Line, Wanted
from domain.market import DAY_MS, MINUTE_MS

_GATE: Final = "gate"
_LIQUIDATION: Final = "liquidation"
_RULES_OF_THE_RECENT: Final = frozenset({"symbol_is_free", "open_positions_within_limit", "cooled_down"})
_sizes = msgspec.json.Decoder(list[tuple[str, int]]).decode
Blames = dict[Part, Blame]


def attribute(evidence: Evidence) -> tuple[Share, ...]:
    """Return the shares of net(B) - net(A), trade by trade in the order of their decisions."""
    return tuple(_Attribution(evidence).shares())


class _Attribution:
    """Goes through the trades in time, so that the causes of all earlier ones are known to a later one."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.blames: dict[tuple[str, int, int], Blame] = {}
        self.decided: list[int] = []

    def shares(self) -> list[Share]:
        shares: list[Share] = []
        for pair in self.evidence.pairs:
            parts = self._parts(pair)
            if parts:
                blames = self._blames(pair, set(parts))
                self.blames[pair.one.key] = _main(blames)
                self.decided.append(pair.one.decided_ms)
                shares += [self._share(pair, part, parts[part], blames[part]) for part in parts]
        return shares

    def _parts(self, pair: Pair) -> dict[Part, int]:
        if pair.a is None or pair.b is None:
            return {Part.WHOLE: pair.net_difference_microusd}
        return parts_of(pair.a, pair.b)

    def _share(self, pair: Pair, part: Part, microusd: int, blame: Blame) -> Share:
        one = pair.one
        meeting = self.evidence.meeting(one.symbol, one.decided_ms)
        return Share(
            symbol=one.symbol,
            side=one.side,
            decided_ms=one.decided_ms,
            tick_a=None if meeting.a is None else meeting.a.tick_no,
            tick_b=None if meeting.b is None else meeting.b.tick_no,
            part=part,
            microusd=microusd,
            blame=blame,
        )

    def _blames(self, pair: Pair, parts: set[Part]) -> Blames:
        a, b = pair.a, pair.b
        if a is None or b is None:
            return {Part.WHOLE: one_sided_blame(self.evidence, pair.one, is_in_a=b is None, trace=self._trace)}
        return {part: self._part_blame(part, a, b) for part in parts}

    def _part_blame(self, part: Part, a: Journey, b: Journey) -> Blame:
        if part is Part.SIZE:
            return self._size_blame(a, b)
        if part is Part.ENTRY:
            return entry_blame(self.evidence, a, b)
        if part is Part.FEE:
            return Blame(cause=Cause.FEE, why="the same turnover paid another fee")
        if part is Part.FUNDING:
            return Blame(cause=Cause.FUNDING, why="the same hours paid another funding")
        return self._exit_blame(a, b)

    def _exit_blame(self, a: Journey, b: Journey) -> Blame:
        is_liquidated = _LIQUIDATION in {leg.way for leg in (*a.legs, *b.legs)}
        return self._size_blame(a, b) if is_liquidated and a.lots != b.lots else exit_blame(self.evidence, a, b)

    def _size_blame(self, a: Journey, b: Journey) -> Blame:
        evidence = self.evidence
        meeting = evidence.meeting(a.symbol, a.decided_ms)
        x, y = meeting.a, meeting.b
        if x is None or y is None:
            return Blame(cause=Cause.MISSED_TICK, why="a run lacks the minute of the decision")
        wanted_a, wanted_b = evidence.a.wanted.get(x.id), evidence.b.wanted.get(y.id)
        if wanted_a is not None and wanted_b is not None and _gate_share(wanted_a) != _gate_share(wanted_b):
            return Blame(cause=Cause.GATE, why="the gate let another part of the size pass")
        if _follows_equity(a, b, x, y):
            return self._equity_blame(a)
        if evidence.has_changed(SIZE_KNOBS):
            return Blame(cause=Cause.RISK, rule="size", why=f"{a.lots} lots in A, {b.lots} in B")
        return self._size_of_wish(a, b, x, y)

    def _size_of_wish(self, a: Journey, b: Journey, x: Line, y: Line) -> Blame:
        """Sizes that neither gate, nor equity, nor the rules of sizing explain: another plan, volatility or past."""
        if not self.evidence.figures_agree(x, y):
            return features_blame(self.evidence, a.symbol, a.decided_ms)
        if a.exit_plan != b.exit_plan:
            return Blame(cause=Cause.THRESHOLD, why="a stop elsewhere allows another size")
        return self._equity_blame(a)

    def _equity_blame(self, a: Journey) -> Blame:
        ours, theirs = self.evidence.a.run.first, self.evidence.b.run.first
        root = self._earliest(0, a.decided_ms)
        if root is None or ours.equity_microusd != theirs.equity_microusd:
            why = "the accounts it was sized by began with other equity"
            return Blame(cause=Cause.RISK, rule="starting equity", why=why)
        return root.knocked_on("the account it was sized by came out otherwise before")

    def _trace(self, rule: str, refused: Journey, refuser: Half) -> Blame | None:
        """Return the earlier difference because of which `refuser` refused by a rule of what it holds or has lived."""
        at_ms = refused.decided_ms
        if rule in _RULES_OF_THE_RECENT:
            return self._recent_root(rule, refused, refuser)
        # The minute that closes at midnight belongs to the day that ends there.
        days_start_ms = (at_ms - 1) // DAY_MS * DAY_MS
        since_ms = {
            "order_rate_within_limit": at_ms - MINUTE_MS,
            "no_losing_streak": days_start_ms,
            "day_loss_within_cap": days_start_ms,
        }.get(rule, 0)
        return self._earliest(since_ms, at_ms) or self._earliest(0, at_ms)

    def _recent_root(self, rule: str, refused: Journey, refuser: Half) -> Blame | None:
        at_ms, recent = refused.decided_ms, refuser.recent(refused.decided_ms)
        if rule == "cooled_down":
            over = [one for one in recent if not one.is_open and one.end.as_of_ms <= at_ms]
            behind = sorted(over, key=lambda one: -one.end.as_of_ms)[:1]
        else:
            held = [one for one in recent if one.is_open or one.end.as_of_ms > at_ms]
            behind = [one for one in held if rule != "symbol_is_free" or one.symbol == refused.symbol]
        known = [self.blames[one.key] for one in behind if one.key in self.blames]
        return known[0] if known else self._earliest(0, at_ms)

    def _earliest(self, since_ms: int, before_ms: int) -> Blame | None:
        """Return the cause of the first difference decided in [since_ms, before_ms)."""
        place = bisect_left(self.decided, since_ms)
        if place == len(self.decided) or self.decided[place] >= before_ms:
            return None
        return next(islice(self.blames.values(), place, None))


def _main(blames: Blames) -> Blame:
    """Return the cause that a trade's consequences follow from: why it was there at all, or why it ended as it did."""
    order = (Part.WHOLE, Part.EXIT, Part.HELD, Part.ENTRY, Part.SIZE, Part.FEE, Part.FUNDING)
    return next(blames[part] for part in order if part in blames)


def _gate_share(wanted: Wanted) -> float | None:
    """Return what the gate let pass where that shrank the size; None where it did not."""
    sizes = dict(_sizes(wanted.sizes_lots)) if wanted.sizes_lots else {}
    return wanted.keep_frac if _GATE in sizes else None


def _follows_equity(a: Journey, b: Journey, x: Line, y: Line) -> bool:
    """Say whether the sizes stand to each other as the equities do, but for whole lots."""
    if x.equity_microusd == y.equity_microusd:
        return False
    off = abs(a.lots * y.equity_microusd - b.lots * x.equity_microusd)
    return off <= 2 * max(x.equity_microusd, y.equity_microusd)
