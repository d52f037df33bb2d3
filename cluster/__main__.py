"""`make cluster`: the whole bot as many processes on this machine, without Docker.

PostgreSQL, a Ray head and two worker nodes, the models on them, two processes of the bot with two shards each, and the
sandbox with four guilds. Asks in all four, prints where each answer came from, and stops everything.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from rich.console import Console

from cluster.postgresql import PostgresqlError, reachable_folder
from cluster.processes import ProcessEnded
from cluster.show import show, why_not


async def _run() -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run created one
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with reachable_folder() as folder:
        await show(folder, Console(highlight=False, soft_wrap=True))


def main() -> int:
    argparse.ArgumentParser(prog="python -m cluster", description=__doc__).parse_args()
    if reason := why_not():
        print(reason, file=sys.stderr)
        return 1
    try:
        asyncio.run(_run())
    except (PostgresqlError, ProcessEnded) as error:
        print(error, file=sys.stderr)
        return 1
    except TimeoutError as error:
        print(f"This machine is too slow: {error or 'something took too long'}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
