"""The sandbox in a terminal: type commands, see the answers, press the buttons."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from sandbox import commandline, rules
from sandbox.commandline import CommandLineError
from sandbox.drawing import Painter, clean
from sandbox.driver import Answer, Sandbox, SandboxError
from sandbox.state import Attachment, Channel, Member, Message, Modal, Role

Settled = Callable[[], Awaitable[object]]

HELP = """\
  /name option:value …   ask the bot; Tab completes commands, options and suggestions
  press N                press the button with the number N
  choose N value, value  choose in the menu with the number N
  as NAME                go on as somebody else: {members}
  help                   this list, and the bot's commands
  quit                   leave (or Ctrl-D)"""

QUIET = 2.5
"""Seconds without a change after which an answer counts as finished, where nobody knows better."""
PAUSE = 0.12
"""Seconds of rest at the keyboard before the bot is asked for suggestions, as Discord's own client waits."""


class Terminal:
    """Puts a person in front of a sandbox. Files of answers are saved in `folder`; `patience` in seconds."""

    def __init__(
        self, box: Sandbox, console: Console, folder: Path | None = None, *, patience: float = 600.0
    ) -> None:
        self.box = box
        self.console = console
        self.member = box.student
        self._folder = folder
        self._patience = patience
        self._painter = Painter(box.guild)
        self._shown: list[Message] = []
        """Messages on the screen since the last command: their buttons can be pressed."""
        self._saved: dict[int, Path] = {}

    # --- one line

    async def say(self, line: str, *, member: Member | None = None, settled: Settled | None = None) -> bool:
        """Do what `line` says, draw what comes of it, and return whether it worked.

        False means that the line could not be sent (no such command, a wrong option) or that the bot did not
        answer it; a refusal in the bot's own words is an answer. `settled` returns when the bot has finished
        everything; without it an answer is finished once it has not changed for a while.
        """
        return bool(await self._do(line.strip(), member or self.member, settled))

    async def _do(self, line: str, member: Member, settled: Settled | None) -> Answer | bool:
        """The finished answer, True for lines without one, False where it failed."""
        word, _, rest = line.partition(" ")
        try:
            if line.startswith("/"):
                self._shown.clear()
                return await self._follow(self.box.send(line, member=member), settled)
            if word == "press":
                message, custom_id = self._numbered(rest, rules.BUTTON)
                return await self._follow(self.box.send_press(message, custom_id, member=member), settled)
            if word == "choose":
                number, _, values = rest.partition(" ")
                message, custom_id = self._numbered(number, rules.SELECT)
                chosen = self._values(message, custom_id, [value.strip() for value in values.split(",")])
                return await self._follow(
                    self.box.send_select(message, custom_id, chosen, member=member), settled
                )
            if word == "as":
                self.member = self._member(rest)
                self.console.print(Text(f"You are {self.member.name} now.", "dim"))
                return True
            if word in {"help", "?"}:
                self._help()
                return True
            raise CommandLineError("Begin with a slash, as in /help; type help for what else there is.")  # noqa: TRY301
        except (CommandLineError, SandboxError) as error:
            self._complain(str(error))
            return False

    def _member(self, name: str) -> Member:
        people = {
            person.name.casefold(): person
            for person in self.box.guild.members.values()
            if not person.user.bot
        }
        if name.strip().casefold() not in people:
            raise CommandLineError(
                f"There is no {name.strip() or 'such member'}; members: {', '.join(sorted(people))}."
            )
        return people[name.strip().casefold()]

    def _help(self) -> None:
        people = (member.name.lower() for member in self.box.guild.members.values() if not member.user.bot)
        self.console.print(Text(HELP.format(members=", ".join(people))))
        for target in commandline.targets(self.box.world.visible_commands(self.member)).values():
            text = Text("  ").append(clean(commandline.usage(target)), "bold")
            self.console.print(text.append(f"  {clean(target.description)}", "dim"))

    def _complain(self, sentence: str) -> None:
        self.console.print(Text(f"✗ {clean(sentence)}", "red"))

    # --- buttons

    def _usable(self, messages: Iterable[Message]) -> list[tuple[Message, str, int]]:
        """Buttons and menus that can be used, in order, each once: message, custom id, button or select."""
        found = []
        for message in {message.id: message for message in messages if not message.deleted}.values():
            for part in rules.walk(message.components):
                kind = rules.SELECT if part.get("type") in rules.SELECTS else part.get("type")
                if (
                    part.get("custom_id")
                    and not part.get("disabled")
                    and kind in {rules.BUTTON, rules.SELECT}
                ):
                    found.append((message, str(part["custom_id"]), int(kind)))
        return found

    def _numbered(self, number: str, kind: int) -> tuple[Message, str]:
        usable = self._usable(self._shown)
        what = "button" if kind == rules.BUTTON else "menu"
        if number.strip().isdecimal() and 1 <= int(number) <= len(usable):
            message, custom_id, found = usable[int(number) - 1]
            if found == kind:
                return message, custom_id
        raise CommandLineError(f"There is no {what} {number.strip() or 'without a number'} to be used now.")

    def _values(self, message: Message, custom_id: str, words: list[str]) -> list[str]:
        """What stands for the labels in `words`: values of options, or ids of those who are called so."""
        part = next(part for part in rules.walk(message.components) if part.get("custom_id") == custom_id)
        guild = self.box.guild
        named: dict[str, Iterable[Member | Role | Channel]] = {
            "users": guild.members.values(),
            "roles": guild.roles,
            "channels": guild.channels,
        }
        values = {
            one.name.casefold(): str(one.id)
            for group in rules.SELECT_GROUPS.get(part["type"], ())
            for one in named[group]
        }
        values |= {str(option["label"]).casefold(): option["value"] for option in part.get("options") or ()}
        return [values.get(word.casefold(), word) for word in words]

    # --- answers

    async def _follow(self, answer: Answer, settled: Settled | None) -> Answer | bool:
        """Watch the answer until it is finished, then draw it for good."""
        with contextlib.ExitStack() as stack:
            if self.console.is_terminal:
                live = Live(get_renderable=lambda: self._draw(answer), console=self.console, transient=True)
                stack.enter_context(live).refresh()
                stack.callback(self.box.log.subscribe(lambda _: live.refresh()))
            try:
                await answer.visible(self._patience)
                await (settled() if settled and not answer.failed else self._quiet(answer))
            except TimeoutError:
                self._complain(f"Nothing came within {self._patience:g} seconds.")
                return False
        self.console.print(self._draw(answer))
        self._shown += answer.messages
        for message in answer.messages:
            for attachment in message.attachments:
                self.console.print(
                    self._painter.file(attachment, await self._keep(attachment)), soft_wrap=True
                )
        return False if answer.failed else answer

    @staticmethod
    async def _quiet(answer: Answer) -> None:
        seen = -1
        while seen != len(answer.history) and not answer.failed and answer.modal is None:
            seen = len(answer.history)
            with contextlib.suppress(TimeoutError):
                await answer.until(lambda now, seen=seen: len(now.history) != seen, QUIET)  # type: ignore[misc]

    def _draw(self, answer: Answer) -> RenderableType:
        if answer.failed and not answer.messages:
            return Text(f"✗ {answer.failed}", "red")
        numbers: dict[int, dict[str, int]] = {}
        for index, (message, custom_id, _) in enumerate(self._usable([*self._shown, *answer.messages]), 1):
            numbers.setdefault(message.id, {})[custom_id] = index
        parts = [self._painter.message(message, numbers.get(message.id, {})) for message in answer.messages]
        if answer.interaction.thinking or not answer.done:
            parts.append(Spinner("dots", text=Text("thinking …", "dim")))
        elif answer.modal is not None:
            parts.append(self._painter.modal(answer.modal))
        return Group(*parts)

    async def _keep(self, attachment: Attachment) -> str:
        """Save a file where the person can open it; its `file://` address."""
        if attachment.id not in self._saved:
            folder = self._folder or Path(tempfile.mkdtemp(prefix="sandbox-"))
            self._folder = folder
            path = folder.resolve() / f"{attachment.id}-{attachment.filename}"

            def save() -> None:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(attachment.content)

            await asyncio.to_thread(save)
            self._saved[attachment.id] = path
        return self._saved[attachment.id].as_uri()

    # --- the prompt

    async def prompt_loop(self, settled: Settled | None = None) -> bool:
        """Read lines until the end; a prompt with completion on a terminal, plain lines otherwise.

        Returns whether every line worked.
        """
        interactive = sys.stdin.isatty() and self.console.is_terminal
        everything = True
        async with contextlib.aclosing(self._typed() if interactive else self._piped()) as lines:
            async for line in lines:
                if line.strip() in {"quit", "exit"}:
                    break
                if not line.strip():
                    continue
                outcome = await self._do(line.strip(), self.member, settled)
                while isinstance(outcome, Answer) and outcome.modal is not None and interactive:
                    outcome = await self._fill(outcome.modal, settled)
                everything = everything and bool(outcome)
        return everything

    async def _fill(self, modal: Modal, settled: Settled | None) -> Answer | bool:
        """Ask for the fields of a modal, one after another, and send it; an interrupt closes it."""
        session: PromptSession[str] = PromptSession()
        values: dict[str, Any] = {}
        try:
            for field in modal.fields:
                label = f"{clean(field.label)}: "
                values[field.custom_id] = await session.prompt_async(label, default=clean(field.value))
            return await self._follow(self.box.send_submit(modal, values), settled)
        except (KeyboardInterrupt, EOFError):
            return True
        except SandboxError as error:
            self._complain(str(error))
            return False

    async def _typed(self) -> AsyncGenerator[str, None]:
        session: PromptSession[str] = PromptSession(
            completer=Suggestions(self), complete_while_typing=True, bottom_toolbar=self._toolbar
        )
        while True:
            try:
                with patch_stdout(raw=True):
                    line = await session.prompt_async(lambda: f"{self.member.name.lower()} > ")
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            yield line

    def _toolbar(self) -> FormattedText:
        return FormattedText([("", " / for commands · press N · as NAME · help · quit ")])

    async def _piped(self) -> AsyncGenerator[str, None]:
        """Lines of a file or pipe, echoed. A thread reads them: not every standard input can be polled."""
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            # The loop may be gone before the last line is read.
            with contextlib.suppress(RuntimeError):
                for line in sys.stdin:
                    loop.call_soon_threadsafe(lines.put_nowait, line)
                loop.call_soon_threadsafe(lines.put_nowait, None)

        # A daemon: a read that nobody ends must not keep the process.
        threading.Thread(target=read, name="sandbox-stdin", daemon=True).start()
        while (line := await lines.get()) is not None:
            if line.strip():
                self.console.print(Text(f"{self.member.name.lower()} > {clean(line.strip())}", "bold"))
            yield line


class Suggestions(Completer):
    """What Discord's own input offers: commands, options, choices, and the bot's suggestions."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Only the asynchronous way is used: suggestions come from the bot."""
        del document, complete_event
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        del complete_event
        line, box, member = document.text_before_cursor, self._terminal.box, self._terminal.member
        for word in ("press ", "choose ", "as ", "help", "quit"):
            if line and word.startswith(line) and word != line:
                yield Completion(word, -len(line))
        cursor = commandline.look(line, box.world.visible_commands(member))
        if cursor.asks is not None:
            await asyncio.sleep(PAUSE)
            with contextlib.suppress(TimeoutError, SandboxError, CommandLineError):
                for choice in await box.autocomplete(line, cursor.asks, member=member):
                    value, name = str(choice["value"]), clean(choice["name"])
                    meta = "" if value == choice["name"] else clean(value)
                    yield Completion(value, -len(cursor.typed), display=name, display_meta=meta)
        for suggestion in cursor.suggestions:
            meta = clean(suggestion.meta)
            yield Completion(
                suggestion.text, -suggestion.replace, display=clean(suggestion.label), display_meta=meta
            )
