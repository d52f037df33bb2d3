"""/embed: vectors of a text, and of a word in two texts."""

from __future__ import annotations

import pytest

from tests.wire.conftest import Live


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
    (picture,) = answer.message.attachments
    assert picture.filename == "vectors.png"
    assert picture.dimensions is not None


async def test_a_word_in_two_contexts(live: Live) -> None:
    answer = await live.box.ask("/embed text:A song by the king other:The song plays")
    with live.hub.lease("encoder") as encoder:
        expected = encoder.contexts("A song by the king", "The song plays")
    for word in expected.words:
        assert f"{word.cosine:.3f}" in answer.text
    assert f"{expected.unrelated:.2f} on average" in answer.text
    assert answer.message is not None
    assert [file.filename for file in answer.message.attachments] == ["contexts.png"]


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
