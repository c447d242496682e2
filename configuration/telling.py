"""What the notices are built with, from the settings."""

from pathlib import Path
from typing import TYPE_CHECKING

from configuration.knobs import Settings

if TYPE_CHECKING:
    from notices.targets import Target
    from notices.teller import TellerTerms
    from notices.watching import WatchTerms


def notice_targets(settings: Settings) -> "tuple[Target, ...]":
    """Return everybody who is told anything."""
    from notices.notice import Severity
    from notices.targets import targets

    lists = {one: getattr(settings, f"notify_{one.value}").get_secret_value() for one in Severity}
    return targets(lists)


def teller_terms(settings: Settings) -> "TellerTerms | None":
    """Return whom to tell of the journal; None where nobody is."""
    from db.engines import short_name
    from notices.teller import TellerTerms

    told, url = notice_targets(settings), settings.database_url.get_secret_value()
    if not told:
        return None
    return TellerTerms(
        targets=told,
        database_url=url,
        base=settings.state_dir / f"notices-{short_name(url)}",
        summary_hour_utc=settings.notify_summary_hour_utc,
    )


def presence_file(settings: Settings) -> Path:
    """Return the file by which the desk of these settings' journal says that it is there."""
    from db.engines import short_name

    return settings.state_dir / f"desk-{short_name(settings.database_url.get_secret_value())}.here"


def watch_terms(settings: Settings, telling: "TellerTerms") -> "WatchTerms":
    """Return what a watcher looks at and how patient it is."""
    from db.engines import short_name
    from notices.watching import WatchTerms

    name = short_name(telling.database_url)
    return WatchTerms(
        telling=telling,
        presence=presence_file(settings),
        base=settings.state_dir / f"watch-{name}",
        silence_s=settings.watch_silence_s,
    )
