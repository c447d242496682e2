"""A knob whose value is a file's content: what decides must stand in the recorded settings, not beside them."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator


def _content(given: object) -> object:
    """Return the band in a file as one line of JSON; a band that is one already (from the journal) stays as it is."""
    if not isinstance(given, str) or not given.strip():
        return given
    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
        band = json.loads(text)
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from error
    if not isinstance(band, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - pydantic turns a ValueError into a refusal
    return json.dumps(band, sort_keys=True, separators=(",", ":"))


BandText = Annotated[str, BeforeValidator(_content)]
