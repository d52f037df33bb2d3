"""How fast likes are in PostgreSQL when there are many, compared with the driver used directly.

    python -m bench.likes URL [--people 1000000 --likes 20]

URL names an empty database, such as postgresql+asyncpg://bot@/likes?host=/run/postgresql. It is filled with this many
people and likes per person; then each operation runs for one person after another. Times are in milliseconds
per call; a like waits until it is on disk.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.lag import percentile
from bot.store import Store
from models.results import Song

FIRST = 100_000_000_000_000_000
ASKED = 2000
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


async def timed(ways: dict[str, Callable[[int], Awaitable[object]]], people: int) -> dict[str, list[float]]:
    """Milliseconds of every operation. The methods take turns, so that other load affects them all, each time with
    another person, so that none benefits from another's cached data.
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
    for statement in ("SET statement_timeout = 0", FILL, "ANALYZE likes"):
        values = {"first": FIRST, "people": people, "likes": people * likes} if statement is FILL else {}
        await connection.execute(text(statement), values)
    await connection.commit()


async def measure(url: str, people: int, likes: int) -> dict[str, list[float]]:
    store = await Store.open(Path(), url)
    try:
        # The benchmark measures the store; its engine is only used to fill the database.
        async with store._database._engine.connect() as connection:  # noqa: SLF001
            await fill(connection, people, likes)
            driver: Any = (await connection.get_raw_connection()).driver_connection

            async def like(person: int) -> None:
                async with driver.transaction(isolation="serializable"):
                    await driver.execute(LIKE, person, "theirs")
                    await driver.execute(TAKE_BACK, person, "theirs")

            return await timed(
                {
                    "like, driver": like,
                    "like": lambda person: store.likes.add(person, Song("ours", "", "")),
                    "list, driver": lambda person: driver.fetch(LIST, person),
                    "list": store.likes.list,
                    "export of one person": store.export,
                },
                people,
            )
    finally:
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.likes", description=__doc__)
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--likes", type=int, default=20, help="of each")
    arguments = parser.parse_args()
    measured = asyncio.run(measure(arguments.url, arguments.people, arguments.likes))
    table = Table("what", "p50, ms", "p99, ms")
    for what, times in measured.items():
        table.add_row(what, f"{percentile(times, 0.5):.2f}", f"{percentile(times, 0.99):.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
