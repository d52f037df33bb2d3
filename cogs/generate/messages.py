"""The messages of a generation: waiting, streaming, and finished."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import discord

from cogs.generate import picture
from cogs.shared import ansi
from cogs.shared.looking import pictured
from cogs.shared.reply import BLUE, Reply, csv_file, encodable, foot
from cogs.shared.text import (
    CONTENT,
    DESCRIPTION,
    block,
    clip,
    code,
    inline,
    ordinal,
    percent,
    settled,
    size,
    unescaped,
)
from models.results import Generation, Step
from texts import say


def waiting(prompt: str, position: int, *, loading: bool = False) -> str:
    """The message before the first token; `position` 1 is next in line."""
    parts = [say("generate-loading")] if loading else []
    if position:
        parts.append(say("generate-in-line", position=ordinal(position)))
    return f"{_prompt(prompt)}\n⏳ {' '.join(parts or [say('generate-reading')])}"


def writing(prompt: str, text: str) -> str:
    """A generation in progress: its latest complete words, in a code block that is always closed."""
    if not (whole := settled(text)).strip():
        return waiting(prompt, 0)
    return _continued(prompt, whole, f"✍️ {say('generate-so-far', characters=len(whole))}")


def ending(prompt: str, text: str) -> str:
    """The message when the bot is shut down during generation."""
    return _continued(prompt, text, say("generate-restarting"))


def unwritten(prompt: str, text: str, why: str) -> Reply:
    """What remains of a generation that failed or was stopped before its end."""
    return Reply(_continued(prompt, text, why))


def _continued(prompt: str, text: str, note: str) -> str:
    head, foot = f"{_prompt(prompt)}\n", f"\n-# {note}"
    # Only this much is ever shown, and it is rendered on the event loop for every token.
    text = text[-CONTENT:]
    if not text.strip():
        return head + foot.strip()
    return head + block(text, CONTENT - size(head + foot), keep_end=True) + foot


def generation(
    result: Generation, temperature: float, before: str = "", *, top_k: int = 0, top_p: float = 1.0
) -> Reply:
    """The prompt, the continuation, and the settings needed to reproduce it.

    `before` is the text from earlier answers; it precedes the new text.
    """
    text = before + result.text
    head, foot = f"{_prompt(result.prompt)}\n", f"\n-# {_how(result, temperature, top_k, top_p)}"
    if not text.strip():
        marks = ansi.spelt(text)[0]
        nothing = say("generate-blank", marks=code(clip(marks, 200))) if marks else say("generate-nothing")
        return Reply(f"{head}*{nothing}*{foot}")
    room = CONTENT - size(head + foot)
    whole = body_of(text)
    if size(whole) <= room:
        return Reply(head + whole + foot)
    note = f"\n-# {say('generate-in-file')}"
    return Reply(
        head + block(text, room - size(note)) + note + foot,
        files={"generated.txt": (result.prompt + text).encode(errors="replace")},
    )


def body_of(text: str) -> str:
    """The complete text as shown in its message."""
    return block(text, 10 * size(text) + 100)


def prompt_in(content: str) -> str | None:
    """The prompt quoted in a message; None if it is truncated or the message is of another kind."""
    head = content.partition("\n")[0]
    if not (head.startswith(_BEFORE) and head.endswith(_AFTER)) or head.endswith(f"…{_AFTER}"):
        return None
    return unescaped(head.removeprefix(_BEFORE).removesuffix(_AFTER))


def _how(result: Generation, temperature: float, top_k: int, top_p: float) -> str:
    """The details below a text: model, length, speed, and stop reason."""
    facts = [
        code(clip(result.model, 100)),
        say("generate-chat-model" if result.chat else "generate-base-model"),
        say("generate-new-tokens", tokens=len(result.output_ids)),
        say("generate-speed", tokens_per_second=result.tokens_per_second),
        *_drawn(temperature, top_k, top_p, result.seed),
        say(f"finish-{result.finish}"),
    ]
    return " · ".join(facts)


def _drawn(temperature: float, top_k: int, top_p: float, seed: int | None) -> Iterator[str]:
    """The sampling settings: everything needed to reproduce the text."""
    if not temperature:
        yield say("generate-greedy")
        return
    yield say("generate-temperature", temperature=temperature)
    if top_k:
        yield say("generate-top-k", top_k=top_k)
    if top_p < 1:
        yield say("generate-top-p", top_p=top_p)
    if seed is not None:
        yield say("generate-seed", seed=seed)


def generated_tokens(result: Generation) -> Reply:
    """The tokens of the prompt and the continuation, each above its id."""
    read, wrote = result.pieces[: len(result.input_ids)], result.pieces[len(result.input_ids) :]
    embed = discord.Embed(title=say("generated-tokens-title"), colour=BLUE)
    model = code(clip(result.model, 100))
    room = (DESCRIPTION - 400) // 2
    parts, marks, whole = [], set[str](), True
    for name, pieces in (("generated-tokens-read", read), ("generated-tokens-wrote", wrote)):
        drawing = ansi.grid(pieces, room)
        left = len(pieces) - drawing.shown
        more = f"\n{say('generated-tokens-in-file', left=left)}" if left else ""
        parts.append(f"{say(name, model=model, tokens=len(pieces))}\n{drawing.text}{more}")
        marks |= drawing.marks
        whole &= not left
    if result.chat:
        parts.append(f"-# {say('generated-tokens-template')}")
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


_BEFORE, _AFTER = "> **", "**"
"""Around the prompt."""

STEPS = 8
"""Steps on one page of "Why this word"."""
WHY_PICTURE = "why.png"


def pages(result: Generation) -> int:
    return max(1, -(-len(result.steps) // STEPS))


def why(result: Generation, page: int, temperature: float) -> Reply:
    """One page of generation steps: each chosen token, its probability, and its alternatives.

    The picture shows as many alternatives as fit; the file contains all of them for every step.
    """
    first = page * STEPS
    shown = result.steps[first : first + STEPS]
    embed = discord.Embed(
        title=say("why-title"),
        description=f"{say('why-explained')} {_how_chosen(result.steps, temperature)}",
        colour=BLUE,
    )
    embed.set_footer(text=say("why-page", first=first + 1, last=first + len(shown), steps=len(result.steps)))
    alt = say("why-alt", tokens=[_in_words(step) for step in shown])
    return pictured("why", embed, picture.draw(shown, first + 1), _steps_csv(result.steps), alt)


def _in_words(step: Step) -> str:
    """The chosen token and its most likely alternatives."""
    tokens = [f"{ansi.label(one.text)} {percent(one.probability)}" for one in (step.chosen, *step.others[:1])]
    return say("why-over", written=tokens[0], other=tokens[-1]) if step.others else tokens[0]


def _how_chosen(steps: Sequence[Step], temperature: float) -> str:
    if not temperature:
        return say("why-greedy")
    unlikely = sum(step.others[0].probability > step.chosen.probability for step in steps if step.others)
    return say("why-drawn", temperature=temperature, unlikely=unlikely, steps=len(steps))


def _steps_csv(steps: Sequence[Step]) -> bytes:
    """A row for each candidate of each step, the chosen one first."""
    rows = []
    for number, step in enumerate(steps, 1):
        for candidate in (step.chosen, *step.others):
            chosen = "yes" if candidate is step.chosen else "no"
            rows.append((number, chosen, candidate.id, candidate.text, f"{candidate.probability:.6g}"))
    return csv_file(("step", "written", "id", "text", "probability"), rows)


def _prompt(prompt: str) -> str:
    return f"{_BEFORE}{inline(prompt, 400)}{_AFTER}"
