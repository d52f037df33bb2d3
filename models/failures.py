"""What can go wrong with a model. `str()` of each is one sentence for a person: no path, no traceback."""

from __future__ import annotations


class ModelError(Exception):
    """Base of everything that the models raise on purpose."""


class NotThere(ModelError):
    """The model is not on this machine and cannot be had."""


class NotReady(ModelError):
    """The slot is empty, still loading, or its model failed to load."""


class BadInput(ModelError):
    """The question cannot be answered as it was asked; the sentence says what to do instead."""


class UnknownWord(BadInput):
    """A word that the vocabulary does not have, and those that look like it, likeliest first."""

    def __init__(self, word: str, suggestions: tuple[str, ...] = ()) -> None:
        self.word = word
        self.suggestions = suggestions
        *most, last = suggestions or ("",)
        hint = f" Did you mean {', '.join(most)}{' or ' if most else ''}{last}?" if suggestions else ""
        super().__init__(f"I do not know the word “{word}”.{hint or ' Try another one.'}")


class UnknownSong(BadInput):
    """A song id that the catalogue does not have, or that no playlist plays."""


class Stopped(ModelError):
    """Work was stopped, or its time ran out, before there was anything to show."""
