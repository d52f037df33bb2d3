"""`attention`: the attention weights between the tokens of a text, in one layer of the language model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import texts
from bot.cli import looking, questions
from bot.cli.arguments import add_json, add_text, not_negative

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import Attention

SUMMARY = "show where each token of a text looks, in one layer of the language model"
LOOKED_AT = 3
"""Number of tokens shown per row: those that it attends to most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)
    parser.add_argument(
        "--layer", type=not_negative, default=0, metavar="L", help="counted from 0 (default: 0)"
    )
    parser.add_argument("--head", type=not_negative, metavar="H", help="counted from 0 (default: all heads)")


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.inside.attention import attention

    model = looking.model(arguments)
    view = attention(model, arguments.text, layer=arguments.layer, head=arguments.head)
    if console:
        _show(console, view)
        return {}
    return {
        "ids": view.reading.ids,
        "tokens": view.reading.tokens,
        "weights": view.weights.array().tolist(),
    }


def _show(console: Console, view: Attention) -> None:
    from rich.table import Table
    from rich.text import Text

    weights = view.weights.array().mean(0)
    table = Table("token", "attends to", box=None, header_style="bold")
    for piece, row in zip(view.reading.pieces, weights, strict=True):
        line = Text()
        for place in row.argsort()[::-1][:LOOKED_AT].tolist():
            if row[place] > 0:
                token = looking.shown(view.reading.pieces[place])
                line.append(looking.shaded(f" {token} {row[place]:.0%} ", float(row[place])))
                line.append(" ")
        table.add_row(Text(looking.shown(piece), "bold"), line)
    console.print(table)
    heads = Table("head", box=None, header_style="bold")
    for heading in ("token before", "first token", "induction"):
        heads.add_column(heading, justify="right")
    for score in view.scores:
        if score.layer == view.layer and view.head in {None, score.head}:
            shares = (score.previous, score.first, score.induction)
            heads.add_row(f"{score.layer}.{score.head}", *(looking.shaded(f"{s:.0%}", s) for s in shares))
    console.print(heads)
    which = "terminal-attention-mean" if view.head is None else "terminal-attention-head"
    console.print(
        Text(texts.say(which, layer=view.layer, head=view.head or 0, last=view.layers - 1, heads=view.heads))
    )
    looking.show_reading(console, view.reading)
