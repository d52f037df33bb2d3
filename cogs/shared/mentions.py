"""Commands as links that can be clicked."""

from __future__ import annotations

from bot.client import Tokenwise


def mention(bot: Tokenwise, command: str) -> str:
    """`command` is the full name, such as `likes list`; plain text while Discord has given it no id."""
    identity = bot.command_ids.get(command.partition(" ")[0])
    return f"</{command}:{identity}>" if identity else f"`/{command}`"
