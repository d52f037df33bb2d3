"""What is kept on disk: whole or not at all, and believed only while it is what was written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.files import kept

NUMBERS = np.arange(1000, dtype=np.float32)


def write(folder: Path) -> None:
    np.save(folder / "numbers.npy", NUMBERS)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "below").mkdir()
    (folder / "below" / "more.txt").write_bytes(b"more")


def read(folder: Path) -> list[float]:
    return np.load(folder / "numbers.npy", mmap_mode="r", allow_pickle=False).tolist()  # type: ignore[no-any-return]


def flip(at: int) -> Callable[[Path], object]:
    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[at] ^= 1
        file.write_bytes(content)

    return damage


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\n"),
    "flipped at the start": flip(0),
    "flipped in the middle": flip(100),
    "flipped at the end": flip(-1),
    "missing": Path.unlink,
    "a folder": replace_by_folder,
    "a link to nowhere": replace_by_link,
    "an archive": lambda file: file.write_bytes(b"PK\x03\x04"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "kept" / kept.fingerprint("numbers")
    kept.store(folder, write, "The numbers", 2)
    return folder


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["numbers.npy", "below/more.txt", kept.MANIFEST])
def test_damage_is_found_logged_and_mended(
    folder: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert kept.recall(folder, read, "The numbers") == NUMBERS.tolist()
    try:
        DAMAGES[damage](folder / name)
    except IndexError:
        pytest.skip("the file is too short for that")
    assert kept.recall(folder, read, "The numbers") is None
    assert [record.message for record in caplog.records] == [caplog.records[0].message]
    assert "The numbers: the cached copy is damaged" in caplog.text
    kept.store(folder, write, "The numbers", 2)
    assert kept.recall(folder, read, "The numbers") == NUMBERS.tolist()


def test_what_did_not_change_is_checked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.recall(folder, read, "The numbers")
    with monkeypatch.context() as patch:
        patch.setattr(kept, "_checksum", lambda _: pytest.fail("it was checked again"))
        assert kept.recall(folder, read, "The numbers")
    # A change that leaves length and time of the file as they were is still one.
    file = folder / "numbers.npy"
    status = file.stat()
    flip(-1)(file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert kept.recall(folder, read, "The numbers") is None


def test_a_manifest_that_lost_a_line_is_damaged(folder: Path) -> None:
    manifest = folder / kept.MANIFEST
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:-1]))
    assert kept.recall(folder, read, "The numbers") is None


def in_its_place_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in the way")


def in_its_place_a_link(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")


def in_its_place_an_empty_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize("replace", [in_its_place_a_file, in_its_place_a_link, in_its_place_an_empty_folder])
def test_something_else_in_the_place_of_the_folder(folder: Path, replace: Callable[[Path], None]) -> None:
    replace(folder)
    assert kept.recall(folder, read, "The numbers") is None
    kept.store(folder, write, "The numbers", 2)
    assert kept.recall(folder, read, "The numbers") == NUMBERS.tolist()


@pytest.mark.parametrize("error", [EOFError, ValueError, KeyError, OverflowError, OSError])
def test_what_the_reader_cannot_make_sense_of_is_made_again(folder: Path, error: type[Exception]) -> None:
    def fail(_: Path) -> None:
        raise error

    assert kept.recall(folder, fail, "The numbers") is None
    assert not folder.exists()


def test_nothing_kept_is_no_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert kept.recall(tmp_path / "none", read, "The numbers") is None
    (tmp_path / "file").write_text("no folder")
    assert kept.recall(tmp_path / "file" / "below", read, "The numbers") is None
    assert not caplog.records


CONTENT: dict[str, kept.JSON] = {"application": 7, "targets": {"global": {"hash": "ab", "ids": {"x": 1}}}}


def test_a_small_file_and_its_damages(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    assert kept.read_json(path) is None
    kept.write_json(path, CONTENT)
    assert kept.read_json(path) == CONTENT
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at])
        assert kept.read_json(path) is None
        flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        path.write_bytes(flipped)
        assert kept.read_json(path) in (None, CONTENT), flipped  # white space may differ
    path.write_text("[" * 100_000)
    assert kept.read_json(path) is None
    path.write_text(json.dumps(CONTENT))
    assert kept.read_json(path) is None
    kept.write_json(path, CONTENT)
    assert kept.read_json(path) == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_an_empty_folder_in_the_place_of_a_small_file_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.mkdir()
    assert kept.read_json(path) is None
    kept.write_json(path, CONTENT)
    assert kept.read_json(path) == CONTENT
    path.unlink()
    (path / "somebody's").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        kept.write_json(path, CONTENT)
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]
