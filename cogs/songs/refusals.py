"""Why /recommend and /likes do not answer, and why a button under a list does nothing."""

from __future__ import annotations

from bot.failures import Refused


class LikedSongGone(Refused):
    """A song that somebody likes or dislikes by a button is not in the catalogue, nor named in the message."""


class NotOneOfYourSongs(Refused):
    """What was typed matches none, or more than one, of the songs that somebody likes or dislikes.

    `opinion` is "like" or "dislike", `matching` how many songs match.
    """

    typed: str
    opinion: str
    matching: int


class NotYourPages(Refused):
    """Somebody else's list is turned only by them."""


class NoLongerSharing(Refused):
    """The asker has taken back that everybody may see songs from their likes."""


class NotSharing(Refused):
    """A person, by their id, does not let others build on their likes. `command` is the id of /privacy, or 0."""

    person: int
    command: int


class NoFavourites(Refused):
    """The form for three favourites was sent empty."""


class PeopleOutsideServer(Refused):
    """Somebody was named in a private message, where there is nobody else."""


class SongAndPeople(Refused):
    """A list goes either with a song or with what people like."""


class VectorsOfNothing(Refused):
    """Vectors were asked for without a song whose vector it could be."""


class BotsLikeNothing(Refused):
    """A bot was named as one of the people."""


class OnlyYourself(Refused):
    """The asker named nobody but themselves."""
