"""Who counts as an admin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.admins import is_admin, manages_server

OWNER, MEMBER, STRANGER, HOME = 1, 2, 3, 70


def asking(
    user: int,
    *,
    guild: int | None = HOME,
    invited: bool = True,
    manages: bool = False,
    roles: tuple[int, ...] = (),
) -> Any:
    accepted = discord.TeamMembershipState.accepted
    team = SimpleNamespace(
        members=[
            SimpleNamespace(id=MEMBER, membership_state=accepted, role=discord.TeamMemberRole.developer),
            SimpleNamespace(id=4, membership_state=accepted, role=discord.TeamMemberRole.read_only),
            SimpleNamespace(
                id=5, membership_state=discord.TeamMembershipState.invited, role=discord.TeamMemberRole.admin
            ),
        ]
    )
    application = SimpleNamespace(owner=SimpleNamespace(id=OWNER), team=team if user != OWNER else None)
    settings = SimpleNamespace(discord=SimpleNamespace(admin_role_ids=[9], home_guild_ids=[HOME]))
    return SimpleNamespace(
        user=SimpleNamespace(id=user, _roles=roles),
        guild_id=guild,
        permissions=discord.Permissions(manage_guild=manages),
        client=SimpleNamespace(settings=settings, application=application),
        is_guild_integration=lambda: invited and guild is not None,
    )


@pytest.mark.parametrize(
    ("interaction", "admin"),
    [
        (asking(OWNER), True),
        (asking(MEMBER), True),
        (asking(4), False),
        (asking(5), False),
        (asking(STRANGER), False),
        (asking(STRANGER, manages=True), True),
        (asking(STRANGER, manages=True, guild=71), False),
        (asking(STRANGER, roles=(9,), guild=71), True),
        (asking(STRANGER, roles=(8,)), False),
        (asking(OWNER, invited=False), False),
        (asking(STRANGER, manages=True, invited=False), False),
        (asking(OWNER, guild=None), False),
    ],
)
def test_who_runs_the_bot(interaction: Any, admin: bool) -> None:
    assert is_admin(interaction) is admin


def test_whoever_manages_a_server_may_keep_order_there() -> None:
    assert manages_server(asking(STRANGER, manages=True, guild=71))
    assert not manages_server(asking(STRANGER))
    assert not manages_server(asking(STRANGER, manages=True, guild=None))
