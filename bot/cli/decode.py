"""`decode`: token ids as text."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bot.cli import questions
from bot.cli.arguments import add_json
from bot.cli.tokens import named_tokenizers
from bot.visible import harmless

if TYPE_CHECKING:
    from rich.console import Console

SUMMARY = "turn token ids back into text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument(
        "--tokenizer", required=True, metavar="NAME_OR_PATH", help="the tokenizer whose ids they are"
    )
    parser.add_argument("ids", type=int, nargs="+", metavar="ID", help="token ids")


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    group = named_tokenizers([arguments.tokenizer], arguments.config)
    tokenizer = group.get(group.name)
    text = tokenizer.decode(arguments.ids)
    if console:
        from rich.text import Text

        console.print(Text(harmless(text)))
    return {
        "tokenizer": tokenizer.name,
        "ids": arguments.ids,
        "text": text,
        "tokens": [tokenizer.decode([token_id]) for token_id in arguments.ids],
    }
