"""Likes and dislikes, by command or by button: storing them, and the confirmations.

Nothing here uses a model: an opinion is one write to the store.
"""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.shared.mentions import mention
from cogs.songs.messages import song as titled
from models.results import Song
from texts import say


async def like(bot: Tokenwise, user_id: int, song: Song, note: str = "") -> str:
    """Store a like. `note` is added to the confirmation."""
    new = await bot.store.likes.add(user_id, song)
    said = say("liked-now" if new else "liked-already", song=titled(song))
    way_on = say("liked-take-back", command=mention(bot, "likes remove"))
    return " ".join(filter(None, (said, note, way_on)))


async def turn(bot: Tokenwise, user_id: int, song: Song) -> str:
    """Like a song, or remove the like."""
    if not await bot.store.likes.toggle(user_id, song):
        return say("like-removed", song=titled(song))
    return f"{say('liked-now', song=titled(song))} {say('liked-list', command=mention(bot, 'likes list'))}"


async def dislike(bot: Tokenwise, user_id: int, song: Song, note: str = "") -> str:
    """Store that a person does not want a song recommended. `note` is added to the confirmation."""
    new = await bot.store.likes.dislike(user_id, song)
    said = say("disliked-now" if new else "disliked-already", song=titled(song))
    way_on = say("disliked-take-back", command=mention(bot, "likes undislike"))
    return " ".join(filter(None, (said, way_on, note)))
