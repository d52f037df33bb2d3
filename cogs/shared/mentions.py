"""Commands as clickable mentions."""

from __future__ import annotations

from bot.client import Tokenwise


def mention(bot: Tokenwise, command: str) -> str:
    """`command` is the full name, such as `likes list`; plain text until its id is known."""
    identity = bot.command_ids.get(command.partition(" ")[0])
    return f"</{command}:{identity}>" if identity else f"`/{command}`"
