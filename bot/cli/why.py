"""`why`: how much each word of a prompt contributes to a token of its continuation."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import texts
from bot.cli import looking, questions
from bot.cli.arguments import add_json, number
from bot.visible import harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from models.results import Attribution

SUMMARY = "show which words of a prompt a token of its continuation depends on"
FURTHEST = 255
"""The last token of a continuation that can be explained."""
_BARS = 0.6
"""Of the usual length, because two of them stand beside each other."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("text", metavar="PROMPT", help="the beginning of the text; - reads standard input")
    parser.add_argument(
        "--token",
        type=number(int, 0, FURTHEST),
        default=0,
        metavar="N",
        help="which token of the continuation, counted from 0 (default: 0, the first)",
    )


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.inside.attribution import why

    view = why(looking.model(arguments), arguments.text, place=arguments.token)
    if console:
        _show(console, view)
    return {
        "ids": view.reading.ids,
        "tokens": view.reading.tokens,
        "target": looking.as_json(view.target),
        "occlusion": view.occlusion,
        "gradient": None if view.gradients is None else list(view.gradients),
    }


def _show(console: Console, view: Attribution) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("word", box=None, header_style="bold")
    for heading in (texts.say("mattered-occlusion"), "", texts.say("mattered-gradient"), ""):
        table.add_column(heading, justify="right" if heading else "left")
    drops = [abs(part.occlusion or 0) for part in view.parts]
    products = [abs(part.gradient or 0) for part in view.parts]
    for part in view.parts:
        table.add_row(
            Text(harmless(part.text), "bold"),
            *_value(part.occlusion, max(drops)),
            *_value(part.gradient, max(products)),
        )
    console.print(table)
    console.print(
        Text(
            texts.say(
                "terminal-why",
                token=looking.shown(view.target.piece),
                probability=f"{view.target.probability:.1%}",
            )
        )
    )
    looking.show_reading(console, view.reading)


def _value(value: float | None, largest: float) -> tuple[Text, Text]:
    from rich.text import Text

    if value is None:
        return Text("-", "dim"), Text()
    label = f"{value:+.2f}"
    return Text(label if float(label) else "0"), Text(
        looking.bar(_BARS * abs(value) / largest if largest else 0.0),
        "dodger_blue2" if value > 0 else "dark_orange",
    )
