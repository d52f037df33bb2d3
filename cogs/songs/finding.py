"""Finds songs by what people enter: a suggestion, or free text."""

from __future__ import annotations

from collections.abc import Sequence

from discord import app_commands

from bot.client import Interaction
from bot.examples import Fitted
from cogs.shared.asking import caller, choices, suggested
from cogs.shared.text import CHOICE, clip, size
from models.failures import NoSuchSongLike
from models.results import Song
from models.service import Caller, FindSongs, Service, SongMatch, SuggestSongs

_EXAMPLE = "Bohemian Rhapsody"


async def find_songs(interaction: Interaction, texts: Sequence[str]) -> tuple[SongMatch | None, ...]:
    """The song that each text refers to, for storing opinions; None if nothing is similar."""
    # Looking up a title is as cheap as completing it, so it does not count against anyone's limit.
    seconds = interaction.client.settings.lanes.songs.timeout
    asker = caller(interaction, seconds=seconds, typing=True)
    return await interaction.client.service.songs.find(FindSongs(asker, tuple(texts)))


async def find_song(interaction: Interaction, text: str) -> SongMatch:
    """The song that the text refers to. Raises NoSuchSongLike if there is none."""
    (match,) = await find_songs(interaction, [text])
    if match is None:
        raise NoSuchSongLike(text)
    return match


async def suggest_songs(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Titles and artists that match the text typed so far; the value is the song's id."""
    request = SuggestSongs(caller(interaction, typing=True), typed)
    return song_choices(await suggested(interaction.client.service.songs.suggest(request)))


def song_choices(songs: Sequence[Song]) -> list[app_commands.Choice[str]]:
    """The value is the id; if the id is too long for Discord, the title, which is looked up again."""
    return choices(
        [(song.label, song.id if size(song.id) <= CHOICE else clip(song.label, CHOICE)) for song in songs]
    )


def popular(line: str) -> Fitted:
    """An example for /help: the line with a song from the catalogue."""

    async def fitted(service: Service, asking: Caller) -> str:
        for typed in (_EXAMPLE, ""):
            found = await suggested(service.songs.suggest(SuggestSongs(asking, typed)))
            if found and found[0].title.strip() and (not typed or found[0].title == typed):
                return line + found[0].title
        return ""

    return fitted
