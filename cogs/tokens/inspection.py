"""What there is to see behind the tokens of a text: ids, bytes, special tokens, how it was done, what it costs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import discord

import texts
from bot.visible import spelt_piece
from cogs.shared.reply import BLUE, Reply
from cogs.shared.text import DESCRIPTION, TITLE, block, clip, code, count, harmless, inline, size, table
from cogs.tokens.messages import pieces
from models.results import Method, Specials, Tokenization

CONTEXT = 2048
"""Tokens that the notebook's language model can look at."""
_ROWS = 40
_STEPS, _STEP = 1900, 400
"""Characters of all steps, and of one."""


def ids(tokenization: Tokenization) -> Reply:
    """Each piece above its id, and all of them as a CSV file."""
    answer = pieces(tokenization)
    return Reply(embed=answer.embed, files={"tokens.csv": as_csv([tokenization])})


def as_csv(tokenizations: Sequence[Tokenization]) -> bytes:
    """A row for each token: where it is, its id, as the vocabulary spells it, as it decodes alone, what kind it is."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(("tokenizer", "position", "id", "token", "decoded", "kind"))
    for tokenization in tokenizations:
        for position, piece in enumerate(tokenization.pieces):
            kind = (
                "unknown"
                if piece.unknown
                else "special"
                if piece.special
                else "bytes"
                if piece.partial
                else ""
            )
            rows.writerow((tokenization.name, position, piece.id, piece.token, piece.text, kind))
    return file.getvalue().encode(errors="replace")


def split(tokenization: Tokenization) -> Reply:
    """The characters whose bytes are in several tokens."""
    name = code(clip(tokenization.name, 100))
    embed = discord.Embed(title="Characters in several tokens", colour=BLUE)
    unknown = sum(piece.unknown for piece in tokenization.pieces)
    found = tokenization.splits
    if found:
        rows = [
            (
                clip(harmless(it.text.strip() or it.text), 8),
                clip(" ".join(f"U+{ord(letter):04X}" for letter in it.text.strip() or it.text), 24),
                clip(" ".join(f"{piece.id}{spelt_piece(piece)[0]}" for piece in it.pieces), 60),
            )
            for it in found[:_ROWS]
        ]
        left = len(found) - len(rows)
        embed.description = (
            f"{name} has no token for {count(len(found), 'character')} of this text. Each is spelt in bytes of UTF-8, so a"
            " token alone is no character: decoded by itself it shows as �, which does not mean that it is unknown.\n"
            + block(
                table(("", "code points", "tokens, each with its bytes"), rows, frozenset({0, 1, 2})),
                DESCRIPTION - 600,
            )
            + (f"\n… and {left:,} more." if left else "")
        )
    elif unknown:
        embed.description = (
            f"{name} knows no bytes. What its vocabulary cannot spell became an unknown token, {count(unknown, 'time')} in"
            " this text, and cannot be got back from the ids."
        )
    else:
        embed.description = f"{name} has a token for every character of this text: none is cut into bytes."
    return Reply(embed=embed)


def specials(found: Specials) -> Reply:
    """The special tokens with what each is for, and the marks that are no text."""
    lines = []
    for token in found.tokens[:_ROWS]:
        here = f" · {count(token.here, 'time')} in this text" if token.here else ""
        added = " · put there by the tokenizer" if token.added and token.here else ""
        meanings = "; ".join(texts.say(f"role-{role}") for role in token.roles)
        lines.append(f"{code(clip(token.token, 60))} id {token.id}{here}{added}\n-# {meanings}")
    marks = [f"{code(part)} {texts.say(f'mark-{mark}')}" for part, mark in found.marks]
    left = len(found.tokens) - len(lines)
    parts = [
        "\n".join(lines) or "It has none.",
        f"… and {left:,} more that are reserved." if left else "",
        "**Marks in other tokens**\n" + "\n".join(marks) if marks else "",
    ]
    embed = discord.Embed(
        title=clip(f"Special tokens of {harmless(found.name)}", TITLE),
        description=clip("\n".join(filter(None, parts)), DESCRIPTION),
        colour=BLUE,
    )
    return Reply(embed=embed)


def method(found: Method) -> Reply:
    """How the tokenizer works, and how one word of the text came to its tokens."""
    parts = [texts.say(found.idea)]
    if found.normalized is not None:
        parts.append(f"First it changed the text to:\n{block(clip(found.normalized, 300))}")
    if found.whole:
        parts.append(
            f"Found whole, before all else, because they were added to the vocabulary:\n{block(' '.join(found.whole), 300)}"
        )
    if found.chunks:
        chunks = " | ".join(found.chunks[:_ROWS]) + (" | …" if len(found.chunks) > _ROWS else "")
        parts.append(
            f"Cut into {count(len(found.chunks), 'part')} before the vocabulary is asked:\n{block(chunks, 700)}"
        )
    if found.steps:
        parts.append(
            f"How {code(clip(found.word, 60))} came to its tokens:\n{block(_numbered(found.steps), 2000)}"
        )
    elif found.chunks:
        parts.append("How that came to its tokens cannot be told step by step.")
    embed = discord.Embed(
        title=clip(f"How {harmless(found.name)} works: {found.algorithm}", TITLE),
        description=clip("\n".join(parts), DESCRIPTION),
        colour=BLUE,
    )
    return Reply(embed=embed)


def _numbered(steps: Sequence[str]) -> str:
    """The steps with their numbers; where they are too many those in the middle go, for the last one is the result."""
    lines = [f"{number:>2} {clip(harmless(step), _STEP)}" for number, step in enumerate(steps)]
    kept = lines
    while len(kept) > 2 and sum(size(line) + 1 for line in kept) > _STEPS:  # noqa: PLR2004 - first and last
        middle = len(kept) // 2
        kept = kept[:middle] + kept[middle + 1 :]
    if left := len(lines) - len(kept):
        middle = (len(kept) + 1) // 2
        kept = [*kept[:middle], f" … {count(left, 'step')} more", *kept[middle:]]
    return "\n".join(kept)


def cost(tokenizations: Sequence[Tokenization]) -> Reply:
    """What the text costs with each tokenizer, the cheapest first."""
    ordered = sorted(tokenizations, key=lambda it: it.count)
    characters = len(tokenizations[0].text) if tokenizations else 0
    rows = [
        (
            clip(harmless(it.name.rpartition("/")[2]), 18),
            f"{it.count:,}",
            f"{1000 * it.count / characters:,.0f}" if characters else "",
            f"{it.count / CONTEXT:.1%}",
        )
        for it in ordered[:_ROWS]
    ]
    head = ("tokenizer", "tokens", "per 1,000", f"of {CONTEXT:,}")
    embed = discord.Embed(
        title="What it costs",
        description=block(table(head, rows), DESCRIPTION - 700)
        + f"\nThe text has {count(characters, 'character')}. **per 1,000**: tokens for a thousand characters of this kind."
        f" **of {CONTEXT:,}**: how much of a window of that many tokens it fills, as that of phi-1_5. A model reads and"
        " writes token by token: fewer are faster, and leave more room. Special tokens count too.",
        colour=BLUE,
    )
    if rows:
        embed.set_footer(
            text=clip(
                f"{inline(ordered[0].name)} needs fewest here; another language may turn that round", 300
            )
        )
    return Reply(embed=embed)
