"""`lens`: the next token that each layer of the language model would predict."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import texts
from bot.cli import looking, questions
from bot.cli.arguments import add_json, add_text

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import Lens

SUMMARY = "show what each layer of the language model would say next (logit lens)"
CELL = 10
"""Characters of a cell."""
MARGIN = 6
"""Characters of the layer's number before the cells."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.inside.lens import lens

    model = looking.model(arguments)
    # Do not compute columns that do not fit the terminal.
    columns = max(1, (console.width - MARGIN) // (CELL + 1)) if console else None
    view = lens(model, arguments.text, start=0 if columns is None else -columns, count=columns)
    if console:
        _show(console, view)
    return {
        "ids": view.reading.ids,
        "tokens": view.reading.tokens,
        "layers": [[looking.as_json(guess) for guess in row] for row in view.layers],
    }


def _show(console: Console, view: Lens) -> None:
    from rich.text import Text

    count = len(view.layers[0])
    pieces = view.reading.pieces[view.start : view.start + count]
    head = "".join(f" {_cell(looking.shown(piece))}" for piece in pieces)
    console.print(Text(f"{'':{MARGIN - 1}}{head}", "bold"))
    last = len(view.layers) - 1
    for number, row in enumerate(view.layers):
        line = Text(
            f"{'input' if not number else 'final' if number == last else number:>{MARGIN - 1}}", "dim"
        )
        for guess in row:
            line.append(" ")
            line.append(looking.shaded(_cell(looking.shown(guess.piece)), guess.probability))
        console.print(line)
    console.print(
        Text(
            texts.say(
                "terminal-lens",
                answer=looking.shown(view.layers[-1][-1].piece),
                layer=view.takes_over(count - 1),
                layers=last,
            )
        )
    )
    looking.show_reading(console, view.reading)


def _cell(text: str) -> str:
    from rich.cells import set_cell_size

    return set_cell_size(text, CELL)
