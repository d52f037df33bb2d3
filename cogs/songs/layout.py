"""A list of songs as a message: each song with its own like button, and the list's controls below."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from cogs.shared.buttons import AnyItem
from cogs.shared.layout import Layout, Row, text
from cogs.songs.messages import Listing
from cogs.songs.thumbs import ThumbUp
from models.results import Song


def songs_layout(
    listing: Listing, songs: Sequence[Song], *below: Row, liked: bool = False, more: str = ""
) -> Layout:
    """A list of songs, all of them `liked` or none, with a text and rows of buttons and menus below."""
    listing = listing.fitted()
    items: list[AnyItem] = [text(listing.head)]
    for entry, song in zip(listing.entries, songs, strict=True):
        if ThumbUp.fits(song):
            items.append(discord.ui.Section(entry, accessory=ThumbUp(song.id, liked=liked)))
        else:
            items.append(text(entry))
    if more:
        items.append(text(more))
    if listing.foot:
        items.append(text(f"-# {listing.foot}"))
    return Layout(*items, *below)
