"""The details behind an answer of /tokens, and /decode."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

import pytest

from cogs.shared.text import count
from sandbox import Answer
from sandbox.commandline import Filling
from tests.wire.conftest import Launch, Live

TEXT = "CAPITALIZATION \N{GUITAR} and other stuff"
LOOKS = ["Ids and CSV", "Bytes", "Special tokens", "How it works", "Cost"]


async def look(live: Live, answer: Answer, label: str) -> Answer:
    assert answer.message is not None
    seen = await live.box.press(answer.message, label)
    await seen.until(lambda shown: shown.message is not None and shown.text)
    assert seen.ephemeral
    return seen


async def turned(live: Live, seen: Answer, label: str) -> str:
    before = seen.text
    assert seen.message is not None
    await live.box.press(seen.message, label)
    await seen.until(lambda shown: shown.text != before)
    return seen.text


@pytest.fixture
async def answer(live: Live) -> Answer:
    return await live.box.ask_command("tokens", {"text": TEXT})


async def test_an_answer_has_a_picture_of_each_tokenizer_and_buttons(live: Live, answer: Answer) -> None:
    assert answer.message is not None
    assert [button.label for button in answer.message.buttons] == LOOKS
    pictures = answer.message.attachments
    with live.hub.lease("tokenizers") as tokenizers:
        made = tokenizers.compare(TEXT)
    assert [picture.filename for picture in pictures] == [f"tokens-{number}.png" for number in (1, 2, 3)][
        : len(made)
    ]
    first, *others = answer.message.embeds
    assert "image" not in first
    for picture, embed, tokenization in zip(pictures, others, made, strict=True):
        assert picture.bytes.startswith(b"\x89PNG")
        assert embed["image"]["url"] == picture.url
        assert f"`{tokenization.name}`: **{count(tokenization.count, 'token')}**" in embed["description"]
        assert str(tokenization.count) in (picture.description or "")
    assert "```" not in answer.text, "the coloured text is behind a button"


async def test_the_same_as_coloured_text_is_behind_a_button(live: Live) -> None:
    answer = await live.box.ask("/tokens text:a word tokenizer:bert")
    assert answer.message is not None
    assert [picture.filename for picture in answer.message.attachments] == ["tokens.png"]
    assert "```" not in answer.text
    assert "```ansi" in (await look(live, answer, "Ids and CSV")).text


async def test_ids_of_each_tokenizer_in_turn_with_a_file(live: Live, answer: Answer) -> None:
    seen = await look(live, answer, "Ids and CSV")
    with live.hub.lease("tokenizers") as tokenizers:
        made = tokenizers.compare(TEXT)
    for number, tokenization in enumerate(made):
        assert tokenization.name in seen.text
        assert seen.message is not None
        (file,) = seen.message.attachments
        rows = list(csv.DictReader(io.StringIO(file.bytes.decode())))
        assert [int(row["id"]) for row in rows] == tokenization.ids
        assert [row["decoded"] for row in rows] == tokenization.tokens
        if number + 1 < len(made):
            await turned(live, seen, "Next tokenizer ▶")
    assert seen.message is not None
    assert [button.label for button in seen.message.buttons] == ["◀ Previous tokenizer"]


async def test_bytes_of_a_character(live: Live, answer: Answer) -> None:
    seen = await look(live, answer, "Bytes")
    assert "U+1F3B8" in seen.text
    assert "which does not mean that the character is unknown" in seen.text
    other = await turned(live, seen, "Next tokenizer ▶")
    assert "unknown token" in other


async def test_special_tokens_and_marks(live: Live, answer: Answer) -> None:
    seen = await look(live, answer, "Special tokens")
    assert "end of a text" in seen.text
    other = await turned(live, seen, "Next tokenizer ▶")
    for token in ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "##"):
        assert f"`{token}`" in other


async def test_how_it_works(live: Live, answer: Answer) -> None:
    seen = await look(live, answer, "How it works")
    assert "byte-level BPE" in seen.text
    assert re.search(r"^ 0 \S( \S)+$", re.sub(r"[\[\]]", "", seen.text), re.MULTILINE)
    assert re.search(r"^ 0 .*\[\S+ \S+\]", seen.text, re.MULTILINE), "the pair that is merged is marked"
    other = await turned(live, seen, "Next tokenizer ▶")
    assert "longest match" in other
    assert "capitalization" in other


async def test_cost(live: Live, answer: Answer) -> None:
    await live.bot.service.loaded()
    seen = await look(live, answer, "Cost")
    with live.hub.lease("tokenizers") as tokenizers, live.hub.lease("language") as language:
        made, window = tokenizers.compare(TEXT), language.context
    for tokenization in made:
        assert f"`{tokenization.name}`: **{count(tokenization.count, 'token')}**" in seen.text
    assert f"a window of {window:,} tokens" in seen.text
    losing = [one.name for one in made if any(piece.unknown for piece in one.pieces)]
    order = re.findall(r"^\d+\. `(.*?)`", seen.text, re.MULTILINE)
    assert losing
    assert order[-len(losing) :] == losing
    assert seen.text.count("loses text") == len(losing)


async def test_one_tokenizer_has_no_others_to_turn_to(live: Live) -> None:
    answer = await live.box.ask("/tokens text:a word tokenizer:bert")
    seen = await look(live, answer, "Special tokens")
    assert "[CLS]" in seen.text
    assert seen.message is not None
    assert not seen.message.buttons


async def test_others_may_look_and_after_a_restart_too(live: Live, launch: Launch) -> None:
    answer = await live.box.ask("/tokens text:a word")
    assert answer.message is not None
    seen = await live.box.press(answer.message, "Cost", member=live.box.admin)
    assert "What it costs" in seen.text
    await live.stop()
    live = await launch()
    again = await live.box.press(answer.message, "Cost")
    await again.until(lambda shown: "What it costs" in shown.text)
    assert again.ephemeral


@pytest.mark.parametrize("label", LOOKS)
@pytest.mark.parametrize(
    "text",
    [
        "   ",
        "\x00\x00",
        "\u0e01\u0e33" * 500,
        "\u0645\u0631\u062d\u0628\u0627",
        "```" * 900,
        "@everyone" * 600,
    ],
    ids=repr,
)
async def test_any_text_can_be_looked_into(live: Live, label: str, text: str) -> None:
    answer = await live.box.ask_command("tokens", {"text": text})
    seen = await look(live, answer, label)
    assert seen.message is not None
    assert not seen.message.mentions.everyone
    assert "reference" not in seen.text


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize("tokenizer", [None, "phi", "bert"])
@pytest.mark.parametrize(
    "text",
    [
        "   ",
        "\n\t",
        "\x00",
        "a\x00b",
        FAMILY,
        "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
        "\u0645\u0631\u062d\u0628\u0627",
        "\u202e",
        "x\u0301\u0302\u0303" * 50,
    ],
    ids=ascii,
)
async def test_any_text_has_an_answer(live: Live, tokenizer: str | None, text: str) -> None:
    with live.hub.lease("tokenizers") as tokenizers:
        made = tokenizers.compare(text) if tokenizer is None else [tokenizers.get(tokenizer).tokenize(text)]
    options = {"text": text} | ({"tokenizer": tokenizer} if tokenizer else {})
    answer = await live.box.ask_command("tokens", options)
    assert not answer.ephemeral
    for tokenization in made:
        assert count(tokenization.count, "token") in answer.text
    assert answer.message is not None
    assert answer.message.attachments[0].bytes.startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["", "\ud800", "word \udfff word", "x" * 6001], ids=ascii)
async def test_what_is_no_text_is_one_sentence(
    live: Live, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Discord's own clients reject empty and overlong texts; other clients may not."""
    filled = Filling.data

    def unchecked(self: Filling, values: Mapping[str, Any], *, focused: str | None = None) -> dict[str, Any]:
        made = filled(self, {"text": "a text"}, focused=focused)
        made["options"][0]["value"] = values["text"]
        return made

    monkeypatch.setattr(Filling, "data", unchecked)
    answer = await live.box.ask_command("tokens", {"text": text})
    assert answer.ephemeral
    assert "\n" not in answer.text
    assert "reference" not in answer.text


