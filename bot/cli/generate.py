"""`generate`: the language model continues a text."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import texts
from bot.cli import questions
from bot.cli.arguments import add_json, not_negative, number
from bot.cli.terminal import loading
from bot.settings.load import load
from bot.visible import harmless
from models.sections import LanguageSection
from models.specs import LanguageSpec

if TYPE_CHECKING:
    from rich.console import Console

SUMMARY = "let the language model continue a text"
MOST_TOKENS = 8192
"""More than on Discord, because nobody else waits, but a bound on typing errors."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("text", metavar="PROMPT", help="the beginning of the text; - reads standard input")
    parser.add_argument(
        "--max-new-tokens",
        type=number(int, 1, MOST_TOKENS),
        metavar="N",
        help=f"maximum number of new tokens, up to {MOST_TOKENS:,}",
    )
    parser.add_argument(
        "--temperature",
        type=number(float, 0, 2),
        default=0.0,
        metavar="T",
        help="0 to 2; 0 (default) always takes the likeliest token",
    )
    parser.add_argument(
        "--top-k",
        type=not_negative,
        default=0,
        metavar="K",
        help="sample from the K likeliest tokens (default: 0, all)",
    )
    parser.add_argument(
        "--top-p",
        type=number(float, 0.01, 1),
        default=1.0,
        metavar="P",
        help="0.01 to 1; sample from the likeliest tokens with total probability P (default: 1, all)",
    )
    parser.add_argument("--seed", type=not_negative, metavar="S", help="the same seed gives the same text")


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from rich.text import Text

    from models.language.model import LanguageModel
    from models.sampling import Sampling

    settings = load(arguments.config)
    limits = questions.required_section(settings, LanguageSection)
    with loading() as progress:
        # The speed limit is for watching text grow on Discord.
        spec = replace(questions.required_spec(settings, LanguageSpec), tokens_per_second=0)
        model = LanguageModel.load(spec, progress)
    shown, begun = 0, False

    def show(text: str, _tokens: Sequence[object] = ()) -> None:
        nonlocal shown, begun
        if console:
            if not begun:
                apart = "\n\n" if model.chats else ""  # an answer does not go on where the prompt ends
                console.print(Text(harmless(arguments.text) + apart, "bold"), end="")
            console.print(Text(harmless(text)), end="")
            shown, begun = shown + len(text), True

    result = model.generate(
        arguments.text,
        max_new_tokens=arguments.max_new_tokens or limits.default_new_tokens,
        sampling=Sampling(
            arguments.temperature, top_k=arguments.top_k, top_p=arguments.top_p, seed=arguments.seed
        ),
        on_text=show,
    )
    if console:
        show(result.text[shown:])
        about = texts.say(
            "terminal-generated",
            model=harmless(result.model),
            device=model.device,
            dtype=model.dtype,
            tokens=str(len(result.output_ids)),
            seconds=f"{result.seconds:.1f}",
            finish=result.finish,
        )
        console.print(Text(f"\n\n{about}", "dim"))
    return {
        "prompt": result.prompt,
        "text": result.text,
        "input_ids": list(result.input_ids),
        "output_ids": list(result.output_ids),
        "finish": result.finish,
        "seed": result.seed,
        "model": result.model,
    }
