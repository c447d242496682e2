"""Nothing secret is ever printed: every value of a log line passes here last, by its name and by its looks."""

import re
from collections.abc import Collection, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final

HIDDEN: Final = "[redacted]"

SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|mnemonic|authori[sz]ation|cookie|(database|db|broker|webhook)_?url|dsn"
    r"|(^|[^a-z])keys?($|[^a-z])|(api|private|secret|signing|wallet|access|public)_?keys?|key_?pair|seed_?phrase",
    re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_URL_LOGIN: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,30}://)\S*@", re.IGNORECASE)
_BEARER: Final = re.compile(r"\b(?P<kind>bearer(?=\s)|basic(?=\s+[A-Za-z0-9+/=]{12}))\s+[^\s,;\"']+", re.IGNORECASE)
_BOT_TOKEN: Final = re.compile(r"\d{6,}:[A-Za-z0-9_-]{30,}")
_BASE58: Final = re.compile(r"(?<![A-Za-z0-9])[1-9A-HJ-NP-Za-km-z]{64,88}(?![A-Za-z0-9])")
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_BYTE_ARRAY: Final = re.compile(r"[\[(]\s*(?:\d{1,3}\s*,\s*){31,}\d{1,3}\s*,?\s*[\])]")
_SECRET_WORD: Final = re.compile(r"pass|secret|token|key", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"(?P<name>[\w-]{0,40}(?:password|passwd|passphrase|secret|token|api_?key|private_?key|keypair)[\w-]{0,40}"
    r"[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&)}\]]+)",
    re.IGNORECASE,
)
SHORTEST_TOKEN: Final = 37
SHORTEST_KEY: Final = 64
N_KEY_BYTES: Final = 32
BYTE_LIMIT: Final = 256
DEEPEST: Final = 12


@lru_cache(maxsize=1024)
def names_a_secret(name: str) -> bool:
    """Say whether what is kept under this name must not be shown: password, secret, token, key, database_url, ..."""
    return SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def scrub(text: str, known_secrets: Collection[str] = ()) -> str:
    """Return text without logins in URLs, bearer and bot tokens, key pairs and named secrets.

    known_secrets: exact strings to remove wherever they stand. A hash in hexadecimal is no secret and stays.
    """
    for secret in known_secrets:
        text = text.replace(secret, HIDDEN)
    # A log line is mostly short and plain: what cannot hold a pattern is not searched for it.
    if "://" in text:
        text = _URL_LOGIN.sub(rf"\g<scheme>{HIDDEN}@", text)
    if " " in text:
        text = _BEARER.sub(rf"\g<kind> {HIDDEN}", text)
    if _SECRET_WORD.search(text):
        text = _NAMED.sub(rf"\g<name>{HIDDEN}", text)
    return text if len(text) < SHORTEST_TOKEN else _scrub_long(text)


class Redactor:
    """The structlog processor that stands last before the renderer."""

    __slots__ = ("_known",)

    def __init__(self, known_secrets: Collection[str] = ()) -> None:
        """known_secrets: values from the settings, removed wherever they appear; the longest goes first."""
        self._known = tuple(sorted({secret for secret in known_secrets if secret}, key=len, reverse=True))

    def __call__(self, logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> dict[str, Any]:
        """Return the log line with every secret hidden, however deep it is nested."""
        return {scrub(name, self._known): self.redacted(name, value) for name, value in event_dict.items()}

    def redacted(self, name: str, value: object, depth: int = 0) -> object:
        """Return a value fit to be shown under this name. What is no plain value is shown as its scrubbed text."""
        if value is None or isinstance(value, bool):
            return value
        if names_a_secret(name) or depth > DEEPEST:
            return HIDDEN
        if isinstance(value, (int, float)):
            return value if str(value) not in self._known else HIDDEN
        if isinstance(value, (Mapping, list, tuple, set, frozenset, bytes, bytearray)):
            return self._collection(name, value, depth)
        return scrub(str(value), self._known)

    def _collection(self, name: str, value: object, depth: int) -> object:
        if isinstance(value, Mapping):
            return {
                scrub(str(inner), self._known): self.redacted(str(inner), held, depth + 1)
                for inner, held in value.items()
            }
        if isinstance(value, (bytes, bytearray)) or _is_key_material(value):
            return HIDDEN
        members = value if isinstance(value, (list, tuple, set, frozenset)) else ()
        return [self.redacted(name, member, depth + 1) for member in members]


def _scrub_long(text: str) -> str:
    text = _BOT_TOKEN.sub(HIDDEN, text)
    if len(text) < SHORTEST_KEY:
        return text
    return _BASE58.sub(_hide_unless_hash, _BYTE_ARRAY.sub(HIDDEN, text))


def _is_key_material(value: object) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) < N_KEY_BYTES:
        return False
    return all(type(member) is int and 0 <= member < BYTE_LIMIT for member in value)


def _hide_unless_hash(match: re.Match[str]) -> str:
    return match.group() if _HEX.fullmatch(match.group()) else HIDDEN
