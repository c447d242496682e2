"""Minutes of the time that a live feed lives by."""

from domain.market import MINUTE_MS


def minute_of(at_ms: int) -> int:
    """Return the opening of the minute that a moment lies in."""
    return at_ms // MINUTE_MS * MINUTE_MS
