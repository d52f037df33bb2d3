"""`tokens`: how tokenizers split a text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli import questions
from bot.cli.arguments import add_json, add_text
from bot.cli.failures import NoSuchPath, NoTokenizers
from bot.cli.terminal import loading
from bot.settings.load import load
from bot.settings.schema import ConfigError
from bot.visible import harmless, spelt_piece
from models.failures import ModelError
from models.progress import Progress
from models.sections import TokenizersSection
from models.specs import TokenizersSpec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from models.results import Piece, Tokenization
    from models.tokenizers.tokenizer import Tokenizers

SUMMARY = "show how tokenizers split a text"
COLOURS = (
    "black on bright_cyan",
    "black on bright_green",
    "black on bright_yellow",
    "black on bright_magenta",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)
    parser.add_argument(
        "--tokenizer", action="append", metavar="NAME_OR_PATH", help="a tokenizer to use; repeatable"
    )


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    group = (
        named_tokenizers(arguments.tokenizer, arguments.config)
        if arguments.tokenizer
        else _configured_tokenizers(arguments.config)
    )
    tokenizations, unable = group.attempt(arguments.text)
    failures = group.failures | unable
    for reason in map(str, failures.values()):
        print(harmless(reason), file=sys.stderr)
    if console:
        _show(console, tokenizations)
    answer: questions.Answer = {
        "text": arguments.text,
        "tokenizers": [
            {
                "name": tokenization.name,
                "count": tokenization.count,
                "ids": tokenization.ids,
                "tokens": tokenization.tokens,
                "vocab_size": tokenization.vocab_size,
                "algorithm": tokenization.algorithm,
            }
            for tokenization in tokenizations
        ],
    }
    if failures:
        answer["failures"] = {name: failure.sentence for name, failure in failures.items()}
    return answer


def named_tokenizers(names: Sequence[str], config: Path | None) -> Tokenizers:
    """Tokenizers by their names in the settings, by hub name (downloaded if necessary) or by path.

    If only some load, the others are in its failures. Raises ModelError if none loads.
    """
    from models.tokenizers.tokenizer import Tokenizer, Tokenizers, labels

    known = _folders_in_settings(config)
    for name in names:
        # Models are named after the last part of their folder, but the user typed a path and expects that.
        if name.startswith(("/", ".", "~")) and not Path(name).expanduser().exists():
            raise NoSuchPath(name)
    addresses = [known.get(name, name) for name in names]
    loaded: list[Tokenizer] = []
    failures: dict[str, ModelError] = {}
    with loading() as progress:
        for address, label in zip(addresses, labels(addresses), strict=True):
            try:
                _fetch(address, progress)
                loaded.append(Tokenizer.load(address, label))
            except ModelError as error:
                failures[label] = error
    if not loaded:
        raise next(iter(failures.values()))
    return Tokenizers(loaded, failures)


def _configured_tokenizers(config: Path | None) -> Tokenizers:
    """All tokenizers in the settings that load."""
    from models.tokenizers.tokenizer import Tokenizers

    with loading() as progress:
        group = Tokenizers.load(questions.required_spec(load(config), TokenizersSpec), progress)
    if not group.names:
        raise NoTokenizers
    return group


def _folders_in_settings(config: Path | None) -> dict[str, str]:
    """The folders of the tokenizers in the settings, by their last part, which is their name in the bot."""
    try:
        section = load(config).section(TokenizersSection)
    except ConfigError:
        if config is not None:
            raise
        return {}  # explicit tokenizers need no settings
    names = section.names if section else []
    return {Path(name).name: name for name in names if Path(name).is_absolute()}


def _fetch(name: str, progress: Progress) -> None:
    """Download a tokenizer that is named on the command line and exists only on the hub."""
    from models.files import fetching
    from models.files.items import Kind

    def watch(what: str, done: int, total: int | None) -> None:
        progress(f"downloading {what}", done / total if total else None)

    for item in TokenizersSpec((name,)).items("tokenizers"):
        if item.kind is not Kind.PATH:
            fetching.fetch(item, watch)


def _show(console: Console, tokenizations: Sequence[Tokenization]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("tokenizer", "algorithm", box=None, header_style="bold")
    for heading in ("tokens", "characters per token", "vocabulary"):
        table.add_column(heading, justify="right")
    for tokenization in tokenizations:
        table.add_row(
            Text(harmless(tokenization.name)),
            tokenization.algorithm,
            str(tokenization.count),
            f"{tokenization.characters_per_token:.2f}",
            f"{tokenization.vocab_size:,}",
        )
    console.print(table)
    for tokenization in tokenizations:
        console.print()
        console.print(Text(harmless(tokenization.name), "bold"))
        console.print(_pieces(tokenization.pieces))
        console.print(Text(" ".join(map(str, tokenization.ids)), "dim"))


def _pieces(pieces: Sequence[Piece]) -> Text:
    """The pieces side by side in alternating colours, with bars in between for terminals without colour."""
    from rich.text import Text

    text = Text()
    for number, piece in enumerate(pieces):
        if number:
            text.append("│", "dim")
        text.append(spelt_piece(piece)[0], "reverse" if piece.special else COLOURS[number % len(COLOURS)])
    return text
