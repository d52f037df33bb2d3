"""What /help and /learn say of each command: where it stands in the tour, and an example that works here and now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.examples import EXTRA, Command, Example, Fitted


class Topic(StrEnum):
    """The stations of the tour, in its order."""

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
    """Without its slot in the settings the command is not shown."""

    topic: Topic = Topic.ABOUT


def guide(topic: Topic, example: str, slot: str = "", fitted: Fitted | None = None) -> dict[str, Any]:
    """The `extras` of a command: `example` as the documentation has it, and `fitted` where that may not work."""
    return {"example": example, EXTRA: Guide(example, slot, fitted, topic)}


def guide_of(command: Command) -> Guide:
    """What a command says of itself; a command that says nothing stands with those about the bot."""
    found = command.extras.get(EXTRA)
    return found if isinstance(found, Guide) else Guide()
