"""The `World` holds the sandbox's objects, and only it changes them.

It does not depend on HTTP, sockets or drivers.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from sandbox import rules
from sandbox.clock import Clock
from sandbox.log import Change, EventLog
from sandbox.rules import ApiError, Json
from sandbox.state import (
    Attachment,
    Channel,
    Command,
    Guild,
    Interaction,
    Member,
    Mentions,
    Message,
    Permission,
    Role,
    Snowflakes,
    Upload,
    User,
    Version,
    lasting_snowflake,
    shard_of,
)

KEPT_MESSAGES = 10_000
KEPT_INTERACTIONS = 10_000
KEPT_BYTES = 256 << 20
"""Bytes of attachments. A sandbox that runs for days drops the oldest of each."""
LIVE = 3600.0
"""Seconds for which every interaction is kept, however many there are: its token may still be in use."""


class World:
    """Every change is a `Change` in the log.

    `base_url`: where attachments are served; set once the port is known.
    """

    def __init__(self, clock: Clock, log: EventLog, bot_name: str) -> None:
        self.clock = clock
        self.log = log
        self.base_url = ""
        self.snowflake = Snowflakes(clock)
        # People and places have the same ids in every sandbox, so that data a bot stores about them stays valid.
        # The application is new each time, so that no bot assumes that its commands are already registered.
        self.application_id = self.snowflake()
        self.bot_user = User(self.application_id, bot_name, bot=True)
        guild_id = lasting_snowflake("guild")
        owner = lasting_snowflake("member Admin")
        self.guild = Guild(guild_id, "Sandbox", owner, Role(guild_id, "@everyone", Permission.EVERYONE, 0))
        self.channel = Channel(lasting_snowflake("channel"), "general", self.guild)
        self.guild.channels.append(self.channel)
        self.guilds: dict[int, Guild] = {guild_id: self.guild}
        """By id; the first is the one that everything happens in unless another is named."""
        self.channels: dict[int, Channel] = {self.channel.id: self.channel}
        self.installed: set[int] = set()
        """The ids of people who have installed the app for themselves."""
        self.admin = self.add_member("Admin", permissions=Permission.ADMINISTRATOR)
        self.student = self.add_member("Student")
        bot_role = self._add_role(bot_name, Permission.EVERYONE)
        bot_role.managed = True
        self.bot = Member(self.bot_user, self.guild, [bot_role], clock.time())
        self.guild.members[self.bot.id] = self.bot
        self.commands: dict[int, Command] = {}
        self.messages: dict[int, Message] = {}
        self.attachments: dict[int, Attachment] = {}
        self._stored = 0
        self.interactions: dict[str, Interaction] = {}

    def changed(self, kind: str, subject: object, interaction: int | None = None) -> None:
        self.log.append(Change(self.clock.time(), kind, subject, interaction))

    # --- members, roles and channels

    def add_member(
        self,
        name: str,
        *,
        permissions: int = 0,
        roles: Sequence[Role | str] = (),
        guild: Guild | None = None,
    ) -> Member:
        """Add a member with `roles` (a string creates one) and, through a role of their own, `permissions`.

        A person is identified by name across guilds.
        """
        guild = guild or self.guild
        id_ = lasting_snowflake(f"member {name}")
        if id_ in guild.members:
            raise ValueError(f"there is a member called {name} already")
        elsewhere = (other.members[id_].user for other in self.guilds.values() if id_ in other.members)
        user = next(elsewhere, None) or User(id_, name)
        held = [self._add_role(role, 0, guild) if isinstance(role, str) else role for role in roles]
        if permissions:
            held.append(self._add_role(name, permissions, guild))
        member = Member(user, guild, held, self.clock.time())
        guild.members[user.id] = member
        self.changed("member.create", member)
        return member

    def _add_role(self, name: str, permissions: int, guild: Guild | None = None) -> Role:
        guild = guild or self.guild
        for role in guild.roles:
            if role.name == name and role.permissions == permissions:
                return role
        place = "" if guild is self.guild else f" {guild.name}"
        role = Role(lasting_snowflake(f"role {name}{place}"), name, permissions, len(guild.roles) + 1)
        guild.roles.append(role)
        self.changed("role.create", (guild, role))
        return role

    @property
    def joined(self) -> dict[int, Guild]:
        """The guilds that the bot is a member of, by id."""
        return {number: guild for number, guild in self.guilds.items() if guild.has_bot}

    def add_guild(
        self,
        name: str,
        channels: Sequence[str] = ("general",),
        shard: tuple[int, int] | None = None,
        *,
        with_bot: bool = True,
    ) -> Guild:
        """Another guild with the bot (unless it was not invited there), the same admin as owner, and the same student.

        `shard` is a number and a count: the guild gets an id for which this shard is responsible.
        """
        ids = (lasting_snowflake(f"guild {name}" + (f" {again}" if again else "")) for again in count())
        everyone_id = next(id_ for id_ in ids if shard is None or shard_of(id_, shard[1]) == shard[0])
        everyone = Role(everyone_id, "@everyone", Permission.EVERYONE, 0)
        guild = Guild(everyone.id, name, self.admin.id, everyone, has_bot=with_bot)
        if guild.id in self.guilds:
            raise ValueError(f"there is a guild called {name} already")
        role = Role(
            lasting_snowflake(f"role {name} bot"), self.bot_user.name, Permission.EVERYONE, 1, managed=True
        )
        there = [(self.admin.user, list[Role]()), (self.student.user, [])]
        if with_bot:
            guild.roles.append(role)
            there.append((self.bot_user, [role]))
        for user, roles in there:
            guild.members[user.id] = Member(user, guild, roles, self.clock.time())
        self.guilds[guild.id] = guild
        for channel in channels:
            self._add_channel(channel, guild)
        self.changed("guild.create", guild)
        return guild

    def add_channel(self, name: str, guild: Guild | None = None) -> Channel:
        """Another text channel, by default in the first guild."""
        channel = self._add_channel(name, guild or self.guild)
        self.changed("channel.create", channel)
        return channel

    def _add_channel(self, name: str, guild: Guild) -> Channel:
        channel = Channel(lasting_snowflake(f"channel {guild.name} {name}"), name, guild)
        if channel.id in self.channels:
            raise ValueError(f"there is a channel called {name} already")
        guild.channels.append(channel)
        self.channels[channel.id] = channel
        return channel

    def add_thread(self, name: str, channel: Channel) -> Channel:
        """A thread of a channel."""
        thread = Channel(self.snowflake(), name, channel.guild, thread_of=channel)
        self.channels[thread.id] = thread
        self.changed("channel.create", thread)
        return thread

    def add_group(self, name: str, members: Sequence[Member]) -> Channel:
        """A private channel of several people, without the bot."""
        group = Channel(self.snowflake(), name, None, group=tuple(members))
        self.channels[group.id] = group
        return group

    def set_roles(self, member: Member, roles: Sequence[Role | str]) -> None:
        """Give a member these roles and no others; a string creates one without permissions."""
        held = [self._add_role(role, 0, member.guild) if isinstance(role, str) else role for role in roles]
        member.roles[:] = held
        self.changed("member.update", member)

    def set_permissions(self, member: Member, permissions: int) -> None:
        """Give a member, such as the bot, exactly these permissions: through one role, and by revoking everyone's."""
        member.guild.everyone.permissions &= permissions
        self.changed("role.update", (member.guild, member.guild.everyone))
        self.set_roles(member, [self._add_role(f"{member.name} may", permissions, member.guild)])

    def app_permissions(self, channel: Channel) -> int:
        """The bot's permissions in a channel; if it is not there, those of everyone."""
        if channel.has_bot or channel.guild is None:
            return self.bot_in(channel.guild).permissions
        return channel.guild.everyone.permissions

    def bot_in(self, guild: Guild | None) -> Member:
        return self.bot if guild is None else guild.members[self.bot_user.id]

    def here(self, member: Member, channel: Channel) -> Member:
        """The same person as a member of the guild that a channel belongs to. Raises LookupError."""
        if channel.guild is None or channel.guild is member.guild:
            return member
        return channel.guild.members[member.id]

    def direct_channel(self, member: Member) -> Channel:
        for channel in self.channels.values():
            if channel.recipient is not None and channel.recipient.id == member.id:
                return channel
        channel = Channel(self.snowflake(), "", None, recipient=member)
        self.channels[channel.id] = channel
        return channel

    # --- commands

    def commands_of(self, guild_id: int | None) -> list[Command]:
        return [command for command in self.commands.values() if command.guild_id == guild_id]

    def allows(self, command: Command, member: Member, channel: Channel | None = None) -> bool:
        """Whether Discord offers `member` a command in a channel."""
        return command.allowed(member, channel or self.channel, own=member.id in self.installed)

    def visible_commands(self, member: Member, channel: Channel | None = None) -> dict[str, Command]:
        """Chat-input commands that Discord offers `member` in a channel, by name; those of a guild hide global ones."""
        found = {}
        for command in sorted(self.commands.values(), key=lambda command: command.guild_id is not None):
            if command.type == rules.CHAT and self.allows(command, member, channel):
                found[command.name] = command
        return found

    def put_command(self, body: Json, guild_id: int | None) -> Command:
        """Register a command, or replace the one with the same name and type, which keeps its id."""
        kind = body.get("type") or rules.CHAT
        known = (
            command
            for command in self.commands_of(guild_id)
            if (command.type, command.name) == (kind, body["name"])
        )
        command = next(known, None) or Command(self.snowflake(), guild_id, {})
        command.body = self._command_body(command.id, kind, body, guild_id)
        self.commands[command.id] = command
        return command

    def overwrite_commands(self, bodies: Sequence[Json], guild_id: int | None) -> list[Command]:
        kept = [self.put_command(body, guild_id) for body in bodies]
        for command in self.commands_of(guild_id):
            if command not in kept:
                del self.commands[command.id]
        self.changed("commands.update", kept)
        return kept

    def replace_command(self, command: Command, body: Json) -> None:
        command.body = self._command_body(command.id, command.type, body, command.guild_id)
        self.changed("commands.update", [command])

    def _command_body(self, command_id: int, kind: int, body: Json, guild_id: int | None) -> Json:
        permissions = body.get("default_member_permissions")
        answer: Json = {
            "id": str(command_id),
            "application_id": str(self.application_id),
            "version": str(self.snowflake()),
            "type": kind,
            "name": body["name"],
            "name_localizations": body.get("name_localizations"),
            "description": body.get("description") or "",
            "description_localizations": body.get("description_localizations"),
            "default_member_permissions": None if permissions is None else str(permissions),
            "dm_permission": body.get("dm_permission", True),
            "contexts": body.get("contexts"),
            "integration_types": body.get("integration_types") or [0],
            "nsfw": body.get("nsfw", False),
            "options": body.get("options") or [],
        }
        if guild_id is not None:
            answer["guild_id"] = str(guild_id)
        return answer

    # --- messages

    def message(self, channel_id: int, message_id: int) -> Message:
        message = self.messages.get(message_id)
        if message is None or message.deleted or message.channel.id != channel_id:
            raise ApiError(404, 10008, "Unknown Message")
        return message

    def create_message(
        self,
        channel: Channel,
        body: Json,
        uploads: Mapping[int, Upload],
        *,
        interaction: Interaction | None = None,
        flags: int = 0,
        kind: int = 0,
        reference: int | None = None,
        author: User | None = None,
    ) -> Message:
        """Create a message from `body`, by the bot unless another `author` is given; `flags` are added to those that a
        body may set.
        """
        message = Message(
            self.snowflake(),
            channel,
            author or self.bot_user,
            content="",
            embeds=[],
            components=[],
            attachments=[],
            flags=flags | (body.get("flags") or 0) & rules.SETTABLE_FLAGS & ~rules.EPHEMERAL,
            created=self.clock.time(),
            interaction=interaction,
            kind=kind,
            reference=reference,
            referenced=self.messages.get(reference or 0),
            tts=bool(body.get("tts")),
            nonce=str(body["nonce"]) if body.get("nonce") is not None else None,
        )
        self.fill(message, body, uploads)
        if not message.loading:
            self._refuse_empty(message, body)
        self.messages[message.id] = message
        if len(self.messages) > KEPT_MESSAGES:
            oldest = self.messages.pop(next(iter(self.messages)))
            # Messages refer to the ones they reply to, forming chains that must not keep old messages alive.
            oldest.referenced = oldest.interaction = None
        if not message.ephemeral:
            channel.last_message = message.id
        return message

    def announce(self, kind: str, message: Message, via: Interaction | None = None) -> None:
        """Log the change, and add the version to the history of every interaction involved."""
        for interaction in {
            id(involved): involved for involved in (message.interaction, via) if involved
        }.values():
            copy = dataclasses.replace(message, embeds=list(message.embeds), components=list(message.components),
                                       attachments=list(message.attachments))  # fmt: skip
            interaction.history.append(Version(self.clock.time(), copy))
        cause = via or message.interaction
        self.changed(kind, message, cause.id if cause else None)

    def edit_message(
        self,
        message: Message,
        body: Json,
        uploads: Mapping[int, Upload],
        via: Interaction | None = None,
    ) -> None:
        """Replace the fields in `body`; a thinking message becomes an answer."""
        trial = dataclasses.replace(message, attachments=list(message.attachments))
        was_loading = message.loading
        trial.flags &= ~rules.LOADING
        if "flags" in body:
            settable = rules.SETTABLE_FLAGS & ~rules.EPHEMERAL
            trial.flags = trial.flags & ~(settable & ~rules.COMPONENTS_V2) | (body["flags"] or 0) & settable
        self.fill(trial, body, uploads)
        self._refuse_empty(trial, body)
        for name in ("flags", "content", "embeds", "components", "attachments", "mentions"):
            setattr(message, name, getattr(trial, name))
        message.edited_at = self.clock.time()
        message.edits += not was_loading
        self.announce("message.update", message, via)

    def delete_message(self, message: Message, via: Interaction | None = None) -> None:
        message.deleted = True
        self.announce("message.delete", message, via)

    def fill(self, message: Message, body: Json, uploads: Mapping[int, Upload]) -> None:
        message.attachments = self._attachments(message, body, uploads)
        if "content" in body:
            message.content = (str(body["content"]) if body["content"] is not None else "").strip()
            message.mentions = self._mentions(message, body)
        if "embeds" in body:
            message.embeds = [self._embed(embed, message.attachments) for embed in body["embeds"] or ()]
        if "components" in body:
            message.components = _numbered(body["components"] or [])
            for part in rules.walk(message.components):
                _resolve_media(part, message.attachments)

    def _refuse_empty(self, message: Message, body: Json) -> None:
        extra = body.get("poll") or body.get("sticker_ids")
        if not (message.content or message.embeds or message.components or message.attachments or extra):
            raise rules.empty_message()

    def _attachments(self, message: Message, body: Json, uploads: Mapping[int, Upload]) -> list[Attachment]:
        listed = body.get("attachments")
        old = {attachment.id: attachment for attachment in message.attachments}
        wanted: list[Attachment] = []
        described: dict[int, Json] = {}
        if listed is None:
            wanted = list(message.attachments)
        else:
            for item in listed:
                number = int(item["id"])
                if number in old:
                    wanted.append(old[number])
                else:
                    described[number] = item
        for index, upload in sorted(uploads.items()):
            item = described.get(index, {})
            wanted.append(
                self.store(
                    message.channel,
                    upload,
                    name=item.get("filename"),
                    description=item.get("description"),
                    ephemeral=message.ephemeral,
                )
            )
        return wanted

    def store(
        self,
        channel: Channel,
        upload: Upload,
        *,
        name: str | None = None,
        description: str | None = None,
        ephemeral: bool = False,
    ) -> Attachment:
        """Store a file and give it an address; `name` overrides the name that it was uploaded with."""
        number = self.snowflake()
        filename = rules.safe_filename(name or upload.filename)
        url = f"{self.base_url}/attachments/{channel.id}/{number}/{filename}"
        stored = Attachment(number, filename, upload.content, url, description, ephemeral)
        self.attachments[number] = stored
        self._stored += stored.size
        while self._stored > KEPT_BYTES:
            oldest = self.attachments.pop(next(iter(self.attachments)))
            self._stored -= oldest.size
            oldest.content = b""
        return stored

    def _embed(self, embed: Json, attachments: Sequence[Attachment]) -> Json:
        """The embed as Discord returns it: of type rich, with `attachment://` resolved to the file's address."""
        by_name = {attachment.filename: attachment for attachment in attachments}
        answer: Json = {"type": "rich"} | {key: value for key, value in embed.items() if value is not None}
        for part in ("image", "thumbnail", "footer", "author"):
            inner = answer.get(part)
            if not isinstance(inner, dict):
                continue
            inner = answer[part] = dict(inner)
            for key in ("url", "icon_url"):
                scheme, _, rest = str(inner.get(key, "")).partition("://")
                file = by_name.get(rules.safe_filename(rest)) if scheme == "attachment" else None
                if file is None:
                    continue
                inner[key] = inner[f"proxy_{key}"] = file.url
                if file.dimensions and part in {"image", "thumbnail"}:
                    inner["width"], inner["height"] = file.dimensions
        return answer

    def _mentions(self, message: Message, body: Json) -> Mentions:
        allowed = body.get("allowed_mentions")
        if not isinstance(allowed, dict):
            allowed = {"parse": ["users", "roles", "everyone"]}
        parse = set(allowed.get("parse") or ())
        listed = {key: {int(number) for number in allowed.get(key) or ()} for key in ("users", "roles")}

        def pinged(pattern: str, key: str) -> Iterator[int]:
            for found in dict.fromkeys(re.findall(pattern, message.content)):
                if key in parse or int(found) in listed[key]:
                    yield int(found)

        guild = message.channel.guild or self.guild
        writer = guild.members.get(message.author.id) or self.bot
        privileged = writer.may(Permission.MENTION_EVERYONE)
        roles = {role.id: role for role in guild.roles}
        users = [user for user in pinged(r"<@!?(\d+)>", "users") if user in guild.members]
        return Mentions(
            users=tuple(users),
            roles=tuple(
                role
                for role in pinged(r"<@&(\d+)>", "roles")
                if role in roles and (privileged or roles[role].mentionable)
            ),
            everyone=privileged
            and "everyone" in parse
            and bool(re.search(r"@(everyone|here)\b", message.content)),
        )

    # --- interactions

    def add_interaction(
        self,
        kind: int,
        member: Member,
        data: Json,
        *,
        channel: Channel | None = None,
        locale: str = "en-US",
        command: Command | None = None,
        title: str = "",
        source: Message | None = None,
        parent: Interaction | None = None,
    ) -> Interaction:
        """By default in the guild's channel; see `Interaction` for the other parameters."""
        interaction = Interaction(
            id=self.snowflake(),
            token=secrets.token_urlsafe(96),
            type=kind,
            member=member,
            application_id=self.application_id,
            created=self.clock.time(),
            data=data,
            channel=channel or self.channel,
            locale=locale,
            command=command,
            title=title,
            source=source,
            parent=parent,
            own=member.id in self.installed,
        )
        self.interactions[interaction.token] = interaction
        while len(self.interactions) > KEPT_INTERACTIONS:
            oldest = next(iter(self.interactions.values()))
            if oldest.created > self.clock.time() - LIVE:
                break
            del self.interactions[oldest.token]
        self.changed("interaction.create", interaction, interaction.id)
        return interaction


