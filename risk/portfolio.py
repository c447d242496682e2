"""How the desk's capital is spread over its strategies and symbols: every such decision, in one record."""

from domain.record import Record
from risk.switching import RegimeSwitch


class Portfolio(Record, frozen=True, kw_only=True):
    """What a desk of several strategies and symbols adds to the rules of one trade. The default adds nothing.

    regimes: which strategies may enter in which regimes.
    """

    regimes: RegimeSwitch = RegimeSwitch()


NO_PORTFOLIO = Portfolio()
