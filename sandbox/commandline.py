"""Slash commands as people type them: `/tokens text:CAPITALIZATION and other stuff n:5`.

A value runs until the next ` option:` that the command knows, so it needs no quotes. Text before the first option
goes to the first option, as in Discord. Nothing here asks the bot; only registered commands and the guild are read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import rules
from sandbox.rules import Json
from sandbox.state import Attachment, Command, Guild, Upload

SIMILARITY = 0.8
"""Similarity to an option from which a word counts as misspelt: `temprature` and `topp` do, `note` for `n` does not."""
SAFE_INTEGER = 2**53
"""Discord takes integers between -2^53 and 2^53."""


class CommandLineError(ValueError):
    """The line cannot be sent; `str()` says what to write instead."""


@dataclass(frozen=True)
class Target:
    """A command, or a sub-command of it, that can be called."""

    command: Command
    path: tuple[str, ...]
    """The names after the command's: none, a sub-command, or a group and a sub-command."""
    description: str
    options: tuple[Json, ...]

    @property
    def title(self) -> str:
        return " ".join((self.command.name, *self.path))

    def option(self, name: str) -> Json:
        for option in self.options:
            if option["name"] == name:
                return option
        names = ", ".join(option["name"] for option in self.options) or "none"
        raise CommandLineError(f"/{self.title} has no option {name}; its options: {names}.")


def targets(commands: Mapping[str, Command]) -> dict[str, Target]:
    """Everything that can be called, by its full name."""
    found: dict[str, Target] = {}

    def walk(command: Command, path: tuple[str, ...], description: str, options: Sequence[Json]) -> None:
        nested = [option for option in options if option["type"] in {rules.SUBCOMMAND, rules.GROUP}]
        for option in nested:
            walk(command, (*path, option["name"]), option["description"], option.get("options") or ())
        if not nested:
            target = Target(command, path, description, tuple(options))
            found[target.title] = target

    for command in commands.values():
        walk(command, (), command.description, command.options)
    return found


def find(name: str, commands: Mapping[str, Command]) -> Target:
    """The target with exactly this full name."""
    known = targets(commands)
    if name in known:
        return known[name]
    subcommands = sorted(title for title in known if title.startswith(f"{name} "))
    if subcommands:
        raise CommandLineError(
            f"/{name} needs one of its sub-commands: {', '.join('/' + title for title in subcommands)}."
        )
    close = difflib.get_close_matches(name, known, n=1)
    hint = (
        f" Did you mean /{close[0]}?"
        if close
        else f" Commands: {', '.join('/' + title for title in sorted(known))}."
    )
    raise CommandLineError(
        f"There is no command /{name}." + (hint if known else " The bot has registered none.")
    )


@dataclass(frozen=True)
class Line:
    """A parsed line: raw values by option name, in the order in which they were typed."""

    target: Target
    values: Mapping[str, str]


def parse(line: str, commands: Mapping[str, Command]) -> Line:
    """Parse `line`; the values are not checked yet."""
    text = line.strip()
    if not text.startswith("/"):
        raise CommandLineError("A command starts with a slash, as in /help.")
    words = text[1:].split()
    known = targets(commands)
    for count in (3, 2, 1):
        name = " ".join(words[:count])
        if len(words) >= count and name in known:
            rest = re.sub(r"^/\s*" + r"\s+".join(map(re.escape, words[:count])), "", text, count=1)
            return Line(known[name], split_options(rest, known[name]))
    names = {command.name for command in commands.values()}
    full = " ".join(words[:2]) if words and words[0] in names else "".join(words[:1])
    if (
        words
        and words[0] in names
        and full not in known
        and not any(title.startswith(f"{full} ") for title in known)
    ):
        full = words[0]
    target = find(full, commands)
    return Line(target, {})


def split_options(text: str, target: Target) -> dict[str, str]:
    """Split `text:hello there n:5` at the options of `target`."""
    names = [re.escape(option["name"]) for option in target.options]
    if not names:
        if text.strip():
            raise CommandLineError(f"/{target.title} takes no options.")
        return {}
    marks = list(re.finditer(rf"(?:^|(?<=\s))({'|'.join(sorted(names, key=len, reverse=True))}):", text))
    values: dict[str, str] = {}
    lead = text[: marks[0].start()] if marks else text
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=False):
        if mark[1] in values:
            raise CommandLineError(f"The option {mark[1]} is given twice.")
        values[mark[1]] = text[mark.end() : end].strip()
    if lead.strip():
        unknown = re.match(r"\s*([^\s:]+):(?!//)", lead)
        first = next((option["name"] for option in target.options if option["name"] not in values), None)
        if unknown or first is None:
            target.option(unknown[1] if unknown else lead.strip())
        values = {str(first): lead.strip()} | values
    return values


