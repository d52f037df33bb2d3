"""Answers to buttons, menus and forms that no view in this process handles, which would otherwise just fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord

KINDS = (discord.InteractionType.component, discord.InteractionType.modal_submit)


def form_of(interaction: discord.Interaction[Any]) -> str:
    """The custom_id of the form that was sent; "" for other interactions."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return ""
    data: Mapping[str, object] = interaction.data or {}
    return str(data.get("custom_id", ""))


def is_unclaimed(interaction: discord.Interaction[Any]) -> bool:
    """Whether nothing handles it: an earlier version sent the button, or the form was open while the bot restarted."""
    if interaction.type not in KINDS:
        return False
    data: Mapping[str, object] = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    store = interaction.client._connection._view_store  # noqa: SLF001 - the only list of registered handlers
    if interaction.type is discord.InteractionType.modal_submit:
        return custom_id not in store._modals  # noqa: SLF001
    return not any(pattern.fullmatch(custom_id) for pattern in store._dynamic_items)  # noqa: SLF001
