"""How a desk is seen and heard by those who do not sit before it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings


def attend(settings: "Settings", run_id: str, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Let a desk be seen by a watchdog while it runs, and tell of it whoever NOTIFY_* names."""
    import settings as part
    from desk.clock import SystemClock
    from notices.attending import attending

    return attending(part.presence_file(settings), run_id, SystemClock(), part.teller_terms(settings), say)
