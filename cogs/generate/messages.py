"""What people read of a continuation: while it waits, while it grows, and in the end."""

from __future__ import annotations

import json
from collections.abc import Sequence

import discord

from cogs.generate import picture
from cogs.shared import ansi
from cogs.shared.reply import BLUE, Reply, csv_file, encodable, foot
from cogs.shared.text import (
    CONTENT,
    DESCRIPTION,
    block,
    clip,
    code,
    count,
    inline,
    ordinal,
    settled,
    size,
    table,
)
from models.results import Generation, Step

FINISHES = {
    "eos": "ended by itself",
    "length": "stopped at max_new_tokens",
    "context": "the model's window is full",
    "stopped": "stopped on request",
    "deadline": "out of time, so this is what there is",
}


def waiting(prompt: str, position: int, *, loading: bool = False) -> str:
    """What people read before the first token; `position` 1 is the next in line."""
    state = "The model is still being loaded. " if loading else ""
    state += (
        f"You are {ordinal(position)} in line." if position else "" if loading else "Reading the prompt ..."
    )
    return f"{_prompt(prompt)}\n⏳ {state.strip()}"


def writing(prompt: str, text: str) -> str:
    """A continuation under way: its newest whole words, in a code block that is always closed."""
    if not (whole := settled(text)).strip():
        return waiting(prompt, 0)
    return _continued(prompt, whole, f"✍️ {len(whole):,} characters so far")


def ending(prompt: str, text: str) -> str:
    """What people read when the bot is told to stop while it writes."""
    why = "I am being restarted, so this ends in a moment."
    return _continued(prompt, text, why)


def unwritten(prompt: str, text: str, why: str) -> Reply:
    """What stays of a continuation that failed or was stopped before it could end."""
    return Reply(_continued(prompt, text, why))


def _continued(prompt: str, text: str, note: str) -> str:
    head, foot = f"{_prompt(prompt)}\n", f"\n-# {note}"
    # No more than this is ever shown of it, and it is drawn on the event loop, for every token.
    text = text[-CONTENT:]
    if not text.strip():
        return head + foot.strip()
    return head + block(text, CONTENT - size(head + foot), keep_end=True) + foot


def generation(result: Generation, temperature: float, before: str = "") -> Reply:
    """The prompt, the continuation, and how it came about, so that it can be repeated.

    `before` is what earlier answers wrote; it stands before what is new.
    """
    facts = [
        code(clip(result.model, 100)),
        "chat model" if result.chat else "base model: it goes on with a text",
        count(len(result.output_ids), "new token"),
        f"{result.tokens_per_second:.1f} tokens/s",
        f"temperature {temperature:g}" + ("" if temperature else " (greedy)"),
        *([f"seed {result.seed}"] if temperature else []),
        FINISHES.get(result.finish, result.finish),
    ]
    text = before + result.text
    head, foot = f"{_prompt(result.prompt)}\n", f"\n-# {' · '.join(facts)}"
    if not text.strip():
        marks = ansi.spelt(text)[0]
        nothing = (
            f"*Only white space: {code(clip(marks, 200))}*"
            if marks
            else "*The model ended the text at once.*"
        )
        return Reply(head + nothing + foot)
    room = CONTENT - size(head + foot)
    whole = block(text, 10 * size(text) + 100)
    if size(whole) <= room:
        return Reply(head + whole + foot)
    note = "\n-# This is the beginning; the whole text is in the file."
    return Reply(
        head + block(text, room - size(note)) + note + foot,
        files={"generated.txt": (result.prompt + text).encode(errors="replace")},
    )


def generated_tokens(result: Generation) -> Reply:
    """What the model read and what it wrote, each token above its id."""
    read, wrote = result.pieces[: len(result.input_ids)], result.pieces[len(result.input_ids) :]
    embed = discord.Embed(title="What the model read and wrote", colour=BLUE)
    room = (DESCRIPTION - 400) // 2
    parts, marks, whole = [], set[str](), True
    for verb, pieces in (("read", read), ("wrote", wrote)):
        drawing = ansi.grid(pieces, room)
        left = len(pieces) - drawing.shown
        more = f"\n… and {left:,} more in the file." if left else ""
        parts.append(
            f"{code(clip(result.model, 100))} {verb} **{count(len(pieces), 'token')}**\n{drawing.text}{more}"
        )
        marks |= drawing.marks
        whole &= not left
    if result.chat:
        parts.append("-# The first tokens are the model's chat template around your prompt.")
    embed.description = "\n".join(parts)
    foot(embed, ansi.legend(frozenset(marks)))
    return Reply(embed=embed, files={} if whole else {"tokens.txt": _generated_listing(result)})


def _generated_listing(result: Generation) -> bytes:
    lines = ["position\tid\ttoken\tdecoded\tread or written\n"]
    for position, piece in enumerate(result.pieces):
        token, text = (json.dumps(encodable(part), ensure_ascii=False) for part in (piece.token, piece.text))
        what = "read" if position < len(result.input_ids) else "written"
        lines.append(f"{position}\t{piece.id}\t{token}\t{text}\t{what}\n")
    return "".join(lines).encode()


STEPS = 12
"""Steps on one page of "Why this word"."""
WHY_PICTURE = "why.png"


def pages(result: Generation) -> int:
    return max(1, -(-len(result.steps) // STEPS))


def why(result: Generation, page: int, temperature: float) -> Reply:
    """One page of the steps: which token was chosen, how likely it was, and what it was chosen over.

    The list in the message names the likeliest of the others, the picture five of them, the file all for every step.
    """
    first = page * STEPS
    steps_shown = result.steps[first : first + STEPS]
    rows = [
        (
            str(first + row),
            ansi.label(step.chosen.text),
            picture.percent(step.chosen.probability),
            " ".join(f"{ansi.label(it.text)} {picture.percent(it.probability)}" for it in step.others[:1]),
        )
        for row, step in enumerate(steps_shown, 1)
    ]
    drawn = sum(step.others[0].probability > step.chosen.probability for step in result.steps if step.others)
    how = (
        f"Tokens were drawn at temperature {temperature:g}; {drawn:,} of {len(result.steps):,} were not the likeliest."
        if temperature
        else "Each time the likeliest token was taken (greedy)."
    )
    embed = discord.Embed(
        title="Why this word",
        description=f"After each token the model gives every token of its vocabulary a probability. {how}\n"
        + block(table(("", "written", "", "instead"), rows, frozenset({1, 3})), DESCRIPTION - 700),
        colour=BLUE,
    )
    embed.set_footer(
        text=f"Tokens {first + 1} to {first + len(rows)} of {len(result.steps)} · probabilities before temperature and top_p"
    )
    embed.set_image(url=f"attachment://{WHY_PICTURE}")
    files = {WHY_PICTURE: picture.draw(steps_shown, first + 1), "why.csv": _steps_csv(result.steps)}
    return Reply(embed=embed, files=files)


def _steps_csv(every: Sequence[Step]) -> bytes:
    """A row for each candidate of each step, the written one first."""
    rows = []
    for number, step in enumerate(every, 1):
        for candidate in (step.chosen, *step.others):
            chosen = "yes" if candidate is step.chosen else "no"
            rows.append((number, chosen, candidate.id, candidate.text, f"{candidate.probability:.6g}"))
    return csv_file(("step", "written", "id", "text", "probability"), rows)


def _prompt(prompt: str) -> str:
    return f"> **{inline(prompt, 400)}**"
