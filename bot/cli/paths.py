"""`paths`: the most likely continuations of a text as a tree."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import texts
from bot.cli import looking, questions
from bot.cli.arguments import add_json, add_text, number
from models.service import MOST_DEPTH, MOST_WIDTH

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    from models.results import Branch

SUMMARY = "show the likeliest continuations of a text as a tree"
_LEAST = 0.001
"""Smaller probabilities are not told apart."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_text(parser)
    parser.add_argument(
        "--width",
        type=number(int, 1, MOST_WIDTH),
        default=3,
        metavar="W",
        help=f"number of paths to follow, up to {MOST_WIDTH} (default: 3)",
    )
    parser.add_argument(
        "--depth",
        type=number(int, 1, MOST_DEPTH),
        default=4,
        metavar="D",
        help=f"number of tokens, up to {MOST_DEPTH} (default: 4)",
    )


def run(arguments: argparse.Namespace) -> int:
    return questions.reply(arguments, _ask)


def _ask(arguments: argparse.Namespace, console: Console | None) -> questions.Answer:
    from models.inside.paths import paths

    view = paths(looking.model(arguments), arguments.text, width=arguments.width, depth=arguments.depth)
    if console:
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(looking.shown(view.root.piece), "bold"))
        _grow(tree, view.root)
        console.print(tree)
        console.print(Text(texts.say("terminal-paths", width=view.width)))
        looking.show_reading(console, view.reading)
    return _as_json(view.root)


def _as_json(branch: Branch) -> dict[str, object]:
    return {
        "id": branch.piece.id,
        "token": branch.piece.text,
        "probability": branch.probability,
        "next": [_as_json(child) for child in branch.next],
    }


def _grow(tree: Tree, branch: Branch) -> None:
    for child in branch.next:
        _grow(tree.add(_label(child)), child)


def _label(branch: Branch) -> Text:
    from rich.text import Text

    label = Text(f"{looking.shown(branch.piece)} ", "bold" if branch.greedy else "")
    share = f"{branch.probability:.1%}" if branch.probability >= _LEAST else "<0.1%"
    label.append(looking.shaded(f" {share} ", branch.probability))
    label.append(" ★" * branch.greedy + " ⚄" * branch.sampled)
    return label
