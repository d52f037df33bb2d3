from __future__ import annotations

import csv
import io
import itertools
import re
import timeit
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store.likes import Like
from cogs.generate import messages as generate_messages
from cogs.generate import picture
from cogs.models import messages as models_messages
from cogs.shared import ansi
from cogs.shared.reply import Reply
from cogs.similar import messages as similar_messages
from cogs.songs import messages as songs_messages
from cogs.tokens import messages as tokens_messages
from cogs.vectors import messages as vectors_messages
from models.results import (
    Candidate,
    Contexts,
    Embedding,
    Generation,
    MapPoint,
    Neighbour,
    Neighbourhood,
    Piece,
    Recommendation,
    Recommendations,
    SharedWord,
    SlotStatus,
    Song,
    State,
    Step,
    Tokenization,
    Word,
)
from tests.cogs.drawing import SGR, by_bytes, by_words, obeys

LONG_TEXT = st.one_of(
    st.text(st.characters(), max_size=6000),
    st.builds(
        lambda part, times: (part * times)[:6000], st.text(min_size=1, max_size=12), st.integers(1, 6000)
    ),
    st.sampled_from(["```", "🙂", "\n", "`", "\x1b[31m", "\u202e", "漢", " ", "é", "\u0301"]).map(
        lambda part: (part * 6000)[:6000]
    ),
)


def one_piece(text: str) -> Tokenization:
    """A text that is a single token, of whatever length."""
    return Tokenization("one", text, (Piece(1, text, text, word_start=True),), 2, "Unigram")


@given(LONG_TEXT, st.integers(0, 26))
@settings(deadline=None, max_examples=40)
def test_any_text_is_compared_within_discords_limits(text: str, more: int) -> None:
    tokenizations = [by_bytes(text), by_words(text), one_piece(text)]
    tokenizations += [by_bytes(text, f"owner/a-long-name-of-a-tokenizer-{number}") for number in range(more)]
    obeys(tokens_messages.comparison(tokenizations, {"broken": "It is not on this machine. " * 30}))


@given(LONG_TEXT)
@settings(deadline=None, max_examples=40)
def test_any_text_is_cut_into_pieces_within_discords_limits(text: str) -> None:
    for tokenization in (by_bytes(text, "name" * 100), by_words(text), one_piece(text)):
        answer = tokens_messages.pieces(tokenization)
        obeys(answer)
        assert answer.embed is not None
        assert answer.embed.description is not None
        body = answer.embed.description
        assert body.count("```") == 2
        assert body.count("\x1b") == len(SGR.findall(body))


def test_what_does_not_fit_is_in_the_file() -> None:
    tokenization = by_words("many words " * 500)
    for answer in (tokens_messages.pieces(tokenization), tokens_messages.comparison([tokenization], {})):
        assert answer.embed is not None
        text = (answer.embed.description or "") + "".join(field.value or "" for field in answer.embed.fields)
        left = re.search(r"and ([\d,]+) more in the file", text)
        assert left
        shown = tokenization.count - int(left[1].replace(",", ""))
        assert 20 < shown < tokenization.count
        lines = answer.files["tokens.txt"].decode().splitlines()
        assert len([line for line in lines if re.match(r"\d+\t", line)]) == tokenization.count
    assert not tokens_messages.pieces(by_words("few words")).files


def shown(text: str, *pieces: Piece) -> str:
    return SGR.sub("", ansi.flow(pieces or by_bytes(text).pieces, 4000).text)


def test_white_space_bytes_and_special_tokens_are_visible() -> None:
    text = shown(
        "",
        Piece(1, "[CLS]", "[CLS]", special=True),
        Piece(2, " other", "Ġother", raw=b" other"),
        Piece(3, "\t\n", "ĉĊ", raw=b"\t\n"),
        Piece(4, "�", "âľ", raw=b"\xe2\x9c", partial=True),
        Piece(5, "other", "▁other", word_start=True),
        Piece(6, "##ization", "##ization", continues=True),
        Piece(7, "\u200b\xa0", "x", raw="\u200b\xa0".encode()),
        Piece(8, "\u0301", "x", raw="\u0301".encode()),
        Piece(9, "[UNK]", "[UNK]", unknown=True),
    )
    lines = text.splitlines()
    assert lines[0] == "```ansi"
    assert "".join(lines[1:-1]) == (
        "«[CLS]»│·other│→↵│‹E2 9C›│▁other│##ization│‹U+200B›‹U+00A0›│◌\u0301│«[UNK]»│"
    )


def test_a_line_break_in_the_text_is_one_in_the_picture() -> None:
    pieces = [Piece(1, "a\n", "aĊ", raw=b"a\n"), Piece(2, "b", "b", raw=b"b")]
    assert shown("", *pieces).splitlines()[1:3] == ["a↵│", "b│"]


def test_neighbours_differ_in_colour_and_in_more_than_colour() -> None:
    drawing = ansi.flow(by_words("one two three").pieces, 4000)
    colours = re.findall(r"\x1b\[0;([\d;]+)m", drawing.text)
    assert all(one != other for one, other in itertools.pairwise(colours))
    assert drawing.text.count(ansi.BAR) == drawing.shown


