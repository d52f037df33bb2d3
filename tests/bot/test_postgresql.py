"""The store on a PostgreSQL server: what is said when it cannot be used, and what its outages cost."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.failures import (
    DatabaseEncoding,
    DatabaseNotSupported,
    DatabaseReadOnly,
    DatabaseTooNew,
    DatabaseTooOld,
    DatabaseUnusable,
    DatabaseUrlUnreadable,
    PostgresqlNotInstalled,
    StartupError,
    StoreUnavailable,
    StoreUncertain,
)
from bot.store import Store, postgresql
from models.results import Song
from tests.bot.conftest import Start, until
from tests.bot.test_store import NAMELESS, YESTERDAY
from tests.postgresql import QUOTED, Cluster


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.database()


@pytest.fixture
async def store(tmp_path: Path, url: str) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path, url)
    yield opened
    await opened.close()


async def refusal(url: str, kind: type[StartupError]) -> str:
    """The sentence with which a database is refused."""
    with pytest.raises(kind) as failure:
        await Store.open(Path("/nowhere"), url)
    said = str(failure.value)
    assert "\n" not in said
    assert "p@ss" not in said
    assert QUOTED not in said
    return said


def name_in(url: str) -> str:
    """The name of the database that a URL leads to."""
    return url.partition("?")[0].rpartition("/")[2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "bot"'),
        ({"user": "nobody"}, 'password authentication failed for user "nobody"'),
        ({"database": "nothing"}, 'database "nothing" does not exist'),
    ],
)
async def test_what_does_not_fit_the_server_is_one_sentence(
    cluster: Cluster, change: dict[str, str], reason: str
) -> None:
    url = cluster.url(**{"database": "postgres", **change})
    assert f": {reason}." in await refusal(url, DatabaseUnusable)


@pytest.mark.parametrize(
    ("url", "kind", "reason"),
    [
        (f"postgresql+asyncpg://bot:{QUOTED}@127.0.0.1:1/tokenwise", DatabaseUnusable, "127.0.0.1"),
        (f"postgresql+asyncpg://bot:{QUOTED}@nowhere.invalid/tokenwise", DatabaseUnusable, "@nowhere.invalid/tokenwise: "),
        (f"postgresql+asyncpg://bot:{QUOTED}@localhost/tokenwise?colour=red", DatabaseUnusable, "colour"),
        (f"postgresql+psycopg://bot:{QUOTED}@localhost/tokenwise", DatabaseNotSupported, "postgresql+psycopg is not supported"),
        (f"mysql://bot:{QUOTED}@localhost/tokenwise", DatabaseNotSupported, "mysql is not supported"),
        ("postgresql://bot:p@ss@localhost/tokenwise", DatabaseUrlUnreadable, "database.url"),
        (f"postgresql://localhost:1/tokenwise?user=bot&password={QUOTED}", DatabaseUnusable, "Cannot use the database postgresql://localhost:1/tokenwise"),
        (f"postgresql://bot:{QUOTED}@127.0.0.1:1/tokenwise?sslmode=require", DatabaseUnusable, "127.0.0.1"),
    ],
)  # fmt: skip
async def test_a_url_that_leads_nowhere_is_one_sentence(
    url: str, kind: type[StartupError], reason: str
) -> None:
    pytest.importorskip("asyncpg")
    assert reason in await refusal(url, kind)


async def test_without_the_driver_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    assert "pip install" in await refusal("postgresql://localhost/tokenwise", PostgresqlNotInstalled)


async def test_servers_that_the_store_cannot_live_on_are_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await refusal(
        cluster.database("ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"), DatabaseEncoding
    )
    assert "SQL_ASCII" in said
    url = cluster.database()
    name = name_in(url)
    cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "is read-only" in await refusal(url, DatabaseReadOnly)
    monkeypatch.setattr(postgresql, "OLDEST", 99)
    assert "version 99 or later is required" in await refusal(url, DatabaseTooOld)


async def test_a_newer_database_is_refused_and_left_alone(cluster: Cluster, tmp_path: Path, url: str) -> None:
    await (await Store.open(tmp_path, url)).close()
    name = name_in(url)
    cluster.sql("UPDATE alembic_version SET version_num = '99'", name)
    assert "version 99, but this program supports versions only up to" in await refusal(url, DatabaseTooNew)
    assert cluster.sql("SELECT version_num FROM alembic_version", name) == "99"


async def test_the_bot_ends_with_one_line_and_exit_code_1(
    cluster: Cluster, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    run = await start(ready=False, database={"url": cluster.url("postgres", password="wrong")})
    assert await run.ended() == 1
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "password authentication failed" in line
    assert "wrong" not in line


async def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path, url: str) -> None:
    opened = await asyncio.gather(*(Store.open(tmp_path, url) for _ in range(5)))
    assert sorted(await asyncio.gather(*(store.likes.add(7, YESTERDAY) for store in opened))) == [
        False
    ] * 4 + [True]
    await asyncio.gather(*(store.close() for store in opened))


async def test_no_more_connections_than_allowed_serve_as_many_as_come(
    cluster: Cluster, tmp_path: Path, url: str
) -> None:
    store = await Store.open(tmp_path, url, 3)
    songs = [Song(str(number), "title", "artist") for number in range(60)]
    assert all(await asyncio.gather(*(store.likes.add(number, song) for number, song in enumerate(songs))))
    connected = cluster.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()", name_in(url)
    )
    assert int(connected) <= 3 + 1  # and the one that asks
    await store.close()


async def test_a_like_is_on_the_disk_although_the_server_would_not_wait(
    cluster: Cluster, tmp_path: Path, url: str
) -> None:
    name = name_in(url)
    for server, session in (("off", "on"), ("remote_apply", "remote_apply")):
        cluster.sql(f"ALTER DATABASE {name} SET synchronous_commit = {server}")
        store = await Store.open(tmp_path, url)
        async with store._database._engine.connect() as connection:
            assert (await connection.execute(text("SHOW synchronous_commit"))).scalar() == session
        await store.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_the_store_is_back_as_soon_as_the_server(
    cluster: Cluster, store: Store, number: signal.Signals
) -> None:
    assert await store.likes.add(7, YESTERDAY)
    await asyncio.to_thread(cluster.stop, number)
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="so nothing was changed"):
                await store.likes.add(7, NAMELESS)
            assert not store.reachable
    finally:
        cluster.start()
    assert [like.song for like in await store.likes.list(7)] == [YESTERDAY]
    assert await store.likes.add(7, NAMELESS)
    assert store.reachable


async def test_a_server_that_is_stuck_keeps_nobody_waiting_for_ever(
    cluster: Cluster, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await store.likes.add(7, YESTERDAY)
    monkeypatch.setattr(postgresql, "DEADLINE", 0.3)
    with cluster.stuck():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.likes.add(7, NAMELESS)
        assert time.monotonic() - began < 5
    monkeypatch.undo()
    await store.likes.add(7, NAMELESS)
    assert [like.song for like in await store.likes.list(7)] == [YESTERDAY, NAMELESS]


async def test_a_like_is_one_round_trip_and_as_isolated_as_ever(cluster: Cluster, store: Store) -> None:
    """The server logs every statement that it is asked for, BEGIN and COMMIT included."""
    cluster.sql("ALTER SYSTEM SET log_min_duration_statement = 0")
    cluster.sql("SELECT pg_reload_conf()")
    try:
        assert await store.likes.add(7, YESTERDAY)
        log = cluster.folder / "log.txt"
        before = len(log.read_text())
        assert await store.likes.dislike(7, YESTERDAY)
        done = [line for line in log.read_text()[before:].splitlines() if " execute " in line]
    finally:
        cluster.sql("ALTER SYSTEM RESET log_min_duration_statement")
        cluster.sql("SELECT pg_reload_conf()")
    assert len(done) == 1, done
    assert await store.likes.list(7) == []
    async with store._database._engine.connect() as connection:
        await connection.execution_options(**postgresql.SINGLE_STATEMENT)
        assert (await connection.execute(text("SHOW transaction_isolation"))).scalar() == "serializable"


AT_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_lock(1); PERFORM pg_advisory_unlock(1); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON likes DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait();
"""


