"""How tokenizers split a text, as messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import discord

from bot.visible import spelt
from cogs.shared import ansi
from cogs.shared.reply import (
    BLUE,
    FIELDS,
    FILE_BYTES,
    FOOTER_ROOM,
    Reply,
    embed_size,
    encodable,
    foot,
    quoted,
)
from cogs.shared.text import (
    DESCRIPTION,
    EMBEDS,
    FIELD_NAME,
    FIELD_VALUE,
    block,
    clip,
    code,
    columns,
    harmless,
    inline,
    size,
    table,
)
from cogs.tokens import picture
from models.results import Tokenization
from models.service import Comparison, Decoded
from texts import say

_ALT_TOKENIZERS, _ALT_PIECES = 8, 24
"""Tokenizers and tokens of each that the description of a picture names."""
_ROWS = 24
_NAME_COLUMN = 18
_DECODED_SHOWN = 1400
"""Characters of a decoded text that are surely shown; a longer one is in a file too."""


def comparison(compared: Comparison) -> Reply:
    """How several tokenizers split the same text: a table, then the pieces of each."""
    tokenizations = compared.tokenizations
    rows = [
        (_short(t.name), f"{t.count:,}", f"{t.characters_per_token:.2f}", f"{t.vocab_size:,}")
        for t in tokenizations[:FIELDS]
    ]
    embed = discord.Embed(
        title=quoted(tokenizations[0].text if tokenizations else ""),
        description=block(table(columns("tokens-compared"), rows), DESCRIPTION // 2)
        + missing(compared.failures),
        colour=BLUE,
    )
    names = [clip(f"{harmless(t.name)} · {t.algorithm}", FIELD_NAME // 2) for t in tokenizations[:FIELDS]]
    room = EMBEDS - embed_size(embed) - sum(size(name) for name in names) - FOOTER_ROOM
    each = min(FIELD_VALUE, room // max(len(names), 1))
    marks: set[str] = set()
    whole = len(names) == len(tokenizations)
    for name, tokenization in zip(names, tokenizations, strict=False):
        drawing = ansi.flow(tokenization.pieces, each - _MORE_ROOM)
        embed.add_field(name=name, value=drawing.text + _more(drawing, tokenization), inline=False)
        marks |= drawing.marks
        whole &= drawing.shown == tokenization.count
    foot(embed, ansi.legend(frozenset(marks)))
    embed.set_image(url="attachment://tokens.png")
    files = {"tokens.png": picture.draw(tokenizations)}
    if not whole:
        files["tokens.txt"] = listing(tokenizations)
    return Reply(embed=embed, files=files, alt={"tokens.png": _alt(tokenizations)})


def pieces(tokenization: Tokenization, *, with_picture: bool = False) -> Reply:
    """One tokenizer's pieces, each above its id."""
    head = say(
        "tokens-of-one",
        tokenizer=code(clip(tokenization.name, 200)),
        n=tokenization.count,
        ratio=tokenization.characters_per_token,
        vocabulary=tokenization.vocab_size,
        algorithm=tokenization.algorithm,
    )
    drawing = ansi.grid(tokenization.pieces, DESCRIPTION - size(head) - 1 - _MORE_ROOM)
    embed = discord.Embed(
        title=quoted(tokenization.text),
        description=f"{head}\n{drawing.text}{_more(drawing, tokenization)}",
        colour=BLUE,
    )
    foot(embed, ansi.legend(drawing.marks))
    files = {}
    if with_picture:
        embed.set_image(url="attachment://tokens.png")
        files["tokens.png"] = picture.draw([tokenization])
    if drawing.shown < tokenization.count:
        files["tokens.txt"] = listing([tokenization])
    return Reply(embed=embed, files=files, alt={"tokens.png": _alt([tokenization])})


def _alt(tokenizations: Sequence[Tokenization]) -> str:
    """The picture in words: how many pieces each tokenizer makes, and the first of them."""
    return "\n".join(
        say(
            "tokens-alt",
            tokenizer=tokenization.name,
            n=tokenization.count,
            pieces=[ansi.label(piece.text) for piece in tokenization.pieces[:_ALT_PIECES]],
        )
        for tokenization in tokenizations[:_ALT_TOKENIZERS]
    )


def decoded(result: Decoded) -> Reply:
    """The text of a sequence of ids, and what each id gives alone."""
    rows = [
        (str(piece.id), ansi.label(piece.text), clip(spelt(piece.token)[0], 20))
        for piece in result.pieces[:_ROWS]
    ]
    left = len(result.pieces) - len(rows)
    alone = "".join(piece.text for piece in result.pieces)
    parts = [
        say("decoded-together"),
        block(result.text, 1500),
        say("decoded-one-by-one"),
        block(table(columns("decoded-columns"), rows, frozenset({1, 2})), 2000),
    ]
    if left:
        parts.append(say("and-more-stop", n=left))
    if alone != result.text and len(result.pieces) > 1:
        parts.append(f"-# {say('decoded-differently')}")
    embed = discord.Embed(
        title=say("decoded-title", n=len(result.pieces), tokenizer=clip(harmless(result.tokenizer), 100)),
        description="\n".join(parts),
        colour=BLUE,
    )
    long = size(result.text) > _DECODED_SHOWN
    return Reply(embed=embed, files={"decoded.txt": encodable(result.text).encode()} if long else {})


def listing(tokenizations: Sequence[Tokenization]) -> bytes:
    """Every token of every tokenizer as a table with tabs; tokens are written as JSON strings."""
    parts, used = [], 0
    for line in _lines(tokenizations):
        data = line.encode()
        used += len(data)
        if used > FILE_BYTES:
            parts.append(f"{say('tokens-file-cut')}\n".encode())
            break
        parts.append(data)
    return b"".join(parts)


def _lines(tokenizations: Sequence[Tokenization]) -> Iterator[str]:
    for made in tokenizations:
        yield say("tokens-file-head", tokenizer=made.name, algorithm=made.algorithm, n=made.count) + "\n"
        yield "position\tid\ttoken\tdecoded\n"
        for position, piece in enumerate(made.pieces):
            token, text = (
                json.dumps(encodable(part), ensure_ascii=False) for part in (piece.token, piece.text)
            )
            yield f"{position}\t{piece.id}\t{token}\t{text}\n"
        yield "\n"


_MORE_ROOM = 60


def _more(drawing: ansi.Drawing, tokenization: Tokenization) -> str:
    left = tokenization.count - drawing.shown
    return "\n" + say("tokens-more-in-file", n=left) if left else ""


def _short(name: str) -> str:
    """A hub name without its owner, where it would not fit into the table."""
    return clip(harmless(name if len(name) <= _NAME_COLUMN else name.rpartition("/")[2]), _NAME_COLUMN)


def missing(failures: Mapping[str, str]) -> str:
    """Why some tokenizers have no part in an answer, a line for each."""
    lines = [
        "\n" + say("tokens-missing", tokenizer=code(clip(name, 100)), why=inline(why, 200))
        for name, why in failures.items()
    ]
    return clip("".join(lines), 1000)
