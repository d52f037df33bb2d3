"""Who may do what, decided on this side: Discord's own permissions can be overridden in a server."""

from __future__ import annotations

from bot.client import Interaction
from bot.errors import Refused


class NotAnAdmin(Refused):
    """Only people who manage the server may do this."""


def is_admin(interaction: Interaction) -> bool:
    """Whether the person manages the server, or has one of the roles that the settings name."""
    if interaction.guild_id is None:
        return False
    # Ids as Discord sent them with this very interaction: `roles` leaves out what the cache has not heard of.
    roles = getattr(interaction.user, "_roles", ())
    named = interaction.client.settings.discord.admin_role_ids
    return interaction.permissions.manage_guild or any(role in named for role in roles)


def require_admin(interaction: Interaction) -> None:
    if not is_admin(interaction):
        raise NotAnAdmin
