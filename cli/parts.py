"""From settings to what a compiled run is built with: the bridge that `settings` itself must not know."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cli.options import load

if TYPE_CHECKING:
    from backtest.parts import Parts, PartsOf
    from settings import Settings


def parts_of(settings: "Settings") -> "Parts":
    """Return the records of one set of settings. Raises BadInput when a part refuses its figures."""
    import settings as part
    from backtest.compiled.terms import Rules
    from backtest.parts import Parts

    return Parts(
        windows=part.feature_windows(settings),
        regimes=part.regime_thresholds(settings),
        strategies=tuple(settings.strategies),
        thresholds=part.strategy_thresholds(settings),
        rules=Rules(
            exits=part.exit_rules(settings),
            limits=part.risk_limits(settings),
            sizing=part.sizing_policy(settings),
            paper=part.paper_terms(settings),
            portfolio=part.portfolio(settings),
        ),
    )


def parts_with(env_file: Path, overrides: list[str], given: Mapping[str, str]) -> "PartsOf":
    """Return the function that builds parts of the command's settings with some knobs overridden."""

    def turned(knobs: Mapping[str, str]) -> "Parts":
        return parts_of(load(env_file, overrides, {**given, **knobs}))

    return turned
