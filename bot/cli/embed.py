"""`embed`: the encoder's vectors for the tokens of a text, and how a second text shifts those of shared words."""

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

    from models.results import Contexts, Embedding

SUMMARY = "show the vectors that the encoder gives the tokens of a text"
SHOWN = 6
"""Numbers of a vector that are shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)
    parser.add_argument(
        "other", metavar="OTHER", nargs="?", help="a second text; the words that both share are compared"
    )


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.encoder import Encoder

    with loading() as progress:
        encoder = Encoder.load(questions.required_spec(load(arguments.config), EncoderSpec), progress)
    if arguments.other is not None:
        contexts = encoder.contexts(arguments.text, arguments.other)
        if console:
            _show_contexts(console, contexts)
        return {
            "words": [{"word": word.text, "cosine": word.cosine} for word in contexts.words],
            "moved": contexts.moved.text,
            "unrelated": contexts.unrelated,
            "model": contexts.first.model,
        }
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


def _show_contexts(console: Console, contexts: Contexts) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("word", "cosine", box=None, header_style="bold")
    for word in contexts.words:
        table.add_row(Text(spelt(word.text)[0]), f"{word.cosine:+.3f}")
    console.print(table)
    moved = spelt(contexts.moved.text)[0]
    console.print(
        texts.say("terminal-moved", word=moved, cosine=f"{contexts.moved.cosine:.3f}"), markup=False
    )
    if contexts.unrelated is not None:
        unrelated = texts.say(
            "terminal-unrelated", cosine=f"{contexts.unrelated:.3f}", model=contexts.first.model
        )
        console.print(Text(unrelated, "dim"))
