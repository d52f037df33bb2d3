"""/tokens, /similar, /help, and behaviour common to all commands."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import threading
from typing import Any

import pytest

from cogs.shared.text import ordinal
from models.results import Neighbourhood, OddOne, Pair
from models.words.vectors import WordVectors
from sandbox import Limits, Sandbox, SandboxError
from tests.cogs.drawing import SGR
from tests.wire.conftest import Launch, Live

# -- /tokens -----------------------------------------------------------------------------------------


async def test_tokenizers_are_compared(live: Live) -> None:
    answer = await live.box.ask("/tokens text:CAPITALIZATION and other stuff")
    assert not answer.ephemeral
    with live.hub.lease("tokenizers") as tokenizers:
        for tokenization in tokenizers.compare("CAPITALIZATION and other stuff"):
            for fact in (
                tokenization.name,
                tokenization.count,
                f"{tokenization.vocab_size:,}",
                tokenization.algorithm,
            ):
                assert str(fact) in answer.text
    assert answer.message is not None
    assert len(answer.message.attachments) == len(tokenizers.names)


async def test_one_tokenizer_shows_every_piece_above_its_id(live: Live) -> None:
    with live.hub.lease("tokenizers") as tokenizers:
        name = tokenizers.names[0]
        expected = tokenizers.get(name).tokenize("CAPITALIZATION and other stuff").ids
    answer = await live.box.ask(f"/tokens text:CAPITALIZATION and other stuff tokenizer:{name}")
    assert answer.message is not None
    ids = await live.box.press(answer.message, "Ids and CSV")
    rows = [row for row in SGR.sub("", ids.text).split("```")[1].splitlines()[1:] if row]
    assert [int(cell) for row in rows[1::2] for cell in row.split("│") if cell.strip()] == expected


async def test_tokenizers_complete_and_unknown_ones_are_refused(live: Live) -> None:
    names = [choice["value"] for choice in await live.box.autocomplete("/tokens text:x tokenizer:")]
    with live.hub.lease("tokenizers") as tokenizers:
        assert names == tokenizers.names
    some = await live.box.autocomplete(f"/tokens text:x tokenizer:{names[1][:3].upper()}")
    assert names[1] in [choice["value"] for choice in some]
    answer = await live.box.ask("/tokens text:x tokenizer:nonsense")
    assert answer.ephemeral
    assert names[0] in answer.text


@pytest.mark.parametrize(
    "part",
    ["word ", "🙂", "```", "\x1b[31m", "@everyone ", "\u202e", "漢字", "\n", "a\x00", "é", "<@&1>"],
    ids=repr,
)
async def test_six_thousand_characters_of_anything_fit(live: Live, part: str) -> None:
    text = (part * 6000)[:6000]
    names = [choice["value"] for choice in await live.box.autocomplete("/tokens text:x tokenizer:")]
    for tokenizer in (None, *names):
        options = {"text": text} | ({"tokenizer": tokenizer} if tokenizer else {})
        answer = await live.box.ask_command("tokens", options)
        assert answer.message is not None
        assert not answer.message.mentions.everyone
        files = [file.filename for file in answer.message.attachments]
        pictures = [name for name in files if name.endswith(".png")]
        one_each = [f"tokens-{number}.png" for number in range(1, len(names) + 1)]
        assert pictures == (["tokens.png"] if tokenizer else one_each)
        assert files in (pictures, [*pictures, "tokens.txt"])
        assert ("more in the file" in answer.text) == ("tokens.txt" in files)
        assert "\x1b" not in SGR.sub("", answer.text)


async def test_a_text_that_is_too_long_for_these_settings_is_refused(launch: Launch) -> None:
    live = await launch({"limits.text_characters": 10})
    answer = await live.box.ask("/tokens text:eleven chars")
    assert answer.ephemeral
    assert "at most 10 characters" in answer.text


# -- /similar ----------------------------------------------------------------------------------------


async def test_neighbours_come_with_cosines_and_a_map(live: Live) -> None:
    answer = await live.box.ask("/similar word:engineer n:5")
    with live.hub.lease("words") as words:
        expected = words.similar("engineer", 5)
    for neighbour in expected.neighbours:
        assert neighbour.word in answer.text
        assert f"{neighbour.score:.3f}" in answer.text
    assert answer.message is not None
    picture, _table = answer.message.attachments
    assert picture.bytes.startswith(b"\x89PNG")
    assert answer.message.embeds[0]["image"]["url"].endswith("map.png")


async def test_sums_of_words_are_understood(live: Live) -> None:
    answer = await live.box.ask("/similar word:king - man + woman")
    assert not answer.ephemeral
    assert "king" in answer.text.splitlines()[0]


async def test_an_unknown_word_gets_a_suggestion_in_private(live: Live) -> None:
    answer = await live.box.ask("/similar word:enginer")
    assert answer.ephemeral
    assert "engineer" in answer.text
    assert [message for message in answer.messages if not message.ephemeral] == []
    assert (await live.box.ask_command("similar", {"word": "   "})).ephemeral


async def test_the_last_word_of_a_sum_completes(live: Live) -> None:
    choices = await live.box.autocomplete("/similar word:king - man + wom")
    assert "king - man + woman" in [choice["value"] for choice in choices]
    assert await live.box.autocomplete("/similar word:king -") == []
    for whole in ("king", "-king", "king - man", "king,woman", "king -man"):
        assert (await live.box.autocomplete(f"/similar word:{whole}"))[0]["value"] == whole


# -- every command -----------------------------------------------------------------------------------


async def test_a_word_by_its_vector_is_its_own_neighbour(live: Live) -> None:
    answer = await live.box.ask("/similar word:engineer n:3 by:vector")
    assert answer.message is not None
    assert re.search(r"^1 +engineer +.* 1\.000$", answer.text, re.MULTILINE)
    assert "by vector" in answer.text
    files = {file.filename: file.bytes for file in answer.message.attachments}
    rows = list(csv.DictReader(io.StringIO(files["neighbours.csv"].decode())))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["word"] == "engineer"


async def test_two_words_are_compared(live: Live) -> None:
    answer = await live.box.ask("/similar word:king, queen")
    with live.hub.lease("words") as words:
        expected = words.pair("king", "queen")
    assert f"Cosine **{expected.cosine:.3f}**" in answer.text
    assert f"the {ordinal(expected.rank_of_second)} nearest to **king**" in answer.text
    same = await live.box.ask("/similar word:king, king")
    assert "the same word" in same.text


async def test_the_one_that_does_not_belong(live: Live) -> None:
    answer = await live.box.ask("/similar word:king, queen, man, engineer")
    assert answer.message is not None
    with live.hub.lease("words") as words:
        odd = words.odd_one_out(["king", "queen", "man", "engineer"]).odd
    assert f"{odd} does not belong" in answer.text
    names = {file.filename: file.bytes for file in answer.message.attachments}
    assert names["map.png"].startswith(b"\x89PNG")
    assert "words.csv" in names
    refused = await live.box.ask("/similar word:king - man, woman")
    assert refused.ephemeral
    assert "either a sum" in refused.text
    choices = await live.box.autocomplete("/similar word:king, wom")
    assert choices[0]["value"] == "king, woman"


def examples_in(text: str) -> list[str]:
    return re.findall(r"`(/[^`]+)`", text)


async def test_help_is_a_path_with_a_link_for_every_command(live: Live) -> None:
    answer = await live.box.ask("/help")
    assert answer.ephemeral
    links = dict(re.findall(r"</([\w ]+):(\d+)>", answer.text))
    assert {name.partition(" ")[0] for name in links} == live.box.commands.keys()
    for name, number in links.items():
        assert int(number) == live.box.commands[name.partition(" ")[0]].id
    places = [
        answer.text.index(f"</{name}:") for name in ("tokens", "generate", "embed", "similar", "recommend")
    ]
    assert places == sorted(places)
    assert places[-1] < answer.text.index("</likes list:")
    assert "models reload" not in links
    admins = await live.box.ask("/help", member=live.box.admin)
    assert "</models reload:" in admins.text


async def test_every_example_of_help_works(live: Live) -> None:
    await live.bot.service.loaded()
    examples = examples_in((await live.box.ask("/help", member=live.box.admin)).text)
    assert {example.partition(" ")[0] for example in examples} >= {
        "/tokens",
        "/decode",
        "/similar",
        "/recommend",
    }
    for example in examples:
        answer = await live.box.ask(example, member=live.box.admin)
        await answer.until(lambda answer: answer.text)
        assert not answer.ephemeral or example.startswith("/models"), f"{example}: {answer.text}"


async def test_help_leaves_out_what_is_not_set_up(launch: Launch) -> None:
    live = await launch({"words": None, "songs": None})
    text = (await live.box.ask("/help")).text
    assert "</tokens:" in text
    assert not re.search(r"</(similar|recommend|likes \w+):", text)


async def test_lessons_go_forward_and_back(live: Live) -> None:
    await live.bot.service.loaded()
    answer = await live.box.ask("/learn")
    assert not answer.ephemeral
    assert answer.message is not None
    assert "Lesson 1 of 9" in answer.text
    seen = [answer.text]
    for number in range(2, 10):
        turned = await live.box.press(answer.message, "Next ▶", member=live.box.admin)
        wanted = f"Lesson {number} of 9"
        await turned.until(lambda answer: wanted in answer.text)  # noqa: B023 - awaited within the loop
        seen.append(answer.text)
    assert "Next ▶" not in [
        part.get("label") for row in answer.message.components for part in row["components"]
    ]
    await live.box.press(answer.message, "◀ Back")
    await answer.until(lambda answer: "Lesson 8 of 9" in answer.text)
    for text in seen:
        (example,) = examples_in(text)
        if not example.startswith("/likes"):
            assert not (await live.box.ask(example, member=live.box.admin)).ephemeral


async def test_lessons_are_about_the_models_that_are_set_up(launch: Launch) -> None:
    live = await launch({"language": None, "encoder": None, "songs": None, "words": None})
    assert "Lesson 1 of 3" in (await live.box.ask("/learn")).text


async def test_without_models_there_are_no_lessons(launch: Launch) -> None:
    live = await launch(dict.fromkeys(("language", "encoder", "songs", "words", "tokenizers")))
    assert "no models" in (await live.box.ask("/learn")).text


async def test_a_light_question_does_not_wait_for_a_long_text(live: Live) -> None:
    live.pace.hold()
    live.box.send("/generate prompt:engineer is")
    answer = await live.box.ask("/tokens text:quick", member=live.box.admin)
    assert "quick" in answer.text


async def test_too_many_commands_are_slowed_down(launch: Launch) -> None:
    live = await launch({"limits.commands": 2, "limits.seconds": 60.0})
    for _ in range(2):
        await live.box.ask("/help")
    answer = await live.box.ask("/tokens text:x")
    assert answer.ephemeral
    assert re.search(r"again in \d+ s", answer.text)
    other = await live.box.ask("/tokens text:x", member=live.box.admin)
    assert not other.ephemeral


@pytest.mark.parametrize("slot", ["language", "tokenizers", "words", "songs"])
async def test_a_bot_without_a_model_says_so(launch: Launch, slot: str) -> None:
    live = await launch({slot: None})
    line = {
        "language": "/generate prompt:x",
        "tokenizers": "/tokens text:x",
        "words": "/similar word:king",
        "songs": "/recommend song:Song",
    }[slot]
    answer = await live.box.ask(line)
    assert answer.ephemeral
    assert "/help" in answer.text


async def test_a_question_right_after_the_start_waits_for_the_model(launch: Launch) -> None:
    loading = asyncio.Event()
    loop = asyncio.get_running_loop()
    go = threading.Event()
    live = await launch()
    with live.hub.lease("words") as words:
        pass

    def slow(*_: object) -> object:
        loop.call_soon_threadsafe(loading.set)
        assert go.wait(10)
        return words

    await live.stop()
    live = await launch(loaders={"words": slow})
    await loading.wait()
    answer = live.box.send("/similar word:engineer")
    await answer.until(lambda shown: shown.deferred)
    status = await live.box.ask("/models status")
    assert "words: loading" in status.text
    go.set()
    await answer.visible()
    assert "engineer" in answer.text


class Held:
    """Word vectors that answer when the test allows it."""

    def __init__(self, model: WordVectors) -> None:
        self.model = model
        self.asked, self.go = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def ask(self, query: str, n: int, *, by_vector: bool) -> Neighbourhood | Pair | OddOne:
        self.asked.set()
        assert self.go.wait(10)
        return self.model.ask(query, n, by_vector=by_vector)


async def test_what_was_asked_before_a_shutdown_is_answered_with_its_picture(
    launch: Launch, loaded: dict[str, Any]
) -> None:
    held = Held(loaded["words"])
    live = await launch(loaders={"words": lambda *_: held})
    answer = live.box.send("/similar word:engineer")
    assert await asyncio.to_thread(held.asked.wait, 10)
    stop = asyncio.create_task(live.stop())
    await live.bot.stopping.wait()
    held.go.set()
    await answer.until(lambda shown: shown.message is not None and shown.message.attachments)
    assert not answer.ephemeral
    await stop


async def test_commands_are_registered_once(launch: Launch) -> None:
    first = await launch()
    await first.stop()
    second = await launch()
    await second.box.ask("/help")
    assert len([request for request in second.box.requests("PUT") if "commands" in request.path]) == 1


async def test_the_bot_works_in_direct_messages(live: Live) -> None:
    answer = await live.box.ask("/tokens text:quick", channel=live.box.direct(live.box.student))
    assert "quick" in answer.text
    refused = await live.box.ask(
        "/models reload slot:words", channel=live.box.direct(live.box.admin), member=live.box.admin
    )
    assert "Only the people who run this bot" in refused.text


async def test_the_sandbox_would_see_a_broken_limit() -> None:
    """The other tests depend on this: the sandbox refuses what Discord refuses."""
    assert Limits().answer_seconds == 3
    async with Sandbox() as box:
        with pytest.raises((SandboxError, ValueError)):
            box.send("/nothing")
