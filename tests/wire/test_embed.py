"""/embed: vectors of a text, and of a word in two texts."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from sandbox import Answer
from sandbox.state import Attachment
from tests.wire.conftest import Launch, Live


async def test_each_token_is_shown_with_its_id_and_the_shape_in_words(live: Live) -> None:
    answer = await live.box.ask("/embed text:The engineer")
    assert not answer.ephemeral
    with live.hub.lease("encoder") as encoder:
        expected = encoder.embed("The engineer")
    _, tokens, numbers = expected.shape
    assert f"(1, {tokens}, {numbers})" in answer.text
    assert f"1 text, {tokens} tokens, {numbers} numbers each" in answer.text
    for token, number, vector in zip(expected.tokens, expected.ids, expected.vectors, strict=True):
        (row,) = [line for line in answer.text.splitlines() if f" {token} " in line and f" {number} " in line]
        assert f"{vector[0]:+.2f}" in row
    assert "can be looked up and decoded" in answer.text
    assert answer.message is not None
    pictures = answer.message.attachments
    assert [picture.filename for picture in pictures] == ["vectors.png", "cosines.png"]
    assert all(picture.dimensions and picture.description for picture in pictures)


async def test_all_vectors_are_files_behind_a_button(live: Live) -> None:
    with live.hub.lease("encoder") as encoder:
        expected = [encoder.embed(text) for text in ("A song by the king", "The song plays")]
    answer = await live.box.ask("/embed text:A song by the king")
    (csv_file, array), _ = await exported(live, answer)
    assert (csv_file.filename, array.filename) == ("vectors.csv", "vectors.npy")
    rows = list(csv.reader(io.StringIO(csv_file.bytes.decode())))
    assert [int(row[1]) for row in rows[1:]] == list(expected[0].ids)
    assert [float(number) for number in rows[1][3:]] == pytest.approx(expected[0].vectors[0])
    vectors = np.load(io.BytesIO(array.bytes), allow_pickle=False)
    assert vectors.shape == expected[0].shape[1:]
    assert vectors == pytest.approx(np.array(expected[0].vectors))
    answer = await live.box.ask("/embed text:A song by the king other:The song plays")
    files, text = await exported(live, answer)
    assert [file.filename for file in files] == [
        "vectors-1.csv", "vectors-1.npy", "vectors-2.csv", "vectors-2.npy", "words.csv",
    ]  # fmt: skip
    assert np.load(io.BytesIO(files[3].bytes), allow_pickle=False).shape == expected[1].shape[1:]
    assert "numpy.load" in text


async def test_files_are_there_after_a_restart_too(live: Live, launch: Launch) -> None:
    answers = [
        await live.box.ask("/embed text:A *song* by the king"),
        await live.box.ask("/embed text:A song by the king other:The song plays"),
    ]
    await live.stop()
    live = await launch()
    for answer, count in zip(answers, (2, 5), strict=True):
        files, _ = await exported(live, answer)
        assert len(files) == count


async def exported(live: Live, answer: Answer) -> tuple[list[Attachment], str]:
    assert answer.message is not None
    seen = await live.box.press(answer.message, "CSV and NPY")
    await seen.until(lambda shown: shown.message is not None and shown.message.attachments)
    assert seen.ephemeral
    assert seen.message is not None
    return list(seen.message.attachments), seen.text


async def test_a_word_in_two_contexts(live: Live) -> None:
    answer = await live.box.ask("/embed text:A song by the king other:The song plays")
    with live.hub.lease("encoder") as encoder:
        expected = encoder.contexts("A song by the king", "The song plays")
    assert f"“{expected.moved.text}”" in answer.text
    assert f"{expected.moved.cosine:.2f}" in answer.text
    assert f"{expected.unrelated:.2f} on average" in answer.text
    assert answer.message is not None
    (picture,) = answer.message.attachments
    assert picture.filename == "contexts.png"
    for word in expected.words:
        assert f"{word.text} {word.cosine:.2f}" in (picture.description or "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/embed text:a song other:by the king", "no word in common"),
        (f"/embed text:{'word ' * 300}", "at most"),
    ],
)
async def test_what_cannot_be_embedded_is_told_in_private(live: Live, line: str, words: str) -> None:
    answer = await live.box.ask(line)
    await answer.until(lambda shown: words in shown.text)
    assert answer.ephemeral
