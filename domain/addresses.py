"""Addresses of the outside: whether one is this machine, and an exchange's addresses pointed somewhere else."""

from collections.abc import Mapping
from typing import Any, Final

_SECURE: Final = {"http": {"http": "http", "ws": "ws"}, "https": {"http": "https", "ws": "wss"}}


def is_loopback(address: str) -> bool:
    """Say whether an address is one of this machine."""
    host = _parted(address)[1].rpartition("@")[2]
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name in ("localhost", "::1") or name.startswith("127.")


def redirected(urls: Any, address: str) -> Any:
    """Return ccxt's nested addresses with scheme and host of each replaced by those of `address`, paths kept."""
    if isinstance(urls, Mapping):
        return {name: redirected(url, address) for name, url in urls.items()}
    meant_scheme, host, _ = _parted(address)
    found_scheme, _, rest = _parted(str(urls))
    schemes = _SECURE["https" if meant_scheme in ("https", "wss") else "http"]
    return f"{schemes['ws' if found_scheme in ('ws', 'wss') else 'http']}://{host}{rest}"


def _parted(address: str) -> tuple[str, str, str]:
    """Return scheme, host and the rest with its slash."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return "", "", address
    host, slash, path = rest.partition("/")
    return scheme, host, slash + path.partition("#")[0]
