"""What is kept about people: likes in order, once each, and nothing lost after it was acknowledged."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.failures import (
    DatabaseDamaged,
    DatabaseEmptied,
    DatabaseNotOpened,
    DatabaseNotSupported,
    DatabaseTooNew,
    DatabaseUnusable,
    DatabaseUrlUnreadable,
    StartupError,
    StoreUnavailable,
)
from bot.store import Store, migrations, sqlite
from bot.store.likes import Likes
from bot.store.tables import metadata
from models.results import Song
from tests.bot.conftest import until
from tests.postgresql import Cluster

YESTERDAY = Song("1", "Yesterday", "The Beatles")
BLANKS = Song(" 0  1 ", "What's Up?", "4 Non Blondes")
NAMELESS = Song("ключ", "Зимняя", "")

NOTHING = {"likes": [], "dislikes": [], "shares_likes": False, "boards": [], "votes": []}
"""The export of a person without stored data."""

VERSION_1 = """
CREATE TABLE likes (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id  INTEGER NOT NULL,
    song_id  TEXT    NOT NULL,
    title    TEXT    NOT NULL,
    artist   TEXT    NOT NULL,
    liked_at TEXT    NOT NULL,
    UNIQUE (user_id, song_id)
) STRICT;
PRAGMA user_version = 1;
"""
VERSION_2 = """
CREATE TABLE dislikes (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     INTEGER NOT NULL,
    song_id     TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    artist      TEXT    NOT NULL,
    disliked_at TEXT    NOT NULL,
    UNIQUE (user_id, song_id)
) STRICT;
CREATE TRIGGER like_takes_dislike_back AFTER INSERT ON likes BEGIN
    DELETE FROM dislikes WHERE user_id = NEW.user_id AND song_id = NEW.song_id;
END;
CREATE TRIGGER dislike_takes_like_back AFTER INSERT ON dislikes BEGIN
    DELETE FROM likes WHERE user_id = NEW.user_id AND song_id = NEW.song_id;
END;
CREATE TABLE sharing (user_id INTEGER PRIMARY KEY, since TEXT NOT NULL) STRICT;
PRAGMA user_version = 2;
"""
"""What programs from before Alembic did to a file: the second after the first."""

LIKES = """
INSERT INTO likes (user_id, song_id, title, artist, liked_at) VALUES
    (7, '1', 'Yesterday', 'The Beatles', '2026-01-02T03:04:05+00:00'),
    (9223372036854775807, 'ключ', 'Зимняя', '', '2026-01-02T03:04:06+00:00'),
    (7, ' 0  1 ', 'What''s Up?', '4 Non Blondes', '2026-01-02T03:04:07+00:00');
"""
DISLIKES_AND_SHARING = """
INSERT INTO dislikes (user_id, song_id, title, artist, disliked_at) VALUES
    (7, 'ключ', 'Зимняя', '', '2026-02-02T03:04:05+00:00');
INSERT INTO sharing VALUES (7, '2026-02-02T03:04:05+00:00');
"""


def old_file(folder: Path, script: str) -> Path:
    path = folder / "tokenwise.db"
    old = sqlite3.connect(path)
    old.executescript(f"PRAGMA journal_mode = WAL; {script}")
    old.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind; "" is the file under the data folder."""
    if request.param == "sqlite":
        return ""
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.database()


@pytest.fixture
async def store(tmp_path: Path, url: str) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "deep", url)
    yield opened
    await opened.close()


@pytest.fixture
def likes(store: Store) -> Likes:
    return store.likes


async def test_likes_are_kept_in_order_and_once(likes: Likes) -> None:
    assert [await likes.add(7, song) for song in (YESTERDAY, BLANKS, NAMELESS, YESTERDAY)] == [
        True,
        True,
        True,
        False,
    ]
    listed = await likes.list(7)
    assert [like.song for like in listed] == [YESTERDAY, BLANKS, NAMELESS]
    assert all(abs(datetime.now(UTC) - like.liked_at) < timedelta(minutes=1) for like in listed)
    assert await likes.count(7) == 3
    assert await likes.list(8) == []


