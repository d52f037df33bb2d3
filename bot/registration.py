"""Registers the commands with Discord, and only when they changed.

Discord allows 200 registrations a day and bans bots that register on every start. The hash of what was
registered lies in the data folder, with the ids that Discord gave, which clickable mentions of commands
(`</tokens:ID>`) need.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import discord
from discord import app_commands

from models.files import kept

log = logging.getLogger(__name__)

EVERYWHERE = "global"


class CommandRegister:
    """What is registered where, as a file in the data folder remembers it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._application = 0
        self._known: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            content: dict[str, Any] = kept.read_json(path) or {}
            self._application = int(content["application"])
            self._known = {
                str(target): {
                    "hash": str(entry["hash"]),
                    "ids": {str(name): int(number) for name, number in entry["ids"].items()},
                }
                for target, entry in content["targets"].items()
            }

    def forget(self) -> None:
        """Register everything again next time."""
        self._known = {}
        self._path.unlink(missing_ok=True)

    @property
    def ids(self) -> dict[str, int]:
        """Ids of the commands by name; those that are registered everywhere win."""
        return {
            name: number
            for target in sorted(self._known, key=EVERYWHERE.__eq__)
            for name, number in self._known[target]["ids"].items()
        }

    async def sync(self, tree: app_commands.CommandTree[Any], guild_ids: Sequence[int]) -> None:
        """Register what changed since last time, in the guilds or else everywhere.

        What does not work is logged and tried again at the next start: the commands of last time still do.
        """
        application = tree.client.application_id or 0
        if application != self._application:
            self._known = {}
            self._application = application
        payload = [command.to_dict(tree) for command in tree.get_commands()]
        digest = fingerprint(payload)
        wanted = [str(guild) for guild in guild_ids] or [EVERYWHERE]
        for target in wanted:
            if self._known.get(target, {}).get("hash") != digest:
                await self._put(tree, target, payload, digest)
        # A test server that is no longer named would show every command twice.
        for target in [name for name in self._known if name not in wanted and name != EVERYWHERE]:
            await self._put(tree, target, [], None)

    async def _put(
        self, tree: app_commands.CommandTree[Any], target: str, payload: list[Any], digest: str | None
    ) -> None:
        http = tree.client.http
        try:
            if target == EVERYWHERE:
                answer = await http.bulk_upsert_global_commands(self._application, payload=payload)
            else:
                answer = await http.bulk_upsert_guild_commands(
                    self._application, int(target), payload=payload
                )
        except discord.Forbidden:
            if digest is None:  # the bot has left that server, and its commands went with it
                self._forget_target(target)
                return
            log.error("commands are not registered in server %s: the bot was not invited there", target)  # noqa: TRY400
            return
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.error("commands could not be registered (%s): %s", target, " ".join(str(error).split()))  # noqa: TRY400
            return
        if not isinstance(answer, list):
            log.error("commands could not be registered (%s): Discord's answer is no list", target)
            return
        if digest is None:
            self._forget_target(target)
        else:
            self._known[target] = {"hash": digest, "ids": _ids(answer)}
            self._save()
        log.info("registered %d commands (%s)", len(payload), target)

    def _forget_target(self, target: str) -> None:
        del self._known[target]
        self._save()

    def _save(self) -> None:
        try:
            content: dict[str, kept.JSON] = {"application": self._application, "targets": self._known}
            kept.write_json(self._path, content)
        except OSError as error:
            log.error("the registered commands cannot be remembered: %s", error)  # noqa: TRY400


def _ids(answer: Any) -> dict[str, int]:
    """Ids by name; none from a stand-in for Discord that does not say them."""
    try:
        return {str(command["name"]): int(command["id"]) for command in answer}
    except (KeyError, TypeError, ValueError):
        return {}


def fingerprint(payload: Sequence[Any]) -> str:
    """A hash of the commands that does not depend on the order in which cogs were loaded."""
    parts = sorted(json.dumps(command, sort_keys=True) for command in payload)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
