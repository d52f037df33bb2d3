"""Songs, recommended and liked, as messages."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.store import LikedSong
from cogs.shared.reply import BLUE, Reply, foot
from cogs.shared.text import (
    DESCRIPTION,
    FIELD_VALUE,
    TITLE,
    clip,
    count,
    harmless,
    inline,
    listed,
    size,
    whole_lines,
)
from models.results import Recommendation, Recommendations, Song


def song(one: Song) -> str:
    """Title and artist amid markdown."""
    return f"**{inline(one.title, 100)}**" + (f" by {inline(one.artist, 80)}" if one.artist else "")


def recommendations(
    result: Recommendations,
    title: str,
    hint: str = "",
    *,
    because: str = "",
    first: int = 0,
    few: int = 0,
) -> Reply:
    """A list, numbered from `first` + 1. With `because`, the beginning of a reason, each song says which of the seed
    songs it came from, and whether it is in fewer than `few` playlists.
    """
    lines = [
        f"{number}. {song(recommendation.song)}{_why(recommendation, because, few) if because else ''}"
        for number, recommendation in enumerate(result.songs, first + 1)
    ]
    note = f"\n\n{hint}" if hint else ""
    songs = clip("\n".join(lines), DESCRIPTION - size(note))
    embed = discord.Embed(title=clip(title, TITLE), description=songs + note, colour=BLUE)
    foot(embed, harmless(result.model))
    return Reply(embed=embed)


def _why(recommendation: Recommendation, because: str, few: int) -> str:
    seeds = [inline(seed.title, 60) for seed in recommendation.because[:3]]
    parts = [f"{because} {listed(seeds)}"] if seeds else []
    if recommendation.playlists < few:
        parts.append(f"little known: in {count(recommendation.playlists, 'playlist')}")
    return f"\n-# {' · '.join(parts)}" if parts else ""


def liked_songs(
    songs: Sequence[LikedSong], first: int, total: int, unwanted: Sequence[Song] = ()
) -> discord.Embed:
    """One page of somebody's likes, numbered from `first` + 1, and what they do not want to be recommended."""
    lines = [
        f"{number}. {song(like.song)} · {discord.utils.format_dt(like.liked_at, 'd')}"
        for number, like in enumerate(songs, first + 1)
    ]
    embed = discord.Embed(
        title=f"You like {count(total, 'song')}", description=clip("\n".join(lines), DESCRIPTION), colour=BLUE
    )
    if unwanted:
        titles = [f"👎 {song(one)}" for one in unwanted]
        embed.add_field(
            name=f"Not recommended to you: {count(len(unwanted), 'song')}",
            value=whole_lines(titles, FIELD_VALUE),
        )
    return embed
