"""Knobs of fetching history: where from, and how patiently."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel

from configuration.knob import Number, Whole, knob


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise ValueError("not an address")
    return url.rstrip("/")


class FetchKnobs(BaseModel):
    """Fetching history (`data fetch`). Public endpoints only: no key is needed or read."""

    fetch_url: Annotated[str, AfterValidator(_base_url)] = knob(
        "",
        "",
        "address that takes the exchange's or archive's place, such as a mirror",
        allowed="empty, http://HOST:PORT or https://HOST:PORT, with a path where a mirror has one",
        decides=False,
    )
    fetch_tries: Whole = knob(
        8, "tries", "how often a question is asked before it is given up", ge=1, le=100, decides=False
    )
    fetch_pause_s: Number = knob(
        0.5, "seconds", "wait before the second try; it doubles with every further one", ge=0, le=60, decides=False
    )
    fetch_timeout_s: Number = knob(20.0, "seconds", "longest wait for one answer", ge=0.1, le=300, decides=False)
