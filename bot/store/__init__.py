"""The data that the bot stores about people. Nothing outside this package knows which database it uses."""

from bot.store.boards import Board, Round
from bot.store.likes import LikedSong
from bot.store.store import Store

__all__ = ["Board", "LikedSong", "Round", "Store"]
