"""Who may do what, decided on this side: Discord's own permissions can be overridden in a server."""

from __future__ import annotations

from typing import Any

import discord


def is_admin(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person manages the server, or has one of the roles that the settings name."""
    if interaction.guild_id is None:
        return False
    # Ids as Discord sent them with this very interaction: `roles` leaves out what the cache has not heard of.
    roles = getattr(interaction.user, "_roles", ())
    named = interaction.client.settings.discord.admin_role_ids
    return interaction.permissions.manage_guild or any(role in named for role in roles)
