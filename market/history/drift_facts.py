"""Where the history of Drift and Velocity lies, as tried and written down in the project's reference on both."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from domain.record import Record
from market.history.series import Kind

KINDS: Final[Sequence[Kind]] = (Kind.BARS, Kind.FUNDING)
"""Marks and oracle prices of these venues stand in their funding records."""

TRADES_A_PAGE: Final = 5000


class DriftVenue(Record, frozen=True, kw_only=True):
    """One venue.

    api: address of its Data API. origin: who the API wants to be asked by. archive: address of the day files, None
    where there are none; archive_last: the last day they have whole.
    """

    api: str
    origin: str
    archive: str | None = None
    archive_last: date | None = None

    def has_file(self, day: date) -> bool:
        """Say whether a day is among the archive's."""
        return self.archive_last is not None and day <= self.archive_last


DRIFT_VENUES: Final[Mapping[str, DriftVenue]] = {
    "drift": DriftVenue(
        api="https://data.api.drift.trade",
        origin="https://app.drift.trade",
        archive=(
            "https://drift-historical-data-v2.s3.eu-west-1.amazonaws.com"
            "/program/dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH"
        ),
        archive_last=date(2025, 1, 8),
    ),
    "velocity": DriftVenue(api="https://data.velocity.exchange", origin="https://app.velocity.exchange"),
}
