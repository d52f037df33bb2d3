"""`surprise`: how unexpected each token of a text was to the language model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import texts
from bot.cli import looking, questions
from bot.cli.arguments import add_json, add_text

if TYPE_CHECKING:
    from rich.console import Console

    from models.results import Surprise

SUMMARY = "show how much each token of a text surprises the language model"
MOST_BITS = 16.0
"""Tokens with at least this many bits have the strongest colour."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.inside.surprise import surprise

    view = surprise(looking.model(arguments), arguments.text)
    if console:
        _show(console, view)
    return {
        "ids": view.reading.ids,
        "tokens": view.reading.tokens,
        "bits": list(view.bits),
        "perplexity": view.perplexity,
    }


def _show(console: Console, view: Surprise) -> None:
    from rich.text import Text

    text = Text()
    for piece, bits in zip(view.reading.pieces, view.bits, strict=True):
        shown = looking.shown(piece)
        text.append(Text(shown, "dim") if bits is None else looking.shaded(shown, bits / MOST_BITS))
        text.append("│", "dim")
    console.print(text)
    if view.perplexity is not None:
        mean = f"{view.mean_bits:.2f}"
        console.print(Text(texts.say("terminal-perplexity", bits=mean, perplexity=f"{view.perplexity:,.1f}")))
    for peak in view.peaks:
        expected = [f"{looking.shown(guess.piece)} {guess.probability:.0%}" for guess in peak.expected]
        console.print(
            Text(
                texts.say(
                    "terminal-surprising",
                    token=looking.shown(view.reading.pieces[peak.place]),
                    bits=f"{peak.bits:.1f}",
                    expected=", ".join(expected),
                )
            )
        )
    looking.show_reading(console, view.reading)
