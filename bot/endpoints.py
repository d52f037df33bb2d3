"""Discord's addresses: the only place that changes those of discord.py, which apply to the whole process.

They can point to a proxy or to the sandbox. The library has no setting for that.
"""

from __future__ import annotations

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.settings.schema import GATEWAY_URL


def use_rest(api_url: str) -> None:
    Route.BASE = api_url


def use_gateway(configured: str, named_by_discord: str) -> None:
    """Make every new session connect to the configured gateway, or otherwise to the one from Discord."""
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(own_gateway(configured) or named_by_discord)


def keep_gateway(socket: DiscordWebSocket, configured: str) -> None:
    """Make sessions resume where they started. Discord names another gateway for that, which would bypass a proxy."""
    if url := own_gateway(configured):
        socket.gateway = yarl.URL(url)


def own_gateway(configured: str) -> str:
    """The configured gateway, if it differs from Discord's own."""
    return "" if configured.rstrip("/") == GATEWAY_URL else configured
