from __future__ import annotations

import csv
import io
import timeit
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.generate import mattered, messages
from cogs.shared.text import percent
from models.results import Candidate, Finish, Generation, Step
from tests.cogs.drawing import LONG_TEXT, by_bytes, obeys
from texts import say


def made(text: str, *, prompt: str = "engineer is", finish: Finish = Finish.EOS) -> Generation:
    return Generation("tiny-phi", prompt, text, (1, 2), (3, 4, 5), finish, 1.5, seed=7)


@given(LONG_TEXT, st.text(max_size=2000))
@settings(deadline=None, max_examples=100)
def test_any_generated_text_keeps_to_discords_limits(text: str, prompt: str) -> None:
    answer = messages.generation(made(text, prompt=prompt), 0.7)
    obeys(answer)
    obeys(messages.unwritten(prompt, text, "Stopped."))
    assert answer.content is not None
    assert answer.content.count("```") in {0, 2}
    assert len(messages.writing(prompt, text)) <= 2000


def test_a_text_that_fits_is_shown_whole_and_as_it_is() -> None:
    text = " a person who **builds**\n\n# machines_ [x](y) @everyone"
    answer = messages.generation(made(text), 0.0)
    assert answer.content is not None
    assert f"```\n{text}\n```" in answer.content
    assert not answer.files
    for fact in (
        "tiny-phi",
        "3 new tokens",
        "2.0 tokens/s",
        "temperature 0 (greedy)",
        "base model",
        "reached end of text",
    ):
        assert fact in answer.content


def test_a_text_that_does_not_fit_becomes_a_file_with_its_beginning_shown() -> None:
    text = "".join(f"word {number} " for number in range(400))
    answer = messages.generation(made(text), 0.7)
    assert answer.files["generated.txt"].decode() == "engineer is" + text
    assert answer.content is not None
    assert "word 0 word 1" in answer.content
    assert "seed 7" in answer.content


@pytest.mark.parametrize(("text", "words"), [("", "ended the text immediately"), ("\n\n \t", "↵↵·→")])
def test_a_text_without_characters_is_described(text: str, words: str) -> None:
    assert words in (messages.generation(made(text), 0).content or "")


@pytest.mark.parametrize("finish", Finish)
def test_every_finish_reason_is_put_into_words(finish: Finish) -> None:
    content = messages.generation(made("x", finish=finish), 0).content or ""
    assert say(f"finish-{finish}") in content


def test_the_newest_part_of_a_long_text_is_shown_while_it_grows() -> None:
    content = messages.writing("p", "old " * 800 + "newest wor")
    assert "newest\n```" in content


def test_showing_a_text_that_grows_takes_no_longer_the_longer_it_is() -> None:
    """It runs on the event loop, for every token of every text."""

    def seconds(text: str) -> float:
        return min(timeit.repeat(lambda: messages.writing("p", text), number=3, repeat=5))

    assert seconds("old wörds " * 100_000) < 10 * seconds("old wörds " * 500)


def test_a_model_with_a_long_name_leaves_room_for_its_text() -> None:
    content = messages.generation(replace(made("some text"), model="m" * 3000), 0).content or ""
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
    for page in range(messages.pages(result)):
        answer = messages.why(result, page, 1.0)
        obeys(answer)
        assert answer.files["why.png"].startswith(b"\x89PNG")
        rows = list(csv.DictReader(io.StringIO(answer.files["why.csv"].decode(), newline="")))
        assert len(rows) == sum(1 + len(step.others) for step in drawn)
        assert [row["text"] for row in rows if row["written"] == "yes"] == [
            step.chosen.text for step in drawn
        ]


def test_shares_are_readable() -> None:
    shares = [percent(share) for share in (1.0, 0.62, 0.031, 0.0004, 0.0, 1e-9)]
    assert shares == ["100%", "62%", "3.1%", "0.04%", "<0.01%", "<0.01%"]


@given(LONG_TEXT)
@settings(deadline=None, max_examples=40)
def test_the_tokens_of_any_generation_keep_to_discords_limits(text: str) -> None:
    pieces = by_bytes(text).pieces
    result = replace(made(text), pieces=pieces, input_ids=tuple(range(len(pieces) // 2)))
    answer = messages.generated_tokens(result)
    obeys(answer)
    if answer.files:
        assert answer.files["tokens.txt"].count(b"\n") == len(pieces) + 1


def test_changes_have_as_many_decimals_as_the_largest_needs() -> None:
    assert mattered.changes([13.54, -0.002, None]) == ["+13.54", "0", "-"]
    assert mattered.changes([0.0031, -0.0004, 0.0]) == ["+0.0031", "-0.0004", "0"]
    assert mattered.changes([1e-7, -1e-9]) == ["0", "0"]
    assert mattered.changes([]) == []
