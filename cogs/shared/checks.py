"""Permission checks on the bot's side: Discord's own permissions can be overridden in a server."""

from __future__ import annotations

from bot.admins import is_admin
from bot.client import Interaction
from bot.failures import Refused


class NotAnAdmin(Refused):
    """Restricts a command to admins."""


def require_admin(interaction: Interaction) -> None:
    if not is_admin(interaction):
        raise NotAnAdmin
