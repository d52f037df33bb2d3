"""Speed of likes in a large PostgreSQL database, compared with the driver used directly and with the disk.

    python -m bench.scaling store [--people 1000000 --likes 20] [--url URL]

It starts a temporary server and fills it with that many people and likes. --url names an existing database instead, such
as postgresql+asyncpg://bot@/likes?host=/run/postgresql, which is filled if it is empty. Then random people make each
request in turn. Times are in milliseconds from the call to the answer. A like waits until it is on disk, so nothing is
faster than the first line: writing 8 kB and fdatasync.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.lag import percentile
from bot.store import Store
from cluster.postgresql import Server, reachable_folder, running
from models.results import Song

FIRST = 100_000_000_000_000_000
ASKED = 2000
PAGE, PAGES = 8192, 2048
OPTIONS = ("shared_buffers=1GB", "max_wal_size=4GB")
"""Of the server. The rest is as it comes, `fsync` and `synchronous_commit` included."""
FILL = """
    INSERT INTO likes (user_id, song_id, title, artist, liked_at)
    SELECT :first + number * 7919 % :people, number::text, 'A title of the usual length', 'Some Artist',
           '2026-01-02T03:04:05+00:00'
    FROM generate_series(1::bigint, :likes) AS number
"""
LIKE = """
    INSERT INTO likes (user_id, song_id, title, artist, liked_at) VALUES ($1, $2, 'title', 'artist', '2026-01-02T03:04:05+00:00')
    ON CONFLICT DO NOTHING
"""
TAKE_BACK = "DELETE FROM dislikes WHERE user_id = $1 AND song_id = $2"
LIST = "SELECT song_id, title, artist, liked_at FROM likes WHERE user_id = $1 ORDER BY position"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", metavar="URL", help="an existing database instead of a new server")
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--likes", type=int, default=20, help="likes per person")


async def run(arguments: argparse.Namespace) -> None:
    with ExitStack() as stack:
        url = arguments.url
        if not url:
            folder = stack.enter_context(reachable_folder())
            server = stack.enter_context(running(Server(folder / "postgresql", OPTIONS)))
            url = server.create_database("likes")
        measured = await measure(url, arguments.people, arguments.likes)
    table = Table("what", "p50, ms", "p99, ms")
    for what, times in measured.items():
        table.add_row(what, f"{percentile(times, 0.5):.2f}", f"{percentile(times, 0.99):.2f}")
    Console().print(table)
    print("load average:", *(f"{load:.1f}" for load in os.getloadavg()), "on", os.cpu_count(), "processors")


async def timed(ways: dict[str, Callable[[int], Awaitable[object]]], people: int) -> dict[str, list[float]]:
    """Milliseconds of every answer. The methods take turns, so that other load on the machine affects all alike, each
    time with another person, so that none profits from what another has cached.
    """
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ASKED):
        for way, ask in ways.items():
            person = FIRST + random.randrange(people)
            began = time.perf_counter()
            await ask(person)
            times[way].append(1000 * (time.perf_counter() - began))
    return times


async def fill(connection: AsyncConnection, people: int, likes: int) -> None:
    """Fill an empty database, and finish the server's background work."""
    if (await connection.execute(text("SELECT 1 FROM likes LIMIT 1"))).first() is not None:
        return
    await connection.execute(text("SET statement_timeout = 0"))
    began = time.monotonic()
    await connection.execute(text(FILL), {"first": FIRST, "people": people, "likes": people * likes})
    await connection.commit()
    print(f"{people * likes:,} likes written in {time.monotonic() - began:.0f} s")
    await connection.execution_options(isolation_level="AUTOCOMMIT")
    for statement in ("VACUUM ANALYZE likes", "CHECKPOINT"):
        await connection.execute(text(statement))


async def measure(url: str, people: int, likes: int) -> dict[str, list[float]]:
    store = await Store.open(Path(), url)
    marker = str(time.time())  # songs that no one likes yet
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(PAGE * PAGES))
        file.flush()
        os.fsync(file.fileno())

        async def to_disk(_: int) -> None:
            os.pwrite(file.fileno(), os.urandom(PAGE), random.randrange(PAGES) * PAGE)
            os.fdatasync(file.fileno())

        try:
            # The store is measured; its engine is borrowed only to fill the database.
            async with store._database._engine.connect() as connection:  # noqa: SLF001
                await fill(connection, people, likes)
            async with store._database._engine.connect() as connection:  # noqa: SLF001
                driver: Any = (await connection.get_raw_connection()).driver_connection

                async def like(person: int) -> None:
                    async with driver.transaction(isolation="serializable"):
                        await driver.execute(LIKE, person, f"theirs {marker}")
                        await driver.execute(TAKE_BACK, person, f"theirs {marker}")

                return await timed(
                    {
                        "fdatasync": to_disk,
                        "like, driver": like,
                        "like": lambda person: store.likes.add(person, Song(f"ours {marker}", "", "")),
                        "list, driver": lambda person: driver.fetch(LIST, person),
                        "list": store.likes.list,
                        "export of one person": store.export,
                    },
                    people,
                )
        finally:
            await store.close()
