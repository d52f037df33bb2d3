"""Songs as people name them: chosen from the suggestions, or typed."""

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
    """For each text the song that is meant, to keep what somebody says about it; None where nothing is like it."""
    # Looking up a title is as little work as completing it, so it counts against nobody's limit either.
    seconds = interaction.client.settings.lanes.songs.timeout
    asker = caller(interaction, seconds=seconds, typing=True)
    return await interaction.client.service.songs.find(FindSongs(asker, tuple(texts)))


async def find_song(interaction: Interaction, text: str) -> SongMatch:
    """The song that is meant. Raises NoSuchSongLike if there is none."""
    (match,) = await find_songs(interaction, [text])
    if match is None:
        raise NoSuchSongLike(text)
    return match


async def suggest_songs(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Titles and artists like what is typed so far; the value is the song's id."""
    request = SuggestSongs(caller(interaction, typing=True), typed)
    return song_choices(await suggested(interaction.client.service.songs.suggest(request)))


def song_choices(songs: Sequence[Song]) -> list[app_commands.Choice[str]]:
    """The value is the id; a song whose id is too long for Discord is found again by its title."""
    return choices(
        [(song.label, song.id if size(song.id) <= CHOICE else clip(song.label, CHOICE)) for song in songs]
    )


def popular(line: str) -> Fitted:
    """For an example of /help: the line with a song that the catalogue has."""

    async def fitted(service: Service, asking: Caller) -> str:
        for typed in (_EXAMPLE, ""):
            found = await suggested(service.songs.suggest(SuggestSongs(asking, typed)))
            if found and found[0].title.strip() and (not typed or found[0].title == typed):
                return line + found[0].title
        return ""

    return fitted
