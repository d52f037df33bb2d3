"""What can go wrong, as types that carry facts. The sentences are in `texts/`, under the name of each class.

`str()` of a failure is its English sentence, with the hint for whoever runs the bot. No fact holds a path or a traceback.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from inspect import get_annotations
from typing import Any, dataclass_transform

import texts


@dataclass_transform(eq_default=False)
class Failure(Exception):
    """Base of everything that is raised on purpose for a person to read. Annotations of a subclass are its facts."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if get_annotations(cls):
            dataclass(eq=False, repr=False)(cls)

    @property
    def code(self) -> str:
        """The name of its sentence: the class's own, such as `unknown-word`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def facts(self) -> dict[str, Any]:
        return {it.name: getattr(self, it.name) for it in fields(self)} if is_dataclass(self) else {}

    def __str__(self) -> str:
        if not texts.knows(self.code):  # a sentence of its own, until it is a type of its own
            return " ".join(map(str, self.args[:1]))
        return " ".join(filter(None, (texts.say(self.code, **self.facts), texts.hint(self.code, self.facts))))

    def __reduce__(self) -> Any:
        return (_again, (type(self), self.facts)) if texts.knows(self.code) else super().__reduce__()


def _again(kind: type[Failure], facts: dict[str, Any]) -> Failure:
    """A failure that travelled from another process."""
    return kind(**facts)


class ModelError(Failure):
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


class BadSampling(BadInput):
    """A setting of the draw is out of its range."""


class OtherModel(BadInput):
    """What is to be gone on with was written by another model, to which its token ids mean nothing."""


class NoSuchSlot(ModelError):
    """Nothing of this kind was set up."""


class StillLoading(NotReady):
    """The model was not there within the time that the asker has."""


class Stopped(ModelError):
    """Work was stopped, or its time ran out, before there was anything to show."""


class NoTimeToFetch(Stopped):
    """A download did not end within the time of a reload; what has arrived is kept."""


# Places and turns ------------------------------------------------------------------------------------------


class Busy(Failure):
    """No place is free. `position` is the place in the queue that would have been needed."""

    position: int


class AlreadyAsking(Busy):
    """One person has as many questions under way as the settings allow."""

    limit: int


class LaneFull(Busy):
    """So many wait for a model that no more may."""

    waiting: int


class Late(Failure):
    """The deadline passed before there was an answer."""


class NotYourTurn(Late):
    """The deadline passed while it waited."""


class Cancelled(Failure):
    """Somebody stopped the work before there was anything to show."""


class Stopping(Failure):
    """The bot is shutting down."""
