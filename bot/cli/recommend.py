"""`recommend`: songs similar to liked songs."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import texts
from bot.cli import questions
from bot.cli.arguments import add_count, add_json, not_negative
from bot.cli.terminal import loading
from bot.settings.load import load
from bot.visible import harmless
from models.service import By
from models.specs import SongsSpec

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import Reason, Recommendations
    from models.songs.catalogue import SongCatalogue

SUMMARY = "recommend songs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument(
        "--song",
        "--like",
        action="append",
        default=[],
        metavar="SONG",
        help="the id of a liked song, or its title; repeatable",
    )
    parser.add_argument(
        "--unlike",
        action="append",
        default=[],
        metavar="SONG",
        help="a song that the results should be unlike; repeatable",
    )
    parser.add_argument(
        "--by",
        choices=[by.value for by in By],
        default=By.PLAYLISTS.value,
        help="playlists: the best method (default); vectors: the nearest vectors, as in the notebook",
    )
    add_count(parser)
    parser.add_argument(
        "--per-artist",
        type=not_negative,
        default=2,
        metavar="N",
        help="most songs per artist (default: 2; 0: no limit); does not apply to --by vectors",
    )


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.songs.catalogue import SongCatalogue

    with loading() as progress:
        catalogue = SongCatalogue.load(questions.required_spec(load(arguments.config), SongsSpec), progress)
    likes, unlike = (
        [_song_id(catalogue, text) for text in given] for given in (arguments.song, arguments.unlike)
    )
    if not likes:
        result = catalogue.popular(n=arguments.n, exclude=unlike, per_artist=arguments.per_artist or None)
    elif By(arguments.by) is By.VECTORS:
        result = catalogue.similar(likes, n=arguments.n, unlike=unlike)
    else:
        result = catalogue.recommend(
            likes, n=arguments.n, unlike=unlike, per_artist=arguments.per_artist or None
        )
    if console:
        _show(console, result)
    return {
        "songs": [
            {
                "id": suggestion.song.id,
                "title": suggestion.song.title,
                "artist": suggestion.song.artist,
                "because": [seed.id for seed in suggestion.because],
                "reasons": [
                    {"id": reason.song.id, "shared": reason.shared, "playlists": reason.playlists}
                    for reason in suggestion.reasons
                ],
            }
            for suggestion in result.songs
        ]
    }


def _song_id(catalogue: SongCatalogue, text: str) -> str:
    """The id of the song; prints which song it is unless it was given by id."""
    song = catalogue.identify(text).song
    if text != song.id:
        note = texts.say("terminal-song-taken", typed=repr(text), song=song.label, id=song.id)
        print(harmless(note), file=sys.stderr)
    return song.id


def _show(console: Console, found: Recommendations) -> None:
    from rich.table import Table
    from rich.text import Text

    several = len(found.seeds) > 1
    if len(found.seeds) == 1:
        # Once above the table instead of in each row.
        title = texts.say("songs-like-title", songs=found.seeds[0].label)
        console.print(Text(harmless(title), "bold"))
    headings = ["id", texts.say("terminal-song-heading")]
    if any(suggestion.reasons for suggestion in found.songs):
        headings.append(texts.say("terminal-reasons-heading" if several else "terminal-shared-heading"))
    table = Table(*headings, box=None, header_style="bold")
    for suggestion in found.songs:
        names = (Text(harmless(name)) for name in (suggestion.song.id, suggestion.song.label))
        said = "; ".join(_counted(reason, named=several) for reason in suggestion.reasons)
        table.add_row(*[*names, Text(harmless(said), "dim")][: len(headings)])
    console.print(table)


def _counted(reason: Reason, *, named: bool) -> str:
    counted = texts.say("terminal-shared", shared=reason.shared, playlists=reason.playlists)
    return f"{reason.song.label} ({counted})" if named else counted
