"""/privacy: what is kept about somebody, as a file, or gone; and who may build on it."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.privacy.command import Delete, Privacy
from cogs.shared.buttons import Keep


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(Delete, Keep)
    await bot.add_cog(Privacy(bot))
