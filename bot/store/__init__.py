"""What the bot keeps about people. Nothing outside this package knows what database that is."""

from bot.store.boards import Board, Round
from bot.store.likes import LikedSong
from bot.store.store import Store

__all__ = ["Board", "LikedSong", "Round", "Store"]
