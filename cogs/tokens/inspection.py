"""Details of tokenization: ids, bytes, special tokens, method, cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import discord

from bot.visible import spelt_piece
from cogs.shared.reply import BLUE, Reply
from cogs.shared.text import (
    DESCRIPTION,
    TITLE,
    block,
    clip,
    code,
    harmless,
    inline,
    percent,
    size,
    whole_lines,
    wrapped,
)
from cogs.tokens.messages import pieces
from models.results import (
    Aspect,
    Explanation,
    Method,
    Piece,
    Specials,
    SpecialToken,
    Tokenization,
    Unexplained,
)
from texts import say

_ROWS = 40
_PARTS = 8
"""Tokens of one character that are named."""
_STEPS, _STEP = 1900, 400
"""Characters of all steps, and of one."""
_FIRST_AND_LAST = 2


def explanation(aspect: Aspect, found: Explanation) -> Reply:
    """One aspect of how a tokenizer handles a text, as a message."""
    match found:
        case Tokenization():
            return split_characters(found) if aspect is Aspect.BYTES else ids(found)
        case Specials():
            return special_tokens(found)
        case Method():
            return method(found)
        case Unexplained():
            title = clip(harmless(found.name), TITLE)
            return Reply(
                embed=discord.Embed(title=title, description=inline(found.reason, DESCRIPTION), colour=BLUE)
            )


def ids(tokenization: Tokenization) -> Reply:
    """Each piece above its id, and all of them as a CSV file."""
    reply = pieces(tokenization)
    return Reply(embed=reply.embed, files={"tokens.csv": as_csv([tokenization])})


def as_csv(tokenizations: Sequence[Tokenization]) -> bytes:
    """A row for each token: position, id, vocabulary spelling, text if decoded alone, and kind."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(("tokenizer", "position", "id", "token", "decoded", "kind"))
    for tokenization in tokenizations:
        for position, piece in enumerate(tokenization.pieces):
            rows.writerow((tokenization.name, position, piece.id, piece.token, piece.text, _kind(piece)))
    return file.getvalue().encode(errors="replace")


def _kind(piece: Piece) -> str:
    if piece.unknown:
        return "unknown"
    return "special" if piece.special else "bytes" if piece.partial else ""


def split_characters(tokenization: Tokenization) -> Reply:
    """The characters whose bytes are spread over several tokens."""
    name = code(clip(tokenization.name, 100))
    unknown = _lost(tokenization)
    splits = tokenization.splits
    if splits:
        description = (
            say("token-bytes-split", tokenizer=name, n=len(splits)) + "\n" + _split_lines(tokenization)
        )
    elif unknown:
        description = say("token-bytes-unknown", tokenizer=name, n=unknown)
    else:
        description = say("token-bytes-whole", tokenizer=name)
    return Reply(embed=discord.Embed(title=say("token-bytes-title"), description=description, colour=BLUE))


def _split_lines(tokenization: Tokenization) -> str:
    """A line for each character: itself, its code points, and the tokens with its bytes and their ids."""
    lines = []
    for split in tokenization.splits:
        text = split.text.strip() or split.text
        tokens = [f"{code(spelt_piece(piece)[0])} {piece.id}" for piece in split.pieces[:_PARTS]]
        more = [" …"] if len(split.pieces) > _PARTS else []
        points = " ".join(f"U+{ord(character):04X}" for character in text)
        lines.append(f"{code(clip(text, 12))} {clip(points, 24)} = {' + '.join([*tokens, *more])}")
    return whole_lines(lines, DESCRIPTION - 600)


def special_tokens(specials: Specials) -> Reply:
    """The special tokens with their purposes, and the marks that are not text."""
    lines = [_special_token(token) for token in specials.tokens[:_ROWS]]
    marks = [f"{code(part)} {say(f'token-mark-{mark}')}" for part, mark in specials.marks]
    left = len(specials.tokens) - len(lines)
    parts = [
        "\n".join(lines) or say("token-specials-none"),
        say("token-specials-more", n=left) if left else "",
        f"\n**{say('token-specials-marks')}**\n" + "\n".join(marks) if marks else "",
    ]
    embed = discord.Embed(
        title=clip(say("token-specials-title", tokenizer=harmless(specials.name)), TITLE),
        description=clip("\n".join(filter(None, parts)), DESCRIPTION),
        colour=BLUE,
    )
    return Reply(embed=embed)


