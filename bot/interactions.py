"""Arrival times of interactions, and the events of their acknowledgement and completion."""

from __future__ import annotations

import time
from typing import Any, TypeAlias

import discord

from bot.events import Acknowledged, CommandDone, Events

Interaction: TypeAlias = "discord.Interaction[Any]"

REMEMBERED = 1000
"""Interactions without an acknowledgement that are remembered; nobody waits for one longer than three seconds."""
_BEGAN, _NAME = "began", "name"


class Interactions:
    """Code that handles interactions reports here when one arrived and when it was done."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._open: dict[int, tuple[str, float]] = {}
        """Kind and arrival of those that are not acknowledged yet."""

    def began(self, interaction: Interaction, name: str = "") -> None:
        """Record the arrival of an interaction; `name` is used unless it is a command."""
        now = time.monotonic()
        interaction.extras.update({_BEGAN: now, _NAME: name})
        self._open[interaction.id] = interaction.type.name, now
        while len(self._open) > REMEMBERED:
            del self._open[next(iter(self._open))]

    def acknowledged(self, interaction_id: int) -> None:
        """Record that Discord accepted the first answer to an interaction."""
        if (found := self._open.pop(interaction_id, None)) is not None:
            kind, began = found
            self._events.emit(Acknowledged(kind, time.monotonic() - began))

    def done(self, interaction: Interaction, outcome: str) -> None:
        """Record the outcome of an interaction: "answered", or the name of the failure."""
        now = time.monotonic()
        name = interaction.extras.get(_NAME) or _name(interaction)
        seconds = now - interaction.extras.get(_BEGAN, now)
        place = interaction.guild_id, interaction.channel_id
        self._events.emit(
            CommandDone(str(interaction.id), name, outcome, seconds, interaction.user.id, *place)
        )


def _name(interaction: Interaction) -> str:
    """The command as people type it, or the type of the interaction."""
    if isinstance(interaction.command, discord.app_commands.ContextMenu):
        return interaction.command.name
    return f"/{interaction.command.qualified_name}" if interaction.command else interaction.type.name
