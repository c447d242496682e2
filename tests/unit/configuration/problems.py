"""What is wrong with given settings, and settings with a gate that can be asked."""

import pytest

from settings import SettingsError, load_settings

ASKED = {"GATE_BACKEND": "ollama", "GATE_MODEL": "tiny"}


def problems_of(environ):
    """Return every reason for which these are refused."""
    with pytest.raises(SettingsError) as caught:
        load_settings(None, environ)
    return caught.value.problems
