"""Where Discord is: the one place that changes discord.py's addresses, which hold for the whole process.

A proxy or the sandbox can stand in Discord's place. The library has no setting for that; large bots do the same.
"""

from __future__ import annotations

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.settings.schema import GATEWAY_URL


def use_rest(api_url: str) -> None:
    Route.BASE = api_url


def use_gateway(configured: str, named_by_discord: str) -> None:
    """Have every new session connect to the configured gateway, or else to the one that Discord names."""
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(own_gateway(configured) or named_by_discord)


def keep_gateway(socket: DiscordWebSocket, configured: str) -> None:
    """Have a session resume where it began. Discord names another gateway for that, which would go around a proxy."""
    if url := own_gateway(configured):
        socket.gateway = yarl.URL(url)


def own_gateway(configured: str) -> str:
    """The configured gateway, if it is another than Discord's own."""
    return "" if configured.rstrip("/") == GATEWAY_URL else configured
