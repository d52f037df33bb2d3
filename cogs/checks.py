"""Who may do what, decided on this side: Discord's own permissions can be overridden in a server."""

from __future__ import annotations

from bot.client import Interaction
from bot.errors import Refused


def is_admin(interaction: Interaction) -> bool:
    """Whether the person manages the server, or has one of the roles that the settings name."""
    if interaction.guild_id is None:
        return False
    roles = {role.id for role in getattr(interaction.user, "roles", ())}
    named = interaction.client.settings.discord.admin_role_ids
    return interaction.permissions.manage_guild or not roles.isdisjoint(named)


def require_admin(interaction: Interaction) -> None:
    if not is_admin(interaction):
        raise Refused("Only people who manage this server may do that. Ask one of them.")