async def test_who_loses_the_server_in_a_commit_is_told_that_nobody_knows(
    cluster: Cluster, store: Store, url: str
) -> None:
    name = name_in(url)
    cluster.sql(AT_COMMIT, name)
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    )
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'advisory'"
    async with store._database._engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(1)"))
        adding = asyncio.create_task(store.likes.add(7, YESTERDAY))
        while await asyncio.to_thread(cluster.sql, waiting, name) != "1":
            assert not adding.done()
        cluster.sql(end, name)
        with pytest.raises(StoreUncertain, match="whether it was saved"):
            await adding
    assert await store.likes.list(7) == []


async def test_who_waits_too_long_for_a_commit_is_told_the_same(
    cluster: Cluster, store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.sql(AT_COMMIT, name_in(url))
    monkeypatch.setattr(postgresql, "DEADLINE", 0.3)
    async with store._database._engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(1)"))
        with pytest.raises(StoreUncertain, match="whether it was saved"):
            await store.likes.add(7, YESTERDAY)
        assert not store.reachable
        await connection.execute(text("SELECT pg_advisory_unlock(1)"))
    assert await store.likes.add(7, NAMELESS)
    assert store.reachable


async def test_crashes_of_the_server_lose_no_acknowledged_like(
    cluster: Cluster, tmp_path: Path, url: str
) -> None:
    """Two processes write while the server is killed; what they were told is there, once."""
    command = [sys.executable, "-c", PERSISTENT_WRITER, str(tmp_path), url]
    writers = [
        await asyncio.create_subprocess_exec(
            *command, first, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        for first in ("0", "1")
    ]
    acknowledged: list[int] = []

    async def listen(writer: asyncio.subprocess.Process) -> None:
        assert writer.stdout is not None
        while line := await writer.stdout.readline():
            if line.endswith(b"\n"):
                acknowledged.append(int(line))

    listening = [asyncio.create_task(listen(writer)) for writer in writers]
    await until(lambda: {number % 2 for number in acknowledged} == {0, 1}, 30)
    for number in (signal.SIGKILL, signal.SIGQUIT, signal.SIGKILL):
        wanted = len(acknowledged) + 40
        await until(lambda: len(acknowledged) >= wanted, 30)  # noqa: B023 - it is awaited here
        cluster.stop(number)
        cluster.start()
    wanted = len(acknowledged) + 20
    await until(lambda: len(acknowledged) >= wanted, 30)
    for writer in writers:
        writer.kill()
        await writer.wait()
    await asyncio.gather(*listening)
    store = await Store.open(tmp_path, url)
    kept = [int(like.song.id) for like in await store.likes.list(7)]
    await store.close()
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))


PERSISTENT_WRITER = """
import asyncio, logging, pathlib, sys
from bot.failures import StoreUnavailable
from bot.store import Store
from models.results import Song

async def main():
    logging.disable()
    store = await Store.open(pathlib.Path(sys.argv[1]), sys.argv[2])
    for number in range(int(sys.argv[3]), 100_000, 2):
        try:
            await store.likes.add(7, Song(str(number), "t", "a"))
        except StoreUnavailable:
            await asyncio.sleep(0.02)
        else:
            print(number, flush=True)

asyncio.run(main())
"""