def reads_back(target: Target, option: str, text: str) -> bool:
    """Whether `text`, typed as the value of `option`, is parsed as exactly that."""
    try:
        return split_options(f"{option}:{text}", target) == {option: text}
    except CommandLineError:
        return False


def likely_typos(line: Line) -> Iterator[tuple[str, str]]:
    """Words before a colon inside a value that resemble an option, with that option.

    They may be intended, so the line is sent anyway.
    """
    left = {option["name"] for option in line.target.options} - line.values.keys()
    for value in line.values.values():
        for word in re.findall(r"(?:^|(?<=\s))([\w-]+):(?!//)", value):
            for close in difflib.get_close_matches(word.casefold(), left, n=1, cutoff=SIMILARITY):
                yield word, close


# --- values -----------------------------------------------------------------------------------------------------


class Filling:
    """Turns values into the `data` of an interaction, including the objects that ids among them refer to.

    `attach` stores a file that the member sends with the command.
    """

    def __init__(self, target: Target, guild: Guild, attach: Callable[[Upload], Attachment]) -> None:
        self._target = target
        self._guild = guild
        self._attach = attach
        self._resolved: dict[str, Json] = {}

    def data(self, values: Mapping[str, object], *, focused: str | None = None) -> Json:
        """`values` by option name: strings as typed, or values of the option's own type.

        With `focused` (an autocomplete) invalid values are left out and required ones may be missing.
        """
        options = []
        for name, value in values.items():
            option = self._target.option(name)
            body: Json = {"name": name, "type": option["type"]}
            if name == focused:
                body |= {"value": str(value), "focused": True}
            else:
                try:
                    body["value"] = self._value(option, value)
                except CommandLineError:
                    if focused is None:
                        raise
                    continue
            options.append(body)
        if focused is None:
            missing = [
                option["name"]
                for option in self._target.options
                if option.get("required") and values.get(option["name"]) in (None, "")
            ]
            if missing:
                raise CommandLineError(
                    f"/{self._target.title} needs {' and '.join(missing)}, as in {usage(self._target)}"
                )
        for depth, name in reversed(list(enumerate(self._target.path))):
            kind = rules.SUBCOMMAND if depth == len(self._target.path) - 1 else rules.GROUP
            options = [{"name": name, "type": kind, "options": options}]
        command = self._target.command
        data: Json = {"id": str(command.id), "name": command.name, "type": command.type, "options": options}
        if command.guild_id is not None:
            data["guild_id"] = str(command.guild_id)
        if self._resolved:
            data["resolved"] = self._resolved
        return data

    def _value(self, option: Json, value: object) -> object:
        kind, name = option["type"], option["name"]
        choices = option.get("choices")
        if choices:
            for choice in choices:
                if value == choice["value"] or str(value).casefold() in {
                    str(choice["name"]).casefold(),
                    str(choice["value"]).casefold(),
                }:
                    return choice["value"]
            raise CommandLineError(
                f"{name} is one of: {', '.join(str(choice['name']) for choice in choices)}."
            )
        if kind == rules.STRING:
            return self._string(option, str(value))
        if kind in rules.NUMERIC:
            return self._numeric(option, value)
        if kind == rules.BOOLEAN:
            return self._boolean(name, value)
        if kind == rules.ATTACHMENT:
            return self._file(name, value)
        return self._resolve(kind, name, value)

    def _file(self, name: str, value: object) -> str:
        """The id of a file sent with the command: an `Upload`, or a path."""
        if not isinstance(value, Upload):
            path = Path(str(value)).expanduser()
            try:
                value = Upload(path.name, path.read_bytes())
            except OSError as error:
                raise CommandLineError(
                    f"{name} takes a file: {path} cannot be read ({error.strerror})."
                ) from None
        attachment = self._attach(value)
        self._add_resolved("attachments", attachment.id, attachment.payload())
        return str(attachment.id)

    def _string(self, option: Json, value: str) -> str:
        low, high = option.get("min_length") or 0, option.get("max_length") or 6000
        if low and not value:
            raise CommandLineError(f"{option['name']} is empty; it takes at least {_characters(low)}.")
        if not low <= len(value) <= high:
            wanted = f"at least {_characters(low)}" if len(value) < low else f"at most {_characters(high)}"
            raise CommandLineError(f"{option['name']} takes {wanted}, not {len(value)}.")
        return value

    def _numeric(self, option: Json, value: object) -> int | float:
        whole = option["type"] == rules.INTEGER
        try:
            number: int | float = int(str(value)) if whole else float(str(value))
        except ValueError:
            raise CommandLineError(
                f"{option['name']} is a {'whole ' if whole else ''}number, not {value!r}."
            ) from None
        low, high = option.get("min_value"), option.get("max_value")
        if not abs(number) <= SAFE_INTEGER:
            raise CommandLineError(f"{option['name']} must be between -2^53 and 2^53.")
        if low is not None and number < low:
            raise CommandLineError(f"{option['name']} must be at least {low}.")
        if high is not None and number > high:
            raise CommandLineError(f"{option['name']} must be at most {high}.")
        return number

    @staticmethod
    def _boolean(name: str, value: object) -> bool:
        word = str(value).casefold()
        if word in {"true", "yes", "on", "1"}:
            return True
        if word in {"false", "no", "off", "0"}:
            return False
        raise CommandLineError(f"{name} is true or false.")

    def _resolve(self, kind: int, name: str, value: object) -> str:
        """The id of a member, role or channel, given by mention, id or name, or as the object itself."""
        word = (
            re.sub(r"^<(?:@[!&]?|#)(\d+)>$", r"\1", str(getattr(value, "id", value))).lstrip("@#").casefold()
        )
        guild, everyone = self._guild, self._guild.everyone.permissions
        candidates: list[tuple[str, int, str, Json]] = []
        if kind in {rules.USER, rules.MENTIONABLE}:
            candidates += [
                ("users", member.id, member.name, member.user.payload()) for member in guild.members.values()
            ]
        if kind in {rules.ROLE, rules.MENTIONABLE}:
            candidates += [
                ("roles", role.id, role.name, role.payload()) for role in (guild.everyone, *guild.roles)
            ]
        if kind == rules.CHANNEL:
            candidates += [
                ("channels", channel.id, channel.name, channel.payload(everyone))
                for channel in guild.channels
            ]
        for group, number, label, payload in candidates:
            if word in {str(number), label.lstrip("@").casefold()}:
                self._add_resolved(group, number, payload)
                if group == "users":
                    self._add_resolved(
                        "members", number, guild.members[number].payload(user=False, permissions=True)
                    )
                return str(number)
        what = {rules.USER: "member", rules.ROLE: "role", rules.CHANNEL: "channel"}.get(
            kind, "member or role"
        )
        raise CommandLineError(f"{name} is a {what}, and there is none called {value!s}.")

    def _add_resolved(self, group: str, number: int, payload: Json) -> None:
        self._resolved.setdefault(group, {})[str(number)] = payload


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


