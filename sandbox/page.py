"""The page: the sandbox in a browser, as one of its members sees it, kept up to date over a WebSocket.

`sandbox/web/` draws the page; this module sends it the state and carries out its requests. A socket belongs to one
member in one place. It starts with everything that the member sees; changes follow. A page that is cut off reconnects
and receives everything again, so that nothing has to be remembered for it.

Frames to the page are JSON with a `type`: `state` (everything), `message` and `gone`, `interaction`, `commands`,
`welcome`, `bot`, `choices`, `modal`, `wire` (entries of the log), and `done` or `refused`, which answer the page's
requests.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from itertools import islice
from pathlib import Path

from aiohttp import WSMsgType, web

from sandbox import rules
from sandbox.commandline import CommandLineError
from sandbox.driver import Sandbox, SandboxError
from sandbox.gateway import Op
from sandbox.log import Change, Entry, Event, Request
from sandbox.rules import ApiError, Json
from sandbox.state import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    Channel,
    Command,
    Interaction,
    Member,
    Message,
    Upload,
)
from sandbox.welcome import Welcome

FOLDER = Path(__file__).parent / "web"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    # Everything comes from the sandbox. A picture from elsewhere, which Discord would fetch itself, is only a link.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

MESSAGES = 100
"""Messages that a page receives at once; earlier ones on request."""
ENTRIES = 1000
"""Entries of the wire that can be viewed."""
BACKLOG = 5000
"""Frames that may wait for a slow page before it is cut off; it then reconnects."""
LARGEST = 40 << 20
"""Bytes of one frame from the page: files are sent in it."""

GATEWAY_CHANGES = frozenset({"gateway.connect", "gateway.ready", "gateway.resume", "gateway.disconnect"})


class Page:
    """Serves the page at `/` on the sandbox's own address. Must be created before the sandbox starts."""

    def __init__(self, box: Sandbox, welcome: Welcome | None = None) -> None:
        """Without a `welcome` the page opens with some of the bot's commands."""
        self.box = box
        self.welcome = welcome
        self.wire: deque[tuple[int, Entry]] = deque(maxlen=ENTRIES)
        self._entries = 0
        self._visits: set[_Visit] = set()
        box.log.subscribe(self._on_entry)
        box.app.router.add_get("/", self._file)
        box.app.router.add_get("/page/socket", self._socket)
        box.app.router.add_get("/page/{name}", self._file)
        box.app.on_shutdown.append(self._close)

    def greet(self, welcome: Welcome | None) -> None:
        """Replace the welcome from now on, including on open pages."""
        self.welcome = welcome
        for visit in tuple(self._visits):
            visit.greet()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = FOLDER / request.match_info.get("name", "index.html")
        if path.parent != FOLDER or path.suffix not in TYPES or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers=HEADERS | {"Content-Type": TYPES[path.suffix]})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        # Browsers always send the origin of the page that opens a socket; other pages, even on loopback, are refused.
        if request.headers.get("Origin") != f"{request.scheme}://{request.host}":
            raise web.HTTPForbidden(text="Only the sandbox's own page may connect.\n")
        socket = web.WebSocketResponse(heartbeat=30, max_msg_size=LARGEST)
        await socket.prepare(request)
        visit = _Visit(self, socket, request.transport, *self._member_and_channel(request.query))
        self._visits.add(visit)
        try:
            await visit.run()
        finally:
            self._visits.discard(visit)
        return socket

    async def _close(self, _: web.Application) -> None:
        for visit in tuple(self._visits):
            await visit.socket.close(message=b"The sandbox ends.")

    def _member_and_channel(self, query: Mapping[str, str]) -> tuple[Member, Channel]:
        """The member and channel in the query; by default the student in the guild's channel."""
        people = {str(member.id): member for member in self.people}
        member = people.get(query.get("member", ""), self.box.student)
        place = query.get("place", "")
        if place == "direct":
            return member, self.box.direct(member)
        channel = self.box.world.channels.get(int(place) if place.isdecimal() else 0, self.box.channel)
        try:
            return self.box.world.here(member, channel), channel
        except LookupError:  # a person who is not in that guild
            return member, self.box.channel

    @property
    def people(self) -> list[Member]:
        return [member for member in self.box.guild.members.values() if not member.user.bot]

    def _on_entry(self, entry: Entry) -> None:
        self._entries += 1
        self.wire.append((self._entries, entry))
        for visit in tuple(self._visits):
            visit.on_entry(self._entries, entry)