async def test_a_song_liked_again_goes_to_the_end(likes: Likes) -> None:
    for song in (YESTERDAY, BLANKS):
        await likes.add(7, song)
    assert await likes.remove(7, YESTERDAY.id)
    assert not await likes.remove(7, YESTERDAY.id)
    await likes.add(7, YESTERDAY)
    assert [like.song for like in await likes.list(7)] == [BLANKS, YESTERDAY]


async def test_people_do_not_share_likes(likes: Likes) -> None:
    largest_id = 2**63 - 1
    await likes.add(7, YESTERDAY)
    await likes.add(largest_id, YESTERDAY)
    assert await likes.clear(7) == 1
    assert await likes.count(7) == 0
    assert await likes.count(largest_id) == 1


REFUSE = {
    "sqlite": "CREATE TRIGGER refuse BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'disk failure'); END",
    "postgresql": """
        DO $$ BEGIN
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''disk failure''; END';
            CREATE TRIGGER refuse BEFORE DELETE ON {table} EXECUTE FUNCTION refuse();
        END $$
    """,
}
ALLOW = {"sqlite": "DROP TRIGGER refuse", "postgresql": "DROP FUNCTION refuse CASCADE"}


async def execute(store: Store, statements: dict[str, str], **names: str) -> None:
    """Run what one kind of database calls it."""
    engine = store._database._engine
    async with engine.begin() as connection:
        await connection.exec_driver_sql(statements[engine.dialect.name].format(**names))


@pytest.mark.parametrize("table", ["likes", "dislikes", "sharing"])
async def test_a_deletion_that_fails_in_the_middle_deletes_nothing(store: Store, table: str) -> None:
    await store.likes.add(7, Song("1", "One", "A"))
    await store.likes.dislike(7, Song("2", "Two", "B"))
    await store.consents.share(7, allowed=True)
    before = await store.export(7)
    await execute(store, REFUSE, table=table)
    with pytest.raises(StoreUnavailable):
        await store.forget(7)
    assert await store.export(7) == before
    await execute(store, ALLOW)
    assert await store.forget(7) == 3


async def test_export_and_forget_cover_everything_of_a_person(store: Store) -> None:
    await store.likes.add(7, BLANKS)
    exported = await store.export(7)
    assert exported["dislikes"] == []
    assert exported["shares_likes"] is False
    assert [(like["id"], like["title"], like["artist"]) for like in exported["likes"]] == [
        (BLANKS.id, BLANKS.title, BLANKS.artist)
    ]
    assert await store.forget(7) == 1
    assert (await store.export(7))["likes"] == []
    assert await store.forget(7) == 0


async def test_a_like_and_a_dislike_take_each_other_back(likes: Likes) -> None:
    await likes.add(7, YESTERDAY)
    await likes.add(7, BLANKS)
    assert await likes.dislike(7, YESTERDAY)
    assert not await likes.dislike(7, YESTERDAY)
    assert [like.song for like in await likes.list(7)] == [BLANKS]
    assert await likes.dislikes(7) == (YESTERDAY,)
    assert await likes.dislikes(8) == ()
    assert await likes.add(7, YESTERDAY)
    assert await likes.dislikes(7) == ()
    assert [like.song for like in await likes.list(7)] == [BLANKS, YESTERDAY]


async def test_dislikes_are_kept_in_order_and_can_be_taken_back(likes: Likes) -> None:
    for song in (BLANKS, NAMELESS, BLANKS):
        await likes.dislike(7, song)
    assert await likes.dislikes(7) == (BLANKS, NAMELESS)
    assert await likes.undislike(7, BLANKS.id)
    assert not await likes.undislike(7, BLANKS.id)
    assert await likes.dislikes(7) == (NAMELESS,)


