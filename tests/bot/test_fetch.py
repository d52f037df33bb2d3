"""`python -m bot fetch`, from a hub and a file server on loopback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from bot.cli import fetch, main
from models.failures import ModelError
from models.files import fetching
from models.starter.models import STARTERS, StarterModel
from tests.bot.conftest import WriteConfig
from tests.models import serving, tiny

ROOT = Path(__file__).resolve().parents[2]
WORDS = "king 1 0\nqueen 0.9 0.1\nman 0 1\nwoman 0.1 0.9\n"
SONGS = "1\tAlpha\tA\n2\tBeta\tB\n3\tGamma\tC\n"
LISTS = "1 2 3\n3 2 1\n1 2\n"


class Cloud(NamedTuple):
    hub: serving.Hub
    files: serving.Files
    config: Path
    environment: dict[str, str]

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - this very Python
            [sys.executable, "-m", "bot", "--config", str(self.config), *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment, **more},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def report(self, *arguments: str, code: int = 0, **more: str) -> dict[str, Any]:
        done = self.run("fetch", "--json", *arguments, **more)
        assert done.returncode == code, done.stderr
        assert done.stdout.count("\n") == 1
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def forget(self) -> None:
        self.hub.seen.clear()
        self.files.seen.clear()


@pytest.fixture
def cloud(tmp_path: Path, write_config: WriteConfig) -> Iterator[Cloud]:
    def contents(folder: Path) -> dict[str, bytes]:
        return {it.name: it.read_bytes() for it in folder.iterdir()}

    tiny.wordpiece().save_pretrained(tmp_path / "tokenizer")
    repositories = {
        "somebody/model": serving.Repository({"main": contents(tiny.phi(tmp_path / "phi"))}),
        "pieces": serving.Repository({"main": contents(tmp_path / "tokenizer")}),
    }
    hub = serving.Hub(repositories=repositories)
    files = serving.Files(
        {"v/words.txt": WORDS.encode(), "films/songs.tsv": SONGS.encode(), "films/lists.txt": LISTS.encode()}
    )
    with serving.serving(hub) as endpoint, serving.serving(files) as address:
        config = write_config(
            f"""
            [language]
            name = "somebody/model"
            device = "cpu"
            [tokenizers]
            names = ["somebody/model", "pieces"]
            [words]
            name = "{address}/v/words.txt"
            [songs]
            songs = "{address}/films/songs.tsv"
            playlists = "{address}/films/lists.txt"
            """
        )
        environment = {
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path / "home"),
            "GENSIM_DATA_DIR": str(tmp_path / "gensim"),
            "OMP_NUM_THREADS": "1",
        }
        yield Cloud(hub, files, config, environment)


def test_everything_is_fetched_once_and_then_serves_without_asking(cloud: Cloud) -> None:
    done = cloud.run("fetch")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "✓ tokenizers", "✓ tokenizers", "✓ words", "✓ songs", "✓ songs", "✓ language", "6 of 6 ready."
    ]  # fmt: skip
    assert "✓ language: somebody/model: downloaded " in lines[5]
    assert "somebody/model model.safetensors: " in done.stderr
    assert "Traceback" not in done.stderr

    cloud.forget()
    report = cloud.report()
    assert report["complete"] is True
    assert all(it["there"] and it["downloaded"] == 0 and Path(it["path"]).exists() for it in report["items"])
    assert [(it["slot"], it["kind"]) for it in report["items"][-2:]] == [
        ("songs", "file"),
        ("language", "model"),
    ]
    assert "already on this machine" in cloud.run("fetch", "words", HF_HUB_OFFLINE="1").stdout
    questions = (
        ["tokens", "a word"],
        ["generate", "a word"],
        ["similar", "king"],
        ["recommend", "--song", "1"],
    )
    for question in questions:
        answered = cloud.run(*question, "--json")
        assert answered.returncode == 0, answered.stderr
        assert json.loads(answered.stdout)
    assert not cloud.hub.seen
    assert not cloud.files.seen


def test_only_what_is_asked_for(cloud: Cloud) -> None:
    report = cloud.report("words", "songs")
    assert [it["slot"] for it in report["items"]] == ["words", "songs", "songs"]
    assert not cloud.hub.seen


def test_one_failure_does_not_stop_the_others(cloud: Cloud) -> None:
    cloud.hub.repositories["pieces"].gated = True
    del cloud.files.files["films/lists.txt"]
    done = cloud.run("fetch")
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert len(failed) == 2
    assert "Accept them there and set HF_TOKEN" in failed[0]
    assert "nothing at this address" in failed[1]
    assert done.stdout.splitlines()[-1] == "4 of 6 ready."
    again = cloud.report(code=1, HF_TOKEN=serving.TOKEN)
    assert [bool(it["error"]) for it in again["items"]] == [False, False, False, False, True, False]
    assert serving.TOKEN not in json.dumps(again)


def test_without_a_network_it_is_one_sentence_each_and_soon(cloud: Cloud) -> None:
    report = cloud.report("tokenizers", code=1, HF_ENDPOINT="http://127.0.0.1:9")
    assert report["complete"] is False
    assert [
        it["error"].endswith("cannot be reached. Check the network connection.") for it in report["items"]
    ] == [True] * 2


def test_a_tokenizer_that_is_named_is_fetched(cloud: Cloud) -> None:
    answered = cloud.run("tokens", "a word", "--tokenizer", "pieces", "--json")
    assert answered.returncode == 0, answered.stderr
    cloud.forget()
    again = cloud.run("tokens", "a word", "--tokenizer", "pieces", "--json")
    assert json.loads(again.stdout) == json.loads(answered.stdout)
    assert not cloud.hub.seen
    unknown = cloud.run("tokens", "a word", "--tokenizer", "nobodys")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)
    assert "no model called nobodys" in unknown.stderr


def test_starter_models_in_the_settings_are_told_as_missing_and_fetched(
    write_config: WriteConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[str] = []

    def prepare(folder: Path, _tell: object, _output: object, wanted: Sequence[StarterModel]) -> Any:
        for model in wanted:
            (folder / model.name).mkdir(parents=True)
            made.append(model.name)
            yield model, folder / model.name, 10

    monkeypatch.setattr("models.starter.models.prepare", prepare)
    monkeypatch.setenv("TOKENWISE_DATA_DIR", str(tmp_path / "data"))
    text = '[words]\nname = "starter:glove-6b-50d"\n[language]\nname = "starter:smollm2-135m-instruct"'
    config = str(write_config(text))

    assert main(["--config", config, "check"]) == 0, "the bot starts without them"
    warnings = capsys.readouterr().err
    for name in ("glove-6b-50d", "smollm2-135m-instruct"):
        assert f"{name} is not on this machine yet. “python -m bot fetch starter” downloads it." in warnings
    assert main(["--config", config, "similar", "king"]) == 1
    assert "“python -m bot fetch starter” downloads it." in capsys.readouterr().err

    assert main(["--config", config, "fetch", "words"]) == 0
    assert made == ["glove-6b-50d"]
    capsys.readouterr()
    main(["--config", config, "fetch"])
    assert made == ["glove-6b-50d", "smollm2-135m-instruct"]
    assert "✓ starter: smollm2-135m-instruct: downloaded" in capsys.readouterr().out


def test_the_pace_of_a_starter_model_is_that_of_its_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0

    def prepare(folder: Path, tell: Any, *_: object) -> Any:
        nonlocal now
        tell("downloading", None)
        now += 2
        tell("converting", None)
        now += 30
        yield STARTERS[0], folder, 10_000_000

    monkeypatch.setattr("models.starter.models.prepare", prepare)
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setenv("TOKENWISE_DATA_DIR", str(tmp_path / "data"))
    assert main(["fetch", "starter"]) == 0
    assert f"✓ starter: {STARTERS[0].name}: downloaded 10 MB in 2 s (5 MB/s)" in capsys.readouterr().out


def test_a_slot_must_be_one_and_have_a_section(
    write_config: WriteConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(write_config("[words]\nname = 'a'"))
    with pytest.raises(SystemExit) as ended:
        main(["--config", config, "fetch", "word"])
    assert ended.value.code == 2
    assert "word is none of" in capsys.readouterr().err
    assert main(["--config", config, "fetch", "songs"]) == 2
    assert "no [songs] section" in capsys.readouterr().err


def test_lines_come_now_and_then() -> None:
    output = io.StringIO()
    watch = fetch._lines(Console(file=output, width=200), lambda: now)
    for seconds in (0, 1, 6, 7, 8):
        now = float(seconds)
        watch("a model", seconds * 1_000_000, 8_000_000)
    assert output.getvalue().splitlines() == [
        "a model: 0 Bytes of 8 MB",
        "a model: 6 MB of 8 MB, 1 MB/s",
        "a model: 8 MB of 8 MB, 1 MB/s",
    ]


def test_a_terminal_shows_a_bar() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100)
    with fetch._watching(console) as watch:
        watch("a [model]", 0, 4_000_000)
        watch("a [model]", 3_000_000, 4_000_000)
    assert "a [model]" in output.getvalue()
    assert "3.0/4.0 MB" in output.getvalue()


def test_a_model_that_is_refused_is_one_line(
    write_config: WriteConfig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ModelError("It cannot be had.")

    monkeypatch.setattr(fetching, "fetch", fail)
    assert main(["--config", str(write_config("[words]\nname = 'a'")), "fetch"]) == 1
    assert capsys.readouterr().out == "✗ words: It cannot be had.\n0 of 1 ready.\n"