# -- /decode -----------------------------------------------------------------------------------------


async def test_ids_are_decoded_together_and_one_by_one(live: Live) -> None:
    with live.hub.lease("tokenizers") as tokenizers:
        tokenizer = tokenizers.get("phi")
        ids = tokenizer.ids(TEXT)
        pieces = tokenizer.pieces(ids)
    for typed in (" ".join(map(str, ids)), ", ".join(map(str, ids)), str(ids), f"tensor([{ids}])"):
        answer = await live.box.ask_command("decode", {"tokenizer": "phi", "ids": typed})
        assert not answer.ephemeral
        assert TEXT in answer.text
        for piece in pieces[:20]:
            assert re.search(rf"^ *{piece.id} ", answer.text, re.MULTILINE)
    assert "give a different text" in answer.text, "the guitar is several tokens"
    one = await live.box.ask_command("decode", {"tokenizer": "phi", "ids": str(ids[0])})
    assert "1 id of phi" in one.text


@pytest.mark.parametrize(
    ("tokenizer", "ids", "why"),
    [
        ("phi", "99999", "ids range from 0 to"),
        ("phi", "-1", "is not a token id"),
        ("phi", "one", "is not a token id"),
        ("phi", "1.5", "is not a token id"),
        ("phi", "\u0661", "is not a token id"),
        ("phi", "9" * 40, "is not a token id"),
        ("phi", "[ , ]", "at least one"),
        ("phi", "1 " * 2001, "at most 2,000"),
        ("nonsense", "1", "no tokenizer with that name"),
    ],
)
async def test_ids_that_are_none_are_one_sentence(live: Live, tokenizer: str, ids: str, why: str) -> None:
    answer = await live.box.ask_command("decode", {"tokenizer": tokenizer, "ids": ids})
    assert answer.ephemeral
    assert why in answer.text


async def test_the_tokenizer_of_ids_completes(live: Live) -> None:
    choices = await live.box.autocomplete("/decode tokenizer:ber")
    assert [choice["value"] for choice in choices] == ["bert"]


async def test_a_tokenizer_that_fails_takes_no_other_with_it(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("somewhere")

    with live.hub.lease("tokenizers") as tokenizers:
        names = tokenizers.names
        broken = tokenizers.get(names[0])
        monkeypatch.setattr(broken, "_tokenizer", fail)
    answer = await live.box.ask_command("tokens", {"text": TEXT})
    assert f"`{names[0]}`: {names[0]} failed on this" in answer.text
    assert names[1] in answer.text
    seen = await look(live, answer, "Ids and CSV")
    assert "failed on this" in seen.text
    assert names[1] in await turned(live, seen, "Next tokenizer ▶")
    cost = await look(live, answer, "Cost")
    assert "failed on this" in cost.text
    alone = await live.box.ask_command("tokens", {"text": TEXT, "tokenizer": names[0]})
    assert alone.ephemeral
    assert alone.text.startswith(f"{names[0]} failed on this")
