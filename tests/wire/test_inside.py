"""/next, /surprise, /lens, /attention, /paths and "What mattered": views into the language model, and navigation
between them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from models.inside.next_token import next_token
from models.inside.surprise import surprise
from sandbox.driver import Answer
from sandbox.state import Message
from tests.wire.conftest import Launch, Live

TEXT = "The engineer plays a song by the king"


def message_of(answer: Answer) -> Message:
    assert answer.message is not None, answer.text
    return answer.message


def shows(name: str) -> Callable[[Answer], bool]:
    """Whether an answer has a picture with this name and a description."""
    return lambda answer: any(
        file.filename == name and file.description
        for file in (answer.message.attachments if answer.message else ())
    )


def numbers(answer: Answer, name: str) -> list[dict[str, str]]:
    (file,) = [file for file in message_of(answer).attachments if file.filename == name]
    return list(csv.DictReader(io.StringIO(file.content.decode())))


def menu(answer: Answer, name: str) -> dict[str, Any]:
    found = [part for row in message_of(answer).components for part in row["components"]]
    (only,) = [part for part in found if part["custom_id"].startswith(name)]
    return dict(only)


def labels(answer: Answer) -> list[str]:
    return [
        part["label"]
        for row in message_of(answer).components
        for part in row["components"]
        if part["type"] == 2
    ]


@pytest.mark.parametrize(
    ("line", "picture", "file"),
    [
        (f"/next text:{TEXT}", "next.png", "next.csv"),
        (f"/surprise text:{TEXT}", "surprise.png", "surprise.csv"),
        (f"/surprise text:{TEXT} other:a song", "surprise.png", "surprise.csv"),
        (f"/lens text:{TEXT}", "lens.png", "lens.csv"),
        (f"/attention text:{TEXT}", "attention.png", "attention.csv"),
        (f"/attention text:{TEXT} layer:0", "attention.png", "attention.csv"),
        (f"/attention text:{TEXT} layer:0 head:1", "attention.png", "attention.csv"),
        (f"/attention text:{TEXT} model:encoder", "attention.png", "attention.csv"),
        (f"/attention text:{TEXT} layer:0 head:1 model:encoder", "attention.png", "attention.csv"),
        (f"/paths text:{TEXT}", "paths.png", "paths.csv"),
        (f"/why prompt:{TEXT} position:1", "mattered.png", "mattered.csv"),
    ],
)
async def test_each_view_has_a_described_picture_and_its_numbers(
    live: Live, line: str, picture: str, file: str
) -> None:
    answer = await (await live.box.ask(line)).until(shows(picture))
    assert not answer.ephemeral
    assert numbers(answer, file)
    (drawn,) = [one for one in message_of(answer).attachments if one.filename == picture]
    assert drawn.dimensions is not None
    width, height = drawn.dimensions
    assert width == 1000
    assert height < 2 * width


async def test_numbers_are_those_of_the_model(live: Live) -> None:
    answer = await (await live.box.ask(f"/next text:{TEXT}")).until(shows("next.png"))
    other = await (await live.box.ask(f"/surprise text:{TEXT}")).until(shows("surprise.png"))
    with live.hub.lease("language") as paced:
        model = paced._model
        expected, bits = next_token(model, TEXT), surprise(model, TEXT).bits
    rows = numbers(answer, "next.csv")
    assert [int(row["id"]) for row in rows] == [option.piece.id for option in expected.options]
    assert float(rows[0]["probability"]) == pytest.approx(expected.options[0].probability, abs=1e-5)
    found = [row["bits"] for row in numbers(other, "surprise.csv")]
    assert found[0] == ""
    assert [float(one) for one in found[1:]] == pytest.approx(list(bits[1:]), abs=1e-3)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"/attention text:{TEXT} layer:99", "has no layer 99"),
        (f"/attention text:{TEXT} layer:0 head:99", "has no head 99"),
    ],
)
async def test_what_cannot_be_seen_is_told_in_private(live: Live, line: str, words: str) -> None:
    answer = await (await live.box.ask(line)).until(lambda shown: words in shown.text)
    assert answer.ephemeral


async def test_one_view_leads_to_the_next(live: Live) -> None:
    answer = await (await live.box.ask(f"/surprise text:{TEXT}")).until(shows("surprise.png"))
    for label, picture in (("Layers", "lens.png"), ("Attention", "attention.png"), ("Paths", "paths.png")):
        await (await live.box.press(message_of(answer), label)).until(shows(picture))


async def test_the_lens_turns_to_earlier_tokens(live: Live) -> None:
    answer = await (await live.box.ask(f"/lens text:{TEXT}")).until(shows("lens.png"))
    before = min(int(row["position"]) for row in numbers(answer, "lens.csv"))
    assert "◀ Earlier tokens" in labels(answer)
    turned = await live.box.press(message_of(answer), "◀ Earlier tokens")
    await turned.until(
        lambda _: min(int(row["position"]) for row in numbers(answer, "lens.csv")) == before - 4
    )


async def test_menus_choose_layer_head_and_token(live: Live) -> None:
    answer = await (await live.box.ask(f"/attention text:{TEXT}")).until(shows("attention.png"))
    for name, value, layers, heads in (
        ("attention-layer", "1", {"1"}, {"0", "1", "2", "3"}),
        ("attention-head", "1", {"1"}, {"1"}),
        ("attention-token", "2", {"1"}, {"1"}),
    ):
        used = menu(answer, name)["custom_id"]
        await change(answer, live.box.select(message_of(answer), used, [value]))
        rows = numbers(answer, "attention.csv")
        assert {row["layer"] for row in rows} == layers
        assert {row["head"] for row in rows} <= heads


async def test_another_path_is_drawn(live: Live) -> None:
    answer = await (await live.box.ask(f"/paths text:{TEXT} width:2 depth:3")).until(shows("paths.png"))
    before = message_of(answer).text
    await (await live.box.press(message_of(answer), "Draw again")).until(
        lambda _: message_of(answer).text != before
    )
    assert "2 paths followed, 3 tokens deep" in message_of(answer).text


async def test_what_a_written_token_rests_on(live: Live) -> None:
    written = await live.box.ask(f"/generate prompt:{TEXT} max_new_tokens:4")
    await written.until(lambda answer: "What mattered" in (labels(answer) if answer.message else []))
    answer = await live.box.press(message_of(written), "What mattered")
    await answer.until(shows("mattered.png"))
    assert answer.ephemeral
    words = [row["word"] for row in numbers(answer, "mattered.csv")]
    assert [word for word in words if word.strip()] == TEXT.split()
    shown = menu(answer, "mattered-token")
    third = await live.box.select(message_of(answer), shown["custom_id"], ["2"])
    await third.until(lambda _: "The 3rd token" in message_of(answer).text)


async def board(live: Live, line: str = f"/next text:{TEXT}") -> Answer:
    return await (await live.box.ask(line)).until(shows("next.png"))


async def change(answer: Answer, act: Any) -> None:
    """Change a board, and wait until the new state is shown."""
    before = [part["custom_id"] for row in message_of(answer).components for part in row["components"]]
    await act
    await answer.until(
        lambda _: (
            [part["custom_id"] for row in message_of(answer).components for part in row["components"]]
            != before
        )
    )


async def take(live: Live, answer: Answer, **options: Any) -> str:
    shown = menu(answer, "board-take")
    value, label = shown["options"][0]["value"], shown["options"][0]["label"]
    await change(answer, live.box.select(message_of(answer), shown["custom_id"], [value], **options))
    return str(label)


async def test_anybody_takes_a_token_and_anybody_takes_it_back(live: Live) -> None:
    answer = await board(live)
    token = await take(live, answer, member=live.box.admin)
    assert f"{TEXT}│{token}" in message_of(answer).text
    await change(answer, live.box.press(message_of(answer), "Draw one"))
    assert message_of(answer).text.count("│") == 2
    await change(answer, live.box.press(message_of(answer), "Undo"))
    assert f"{TEXT}│{token}\n" in message_of(answer).text


async def test_settings_cut_what_is_greyed(live: Live) -> None:
    answer = await board(live)
    shown = menu(answer, "board-top-k")
    await change(answer, live.box.select(message_of(answer), shown["custom_id"], ["3"]))
    kept = [float(row["kept"]) for row in numbers(answer, "next.csv")]
    assert [share > 0 for share in kept] == [True] * 3 + [False] * 12
    assert sum(kept) == pytest.approx(1, abs=1e-4)
    assert "3 tokens are left" in message_of(answer).text
    cuts = menu(answer, "board-cuts")
    await change(answer, live.box.select(message_of(answer), cuts["custom_id"], ["top_p=0.5", "min_p=0.1"]))
    assert "top_p 0.5 and min_p 0.1" in message_of(answer).text


async def test_a_press_on_an_old_state_changes_nothing(live: Live) -> None:
    answer = await board(live)
    shown = menu(answer, "board-take")
    value = shown["options"][0]["value"]
    first = live.box.send_select(message_of(answer), shown["custom_id"], [value])
    second = live.box.send_select(message_of(answer), shown["custom_id"], [value], member=live.box.admin)
    await first.visible()
    await second.until(lambda late: "Someone else was faster" in late.text)
    await first.until(lambda _: menu(answer, "board-take")["custom_id"] != shown["custom_id"])
    assert message_of(answer).text.count("│") == 1


async def test_a_locked_board_is_for_whoever_began(live: Live) -> None:
    answer = await board(live)
    await change(answer, live.box.press(message_of(answer), "Lock"))
    shown = menu(answer, "board-take")
    refused = await live.box.select(
        message_of(answer), shown["custom_id"], [shown["options"][0]["value"]], member=live.box.admin
    )
    assert "has locked it" in refused.text
    assert refused.ephemeral
    await take(live, answer)
    assert message_of(answer).text.count("│") == 1


async def test_a_group_votes_against_the_model(live: Live) -> None:
    answer = await board(live)
    best = menu(answer, "board-take")["options"][0]["value"]
    await change(answer, live.box.press(message_of(answer), "Vote"))
    assert not [file for file in message_of(answer).attachments if file.filename.endswith(".png")]
    early = await live.box.press(message_of(answer), "Count votes")
    await early.until(lambda shown: "Nobody has voted yet" in shown.text)
    shown = menu(answer, "board-choose")
    other = next(option["value"] for option in shown["options"] if option["value"] != best)
    for member, value in ((live.box.student, best), (live.box.admin, other), (live.box.admin, best)):
        voted = await live.box.select(message_of(answer), shown["custom_id"], [value], member=member)
        await voted.until(lambda one: "You voted for" in one.text)
    assert "2 votes" in message_of(answer).text
    await change(answer, live.box.press(message_of(answer), "Count votes"))
    assert "Round 1: the group chose" in message_of(answer).text
    assert "(2 of 2), and so would the model" in message_of(answer).text
    assert "agreed with the model in 1 of 1 round" in message_of(answer).text
    await change(answer, live.box.press(message_of(answer), "End the game"))
    assert "Game over:" in message_of(answer).text


async def test_a_board_outlives_a_restart(launch: Launch) -> None:
    first = await launch()
    answer = await board(first)
    token = await take(first, answer)
    await first.stop()
    second = await launch()
    again = menu(answer, "board-take")
    chosen = await second.box.select(message_of(answer), again["custom_id"], [again["options"][1]["value"]])
    await chosen.until(lambda _: f"{TEXT}│{token}│" in message_of(answer).text)
    exported = await second.bot.store.export(second.box.student.id)
    assert [one["text"] for one in exported["boards"]] == [TEXT]
    await second.bot.store.forget(second.box.student.id)
    late = await second.box.press(message_of(answer), "Undo")
    await late.until(lambda shown: "no longer available" in shown.text)
