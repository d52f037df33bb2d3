"""Permissions. The bot checks them itself, because servers can override Discord's command permissions."""

from __future__ import annotations

from typing import Any

import discord


def is_admin(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person is an admin of the bot, and the interaction is in a server that the bot was invited to.

    Admins are the application's owner and team, people with a role listed in the settings, and those who manage a
    home server listed in the settings. Managers of other servers are not admins.
    """
    if (
        not interaction.is_guild_integration()
    ):  # for a user installation, Discord sends no reliable roles or permissions
        return False
    settings = interaction.client.settings.discord
    at_home = interaction.guild_id in settings.home_guild_ids and interaction.permissions.manage_guild
    return (
        at_home
        or any(role in settings.admin_role_ids for role in roles_of(interaction))
        or _owns(interaction)
    )


def manages_server(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person manages the server where the interaction takes place."""
    return interaction.guild_id is not None and (
        interaction.permissions.manage_guild or is_admin(interaction)
    )


def roles_of(interaction: discord.Interaction[Any]) -> tuple[int, ...]:
    """The ids of the person's roles, as Discord sent them with this interaction: a member's `roles` omits roles that
    are not in the cache.
    """
    return tuple(getattr(interaction.user, "_roles", ()))


def _owns(interaction: discord.Interaction[Any]) -> bool:
    application: discord.AppInfo | None = interaction.client.application
    if application is None:
        return False
    if application.team is None:
        return application.owner.id == interaction.user.id
    return any(
        member.id == interaction.user.id
        and member.membership_state is discord.TeamMembershipState.accepted
        and member.role is not discord.TeamMemberRole.read_only
        for member in application.team.members
    )
