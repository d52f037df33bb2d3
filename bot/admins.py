"""Who may do what, decided on this side: Discord's own permissions can be overridden in a server."""

from __future__ import annotations

from typing import Any

import discord


def is_admin(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person is one of those who run the bot, and asks in a server that the bot was invited to.

    They are the owner of the application, the members of its team, people with a role that the settings name, and those
    who manage a server that the settings name as home. On any other server whoever invited the bot is a stranger.
    """
    if (
        not interaction.is_guild_integration()
    ):  # of a user's own installation Discord tells nothing that can be relied on
        return False
    settings = interaction.client.settings.discord
    at_home = interaction.guild_id in settings.home_guild_ids and interaction.permissions.manage_guild
    return (
        at_home
        or any(role in settings.admin_role_ids for role in roles_of(interaction))
        or _owns(interaction)
    )


def manages_server(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person manages the server where the interaction happens."""
    return interaction.guild_id is not None and (
        interaction.permissions.manage_guild or is_admin(interaction)
    )


def roles_of(interaction: discord.Interaction[Any]) -> tuple[int, ...]:
    """The ids of the person's roles, as Discord sent them with this very interaction: `roles` of a member leaves out what
    the cache has not heard of.
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
