"""How history is asked for, whoever is asked."""

from domain.record import Record


class FetchTerms(Record, frozen=True, kw_only=True):
    """Where from, and how patiently.

    url: stands in for the scheme and host of every address, and a path before it; empty for the source's own.
    n_tries: how often a question is asked. first_pause_s: wait before the second try; it doubles with every further
    one, up to half a minute. timeout_s: longest wait for one answer.
    """

    url: str = ""
    n_tries: int = 8
    first_pause_s: float = 0.5
    timeout_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what could never ask, or never give up."""
        if self.n_tries < 1 or not 0.0 <= self.first_pause_s < 3600.0 or not 0.0 < self.timeout_s < 3600.0:
            raise ValueError("a question is asked at least once, with pauses and waits under an hour")
