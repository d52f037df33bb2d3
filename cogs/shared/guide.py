"""What /help and /learn show for each command: its place in the tour, and an example that works now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.examples import EXTRA, Command, Example, Fitted
from bot.limits import EVERYWHERE


class Topic(StrEnum):
    """The topics of the tour, in order."""

    TOKENS = "tokens"
    TEXT = "text"
    INSIDE = "inside"
    VECTORS = "vectors"
    WORDS = "words"
    SONGS = "songs"
    LIKES = "likes"
    DATA = "data"
    ABOUT = "about"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Guide(Example):
    """The command is hidden if this slot is not configured."""

    topic: Topic = Topic.ABOUT


def guide(topic: Topic, example: str, slot: str = "", fitted: Fitted | None = None) -> dict[str, Any]:
    """The `extras` of a command: its documented `example`, and `fitted` if that may not work with every model.

    Commands about people's own data work in every channel.
    """
    return {"example": example, EVERYWHERE: topic is Topic.DATA, EXTRA: Guide(example, slot, fitted, topic)}


def guide_of(command: Command) -> Guide:
    """A command's guide entry; without one, it belongs to the topic about the bot."""
    found = command.extras.get(EXTRA)
    return found if isinstance(found, Guide) else Guide()
