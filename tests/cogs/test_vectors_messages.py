"""Any vectors can be drawn and shown within Discord's limits."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.vectors import messages
from models.results import Contexts, Embedding, SharedWord, Word
from tests.cogs.drawing import obeys


def embedded(text: str) -> Embedding:
    tokens = tuple(text.split()) or (text,)
    vectors = tuple((float(number), 1.0, -0.5, 0.0) for number in range(len(tokens)))
    words = tuple(Word(token, (number,)) for number, token in enumerate(tokens))
    ids = tuple(range(len(tokens)))
    return Embedding("tiny-bert", text, tokens, ids, (1, len(tokens), 4), vectors, words=words)


@given(st.text(min_size=1, max_size=300))
@settings(deadline=None, max_examples=10)
def test_any_vectors_can_be_drawn(text: str) -> None:
    found = embedded(text)
    answer = messages.embedding(found)
    obeys(answer)
    assert answer.files["vectors.png"].startswith(b"\x89PNG")
    words = tuple(SharedWord(word.text, 0.5, word, word) for word in found.words)
    answer = messages.contexts(Contexts(found, found, words, 0.3))
    obeys(answer)
    assert answer.files["contexts.png"].startswith(b"\x89PNG")


def test_an_embedding_says_its_shape_in_words() -> None:
    description = messages.embedding(embedded("one two three four")).embed
    assert description is not None
    assert description.description is not None
    assert "1 text, 4 tokens, 4 numbers each" in description.description
    assert "(1, 4, 4)" in description.description


def test_the_headline_names_a_word_that_means_something() -> None:
    found = embedded("the bank")
    the, bank = found.words
    words = (SharedWord("the", 0.4, the, the), SharedWord("bank", 0.7, bank, bank))
    assert Contexts(found, found, words, 0.3).moved.text == "bank"
    assert Contexts(found, found, words[:1], 0.3).moved.text == "the"
    embed = messages.contexts(Contexts(found, found, words, 0.3)).embed
    assert embed is not None
    assert "Apart from words such as “the” and “to”, the context changed **“bank”** the most" in (
        embed.description or ""
    )
