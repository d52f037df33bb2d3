"""/recommend and /likes: songs from playlists, and what people say about them."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.shared.buttons import Keep
from cogs.songs.likes import Clear, Likes, Page
from cogs.songs.recommend import Favourites, More, Recommend, Turn, Which
from cogs.songs.thumbs import Dislike, Like


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(Like, Dislike, Turn, More, Which, Favourites, Page, Clear, Keep)
    await bot.add_cog(Recommend(bot))
    await bot.add_cog(Likes(bot))
