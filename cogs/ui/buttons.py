"""Buttons that survive a restart: each carries what it needs in its custom_id and nothing is held."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import discord

from bot import errors
from bot.client import Interaction

P = ParamSpec("P")
ItemT = TypeVar("ItemT", bound=discord.ui.Item[Any])
Button = discord.ui.Button[discord.ui.View]
Press = Callable[Concatenate[ItemT, Interaction, P], Awaitable[None]]


def reported(press: Press[ItemT, P]) -> Press[ItemT, P]:
    """Failures of a dynamic item's callback go to the one mapper; discord.py would only log them."""

    @functools.wraps(press)
    async def wrapper(item: ItemT, interaction: Interaction, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await press(item, interaction, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the mapper knows what to do with any
            await errors.report(interaction, error)

    return wrapper


class Buttons(discord.ui.View):
    """Rows of dynamic items. Sent as a finished view, so that discord.py keeps neither it nor a timer:
    presses find their class by the custom_id.
    """

    def __init__(self, *items: discord.ui.DynamicItem[Any]) -> None:
        super().__init__(timeout=1)
        for item in items:
            self.add_item(item)
        self.stop()


def only_for(interaction: Interaction, user_id: int, whose: str) -> None:
    """Refuses everybody but the person whose button it is."""
    if interaction.user.id != user_id:
        raise errors.Refused(f"That button belongs to {whose}. Ask the command yourself to get your own.")
