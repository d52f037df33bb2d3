"""Validation of texts for all models."""

from __future__ import annotations

from models.failures import LoneSurrogate


def usable_text(text: str) -> str:
    """The text itself, if it can be encoded. Raises LoneSurrogate if it contains half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LoneSurrogate from error
    return text
