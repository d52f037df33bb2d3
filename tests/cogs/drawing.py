"""Handmade tokens, and Discord's rules for the messages that show them."""

from __future__ import annotations

import re
from typing import Any

import discord
from hypothesis import strategies as st
from rich.cells import cell_len

from cogs.shared.reply import Reply
from cogs.shared.text import COLUMNS, size
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
    """Like WordPiece: enclosed in special tokens, with tokens in the vocabulary's own spelling."""
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


def obeys(answer: Reply, view: discord.ui.View | None = None, *, prose: int = 0) -> None:
    """Raises what Discord would answer if the message exceeded its limits, counted in UTF-16 as clients do.

    Code blocks may not be wider than a phone, except the first `prose` of them, which contain people's text verbatim.
    """
    body: dict[str, Any] = {"content": answer.content or ""}
    if embeds := answer.message()["embeds"]:
        body["embeds"] = [embed.to_dict() for embed in embeds]
    if view is not None:
        body["components"] = view.to_components()
    check_message(body, uploads=dict(enumerate(answer.files)), kept={})
    wide = _wide(body)
    check_message(wide, uploads=dict(enumerate(answer.files)), kept={})
    for line in code_lines(body, prose):
        assert cell_len(line) <= COLUMNS, line
    assert all(len(data) <= 10 * 1024 * 1024 for data in answer.files.values())
    for file in answer.message()["attachments"]:
        assert file.description if file.filename.endswith(".png") else True, (
            f"{file.filename} has no alt text"
        )
        assert size(file.description or "") <= 1024


_BLOCK = re.compile(r"```(?:ansi)?\n(.*?)\n?```", re.DOTALL)


def code_lines(body: dict[str, Any], prose: int = 0) -> list[str]:
    """The lines of the tables and other code blocks of a message with embeds, without colours.

    A message's own text was written by a person or a model: it wraps normally.
    """
    texts = [text for embed in body.get("embeds", []) for text in _texts(embed)]
    blocks = [block for text in texts for block in _BLOCK.findall(SGR.sub("", text))]
    return [line for block in blocks[prose:] for line in block.split("\n")]


def _texts(embed: dict[str, Any]) -> list[str]:
    return [embed.get("description") or "", *(field["value"] for field in embed.get("fields", []))]


def _wide(value: Any) -> Any:
    """Each string replaced by one with the length of its UTF-16 form."""
    if isinstance(value, dict):
        return {key: _wide(inner) if key != "url" else inner for key, inner in value.items()}
    if isinstance(value, list):
        return [_wide(inner) for inner in value]
    return "x" * size(value) if isinstance(value, str) else value
