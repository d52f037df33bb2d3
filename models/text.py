"""What holds for every text that a model is given."""

from __future__ import annotations

from models.failures import LoneSurrogate


def usable_text(text: str) -> str:
    """The text itself, if it can be encoded; LoneSurrogate if it holds half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LoneSurrogate from error
    return text
