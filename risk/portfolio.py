"""How the desk's capital is spread over its strategies and symbols: every such decision, in one record."""

from domain.record import Record
from risk.allocation import WHOLE_1E9, AllocationMethod, AllocationPolicy, shares_1e9
from risk.deployment import DeploymentPolicy
from risk.sleeves import Sleeve, Standing
from risk.switching import RegimeSwitch


class Portfolio(Record, frozen=True, kw_only=True):
    """What a desk of several strategies and symbols adds to the rules of one trade. The default adds nothing.

    sleeves: every strategy in every symbol of the desk. regimes: which strategies may enter in which regimes.
    allocation: what part of the capital each sleeve may trade on. deployment: how the desk grows into its size.
    """

    sleeves: tuple[Sleeve, ...] = ()
    regimes: RegimeSwitch = RegimeSwitch()
    allocation: AllocationPolicy = AllocationPolicy()
    deployment: DeploymentPolicy = DeploymentPolicy()

    @property
    def shares_out(self) -> bool:
        """Say whether capital is shared out at all."""
        return self.allocation.method is not AllocationMethod.NONE

    def share_1e9(self, sleeve: Sleeve, standing: Standing) -> int:
        """Return a sleeve's share of the capital in parts of 1e9; nothing for one that is not the desk's."""
        if not self.shares_out:
            return WHOLE_1E9
        shares = shares_1e9(self.allocation, [standing.record_of(one) for one in self.sleeves])
        return dict(zip(self.sleeves, shares, strict=True)).get(sleeve, 0)


NO_PORTFOLIO = Portfolio()