def _numbered(components: Sequence[Json]) -> list[Json]:
    """A deep copy in which every component has an `id`, unique in its message, as Discord assigns them."""
    taken = {part["id"] for part in rules.walk(components) if part.get("id")}
    numbers = (number for number in range(1, 1 << 31) if number not in taken)

    def copy(component: Json) -> Json:
        body = dict(component)
        if not body.get("id"):
            body["id"] = next(numbers)
        if "components" in body:
            body["components"] = [copy(inner) for inner in body["components"] or ()]
        for key in ("component", "accessory"):
            if isinstance(body.get(key), dict):
                body[key] = copy(body[key])
        for key in ("media", "file"):
            if isinstance(body.get(key), dict):
                body[key] = dict(body[key])
        if body.get("type") == rules.GALLERY:
            body["items"] = [item | {"media": dict(item["media"])} for item in body["items"]]
        return body

    return [copy(component) for component in components]


def _resolve_media(component: Json, attachments: Sequence[Attachment]) -> None:
    """Point the pictures and files of a (copied) component to those uploaded with the message."""
    by_name = {attachment.filename: attachment for attachment in attachments}
    for holder, key in rules.media_of(component):
        scheme, _, rest = str(holder[key]["url"]).partition("://")
        file = by_name.get(rules.safe_filename(rest)) if scheme == "attachment" else None
        if file is None:
            continue
        width, height = file.dimensions or (None, None)
        holder[key].update(
            url=file.url,
            proxy_url=file.url,
            width=width,
            height=height,
            content_type=file.content_type,
            attachment_id=str(file.id),
        )
        if key == "file":
            holder.update(name=file.filename, size=file.size)