def test_ids_stand_below_their_pieces() -> None:
    rows = SGR.sub("", ansi.grid(by_words("engineer").pieces, 4000).text).splitlines()[1:-1]
    assert rows == ["«[CLS]»│engi│neer│«[SEP]»│", "101    │1000│1001│102    │"]


def test_the_persons_own_escape_codes_and_fences_stay_text() -> None:
    text = "\x1b[31mred```\n@everyone"
    drawing = ansi.flow([Piece(1, text, text, raw=text.encode())], 4000)
    assert drawing.text.count("```") == 2
    assert "‹U+001B›[31mred" in drawing.text
    assert SGR.sub("", drawing.text).count("\x1b") == 0


# -- generated text ------------------------------------------------------------------------------------


def made(text: str, *, prompt: str = "engineer is", finish: str = "eos") -> Generation:
    return Generation("tiny-phi", prompt, text, (1, 2), (3, 4, 5), finish, 1.5, seed=7)


@given(LONG_TEXT, st.text(max_size=2000))
@settings(deadline=None, max_examples=100)
def test_any_generated_text_keeps_to_discords_limits(text: str, prompt: str) -> None:
    answer = generate_messages.generation(made(text, prompt=prompt), 0.7)
    obeys(answer)
    obeys(generate_messages.unwritten(prompt, text, "Stopped."))
    assert answer.content is not None
    assert answer.content.count("```") in {0, 2}
    assert len(generate_messages.writing(prompt, text)) <= 2000


def test_a_text_that_fits_is_shown_whole_and_as_it_is() -> None:
    text = " a person who **builds**\n\n# machines_ [x](y) @everyone"
    answer = generate_messages.generation(made(text), 0.0)
    assert answer.content is not None
    assert f"```\n{text}\n```" in answer.content
    assert not answer.files
    for fact in (
        "tiny-phi",
        "3 new tokens",
        "2.0 tokens/s",
        "temperature 0 (greedy)",
        "base model",
        "ended by itself",
    ):
        assert fact in answer.content


def test_a_text_that_does_not_fit_becomes_a_file_with_its_beginning_shown() -> None:
    text = "".join(f"word {number} " for number in range(400))
    answer = generate_messages.generation(made(text), 0.7)
    assert answer.files["generated.txt"].decode() == "engineer is" + text
    assert answer.content is not None
    assert "word 0 word 1" in answer.content
    assert "seed 7" in answer.content


@pytest.mark.parametrize(("text", "words"), [("", "ended the text at once"), ("\n\n \t", "↵↵·→")])
def test_a_text_without_characters_is_described(text: str, words: str) -> None:
    assert words in (generate_messages.generation(made(text), 0).content or "")


@pytest.mark.parametrize("finish", ["eos", "length", "context", "stopped", "deadline"])
def test_every_finish_reason_is_put_into_words(finish: str) -> None:
    content = generate_messages.generation(made("x", finish=finish), 0).content or ""
    assert generate_messages.FINISHES[finish] in content


def test_the_newest_part_of_a_long_text_is_shown_while_it_grows() -> None:
    content = generate_messages.writing("p", "old " * 800 + "newest wor")
    assert "newest\n```" in content


def test_showing_a_text_that_grows_takes_no_longer_the_longer_it_is() -> None:
    """It happens on the event loop, for every token of everybody."""

    def seconds(text: str) -> float:
        return min(timeit.repeat(lambda: generate_messages.writing("p", text), number=3, repeat=5))

    assert seconds("old wörds " * 100_000) < 10 * seconds("old wörds " * 500)


def test_a_model_with_a_long_name_leaves_room_for_its_text() -> None:
    content = generate_messages.generation(replace(made("some text"), model="m" * 3000), 0).content or ""
    assert len(content) <= 2000
    assert "some text" in content


CANDIDATE = st.builds(
    Candidate, st.integers(0, 10**6), st.text(max_size=30), st.floats(0, 1, allow_subnormal=False)
)
STEP = st.builds(Step, CANDIDATE, st.lists(CANDIDATE, max_size=5).map(tuple))


@given(st.lists(STEP, min_size=1, max_size=30), st.text(max_size=40))
@settings(deadline=None, max_examples=15)
def test_any_steps_can_be_drawn(drawn: list[Step], text: str) -> None:
    result = replace(made(text), steps=tuple(drawn))
    for page in range(generate_messages.pages(result)):
        answer = generate_messages.why(result, page, 1.0)
        obeys(answer)
        assert answer.files["why.png"].startswith(b"\x89PNG")
        rows = list(csv.DictReader(io.StringIO(answer.files["why.csv"].decode(), newline="")))
        assert len(rows) == sum(1 + len(step.others) for step in drawn)
        assert [row["text"] for row in rows if row["written"] == "yes"] == [
            step.chosen.text for step in drawn
        ]


def test_shares_are_readable() -> None:
    shares = [picture.percent(share) for share in (1.0, 0.62, 0.031, 0.0004, 0.0, 1e-9)]
    assert shares == ["100 %", "62 %", "3.1 %", "0.04 %", "< 0.01 %", "< 0.01 %"]


