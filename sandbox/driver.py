"""The sandbox's Python interface: members' actions in Discord, as awaitable calls, and failures on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox import commandline, rules
from sandbox.commandline import Filling, Target
from sandbox.interactions import check_message
from sandbox.log import Event, Request
from sandbox.rest import Fault
from sandbox.rules import ApiError, Json
from sandbox.server import Server
from sandbox.state import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    SUBMIT,
    Channel,
    Command,
    Field,
    Guild,
    Interaction,
    Member,
    Message,
    Modal,
    Permission,
    Role,
    Version,
)


class SandboxError(Exception):
    """Discord would not have let the member do this; `str()` says why."""


class Answer:
    """Everything that an interaction has led to so far; follows the bot's edits."""

    def __init__(self, box: Sandbox, interaction: Interaction) -> None:
        self._box = box
        self.interaction = interaction

    def __repr__(self) -> str:
        return f"<Answer to {self.interaction.title or self.interaction.type}: {self.failed or self.text!r}>"

    @property
    def id(self) -> int:
        return self.interaction.id

    @property
    def member(self) -> Member:
        return self.interaction.member

    @property
    def acknowledged_after(self) -> float | None:
        """Seconds from the interaction to its first answer of any kind."""
        when = self.interaction.acknowledged
        return None if when is None else when - self.interaction.created

    @property
    def deferred(self) -> bool:
        """Whether the first answer was a deferral (types 5 and 6)."""
        return self.interaction.answered_with in {5, 6}

    @property
    def failed(self) -> str | None:
        """What Discord shows when the bot did not answer in time."""
        return self.interaction.failed

    @property
    def message(self) -> Message | None:
        """The current state of `@original`: None while the bot is thinking, and after it is deleted."""
        original = self.interaction.original
        return None if original is None or original.deleted or original.loading else original

    @property
    def followups(self) -> list[Message]:
        return [message for message in self.interaction.followups if not message.deleted]

    @property
    def messages(self) -> list[Message]:
        """Every visible message of this answer, the original first."""
        return ([self.message] if self.message else []) + self.followups

    @property
    def last(self) -> Message | None:
        """The message that `text` reads: the original or, if a press only updated its own message, the last
        follow-up.
        """
        original, followups = self.message, self.followups
        if original is not None and (original is not self.interaction.source or not followups):
            return original
        return followups[-1] if followups else None

    @property
    def history(self) -> list[Version]:
        """Every version of every message of this answer, in order, thinking and deletion included."""
        return self.interaction.history

    @property
    def modal(self) -> Modal | None:
        return self.interaction.modal

    @property
    def ephemeral(self) -> bool:
        """Whether only the member sees it (or will, while the bot is thinking)."""
        message = self.last or self.interaction.original
        return message is not None and message.ephemeral

    @property
    def text(self) -> str:
        return self.last.text if self.last else ""

    @property
    def done(self) -> bool:
        """Whether there is something to see: a message, a modal, an updated message or a failure."""
        shown = self.message is not None or bool(self.followups) or self.modal is not None
        return shown or self.interaction.answered_with in {6, 7, 8} or self.failed is not None

    async def visible(self, timeout: float = 30) -> Answer:
        return await self.until(lambda answer: answer.done, timeout)

    async def until(self, predicate: Callable[[Answer], object], timeout: float = 30) -> Answer:
        """Return once `predicate(answer)` is true, which is checked at every change.

        `timeout` is in seconds. Raises TimeoutError, which quotes the answer so far.
        """
        try:
            await self._box.log.until(lambda: predicate(self), timeout)
        except TimeoutError:
            state = self.failed or ("still thinking" if self.interaction.thinking else "no answer")
            raise TimeoutError(f"after {timeout} s the answer is: {self.text or state}") from None
        return self


