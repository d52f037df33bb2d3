"""The messages of /similar."""

from __future__ import annotations

import discord

from cogs.shared.reply import BLUE, Reply, csv_file, foot
from cogs.shared.text import DESCRIPTION, TITLE, block, clip, columns, harmless, inline, ordinal, table
from cogs.similar import picture
from models.results import Neighbourhood, OddOne, Pair
from texts import say

_BAR_CELLS = 8


def words(result: Neighbourhood | Pair | OddOne) -> Reply:
    """The result for one or more words; with a map it takes tenths of a second."""
    match result:
        case Neighbourhood():
            return neighbourhood(result)
        case Pair():
            return pair(result)
        case OddOne():
            return odd_one(result)


def neighbourhood(result: Neighbourhood) -> Reply:
    """The nearest words with their cosines, a map of them, and both as a table in a file."""
    rows = [
        (str(rank), harmless(neighbour.word), _bar(neighbour.score), f"{neighbour.score:.3f}")
        for rank, neighbour in enumerate(result.neighbours, 1)
    ]
    embed = discord.Embed(
        title=clip(say("similar-title", query=inline(result.query, 160)), TITLE),
        description=block(table(columns("similar-columns"), rows, frozenset({1, 2})), DESCRIPTION),
        colour=BLUE,
    )
    footer = "similar-footer-by-vector" if result.by_vector else "similar-footer"
    foot(embed, say(footer, model=harmless(result.model)))
    embed.set_image(url="attachment://map.png")
    places = {point.word: (point.x, point.y) for point in result.points}
    head = ("rank", "word", "cosine", "x", "y")
    lines = [
        (
            rank,
            neighbour.word,
            f"{neighbour.score:.6f}",
            *(f"{axis:.6f}" for axis in places.get(neighbour.word, ())),
        )
        for rank, neighbour in enumerate(result.neighbours, 1)
    ]
    ranked = [neighbour.word for neighbour in result.neighbours]
    drawn = picture.word_map(result.points, ranked, result.explained)
    return Reply(
        embed=embed,
        files={"map.png": drawn, "neighbours.csv": csv_file(head, lines)},
        alt={"map.png": say("similar-alt", query=clip(result.query, 200), words=ranked)},
    )


def pair(result: Pair) -> Reply:
    """The cosine of two words, and how it compares with all other words."""
    first, second = inline(result.first, 80), inline(result.second, 80)
    if result.first == result.second:
        ranks = say("similar-pair-same")
    else:
        ranks = say(
            "similar-pair-ranks",
            others=result.words - 1,
            first=first,
            second=second,
            rank_of_first=ordinal(result.rank_of_first),
            rank_of_second=ordinal(result.rank_of_second),
        )
    cosine = say("similar-pair-cosine", cosine=result.cosine, bar=_bar(result.cosine))
    embed = discord.Embed(
        title=clip(say("similar-pair-title", first=first, second=second), TITLE),
        description=f"{cosine}\n{ranks}",
        colour=BLUE,
    )
    foot(embed, say("similar-footer", model=harmless(result.model)))
    return Reply(embed=embed)


def odd_one(result: OddOne) -> Reply:
    """The odd one out of several words, the cosine of each to the mean of all, and a map of them."""
    rows = [(harmless(word.word), _bar(word.score), f"{word.score:.3f}") for word in result.words]
    shown = block(table(columns("similar-odd-columns"), rows, frozenset({0, 1})), DESCRIPTION - 100)
    embed = discord.Embed(
        title=clip(say("similar-odd-title", word=inline(result.odd, 100)), TITLE),
        description=f"{say('similar-odd-explained')}\n{shown}",
        colour=BLUE,
    )
    foot(embed, say("similar-footer", model=harmless(result.model)))
    embed.set_image(url="attachment://map.png")
    ranked = [word.word for word in result.words]
    drawn = picture.word_map(result.points, ranked, result.explained, odd=result.odd)
    lines = [(word.word, f"{word.score:.6f}") for word in result.words]
    return Reply(
        embed=embed,
        files={"map.png": drawn, "words.csv": csv_file(("word", "cosine"), lines)},
        alt={"map.png": say("similar-odd-alt", odd=result.odd, words=ranked)},
    )


def _bar(cosine: float) -> str:
    eighths = round(max(0.0, min(1.0, cosine)) * _BAR_CELLS * 8)
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).rstrip()