class _Visit:
    """One open page."""

    def __init__(
        self,
        page: Page,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        member: Member,
        channel: Channel,
    ) -> None:
        self.socket = socket
        self._transport = transport
        self._page = page
        self._box = page.box
        self._member = member
        self._channel = channel
        self._outgoing: asyncio.Queue[Json] = asyncio.Queue()
        self._watching = False
        """Whether the page shows the wire."""
        self._request_numbers: dict[int, int] = {}
        """By id of an interaction that this page started: the number of the page's request."""

    async def run(self) -> None:
        self._send("state", **self._state())
        writing = asyncio.create_task(self._write(), name="page-writer")
        try:
            async for frame in self.socket:
                if frame.type is WSMsgType.TEXT:
                    self._handle(frame.data)
        finally:
            writing.cancel()
            await asyncio.wait({writing})

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self.socket.send_str(json.dumps(await self._outgoing.get(), default=str))

    def _send(self, kind: str, **content: object) -> None:
        if self._outgoing.qsize() < BACKLOG:
            self._outgoing.put_nowait({"type": kind, **content})
        elif self._transport is not None:
            # A close frame would wait behind everything that has not been read.
            self._transport.abort()

    # --- state

    def _state(self) -> Json:
        box = self._box
        guild = self._channel.guild or box.guild
        messages, earlier = self._messages()
        return {
            "base": box.url,
            "me": str(self._member.id),
            "direct": self._channel.guild is None,
            "channel": str(self._channel.id),
            "guild": {"id": str(guild.id), "name": guild.name},
            "people": [_person(member) for member in guild.members.values()],
            "roles": [{"id": str(role.id), "name": role.name} for role in (guild.everyone, *guild.roles)],
            "channels": [{"id": str(channel.id), "name": channel.name} for channel in guild.channels],
            "places": [
                {"id": str(channel.id), "name": channel.name, "guild": one.name, "guild_id": str(one.id)}
                for one in box.world.guilds.values()
                for channel in one.channels
            ],
            "bot": self._bot(),
            "commands": self._commands(),
            "welcome": self._welcome(),
            "messages": messages,
            "earlier": earlier,
            "interactions": [self._interaction(interaction) for interaction in self._unanswered()],
            "limits": {"answer_seconds": box.limits.answer_seconds, "attachment_bytes": box.limits.attachment_bytes},
        }  # fmt: skip

    def _bot(self) -> Json:
        box = self._box
        online = any(session.ready and session.connected for session in box.sessions)
        return _person(box.bot) | {
            "online": online,
            "api_url": box.api_url,
            "gateway_url": box.gateway_url,
            "token": box.token,
        }

    def _commands(self) -> list[Json]:
        """The commands that Discord offers the member here, including context menus."""
        chat = self._chat_commands().values()
        menus = [
            command
            for command in self._box.world.commands.values()
            if command.type != rules.CHAT and self._box.world.allows(command, self._member, self._channel)
        ]
        return [command.body for command in (*chat, *menus)]

    def _chat_commands(self) -> Mapping[str, Command]:
        return self._box.world.visible_commands(self._member, self._channel)

    def _welcome(self) -> Json | None:
        welcome = self._page.welcome
        return welcome.offered(self._chat_commands()) if welcome else None

    def _messages(self, before: int | None = None) -> tuple[list[Json], bool]:
        """The last messages that the member sees here, and whether there are earlier ones."""
        seen = (
            message
            for message in reversed(self._box.world.messages.values())
            if self._sees(message) and (before is None or message.id < before)
        )
        last = list(islice(seen, MESSAGES + 1))
        return [self._message(message) for message in reversed(last[:MESSAGES])], len(last) > MESSAGES

    def _sees(self, message: Message) -> bool:
        return message.channel is self._channel and message.visible_to(self._member)

    def _message(self, message: Message) -> Json:
        """The payload that Discord's clients receive, and what else they know."""
        failed = message.interaction.failed if message.loading and message.interaction else None
        return message.payload() | {
            "ephemeral": message.ephemeral,
            "thinking": message.loading,
            "failed": failed,
        }

    def _unanswered(self) -> Iterable[Interaction]:
        """The member's commands that have not been answered or have failed, and presses that are pending."""
        for interaction in islice(reversed(self._box.world.interactions.values()), MESSAGES):
            if not self._own(interaction) or interaction.answered_with is not None:
                continue
            if interaction.type == COMMAND or (interaction.type == COMPONENT and not interaction.failed):
                yield interaction

    def _own(self, interaction: Interaction) -> bool:
        return interaction.member.id == self._member.id and interaction.channel is self._channel

    def _interaction(self, interaction: Interaction) -> Json:
        source = interaction.source or (interaction.parent.source if interaction.parent else None)
        return {
            "id": str(interaction.id),
            "kind": interaction.type,
            "title": interaction.title,
            "command_type": interaction.command.type if interaction.command else None,
            "message": str(source.id) if source else None,
            "component": interaction.data.get("custom_id"),
            "answered": interaction.answered_with,
            "failed": interaction.failed,
            "after": _milliseconds(interaction),
            "ask": self._request_numbers.get(interaction.id),
        }

    # --- changes

    def on_entry(self, number: int, entry: Entry) -> None:
        if self._watching:
            self._send("wire", entries=[_summary(number, entry)])
        if not isinstance(entry, Change):
            return
        match entry.kind, entry.subject:
            case "message.create" | "message.update", Message() as message if self._sees(message):
                self._send("message", message=self._message(message))
            case "message.delete", Message() as message if message.channel is self._channel:
                self._send("gone", id=str(message.id))
            case kind, Interaction() as interaction if kind.startswith("interaction."):
                self._follow(interaction)
            case "commands.update", _:
                self._send("commands", commands=self._commands(), welcome=self._welcome())
            case "lacking", what:
                self._send("lacking", what=what)
            case "member.create" | "guild.create" | "channel.create" | "member.update" | "role.update", _:
                self._send("state", **self._state())
            case kind, _ if kind in GATEWAY_CHANGES:
                self._send("bot", bot=self._bot())

    def greet(self) -> None:
        self._send("welcome", welcome=self._welcome())

    def _follow(self, interaction: Interaction) -> None:
        placeholder = interaction.original
        if (
            interaction.failed
            and interaction.thinking
            and placeholder is not None
            and self._sees(placeholder)
        ):
            self._send("message", message=self._message(placeholder))
        if not self._own(interaction):
            return
        ask = self._request_numbers.get(interaction.id)
        if interaction.type == AUTOCOMPLETE:
            if ask is not None and (interaction.choices is not None or interaction.failed):
                self._send("choices", ask=ask, choices=interaction.choices, failed=interaction.failed)
            return
        self._send("interaction", interaction=self._interaction(interaction))
        # Only on the page that started it: the member may have several pages open.
        if ask is not None and interaction.modal is not None and interaction.failed is None:
            modal = interaction.modal
            self._send(
                "modal", modal={"title": modal.title, "components": modal.components}, id=str(interaction.id)
            )

    # --- requests

    def _handle(self, text: str) -> None:
        ask = 0
        try:
            request = json.loads(text)
            ask = int(request["ask"])
            actions: dict[str, Callable[[Json], Json | Interaction]] = {
                "command": self._command,
                "line": self._line,
                "say": self._say,
                "menu": self._menu,
                "autocomplete": self._autocomplete,
                "press": self._press,
                "select": self._select,
                "submit": self._submit,
                "earlier": self._earlier,
                "watch": self._watch,
                "entry": self._entry,
            }
            outcome = actions[request["do"]](request)
        except (CommandLineError, SandboxError) as error:
            self._send("refused", ask=ask, why=str(error))
        except ApiError as error:
            self._send("refused", ask=ask, why=error.message)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError):
            self._send("refused", ask=ask, why="The sandbox does not understand what the page asked for.")
        else:
            if isinstance(outcome, Interaction):
                self._request_numbers[outcome.id] = ask
                outcome = {"interaction": str(outcome.id)}
            self._send("done", ask=ask, **outcome)

    def _command(self, request: Json) -> Interaction:
        options = {name: _value(value) for name, value in dict(request["options"]).items()}
        return self._box.send_command(str(request["name"]), options, member=self._member, channel=self._channel).interaction  # fmt: skip

    def _line(self, request: Json) -> Interaction:
        return self._box.send(str(request["line"]), member=self._member, channel=self._channel).interaction

    def _say(self, request: Json) -> Json:
        self._box.say(str(request["content"]), member=self._member, channel=self._channel)
        return {}

    def _menu(self, request: Json) -> Interaction:
        number = int(request["target"])
        target: Member | Message | None = (self._channel.guild or self._box.guild).members.get(number)
        target = target or self._visible_message(number)
        return self._box.send_menu(str(request["name"]), target, member=self._member, channel=self._channel).interaction  # fmt: skip

    def _autocomplete(self, request: Json) -> Interaction:
        return self._box.send_autocomplete(
            str(request["name"]),
            dict(request["options"]),
            str(request["focused"]),
            member=self._member,
            channel=self._channel,
        )

    def _press(self, request: Json) -> Interaction:
        message = self._visible_message(int(request["message"]))
        return self._box.send_press(message, str(request["component"]), member=self._member).interaction

    def _select(self, request: Json) -> Interaction:
        message, values = (
            self._visible_message(int(request["message"])),
            [str(value) for value in request["values"]],
        )
        return self._box.send_select(
            message, str(request["component"]), values, member=self._member
        ).interaction

    def _submit(self, request: Json) -> Interaction:
        # A modal stays open while its page reconnects, so it may have been opened over another socket.
        opener = int(request["interaction"])
        interactions = reversed(self._box.world.interactions.values())
        modal = next((known.modal for known in interactions if known.id == opener and self._own(known)), None)
        values = {
            name: [_value(item) for item in value] if isinstance(value, list) else value
            for name, value in dict(request["values"]).items()
        }
        return self._box.send_submit(modal, values, member=self._member).interaction

    def _earlier(self, request: Json) -> Json:
        messages, earlier = self._messages(int(request["before"]))
        return {"messages": messages, "earlier": earlier}

    def _watch(self, request: Json) -> Json:
        self._watching = bool(request["on"])
        if self._watching:
            self._send("wire", entries=[_summary(*numbered) for numbered in self._page.wire], replace=True)
        return {}

    def _entry(self, request: Json) -> Json:
        """One entry of the wire in full; None if it has been dropped."""
        found = (entry for number, entry in self._page.wire if number == int(request["number"]))
        return {"entry": _details(next(found, None))}

    def _visible_message(self, number: int) -> Message:
        message = self._box.world.messages.get(number)
        if message is None or not self._sees(message):
            raise SandboxError("This message is no longer there.")
        return message