async def test_nobody_shares_until_they_say_so(store: Store) -> None:
    assert not await store.consents.shares(7)
    for _ in range(2):
        await store.consents.share(7, allowed=True)
        assert await store.consents.shares(7)
    assert not await store.consents.shares(8)
    for _ in range(2):
        await store.consents.share(7, allowed=False)
        assert not await store.consents.shares(7)


async def test_all_that_is_kept_can_be_exported_and_forgotten(store: Store) -> None:
    await store.likes.add(7, YESTERDAY)
    await store.likes.dislike(7, NAMELESS)
    await store.consents.share(7, allowed=True)
    exported = await store.export(7)
    assert exported["dislikes"] == [{"id": NAMELESS.id, "title": NAMELESS.title, "artist": ""}]
    assert exported["shares_likes"] is True
    assert await store.forget(7) == 3
    assert await store.export(7) == NOTHING


async def test_a_file_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    old_file(tmp_path, VERSION_1 + LIKES)
    store = await Store.open(tmp_path)
    try:
        listed = await store.likes.list(7)
        assert [like.song for like in listed] == [YESTERDAY, BLANKS]
        assert listed[0].liked_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert [like.song for like in await store.likes.list(2**63 - 1)] == [NAMELESS]
        await store.likes.dislike(7, YESTERDAY)
        assert [like.song for like in await store.likes.list(7)] == [BLANKS]
    finally:
        await store.close()


async def test_a_file_of_the_second_version_is_taken_over(tmp_path: Path) -> None:
    path = old_file(tmp_path, VERSION_1 + VERSION_2 + LIKES + DISLIKES_AND_SHARING)
    for _ in range(2):
        store = await Store.open(tmp_path)
        exported = await store.export(7)
        await store.close()
        assert exported == {
            "likes": [
                {
                    "id": "1",
                    "title": "Yesterday",
                    "artist": "The Beatles",
                    "liked_at": "2026-01-02T03:04:05+00:00",
                },
                {
                    "id": " 0  1 ",
                    "title": "What's Up?",
                    "artist": "4 Non Blondes",
                    "liked_at": "2026-01-02T03:04:07+00:00",
                },
            ],
            "dislikes": [{"id": "ключ", "title": "Зимняя", "artist": ""}],
            "shares_likes": True,
            "boards": [],
            "votes": [],
        }
    taken_over = sqlite3.connect(path)
    assert taken_over.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall() == []
    taken_over.close()
    store = await Store.open(tmp_path)
    assert await store.likes.add(7, NAMELESS)
    assert await store.likes.dislike(7, YESTERDAY)
    assert [like.song for like in await store.likes.list(7)] == [BLANKS, NAMELESS]
    assert await store.likes.dislikes(7) == (YESTERDAY,)
    assert await store.forget(7) == 4
    await store.close()


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    old_file(tmp_path, "")
    store = await Store.open(tmp_path)
    assert await store.likes.add(7, YESTERDAY)
    await store.close()


@pytest.mark.parametrize(
    "script", ["", VERSION_1, VERSION_1 + VERSION_2], ids=["new", "version 1", "version 2"]
)
async def test_the_migrations_lead_to_the_tables_that_the_code_knows(tmp_path: Path, script: str) -> None:
    old_file(tmp_path, script)
    assert await differences(await Store.open(tmp_path)) == []


async def test_a_new_database_has_the_tables_that_the_code_knows(tmp_path: Path, url: str) -> None:
    assert await differences(await Store.open(tmp_path, url)) == []


async def differences(store: Store) -> list[object]:
    """Where the tables of a store, which is closed then, are not those of `tables.py`."""

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # No primary key is ever NULL, but SQLite says so only of those that were declared NOT NULL.
        keys = {
            ("modify_nullable", column.name)
            for table in metadata.tables.values()
            for column in table.primary_key
        }
        return [
            change
            for change in compare_metadata(context, metadata)
            if not (isinstance(change, list) and (change[0][0], change[0][3]) in keys)
        ]

    async with store._database._engine.connect() as connection:
        found = await connection.run_sync(differences)
    await store.close()
    return found


