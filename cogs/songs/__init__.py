"""/recommend and /likes: songs from playlists, and people's opinions of them."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.shared.buttons import KeepButton
from cogs.songs.likes import ClearLikesButton, LikesCommands, LikesPageButton, UndislikeMenu
from cogs.songs.lists import (
    CompareButton,
    FavouritesButton,
    FavouritesForm,
    MapButton,
    SongActions,
    TurnPageButton,
)
from cogs.songs.recommend import RecommendCommands
from cogs.songs.thumbs import ThumbDown, ThumbUp


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(
        ThumbUp,
        ThumbDown,
        TurnPageButton,
        CompareButton,
        MapButton,
        SongActions,
        FavouritesButton,
        LikesPageButton,
        UndislikeMenu,
        ClearLikesButton,
        KeepButton,
    )
    FavouritesForm.register(bot)
    await bot.add_cog(RecommendCommands(bot))
    await bot.add_cog(LikesCommands(bot))