def _special_token(token: SpecialToken) -> str:
    facts = [say("token-special", token=code(clip(token.token, 60)), id=str(token.id))]
    if token.here:
        facts.append(say("token-special-here", n=token.here))
    if token.here and token.added:
        facts.append(say("token-special-added"))
    return "\n-# ".join([" · ".join(facts), *(say(f"role-{role}") for role in token.roles)])


def method(used: Method) -> Reply:
    """How the tokenizer works, and how it tokenizes one word of the text."""
    parts = [say(used.idea)]
    if used.normalized is not None:
        parts += [say("token-how-normalized"), block(wrapped(clip(harmless(used.normalized), 300)))]
    if used.whole:
        parts += [say("token-how-whole"), block(wrapped(clip(harmless(" ".join(used.whole)), 280)))]
    if used.chunks:
        chunks = " | ".join(used.chunks[:_ROWS]) + (" | …" if len(used.chunks) > _ROWS else "")
        parts += [say("token-how-chunks", n=len(used.chunks)), block(wrapped(clip(harmless(chunks), 650)))]
    if used.steps:
        told = "token-how-merges" if used.merges else "token-how-steps"
        parts += [say(told, word=code(clip(used.word, 60))), block(_numbered(used.steps), 2400)]
    elif used.chunks:
        parts.append(say("token-how-no-steps"))
    embed = discord.Embed(
        title=clip(say("token-how-title", tokenizer=harmless(used.name), algorithm=used.algorithm), TITLE),
        description=clip("\n".join(parts), DESCRIPTION),
        colour=BLUE,
    )
    return Reply(embed=embed)


def _numbered(steps: Sequence[str]) -> str:
    """The numbered steps; if there are too many, middle ones are omitted, because the last one is the result."""
    lines = [
        wrapped(f"{number:>2} {' '.join(clip(harmless(step), _STEP).split())}", indent="   ")
        for number, step in enumerate(steps)
    ]
    kept = lines
    while len(kept) > _FIRST_AND_LAST and sum(size(line) + 1 for line in kept) > _STEPS:
        middle = len(kept) // 2
        kept = kept[:middle] + kept[middle + 1 :]
    if left := len(lines) - len(kept):
        middle = (len(kept) + 1) // 2
        kept = [*kept[:middle], f" {say('token-how-more-steps', n=left)}", *kept[middle:]]
    return "\n".join(kept)


def cost(tokenizations: Sequence[Tokenization], window: int | None = None, note: str = "") -> Reply:
    """The cost of the text with each tokenizer, the cheapest first, those that lose a part of the text last.

    `window` is the context length of the current language model in tokens; `note` names missing tokenizers.
    """
    ordered = sorted(tokenizations, key=lambda made: (_lost(made) > 0, made.count))
    characters = len(tokenizations[0].text) if tokenizations else 0
    lines = [_cost_line(rank, made, window) for rank, made in enumerate(ordered, 1)]
    explained = say("token-cost-explained", n=characters)
    if window is not None:
        explained += " " + say("token-cost-window", window=window)
    room = DESCRIPTION - size(note) - size(explained) - 200
    embed = discord.Embed(
        title=say("token-cost-title"),
        description=f"{whole_lines(lines, room)}\n{explained}{note}",
        colour=BLUE,
    )
    whole = [made for made in ordered if not _lost(made)]
    if whole:
        cheapest = say(
            "token-cost-cheapest", tokenizer=harmless(_model(whole[0])), losing=len(ordered) - len(whole)
        )
        embed.set_footer(text=clip(cheapest, 300))
    return Reply(embed=embed)


def _cost_line(rank: int, made: Tokenization, window: int | None) -> str:
    facts = [say("token-cost-tokens", n=made.count)]
    if made.text:
        facts.append(say("token-cost-rate", rate=1000 * made.count / len(made.text)))
    if window is not None:
        facts.append(say("token-cost-share", share=percent(made.count / window)))
    line = f"{rank}. {code(clip(_model(made), 60))}: {' · '.join(facts)}"
    if not (lost := _lost(made)):
        return line
    unknown = next(piece.token for piece in made.pieces if piece.unknown)
    return f"{line} · ⚠️ {say('token-cost-loses', n=lost, token=code(clip(unknown, 40)))}"


def _lost(made: Tokenization) -> int:
    """The parts of the text that its tokens do not represent."""
    return sum(piece.unknown for piece in made.pieces)


def _model(made: Tokenization) -> str:
    """The model name without its owner."""
    return made.name.rpartition("/")[2] or made.name