def test_the_newest_version_is_the_last_migration() -> None:
    assert ScriptDirectory(str(migrations.FOLDER)).get_heads() == [migrations.HEAD]


def test_all_that_is_kept_is_about_somebody() -> None:
    assert all("user_id" in table.c for table in metadata.tables.values())


async def test_two_connections_and_many_writers_lose_nothing(tmp_path: Path, url: str) -> None:
    first, second = await asyncio.gather(Store.open(tmp_path, url), Store.open(tmp_path, url))
    songs = [Song(str(number), f"Song {number}", "") for number in range(40)]
    added = await asyncio.gather(*(store.likes.add(7, song) for song in songs for store in (first, second)))
    assert sum(added) == len(songs), "of two likes of one song, one is new"
    assert {like.song.id for like in await first.likes.list(7)} == {song.id for song in songs}
    await first.close()
    await second.close()


async def test_a_song_is_never_liked_and_disliked_whoever_is_faster(tmp_path: Path, url: str) -> None:
    stores = await asyncio.gather(Store.open(tmp_path, url), Store.open(tmp_path, url))
    songs = [Song(str(number), f"Song {number}", "") for number in range(30)]
    await asyncio.gather(
        *(stores[0].likes.add(7, song) for song in songs),
        *(stores[1].likes.dislike(7, song) for song in songs),
    )
    liked = {like.song for like in await stores[0].likes.list(7)}
    disliked = set(await stores[0].likes.dislikes(7))
    assert liked | disliked == set(songs)
    assert not liked & disliked
    await asyncio.gather(*(store.close() for store in stores))


async def test_what_is_deleted_beside_a_like_is_deleted_before_or_after_it(tmp_path: Path, url: str) -> None:
    stores = await asyncio.gather(Store.open(tmp_path, url), Store.open(tmp_path, url))
    for _ in range(10):
        await stores[0].likes.add(7, NAMELESS)
        await stores[0].consents.share(7, allowed=True)
        deleted, new, _ = await asyncio.gather(
            stores[0].forget(7),
            stores[1].likes.add(7, YESTERDAY),
            stores[1].likes.dislike(7, NAMELESS),
        )
        assert new
        left = await stores[1].forget(7)
        # The new like, the consent, and the like or the dislike of the other song, or first the one and then the other.
        assert deleted + left in {3, 4}
        assert await stores[0].export(7) == NOTHING
    await asyncio.gather(*(store.close() for store in stores))


async def test_two_programs_take_over_an_old_file_at_once(tmp_path: Path) -> None:
    old_file(tmp_path, VERSION_1 + LIKES)
    opened = await asyncio.gather(*(Store.open(tmp_path) for _ in range(4)))
    for store in opened:
        assert [like.song for like in await store.likes.list(7)] == [YESTERDAY, BLANKS]
        await store.close()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_the_file_is_durable_and_of_the_newest_version(store: Store) -> None:
    async def value(sql: str) -> object:
        async with store._database._engine.connect() as connection:
            return (await connection.execute(text(sql))).scalar()

    assert await value("PRAGMA journal_mode") == "wal"
    assert await value("PRAGMA synchronous") == 2  # FULL
    assert await value("PRAGMA foreign_keys") == 1
    assert await value("PRAGMA busy_timeout") == 10_000
    assert await value("SELECT version_num FROM alembic_version") == migrations.HEAD
    assert await value("PRAGMA user_version") == sqlite.AFTER_NUMBERED_FILES


STEP = """
from alembic import op

revision = "{next}"
down_revision = "{newest}"


def upgrade() -> None:
    op.execute("ALTER TABLE likes ADD COLUMN note TEXT NOT NULL DEFAULT ''")
    op.execute("{second}")
"""


