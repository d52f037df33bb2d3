"""docs/catalogues.md: its files are complete and work as described."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from bot.cli import main
from bot.settings.load import load
from bot.settings.schema import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "catalogues.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.]+)`\n\n```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = [line.split("tokenwise ", 1)[1] for line in PAGE.splitlines() if line.startswith("tokenwise ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_has_its_files_and_commands() -> None:
    assert FILES.keys() == {"movielens.toml", "films.tsv", "evenings.txt", "films.toml"}
    assert [command.split()[0] for command in COMMANDS] == [
        "train",
        "recommend",
        "demo",
        "train",
        "recommend",
    ]


def movielens(path: Path) -> None:
    """A made-up file in the layout of MovieLens: ten people each for family films and for thrillers."""
    titles = {
        1: "Toy Story (1995)",
        2: "Babe (1995)",
        3: "Heat (1995)",
        4: "Seven (a.k.a. Se7en) (1995)",
        5: "Shrek (2001)",
        6: "Alien (1979)",
    }
    ratings = ["userId,movieId,rating,timestamp"]
    for person in range(20):
        liked, other = ([1, 2, 5], 3) if person % 2 else ([3, 4, 6], 1)
        ratings += [
            f"{person},{film},{4.0 + place / 2},{1000 + place}"
            for place, film in enumerate(liked[:3])
            if place < 3
        ]
        ratings.append(f"{person},{other},1.5,999")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "ml-latest-small/README.txt", "Summary\n=======\n\nThis dataset describes ratings.\n"
        )
        archive.writestr("ml-latest-small/links.csv", "movieId,imdbId,tmdbId\n1,0114709,862\n")
        archive.writestr("ml-latest-small/tags.csv", "userId,movieId,tag,timestamp\n2,1,funny,1445714994\n")
        archive.writestr("ml-latest-small/ratings.csv", "\r\n".join(ratings) + "\r\n")
        films = "".join(f'{id_},"{title}",Comedy|Drama\r\n' for id_, title in titles.items())
        archive.writestr("ml-latest-small/movies.csv", f"movieId,title,genres\r\n{films}")


def test_films_from_the_download_to_the_bot_in_their_own_words(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    movielens(folder / "ml-latest-small.zip")
    train, recommend, demo = map(shlex.split, COMMANDS[:3])
    assert main(["check", "--config", "movielens.toml"]) == 0
    capsys.readouterr()
    assert main(train) == 0
    said = capsys.readouterr().out
    assert "6 films, 20 watch lists" in said
    assert "ratings below min_rating, left out: 20" in said
    assert main(recommend) == 0
    said = capsys.readouterr().out
    assert "Goes with Toy Story (1995)" in said
    assert "watch lists in common" in said
    assert "10 of 10" in said
    assert {"Babe (1995)", "Shrek (2001)"} == set(re.findall(r"(?:Babe|Shrek) \(\d+\)", said))
    # A separate process, whose commands use the words of the catalogue.
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", *demo, "--say", "/recommend", "--say", "/help"],
        capture_output=True, text=True, timeout=100, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    ).stdout  # fmt: skip
    assert "in 10 of the 10 watch lists with Toy Story (1995)" in done
    assert "You have not liked any films yet" in done
    assert not re.search(r"\b(songs?|playlists?)\b(?!:)", done.replace("/recommend song", "")), done


def test_a_folder_is_a_catalogue_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    movielens(folder / "films.zip")
    with zipfile.ZipFile(folder / "films.zip") as archive:
        archive.extractall(folder)
    (folder / "c.toml").write_text('[songs]\nsongs = "ml-latest-small"\nepochs = 1\n', encoding="utf-8")
    assert main(["check", "--config", "c.toml"]) == 0
    assert "not on this machine" not in capsys.readouterr().err
    assert main(["train", "--config", "c.toml"]) == 0
    assert capsys.readouterr().out.startswith("ml-latest-small: 6 songs, 20 playlists")


@pytest.mark.usefixtures("folder")
def test_another_catalogue_is_a_change_of_settings(capsys: pytest.CaptureFixture[str]) -> None:
    train, recommend = map(shlex.split, COMMANDS[3:])
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