@given(LONG_TEXT)
@settings(deadline=None, max_examples=40)
def test_the_tokens_of_any_generation_keep_to_discords_limits(text: str) -> None:
    pieces = by_bytes(text).pieces
    result = replace(made(text), pieces=pieces, input_ids=tuple(range(len(pieces) // 2)))
    answer = generate_messages.generated_tokens(result)
    obeys(answer)
    if answer.files:
        assert answer.files["tokens.txt"].count(b"\n") == len(pieces) + 1


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
    answer = vectors_messages.embedding(found)
    obeys(answer)
    assert answer.files["vectors.png"].startswith(b"\x89PNG")
    words = tuple(SharedWord(word.text, 0.5, word, word) for word in found.words)
    answer = vectors_messages.contexts(Contexts(found, found, words, 0.3))
    obeys(answer)
    assert answer.files["contexts.png"].startswith(b"\x89PNG")


def test_an_embedding_says_its_shape_in_words() -> None:
    description = vectors_messages.embedding(embedded("one two three four")).embed
    assert description is not None
    assert description.description is not None
    assert "1 text, 4 tokens, 4 numbers each" in description.description
    assert "(1, 4, 4)" in description.description


# -- the other answers -----------------------------------------------------------------------------------

SONG = st.builds(Song, st.text(min_size=1), st.text(max_size=300), st.text(max_size=300))


@given(
    st.lists(st.builds(Recommendation, SONG, st.lists(SONG, max_size=5).map(tuple)), min_size=1, max_size=10),
    st.text(max_size=100),
)
@settings(deadline=None)
def test_any_songs_keep_to_discords_limits(songs: list[Recommendation], hint: str) -> None:
    obeys(songs_messages.recommendations(Recommendations("m" * 300, tuple(songs), ()), "t" * 300, hint))
    likes = [Like(one.song, datetime.now(UTC)) for one in songs]
    obeys(Reply(embed=songs_messages.liked_songs(likes, 0, len(likes))))


def test_a_long_list_of_what_is_unwanted_ends_with_a_whole_song_and_how_many_more() -> None:
    unwanted = [Song(str(number), f"Title {number}", "An Artist") for number in range(60)]
    embed = songs_messages.liked_songs([], 0, 0, unwanted)
    obeys(Reply(embed=embed))
    *songs, more = (embed.fields[0].value or "").splitlines()
    assert all(line == f"👎 **Title {number}** by An Artist" for number, line in enumerate(songs))
    assert more == f"… and {60 - len(songs)} more"
    assert len(songs) > 20


def test_a_recommendation_says_where_it_came_from() -> None:
    seeds = (Song("1", "Africa", "Toto"), Song("2", "Take On Me", "a-ha"))
    answer = songs_messages.recommendations(
        Recommendations("songs", (Recommendation(Song("3", "Jump", "Van Halen"), seeds),), seeds),
        "From likes",
        because="because you liked",
    )
    assert answer.embed is not None
    assert answer.embed.description == "1. **Jump** by Van Halen\n-# because you liked Africa and Take On Me"


@given(st.lists(st.tuples(st.text(max_size=60), st.floats(-1, 1)), max_size=25))
@settings(deadline=None, max_examples=15)
def test_any_words_can_be_drawn(words: list[tuple[str, float]]) -> None:
    neighbours = tuple(Neighbour(word, score) for word, score in words)
    points = tuple(
        MapPoint(word, score, index % 3, asked=index == 0) for index, (word, score) in enumerate(words)
    )
    result = Neighbourhood("tiny", "q", ("q" * 300,), ("w",), neighbours, points, 0.4)
    answer = similar_messages.neighbourhood(result)
    obeys(answer)
    assert answer.files["map.png"].startswith(b"\x89PNG")


def test_cosines_are_bars_and_numbers() -> None:
    result = Neighbourhood(
        "tiny", "king", ("king", "woman"), ("man",), (Neighbour("queen", 0.75), Neighbour("not", -0.5)), ()
    )
    embed = similar_messages.neighbourhood(result).embed
    assert embed is not None
    assert embed.title == "Nearest to king + woman - man"
    assert "1  queen  ███████▌   0.750\n2  not              -0.500" in (embed.description or "")


@given(
    st.lists(
        st.builds(
            SlotStatus,
            st.text(max_size=20),
            st.text(max_size=300),
            st.sampled_from(State),
            detail=st.text(max_size=2000),
            memory=st.integers(0, 10**13),
        ),
        max_size=30,
    )
)
def test_any_status_keeps_to_discords_limits(slots: list[SlotStatus]) -> None:
    obeys(Reply(embed=models_messages.statuses(slots, {})))
    for slot in slots:
        obeys(Reply(models_messages.not_loaded(slot.slot, slot.detail, slots)))
        obeys(Reply(models_messages.loading(slot.slot, slot.detail, 0.3, 1)))


def test_memory_is_readable() -> None:
    assert [models_messages.memory(n) for n in (999, 14_500_000, 2_840_000_000)] == [
        "999 Bytes",
        "14.5 MB",
        "2.84 GB",
    ]
