"""On what terms the desk trades at a venue in the world."""

from domain.record import Record


class VenueTerms(Record, frozen=True, kw_only=True):
    """How far, how long and how often.

    capital_usd: what the books begin with, whatever the account holds. entry_slippage_bps, exit_slippage_bps: how far
    beyond the price of the decision an order may fill. order_life_s: how old an entry's decision may be when it leaves.
    cash_tolerance_usd: how far our cash and the venue's may differ. look_every_s: how often the venue is looked at
    though nothing is heard of it. audit_every_s: how often what rests there is counted. settle_s: how long executions
    may be missing of an order that is over. longest_wait_s: between two tries to reach a venue that is lost. late_s:
    how late an execution may be of an order whose state does not say how much of it was filled. rest_s: between two
    looks at a venue that has news all the time. n_at_once: how many orders of the desk are on their way to the broker
    at one time; one that waits its turn is not sent if one before it was not answered. closing_s: how long an end
    waits for answers.
    """

    capital_usd: float
    entry_slippage_bps: float
    exit_slippage_bps: float
    order_life_s: float
    cash_tolerance_usd: float
    look_every_s: float = 2.0
    audit_every_s: float = 30.0
    settle_s: float = 60.0
    longest_wait_s: float = 15.0
    late_s: float = 5.0
    rest_s: float = 0.2
    n_at_once: int = 64
    closing_s: float = 5.0
