"""The messages of /tokens and /decode."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import discord

from bot.visible import spelt, spelt_piece
from cogs.shared import ansi
from cogs.shared.reply import (
    BLUE,
    FILE_BYTES,
    Reply,
    encodable,
    foot,
    quoted,
)
from cogs.shared.text import (
    DESCRIPTION,
    EMBEDS,
    block,
    clip,
    code,
    columns,
    harmless,
    inline,
    size,
    table,
    whole_lines,
)
from cogs.tokens import picture
from models.results import Tokenization
from models.service import Comparison, Decoded
from texts import say

_ALT_PIECES = 24
"""Tokens that the description of a picture names."""
PICTURES = 9
"""Tokenizers with a picture at most: a message has ten embeds, of which one holds the table."""
_ROWS = 24
_MOST_MARKED = 500
"""Tokens whose marks are explained; a picture shows fewer."""
_DECODED_SHOWN = 1400
"""Characters of a decoded text that are surely shown; a longer one is in a file too."""


def comparison(compared: Comparison) -> Reply:
    """A comparison of tokenizers on one text: a line about each, and a picture of its pieces."""
    tokenizations = compared.tokenizations
    lines = picture.LINES if len(tokenizations) > 1 else 2 * picture.LINES
    drawn = [picture.draw(made, lines) for made in tokenizations[:PICTURES]]
    names = [f"tokens-{number}.png" for number in range(1, len(drawn) + 1)]
    others = [_about(made) for made in tokenizations[PICTURES:]]
    embed = discord.Embed(
        title=quoted(tokenizations[0].text if tokenizations else ""),
        description=whole_lines(others, EMBEDS // 3) + missing(compared.failures) or None,
        colour=BLUE,
    )
    more = [
        discord.Embed(description=_about(made) + _more(one.left), colour=BLUE).set_image(
            url=f"attachment://{name}"
        )
        for name, made, one in zip(names, tokenizations, drawn, strict=False)
    ]
    if more:
        foot(more[-1], _legend(tokenizations[:PICTURES]))
    files = {name: one.png for name, one in zip(names, drawn, strict=True)}
    if others or any(one.left for one in drawn):
        files["tokens.txt"] = listing(tokenizations)
    alt = {name: _alt(made) for name, made in zip(names, tokenizations, strict=False)}
    return Reply(embed=embed, files=files, alt=alt, more=more)


def _about(made: Tokenization) -> str:
    """A tokenizer in one line: its name, its number of tokens, and its type."""
    return say(
        "tokens-about",
        tokenizer=code(clip(made.name, 80)),
        n=made.count,
        vocabulary=made.vocab_size,
        algorithm=inline(made.algorithm, 60),
    )


def pieces(tokenization: Tokenization, *, with_picture: bool = False) -> Reply:
    """One tokenizer's pieces, each above its id: as a picture, or as coloured text."""
    head = say(
        "tokens-of-one",
        tokenizer=code(clip(tokenization.name, 200)),
        n=tokenization.count,
        ratio=tokenization.characters_per_token,
        vocabulary=tokenization.vocab_size,
        algorithm=tokenization.algorithm,
    )
    embed = discord.Embed(title=quoted(tokenization.text), description=head, colour=BLUE)
    if with_picture:
        drawn = picture.draw(tokenization)
        embed.set_image(url="attachment://tokens.png")
        foot(embed, _legend([tokenization]))
        files = {"tokens.png": drawn.png}
        left = drawn.left
        embed.description = head + _more(left)
    else:
        drawing = ansi.grid(tokenization.pieces, DESCRIPTION - size(head) - 1 - _MORE_ROOM)
        left = tokenization.count - drawing.shown
        embed.description = f"{head}\n{drawing.text}{_more(left)}"
        foot(embed, ansi.legend(drawing.marks))
        files = {}
    if left:
        files["tokens.txt"] = listing([tokenization])
    return Reply(embed=embed, files=files, alt={"tokens.png": _alt(tokenization)})


def _legend(tokenizations: Sequence[Tokenization]) -> str:
    """The legend of the marks in the pictures of these pieces."""
    marks = {
        mark
        for made in tokenizations
        for piece in made.pieces[:_MOST_MARKED]
        for mark in spelt_piece(piece)[1]
    }
    return ansi.legend(frozenset(marks))


def _alt(tokenization: Tokenization) -> str:
    """The picture in words: the number of pieces, and the first of them."""
    return say(
        "tokens-alt",
        tokenizer=tokenization.name,
        n=tokenization.count,
        pieces=[ansi.label(piece.text) for piece in tokenization.pieces[:_ALT_PIECES]],
    )


def decoded(result: Decoded) -> Reply:
    """The text of a sequence of ids, and the text of each id alone."""
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
    """Every token of every tokenizer as a tab-separated table; tokens are JSON strings."""
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


def _more(left: int) -> str:
    return "\n" + say("tokens-more-in-file", n=left) if left else ""


def missing(failures: Mapping[str, str]) -> str:
    """The reasons for missing tokenizers, a line for each."""
    lines = [
        "\n" + say("tokens-missing", tokenizer=code(clip(name, 100)), why=inline(why, 200))
        for name, why in failures.items()
    ]
    return clip("".join(lines), 1000)
