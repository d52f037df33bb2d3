"""Processes of one bot, each with some of its shards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cluster.processes import Processes, Program, python
from sandbox import Sandbox


async def start_bot(
    processes: Processes,
    box: Sandbox,
    config: Path,
    shards: str,
    *,
    database: str,
    environment: Mapping[str, str] | None = None,
) -> Program:
    """Start `run` for shards such as "0-1/4", connected to the sandbox; its data folder is next to its log.

    `database` is a URL; `environment` contains additional settings as environment variables.
    """
    name = f"bot {shards.partition('/')[0]}"
    settings = {
        "DISCORD_TOKEN": box.token,
        "TOKENWISE_DISCORD__API_URL": box.api_url,
        "TOKENWISE_DISCORD__GATEWAY_URL": box.gateway_url,
        "TOKENWISE_DATABASE__URL": database,
        "TOKENWISE_DATA_DIR": str(processes.folder / name),
        **(environment or {}),
    }
    command = python("-m", "bot", "run", "--shards", shards, "--config", str(config))
    return await processes.start(name, command, settings)
