"""Neighbours of words, as messages."""

from __future__ import annotations

import discord

from cogs.shared.reply import BLUE, Reply, csv_file, foot
from cogs.shared.text import DESCRIPTION, TITLE, block, clip, harmless, inline, ordinal, table
from cogs.similar import picture
from models.results import Neighbour, Neighbourhood, OddOne, Pair

_BAR_CELLS = 10


def words(found: Neighbourhood | Pair | OddOne) -> Reply:
    """What there is to see of words; with a map it takes some tenths of a second."""
    match found:
        case Neighbourhood():
            return neighbourhood(found)
        case Pair():
            return pair(found)
        case OddOne():
            return odd_one(found)


def neighbourhood(result: Neighbourhood) -> Reply:
    """The nearest words with their cosines, a map of them, and both as a table in a file."""
    rows = [
        (str(rank), clip(harmless(neighbour.word), 24), _bar(neighbour), f"{neighbour.score:.3f}")
        for rank, neighbour in enumerate(result.neighbours, 1)
    ]
    terms = " + ".join(inline(word, 80) for word in result.positive)
    terms += "".join(f" - {inline(word, 80)}" for word in result.negative)
    embed = discord.Embed(
        title=clip(f"Nearest to {terms}", TITLE),
        description=block(table(("", "word", "", "cosine"), rows, frozenset({1, 2})), DESCRIPTION),
        colour=BLUE,
    )
    itself = " · by vector, so the word itself is found too" if result.by_vector else ""
    foot(embed, f"{harmless(result.model)} · {_COSINE}{itself}")
    embed.set_image(url="attachment://map.png")
    places = {point.word: (point.x, point.y) for point in result.points}
    head = ("rank", "word", "cosine", "x", "y")
    lines = [
        (rank, it.word, f"{it.score:.6f}", *(f"{axis:.6f}" for axis in places.get(it.word, ())))
        for rank, it in enumerate(result.neighbours, 1)
    ]
    drawn = picture.word_map(result.points, [it.word for it in result.neighbours], result.explained)
    return Reply(embed=embed, files={"map.png": drawn, "neighbours.csv": csv_file(head, lines)})


def pair(found: Pair) -> Reply:
    """The cosine of two words, and how near that is among all words."""
    first, second = inline(found.first, 80), inline(found.second, 80)
    if found.first == found.second:
        place = "It is the same word, so its vector is the same."
    else:
        place = (
            f"Among the other {found.words - 1:,} words **{second}** is the {ordinal(found.rank_of_second)} nearest to"
            f" **{first}**, and **{first}** the {ordinal(found.rank_of_first)} nearest to **{second}**."
        )
    embed = discord.Embed(
        title=clip(f"{first} and {second}", TITLE),
        description=f"Cosine **{found.cosine:.3f}** {_bar(Neighbour(found.second, found.cosine))}\n{place}",
        colour=BLUE,
    )
    foot(embed, f"{harmless(found.model)} · {_COSINE}")
    return Reply(embed=embed)


def odd_one(found: OddOne) -> Reply:
    """Which of several words fits least, the cosine of each to the mean of all, and a map of them."""
    rows = [(clip(harmless(it.word), 24), _bar(it), f"{it.score:.3f}") for it in found.words]
    embed = discord.Embed(
        title=clip(f"{inline(found.odd, 100)} does not belong", TITLE),
        description="Its vector is furthest from the mean of all of them.\n"
        + block(table(("word", "", "cosine"), rows, frozenset({0, 1})), DESCRIPTION - 100),
        colour=BLUE,
    )
    foot(embed, f"{harmless(found.model)} · {_COSINE}")
    embed.set_image(url="attachment://map.png")
    ranked = [it.word for it in found.words]
    drawn = picture.word_map(found.points, ranked, found.explained, odd=found.odd)
    lines = [(it.word, f"{it.score:.6f}") for it in found.words]
    return Reply(embed=embed, files={"map.png": drawn, "words.csv": csv_file(("word", "cosine"), lines)})


_COSINE = "cosine 1 is the same direction, 0 is unrelated"


def _bar(neighbour: Neighbour) -> str:
    eighths = round(max(0.0, min(1.0, neighbour.score)) * _BAR_CELLS * 8)
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).rstrip()
