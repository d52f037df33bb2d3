"""Tokens made by hand, and Discord's rules for the messages that show them."""

from __future__ import annotations

import re
from typing import Any

import discord
from hypothesis import strategies as st

from cogs.shared.reply import Reply
from cogs.shared.text import size
from models.results import Piece, Tokenization
from sandbox.rules import check_message

LONG_TEXT = st.one_of(
    st.text(st.characters(), max_size=6000),
    st.builds(
        lambda part, times: (part * times)[:6000], st.text(min_size=1, max_size=12), st.integers(1, 6000)
    ),
    st.sampled_from(["```", "🙂", "\n", "`", "\x1b[31m", "\u202e", "漢", " ", "é", "\u0301"]).map(
        lambda part: (part * 6000)[:6000]
    ),
)
"""Texts that are long, or hard to show."""
TEXT = st.text(max_size=60)
PIECE = st.builds(
    Piece,
    id=st.integers(0, 10**6),
    text=TEXT,
    token=TEXT,
    special=st.booleans(),
    raw=st.none() | st.binary(max_size=6),
    partial=st.booleans(),
    word_start=st.booleans(),
    continues=st.booleans(),
    unknown=st.booleans(),
)
TOKENIZATION = st.builds(
    Tokenization, TEXT, TEXT, st.lists(PIECE, max_size=12).map(tuple), st.integers(1, 10**6), TEXT
)
SGR = re.compile(r"\x1b\[[0-9;]*m")


def by_bytes(text: str, name: str = "bytes") -> Tokenization:
    """Like byte-level BPE: pieces of up to three bytes, which often split a character."""
    data = text.encode("utf-8", "surrogatepass")
    chunks = [data[start : start + 3] for start in range(0, len(data), 3)]
    pieces = tuple(
        Piece(
            id=50_000 + index,
            text=chunk.decode("utf-8", "replace"),
            token=chunk.decode("latin-1"),
            raw=chunk,
            partial=not _whole(chunk),
        )
        for index, chunk in enumerate(chunks)
    )
    return Tokenization(name, text, pieces, 50_295, "byte-level BPE")


def by_words(text: str, name: str = "words") -> Tokenization:
    """Like WordPiece: special tokens around, and tokens that are the vocabulary's own spelling."""
    pieces = [Piece(101, "[CLS]", "[CLS]", special=True)]
    pieces += [Piece(index + 1000, word, word) for index, word in enumerate(re.findall(r"\S{1,4}", text))]
    pieces.append(Piece(102, "[SEP]", "[SEP]", special=True))
    return Tokenization(name, text, tuple(pieces), 30_522, "WordPiece")


def _whole(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def obeys(answer: Reply, view: discord.ui.View | None = None) -> None:
    """Raises what Discord would answer if the message broke its limits, counted in UTF-16 as clients do."""
    body: dict[str, Any] = {"content": answer.content or ""}
    if answer.embed is not None:
        body["embeds"] = [answer.embed.to_dict()]
    if view is not None:
        body["components"] = view.to_components()
    check_message(body, uploads=dict(enumerate(answer.files)), kept={})
    wide = _wide(body)
    check_message(wide, uploads=dict(enumerate(answer.files)), kept={})
    assert all(len(data) <= 10 * 1024 * 1024 for data in answer.files.values())
    for file in answer.message()["attachments"]:
        assert file.description if file.filename.endswith(".png") else True, (
            f"{file.filename} has no alt text"
        )
        assert size(file.description or "") <= 1024


def _wide(value: Any) -> Any:
    """Every text as long as its UTF-16 form."""
    if isinstance(value, dict):
        return {key: _wide(inner) if key != "url" else inner for key, inner in value.items()}
    if isinstance(value, list):
        return [_wide(inner) for inner in value]
    return "x" * size(value) if isinstance(value, str) else value
