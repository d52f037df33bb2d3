"""The sandbox in a terminal: type commands, see the answers, press the buttons."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, get_app_session
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
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
  /name option:value …   run a command; Tab completes commands, options and suggestions
  press N                press button number N
  choose N value, value  choose values in menu number N
  as NAME                switch to another member: {members}
  help                   show this list and the bot's commands
  quit                   leave (or Ctrl-D)
  Ctrl-C                 while an answer is running: back to the prompt, to press one of its buttons; it continues"""
BACK = "Ctrl-C: back to the prompt, to press a button"

QUIET = 2.5
"""Seconds without a change after which an answer counts as finished if the caller cannot tell."""
PAUSE = 0.12
"""Seconds without a key press before the bot is asked for suggestions, as in Discord's own client."""


class Terminal:
    """Lets a person use a sandbox. Files of answers are saved in `folder`; `patience` is in seconds."""

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
        self._numbers: dict[tuple[int, int], int] = {}
        """Numbers of buttons by message id and place in the message, so that none changes while it is on the screen."""
        self._continuing: dict[asyncio.Task[object], Answer] = {}
        """Answers that continue while the prompt is open; each task draws the outcome of its answer."""
        self._drawn: set[tuple[int, int]] = set()
        """Final versions (message id, number of edits) of messages drawn since the last line."""
        self._interactive = False
        self.suggested_values: dict[tuple[str, str, str], object] = {}
        """Values of the bot's suggestions, by command, option and displayed name."""
        self._saved: dict[int, Path] = {}

    # --- one line

    async def say(self, line: str, *, member: Member | None = None, settled: Settled | None = None) -> bool:
        """Carry out `line`, draw the outcome, and return whether it worked.

        False means that the line could not be sent (no such command, a wrong option) or that the bot did not
        answer it; a refusal in the bot's own words is an answer. `settled` returns when the bot has finished
        everything; without it an answer is finished once it has not changed for a while.
        """
        return bool(await self._do(line.strip(), member or self.member, settled))

    async def _do(self, line: str, member: Member, settled: Settled | None) -> Answer | bool:
        """The finished answer, True for lines without one, False if it failed."""
        self._drawn.clear()
        try:
            return await self._carry_out(line, member, settled)
        except (CommandLineError, SandboxError) as error:
            self._print_error(str(error))
            return False

    async def _carry_out(self, line: str, member: Member, settled: Settled | None) -> Answer | bool:
        word, _, rest = line.partition(" ")
        if line.startswith("/"):
            self._shown = [message for answer in self._continuing.values() for message in answer.messages]
            if not self._continuing:
                self._numbers.clear()
            return await self._follow(self._send(line, member), settled)
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
            self.console.print(Text(f"You are now {self.member.name}.", "dim"))
            return True
        if word in {"help", "?"}:
            self._help()
            return True
        raise CommandLineError("Start with a slash, as in /help; type help to see everything else.")

    def _send(self, line: str, member: Member) -> Answer:
        """Send a command, with displayed names of suggestions replaced by their values, as Discord's client does."""
        parsed = commandline.parse(line, self.box.world.visible_commands(member))
        for written, close in commandline.likely_typos(parsed):
            hint = f"{written}: was taken as text. Did you mean the option {close}:?"
            self.console.print(Text(clean(hint), "dim"))
        title = parsed.target.title
        values = {
            name: self.suggested_values.get((title, name, value), value)
            for name, value in parsed.values.items()
        }
        return self.box.send_command(title, values, member=member)

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

    def _print_error(self, sentence: str) -> None:
        self.console.print(Text(f"✗ {clean(sentence)}", "red"))

    # --- buttons

    def _usable(self, messages: Iterable[Message]) -> list[tuple[Message, str, int]]:
        """Usable buttons and menus in order, each once: message, custom id, and the type (button or select)."""
        usable = []
        for message in {message.id: message for message in messages if not message.deleted}.values():
            for part in rules.walk(message.components):
                kind = rules.SELECT if part.get("type") in rules.SELECTS else part.get("type")
                if (
                    part.get("custom_id")
                    and not part.get("disabled")
                    and kind in {rules.BUTTON, rules.SELECT}
                ):
                    usable.append((message, str(part["custom_id"]), int(kind)))
        return usable

    def _places(self, messages: Iterable[Message]) -> dict[int, tuple[Message, str, int]]:
        """Usable buttons and menus by their numbers, which stay the same."""
        found = {}
        before: dict[int, int] = {}
        for message, custom_id, kind in self._usable(messages):
            before[message.id] = place = before.get(message.id, 0) + 1
            number = self._numbers.setdefault((message.id, place), len(self._numbers) + 1)
            found[number] = (message, custom_id, kind)
        return found

    def _numbered(self, number: str, kind: int) -> tuple[Message, str]:
        messages = [
            *self._shown,
            *(message for answer in self._continuing.values() for message in answer.messages),
        ]
        what = "button" if kind == rules.BUTTON else "menu"
        if number.strip().isdecimal():
            message, custom_id, found = self._places(messages).get(int(number), (None, "", 0))
            if message is not None and found == kind:
                return message, custom_id
        raise CommandLineError(
            f"There is no {what} {number.strip() or 'without a number'} that can be used now."
        )

    def _values(self, message: Message, custom_id: str, words: list[str]) -> list[str]:
        """The values of the labels in `words`: of options, or the ids of members, roles or channels with that name."""
        part = next(part for part in rules.walk(message.components) if part.get("custom_id") == custom_id)
        guild = self.box.guild
        named: dict[str, Iterable[Member | Role | Channel]] = {
            "users": guild.members.values(),
            "roles": guild.roles,
            "channels": guild.channels,
        }
        values = {
            choice.name.casefold(): str(choice.id)
            for group in rules.SELECT_GROUPS.get(part["type"], ())
            for choice in named[group]
        }
        values |= {str(option["label"]).casefold(): option["value"] for option in part.get("options") or ()}
        return [values.get(word.casefold(), word) for word in words]

    # --- answers

    async def _follow(self, answer: Answer, settled: Settled | None) -> Answer | bool:
        """Draw the answer as it grows until it is finished; Ctrl-C lets it continue in the background."""
        ending = asyncio.create_task(self._finished(answer, settled))
        interrupted = asyncio.Event()
        leaving = asyncio.create_task(interrupted.wait())
        with contextlib.ExitStack() as stack:
            if self.console.is_terminal:
                live = Live(
                    get_renderable=lambda: self._preview(answer), console=self.console, transient=True
                )
                stack.enter_context(live).refresh()
                stack.callback(self.box.log.subscribe(lambda _: live.refresh()))
            if self._interactive:
                stack.enter_context(_keyboard(interrupted.set))
            try:
                await asyncio.wait({ending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                ending.cancel()
                raise
            finally:
                leaving.cancel()
        if ending.done():
            return await self._conclude(answer, ending)
        self.console.print(self._draw(answer, waiting=False))
        self._shown += answer.messages
        later = asyncio.create_task(self._conclude(answer, ending))
        self._continuing[later] = answer
        later.add_done_callback(self._continuing.pop)
        return True

    async def _finished(self, answer: Answer, settled: Settled | None) -> None:
        """Return when the answer is finished; raises TimeoutError if there is none."""
        await answer.visible(self._patience)
        # While another answer continues, the bot has not finished everything.
        await (
            settled() if settled and not answer.failed and not self._continuing else self._unchanging(answer)
        )

    async def _conclude(self, answer: Answer, ending: asyncio.Task[None]) -> Answer | bool:
        """Draw the final state of an answer, unless it is already on the screen."""
        try:
            await ending
        except TimeoutError:
            self._print_error(f"No answer within {self._patience:g} seconds.")
            return False
        finally:
            ending.cancel()
        self._shown += answer.messages
        if not answer.messages or not self._drawn.issuperset(_states(answer)):
            self.console.print(self._draw(answer))
            self._drawn |= _states(answer)
            for message in answer.messages:
                for attachment in message.attachments:
                    self.console.print(
                        self._painter.file(attachment, await self._save(attachment)), soft_wrap=True
                    )
        return False if answer.failed else answer

    @staticmethod
    async def _unchanging(answer: Answer) -> None:
        def changed(_: Answer) -> bool:
            return len(answer.history) != versions

        versions = -1
        while changed(answer) and not answer.failed and answer.modal is None:
            versions = len(answer.history)
            with contextlib.suppress(TimeoutError):
                await answer.until(changed, QUIET)

    def _preview(self, answer: Answer) -> RenderableType:
        drawn = self._draw(answer)
        return Group(drawn, Text(BACK, "dim")) if self._interactive else drawn

    def _draw(self, answer: Answer, *, waiting: bool = True) -> RenderableType:
        if answer.failed and not answer.messages:
            return Text(f"✗ {answer.failed}", "red")
        numbers: dict[int, dict[str, int]] = {}
        for number, (message, custom_id, _) in self._places(answer.messages).items():
            numbers.setdefault(message.id, {})[custom_id] = number
        parts = [self._painter.message(message, numbers.get(message.id, {})) for message in answer.messages]
        if waiting and (answer.interaction.thinking or not answer.done):
            parts.append(Spinner("dots", text=Text("thinking …", "dim")))
        elif answer.modal is not None:
            parts.append(self._painter.modal(answer.modal))
        return Group(*parts)

    async def _save(self, attachment: Attachment) -> str:
        """Save a file where the person can open it; returns its `file://` address."""
        if attachment.id not in self._saved:
            folder = self._folder or Path(tempfile.mkdtemp(prefix="sandbox-"))
            self._folder = folder
            path = folder.resolve() / f"{attachment.id}-{attachment.filename}"

            def write() -> None:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(attachment.content)

            await asyncio.to_thread(write)
            self._saved[attachment.id] = path
        return self._saved[attachment.id].as_uri()

    # --- the prompt

    async def prompt_loop(self, settled: Settled | None = None) -> bool:
        """Read lines until the end; a prompt with completion on a terminal, plain lines otherwise.

        Returns whether every line worked.
        """
        self._interactive = interactive = sys.stdin.isatty() and self.console.is_terminal
        succeeded = True
        try:
            async with contextlib.aclosing(self._typed() if interactive else self._piped()) as lines:
                async for line in lines:
                    if line.strip() in {"quit", "exit"}:
                        break
                    if not line.strip():
                        continue
                    outcome = await self._do(line.strip(), self.member, settled)
                    while isinstance(outcome, Answer) and outcome.modal is not None and interactive:
                        outcome = await self._fill(outcome.modal, settled)
                    succeeded = succeeded and bool(outcome)
        finally:
            self._interactive = False
            for task in self._continuing:
                task.cancel()
            await asyncio.gather(*self._continuing, return_exceptions=True)
        return succeeded

    async def _fill(self, modal: Modal, settled: Settled | None) -> Answer | bool:
        """Ask for the fields of a modal, one after another, and submit it; Ctrl-C closes it."""
        session: PromptSession[str] = PromptSession()
        values: dict[str, str] = {}
        try:
            for field in modal.fields:
                label = f"{clean(field.label)}: "
                values[field.custom_id] = await session.prompt_async(
                    label, default=clean(field.value), key_bindings=_bindings(), handle_sigint=False
                )
            return await self._follow(self.box.send_submit(modal, values), settled)
        except (KeyboardInterrupt, EOFError):
            return True
        except SandboxError as error:
            self._print_error(str(error))
            return False

    async def _typed(self) -> AsyncGenerator[str, None]:
        session: PromptSession[str] = PromptSession(
            completer=Suggestions(self),
            complete_while_typing=True,
            bottom_toolbar=self._toolbar,
            key_bindings=_bindings(),
        )
        while True:
            try:
                with patch_stdout(raw=True):
                    # Ctrl-C is a key here; the event loop's runner handles the signal.
                    line = await session.prompt_async(
                        lambda: f"{self.member.name.lower()} > ", handle_sigint=False
                    )
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            yield line

    def _toolbar(self) -> FormattedText:
        return FormattedText([("", " / for commands · press N · as NAME · help · quit ")])

    async def _piped(self) -> AsyncGenerator[str, None]:
        """Lines of a file or pipe, echoed. Read in a thread, because not every standard input can be polled."""
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            # The loop may be closed before the last line is read.
            with contextlib.suppress(RuntimeError):
                for line in sys.stdin:
                    loop.call_soon_threadsafe(lines.put_nowait, line)
                loop.call_soon_threadsafe(lines.put_nowait, None)

        # A daemon, so that a blocked read does not keep the process alive.
        threading.Thread(target=read, name="sandbox-stdin", daemon=True).start()
        while (line := await lines.get()) is not None:
            if line.strip():
                self.console.print(Text(f"{self.member.name.lower()} > {clean(line.strip())}", "bold"))
            yield line


def _states(answer: Answer) -> set[tuple[int, int]]:
    return {(message.id, message.edits) for message in answer.messages}


@contextlib.contextmanager
def _keyboard(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` on Ctrl-C; anything else typed meanwhile appears in the next prompt."""
    keyboard = get_app_session().input

    def read() -> None:
        keys = keyboard.read_keys()
        if any(key.key is Keys.ControlC for key in keys):
            interrupt()
        store_typeahead(keyboard, [key for key in keys if key.key is not Keys.ControlC])

    with keyboard.raw_mode(), keyboard.attach(read):
        yield


def _bindings() -> KeyBindings:
    """Keys of the prompt that differ from those of a shell."""
    keys = KeyBindings()

    # The mouse is not used, and malformed mouse reports must not end in a traceback.
    @keys.add(Keys.Vt100MouseEvent, eager=True)
    @keys.add(Keys.WindowsMouseEvent, eager=True)
    def _ignore(_event: KeyPressEvent) -> None: ...

    @Condition
    def alone() -> bool:
        state = get_app().current_buffer.complete_state
        return state is not None and state.current_completion is not None and len(state.completions) == 1

    @Condition
    def unfinished() -> bool:
        state = get_app().current_buffer.complete_state
        return bool(state and state.current_completion and state.current_completion.text.endswith(":"))

    # The only choice is accepted at once; an option without a value is not sent.
    @keys.add("tab", filter=alone)
    @keys.add("enter", filter=unfinished)
    def _go_on(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None
        event.current_buffer.start_completion()

    return keys


class Suggestions(Completer):
    """What Discord's own input offers: commands, options, choices, and the bot's suggestions."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Unused: suggestions come from the bot, asynchronously."""
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
        completions = commandline.complete(line, box.world.visible_commands(member))
        if completions.asks is not None:
            await asyncio.sleep(PAUSE)
            with contextlib.suppress(TimeoutError, SandboxError, CommandLineError):
                target = commandline.parse(line, box.world.visible_commands(member)).target
                choices = await box.autocomplete(line, completions.asks, member=member)
                names = [clean(choice["name"]) for choice in choices]
                for choice, name in zip(choices, names, strict=True):
                    text = str(choice["value"])
                    # The name is more readable than an id. It cannot replace the value if two suggestions share
                    # it or if it would not be parsed as the value of this option.
                    if names.count(name) == 1 and commandline.reads_back(target, completions.asks, name):
                        self._terminal.suggested_values[target.title, completions.asks, name] = choice[
                            "value"
                        ]
                        text = name
                    yield Completion(text, -len(completions.typed), display=name)
        for suggestion in completions.suggestions:
            meta = clean(suggestion.meta)
            yield Completion(
                suggestion.text, -suggestion.replace, display=clean(suggestion.label), display_meta=meta
            )
