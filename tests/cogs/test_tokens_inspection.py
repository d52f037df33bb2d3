"""Tokenization details are shown within Discord's limits, for any text."""

from __future__ import annotations

import csv
import io

import discord
from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.tokens import inspection, messages
from models.results import Mark, Method, Piece, Role, Specials, SpecialToken, Tokenization
from models.service import Decoded
from tests.cogs.drawing import TEXT, TOKENIZATION, obeys


def test_of_many_steps_the_first_and_the_last_are_told() -> None:
    steps = tuple(f"{n} {'x ' * 60}" for n in range(50))
    answer = inspection.method(Method("n", "BPE", None, (), ("w",), "w", steps))
    obeys(answer)
    assert answer.embed is not None
    told = str(answer.embed.description)
    assert "\n 0 0 x" in told
    assert "\n49 49 x" in told
    assert "more steps" in told


def test_tokenizers_that_lose_text_come_last_and_are_marked() -> None:
    whole = Tokenization(
        "hub/whole", "ab", (Piece(1, "a", "a"), Piece(2, "b", "b"), Piece(3, "c", "c")), 9, "BPE"
    )
    losing = Tokenization("hub/losing", "ab", (Piece(0, "<unk>", "<unk>", unknown=True),), 9, "Unigram")
    told = str((inspection.cost([losing, whole], 200).embed or discord.Embed()).description)
    assert "1. `whole`: **3 tokens** · 1,500 per 1,000 characters · 1.5% of the window\n" in told
    assert (
        "2. `losing`: **1 token** · 500 per 1,000 characters · 0.5% of the window · ⚠️ loses text: 1 part becomes `<unk>`"
        in told
    )
    assert "a window of 200 tokens" in told
    embed = inspection.cost([losing, whole]).embed
    assert embed is not None
    assert "window" not in str(embed.description)
    assert str(embed.footer.text).startswith("Of those that lose nothing, whole needs the fewest tokens")


@given(TOKENIZATION)
@settings(deadline=None, max_examples=25)
def test_ids_bytes_and_cost_keep_to_the_limits(made: Tokenization) -> None:
    answer = inspection.ids(made)
    obeys(answer)
    rows = list(csv.DictReader(io.StringIO(answer.files["tokens.csv"].decode(), newline="")))
    assert [int(row["id"]) for row in rows] == made.ids
    obeys(inspection.split_characters(made))
    obeys(inspection.cost([made] * 30, 2048))
    obeys(messages.decoded(Decoded(made.name, made.text, made.pieces)), prose=1)


@given(
    st.lists(st.builds(SpecialToken, TEXT, st.integers(0), st.lists(st.sampled_from(Role), min_size=1, max_size=3).map(tuple), st.integers(0, 9), st.booleans()), max_size=90),
    st.lists(st.tuples(TEXT, st.sampled_from(Mark)), max_size=6),
    TEXT,
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_special_tokens_keep_to_the_limits(
    tokens: list[SpecialToken], marks: list[tuple[str, Mark]], name: str
) -> None:
    obeys(inspection.special_tokens(Specials(name, tuple(tokens), tuple(marks))))


@given(
    st.builds(
        Method, TEXT, TEXT, st.none() | st.text(max_size=6000), st.lists(TEXT, max_size=50).map(tuple), st.lists(TEXT, max_size=50).map(tuple),
        st.text(max_size=6000), st.lists(st.text(max_size=130), max_size=40).map(tuple),
    )
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_method_keeps_to_the_limits(used: Method) -> None:
    obeys(inspection.method(used))


def test_each_purpose_of_a_special_token_has_a_line() -> None:
    token = SpecialToken("<s>", 1, (Role.BOS, Role.EOS), 0, added=False)
    told = str((inspection.special_tokens(Specials("n", (token,), ())).embed or discord.Embed()).description)
    assert told.splitlines() == [
        "`<s>` id 1",
        "-# beginning of a text",
        "-# end of a text: a model that writes it is done",
    ]
