"""Who is told: apprise addresses by severity. They hold tokens, so nothing here ever shows one."""

import hashlib
import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from domain.record import Record
from notices.notice import Severity

_BETWEEN: Final = re.compile(r"\s*,\s*(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://\S+")


class Target(Record, frozen=True, kw_only=True):
    """One address. name: printable, such as `critical 1 (tgram)`."""

    severity: Severity
    name: str
    url: str

    @property
    def key(self) -> str:
        """The name of its queue: severity and fingerprint of the address."""
        return f"{self.severity.value}-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"

    def __repr__(self) -> str:
        """Return the name: an address is never shown."""
        return f"Target({self.name})"


def addresses(text: str) -> tuple[str, ...]:
    """Split a comma list. A comma parts two addresses only before the next one's scheme: addresses may hold commas."""
    return tuple(_BETWEEN.split(text.strip())) if text.strip() else ()


def targets(lists: Mapping[Severity, str]) -> tuple[Target, ...]:
    """Return every target of the comma lists, each address once a severity."""
    return tuple(
        Target(severity=severity, name=f"{severity.value} {number} ({url.partition('://')[0].lower()})", url=url)
        for severity, text in lists.items()
        for number, url in enumerate(dict.fromkeys(addresses(text)), 1)
    )


def objection_to(text: str) -> str | None:
    """Say what is wrong with a comma list, by the places of its entries; None where nothing is."""
    wrong = [str(number) for number, url in enumerate(addresses(text), 1) if not _is_address(url)]
    if not wrong:
        return None
    which = f"entry {wrong[0]} is" if len(wrong) == 1 else f"entries {', '.join(wrong)} are"
    return f"a comma list of apprise addresses such as ntfy://TOPIC or tgram://TOKEN/CHAT; {which} none"


@lru_cache(maxsize=256)
def _is_address(url: str) -> bool:
    if _SCHEME.fullmatch(url) is None or url.endswith(","):
        return False
    # Apprise logs what it cannot read, and an address that is nearly right is nearly a token.
    logging.getLogger("apprise").disabled = True
    from apprise import Apprise

    return Apprise.instantiate(url) is not None
