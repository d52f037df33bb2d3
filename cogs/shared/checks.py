"""Who may do what, decided on this side: Discord's own permissions can be overridden in a server."""

from __future__ import annotations

from bot.admins import is_admin
from bot.failures import Refused
from bot.tree import Interaction


def require_admin(interaction: Interaction) -> None:
    if not is_admin(interaction):
        raise Refused("Only people who manage this server may do that. Ask one of them.")
