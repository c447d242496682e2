"""Which readings each symbol's ticks have on record already, so that they are written only when they change."""

from typing import Final, NamedTuple

from db.seen import Figures, figures_of, readings
from domain.market import Snapshot


class Holder(NamedTuple):
    """The tick that holds a symbol's readings. seq: its number. text: the readings as written there."""

    seq: int
    text: str
    figures: Figures


class Shown:
    """The last readings of every symbol of one run, and the number of the tick whose row holds them.

    A feed shows the same objects until a source has a newer figure: comparing identities finds that out. Whether
    readings differ is decided by their text alone, so that the rows do not depend on which objects said it.
    """

    __slots__ = ("_before", "_holders")

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._holders: Final[dict[str, Holder]] = {}
        # The tick that changed this memory last, its symbol, and what was known before.
        self._before: tuple[int, str, Holder | None] | None = None

    def number_of(self, snapshot: Snapshot) -> int | None:
        """Return the number of the tick that holds these readings; None when that is not known at a glance."""
        holder = self._holders.get(snapshot.symbol)
        if holder is None:
            return None
        mark, oracle, premium, funding, open_interest, spread = holder.figures
        # Written out: this is asked on every tick.
        if (
            mark is snapshot.mark
            and oracle is snapshot.oracle
            and premium is snapshot.premium_bps
            and funding is snapshot.funding_rate_hourly_frac
            and open_interest is snapshot.open_interest_usd
            and spread is snapshot.spread_bps
        ):
            return holder.seq
        return None

    def keep(self, snapshot: Snapshot, seq: int) -> tuple[int, str | None]:
        """Return the number of the tick that holds these readings, and their text if that is tick `seq`, a new one."""
        figures = figures_of(snapshot)
        text = readings(figures)
        last = self._holders.get(snapshot.symbol)
        self._before = seq, snapshot.symbol, last
        if last is not None and last.text == text:
            self._holders[snapshot.symbol] = Holder(last.seq, text, figures)
            return last.seq, None
        self._holders[snapshot.symbol] = Holder(seq, text, figures)
        return seq, text

    def forget_after(self, seq: int) -> None:
        """Forget the readings of the tick after `seq`: it could not be taken."""
        if self._before is None or self._before[0] <= seq:
            return
        _, symbol, last = self._before
        if last is None:
            del self._holders[symbol]
        else:
            self._holders[symbol] = last
        self._before = None
