"""The plain sentences of a verdict on luck. They speak of the past and promise nothing."""

import math


def no_trades() -> str:
    """Say that there is nothing to judge."""
    return "No trade was closed: there is nothing that luck or skill could explain."


def ruined() -> str:
    """Say that the account was lost."""
    return "The account fell to zero or below: that is a loss, and there is no gain that could be luck."


def too_few_days(n_days: int, n_trades: int, fewest_days: int) -> str:
    """Say how little there is to judge, and how much it takes."""
    little = f"{_counted(n_days, 'day')} with {_counted(n_trades, 'trade')} are too little to tell luck from skill"
    return f"{little}: at least {fewest_days} days with varying results are needed."


def no_gain(sharpe: float) -> str:
    """Say that the result is no gain. sharpe: a year's, zero or less."""
    return f"The Sharpe ratio is {sharpe:.2f}: there is no gain that could be luck."


def below_luck(n_trials: int, sharpe: float, lucky_sharpe: float) -> str:
    """Say that luck alone would have shown as much."""
    return f"{_against_luck(n_trials, sharpe, lucky_sharpe, 'below')}: treat it as luck."


def too_short(
    n_trials: int, n_days: int, sharpe: float, lucky_sharpe: float, needed_days: float | None, confidence_frac: float
) -> str:
    """Say that the record is too short, and how long it would have to be; needed_days None: no length is enough."""
    if needed_days is None:
        needed = "no number of days like these would make it"
    else:
        needed = f"it would take {math.ceil(needed_days):,} days like these to be"
    sure = f"{confidence_frac:.0%} sure that it is not."
    if n_trials == 1:
        return f"A Sharpe ratio of {sharpe:.2f} over {n_days:,} days could be luck: {needed} {sure}"
    above = _against_luck(n_trials, sharpe, lucky_sharpe, "above")
    return f"{above}, but over {n_days:,} days that could still be luck: {needed} {sure}"


def overfitted(n_trials: int, pbo_frac: float) -> str:
    """Say that choosing the best was no better than choosing at random."""
    chosen = f"The best of {n_trials:,} trials was chosen, but in {pbo_frac:.0%} of the splits the best on one half"
    return f"{chosen} of the days was no better than the median on the other: believe the average trial, not the best."


def plausible(n_trials: int, n_days: int, sharpe: float, lucky_sharpe: float, deflated_frac: float) -> str:
    """Say that luck is an unlikely explanation, and nothing more."""
    if n_trials == 1:
        above = f"A Sharpe ratio of {sharpe:.2f} over {n_days:,} days, from one trial,"
        odds = f"is above zero with a probability of {_probability(deflated_frac)}"
    else:
        above = f"{_against_luck(n_trials, sharpe, lucky_sharpe, 'above')},"
        odds = f"with a probability of {_probability(deflated_frac)} over {n_days:,} days"
    return f"{above} {odds}: luck alone is an unlikely explanation of the past, which promises nothing for the future."


def _against_luck(n_trials: int, sharpe: float, lucky_sharpe: float, side: str) -> str:
    first, second = _told_apart(sharpe, lucky_sharpe)
    return (
        f"With {n_trials:,} trials the best Sharpe ratio of {first} is {side} the {second} that luck alone would give"
    )


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Write two figures with as few digits as show their difference, up to four."""
    for digits in (1, 2, 3):
        if f"{one:.{digits}f}" != f"{other:.{digits}f}":
            return f"{one:.{digits}f}", f"{other:.{digits}f}"
    return f"{one:.4f}", f"{other:.4f}"


def _probability(frac: float) -> str:
    return "more than 99.9%" if frac > 0.999 else f"{math.floor(frac * 1_000) / 10:.1f}%"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else noun + 's'}"
