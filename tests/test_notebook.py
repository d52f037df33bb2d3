"""docs/notebook.md: what the notebook prints comes out of the terminal."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from bot.cli import _parser, main

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
DEMO = str(ROOT / "demo" / "config.toml")
PROMPT = "Write an email apologizing to Sarah for the tragic gardening mishap. Explain how it happened.<|assistant|>"
IDS = [
    *(16594, 281, 3053, 47401, 284, 10490, 329, 262, 15444, 46072, 29406, 499, 13, 48605, 703, 340, 3022),
    *(29847, 91, 562, 10167, 91, 29),
]
PIECES = [
    *(
        "Write",
        " an",
        " email",
        " apologizing",
        " to",
        " Sarah",
        " for",
        " the",
        " tragic",
        " gardening",
        " mish",
    ),
    *("ap", ".", " Explain", " how", " it", " happened", ".<", "|", "ass", "istant", "|", ">"),
]


def tokenizer(name: str) -> str:
    folder = DATA / "tokenizers" / name
    if not folder.is_dir():
        pytest.skip(f"the tokenizer of {name} is not beside the project")
    return str(folder)


@pytest.fixture(autouse=True)
def _data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOKENWISE_DATA_DIR", str(tmp_path))


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def rows() -> list[list[str]]:
    """The cells of the table, row by row."""
    lines = (ROOT / "docs" / "notebook.md").read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][
        1:
    ]


def test_every_cell_of_the_notebook_is_in_the_table() -> None:
    notebook = sorted((ROOT.parent / "shared" / "seed").glob("*.txt"))
    if not notebook:
        pytest.skip("the notebook is not beside the project")
    there = {int(number) for row in rows() for number in re.findall(r"\d+", row[0])}
    asked = re.findall(r"^In \[(\d+)\]:", notebook[0].read_text(encoding="utf-8"), re.MULTILINE)
    assert asked
    assert {int(number) for number in asked} <= there


def test_every_command_of_the_table_is_one() -> None:
    typed = [line for row in rows() for line in re.findall(r"`tokenwise (.+?)`", row[3])]
    assert len(typed) > 12
    for line in typed:
        _parser().parse_args(shlex.split(line))


def test_the_ids_of_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = answer(capsys, "tokens", PROMPT, "--tokenizer", tokenizer("phi-1_5"))["tokenizers"]
    assert found["ids"] == IDS
    assert found["tokens"] == PIECES


def test_decoding_the_ids_together_and_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    phi = tokenizer("phi-1_5")
    found = answer(capsys, "decode", "--tokenizer", phi, *map(str, IDS))
    assert (found["text"], found["tokens"]) == (PROMPT, PIECES)
    assert answer(capsys, "decode", "--tokenizer", phi, "16594", "281")["text"] == "Write an"


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("phi-1_5", ["CAP", "ITAL", "IZ", "ATION", " and", " other", " stuff"]),
        ("bert-base-uncased", ["[CLS]", "capital", "##ization", "and", "other", "stuff", "[SEP]"]),
    ],
)
def test_the_comparison(capsys: pytest.CaptureFixture[str], name: str, pieces: list[str]) -> None:
    text = "CAPITALIZATION and other stuff"
    (found,) = answer(capsys, "tokens", text, "--tokenizer", tokenizer(name))["tokenizers"]
    assert found["tokens"] == pieces


def test_the_vectors_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "embed", "Hello world", "--config", DEMO)
    assert found["shape"][:2] == [1, 4]
    assert found["tokens"] == ["[CLS]", "hello", "world", "[SEP]"]


def test_the_nearest_words_of_a_vector_begin_with_the_word(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "similar", "engineer", "-n", "11", "--by", "vector", "--config", DEMO)[
        "neighbours"
    ]
    assert len(found) == 11
    assert found[0]["word"] == "engineer"
    assert found[0]["score"] == pytest.approx(1.0, abs=1e-5)


def test_the_songs_of_the_notebook(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DATA / "yes-radio"
    if not folder.is_dir():
        pytest.skip("the notebook's playlists are not beside the project")
    monkeypatch.setenv("TOKENWISE_SONGS__SONGS", str(folder / "song_hash.txt"))
    monkeypatch.setenv("TOKENWISE_SONGS__PLAYLISTS", str(folder / "train.txt"))
    monkeypatch.setenv("TOKENWISE_SONGS__EPOCHS", "1")
    monkeypatch.setenv("TOKENWISE_SONGS__NEGATIVE", "5")
    by_id = answer(capsys, "recommend", "--song", "2172", "--by", "vectors", "-n", "5", "--config", DEMO)
    by_title = answer(
        capsys,
        "recommend",
        "--song",
        "Fade To Black - Metallica",
        "--by",
        "vectors",
        "-n",
        "5",
        "--config",
        DEMO,
    )
    assert len(by_id["songs"]) == 5
    assert by_id == by_title, "every training is the same"
    by_id = answer(capsys, "recommend", "--song", "842", "--by", "vectors", "-n", "5", "--config", DEMO)
    escaped = "California Love (w/ Dr. Dre & Roger Troutman) - 2Pac"
    assert (
        answer(capsys, "recommend", "--song", escaped, "--by", "vectors", "-n", "5", "--config", DEMO)
        == by_id
    )
    assert len(by_id["songs"]) == 5