class Sandbox(Server):
    """A local Discord and the actions of its members. `async with Sandbox() as box: ...`"""

    # --- state

    def add_member(
        self,
        name: str,
        *,
        permissions: int = 0,
        roles: Sequence[Role | str] = (),
        guild: Guild | None = None,
    ) -> Member:
        """Another person in a guild (by default the first). A person in several guilds has the same name in all of
        them.
        """
        return self.world.add_member(name, permissions=permissions, roles=roles, guild=guild)

    def add_guild(
        self,
        name: str,
        channels: Sequence[str] = ("general",),
        shard: tuple[int, int] | None = None,
        *,
        with_bot: bool = True,
    ) -> Guild:
        """Another guild with the admin, the student and, unless it was not invited there, the bot; pass one of its
        `channels` to act there.

        `shard`, a number and a count, makes that shard responsible for the guild.
        """
        return self.world.add_guild(name, channels, shard, with_bot=with_bot)

    def add_thread(self, name: str, channel: Channel | None = None) -> Channel:
        """A thread of a channel (by default the first). `archived` closes it permanently."""
        return self.world.add_thread(name, channel or self.channel)

    def add_group(self, *members: Member) -> Channel:
        """A private channel of these people, without the bot."""
        return self.world.add_group("group", members)

    def install(self, member: Member) -> None:
        """Install the app for a member, who can then use its commands wherever they are allowed."""
        self.world.installed.add(member.id)

    def add_channel(self, name: str, guild: Guild | None = None) -> Channel:
        """Another text channel, by default in the first guild."""
        return self.world.add_channel(name, guild)

    def set_roles(self, member: Member, roles: Sequence[Role | str]) -> None:
        """Give a member these roles and no others; a string creates one without permissions."""
        self.world.set_roles(member, roles)

    def set_permissions(self, member: Member, permissions: int) -> None:
        """Give a member, such as `box.bot`, exactly these permissions."""
        self.world.set_permissions(member, permissions)

    @property
    def commands(self) -> dict[str, Command]:
        """Registered chat-input commands by name; the guild's own commands hide global ones."""
        return self.world.visible_commands(self.admin)

    @property
    def sent_messages(self) -> list[Message]:
        """Messages that the bot sent to channels on its own, not as an answer."""
        return [message for message in self.world.messages.values() if message.interaction is None]

    def direct(self, member: Member) -> Channel:
        """The channel of the bot's direct messages with `member`, to be passed as `channel`."""
        return self.world.direct_channel(member)

    # --- waiting

    async def until(self, predicate: Callable[[Sandbox], object], timeout: float = 10) -> None:
        """Return once `predicate(box)` is true, which is checked at every entry of the log; `timeout` is in seconds."""
        await self.log.until(lambda: predicate(self), timeout)

    async def ready(self, timeout: float = 10) -> None:
        """Wait until every shard of a bot is connected and has received its guild."""

        def complete(box: Sandbox) -> bool:
            there = {session.shard for session in box.sessions if session.ready and session.connected}
            return any({(number, count) for number in range(count)} <= there for _, count in there)

        try:
            await self.until(complete, timeout)
        except TimeoutError:
            raise TimeoutError(f"no bot was ready within {timeout} s; sessions: {self.sessions}") from None

    async def commands_synced(self, timeout: float = 10) -> None:
        """Wait until the bot has registered commands."""
        try:
            await self.until(lambda box: box.world.commands, timeout)
        except TimeoutError:
            raise TimeoutError(f"the bot registered no commands within {timeout} s") from None

    # --- messages

    def say(
        self,
        content: str,
        *,
        member: Member | None = None,
        channel: Channel | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """Write a plain message; returns at once. Raises SandboxError for one that Discord would not send."""
        place = channel or self.channel
        who = self._here(member or self.student, place)
        if place.guild is not None and not who.may(Permission.SEND_MESSAGES):
            raise SandboxError(f"{who.name} may not write here")
        try:
            check_message(self.limits, {"content": content}, {}, None)
            message = self.world.create_message(
                place,
                {"content": content},
                {},
                kind=19 if reply_to else 0,
                reference=reply_to.id if reply_to else None,
                author=who.user,
            )
        except ApiError as error:
            raise SandboxError(error.message) from None
        self.world.announce("message.create", message)
        return message

    def _here(self, member: Member, channel: Channel) -> Member:
        try:
            return self.world.here(member, channel)
        except LookupError:
            raise SandboxError(f"{member.name} is not in that guild") from None

    # --- commands

    def send(
        self,
        line: str,
        *,
        member: Member | None = None,
        locale: str = "en-US",
        channel: Channel | None = None,
    ) -> Answer:
        """Type a command; returns at once. Raises CommandLineError for a line that Discord would not send."""
        who = member or self.student
        parsed = commandline.parse(line, self._offered(who, channel))
        return self._command(parsed.target, parsed.values, who, locale, channel)

    async def ask(
        self,
        line: str,
        *,
        member: Member | None = None,
        timeout: float = 30,
        locale: str = "en-US",
        channel: Channel | None = None,
    ) -> Answer:
        """Type a command and wait for something to see, or for the failure that Discord would show."""
        return await self.send(line, member=member, locale=locale, channel=channel).visible(timeout)

    def send_command(
        self,
        name: str,
        options: Mapping[str, object] | None = None,
        *,
        member: Member | None = None,
        locale: str = "en-US",
        channel: Channel | None = None,
    ) -> Answer:
        """Call a command by its full name (`likes list`) with values by option name; returns at once."""
        who = member or self.student
        target = commandline.find(name, self._offered(who, channel))
        return self._command(target, dict(options or {}), who, locale, channel)

    async def ask_command(
        self,
        name: str,
        options: Mapping[str, object] | None = None,
        *,
        member: Member | None = None,
        timeout: float = 30,
        locale: str = "en-US",
        channel: Channel | None = None,
    ) -> Answer:
        answer = self.send_command(name, options, member=member, locale=locale, channel=channel)
        return await answer.visible(timeout)

    def _offered(self, member: Member, channel: Channel | None) -> dict[str, Command]:
        place = channel or self.channel
        return self.world.visible_commands(self._here(member, place), place)

    def _command(
        self,
        target: Target,
        values: Mapping[str, object],
        member: Member,
        locale: str,
        channel: Channel | None,
    ) -> Answer:
        place = channel or self.channel
        data = self._filling(target, place).data(values)
        interaction = self.interactions.start(
            COMMAND,
            self._here(member, place),
            data,
            channel=place,
            locale=locale,
            command=target.command,
            title=target.title,
        )
        return Answer(self, interaction)

    def _filling(self, target: Target, channel: Channel) -> Filling:
        return Filling(
            target,
            channel.guild or self.guild,
            lambda upload: self.world.store(channel, upload, ephemeral=True),
        )

    def send_menu(
        self,
        name: str,
        target: Member | Message,
        *,
        member: Member | None = None,
        channel: Channel | None = None,
    ) -> Answer:
        """Choose a command from the context menu of a member or a message; returns at once."""
        who = member or self.student
        place = target.channel if isinstance(target, Message) else channel or self.channel
        who = self._here(who, place)
        kind = rules.USER_MENU if isinstance(target, Member) else rules.MESSAGE_MENU
        command = next(
            (
                known
                for known in self.world.commands.values()
                if (known.type, known.name) == (kind, name) and self.world.allows(known, who, place)
            ),
            None,
        )
        if command is None:
            raise SandboxError(f"{who.name} finds no {name} in the menu")
        number = str(target.id)
        if isinstance(target, Member):
            person, about = target.user.payload(), target.payload(user=False, permissions=True)
            resolved = {"users": {number: person}, "members": {number: about}}
        else:
            self._viewer(target, who)
            resolved = {"messages": {number: target.payload()}}
        data: Json = {
            "id": str(command.id),
            "name": name,
            "type": kind,
            "target_id": number,
            "resolved": resolved,
        }
        if command.guild_id is not None:
            data["guild_id"] = str(command.guild_id)
        interaction = self.interactions.start(COMMAND, who, data, channel=place, command=command, title=name)
        return Answer(self, interaction)

    async def use_menu(
        self,
        name: str,
        target: Member | Message,
        *,
        member: Member | None = None,
        channel: Channel | None = None,
        timeout: float = 30,
    ) -> Answer:
        return await self.send_menu(name, target, member=member, channel=channel).visible(timeout)

    def send_autocomplete(
        self,
        name: str,
        values: Mapping[str, object],
        focused: str,
        *,
        member: Member | None = None,
        locale: str = "en-US",
        channel: Channel | None = None,
    ) -> Interaction:
        """Ask for suggestions for the option `focused` of a command called by its full name; returns at once.

        The outcome is in the interaction's `choices` or `failed`. Raises SandboxError for options without autocomplete.
        """
        who, place = member or self.student, channel or self.channel
        target = commandline.find(name, self._offered(who, channel))
        if not focused or not target.option(focused).get("autocomplete"):
            raise SandboxError(f"/{target.title} has no option {focused} with autocomplete")
        data = self._filling(target, place).data(
            {**values, focused: values.get(focused, "")}, focused=focused
        )
        return self.interactions.start(
            AUTOCOMPLETE,
            self._here(who, place),
            data,
            channel=place,
            locale=locale,
            command=target.command,
            title=target.title,
        )

    async def autocomplete(
        self,
        line: str,
        focused: str | None = None,
        *,
        member: Member | None = None,
        timeout: float = 5,
    ) -> list[Json]:
        """The bot's suggestions for the option `focused` (by default the last one) of a half-typed line.

        Raises TimeoutError if there are none in time, and SandboxError for options without autocomplete.
        """
        parsed = commandline.parse(line, self._offered(member or self.student, None))
        name = focused or next(reversed(list(parsed.values)), "")
        interaction = self.send_autocomplete(parsed.target.title, parsed.values, name, member=member)
        await self.log.until(lambda: interaction.choices is not None or interaction.failed, timeout)
        if interaction.choices is None:
            raise TimeoutError(
                f"{interaction.failed}: no choices for {name} within {self.limits.answer_seconds} s"
            )
        return interaction.choices

    # --- components and modals

    def send_press(self, message: Message, button: str, *, member: Member | None = None) -> Answer:
        """Press the button with this label or custom id; returns at once."""
        who = self._viewer(message, member)
        try:
            found = message.button(button)
        except LookupError as error:
            raise SandboxError(str(error)) from None
        if found.disabled or not found.custom_id:
            raise SandboxError(f"the button {found.label or found.emoji!r} cannot be pressed")
        data = {
            "custom_id": found.custom_id,
            "component_type": rules.BUTTON,
            "id": self._component_id(message, found.custom_id),
        }
        return self._component(message, who, data)

    async def press(
        self,
        message: Message,
        button: str,
        *,
        member: Member | None = None,
        timeout: float = 30,
    ) -> Answer:
        """Press a button and wait for the bot's reaction; by default as the member the message answers."""
        return await self.send_press(message, button, member=member).visible(timeout)

    def send_select(
        self, message: Message, custom_id: str, values: Sequence[object], *, member: Member | None = None
    ) -> Answer:
        """Choose `values` (of the select's options, or members, roles or channels); returns at once."""
        who = self._viewer(message, member)
        menu = next(
            (part for part in rules.walk(message.components) if part.get("custom_id") == custom_id), None
        )
        if menu is None or menu["type"] not in rules.SELECTS or menu.get("disabled"):
            raise SandboxError(f"the message has no select {custom_id!r} that can be used")
        low, high = menu.get("min_values", 1), menu.get("max_values", 1)
        if not low <= len(values) <= high:
            raise SandboxError(f"{custom_id} takes {low} to {high} values")
        data: Json = {"custom_id": custom_id, "component_type": menu["type"], "id": menu["id"]}
        if menu["type"] == rules.SELECT:
            self._require_offered(custom_id, menu, values)
            data["values"] = list(values)
        else:
            data["values"] = [str(getattr(value, "id", value)) for value in values]
            guild = message.channel.guild or self.guild
            data["resolved"] = self._resolved(rules.SELECT_GROUPS[menu["type"]], data["values"], guild)
        return self._component(message, who, data)

    async def select(
        self,
        message: Message,
        custom_id: str,
        values: Sequence[object],
        *,
        member: Member | None = None,
        timeout: float = 30,
    ) -> Answer:
        return await self.send_select(message, custom_id, values, member=member).visible(timeout)

    def send_submit(
        self, modal: Modal | None, values: Mapping[str, object], *, member: Member | None = None
    ) -> Answer:
        """Fill in a modal, by label or custom id of its fields, and submit it; returns at once."""
        if modal is None:
            raise SandboxError("the bot has opened no modal")
        opener = modal.interaction
        if member is not None and member is not opener.member:
            raise SandboxError(f"the modal is open for {opener.member.name}")
        parts = {part["custom_id"]: part for part in rules.walk(modal.components) if "custom_id" in part}
        given = {name: _untouched(part) for name, part in parts.items()}
        for name, value in values.items():
            named = next((field for field in modal.fields if name in {field.label, field.custom_id}), None)
            if named is None:
                raise SandboxError(
                    f"{modal.title} has no field {name!r}; fields: {[field.label for field in modal.fields]}"
                )
            given[named.custom_id] = value
        resolved: dict[str, Json] = {}
        filled = {
            field.custom_id: self._fill(
                field, parts[field.custom_id], given[field.custom_id], opener, resolved
            )
            for field in modal.fields
        }
        data: Json = {
            "custom_id": modal.custom_id,
            "components": [_submitted(part, filled) for part in modal.components],
        }
        if resolved:
            data["resolved"] = resolved
        interaction = self.interactions.start(
            SUBMIT,
            opener.member,
            data,
            channel=opener.channel,
            source=opener.source,
            parent=opener,
            locale=opener.locale,
        )
        return Answer(self, interaction)

    def _fill(
        self, field: Field, part: Json, value: Any, opener: Interaction, resolved: dict[str, Json]
    ) -> Json:
        """What the submission says about one input; adds the objects that its ids stand for to `resolved`."""
        if part["type"] == rules.CHECKBOX:
            return {"value": bool(value)}
        if field.required and not value:
            raise SandboxError(f"{field.label} must be filled in")
        if part["type"] in {rules.INPUT, rules.RADIO}:
            text = value or ""
            if text and not field.min_length <= len(text) <= field.max_length:
                raise SandboxError(f"{field.label} takes {field.min_length} to {field.max_length} characters")
            self._require_offered(field.label, part, [text] if text else [])
            return {"value": text or None if part["type"] == rules.RADIO else text}
        chosen = list(value) if isinstance(value, list | tuple) else [value] if value else []
        low = part.get("min_values") or 1
        high = part.get("max_values") or (len(part["options"]) if part["type"] == rules.CHECKBOXES else 1)
        if chosen and not low <= len(chosen) <= high:
            raise SandboxError(f"{field.label} takes {low} to {high} values")
        self._require_offered(field.label, part, chosen)
        if part["type"] == rules.FILES:
            files = [self.world.store(opener.channel, upload, ephemeral=True) for upload in chosen]
            resolved.setdefault("attachments", {}).update({str(file.id): file.payload() for file in files})
            return {"values": [str(file.id) for file in files]}
        if part["type"] in rules.SELECT_GROUPS:
            chosen = [str(getattr(item, "id", item)) for item in chosen]
            for group, found in self._resolved(
                rules.SELECT_GROUPS[part["type"]], chosen, opener.channel.guild or self.guild
            ).items():
                resolved.setdefault(group, {}).update(found)
        return {"values": chosen}

    @staticmethod
    def _require_offered(name: str, part: Json, values: Sequence[object]) -> None:
        """Raise SandboxError for a value that is not among the options, if there are any."""
        offered = {option["value"] for option in part.get("options") or ()}
        if offered and (unknown := [value for value in values if value not in offered]):
            raise SandboxError(f"{name} does not offer {', '.join(map(repr, unknown))}")

    async def submit(
        self,
        modal: Modal | None,
        values: Mapping[str, object],
        *,
        member: Member | None = None,
        timeout: float = 30,
    ) -> Answer:
        return await self.send_submit(modal, values, member=member).visible(timeout)

    def _viewer(self, message: Message, member: Member | None) -> Member:
        who = member or (message.interaction.member if message.interaction else self.student)
        who = self._here(who, message.channel)
        if not message.visible_to(who):
            raise SandboxError(f"{who.name} does not see this message")
        return who

    @staticmethod
    def _component_id(message: Message, custom_id: str) -> int:
        return next(
            int(part["id"]) for part in rules.walk(message.components) if part.get("custom_id") == custom_id
        )

    def _component(self, message: Message, member: Member, data: Json) -> Answer:
        locale = message.interaction.locale if message.interaction else "en-US"
        interaction = self.interactions.start(
            COMPONENT, member, data, channel=message.channel, locale=locale, source=message
        )
        return Answer(self, interaction)

    def _resolved(self, groups: Sequence[str], ids: Sequence[str], guild: Guild) -> Json:
        resolved: dict[str, Json] = {}
        for number in ids:
            key = int(number) if number.isdecimal() else 0
            member = guild.members.get(key)
            role = next((role for role in guild.roles if role.id == key), None)
            channel = self.world.channels.get(key)
            if "users" in groups and member is not None:
                resolved.setdefault("users", {})[number] = member.user.payload()
                resolved.setdefault("members", {})[number] = member.payload(user=False, permissions=True)
            elif "roles" in groups and role is not None:
                resolved.setdefault("roles", {})[number] = role.payload()
            elif "channels" in groups and channel is not None:
                resolved.setdefault("channels", {})[number] = channel.payload(self.student.permissions)
            else:
                raise SandboxError(f"there is no such thing as {number} among {' and '.join(groups)}")
        return resolved

    # --- failures on demand

    async def drop(self, code: int | None = None, *, resumable: bool = True) -> int:
        """Drop the bot's gateway connections, with a close code or abruptly; returns how many there were.

        The bot may resume its session afterwards, unless `resumable` is false. Returns once they are closed.
        """
        dropped = [session.connection for session in self.sessions if session.connection]
        count = self.gateway.drop(code, resumable=resumable)
        await self.until(
            lambda box: (
                not any(session.connection in dropped for session in box.sessions if session.connection)
            )
        )
        return count

    def reconnect(self) -> None:
        """Ask the bot to reconnect and resume (opcode 7)."""
        self.gateway.reconnect()

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tell the bot that its session is invalid (opcode 9)."""
        self.gateway.invalidate(resumable=resumable)

    def fail(
        self,
        method: str | None = None,
        path_contains: str = "",
        status: int | None = None,
        *,
        times: int = 1,
        after: int = 0,
        delay: float = 0.0,
        retry_after: float = 1.0,
        applied: bool = False,
        cut: bool = False,
        body: str | None = None,
        content_type: str = "application/json",
    ) -> Fault:
        """Make coming requests fail: answer with `status` (429 with `retry_after`), delay them, or cut their
        connection.

        The first `after` matching requests pass, the next `times` are hit. With `applied` a request takes effect and
        only its answer is replaced. `body` is sent as the answer, byte for byte, as `content_type`. The returned fault
        counts its `hits`.
        """
        fault = Fault(
            method, path_contains, status, times, after, delay, retry_after, applied, cut, body, content_type
        )
        self.rest.faults.append(fault)
        return fault

    # --- shorthands for tests

    def requests(self, method: str | None = None, path: str = "") -> list[Request]:
        return self.log.requests(method, path)

    def events(self, name: str | None = None, op: int | None = None) -> list[Event]:
        return self.log.events(name, op)


def _untouched(part: Json) -> object:
    """The value of a modal's input that the member leaves as it is."""
    if part["type"] == rules.INPUT:
        return part.get("value") or ""
    if part["type"] == rules.CHECKBOX:
        return part.get("default", False)
    chosen = [option["value"] for option in rules.children(part, "options") if option.get("default")]
    if part["type"] == rules.RADIO:
        return next(iter(chosen), None)
    return chosen + [item["id"] for item in rules.children(part, "default_values")]


def _submitted(part: Json, filled: Mapping[str, Json]) -> Json:
    """A modal's component as its submission carries it."""
    body: Json = {"type": part["type"], "id": part.get("id", 0)}
    if "components" in part:
        body["components"] = [_submitted(inner, filled) for inner in part["components"]]
    elif "component" in part:
        body["component"] = _submitted(part["component"], filled)
    elif "custom_id" in part:
        body |= {"custom_id": part["custom_id"]} | filled[part["custom_id"]]
    return body
