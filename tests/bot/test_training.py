"""`train` and `evaluate` in a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.cli import main
from tests.bot.conftest import WriteConfig
from tests.models.catalogue import TABLE, playlists

WAYS = ["recommender", "item-item", "RP3beta", "EASE", "SLIM", "iALS", "notebook's Word2Vec", "popularity"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue in the notebook's format, in the folder where the command is given."""
    (tmp_path / "songs.tsv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "playlists.txt").write_text(playlists(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("files")
def test_ways_are_compared_in_a_table_that_is_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    options = ["--train", "playlists.txt", "--folds", "3", "--likes", "2", "--draws", "2"]
    assert main(["evaluate", *options, "--songs", "songs.tsv"]) == 0
    printed = capsys.readouterr().out
    assert "…" not in printed
    for heading in ("nDCG@10", "hit@10", "precision@10", "coverage", "popularity", "ahead by", "training"):
        assert heading in printed
    for way in [*WAYS, "recommender, 2 by one artist"]:
        assert re.search(rf"^{re.escape(way)} +0\.\d{{3}} ±0\.\d{{3}} ", printed, re.MULTILINE), way


@pytest.mark.usefixtures("files")
def test_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--train", "playlists.txt", "--test", "playlists.txt", "--likes", "2", "-k", "3", "--json"]
    assert main(["evaluate", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["likes"], found["k"], found["draws"]) == (2, 3, 10)
    assert [row["name"] for row in found["rows"]] == WAYS
    for row in found["rows"]:
        for metric in ("ndcg", "hit_rate", "precision", "coverage", "mean_popularity"):
            assert row[f"{metric}_low"] <= row[metric] + 1e-9
            assert row[metric] <= row[f"{metric}_high"] + 1e-9
        assert {"train_seconds", "memory_bytes", "ms_per_query"} <= row.keys()
    assert found["test"]["playlists_in_training_too"] > 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--train", "playlists.txt", "--test", "nothing.txt"], "nothing.txt cannot be read"),
        (["--train", "playlists.txt", "--folds", "3", "--likes", "500"], "Use fewer likes"),
        (["--train", "playlists.txt", "--folds", "100000"], "cannot be split"),
        (["--train", "empty.txt", "--folds", "2"], "empty.txt contains no playlist"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    files: Path, capsys: pytest.CaptureFixture[str], options: list[str], why: str
) -> None:
    (files / "empty.txt").write_text("\n\n", encoding="utf-8")
    assert main(["evaluate", *options]) != 0
    error = capsys.readouterr().err
    assert why in error
    assert "Traceback" not in error


def test_training_is_kept_and_found_again(
    files: Path, write_config: WriteConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config('data_dir = "data"\n[songs]\nsongs = "songs.tsv"\nplaylists = "playlists.txt"\n')
    assert main(["train", "--config", str(config)]) == 0
    told = capsys.readouterr().out
    assert re.match(r".*: \d+ songs, \d+ playlists, 32 numbers each; \d+\.\d s", told)
    kept = {it: it.stat().st_mtime_ns for it in (files / "data").rglob("*") if it.is_file()}
    assert ".npy" in {it.suffix for it in kept}
    assert not {".pkl", ".pickle", ".model"} & {it.suffix for it in kept}
    assert main(["train", "--config", str(config), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {"name", "seconds", "memory_bytes", "report"} == facts.keys()
    assert kept == {it: it.stat().st_mtime_ns for it in (files / "data").rglob("*") if it.is_file()}


def test_without_songs_in_the_settings_there_is_nothing_to_train(
    write_config: WriteConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--config", str(write_config(""))]) != 0
    assert "[songs]" in capsys.readouterr().err
