"""Reasons for refusing /recommend and /likes, and the buttons under a list."""

from __future__ import annotations

from bot.failures import Refused


class LikedSongGone(Refused):
    """A song to like or dislike by button is neither in the catalogue nor named in the message."""


class NotOneOfYourSongs(Refused):
    """The typed text matches none, or several, of the songs that a person likes or dislikes.

    `opinion` is "like" or "dislike", `matching` the number of matches.
    """

    typed: str
    opinion: str
    matching: int


class NotYourPages(Refused):
    """Only the person who requested a list can turn its pages."""


class NoLongerSharing(Refused):
    """The person no longer allows everyone to see songs based on their likes."""


class NotSharing(Refused):
    """The person with this id does not share their likes. `command` is the id of /privacy, or 0."""

    person: int
    command: int


class NoFavourites(Refused):
    """The form for three favourites was submitted empty."""


class PeopleOutsideServer(Refused):
    """Other people were named in a private message, which has no other members."""


class SongAndPeople(Refused):
    """A list is based either on a song or on people's likes, not both."""


class VectorsOfNothing(Refused):
    """Vectors were requested without a song."""


class BotsLikeNothing(Refused):
    """One of the named people is a bot."""


class OnlyYourself(Refused):
    """The person named only themselves."""
