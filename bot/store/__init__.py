"""What the bot keeps about people. Nothing outside this package knows what database that is."""

from bot.store.likes import LikedSong
from bot.store.store import Store

__all__ = ["LikedSong", "Store"]