async def test_a_migration_happens_once_and_entirely(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await Store.open(tmp_path, url)
    await opened.likes.add(7, YESTERDAY)
    await opened.close()

    grown = tmp_path / "50% more"
    shutil.copytree(migrations.FOLDER, grown, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "FOLDER", grown)
    names = {"newest": migrations.HEAD, "next": str(int(migrations.HEAD) + 1)}
    monkeypatch.setattr(migrations, "HEAD", names["next"])
    step = grown / "versions" / "v99_notes.py"
    step.write_text(STEP.format(second="no SQL at all", **names), encoding="utf-8")
    with pytest.raises(StartupError, match="Cannot use"):
        await Store.open(tmp_path, url)
    shutil.rmtree(grown / "versions" / "__pycache__", ignore_errors=True)
    step.write_text(STEP.format(second="SELECT 1", **names), encoding="utf-8")
    for _ in range(2):
        opened = await Store.open(tmp_path, url)
        assert [like.song for like in await opened.likes.list(7)] == [YESTERDAY]
        await opened.close()


@pytest.mark.parametrize(
    ("change", "question"),
    [
        ("UPDATE alembic_version SET version_num = '99'", "SELECT version_num FROM alembic_version"),
        ("DROP TABLE alembic_version; PRAGMA user_version = 99", "PRAGMA user_version"),
    ],
)
async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path, change: str, question: str) -> None:
    path = tmp_path / "tokenwise.db"
    await (await Store.open(tmp_path)).close()
    connection = sqlite3.connect(path)
    connection.executescript(change)
    connection.close()
    with pytest.raises(
        DatabaseTooNew,
        match=r"version 99, but this program supports versions only up to .* Update the program",
    ):
        await Store.open(tmp_path)
    connection = sqlite3.connect(path)
    assert connection.execute(question).fetchone()[0] in {"99", 99}
    connection.close()


async def test_a_file_that_is_no_database_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tokenwise.db"
    path.write_bytes(b"this is no database, and long enough to have a header of its own " * 20)
    with pytest.raises(DatabaseUnusable) as failure:
        await Store.open(tmp_path)
    assert f"{path}: file is not a database" in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_damaged_database_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tokenwise.db"
    opened = await Store.open(tmp_path)
    for number in range(400):
        await opened.likes.add(number, Song(str(number), "title " * 20, "artist"))
    await opened.close()
    content = bytearray(path.read_bytes())
    content[8192:20000] = b"\xff" * (20000 - 8192)
    path.write_bytes(content)
    with pytest.raises((DatabaseDamaged, DatabaseUnusable)) as failure:
        await Store.open(tmp_path)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("name", ["-wal", ".bak", ".backup", ".1"])
@pytest.mark.parametrize("gone", [False, True])
async def test_a_database_that_lost_its_content_is_not_taken_as_new(
    tmp_path: Path, name: str, gone: bool
) -> None:
    path, beside = tmp_path / "tokenwise.db", tmp_path / f"tokenwise.db{name}"
    store = await Store.open(tmp_path)
    await store.likes.add(1, YESTERDAY)
    kept = path.with_name(f"{path.name}-wal") if name == "-wal" else path
    content = kept.read_bytes()
    await store.close()
    beside.write_bytes(content)
    path.unlink() if gone else path.write_bytes(b"")
    if gone and name != "-wal":
        await (await Store.open(tmp_path)).close()
    else:
        with pytest.raises(DatabaseEmptied, match=beside.name):
            await Store.open(tmp_path)
        assert not path.exists() or path.read_bytes() == b""
        assert not gone or not path.exists()
    assert beside.read_bytes() == content


