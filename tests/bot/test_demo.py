"""The demo: the whole bot in a local Discord, used from the command line."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rich.console import Console

from bot.cli import main
from bot.cli.demo import CONFIGS, at_full_speed, demo
from bot.cli.welcome import welcome
from bot.client import EXTENSIONS, Tokenwise, local_service
from bot.settings.load import load
from bot.settings.schema import Settings
from models import memory
from models.failures import (
    ModelError,
    StarterFailure,
    StarterHashMismatch,
    StarterNoSpace,
    StarterUnreachable,
)
from models.hub import Hub
from models.sections import LanguageSection
from tests.bot.conftest import until
from tests.wire import tiny


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """The demo sets logging up for a terminal."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def tiny_settings(config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setenv("TOKENWISE_DATA_DIR", str(tmp_path / "data"))
    return load(config)


async def test_it_asks_prints_and_ends(tiny_settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    threads = set(threading.enumerate())
    lines = ["/tokens text:two words", "/similar word:engineer"]
    assert await demo(tiny_settings, lines, "student") == 0
    captured = capsys.readouterr()
    assert "http://" not in captured.out, "nobody can open a page that is about to close"
    assert "/tokens text:two words" in captured.out
    assert "technologist" in captured.out or "machinist" in captured.out
    assert "words: loaded words" in captured.err
    # Those of asyncio's own pool end with the loop.
    await until(lambda: all("asyncio" in it.name for it in set(threading.enumerate()) - threads))


@pytest.mark.parametrize("failure", [StarterUnreachable, StarterNoSpace, StarterHashMismatch])
def test_without_the_starter_models_the_small_ones_serve_and_one_sentence_says_why(
    failure: type[StarterFailure],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise failure("some-wheel")

    served: list[Settings] = []

    async def demo(settings: Settings, *_: object) -> int:
        served.append(settings)
        return 0

    monkeypatch.setattr("models.starter.models.prepare", refuse)
    monkeypatch.setattr("bot.cli.demo.demo", demo)
    monkeypatch.setenv("TOKENWISE_DATA_DIR", str(tmp_path))
    assert main(["demo", "--models", "starter"]) == 0
    assert served == [load(CONFIGS["small"])]
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"{failure('some-wheel')} Using the small bundled models instead."


def test_its_allocator_keeps_few_reserves(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each arena of glibc's keeps what loading has freed in it: over a hundred megabytes with the starter models."""
    limited = []
    monkeypatch.setattr(memory, "use_few_arenas", lambda: limited.append(True))

    async def ended(*_: object) -> int:
        assert limited, "before there are threads"
        return 0

    monkeypatch.setattr("bot.cli.demo.demo", ended)
    assert main(["demo", "--config", str(config)]) == 0


async def test_likes_persist_and_commands_are_there_the_second_time_too(
    tiny_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await demo(tiny_settings, ["/likes add song:Song Alpha"], "student") == 0
    capsys.readouterr()
    assert await demo(tiny_settings, ["/likes list"], "student") == 0
    assert "Song Alpha" in capsys.readouterr().out
    # Nothing of it is where the bot on the real Discord keeps its own.
    assert [path.name for path in tiny_settings.data_dir.glob("**/*.db")] == ["tokenwise.db"]
    assert not (tiny_settings.data_dir / "tokenwise.db").exists()


async def test_who_asks_for_the_models_sees_them_loaded_and_their_files_do_not_pile_up(
    tiny_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    left = tiny_settings.data_dir / "sandbox" / "files" / "1-likes.json"
    left.parent.mkdir(parents=True)
    left.write_text("of an earlier session")
    lines = ["/models reload slot:words", "/models status"]
    assert await demo(tiny_settings, lines, "admin") == 0
    captured = capsys.readouterr()
    assert "loading" not in captured.out.rpartition("/models status")[2].casefold()
    assert captured.err.count("words: loaded words") == 2
    assert not left.exists()


@pytest.mark.parametrize("line", ["/nonsense", "no command", "/similar word:enginer"])
async def test_what_is_not_answered_makes_it_fail(
    tiny_settings: Settings, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    assert await demo(tiny_settings, [line, "/tokens text:x"], "student") == 1
    assert "/tokens text:x" in capsys.readouterr().out


async def test_its_page_opens_with_examples_of_what_is_loaded(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    stdin = os.fdopen(read)
    monkeypatch.setattr("sys.stdin", stdin)
    said = io.StringIO()
    running = asyncio.create_task(demo(tiny_settings, None, "student", Console(file=said, width=200)))
    await until(lambda: "http://" in said.getvalue())
    url = re.findall(r"http://\S+", said.getvalue())[0]  # what a terminal makes a link of
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/page/socket", headers={"Origin": url}) as socket,
        asyncio.timeout(20),
    ):
        opened: dict[str, Any] = {"examples": []}
        places = set()
        while not (opened["examples"] and all(example["ready"] for example in opened["examples"])):
            opened = (await socket.receive_json()).get("welcome") or opened
            places.add(tuple(example["question"] for example in opened["examples"]))
    assert len(places) == 1, "no example moves while somebody is about to click it"
    assert "what a language model sees" in opened["text"]
    commands = [example["line"].partition(" ")[0] for example in opened["examples"]]
    assert commands == ["/generate", "/tokens", "/similar", "/recommend"]
    os.write(write, b"quit\n")
    os.close(write)
    assert await running == 0
    stdin.close()


async def test_a_question_without_its_model_has_no_example(tiny_settings: Settings) -> None:
    def fail(*_: object) -> Any:
        raise ValueError("damaged")

    hub = Hub(tiny_settings.specs(), {"words": fail})
    async with Tokenwise(tiny_settings, local_service(tiny_settings, hub)) as bot:
        for extension in EXTENSIONS:
            await bot.load_extension(extension)

        async def asked() -> dict[str, bool]:
            return {
                example.line.partition(" ")[0]: example.ready for example in (await welcome(bot)).examples
            }

        nothing = dict.fromkeys(["/generate", "/tokens", "/similar", "/recommend"], False)
        assert await asked() == nothing
        hub.load("tokenizers")
        hub.load("songs")
        assert await asked() == nothing | {"/tokens": True, "/recommend": True}
        bot.tree.remove_command("tokens")
        with pytest.raises(ModelError):
            hub.load("words")
        assert await asked() == {"/generate": False, "/embed": False, "/recommend": True}


def test_only_those_who_watch_see_the_small_model_write_slowly() -> None:
    def pace(settings: Settings) -> int:
        language = settings.section(LanguageSection)
        assert language is not None
        return language.tokens_per_second

    watched = load(CONFIGS["small"])
    assert 10 <= pace(watched) <= 30
    assert watched.lane("language").workers < watched.limits.per_user, "one person can see the queue"
    assert pace(at_full_speed(watched)) == 0
    without = watched.model_copy(update={"language": None})
    assert at_full_speed(without) == without


async def test_a_bot_that_cannot_start_ends_it(
    tiny_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_settings.data_dir.write_text("in the way")
    assert await asyncio.wait_for(demo(tiny_settings, ["/tokens text:x"], "student"), 20) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"Cannot create the data folder .*: Not a directory\.", line)


async def test_an_end_before_the_models_are_there_is_no_failure(
    tiny_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await demo(tiny_settings, ["/help"], "student") == 0
    captured = capsys.readouterr()
    assert "stopping" not in captured.err
    assert "ERROR" not in captured.err