def usage(target: Target) -> str:
    """The syntax of a command: `/similar word:… [n:…]`."""
    parts = [
        f"{option['name']}:…" if option.get("required") else f"[{option['name']}:…]"
        for option in target.options
    ]
    return " ".join((f"/{target.title}", *parts))


# --- completion -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Suggestion:
    """`text` replaces the last `replace` characters before the cursor; `label` and `meta` are shown."""

    text: str
    replace: int
    label: str
    meta: str


@dataclass(frozen=True)
class Completions:
    """What can be completed at the cursor: suggestions, or an option for which the bot has to be asked."""

    suggestions: tuple[Suggestion, ...] = ()
    asks: str | None = None
    typed: str = ""


def complete(line: str, commands: Mapping[str, Command]) -> Completions:
    """What could follow `line`, the text before the cursor."""
    if not line.startswith("/"):
        return Completions()
    known = targets(commands)
    name = next(
        (
            title
            for title in sorted(known, key=len, reverse=True)
            if re.match(rf"/{re.escape(title)}\s", line)
        ),
        None,
    )
    if name is None:
        typed = line[1:]
        return Completions(
            tuple(
                Suggestion(title + " ", len(typed), f"/{title}", target.description)
                for title, target in sorted(known.items())
                if title.startswith(typed) or (typed and typed in title)
            )
        )
    target = known[name]
    rest = line[len(name) + 1 :]
    names = [option["name"] for option in target.options]
    marks = list(re.finditer(rf"(?<=\s)({'|'.join(map(re.escape, names))}):", rest)) if names else []
    word = re.search(r"(?<=\s)(\S*)$", rest)
    typed = word[1] if word else ""
    used = {mark[1] for mark in marks}
    offered = tuple(
        Suggestion(f"{option['name']}:", len(typed), f"{option['name']}:", _meta(option))
        for option in target.options
        if option["name"] not in used and option["name"].startswith(typed)
    )
    if not marks:
        return Completions(offered)
    current = target.option(marks[-1][1])
    value = rest[marks[-1].end() :]
    if current.get("autocomplete"):
        return Completions(offered if typed and value != typed else (), asks=current["name"], typed=value)
    choices = [(str(choice["name"]), "") for choice in current.get("choices") or ()]
    if current["type"] == rules.BOOLEAN:
        choices = [("true", ""), ("false", "")]
    matching = tuple(
        Suggestion(label + " ", len(value), label, meta)
        for label, meta in choices
        if label.casefold().startswith(value.casefold()) and label != value.strip()
    )
    # While free text is being typed, option names are offered only after the first letters of one.
    return Completions(matching + (offered if value.strip() and value != typed else ()))


def _meta(option: Json) -> str:
    return f"{option['description']}{'' if option.get('required') else ' (optional)'}"
