"""docs/catalogues.md: its files are complete, and do what it says."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from bot.cli import main
from bot.settings.load import load
from bot.settings.schema import Settings

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "catalogues.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.]+)`\n\n```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = [line.split("tokenwise ", 1)[1] for line in PAGE.splitlines() if line.startswith("tokenwise ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_has_its_files_and_commands() -> None:
    assert FILES.keys() == {"films.tsv", "evenings.txt", "films.toml"}
    assert [command.split()[0] for command in COMMANDS] == ["train", "recommend"]


@pytest.mark.usefixtures("folder")
def test_another_catalogue_is_a_change_of_settings(capsys: pytest.CaptureFixture[str]) -> None:
    train, recommend = ([part.strip('"') for part in re.findall(r'"[^"]*"|\S+', line)] for line in COMMANDS)
    assert main(["check", "--config", "films.toml"]) == 0
    assert main(train) == 0
    assert "10 songs, 10 playlists" in capsys.readouterr().out
    assert main([*recommend, "-n", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["songs"]
    assert {it["title"] for it in found} == {"Stalker", "Moon", "Alien"}
    assert {"tt02", "tt03"} >= {seed for it in found for seed in it["because"]}


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_every_piece_of_settings_is_one(folder: Path, text: str) -> None:
    tomllib.loads(text)
    (folder / "piece.toml").write_text(text, encoding="utf-8")
    assert isinstance(load(folder / "piece.toml"), Settings)
