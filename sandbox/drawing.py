"""Discord's messages in a terminal: markdown, embeds, `ansi` blocks, buttons, as Rich renderables.

A bot's text is untrusted: all of it passes through `clean` before it reaches the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from sandbox import rules
from sandbox.rules import Json
from sandbox.state import Attachment, Button, Guild, Message, Modal

ONLY_YOU = "Only you can see this"
CODE = Style(color="#d0d3d8", bgcolor="#23252a")
# Discord's own palette for `ansi` blocks, which is Solarized.
FOREGROUNDS = ("#4f545c", "#dc322f", "#859900", "#b58900", "#268bd2", "#d33682", "#2aa198", "#ffffff")
BACKGROUNDS = ("#002b36", "#cb4b16", "#586e75", "#657b83", "#839496", "#6c71c4", "#93a1a1", "#fdf6e3")
BUTTONS = {
    1: "white on #5865f2",
    2: "white on #4e5058",
    3: "white on #248046",
    4: "white on #da373c",
    5: "underline",
}

KILOBYTE, MEGABYTE = 1000, 1_000_000
LAST_BYTE = 0xFF
SGR_RESET, SGR_BOLD, SGR_UNDERLINE = 0, 1, 4
SGR_DIGITS = 3
"""Digits of the longest code that `ansi` blocks use."""
INLINE_FIELDS = 3
"""Inline fields that Discord puts side by side."""

# C0 and C1 controls, delete, direction overrides, line separators and lone surrogates; tab and newline are allowed.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_FENCE = re.compile(r"```(?:([\w+.#-]*)\n)?(.*?)```", re.DOTALL)
_INLINE = re.compile(
    r"""
      \\(?P<escaped>[\\`*_~|>\#\[\]()<:-])
    | (?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)
    | \*\*(?P<bold>.+?)\*\*(?!\*)
    | __(?P<underline>.+?)__
    | \*(?P<star>[^\s*](?:[^*]*[^\s*])?)\*
    | (?<!\w)_(?P<italic>[^\s_](?:.*?[^\s_])?)_(?!\w)
    | ~~(?P<strike>.+?)~~
    | \|\|(?P<spoiler>.+?)\|\|
    | \[(?P<label>[^\]]+)\]\(<?(?P<url>https?://[^\s)>]+)>?\)
    | <(?P<kind>@!?|@&|\#)(?P<id>\d+)>
    | </(?P<command>[^:>]+):\d+>
    | <t:(?P<time>-?\d{1,11})(?::[tTdDfFR])?>
    | <a?:(?P<emoji>\w+):\d+>
    """,
    re.VERBOSE,
)
_STYLES = {
    "code": CODE,
    "bold": Style(bold=True),
    "underline": Style(underline=True),
    "star": Style(italic=True),
    "italic": Style(italic=True),
    "strike": Style(strike=True),
    "spoiler": Style(dim=True, reverse=True),
}


def clean(text: object) -> str:
    r"""`text` with every character that could control a terminal escaped, as in `\x1b` or `\u202e`."""

    def escaped(found: re.Match[str]) -> str:
        number = ord(found[0])
        return f"\\x{number:02x}" if number <= LAST_BYTE else f"\\u{number:04x}"

    return _CONTROLS.sub(escaped, str(text).replace("\r\n", "\n"))


def size(count: int) -> str:
    """A number of bytes as Discord shows it: 812 bytes, 12.3 KB."""
    if count < KILOBYTE:
        return f"{count} bytes"
    if count < MEGABYTE:
        return f"{count / KILOBYTE:.1f} KB"
    return f"{count / MEGABYTE:.1f} MB"


def ansi(text: str) -> Text:
    """The content of an `ansi` block: Discord's subset of SGR becomes style, every other control is escaped."""
    drawn = Text()
    style = CODE
    pieces = _SGR.split(text)
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            drawn.append(clean(piece), style)
        else:
            style = _sgr(style, piece)
    return drawn


def _sgr(style: Style, codes: str) -> Style:
    for code in codes.split(";"):
        number = int(code or 0) if len(code) <= SGR_DIGITS else -1
        if number == SGR_RESET:
            style = CODE
        elif number == SGR_BOLD:
            style += Style(bold=True)
        elif number == SGR_UNDERLINE:
            style += Style(underline=True)
        elif number in range(30, 38):
            style += Style(color=FOREGROUNDS[number - 30])
        elif number in range(40, 48):
            style += Style(bgcolor=BACKGROUNDS[number - 40])
    return style


@dataclass(frozen=True)
class Barred:
    """A renderable with a bar on its left, as embeds have."""

    content: RenderableType
    style: Style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - 2, 1)
        for line in console.render_lines(self.content, options.update(width=width), pad=False):
            yield Segment("▌ ", self.style)
            yield from line
            yield Segment.line()


class Painter:
    """Draws for one guild, to whose members, roles and channels mentions refer."""

    def __init__(self, guild: Guild) -> None:
        self._guild = guild

    # --- text

    def markdown(self, text: str) -> list[RenderableType]:
        """Paragraphs and code blocks, in order."""
        drawn: list[RenderableType] = []
        last = 0
        for fence in _FENCE.finditer(text):
            drawn += self._prose(text[last : fence.start()].strip("\n"))
            drawn.append(self._code(fence[1] or "", fence[2].strip("\n")))
            last = fence.end()
        return drawn + self._prose(text[last:].strip("\n"))

    @staticmethod
    def _code(language: str, text: str) -> RenderableType:
        body = ansi(text) if language == "ansi" else Text(clean(text), CODE)
        return Padding(body, (0, 1), style=CODE, expand=True)

    def _prose(self, text: str) -> list[RenderableType]:
        if not text:
            return []
        drawn = Text()
        for number, line in enumerate(text.split("\n")):
            if number:
                drawn.append("\n")
            self._line(drawn, line)
        return [drawn]

    def _line(self, drawn: Text, line: str) -> None:
        style = Style()
        if found := re.match(r"(#{1,3})\s+(?=\S)", line):
            line, style = line[found.end() :], Style(bold=True, underline=found[1] == "#")
        elif line.startswith("-# "):
            line, style = line[3:], Style(dim=True)
        elif line.startswith("> "):
            drawn.append("▏ ", Style(dim=True))
            line = line[2:]
        elif found := re.match(r"(\s*)[-*]\s+(?=\S)", line):
            drawn.append(f"{found[1]}• ")
            line = line[found.end() :]
        self._inline(drawn, line, style)

    def _inline(self, drawn: Text, text: str, style: Style) -> None:
        last = 0
        for found in _INLINE.finditer(text):
            drawn.append(clean(text[last : found.start()]), style)
            last = found.end()
            name = next(
                key for key, value in found.groupdict().items() if value is not None and key != "ticks"
            )
            value = found[name]
            if name == "code":
                drawn.append(clean(value), style + CODE)
            elif name in _STYLES:
                self._inline(drawn, value, style + _STYLES[name])
            elif name == "label":
                self._inline(drawn, value, style + Style(underline=True))
                drawn.append(f" ({clean(found['url'])})", style + Style(dim=True))
            else:
                drawn.append(clean(self._name(name, value, found)), style + Style(bold=name != "escaped"))
        drawn.append(clean(text[last:]), style)

    def _name(self, name: str, value: str, found: re.Match[str]) -> str:
        """The visible text of a mention, a time or an emoji."""
        if name == "kind":
            number = int(found["id"])
            if value == "#":
                return next(
                    (f"#{place.name}" for place in self._guild.channels if place.id == number), "#unknown"
                )
            if value == "@&":
                return next(
                    (f"@{role.name}" for role in self._guild.roles if role.id == number), "@unknown-role"
                )
            member = self._guild.members.get(number)
            return f"@{member.name}" if member else "@unknown-user"
        if name == "time":
            return datetime.fromtimestamp(int(value), UTC).strftime("%d %B %Y %H:%M UTC")
        return {"command": f"/{value}", "emoji": f":{value}:"}.get(name, value)

    # --- messages

    def message(self, message: Message, numbers: Mapping[str, int]) -> RenderableType:
        """A message without its files; `numbers`, by custom id, are shown with buttons and selects."""
        parts: list[RenderableType] = list(self.markdown(message.content)) if message.content else []
        parts += [self.embed(embed) for embed in message.embeds]
        parts += self._components(message, numbers)
        if message.ephemeral:
            parts.append(Text(ONLY_YOU, Style(dim=True, italic=True)))
        return Group(*parts)

    def embed(self, embed: Json) -> RenderableType:
        """An embed, with its colour as a bar on the left."""
        parts: list[RenderableType] = []
        if author := embed.get("author"):
            parts.append(Text(clean(author.get("name", "")), Style(dim=True, bold=True)))
        if embed.get("title"):
            title = Text()
            self._inline(title, str(embed["title"]), Style(bold=True))
            parts.append(title)
        if embed.get("description"):
            parts += self.markdown(str(embed["description"]))
        parts += self._fields(embed.get("fields") or ())
        for part in ("image", "thumbnail"):
            if url := (embed.get(part) or {}).get("url"):
                parts.append(Text(f"🖼  {clean(url.rpartition('/')[2])}", Style(dim=True)))
        if footer := embed.get("footer"):
            parts.append(Text(clean(footer.get("text", "")), Style(dim=True)))
        colour = embed.get("color")
        style = Style(dim=True) if colour is None else Style(color=f"#{colour:06x}")
        spaced = [piece for part in parts for piece in (part, Text())][:-1]
        return Barred(Group(*spaced), style)

    def _fields(self, fields: Sequence[Json]) -> Iterator[RenderableType]:
        """The fields, up to three inline ones side by side."""
        row: list[RenderableType] = []

        def table() -> Table:
            grid = Table.grid(padding=(0, 3, 0, 0))
            for _ in row:
                grid.add_column(overflow="fold")
            grid.add_row(*row)
            return grid

        for field in fields:
            name = Text()
            self._inline(name, str(field["name"]), Style(bold=True))
            cell = Group(name, *self.markdown(str(field["value"])))
            if row and (not field.get("inline") or len(row) == INLINE_FIELDS):
                yield table()
                row.clear()
            if field.get("inline"):
                row.append(cell)
            else:
                yield cell
        if row:
            yield table()

    def _components(self, message: Message, numbers: Mapping[str, int]) -> Iterator[RenderableType]:
        """The components in order of appearance, the buttons of a row side by side."""
        for component in message.components:
            buttons: list[RenderableType] = []
            for part in rules.walk([component]):
                number = numbers.get(str(part.get("custom_id")))
                if part.get("type") == rules.TEXT:
                    yield from self.markdown(str(part["content"]))
                elif part.get("type") in rules.SELECTS:
                    yield self._select(part, number)
                elif part.get("type") == rules.BUTTON:
                    buttons.append(self._button(Button.of(part), number))
            if buttons:
                yield Columns(buttons, padding=(0, 1))

    @staticmethod
    def _button(button: Button, number: int | None) -> Text:
        label = clean(" ".join(part for part in (button.emoji, button.label) if part))
        mark = "" if number is None else f"[{number}] "
        style = "dim" if button.disabled else BUTTONS.get(button.style, "")
        text = Text.assemble((mark, "bold"), (f" {label} ", style))
        if button.url:
            text.append(f" {clean(button.url)}", "dim")
        elif button.disabled:
            text.append(" (disabled)", "dim")
        return text

    @staticmethod
    def _select(part: Json, number: int | None) -> Text:
        offered = [option["label"] for option in part.get("options") or ()] or rules.SELECT_GROUPS.get(
            part["type"], ()
        )
        labels = ", ".join(map(clean, offered))
        mark = "" if number is None else f"[{number}] "
        return Text.assemble(
            (mark, "bold"), f"▾ {clean(part.get('placeholder') or 'Choose')}", (f"  {labels}", "dim")
        )

    def modal(self, modal: Modal) -> RenderableType:
        lines = [
            Text(f"• {clean(field.label)}{'' if field.required else ' (optional)'}") for field in modal.fields
        ]
        return Panel(Group(*lines), title=Text(clean(modal.title), "bold"), title_align="left")

    @staticmethod
    def file(attachment: Attachment, where: str) -> Text:
        """One line with the name, the size and the location of a file, and its description if it has one."""
        described = clean(attachment.description or "")
        return Text.assemble(
            "📎 ", (clean(attachment.filename), "bold"), (f"  {size(attachment.size)}  ", "dim"), clean(where),
            (f"\n   {described}" if described else "", "dim"),
        )  # fmt: skip
