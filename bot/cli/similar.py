"""`similar`: the nearest words, the similarity of two words, or the odd one out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import texts
from bot.cli import questions
from bot.cli.arguments import add_count, add_json
from bot.cli.terminal import loading
from bot.settings.load import load
from bot.visible import harmless
from models.specs import WordsSpec

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import Neighbour

SUMMARY = "find the nearest words"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument(
        "text",
        nargs="+",
        metavar="QUERY",
        help="a word; a sum such as king - man + woman; two words separated by a comma, to compare; or more, to find the odd one out",
    )
    parser.add_argument(
        "--by",
        choices=("word", "vector"),
        default="word",
        help="vector includes the word itself among the nearest (default: word)",
    )
    add_count(parser)


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.results import Neighbour, Neighbourhood, OddOne, Pair
    from models.words.vectors import WordVectors

    with loading() as progress:
        words = WordVectors.load(questions.required_spec(load(arguments.config), WordsSpec), progress)
    result = words.ask(arguments.text, n=arguments.n, by_vector=arguments.by == "vector")
    match result:
        case Neighbourhood():
            if console:
                _show(console, result.neighbours)
            return {"neighbours": _scores(result.neighbours)}
        case Pair():
            if console:
                _show(
                    console,
                    [Neighbour(f"{result.first}, {result.second}", result.cosine)],
                    texts.say(
                        "terminal-pair",
                        first=result.first,
                        second=result.second,
                        second_rank=result.rank_of_second,
                        first_rank=result.rank_of_first,
                        others=result.words - 1,
                    ),
                )
            ranks = [result.rank_of_second, result.rank_of_first]
            return {"words": [result.first, result.second], "cosine": result.cosine, "ranks": ranks}
        case OddOne():
            if console:
                _show(console, result.words, texts.say("terminal-odd-one", word=result.odd))
            return {"odd": result.odd, "words": _scores(result.words)}


def _show(console: Console, words: Sequence[Neighbour], note: str = "") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("word", "cosine", "", box=None, header_style="bold")
    for neighbour in words:
        bar = "▇" * round(max(0.0, neighbour.score) * 20)
        table.add_row(Text(harmless(neighbour.word)), f"{neighbour.score:.3f}", bar)
    console.print(table)
    if note:
        console.print(Text(harmless(note), "dim"))


def _scores(words: Sequence[Neighbour]) -> list[dict[str, object]]:
    return [{"word": neighbour.word, "score": neighbour.score} for neighbour in words]
