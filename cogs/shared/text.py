"""Text that is safe and faithful to show: measured, clipped, escaped, with invisible characters made visible."""

from __future__ import annotations

import re
from collections.abc import Sequence

import regex
from babel import Locale
from babel.lists import format_list
from rich.cells import cell_len

import texts
from bot import visible
from texts import say

harmless, inline, size = visible.harmless, visible.inline, visible.size

CONTENT = 2000
DESCRIPTION = 4096
FIELD_VALUE = 1024
FOOTER = 2048
TITLE = 256
EMBEDS = 6000
"""Discord's limits, in characters; `EMBEDS` is the sum over all embeds of a message."""
CHOICES = 25
CHOICE = 100
CUSTOM_ID = 100
COLUMNS = 32
"""Cells of a line in a code block that a phone 390 pixels wide does not wrap; a wide character takes two."""
_NARROWEST = 5
"""Cells of a column that makes room for the others, at least."""

_LONGEST_WORD = 40
_SMALLEST = 0.01
_DIGITS = ((10.0, 0), (0.1, 1), (_SMALLEST, 2))
"""Digits after the point, by the per cent from which on they are enough."""
_LAST_WORD = re.compile(rf"\s\S{{0,{_LONGEST_WORD}}}\Z")
_FENCE = re.compile(r"`{3,}")


def clip(text: str, limit: int) -> str:
    """At most `limit` of `size`, complete characters only; a cut is shown as an ellipsis."""
    return text if size(text) <= limit else _take(text, limit - 1) + "…" if limit > 0 else ""


def whole_lines(lines: Sequence[str], limit: int) -> str:
    """As many complete lines as fit into `limit`, followed by the number of omitted lines."""
    if size(text := "\n".join(lines)) <= limit:
        return text
    room, shown = limit - size("\n" + say("and-more", n=len(lines))), 0
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            break
        shown += 1
    return "\n".join([*lines[:shown], say("and-more", n=len(lines) - shown)])


def fit(text: str, cells: int) -> str:
    """At most `cells` of a line of a code block, complete grapheme clusters only; a cut is shown as an ellipsis."""
    if cell_len(text) <= cells:
        return text
    kept, used = [], 1
    # Limits the work for a very long text to the characters that could fit.
    for character in regex.findall(r"\X", text[: 8 * cells + 8]):
        used += cell_len(character)
        if used > cells:
            break
        kept.append(character)
    return "".join(kept) + "…" if cells > 0 else ""


def wrapped(text: str, cells: int = COLUMNS, indent: str = "") -> str:
    """A text in lines of at most `cells`, broken at spaces if possible; continuation lines start with `indent`."""
    lines: list[str] = []
    for paragraph in text.replace("\t", "    ").split("\n"):
        line, used = "", 0
        for part in re.findall(r" +|[^ ]+", paragraph):
            if line.strip() and used + cell_len(part) > cells:
                lines.append(line.rstrip())
                line, used = indent, cell_len(indent)
                if part.isspace():
                    continue
            for character in regex.findall(r"\X", part):
                wide = cell_len(character)
                if used + wide > cells:
                    lines.append(line)
                    line, used = indent, cell_len(indent)
                line, used = line + character, used + wide
        lines.append(line.rstrip())
    return "\n".join(lines)


def clip_start(text: str, limit: int) -> str:
    """Like `clip`, but keeps the end, where a streamed text grows."""
    return text if size(text) <= limit else "…" + _take(text[::-1], limit - 1)[::-1] if limit > 0 else ""


def _take(text: str, limit: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > limit:
            return text[:index]
    return text


def settled(text: str) -> str:
    """The stable part of a growing text: without its last word, or at least without its last character.

    A character is a grapheme cluster: an emoji of several code points is one. Only the end is examined, so the time
    does not depend on the length.
    """
    word = _LAST_WORD.search(text, max(0, len(text) - _LONGEST_WORD - 1))
    if word and (before := text[: word.start()].rstrip()):
        return before
    characters = regex.findall(r"\X", text[-CONTENT:])
    return text[: -len(characters[-1])] if characters else ""


def unfenced(text: str) -> str:
    """The text with no run of backticks that could close the surrounding code block; it looks the same."""
    return _FENCE.sub(lambda run: visible.ZERO_WIDTH_SPACE.join(run[0]), text)


def block(text: str, limit: int = CONTENT, *, keep_end: bool = False) -> str:
    """A code block of at most `limit` that shows the text verbatim.

    Markdown, mentions and links in it have no effect, and white space is preserved: that is why model output is shown
    in one.
    """
    body = unfenced(harmless(text))
    room = limit - size("```\n\n```")
    return f"```\n{clip_start(body, room) if keep_end else clip(body, room)}\n```"


def unescaped(text: str) -> str:
    """The inverse of `inline`: the text before markdown was escaped."""
    return re.sub(r"\\(.)", r"\1", text).replace("@" + visible.ZERO_WIDTH_SPACE, "@")


def code(text: str) -> str:
    """A name in inline code; backticks in names are replaced by similar apostrophes."""
    name = " ".join(harmless(text).split()).replace("`", "'")
    return f"`{name or '-'}`"


def percent(share: float) -> str:
    """A share of 1 as 62%, 3.1%, 0.04%, <0.01%."""
    digits = next((digits for least, digits in _DIGITS if 100 * share >= least), None)
    return f"<{_SMALLEST}%" if digits is None else f"{100 * share:.{digits}f}%"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st ..."""
    return say("ordinal", n=str(number), form=Locale.parse(texts.LOCALE).ordinal_form(number))


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(items: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return format_list(items, locale=texts.LOCALE)


def near(count: int, middle: int, most: int) -> range:
    """At most `most` numbers below `count`, around `middle`: the options that fit into a menu."""
    start = max(0, min(middle - most // 2, count - most))
    return range(start, min(count, start + most))


def columns(name: str, /, **facts: texts.Fact) -> list[str]:
    """The headings of a table, separated by bars on one line of a message; a heading may be empty."""
    return [head.strip() for head in say(name, **facts).split("|")]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: frozenset[int] = frozenset({0})) -> str:
    """Aligned columns for a code block; those in `left` are left-aligned, the others (numbers) right-aligned.

    No line is wider than COLUMNS: words are clipped first, the longest columns first, and numbers only if necessary.
    """
    lines = [[" ".join(cell.splitlines()).replace("\t", " ") for cell in row] for row in (head, *rows)]
    lines = lines if any(head) else lines[1:]
    widths = [max((cell_len(row[column]) for row in lines), default=0) for column in range(len(head))]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= COLUMNS else " "
    over = sum(widths) + len(gap) * (len(widths) - 1) - COLUMNS
    for least, chosen in ((_NARROWEST, left), (1, left), (1, frozenset(range(len(widths))))):
        while over > 0 and (able := [column for column in chosen if widths[column] > least]):
            widths[max(able, key=lambda column: widths[column])] -= 1
            over -= 1

    def pad(column: int, cell: str) -> str:
        cell = fit(cell, widths[column])
        space = " " * (widths[column] - cell_len(cell))
        return cell + space if column in left else space + cell

    return "\n".join(gap.join(pad(column, cell) for column, cell in enumerate(row)).rstrip() for row in lines)
