"""How much the desk may risk: the caps every entry meets, and how a size is chosen below them."""

from domain.record import Record


class RiskLimits(Record, frozen=True, kw_only=True):
    """The caps on new risk. Exits meet none of them.

    max_daily_loss_frac: of the equity at the first tick of the UTC day; at the cap, entries stop.
    max_drawdown_frac: of the peak equity; once touched, entries stop for the rest of the run.
    max_consecutive_losses: losing trades in a row within one UTC day; at the cap, entries stop for that day.
    cooldown_after_trade_ms, cooldown_after_loss_ms: quiet time after a closed trade, and after a losing one.
    max_order_notional_usd, max_position_notional_usd: at the reference price of the order.
    max_gross_exposure_frac: sum of unsigned notionals over equity, the new order included.
    max_correlated_exposure_frac: unsigned notionals that move with the new order, each by its correlation, over
    equity, the order included; 0 = no cap. correlation_bars: one-minute returns it is measured on.
    max_open_positions: over all symbols, entries on their way included.
    max_orders_per_minute: entry orders in any 60 seconds; exits are not capped.
    max_snapshot_age_ms: from the snapshot's `as_of_ms` to now.
    max_mark_oracle_gap_bps: mark against oracle, either way. max_spread_bps: best ask over best bid.
    max_margin_usage_frac: initial margin over equity, the new order included.
    min_liquidation_distance_bps: adverse move of everything held, together, that must be survivable.
    """

    max_daily_loss_frac: float = 0.03
    max_drawdown_frac: float = 0.15
    max_consecutive_losses: int = 4
    cooldown_after_trade_ms: int = 300_000
    cooldown_after_loss_ms: int = 900_000
    max_order_notional_usd: float = 10_000.0
    max_position_notional_usd: float = 10_000.0
    max_gross_exposure_frac: float = 2.0
    max_open_positions: int = 3
    max_orders_per_minute: int = 6
    max_snapshot_age_ms: int = 90_000
    max_mark_oracle_gap_bps: float = 100.0
    max_spread_bps: float = 30.0
    max_margin_usage_frac: float = 0.5
    min_liquidation_distance_bps: float = 500.0
    max_correlated_exposure_frac: float = 0.0
    correlation_bars: int = 240

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing. A NaN fails every comparison and is refused too."""
        for name in ("max_daily_loss_frac", "max_drawdown_frac", "max_margin_usage_frac"):
            _require(self, name, above=0.0, up_to=1.0)
        for name in ("max_order_notional_usd", "max_position_notional_usd"):
            _require(self, name, above=0.0, up_to=1e9)
        for name in ("max_spread_bps", "max_mark_oracle_gap_bps"):
            _require(self, name, above=0.0, up_to=10_000.0)
        for name in ("max_consecutive_losses", "max_open_positions", "max_orders_per_minute", "max_snapshot_age_ms"):
            _require(self, name, above=0, up_to=10**9)
        for name in ("cooldown_after_trade_ms", "cooldown_after_loss_ms"):
            _require(self, name, above=-1, up_to=10**12)
        _require(self, "max_gross_exposure_frac", above=0.0, up_to=100.0)
        _require(self, "correlation_bars", above=1, up_to=10**6)
        if not 0.0 <= self.max_correlated_exposure_frac <= 100.0:
            raise ValueError(f"max_correlated_exposure_frac {self.max_correlated_exposure_frac} is outside [0, 100]")
        if not 0.0 <= self.min_liquidation_distance_bps < 10_000.0:
            raise ValueError(f"min_liquidation_distance_bps {self.min_liquidation_distance_bps} is outside [0, 10000)")


class SizingPolicy(Record, frozen=True, kw_only=True):
    """How the size of an entry is chosen. Every method names a size and the smallest wins.

    risk_per_trade_frac: of equity, lost when the stop is hit at its price.
    daily_vol_target_frac: standard deviation of the position's daily profit over equity; 0 = method off.
    kelly_fraction: part of the full Kelly bet taken; 0 = method off.
    kelly_min_trades: closed trades on record below which Kelly stays silent.
    """

    risk_per_trade_frac: float = 0.005
    daily_vol_target_frac: float = 0.02
    kelly_fraction: float = 0.25
    kelly_min_trades: int = 100

    def __post_init__(self) -> None:
        """Refuse a policy that risks nothing, more than everything, or trusts an empty record."""
        _require(self, "risk_per_trade_frac", above=0.0, up_to=1.0)
        _require(self, "kelly_min_trades", above=0, up_to=10**9)
        for name in ("daily_vol_target_frac", "kelly_fraction"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} {getattr(self, name)} is outside [0, 1]")


def _require(record: Record, name: str, *, above: float, up_to: float) -> None:
    figure = getattr(record, name)
    if not above < figure <= up_to:
        raise ValueError(f"{name} {figure} is outside ({above}, {up_to}]")
