from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from cogs.shared import text as ui

ANY_TEXT = st.text(st.characters(), max_size=300)


@given(ANY_TEXT, st.integers(0, 200))
def test_clipped_text_keeps_to_its_limit_and_to_whole_characters(text: str, limit: int) -> None:
    for clipped, kept in (
        (ui.clip(text, limit), text.startswith),
        (ui.clip_start(text, limit), text.endswith),
    ):
        assert ui.size(clipped) <= limit
        assert clipped == text or not clipped or kept(clipped.strip("…")) or "…" in text


@given(
    st.lists(st.lists(st.text(max_size=60), min_size=4, max_size=4), min_size=1, max_size=12),
    st.sets(st.integers(0, 3)),
)
@settings(deadline=None)
def test_no_line_of_a_table_is_wider_than_a_phone(rows: list[list[str]], left: set[int]) -> None:
    lines = ui.table(rows[0], rows[1:], frozenset(left)).split("\n")
    assert len(lines) == max(1, len(rows) - (not any(rows[0])))
    assert all(cell_len(line) <= ui.COLUMNS for line in lines)


def test_a_table_cuts_words_and_keeps_numbers() -> None:
    rows = [("a-tokenizer-with-a-long-name", "1,234", "128,256"), ("漢字漢字漢字漢字漢字漢字漢字", "1", "2")]
    assert ui.table(("tokenizer", "tokens", "vocab"), rows) == (
        "tokenizer         tokens   vocab\na-tokenizer-with…  1,234 128,256\n漢字漢字漢字漢字…      1       2"
    )


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_text_keeps_to_its_width(text: str, cells: int) -> None:
    assert all(cell_len(line) <= cells or len(line) == 1 for line in ui.wrapped(text, cells).split("\n"))
    assert "".join(ui.wrapped(text, cells).split()) == "".join(text.split())


def test_size_counts_as_discord_clients_do() -> None:
    assert ui.size("aé漢") == 3
    assert ui.size("🙂") == 2


@given(ANY_TEXT, st.integers(20, 400), st.booleans())
def test_nothing_closes_a_code_block_but_its_end(text: str, limit: int, keep_end: bool) -> None:
    block = ui.block(text + "```" + text, limit, keep_end=keep_end)
    assert ui.size(block) <= limit
    assert block.startswith("```\n")
    assert block.endswith("\n```")
    assert "```" not in block[3:-3]


@given(ANY_TEXT)
def test_no_control_reaches_a_message(text: str) -> None:
    for shown in (ui.block(text), ui.inline(text), ui.code(text)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)


def test_hidden_characters_are_spelt_out() -> None:
    assert ui.harmless("a\x1b[31mb") == "a‹U+001B›[31mb"
    assert ui.harmless("abc\u202ecba") == "abc‹U+202E›cba"
    assert ui.harmless("nul\x00") == "nul‹U+0000›"
    assert ui.harmless("👩\u200d🔧 \n\tx") == "👩\u200d🔧 \n\tx"


@pytest.mark.parametrize(
    "hostile",
    [
        "**bold**",
        "@everyone",
        "<@123456>",
        "[a bank](https://example.org)",
        "see https://example.org/a:b",
        "# Title",
        "||hidden||",
        "> quote",
        "`code`",
        "~~gone~~",
    ],
)
def test_inline_text_is_not_formatted(hostile: str) -> None:
    shown = ui.inline(hostile)
    assert shown != hostile
    for match in re.finditer(r"[*_~|`<>\[\]()#]", shown):
        assert shown[match.start() - 1] == "\\"
    assert not re.search(r"@(?!\u200b)|(?<!\\)://", shown)
    assert shown.replace("\\", "").replace("\u200b", "") == hostile


@given(ANY_TEXT, st.integers(1, 100))
def test_inline_text_is_never_cut_inside_an_escape(text: str, limit: int) -> None:
    shown = ui.inline(text, limit)
    assert ui.size(shown) <= limit
    assert "\n" not in shown
    assert len(re.search(r"\\*…?$", shown)[0].rstrip("…")) % 2 == 0  # type: ignore[index]


def test_numbers_in_words() -> None:
    assert [ui.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "102nd",
        "111th",
    ]
    assert ui.count(1, "token") == "1 token"
    assert ui.count(2000, "token") == "2,000 tokens"
    assert ui.listed(["a"]) == "a"
    assert ui.listed(["a", "b", "c"]) == "a, b and c"


def test_columns_align_for_wide_characters_too() -> None:
    assert ui.table(("name", "n"), [("漢字", "10"), ("abc", "5")]) == "name   n\n漢字  10\nabc    5"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", ""),
        ("W", ""),
        ("Wor", "Wo"),
        ("One wor", "One"),
        ("One word ", "One word"),
        ("One word\n", "One word"),
        ("  One", "  On"),
        ("Mother \N{WOMAN}\N{ZERO WIDTH JOINER}", "Mother"),
        ("ab\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}", "ab"),
        ("\u6f22\u5b57" * 30, ("\u6f22\u5b57" * 30)[:-1]),
        ("a " + "x" * 60, "a " + "x" * 59),
    ],
)  # fmt: skip
def test_what_may_still_change_is_not_shown_yet(text: str, whole: str) -> None:
    assert ui.settled(text) == whole


@given(ANY_TEXT, ANY_TEXT)
def test_what_is_shown_while_a_text_grows_stays(text: str, more: str) -> None:
    assert text.startswith(ui.settled(text))
    assert (text + more).startswith(ui.settled(text))
