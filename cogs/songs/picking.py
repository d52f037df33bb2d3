"""Songs as people name them: chosen from the suggestions, or typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from discord import app_commands

from bot.client import Interaction
from bot.failures import Refused
from cogs.shared.asking import choices, suggested
from cogs.shared.text import CHOICE, clip, inline, size
from models.results import Song

if TYPE_CHECKING:
    from models.songs.catalogue import SongCatalogue


@dataclass(frozen=True, slots=True)
class Picked:
    """A song that was meant; `guessed` if it is the best match for what was typed, not a choice or its title."""

    song: Song
    guessed: bool


def pick(catalogue: SongCatalogue, named: str) -> Picked:
    """The song with this id, or the best match for this text. Refused if nothing is like it."""
    if (chosen := catalogue.get(named)) is not None:
        return Picked(chosen, guessed=False)
    if found := catalogue.search(named, 1):
        exact = named.strip().casefold() in {found[0].title.casefold(), found[0].label.casefold()}
        return Picked(found[0], guessed=not exact)
    raise Refused(
        f"I know no song like “{inline(named, 100)}”. Type part of its title or artist and choose from the list."
    )


async def suggest_songs(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Titles and artists like what is typed so far; the value is the song's id."""
    found: list[Song] = await suggested(interaction, "songs", lambda model: _matching(model, current))
    return song_choices(found)


def song_choices(songs: list[Song]) -> list[app_commands.Choice[str]]:
    """The value is the id; a song whose id is too long for Discord is found again by its title."""
    return choices(
        [(song.label, song.id if size(song.id) <= CHOICE else clip(song.label, CHOICE)) for song in songs]
    )


def _matching(catalogue: SongCatalogue, current: str) -> list[Song]:
    if current.strip():
        return catalogue.search(current)
    return [recommendation.song for recommendation in catalogue.popular(25).songs]
