"""The attribution of a token to the words of the prompt, as a message and a picture."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.visible import spelt
from cogs.shared.looking import about, described, pictured, token_name
from cogs.shared.reply import BLUE, Reply, csv_file
from cogs.shared.sheet import MARGIN, WIDTH, Sheet, fitting, shown, text_width
from cogs.shared.text import inline, ordinal, percent
from models.results import Attribution, Part
from texts import say

PICTURE = "mattered.png"
WORDS = 14
"""Words that a picture shows."""
_ROW = 19.0
_TOP = 34
_NAMES = 74
_MOST_DECIMALS = 4


def attribution(found: Attribution) -> Reply:
    """The word that supports the token most, with all words as a picture and a file."""
    token, parts = shown(found.target.piece), strongest(found)
    said = [_most(found)]
    if len({part.group for part in found.parts}) < len(found.parts):
        said.append(say("mattered-groups"))
    if len(parts) < len(found.parts):
        said.append(say("mattered-strongest", shown=len(parts)))
    if found.gradients is None:
        said.append(say("mattered-no-gradient"))
    embed = discord.Embed(
        title=say("mattered-title", token=inline(token)),
        description=described(*said, about(found.reading), care=say("mattered-care")),
        colour=BLUE,
    )
    measured = [part for part in parts if part.occlusion is not None]
    labels = changes([part.occlusion for part in measured])
    words = [f"{part.text} {label}" for part, label in zip(measured, labels, strict=True)]
    alt = say("mattered-alt", token=token, words=words)
    return pictured("mattered", embed, draw(found), _csv(found), alt)


def _most(found: Attribution) -> str:
    facts: dict[str, str | int] = {
        "place": ordinal(found.written + 1),
        "token": token_name(found.target.piece),
        "share": percent(found.target.probability),
    }
    measured = [(part.occlusion, part) for part in found.parts if part.occlusion is not None]
    if not measured:
        return say("mattered-unknown", **facts)
    change, word = max(measured, key=lambda one: one[0])
    return say(
        "mattered-most",
        **facts,
        word=inline(word.text, 60),
        change="fell" if change >= 0 else "rose",
        size=abs(change),
    )


def strongest(found: Attribution) -> list[Part]:
    """The words to show in the picture: those with the largest effect, in prompt order."""
    by_weight = sorted(
        found.parts, key=lambda part: (-abs(part.occlusion or 0), -abs(part.gradient or 0), part.places)
    )
    return sorted(by_weight[:WORDS], key=lambda part: part.places)


def changes(values: Sequence[float | None]) -> list[str]:
    """Changes with their signs, all with as many decimals as the largest one needs for two digits."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    decimals = next((n for n in range(2, _MOST_DECIMALS) if largest >= 10 ** (1 - n)), _MOST_DECIMALS)
    return ["-" if value is None else _signed(value, decimals) for value in values]


def _signed(value: float, decimals: int) -> str:
    label = f"{value:+.{decimals}f}"
    return label if float(label) else "0"


def draw(found: Attribution) -> bytes:
    """A PNG with two bars for each word: to the right for support of the token, to the left for evidence against it.

    Takes tenths of a second: call it from a worker thread.
    """
    parts = strongest(found)
    gradients = found.gradients is not None
    columns = 2 if gradients else 1
    width = (WIDTH - 2 * MARGIN - _NAMES) / columns
    sheet = Sheet(_TOP + _ROW * len(parts) + 10)
    series = [("mattered-occlusion", [part.occlusion for part in parts], sheet.colours.blue)]
    if gradients:
        series.append(("mattered-gradient", [part.gradient for part in parts], sheet.colours.orange))
    for row, part in enumerate(parts):
        name = fitting(spelt(part.text)[0], _NAMES - 6)
        sheet.text(MARGIN + _NAMES - 6, _TOP + _ROW * (row + 0.5), name, side="right")
    for column, (title, values, colour) in enumerate(series):
        left = MARGIN + _NAMES + column * width
        sheet.text(left + 4, 16, fitting(say(title), width - 6), colour=colour)
        low = min(0.0, *(value or 0.0 for value in values), 0.0)
        high = max(0.0, *(value or 0.0 for value in values), 0.0)
        labels = changes(values)
        room = max(map(text_width, labels)) + 6
        # Changes too small for the numbers are too small for the bars.
        scale = (width - room - 10) / max(high - low, 10.0**-_MOST_DECIMALS)
        zero = left + 4 - low * scale
        sheet.line((zero, zero), (_TOP, _TOP + _ROW * len(parts)), width=1.2)
        for row, (value, label) in enumerate(zip(values, labels, strict=True)):
            y = _TOP + _ROW * (row + 0.5)
            if value is not None:
                sheet.bar(
                    min(zero, zero + value * scale), y - _ROW / 2 + 2, max(1.0, abs(value) * scale), _ROW - 4, colour,
                    hatched=value < 0,
                )  # fmt: skip
            sheet.text(left + width - 2, y, label, side="right", colour=sheet.colours.muted)
    return sheet.png()


def _csv(found: Attribution) -> bytes:
    rows = [
        (
            part.text,
            " ".join(map(str, part.places)),
            "" if part.occlusion is None else f"{part.occlusion:.6g}",
            "" if part.gradient is None else f"{part.gradient:.6g}",
            part.group,
        )
        for part in found.parts
    ]
    return csv_file(("word", "positions", "occlusion", "gradient x input", "removed together"), rows)
