"""Graduated deployment: a desk begins at micro size and earns its full size while it does what its backtest did."""

from domain.record import Record
from risk.band import Band
from risk.sleeves import Standing


class DeploymentPolicy(Record, frozen=True, kw_only=True):
    """How a desk grows into its size, and what ends its entries.

    is_graduated: False = full size from the first trade. micro_trades: closed trades at `micro_frac` of the size.
    step_trades: after them the size doubles at once, and again after every further so many, up to the full size.
    band: what the backtest lets one expect; None = nothing is expected. max_deviation_frac: how far outside the band,
    in widths of the band, ends entries for the rest of the run.
    """

    is_graduated: bool = False
    micro_trades: int = 100
    micro_frac: float = 0.1
    step_trades: int = 50
    max_deviation_frac: float = 0.2
    band: Band | None = None

    def __post_init__(self) -> None:
        """Refuse steps of nothing and a size that is none."""
        if not (self.micro_trades >= 0 and self.step_trades >= 1 and 0.0 < self.micro_frac <= 1.0):
            raise ValueError(f"{self.micro_trades} trades at {self.micro_frac}, then {self.step_trades}: impossible")
        if not self.max_deviation_frac >= 0.0:
            raise ValueError(f"a deviation of {self.max_deviation_frac} is impossible")


def stage_frac(policy: DeploymentPolicy, standing: Standing) -> float:
    """Return the part of the size that the desk has earned, in (0, 1]. Outside the band it is the micro size again."""
    n_trades = standing.desk.n_trades
    if not policy.is_graduated:
        return 1.0
    if n_trades < policy.micro_trades or standing.deviation_frac > 0.0:
        return policy.micro_frac
    n_doublings = 1 + (n_trades - policy.micro_trades) // policy.step_trades
    # Ten to the 300th is beyond any size; a float cannot double without end.
    return min(1.0, policy.micro_frac * 2.0 ** min(n_doublings, 1000))
