"""How far a rule's figures lie beyond its thresholds: told about a trigger, never decided on."""

from enum import StrEnum

from domain.decisions import Side
from domain.features import Feature, Features
from domain.record import Record


class Bound(StrEnum):
    """What a figure has to be. *_SIZE: its size, whatever its sign. *_OUR_WAY: signed towards the trade's side."""

    LEAST = "least"
    MOST = "most"
    LEAST_SIZE = "least_size"
    LEAST_OUR_WAY = "least_our_way"
    MOST_OUR_WAY = "most_our_way"


class Threshold(Record, frozen=True, kw_only=True):
    """One test of a rule. level: in the unit of the figure."""

    figure: Feature
    level: float
    bound: Bound

    def margin(self, features: Features, side: Side) -> float | None:
        """Return how far the figure lies beyond the level, < 0 where it fails, None where it is not known."""
        figure = features.value(self.figure)
        if figure is None:
            return None
        match self.bound:
            case Bound.LEAST:
                return figure - self.level
            case Bound.MOST:
                return self.level - figure
            case Bound.LEAST_SIZE:
                return abs(figure) - self.level
            case Bound.LEAST_OUR_WAY:
                return figure * side - self.level
            case Bound.MOST_OUR_WAY:
                return self.level - figure * side
