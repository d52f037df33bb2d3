"""Shared by the commands that look inside the language model: the model, tokens in a terminal, and colour scales."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

import texts
from bot.cli import questions
from bot.cli.terminal import loading
from bot.settings.load import load
from bot.visible import harmless, spelt_piece
from models.specs import LanguageSpec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from models.language.model import LanguageModel
    from models.results import Guess, Piece, Reading

BAR = 24
"""Length of the longest bar, in characters."""
_SHADES = (
    "on grey11",
    "on grey23",
    "on deep_sky_blue4",
    "on dodger_blue2",
    "black on gold3",
    "black on yellow1",
)
"""From low to high; distinguishable by lightness alone."""


def model(arguments: argparse.Namespace) -> LanguageModel:
    """The language model of the settings."""
    from models.language.model import LanguageModel

    spec = questions.required_spec(load(arguments.config), LanguageSpec)
    with loading() as progress:
        return LanguageModel.load(spec, progress)


def shown(piece: Piece) -> str:
    """A token as `tokens` shows it."""
    return harmless(spelt_piece(piece)[0])


def shaded(text: str, share: float) -> Text:
    """A text on a background that is lighter for larger shares in [0, 1]."""
    from rich.text import Text

    return Text(text, _SHADES[min(len(_SHADES) - 1, int(share * len(_SHADES)))])


def bar(share: float) -> str:
    """A bar for a share in [0, 1]."""
    return "█" * round(share * BAR) or "▏" * (share > 0)


def as_json(guess: Guess) -> Mapping[str, object]:
    return {"id": guess.piece.id, "token": guess.piece.text, "probability": guess.probability}


def show_reading(console: Console, reading: Reading) -> None:
    """The model, how many tokens it read, and whether the beginning-of-text token is missing."""
    from rich.text import Text

    about = texts.say("terminal-read", model=harmless(reading.model), count=len(reading.pieces))
    left_out = f" {texts.say('terminal-bos-left-out')}" if reading.bos_left_out else ""
    console.print(Text(f"{about}{left_out}", "dim"))
