"""Where the market comes from."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.runs import TapedFeed
    from settings import Settings


def build_feed(settings: "Settings", n_minutes: int | None) -> "TapedFeed":
    """Build the feed the settings ask for. Raises BadInput when there is nothing to replay."""
    import settings as part
    from configuration.choices import FeedKind

    if settings.feed is FeedKind.SIM:
        from market.sim import SimFeed

        return SimFeed(part.sim_parameters(settings), settings.symbols, n_minutes)
    if settings.feed is FeedKind.LIVE:
        from desk.clock import SystemClock
        from market.live.feed import LiveFeed

        return LiveFeed(part.live_terms(settings), part.quality_limits(settings), SystemClock(), n_minutes)
    from market.catalog import find_recordings
    from market.replay import load_replay

    folders = [Path(folder) for folder in settings.data_dirs]
    paths = list(settings.replay_data) or [str(path) for path in find_recordings(folders, settings.symbols)]
    return load_replay(
        paths,
        settings.symbols,
        part.quality_limits(settings),
        settings.replay_assumed_spread_bps,
        start_ms=part.epoch_ms(settings.replay_from),
        end_ms=part.epoch_ms(settings.replay_until),
        limit_minutes=n_minutes,
    )
