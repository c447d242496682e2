"""The venue as it stands on chain: the trading account, the markets it touches, the oracle's price."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from execution.gateway.chain import Account, Chain
from execution.gateway.codes import Code, Refused
from execution.gateway.instructions import AccountUse, Trader
from execution.gateway.policy import BPS, Grid, Limits
from execution.gateway.profiles import read_account

NO_ADDRESS = "11111111111111111111111111111111"
QUOTE = 0
PRICE_PRECISION = 1_000_000
MOST_DECIMALS = 18
ORDER_OPEN = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at the venue.

    slot: when. state, user: the decoded accounts. positions: of them, the perpetual ones that hold anything.
    perp_markets, spot_markets: decoded, by the program's number.
    """

    slot: int
    state: Mapping[str, Any]
    user: Mapping[str, Any]
    positions: Sequence[Mapping[str, Any]]
    perp_markets: Mapping[int, Mapping[str, Any]]
    spot_markets: Mapping[int, Mapping[str, Any]]

    @property
    def open_orders(self) -> list[Mapping[str, Any]]:
        """Return the orders that rest on chain."""
        return [order for order in self.user["orders"] if order["status"] == ORDER_OPEN]


class Venue:
    """Reads the venue for one trader."""

    def __init__(self, trader: Trader, chain: Chain, limits: Limits) -> None:
        self.trader = trader
        self._chain, self._limits = chain, limits

    def read(self, markets: Iterable[int], *, final: bool = False, least_slot: int = 0) -> Reading:
        """Read the account, the markets asked for and every market that the account is in.

        final: the account as of the newest finalized block, which no fork can take back, at `least_slot` or later.
        """
        trader = self.trader
        wanted_accounts = {trader.state: "State", trader.user: "User"}
        slot, (state, user) = self._decoded(wanted_accounts, final=final, least_slot=least_slot)
        positions = [one for one in user["perp_positions"] if any(one[name] for name in trader.profile.holding)]
        perps = dict.fromkeys([*markets, *(one["market_index"] for one in positions)])
        spots = dict.fromkeys([QUOTE, *(one["market_index"] for one in user["spot_positions"] if _is_deposited(one))])
        wanted = {trader.perp_market(index): "PerpMarket" for index in perps}
        wanted |= {trader.spot_market(index): "SpotMarket" for index in spots}
        _, found = self._decoded(wanted)
        perp_markets = dict(zip(perps, found[: len(perps)], strict=True))
        spot_markets = dict(zip(spots, found[len(perps) :], strict=True))
        quotes = {market["quote_spot_market"] for market in perp_markets.values()}
        if more := sorted(quotes - spot_markets.keys()):
            _, found = self._decoded({trader.spot_market(index): "SpotMarket" for index in more})
            spot_markets |= zip(more, found, strict=True)
        return Reading(
            slot=slot,
            state=state,
            user=user,
            positions=positions,
            perp_markets=perp_markets,
            spot_markets=spot_markets,
        )

    def hold_open(self, reading: Reading, market_index: int, *, reduces: bool) -> None:
        """Raise `Refused` when the market takes no such order now."""
        status, profile = reading.perp_markets[market_index]["status"], self.trader.profile
        if status != profile.market_active and not (reduces and status == profile.market_reduce_only):
            raise Refused(Code.VENUE_PAUSED, f"market {market_index} has status {status}")

    def oracle(self, reading: Reading, market_index: int) -> tuple[int, Mapping[str, Any]]:
        """Return the slot and a market's oracle as it stands, fit or not; raise `Refused` when it cannot be read."""
        market, profile = reading.perp_markets[market_index], self.trader.profile
        if market["oracle_source"] not in profile.oracle_multiples:
            raise Refused(Code.ORACLE_UNFIT, f"an oracle of source {market['oracle_source']} cannot be read here")
        slot, (found,) = self._chain.accounts([market["oracle"]])
        if found is None:
            raise Refused(Code.ORACLE_UNFIT, f"the oracle of market {market_index} is not on chain")
        try:
            return slot, read_account(profile, "PythLazerOracle", found.content)
        except ValueError as error:
            raise Refused(Code.ORACLE_UNFIT, str(error)) from None

    def grid(self, reading: Reading, market_index: int) -> Grid:
        """Return a market's steps and its oracle's price; raise `Refused` when the oracle is unfit."""
        market = reading.perp_markets[market_index]
        slot, oracle = self.oracle(reading, market_index)
        multiple = self.trader.profile.oracle_multiples[market["oracle_source"]]
        return Grid(
            oracle_price_raw=_fit_price(oracle, multiple, slot, self._limits),
            base_step_raw=max(1, market["base_step"]),
            price_step_raw=max(1, market["price_step"]),
            least_base_raw=market["least_base"],
        )

    def remaining(self, reading: Reading, market_index: int | None, *, takes: bool) -> list[AccountUse]:
        """Return the accounts behind an instruction's own: oracles, spot markets, perpetual markets.

        The program computes margin over everything the account is in, so all of it is named; the order is the public
        client's.
        """
        oracles: dict[str, AccountUse] = {}
        spots: dict[int, AccountUse] = {}
        perps: dict[int, AccountUse] = {}
        for deposit in reading.user["spot_positions"]:
            if _is_deposited(deposit):
                self._name_spot(reading, deposit["market_index"], oracles, spots)
            if deposit["open_bids"] or deposit["open_asks"]:
                self._name_spot(reading, QUOTE, oracles, spots)
        touched = [(one["market_index"], False) for one in reading.positions]
        if market_index is not None:
            touched.append((market_index, takes))
        for index, writes in touched:
            market = reading.perp_markets[index]
            perps[index] = AccountUse(self.trader.perp_market(index), writes=writes)
            oracles[market["oracle"]] = AccountUse(market["oracle"])
            self._name_spot(reading, market["quote_spot_market"], oracles, spots)
        return [*oracles.values(), *spots.values(), *perps.values()]

    def _name_spot(
        self, reading: Reading, index: int, oracles: dict[str, AccountUse], spots: dict[int, AccountUse]
    ) -> None:
        oracle = reading.spot_markets[index]["oracle"]
        spots[index] = AccountUse(self.trader.spot_market(index))
        if oracle != NO_ADDRESS:
            oracles[oracle] = AccountUse(oracle)

    def _decoded(
        self, wanted: Mapping[str, str], *, final: bool = False, least_slot: int = 0
    ) -> tuple[int, list[dict[str, Any]]]:
        slot, accounts = self._chain.accounts(list(wanted), final=final, least_slot=least_slot)
        return slot, [self._decode(name, one) for name, one in zip(wanted.values(), accounts, strict=True)]

    def _decode(self, name: str, account: Account | None) -> dict[str, Any]:
        if account is None or account.owner != self.trader.profile.program:
            raise Refused(Code.ACCOUNT_MISSING, f"the {name} account is not on chain, or not the program's")
        try:
            return read_account(self.trader.profile, name, account.content)
        except ValueError as error:
            raise Refused(Code.LAYOUT_UNKNOWN, str(error)) from None


def _fit_price(oracle: Mapping[str, Any], multiple: int, slot: int, limits: Limits) -> int:
    if not -MOST_DECIMALS <= oracle["exponent"] <= 0:
        raise Refused(Code.ORACLE_UNFIT, f"the oracle counts in 1e{oracle['exponent']}")
    scale = 10 ** -oracle["exponent"]
    price_raw: int = oracle["price"] * multiple * PRICE_PRECISION // scale
    age_slots = slot - oracle["posted_slot"]
    if price_raw <= 0:
        raise Refused(Code.ORACLE_UNFIT, f"the oracle's price is {price_raw}")
    if age_slots > limits.most_oracle_age_slots:
        raise Refused(Code.ORACLE_UNFIT, f"{age_slots} slots old, {limits.most_oracle_age_slots} are allowed")
    if oracle["confidence"] * BPS > limits.most_oracle_confidence_bps * oracle["price"]:
        raise Refused(Code.ORACLE_UNFIT, f"wider than {limits.most_oracle_confidence_bps} bps")
    return price_raw


def _is_deposited(position: Mapping[str, Any]) -> bool:
    return bool(position["scaled_balance"] or position["open_orders"])
