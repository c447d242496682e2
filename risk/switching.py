"""Which strategies may open positions in which state of the market."""

from domain.features import Regime
from domain.record import Record


class RegimeSwitch(Record, frozen=True, kw_only=True):
    """The regimes each strategy may enter in. A strategy that is not named may enter in all of them.

    allowed: (strategy, regimes), each strategy once. A position that is held is not touched when the regime changes:
    the switch binds entries only.
    """

    allowed: tuple[tuple[str, tuple[Regime, ...]], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a strategy without a regime, and one that is named twice."""
        names = [strategy for strategy, _ in self.allowed]
        if len(set(names)) < len(names) or not all(regimes for _, regimes in self.allowed):
            raise ValueError(f"a strategy of {', '.join(names)} is named twice or has no regime")

    def regimes_of(self, strategy: str) -> tuple[Regime, ...] | None:
        """Return the regimes a strategy may enter in; None when nothing is asked of it."""
        for name, regimes in self.allowed:
            if name == strategy:
                return regimes
        return None

    def fits(self, strategy: str, regime: Regime | None) -> bool:
        """Say whether a strategy may enter. A regime that is not known fits only where nothing is asked."""
        regimes = self.regimes_of(strategy)
        return regimes is None or regime in regimes