async def test_a_place_that_cannot_be_written_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseNotOpened, match="Cannot open"):
        await Store.open(tmp_path / "file")
    (tmp_path / "tokenwise.db").mkdir()
    with pytest.raises(StartupError, match="Cannot"):
        await Store.open(tmp_path)


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+aiosqlite"])
async def test_another_file_may_be_named(tmp_path: Path, driver: str) -> None:
    store = await Store.open(tmp_path / "data", f"{driver}:///{tmp_path}/elsewhere/own.db")
    await store.likes.add(7, YESTERDAY)
    await store.close()
    assert (tmp_path / "elsewhere" / "own.db").exists()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "url",
    ["nonsense with a secret", "nosuch://me:secret@host/name", "postgresql+nosuch://me:secret@host/name"],
)
async def test_a_database_that_nobody_can_reach_gives_one_line_without_its_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises((DatabaseNotSupported, DatabaseUrlUnreadable)) as failure:
        await Store.open(tmp_path, url)
    assert "secret" not in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_closing_leaves_no_thread_and_may_be_repeated(tmp_path: Path, url: str) -> None:
    before = set(threading.enumerate())
    opened = await Store.open(tmp_path, url)
    await opened.close()
    await opened.close()
    await until(lambda: set(threading.enumerate()) <= before)
    with pytest.raises(StoreUnavailable):
        await opened.likes.count(7)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("content", [b"no database " * 99, None], ids=["no database", "a folder"])
async def test_a_failure_to_open_leaves_no_thread(tmp_path: Path, content: bytes | None) -> None:
    before = set(threading.enumerate())
    path = tmp_path / "tokenwise.db"
    path.write_bytes(content) if content else path.mkdir()
    with pytest.raises(StartupError):
        await Store.open(tmp_path)
    await until(lambda: set(threading.enumerate()) <= before)


async def test_a_database_that_fails_is_one_sentence_and_one_line_in_the_log(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with store._database._engine.begin() as connection:
        await connection.execute(text("DROP TABLE dislikes"))
    caplog.clear()
    with pytest.raises(StoreUnavailable, match="cannot reach my database right now, so nothing was changed"):
        await store.likes.add(7, YESTERDAY)
    failed, *more = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(
        r"the database failed: (no such table: dislikes|relation .dislikes. does not exist)", failed
    )
    assert not more
    assert await store.likes.count(7) == 0, "half of a change was kept"
    assert [record.getMessage() for record in caplog.records][1:] == ["the database answers again"]


async def test_who_is_cancelled_breaks_nothing(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    other = sqlite3.connect(tmp_path / "tokenwise.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(store.likes.add(7, YESTERDAY))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writing, 0.1)
    other.execute("ROLLBACK")
    other.close()
    assert await store.likes.add(7, BLANKS)
    closing = asyncio.create_task(store.likes.add(7, NAMELESS))
    await asyncio.sleep(0)
    await store.close()
    assert await closing
    store = await Store.open(tmp_path)
    assert [like.song for like in await store.likes.list(7)] == [YESTERDAY, BLANKS, NAMELESS]
    await store.close()


WRITER = """
import asyncio, pathlib, sys
from bot.store import Store
from models.results import Song

async def main():
    store = await Store.open(pathlib.Path(sys.argv[1]), sys.argv[2])
    for number in range(100_000):
        await store.likes.add(7, Song(str(number), "t", "a"))
        print(number, flush=True)

asyncio.run(main())
"""


async def test_kill_9_loses_no_acknowledged_like(tmp_path: Path, url: str) -> None:
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(tmp_path),
        url,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert writer.stdout is not None
    acknowledged = -1
    while acknowledged < 20:
        acknowledged = int(await asyncio.wait_for(writer.stdout.readline(), 30))
    writer.kill()
    rest = await writer.stdout.read()
    assert await writer.wait() == -signal.SIGKILL
    whole_lines = rest.decode().rpartition("\n")[0].split()
    acknowledged = int(whole_lines[-1]) if whole_lines else acknowledged
    survived = await Store.open(tmp_path, url)
    kept = [int(like.song.id) for like in await survived.likes.list(7)]
    await survived.close()
    assert kept[: acknowledged + 1] == list(range(acknowledged + 1))
    assert len(kept) - (acknowledged + 1) in {0, 1}, "at most the one that was under way came on top"
