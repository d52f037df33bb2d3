"""/models status and /models reload."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

import bot
from bot.reload import reload
from models.failures import NotThere
from models.sections import LanguageSection, WordsSection
from models.service import Caller
from models.slots import SLOTS
from sandbox import Sandbox
from tests.models import serving
from tests.wire.conftest import Launch, Live, Paced
from tests.wire.test_generate import finished, writing


async def test_status_is_for_everybody(live: Live) -> None:
    for slot in live.hub.slots:
        await asyncio.to_thread(live.hub.wait, slot, 30)
    answer = await live.box.ask("/models status")
    assert not answer.ephemeral
    for status in live.hub.status():
        assert f"{status.slot}: ready" in answer.text
        assert status.name in answer.text


async def test_status_tells_version_uptime_and_every_queue(live: Live) -> None:
    await live.bot.service.loaded()
    answer = await live.box.ask("/models status")
    assert f"Tokenwise {bot.__version__} · up for " in answer.text
    assert re.search(r"up for \d+ second", answer.text)
    for lane in (*live.bot.service.lanes.status, *live.bot.drawing.status):  # type: ignore[attr-defined]
        name = {
            "drawing": "pictures",
            "inside": "views into models",
            "loading": "reloads",
            "suggesting": "suggestions",
        }.get(lane, lane)
        where = answer.text.partition(f"{name}:")[2].partition("\n\n")[0]
        assert "idle" in where, lane
    live.bot._began -= 3 * 86400 + 7200
    assert "up for 3 days and 2 hours" in (await live.box.ask("/models status")).text


async def test_status_shows_who_runs_and_waits(live: Live) -> None:
    await writing(live)
    second = live.box.send("/generate prompt:king is", member=live.box.admin)
    await second.until(lambda shown: "in line" in shown.text)
    assert "1 running, 1 waiting" in (await live.box.ask("/models status")).text


async def test_only_admins_reload(live: Live) -> None:
    refused = await live.box.ask("/models reload slot:words")
    assert refused.ephemeral
    assert "Only the people who run this bot" in refused.text
    assert live.hub.status("words")[0].generation <= 1


MANAGE_SERVER = 1 << 5


@pytest.mark.parametrize("line", ["/models reload slot:words", "/models reload slot:language revision:main"])
async def test_a_manager_reloads_only_where_the_bot_is_at_home(
    launch: Launch, box: Sandbox, line: str
) -> None:
    """Anyone can create a server and invite the bot, but all servers share the models."""
    manager = box.add_member("manager", permissions=MANAGE_SERVER)
    abroad = await launch({"discord.home_guild_ids": [box.guild.id + 1]})
    refused = await box.ask(line, member=manager)
    assert refused.ephemeral
    assert "Only the people who run this bot" in refused.text
    assert "reload" not in (await box.ask("/help", member=manager)).text
    await abroad.stop()
    await launch({"discord.home_guild_ids": [box.guild.id]})
    answer = await box.ask("/models reload slot:words", member=manager)
    await answer.until(lambda shown: "Reloaded" in shown.text)


async def test_a_role_from_the_settings_may_reload(launch: Launch, box: Sandbox) -> None:
    keeper = box.add_member("keeper", roles=["models"])
    live = await launch({"discord.admin_role_ids": [keeper.roles[0].id]})
    answer = await live.box.ask("/models reload slot:words", member=keeper)
    await answer.until(lambda shown: "Reloaded" in shown.text)


async def test_reload_swaps_while_jobs_finish_on_the_old_model(
    launch: Launch, loaded: dict[str, Any]
) -> None:
    old, new = Paced(loaded["language"]), Paced(loaded["language"])
    models = iter([old, new])
    live = await launch(loaders={"language": lambda *_: next(models)})
    live.pace = old
    answer = await writing(live)
    reload = await live.box.ask("/models reload slot:language", member=live.box.admin)
    assert reload.ephemeral
    await reload.until(lambda shown: "Reloaded **language**" in shown.text)
    assert live.hub.status("language")[0].generation == 2
    assert not finished(answer)
    old.run()
    await answer.until(finished)
    later = await live.box.ask("/generate prompt:king is max_new_tokens:3")
    await later.until(finished)
    assert [call["prompt"] for call in old.calls] == ["engineer is"]
    assert [call["prompt"] for call in new.calls] == ["king is"]


async def test_a_failed_reload_keeps_the_old_model_and_says_why(
    launch: Launch, loaded: dict[str, Any]
) -> None:
    tries = iter([True, False])

    def load(*_: object) -> Any:
        if next(tries):
            return loaded["words"]
        raise NotThere("The word vectors are not on this machine any more.")

    live = await launch(loaders={"words": load})
    await live.box.ask("/similar word:engineer")
    reload = await live.box.ask("/models reload slot:words", member=live.box.admin)
    await reload.until(lambda shown: "not reloaded" in shown.text)
    assert reload.ephemeral
    assert "not on this machine any more" in reload.text
    assert "The previous one keeps serving" in reload.text
    answer = await live.box.ask("/similar word:engineer")
    assert not answer.ephemeral


async def test_progress_is_shown_while_a_model_loads(launch: Launch, loaded: dict[str, Any]) -> None:
    go = threading.Event()
    first = True

    def load(_spec: object, progress: Any = None) -> Any:
        nonlocal first
        if not first:
            progress("reading vectors", 0.25)
            assert go.wait(10)
        first = False
        return loaded["words"]

    live = await launch(loaders={"words": load})
    await live.box.ask("/similar word:engineer")
    reload = live.box.send("/models reload slot:words", member=live.box.admin)
    await reload.until(lambda shown: "reading vectors" in shown.text)
    assert "25%" in reload.text
    other = await live.box.ask("/similar word:engineer", member=live.box.admin)
    assert "engineer" in other.text
    again = await live.box.ask("/models reload slot:words", member=live.box.admin)
    go.set()
    await reload.until(lambda shown: "Reloaded" in shown.text)
    await again.until(lambda shown: shown.text.startswith(("✅", "❌")))


# After changes of the settings file ---------------------------------------------------------------------------


def rewrite(live: Live, tmp_path: Path, *changes: tuple[str, str]) -> None:
    """Change the settings file while the bot is running."""
    assert live.bot.settings._path is not None
    text = live.bot.settings._path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "changed.toml"
    path.write_text(text, encoding="utf-8")
    live.bot.settings._path = path


async def reloaded(live: Live, command: str, holds: str = "Reloaded") -> str:
    answer = await live.box.ask(f"/models reload {command}", member=live.box.admin)
    await answer.until(lambda shown: holds in shown.text)
    assert answer.ephemeral
    return answer.text


async def test_a_reload_takes_what_the_settings_say_by_now(
    launch: Launch, loaded: dict[str, Any], tiny_config: Path, tmp_path: Path
) -> None:
    specs: list[Any] = []

    def load(spec: Any, _progress: Any) -> Any:
        specs.append(spec)
        return loaded["tokenizers"]

    live = await launch(loaders={"tokenizers": load})
    await live.bot.service.loaded()
    phi = f"{tiny_config.parent.as_posix()}/phi"
    bert = f"{tiny_config.parent.as_posix()}/bert"
    rewrite(live, tmp_path, (f'names = ["{phi}", "{bert}"]', f'names = ["{bert}"]'))
    text = await reloaded(live, "slot:tokenizers")
    assert [spec.names for spec in specs] == [(phi, bert), (bert,)]
    assert "models: " in text
    assert text.count(" before, ") == 2


async def test_the_limits_of_a_changed_section_hold_from_then_on(live: Live, tmp_path: Path) -> None:
    await live.bot.service.loaded()
    rewrite(live, tmp_path, ("max_new_tokens = 1400", "max_new_tokens = 3\ndefault_new_tokens = 2"))
    await reloaded(live, "slot:language")
    language = live.bot.settings.section(LanguageSection)
    assert language is not None
    assert language.default_new_tokens == 2
    answer = await live.box.ask("/generate prompt:king is")
    await answer.until(finished)
    assert live.pace.calls[-1]["max_new_tokens"] == 2


async def test_a_reload_whose_asker_is_gone_brings_its_limits_too(live: Live, tmp_path: Path) -> None:
    await live.bot.service.loaded()
    rewrite(live, tmp_path, ("max_new_tokens = 1400", "max_new_tokens = 3\ndefault_new_tokens = 2"))
    before = live.hub.status("language")[0].generation
    asked = reload(live.bot, Caller("gone", 0), "language", None)
    await anext(asked)
    await asked.aclose()
    while live.hub.status("language")[0].generation == before or live.bot._background:
        await asyncio.wait(set(live.bot._background), timeout=0.05)
    language = live.bot.settings.section(LanguageSection)
    assert language is not None
    assert language.default_new_tokens == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('name = "', "name = 7 # "), "words.name: got 7; allowed"),
        (("[words]", "[wordz]"), "wordz: unknown key"),
        (("[words]", "words]"), "changed.toml: not valid TOML"),
        (("vector_size = 8", "vector_size = 0"), "songs.vector_size: got 0; allowed"),
    ],
)
async def test_wrong_settings_are_refused_in_their_own_words(
    live: Live, tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    await live.bot.service.loaded()
    rewrite(live, tmp_path, change)
    text = (await reloaded(live, "slot:words", "not reloaded")).replace("\\", "")
    assert words in text
    assert "The previous one keeps serving" in text
    assert str(tmp_path) not in text
    assert live.hub.status("words")[0].generation == 1
    assert "engineer" in (await live.box.ask("/similar word:engineer")).text


async def test_what_the_settings_leave_out_cannot_be_loaded(launch: Launch, tmp_path: Path) -> None:
    live = await launch({"encoder": None})
    await live.bot.service.loaded()
    text = await live.box.ask("/models reload slot:encoder", member=live.box.admin)
    assert text.ephemeral
    assert "no section [encoder]" in text.text.replace("\\", "")
    words = live.bot.settings.section(WordsSection)
    assert words is not None
    rewrite(live, tmp_path, (f'[words]\nname = "{words.name}"\n', ""))
    assert "no section" in await reloaded(live, "slot:words", "not reloaded")


async def test_what_is_not_there_is_said_with_what_brings_it(live: Live, tmp_path: Path) -> None:
    await live.bot.service.loaded()
    words = live.bot.settings.section(WordsSection)
    assert words is not None
    rewrite(live, tmp_path, (words.name, "https://vectors.example/german.vec"))
    live.hub._loaders["words"] = SLOTS["words"].load
    assert "python -m bot fetch words" in await reloaded(live, "slot:words", "not reloaded")


async def test_a_bot_without_its_models_starts_and_says_what_brings_them(launch: Launch) -> None:
    settings = {
        "words.name": "glove-of-nine",
        "songs.songs": "https://songs.example/a/songs.tsv",
        "songs.playlists": "https://songs.example/a/lists.txt",
        "language.name": "somebody/model",
    }
    live = await launch(settings, loaders={slot: SLOTS[slot].load for slot in ("words", "songs", "language")})
    await live.bot.service.loaded()
    answer = await live.box.ask("/models status", member=live.box.admin)
    await answer.until(lambda answer: answer.followups)
    status, remedies = answer.messages[0].text, answer.followups[0]
    assert remedies.ephemeral
    assert "python -m bot" not in status
    assert "python -m bot" not in (await live.box.ask("/models status")).text, "students mend nothing"
    for slot, question in (
        ("words", "/similar word:engineer"),
        ("songs", "/recommend song:1"),
        ("language", "/generate prompt:king"),
    ):
        assert f"{slot}: failed" in status
        remedy = f"“python -m bot fetch {slot}” downloads it"
        assert remedy in remedies.text
        answer = await live.box.ask(question, member=live.box.admin)
        assert answer.ephemeral
        assert remedy in answer.text
        told = (await live.box.ask(question)).text
        assert "is not on this machine yet" in told
        assert "python -m bot" not in told
    assert "CAP" in (await live.box.ask("/tokens text:CAPITALIZATION")).text.upper()


# Revisions -----------------------------------------------------------------------------------------------------


async def test_a_revision_is_downloaded_and_then_serves(
    launch: Launch, tiny_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {file.name: file.read_bytes() for file in (tiny_config.parent / "phi").iterdir()}
    revisions = {
        "main": files,
        "v2": {**files, "README.md": b"second", "config.json": files["config.json"] + b"\n"},
    }
    hub = serving.Hub(repositories={"somebody/phi": serving.Repository(revisions)})
    with serving.serving(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        live = await launch()
        await live.bot.service.loaded()
        rewrite(live, tmp_path, (f'{tiny_config.parent.as_posix()}/phi"\nmax', 'somebody/phi"\nmax'))
        live.hub._loaders["language"] = SLOTS["language"].load
        assert "fetch language" in await reloaded(live, "slot:language", "not reloaded")
        assert not hub.seen, "without a revision nothing is downloaded"
        assert "no revision “v3”" in await reloaded(live, "slot:language revision:v3", "not reloaded")
        assert "somebody/phi" in await reloaded(live, "slot:language revision:v2")
        language = live.bot.settings.section(LanguageSection)
        assert language is not None
        assert language.revision == "v2"
        assert hub.sent("model.safetensors")
        answer = await live.box.ask("/generate prompt:king is max_new_tokens:3")
        await answer.until(finished)
        hub.seen.clear()
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        text = await reloaded(live, "slot:language revision:main", "not reloaded")
        assert "HF_HUB_OFFLINE" in text.replace("\\", "")
        assert not hub.seen
    assert live.hub.status("language")[0].generation == 2


async def test_only_models_of_the_hub_have_revisions(live: Live) -> None:
    await live.bot.service.loaded()
    assert "Leave the revision out for words" in await reloaded(
        live, "slot:words revision:v2", "not reloaded"
    )
    text = await reloaded(live, "slot:language revision:v2", "not reloaded")
    assert "name a local folder, which has no revisions" in text


# Two that do not fit in memory ---------------------------------------------------------------------------------


async def test_where_two_do_not_fit_questions_wait_and_the_answer_says_so(
    launch: Launch, loaded: dict[str, Any]
) -> None:
    old, new = Paced(loaded["language"]), Paced(loaded["language"])
    models = iter([old, new])
    live = await launch(loaders={"language": lambda *_: next(models)})
    live.hub._fits = lambda _spec, _there: False
    live.pace = old
    answer = await writing(live)
    reload = live.box.send("/models reload slot:language", member=live.box.admin)
    await reload.until(lambda shown: "waiting for 1 request to finish" in shown.text)
    assert "requests wait for it" in reload.text
    later = live.box.send("/generate prompt:king is max_new_tokens:3", member=live.box.admin)
    old.run()
    await answer.until(finished)
    await reload.until(lambda shown: "Reloaded" in shown.text)
    assert "Two copies did not fit into memory" in reload.text
    await later.until(finished)
    assert [call["prompt"] for call in new.calls] == ["king is"]
