"""The messages of /paths."""

from __future__ import annotations

import math

import discord

from bot.visible import source
from cogs.paths import picture
from cogs.shared.looking import about, described, pictured
from cogs.shared.reply import BLUE, Reply, csv_file, quoted
from cogs.shared.text import clip, code, percent
from models.results import Branch, Paths
from texts import say

_LONGEST = 300


def paths(view: Paths) -> Reply:
    """The most likely and the sampled continuation in words, the tree as a picture, and every path as a file."""
    ways = list(picture.leaves(view.root))
    longest = max(map(len, ways))
    # A branch that beam search dropped is likely only because it is short.
    best = max((way for way in ways if len(way) == longest or way[-1].ends), key=_likelihood)
    greedy = next(way for way in ways if way[-1].greedy)
    sampled = next(way for way in ways if way[-1].sampled)
    embed = discord.Embed(
        title=quoted(view.reading.text),
        description=described(
            _named("paths-best", best),
            say("paths-greedy-is-best") if best == greedy else _named("paths-greedy", greedy),
            _named("paths-sampled", sampled),
            about(view.reading),
            say("paths-pruned", shown=picture.LEAVES, paths=len(ways)) if len(ways) > picture.LEAVES else "",
            care=say("paths-care"),
        ),
        colour=BLUE,
    )
    embed.set_footer(text=say("paths-footer", width=view.width, depth=view.depth, seed=view.seed))
    alt = say(
        "paths-alt",
        paths=len(ways),
        best=_text(best),
        share=percent(_likelihood(best)),
        greedy=_text(greedy),
    )
    return pictured("paths", embed, picture.draw(view), _csv(ways), alt)


Way = tuple[Branch, ...]
"""The branches from the text to the end of a path, the root left out."""


def _likelihood(way: Way) -> float:
    return math.prod(branch.probability for branch in way)


def _text(way: Way) -> str:
    return "".join(source(branch.piece) for branch in way)


def _named(name: str, way: Way) -> str:
    return say(name, text=code(clip(_text(way), _LONGEST)), share=percent(_likelihood(way)))


def _csv(ways: list[Way]) -> bytes:
    rows = [
        (
            number,
            depth,
            branch.piece.id,
            source(branch.piece),
            f"{branch.probability:.6g}",
            "yes" if branch.greedy else "no",
            "yes" if branch.sampled else "no",
        )
        for number, way in enumerate(ways, 1)
        for depth, branch in enumerate(way, 1)
    ]
    return csv_file(("path", "depth", "id", "token", "probability", "greedy", "sampled"), rows)
