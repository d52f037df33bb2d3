"""Liked songs: kept in order, once each, and never lost after they were acknowledged."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.failures import StartupError
from bot.store import likes as module
from bot.store.likes import Likes
from models.results import Song
from tests.bot.conftest import until

YESTERDAY = Song("1", "Yesterday", "The Beatles")
BLANKS = Song(" 0  1 ", "What's Up?", "4 Non Blondes")
NAMELESS = Song("ключ", "Зимняя", "")


@pytest.fixture
async def likes(tmp_path: Path) -> AsyncIterator[Likes]:
    opened = await Likes.open(tmp_path / "deep" / "likes.db")
    yield opened
    await opened.close()


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


async def test_export_and_forget_cover_everything_of_a_person(likes: Likes) -> None:
    await likes.add(7, BLANKS)
    exported = await likes.export(7)
    assert exported["dislikes"] == []
    assert exported["shares_likes"] is False
    assert [(like["id"], like["title"], like["artist"]) for like in exported["likes"]] == [
        (BLANKS.id, BLANKS.title, BLANKS.artist)
    ]
    assert await likes.forget(7) == 1
    assert (await likes.export(7))["likes"] == []
    assert await likes.forget(7) == 0


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


async def test_nobody_shares_until_they_say_so(likes: Likes) -> None:
    assert not await likes.shares(7)
    for _ in range(2):
        await likes.share(7, allowed=True)
        assert await likes.shares(7)
    assert not await likes.shares(8)
    for _ in range(2):
        await likes.share(7, allowed=False)
        assert not await likes.shares(7)


async def test_all_that_is_kept_can_be_exported_and_forgotten(likes: Likes) -> None:
    await likes.add(7, YESTERDAY)
    await likes.dislike(7, NAMELESS)
    await likes.share(7, allowed=True)
    exported = await likes.export(7)
    assert exported["dislikes"] == [{"id": NAMELESS.id, "title": NAMELESS.title, "artist": ""}]
    assert exported["shares_likes"] is True
    assert await likes.forget(7) == 3
    assert await likes.export(7) == {"likes": [], "dislikes": [], "shares_likes": False}


async def test_a_file_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "likes.db"
    with sqlite3.connect(path) as old:
        for statement in module.MIGRATIONS[0]:
            old.execute(statement)
        old.execute("PRAGMA user_version = 1")
        old.execute(
            "INSERT INTO likes VALUES (1, 7, '1', 'Yesterday', 'The Beatles', '2026-01-02T03:04:05+00:00')"
        )
    old.close()
    likes = await Likes.open(path)
    try:
        assert [like.song for like in await likes.list(7)] == [YESTERDAY]
        await likes.dislike(7, YESTERDAY)
        assert await likes.list(7) == []
    finally:
        await likes.close()


async def test_two_connections_and_many_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "likes.db"
    first, second = await asyncio.gather(Likes.open(path), Likes.open(path))
    songs = [Song(str(number), f"Song {number}", "") for number in range(40)]
    added = await asyncio.gather(*(likes.add(7, song) for song in songs for likes in (first, second)))
    assert sum(added) == len(songs), "of two likes of one song, one is new"
    assert {like.song.id for like in await first.list(7)} == {song.id for song in songs}
    await first.close()
    await second.close()


async def test_the_file_is_durable_and_of_the_newest_version(likes: Likes) -> None:
    async def pragma(name: str) -> object:
        return next(iter(await likes._db.execute_fetchall(f"PRAGMA {name}")))[0]

    assert await pragma("journal_mode") == "wal"
    assert await pragma("synchronous") == 2  # FULL
    assert await pragma("foreign_keys") == 1
    assert await pragma("busy_timeout") == 10_000
    assert await pragma("user_version") == len(module.MIGRATIONS)


async def test_a_migration_happens_once_and_entirely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "likes.db"
    opened = await Likes.open(path)
    await opened.add(7, YESTERDAY)
    await opened.close()

    grown = (
        *module.MIGRATIONS,
        ("ALTER TABLE likes ADD COLUMN note TEXT NOT NULL DEFAULT ''", "no SQL at all"),
    )
    monkeypatch.setattr(module, "MIGRATIONS", grown)
    with pytest.raises(StartupError, match="cannot be used"):
        await Likes.open(path)
    monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS[:-1], grown[-1][:1]))
    for _ in range(2):
        opened = await Likes.open(path)
        assert [like.song for like in await opened.list(7)] == [YESTERDAY]
        await opened.close()


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "likes.db"
    await (await Likes.open(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(
        StartupError, match=r"version 99, newer than this program knows .* Update the program"
    ):
        await Likes.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


async def test_a_file_that_is_no_database_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "likes.db"
    path.write_bytes(b"this is no database, and long enough to have a header of its own " * 20)
    with pytest.raises(StartupError) as failure:
        await Likes.open(path)
    assert "cannot be used: file is not a database" in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_damaged_database_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "likes.db"
    opened = await Likes.open(path)
    for number in range(400):
        await opened.add(number, Song(str(number), "title " * 20, "artist"))
    await opened.close()
    content = bytearray(path.read_bytes())
    content[8192:20000] = b"\xff" * (20000 - 8192)
    path.write_bytes(content)
    with pytest.raises(StartupError) as failure:
        await Likes.open(path)
    assert "\n" not in str(failure.value)


async def test_a_place_that_cannot_be_written_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StartupError, match="cannot be opened"):
        await Likes.open(tmp_path / "file" / "likes.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StartupError, match="cannot be"):
        await Likes.open(tmp_path / "folder.db")


async def test_closing_leaves_no_thread_and_may_be_repeated(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    opened = await Likes.open(tmp_path / "likes.db")
    await opened.close()
    await opened.close()
    await until(lambda: set(threading.enumerate()) <= before)


WRITER = """
import asyncio, pathlib, sys
from bot.store.likes import Likes
from models.results import Song

async def main():
    likes = await Likes.open(pathlib.Path(sys.argv[1]))
    for number in range(100_000):
        await likes.add(7, Song(str(number), "t", "a"))
        print(number, flush=True)

asyncio.run(main())
"""


async def test_kill_9_loses_no_acknowledged_like(tmp_path: Path) -> None:
    path = tmp_path / "likes.db"
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
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
    survived = await Likes.open(path)
    kept = [int(like.song.id) for like in await survived.list(7)]
    await survived.close()
    assert kept[: acknowledged + 1] == list(range(acknowledged + 1))
    assert len(kept) - (acknowledged + 1) in {0, 1}, "at most the one that was under way came on top"