def _person(member: Member) -> Json:
    return {
        "id": str(member.id),
        "name": member.name,
        "bot": member.user.bot,
        "roles": [role.name for role in member.roles if not role.managed],
    }


def _value(value: object) -> object:
    """The value of an option that the page sent; a file is sent as its name and its bytes in base64."""
    if isinstance(value, dict):
        return Upload(str(value["filename"]), base64.b64decode(value["content"], validate=True))
    return value


def _milliseconds(interaction: Interaction) -> float | None:
    """Milliseconds from the interaction to its first answer."""
    if interaction.acknowledged is None:
        return None
    return round((interaction.acknowledged - interaction.created) * 1000, 1)


def _summary(number: int, entry: Entry) -> Json:
    """A summary of one entry of the wire."""
    line: Json = {"number": number, "time": entry.time}
    match entry:
        case Request():
            line |= {
                "kind": "rest",
                "method": entry.method,
                "path": entry.route or entry.path,
                "status": entry.status,
            }
            line["ms"] = round(entry.duration * 1000, 1)
            if entry.status == HTTPStatus.TOO_MANY_REQUESTS:
                line["retry_after"] = (
                    entry.answer.get("retry_after") if isinstance(entry.answer, dict) else None
                )
        case Event():
            name = entry.name or (Op(entry.op).name if entry.op in set(Op) else str(entry.op))
            line |= {"kind": "gateway", "direction": entry.direction, "op": entry.op, "name": name}
        case Change(subject=Interaction() as interaction):
            line |= {
                "kind": "interaction",
                "title": interaction.title or interaction.data.get("custom_id", ""),
            }
            line |= {"what": entry.kind.partition(".")[2], "type": interaction.type}
            line |= {
                "ms": _milliseconds(interaction),
                "answered": interaction.answered_with,
                "why": interaction.failed,
            }
        case Change():
            line |= {"kind": "change", "what": entry.kind}
    return line


def _details(entry: Entry | None) -> Json | None:
    match entry:
        case Request():
            return {
                "request": f"{entry.method} {entry.path}",
                "query": dict(entry.query),
                "headers": dict(entry.headers),
                "body": entry.body,
                "files": [{"filename": name, "bytes": size} for name, size in entry.files],
                "status": entry.status,
                "answer": entry.answer,
            }
        case Event():
            return {
                "op": entry.op,
                "t": entry.name,
                "s": entry.sequence,
                "d": entry.data,
                "session": entry.session,
            }
        case Change(subject=Interaction() as interaction):
            return {"id": str(interaction.id), "title": interaction.title, "data": interaction.data}
    return None
