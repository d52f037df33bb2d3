"""`embed`: the vectors that the encoder gives the tokens of a text."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import texts
from bot.cli import questions
from bot.cli.arguments import add_json, add_text
from bot.cli.terminal import loading
from bot.settings.load import load
from bot.visible import spelt
from models.specs import EncoderSpec

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import Embedding

SUMMARY = "show the vectors that the encoder gives the tokens of a text"
SHOWN = 6
"""Numbers of a vector that are shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.encoder import Encoder

    with loading() as progress:
        encoder = Encoder.load(questions.required_spec(load(arguments.config), EncoderSpec), progress)
    embedding = encoder.embed(arguments.text)
    if console:
        _show(console, embedding)
    return {
        "tokens": list(embedding.tokens),
        "ids": list(embedding.ids),
        "shape": list(embedding.shape),
        "model": embedding.model,
    }


def _show(console: Console, embedding: Embedding) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("token", "id", "vector", box=None, header_style="bold")
    for token, token_id, vector in zip(embedding.tokens, embedding.ids, embedding.vectors, strict=True):
        start = " ".join(f"{value:+.3f}" for value in vector[:SHOWN])
        table.add_row(Text(spelt(token)[0]), str(token_id), f"{start} ...")
    console.print(table)
    _, count, size = embedding.shape
    about = texts.say("terminal-embedding", model=embedding.model, tokens=str(count), numbers=str(size))
    console.print(Text(about, "dim"))
