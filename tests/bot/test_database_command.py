"""`tokenwise database`: bringing a database up to date, and copying it from SQLite to PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.store import Store, copying
from bot.store.boards import Board
from bot.store.database import Database
from bot.store.sqlite import url_of
from bot.store.store import parsed
from models.results import Song
from tests.bot.conftest import WriteConfig
from tests.bot.test_postgresql import name_in
from tests.postgresql import QUOTED, Cluster

PEOPLE = (7, 2**63 - 1)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """An SQLite file with more likes than one batch, gaps in its numbers, and odd texts."""

    async def fill() -> None:
        store = await Store.open(tmp_path)
        await store.likes.dislike(PEOPLE[1], Song(" ключ ", "🎸\nЗимняя", "'); DROP TABLE likes"))
        await store.consents.share(7, allowed=True)
        await store.boards.add(Board(2**62, 7, "Once 🎸", "model", (1, 2), locked=True))
        await store.close()

    asyncio.run(fill())
    path = tmp_path / "tokenwise.db"
    with sqlite3.connect(path) as file:
        songs = [(number, f"Song {number}") for number in range(2100) if number != 1500]
        file.executemany(
            "INSERT INTO likes (position, user_id, song_id, title, artist, liked_at)"
            " VALUES (?1 + 1, 7, ?1, ?2, '', '2026-01-01T00:00:00+00:00')",
            songs,
        )
        votes = [(2**62, person) for person in range(1200)]
        file.executemany(
            "INSERT INTO votes (board_id, user_id, step, token_id) VALUES (?, ?, 2, 50000)", votes
        )
        file.execute("UPDATE likes SET title = 'a' || char(0) || 'b' WHERE position = 3")
        file.execute("UPDATE likes SET liked_at = '2026-01-02T03:04:05.678901+00:00' WHERE position = 4")
    file.close()
    return path


def exported(url: str, folder: Path = Path("/nowhere")) -> list[dict[str, Any]]:
    async def export() -> list[dict[str, Any]]:
        store = await Store.open(folder, url)
        everything = [await store.export(person) for person in PEOPLE]
        await store.likes.add(8, Song("new", "", ""))
        assert len(await store.likes.list(8)) == 1
        await store.likes.clear(8)
        await store.close()
        return everything

    return asyncio.run(export())


def test_a_copy_is_counted_and_complete_and_may_be_repeated(
    cluster: Cluster, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = cluster.database()
    for _ in range(2):
        assert main(["database", "copy", str(filled), url]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "boards: 1 record copied and verified.",
            "dislikes: 1 record copied and verified.",
            "likes: 2,099 records copied and verified.",
            "sharing: 1 record copied and verified.",
            "votes: 1,200 records copied and verified.",
        ]
    there, here = exported(url), exported("", filled.parent)
    assert there[0]["likes"][2].pop("title") == "a\N{REPLACEMENT CHARACTER}b"
    assert here[0]["likes"][2].pop("title") == "a\0b"
    assert there == here


def test_a_copy_that_was_broken_off_is_completed(
    cluster: Cluster, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster.database()
    monkeypatch.setattr(copying, "BATCH", 100)

    class Broken(Exception):
        pass

    def break_off(_: str, copied: int, __: int) -> None:
        if copied == 700:
            raise Broken

    async def copy() -> None:
        source, target = await Database.open(url_of(filled)), await Database.open(parsed(url))
        try:
            await copying.copy(source, target, break_off)
        finally:
            await source.close()
            await target.close()

    with pytest.raises(Broken):
        asyncio.run(copy())
    assert cluster.sql("SELECT count(*) FROM likes", name_in(url)) == "700"
    assert main(["database", "copy", str(filled), url]) == 0
    assert len(exported(url)[0]["likes"]) == 2099


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE likes SET title = 'another' WHERE position = 1500",
        "INSERT INTO likes (position, user_id, song_id, title, artist, liked_at) VALUES (9999, 9, 'x', '', '', '')",
        "INSERT INTO likes (position, user_id, song_id, title, artist, liked_at) VALUES (1501, 9, 'x', '', '', '')",
        "DELETE FROM sharing; INSERT INTO sharing VALUES (9, '2026-02-02T03:04:05+00:00')",
    ],
)
def test_what_else_the_target_holds_is_left_alone_and_said(
    cluster: Cluster, filled: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = cluster.database()
    assert main(["database", "copy", str(filled), url]) == 0
    cluster.sql(change, name_in(url))
    capsys.readouterr()
    assert main(["database", "copy", str(filled), url]) == 1
    said = capsys.readouterr()
    assert "that the source does not have" in said.err
    assert QUOTED not in said.err + said.out


def test_what_cannot_be_copied_is_one_sentence(
    cluster: Cluster, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = filled.with_name("missing.db")
    for source, target, code, sentence in (
        (str(missing), cluster.url("postgres"), 1, "No such file or folder"),
        (cluster.url("postgres"), cluster.url("postgres"), 2, "The source must be an SQLite file"),
        (str(filled), f"sqlite:///{missing}", 2, "The target must be PostgreSQL"),
        (str(filled), cluster.url("nothing"), 1, "does not exist"),
        (str(filled), "nonsense", 1, "Cannot open the database"),
    ):
        assert main(["database", "copy", source, target]) == code
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1
        assert QUOTED not in said
    assert not missing.exists()


def test_a_database_is_brought_up_to_date(
    cluster: Cluster,
    write_config: WriteConfig,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = str(write_config(""))
    assert main(["database", "migrate", "--config", config]) == 0
    assert "tokenwise.db is at version" in capsys.readouterr().out
    url = cluster.database()
    monkeypatch.setenv("TOKENWISE_DATABASE__URL", url)
    for _ in range(2):
        assert main(["--config", config, "database", "migrate"]) == 0
        assert "bot:***@/" in capsys.readouterr().out
    assert cluster.sql("SELECT count(*) FROM likes", name_in(url)) == "0"
