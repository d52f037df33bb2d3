"""`recommend`: songs that go with those that somebody likes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import texts
from bot.cli import questions
from bot.cli.arguments import add_count, add_json, not_negative
from bot.cli.terminal import loading
from bot.settings.load import load
from bot.visible import harmless
from models.specs import SongsSpec

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import Recommendation
    from models.songs.catalogue import SongCatalogue

SUMMARY = "recommend songs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument(
        "--song",
        action="append",
        default=[],
        metavar="SONG",
        help="the id of a liked song, or its title; repeatable",
    )
    add_count(parser)
    parser.add_argument(
        "--per-artist",
        type=not_negative,
        default=2,
        metavar="N",
        help="songs by one artist at most (default: 2; 0: any number); what goes with a single song is not limited",
    )


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.songs.catalogue import SongCatalogue

    with loading() as progress:
        catalogue = SongCatalogue.load(questions.required_spec(load(arguments.config), SongsSpec), progress)
    likes = [_song_id(catalogue, text) for text in arguments.song]
    if len(likes) == 1:
        result = catalogue.similar(likes[0], n=arguments.n)
    elif likes:
        result = catalogue.recommend(likes, n=arguments.n, per_artist=arguments.per_artist or None)
    else:
        result = catalogue.popular(n=arguments.n, per_artist=arguments.per_artist or None)
    if console:
        _show(console, result.songs)
    return {
        "songs": [
            {
                "id": suggestion.song.id,
                "title": suggestion.song.title,
                "artist": suggestion.song.artist,
                "because": [seed.id for seed in suggestion.because],
            }
            for suggestion in result.songs
        ]
    }


def _song_id(catalogue: SongCatalogue, text: str) -> str:
    """The id of the song that is meant; which one that is is said where it was not named by its id."""
    song = catalogue.identify(text).song
    if text != song.id:
        note = texts.say("terminal-song-taken", typed=repr(text), song=song.label, id=song.id)
        print(harmless(note), file=sys.stderr)
    return song.id


def _show(console: Console, songs: Sequence[Recommendation]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("id", "song", "because of", box=None, header_style="bold")
    for suggestion in songs:
        because = ", ".join(seed.label for seed in suggestion.because)
        names = (Text(harmless(name)) for name in (suggestion.song.id, suggestion.song.label))
        table.add_row(*names, Text(harmless(because), "dim"))
    console.print(table)
