"""Where a model server may stand: on this machine, unless the user has said otherwise."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx

_NAME: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}", re.ASCII)
_PLAIN: Final = "http://HOST:PORT or https://HOST:PORT, without user, path or query"


def objection_to(url: str, *, allows_remote: bool) -> str | None:
    """Say what an address must be, None when it is: scheme, host and port alone, and this machine's own."""
    # urlsplit quietly drops blanks and line ends, the client does not.
    if not url.isprintable() or " " in url:
        return _PLAIN
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _PLAIN
    host = parts.hostname or ""
    has_more = parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or port == 0 or has_more or not (_is_ip(host) or _NAME.fullmatch(host)):
        return _PLAIN
    if not _is_taken(url):
        return _PLAIN
    if allows_remote or host == "localhost" or (_is_ip(host) and ip_address(host).is_loopback):
        return None
    return "an address of this machine (127.0.0.1, ::1, localhost), or any with GATE_ALLOW_REMOTE=true"


def _is_taken(url: str) -> bool:
    """Say whether the client takes it: 999.1.1.1 is a name by its letters and not to the client."""
    try:
        return bool(httpx.URL(url).host)
    except (httpx.InvalidURL, UnicodeError):
        return False


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host
