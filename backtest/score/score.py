"""One reader's whole score: the arms, what denying added, calibration, power, cost, and the verdict."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from backtest.score.answerer import Answerer
from backtest.score.arms import Arm, ArmFigures, approvals, figures_of
from backtest.score.blocks import DayDraws, draw_days, interval_of, mean_deltas
from backtest.score.calibration import Calibration, brier, calibration_of
from backtest.score.coin_arm import CoinArm, coin_arm
from backtest.score.coins import AgainstCoins
from backtest.score.ledger import Ledger, MetaLabels, ledger_of, no_meta_label
from backtest.score.pairing import Paired, paired_of
from backtest.score.power import Power, power_of
from backtest.score.recalibration import recalibrated
from backtest.score.spending import RealGap, ReasonRow, Spending, gap_of, reasons_of, spending_of
from backtest.score.verdict import ALPHA_FRAC, Shown, Verdict, verdict_of
from db.triggers import TriggerStory
from domain.record import Record

FEWEST_DRAWS: Final = 1_000
DRAWS_BEYOND_ALPHA: Final = 40
"""So many draws must lie beyond a quantile that decides; more trials need more draws."""


class Draws(Record, frozen=True, kw_only=True):
    """How much is drawn, and from which seed; the same seed gives the same score."""

    n_draws: int = 2_000
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse too few."""
        if self.n_draws < FEWEST_DRAWS:
            raise ValueError(f"{self.n_draws} draws are fewer than {FEWEST_DRAWS:,}")


class ValueAdded(Record, frozen=True, kw_only=True):
    """What denying came to. added_bps: minus the sum of what was denied.

    coin_added_bps: what denying as many at random adds on average. fees_saved_bps: fees not paid, inside added_bps.
    """

    added_bps: float
    coin_added_bps: float
    fees_saved_bps: float


class Calibrated(Record, frozen=True, kw_only=True):
    """The chances as stated, and put right by earlier ends. brier_as_stated: of the stated where both are known."""

    as_stated: Calibration | None
    put_right: Calibration | None
    brier_as_stated: float | None


class Score(Record, frozen=True, kw_only=True):
    """Everything about one reader. arms: empty without a resolved trigger. among_coins*: None where one side is empty.

    n_days: on which a resolved trigger came.
    """

    answerer: Answerer
    verdict: Verdict
    n_asked: int
    n_resolved: int
    n_days: int
    first_ms: int | None
    last_ms: int | None
    arms: tuple[ArmFigures, ...]
    among_coins: AgainstCoins | None
    among_coins_together: AgainstCoins | None
    value: ValueAdded
    reasons: tuple[ReasonRow, ...]
    calibration: Calibrated
    paired: Paired | None
    power: Power | None
    spending: Spending
    gap: RealGap | None
    draws: Draws

    def arm(self, wanted: Arm) -> ArmFigures | None:
        """Return one arm's figures, None where it is absent."""
        return next((one for one in self.arms if one.arm is wanted), None)


def score_of(
    answerer: Answerer,
    stories: Sequence[TriggerStory],
    *,
    n_trials: int,
    draws: Draws,
    meta_labels: MetaLabels = no_meta_label,
) -> tuple[Score, Ledger]:
    """Score one reader on the stories it was asked about; return the ledger too, for drawing.

    n_trials: everything that was tried, this reader included. Raises ValueError below 1.
    """
    if n_trials < 1:
        raise ValueError(f"{n_trials} trials cannot hold this one")
    drawn = replace(draws, n_draws=max(draws.n_draws, round(DRAWS_BEYOND_ALPHA * n_trials / ALPHA_FRAC)))
    ledger = ledger_of(stories, meta_labels)
    n_asked = sum(story.asked is not None for story in stories)
    bare = Score(
        answerer=answerer,
        verdict=verdict_of(ledger, Shown(delta_bps=None, interval=None, coins=None, power=None), n_asked, n_trials),
        n_asked=n_asked,
        n_resolved=ledger.n_triggers,
        n_days=ledger.n_days,
        first_ms=int(ledger.triggered_ms[0]) if ledger.n_triggers else None,
        last_ms=int(ledger.triggered_ms[-1]) if ledger.n_triggers else None,
        arms=(),
        among_coins=None,
        among_coins_together=None,
        value=_value(ledger),
        reasons=reasons_of(stories),
        calibration=_calibrated(ledger, drawn),
        paired=None,
        power=None,
        spending=spending_of(stories),
        gap=gap_of(ledger),
        draws=drawn,
    )
    return (_held_against_others(bare, ledger, n_trials) if ledger.n_triggers else bare), ledger


def shown_of(ledger: Ledger, days: DayDraws, coins: CoinArm | None, alpha_frac: float) -> Shown:
    """Return what a verdict stands on. days: the mixtures drawn. coins: None where the gate approved all or nothing."""
    net, approved = ledger.net_bps, ledger.is_approved
    drawn = mean_deltas(net, approved, days, np.ones_like(approved))
    return Shown(
        delta_bps=None if coins is None else float(net[approved].mean() - net[~approved].mean()),
        interval=interval_of(drawn, days.n_days, 1.0 - alpha_frac),
        coins=None if coins is None else coins.alone,
        power=power_of(net, approved, drawn, ledger.n_days, alpha_frac),
    )


def _held_against_others(bare: Score, ledger: Ledger, n_trials: int) -> Score:
    days = draw_days(ledger.day, bare.draws.n_draws, bare.draws.seed)
    arms = {arm: figures_of(arm, ledger, approved, days) for arm, approved in approvals(ledger).items()}
    coins = coin_arm(ledger, bare.draws.n_draws, bare.draws.seed + 1)
    if coins is not None:
        arms[Arm.COINS] = coins.figures
    shown = shown_of(ledger, days, coins, ALPHA_FRAC / n_trials)
    return replace(
        bare,
        verdict=verdict_of(ledger, shown, bare.n_asked, n_trials),
        arms=tuple(arms[arm] for arm in Arm if arm in arms),
        among_coins=None if coins is None else coins.alone,
        among_coins_together=None if coins is None else coins.together,
        paired=paired_of(ledger, days, 1.0 - ALPHA_FRAC),
        power=shown.power,
    )


def _value(ledger: Ledger) -> ValueAdded:
    denied = ~ledger.is_approved
    mean = float(ledger.net_bps.mean()) if ledger.n_triggers else 0.0
    return ValueAdded(
        added_bps=-float(ledger.net_bps[denied].sum()),
        coin_added_bps=-mean * int(denied.sum()),
        fees_saved_bps=float(ledger.fees_bps[denied].sum()),
    )


def _calibrated(ledger: Ledger, draws: Draws) -> Calibrated:
    told = np.isfinite(ledger.p_win_frac)
    p, won = ledger.p_win_frac[told], ledger.is_win[told]
    right = recalibrated(p, won, ledger.triggered_ms[told], ledger.resolved_ms[told])
    both = np.isfinite(right)
    return Calibrated(
        as_stated=calibration_of(p, won, seed=draws.seed + 2),
        put_right=calibration_of(right[both], won[both], seed=draws.seed + 2),
        brier_as_stated=brier(p[both], won[both]) if both.any() else None,
    )
