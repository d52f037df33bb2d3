"""The commands, with one pace for everybody and one handler of failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import discord
from discord import app_commands

from bot.errors import report
from bot.events import CommandBegan
from models.failures import Stopping

if TYPE_CHECKING:
    from bot.client import Tokenwise
    from bot.settings.schema import Limits

Interaction: TypeAlias = "discord.Interaction[Tokenwise]"

MANY_PEOPLE = 256
"""From so many people on, those who have been silent are forgotten."""


class Tree(app_commands.CommandTree["Tokenwise"]):
    def __init__(self, client: Tokenwise) -> None:
        super().__init__(client)
        self._paces: dict[int, app_commands.Cooldown] = {}

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        bot = interaction.client
        if interaction.type is discord.InteractionType.autocomplete:
            return not bot.stopping.is_set()
        bot.events.emit(CommandBegan(str(interaction.id)))
        if bot.stopping.is_set():
            await report(interaction, Stopping())
            return False
        self._count(interaction.user.id, bot.settings.limits)
        return True

    def _count(self, user: int, limits: Limits) -> None:
        """Count a command of this person; CommandOnCooldown if it is one too many."""
        if len(self._paces) > MANY_PEOPLE:
            self._paces = {who: pace for who, pace in self._paces.items() if pace.get_tokens() < pace.rate}
        pace = self._paces.setdefault(user, app_commands.Cooldown(limits.commands, limits.seconds))
        if wait := pace.update_rate_limit():
            raise app_commands.CommandOnCooldown(pace, wait)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await report(interaction, error)
