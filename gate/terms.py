"""Whom a reader asks over the network, and what counts as a yes: alike for every kind of server."""

from domain.record import Record
from gate.address import objection_to


class ChatTerms(Record, frozen=True, kw_only=True):
    """Whom to ask, and what counts as a yes.

    url: scheme, host and port. deadline_s: for the whole call. min_p_win_frac: least chance of profit.
    context_tokens: the model's window; reply_tokens: what it may spend on the answer. breaker_bars: how long a
    failing server is left alone. digest: the fingerprint that the model must have; empty: the one found first.
    warmup_s: for getting ready, loading the model included.
    """

    url: str = "http://127.0.0.1:11434"
    allows_remote: bool = False
    model: str = ""
    deadline_s: float = 8.0
    min_p_win_frac: float = 0.5
    context_tokens: int = 4096
    reply_tokens: int = 200
    seed: int = 7
    breaker_bars: int = 15
    digest: str = ""
    warmup_s: float = 120.0

    def __post_init__(self) -> None:
        """Refuse an address that is not allowed, and a window without room for a question."""
        objection = objection_to(self.url, allows_remote=self.allows_remote)
        if objection is not None:
            raise ValueError(f"{self.url} is not {objection}")
        if not (self.deadline_s > 0.0 and self.warmup_s > 0.0):
            raise ValueError("a deadline or a warm-up that takes no time is impossible")
        if not (0.0 <= self.min_p_win_frac <= 1.0 and self.breaker_bars >= 0):
            raise ValueError("threshold or breaker is impossible")
        if not 1 <= self.reply_tokens < self.context_tokens:
            raise ValueError(f"{self.reply_tokens} tokens of reply leave nothing of {self.context_tokens}")

    @property
    def most_prompt_tokens(self) -> int:
        """What the window leaves for the question."""
        return self.context_tokens - self.reply_tokens

    def at(self, path: str) -> str:
        """Return the address of a route of the server; `path` begins with a slash."""
        return self.url.rstrip("/") + path
