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


# Words -----------------------------------------------------------------------------------------------------


class UnknownWord(BadInput):
    """The vocabulary does not have the word; `suggestions` look like it, likeliest first."""

    word: str
    suggestions: tuple[str, ...] = ()


class NoWordGiven(BadInput):
    """Nothing was asked about."""


class NoNeighboursWanted(BadInput):
    """Fewer than one neighbour was asked for."""


class NoOtherWords(BadInput):
    """The vocabulary holds nothing besides the words of the question."""


class WordsCancelOut(BadInput):
    """The sum of the words is the zero vector."""


class SumAmongWords(BadInput):
    """A list of words in which one is a sum."""


class WrongNumberOfWords(BadInput):
    """The odd one out can be found among `least` to `most` different words."""

    least: int
    most: int


class MissingTerm(BadInput):
    """A sign without a word beside it."""


class TooManyTerms(BadInput):
    most: int


class NotOneWord(BadInput):
    """Several words without a sign between them."""

    words: str


class NoWordsInFile(ModelError):
    label: str


class NotWordVectors(ModelError):
    """A file in none of the known formats."""

    label: str


class DamagedWordVectors(ModelError):
    label: str


class PickledWordVectors(ModelError):
    label: str


class NumbersNotFinite(ModelError):
    label: str


class MismatchedWordVectors(ModelError):
    """A folder that has not one word for each vector."""

    label: str


class RepeatedWord(ModelError):
    """A folder in which a word is there twice."""

    label: str


class FolderWithoutWordVectors(NotThere):
    """A folder that holds neither our format nor exactly one file with one of the `suffixes`."""

    label: str
    suffixes: tuple[str, ...]


# Songs -----------------------------------------------------------------------------------------------------


class UnknownSong(BadInput):
    """The catalogue does not have the song."""


class UnknownSongId(UnknownSong):
    """No song has the id."""


class SongGone(UnknownSong):
    """A song that was shown before is no longer in the catalogue."""


class NoSuchSongLike(UnknownSong):
    """No title and no artist is like the text."""

    text: str


class NoSuchSong(UnknownSong):
    """No song has the text as its id or nearly as its title; `near` are the nearest ones, with their ids."""

    text: str
    near: tuple[str, ...] = ()


class AmbiguousSong(UnknownSong):
    """The text may be the title of several `songs`, which are given with their ids."""

    text: str
    songs: tuple[str, ...]


class NoSongsWanted(BadInput):
    """Fewer than one song was asked for."""


class NoSongsInFile(ModelError):
    label: str


class NoPlaylistsInFile(ModelError):
    label: str


class UnreadableFile(NotThere):
    """The system does not let us read a file; `reason` is its own word for why."""

    label: str
    reason: str


class NoFrequentSong(ModelError):
    """No song is played as often as the settings ask for."""

    min_count: int


class TooFewPlaylists(ModelError):
    """There are not enough playlists for so many folds."""

    playlists: int
    folds: int


class NoUsableTestPlaylist(ModelError):
    """No test playlist has more known songs than the number of likes that it is asked with."""

    likes: int


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
