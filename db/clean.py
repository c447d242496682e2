"""Text that every database can hold."""


def clean(text: str) -> str:
    """Return text every database can hold: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
