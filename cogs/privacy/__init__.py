"""/privacy: show, export, share or delete a person's data."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.privacy.command import DeleteEverythingButton, PrivacyCommands
from cogs.shared.buttons import KeepButton


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(DeleteEverythingButton, KeepButton)
    await bot.add_cog(PrivacyCommands(bot))
