"""Backing up and restoring the likes, also while they are being written."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import main
from bot.settings.schema import Settings
from bot.store import Store
from bot.store.store import FILE
from models.results import Song
from tests.bot.conftest import WriteConfig, until

ANN = 7
ROOT = Path(__file__).resolve().parents[2]


def song(number: int) -> Song:
    return Song(str(number), f"Title {number}", "Artist")


@pytest.fixture
def config(write_config: WriteConfig) -> str:
    return str(write_config(""))


@pytest.fixture
def data(settings: Settings) -> Path:
    return settings.data_dir


async def liked(path: Path) -> list[str]:
    """The songs of a database that nobody has open."""
    store = await Store.open(path.parent, f"sqlite:///{path}")
    try:
        return [like.song.id for like in await store.likes.list(ANN)]
    finally:
        await store.close()


async def command(*arguments: str) -> int:
    return await asyncio.to_thread(main, arguments)


async def test_a_backup_is_whole_while_likes_are_written(
    config: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await Store.open(data)
    acknowledged = 0
    stop = asyncio.Event()

    async def write() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            await store.likes.add(ANN, song(acknowledged))
            acknowledged += 1

    writing = asyncio.create_task(write())
    spans = []
    for number in range(5):
        await until(lambda wanted=20 * (number + 1): acknowledged >= wanted)  # type: ignore[misc]
        before = acknowledged
        file = tmp_path / f"backup-{number}.db"
        if number:
            assert await command("--config", config, "database", "backup", str(file)) == 0
        else:  # from another process, as from cron
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "--config", config, "database", "backup", str(file), cwd=ROOT
            )
            assert await process.wait() == 0
        spans.append((file, before, acknowledged + 1))
    stop.set()
    await writing
    await store.close()
    for file, before, after in spans:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        found = await liked(file)
        assert found == [str(number) for number in range(len(found))], "nothing is left out in between"
        assert before <= len(found) <= after
    assert "backup-4.db (" in capsys.readouterr().out
    assert not [path for path in tmp_path.iterdir() if path.name.endswith((".part", "-wal", "-shm"))]


async def test_a_restored_backup_is_what_it_was_and_the_newer_state_is_kept(
    config: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await Store.open(data)
    await store.likes.add(ANN, song(1))
    backup = tmp_path / "backup.db"
    assert await command("database", "backup", str(backup), "--config", config) == 0
    await store.likes.add(ANN, song(2))
    assert await command("database", "restore", str(backup), "--config", config) == 1
    assert "is in use. Stop the bot before you restore it." in capsys.readouterr().err
    assert [like.song.id for like in await store.likes.list(ANN)] == ["1", "2"]
    await store.close()

    assert await command("database", "restore", str(backup), "--config", config) == 0
    assert await liked(data / FILE) == ["1"]
    (kept,) = [path for path in data.iterdir() if path.suffix == ".db" and path.name != FILE]
    assert str(kept) in capsys.readouterr().out
    assert await liked(kept) == ["1", "2"]
    assert await liked(backup) == ["1"]


async def test_a_database_that_was_lost_or_damaged_is_restored(
    config: str, data: Path, tmp_path: Path
) -> None:
    store = await Store.open(data)
    await store.likes.add(ANN, song(1))
    backup = tmp_path / "backup.db"
    assert await command("database", "backup", str(backup), "--config", config) == 0
    await store.close()
    for damage in (b"no database at all" * 100, b"", None):
        if damage is None:
            (data / FILE).unlink()
        else:
            (data / FILE).write_bytes(damage)
        assert await command("database", "restore", str(backup), "--config", config) == 0
        assert await liked(data / FILE) == ["1"]


async def test_a_wal_that_a_crash_left_is_part_of_the_backup(config: str, data: Path, tmp_path: Path) -> None:
    script = f"""
import asyncio, os
from pathlib import Path
from bot.store import Store
from models.results import Song
async def go():
    store = await Store.open(Path({str(data)!r}))
    await store.likes.add({ANN}, Song("1", "T", "A"))
    os._exit(9)
asyncio.run(go())
"""
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], cwd=ROOT, check=False)
    assert (data / f"{FILE}-wal").stat().st_size > 0
    backup = tmp_path / "backup.db"
    assert await command("database", "backup", str(backup), "--config", config) == 0
    assert await liked(backup) == ["1"]


async def test_what_cannot_be_backed_up_or_restored_is_one_sentence(
    config: str,
    data: Path,
    tmp_path: Path,
    write_config: WriteConfig,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def said(action: str, file: Path, config: str = config) -> str:
        assert await command("database", action, str(file), "--config", config) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        return line

    backup = tmp_path / "backup.db"
    assert await said("backup", backup) == f"There is no database at {data / FILE}."
    assert not data.exists()
    assert await said("restore", backup) == f"There is no database at {backup}."
    await (await Store.open(data)).close()
    backup.write_text("taken")
    assert await said("backup", backup) == f"{backup} already exists. Choose another name."
    assert backup.read_text() == "taken"
    assert "file is not a database" in await said("restore", backup)
    assert "Cannot copy" in await said("backup", tmp_path / "nowhere" / "backup.db")
    newer = tmp_path / "newer.db"
    with contextlib.closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    assert "this program supports versions only up to" in await said("restore", newer)
    assert sorted(path.name for path in data.iterdir()) == [FILE]
    server = str(write_config("[database]\nurl = 'postgresql://nobody@127.0.0.1:9/nothing'"))
    assert "pg_dump" in await said("backup", tmp_path / "b.db", server)
