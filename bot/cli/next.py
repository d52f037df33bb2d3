"""`next`: the language model's next-token distribution, before and after sampling settings."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import texts
from bot.cli import looking, questions
from bot.cli.arguments import MOST_RESULTS, add_json, add_text, not_negative, number

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import NextToken

SUMMARY = "show which tokens the language model expects after a text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)
    parser.add_argument(
        "--top", type=number(int, 1, MOST_RESULTS), default=15, metavar="N", help="how many (default: 15)"
    )
    parser.add_argument(
        "--temperature",
        type=number(float, 0, 2),
        default=1.0,
        metavar="T",
        help="0 to 2; 1 (default) changes nothing, 0 keeps only the likeliest",
    )
    parser.add_argument(
        "--top-k", type=not_negative, default=0, metavar="K", help="keep the K likeliest (default: 0, all)"
    )
    parser.add_argument(
        "--top-p",
        type=number(float, 0.01, 1),
        default=1.0,
        metavar="P",
        help="0.01 to 1; keep the likeliest with total probability P (default: 1, all)",
    )
    parser.add_argument(
        "--min-p",
        type=number(float, 0, 1),
        default=0.0,
        metavar="P",
        help="0 to 1; keep those with P times the probability of the likeliest (default: 0, all)",
    )


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.inside.next_token import next_token
    from models.sampling import Sampling

    sampling = Sampling(
        arguments.temperature, top_k=arguments.top_k, top_p=arguments.top_p, min_p=arguments.min_p
    )
    view = next_token(looking.model(arguments), arguments.text, sampling=sampling, top=arguments.top)
    if console:
        _show(console, view)
    return {
        "text": view.reading.text,
        "ids": view.reading.ids,
        "entropy_bits": view.entropy_bits,
        "candidates": [
            {
                "id": option.piece.id,
                "token": option.piece.text,
                "probability": option.probability,
                "kept": option.kept,
            }
            for option in view.options
        ],
    }


def _show(console: Console, view: NextToken) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("token", box=None, header_style="bold")
    for heading in ("id", "before", "after"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for option in view.options:
        table.add_row(
            Text(looking.shown(option.piece)),
            str(option.piece.id),
            f"{option.probability:.2%}",
            f"{option.kept:.2%}" if option.kept else "-",
            looking.bar(option.kept),
            style="" if option.kept else "dim",
        )
    console.print(table)
    about = texts.say(
        "terminal-next",
        bits=f"{view.entropy_bits:.2f}",
        choices=f"{view.choices:,.1f}",
        left=view.left,
        after=f"{view.kept_choices:,.1f}",
    )
    console.print(Text(about))
    looking.show_reading(console, view.reading)
