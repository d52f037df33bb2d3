"""How tokenizers split a text, as messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import discord

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
    count,
    harmless,
    inline,
    size,
    table,
)
from cogs.tokens import picture
from models.results import Piece, Tokenization

_ROWS = 24


def comparison(tokenizations: Sequence[Tokenization], failures: Mapping[str, str]) -> Reply:
    """How several tokenizers split the same text: a table, then the pieces of each."""
    rows = [
        (_short(t.name), f"{t.count:,}", f"{t.characters_per_token:.2f}", f"{t.vocab_size:,}")
        for t in tokenizations[:FIELDS]
    ]
    head = ("tokenizer", "tokens", "chars/token", "vocabulary")
    embed = discord.Embed(
        title=quoted(tokenizations[0].text if tokenizations else ""),
        description=block(table(head, rows), DESCRIPTION // 2) + _failed(failures),
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
    return Reply(embed=embed, files=files if whole else files | {"tokens.txt": listing(tokenizations)})


def pieces(tokenization: Tokenization, *, drawn: bool = False) -> Reply:
    """One tokenizer's pieces, each above its id; also as a picture if they are to be `drawn`."""
    facts = [
        f"**{count(tokenization.count, 'token')}**",
        f"{tokenization.characters_per_token:.2f} characters per token",
        f"vocabulary of {tokenization.vocab_size:,}",
        tokenization.algorithm,
    ]
    head = f"{code(clip(tokenization.name, 200))}: {' · '.join(facts)}\n"
    drawing = ansi.grid(tokenization.pieces, DESCRIPTION - size(head) - _MORE_ROOM)
    embed = discord.Embed(
        title=quoted(tokenization.text),
        description=head + drawing.text + _more(drawing, tokenization),
        colour=BLUE,
    )
    foot(embed, ansi.legend(drawing.marks))
    files = {}
    if drawn:
        embed.set_image(url="attachment://tokens.png")
        files["tokens.png"] = picture.draw([tokenization])
    if drawing.shown < tokenization.count:
        files["tokens.txt"] = listing([tokenization])
    return Reply(embed=embed, files=files)


def decoded(name: str, text: str, found: Sequence[Piece]) -> Reply:
    """The text of a sequence of ids, and what each id gives alone."""
    rows = [
        (str(piece.id), ansi.label(piece.text), clip(ansi.spelt(piece.token)[0], 20))
        for piece in found[:_ROWS]
    ]
    left = len(found) - len(rows)
    alone = "".join(piece.text for piece in found)
    differs = (
        "\n-# One after another they give another text: a token alone may lose the mark of a space, or be part of a character."
        if alone != text and len(found) > 1
        else ""
    )
    embed = discord.Embed(
        title=f"{count(len(found), 'id')} of {clip(harmless(name), 100)}",
        description=f"Together:\n{block(text, 1500)}\nOne by one:\n"
        + block(table(("id", "decoded", "in the vocabulary"), rows, frozenset({1, 2})), 2000)
        + (f"\n… and {left:,} more." if left else "")
        + differs,
        colour=BLUE,
    )
    files = {} if size(text) <= 1400 else {"decoded.txt": encodable(text).encode()}  # noqa: PLR2004 - what the block shows
    return Reply(embed=embed, files=files)


def listing(tokenizations: Sequence[Tokenization]) -> bytes:
    """Every token of every tokenizer as a table with tabs; tokens are written as JSON strings."""
    parts, used = [], 0
    for line in _lines(tokenizations):
        data = line.encode()
        used += len(data)
        if used > FILE_BYTES:
            parts.append(b"... cut here: the file would be too large for Discord.\n")
            break
        parts.append(data)
    return b"".join(parts)


def _lines(tokenizations: Sequence[Tokenization]) -> Iterator[str]:
    for tokenization in tokenizations:
        yield f"# {tokenization.name} ({tokenization.algorithm}): {count(tokenization.count, 'token')}\n"
        yield "position\tid\ttoken\tdecoded\n"
        for position, piece in enumerate(tokenization.pieces):
            token, text = (
                json.dumps(encodable(part), ensure_ascii=False) for part in (piece.token, piece.text)
            )
            yield f"{position}\t{piece.id}\t{token}\t{text}\n"
        yield "\n"


_MORE_ROOM = 60


def _more(drawing: ansi.Drawing, tokenization: Tokenization) -> str:
    left = tokenization.count - drawing.shown
    return f"\n… and {left:,} more in the file." if left else ""


def _short(name: str) -> str:
    """A hub name without its owner, where it would not fit into the table."""
    return clip(harmless(name if len(name) <= 18 else name.rpartition("/")[2]), 18)  # noqa: PLR2004 - a column


def _failed(failures: Mapping[str, str]) -> str:
    lines = [f"\n{code(clip(name, 100))} is not there: {inline(why, 200)}" for name, why in failures.items()]
    return clip("".join(lines), 1000)
