"""The sandbox's objects: a guild, its channel, members, roles, commands, messages and interactions.

Each builds its own Discord payload; the `World` (`sandbox/world.py`) holds and changes them.
"""

from __future__ import annotations

import builtins
import mimetypes
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

from sandbox import rules
from sandbox.clock import Clock
from sandbox.rules import Json

DISCORD_EPOCH = 1_420_070_400_000
"""Milliseconds since 1970 at which snowflakes start to count."""


class Permission:
    """The permission bits that the sandbox itself checks or grants."""

    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_COMMANDS = 1 << 31
    USE_EXTERNAL_APPS = 1 << 50
    """Without it, what an app of a member's own answers is for that member alone."""
    ALL = (1 << 53) - 1
    EVERYONE = (
        VIEW_CHANNEL
        | SEND_MESSAGES
        | ADD_REACTIONS
        | EMBED_LINKS
        | ATTACH_FILES
        | READ_HISTORY
        | USE_COMMANDS
        | USE_EXTERNAL_APPS
    )


class Snowflakes:
    """Ids that contain their time: 42 bits of milliseconds, then worker, process and a counter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def __call__(self) -> int:
        now = int(self._clock.time() * 1000) - DISCORD_EPOCH
        self._last = max(now << 22 | 1 << 17, self._last + 1)
        return self._last


def lasting_snowflake(name: str) -> int:
    """An id derived from a name alone, for an account some years old: the same person in every sandbox."""
    moment = datetime(2021, 3, 1, tzinfo=UTC).timestamp() * 1000 - DISCORD_EPOCH
    return (int(moment) + zlib.crc32(name.encode()) % 10**10) << 22 | 1 << 17


def shard_of(guild_id: int, count: int) -> int:
    """The shard, out of `count`, that is responsible for a guild.

    https://docs.discord.com/developers/events/gateway#sharding
    """
    return (guild_id >> 22) % count


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


@dataclass
class Role:
    id: int
    name: str
    permissions: int
    position: int
    managed: bool = False
    mentionable: bool = False

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "description": None,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "icon": None,
            "unicode_emoji": None,
            "managed": self.managed,
            "mentionable": self.mentionable,
            "flags": 0,
        }


@dataclass
class User:
    id: int
    name: str
    bot: bool = False

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            # Bots still have legacy names, with capitals, spaces and a discriminator.
            "username": self.name if self.bot else self.name.lower().replace(" ", "_"),
            "global_name": None if self.bot else self.name,
            "discriminator": f"{self.id % 9999 + 1:04}" if self.bot else "0",
            "avatar": None,
            "avatar_decoration_data": None,
            "banner": None,
            "accent_color": None,
            "collectibles": None,
            "primary_guild": None,
            "public_flags": 0,
            "flags": 0,
            "bot": self.bot,
        }


@dataclass
class Member:
    user: User
    guild: Guild = field(repr=False)
    roles: list[Role]
    joined: float

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    @property
    def permissions(self) -> int:
        """Permissions in the guild's channels: the union of all roles; owners and administrators have all."""
        if self.id == self.guild.owner_id:
            return Permission.ALL
        bits = self.guild.everyone.permissions
        for role in self.roles:
            bits |= role.permissions
        return Permission.ALL if bits & Permission.ADMINISTRATOR else bits

    def may(self, permissions: int) -> bool:
        return self.permissions & permissions == permissions

    def payload(self, *, user: bool = True, permissions: bool = False) -> Json:
        body: Json = {
            "nick": None,
            "avatar": None,
            "banner": None,
            "roles": [str(role.id) for role in self.roles],
            "joined_at": timestamp(self.joined),
            "premium_since": None,
            "communication_disabled_until": None,
            "unusual_dm_activity_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }
        if user:
            body["user"] = self.user.payload()
        if permissions:
            body["permissions"] = str(self.permissions)
        return body


@dataclass
class Channel:
    """A text channel of the guild, a thread of one, the bot's direct messages with one `recipient`, or a `group` of
    people without the bot.
    """

    id: int
    name: str
    guild: Guild | None = field(repr=False)
    recipient: Member | None = None
    last_message: int | None = None
    thread_of: Channel | None = field(default=None, repr=False)
    """The channel that a thread belongs to."""
    archived: bool = False
    group: tuple[Member, ...] = ()

    @property
    def context(self) -> int:
        """The context of commands used here: 0 in a guild, 1 in the bot's direct messages, 2 in private channels."""
        return 0 if self.guild is not None else 2 if self.group else 1

    @property
    def has_bot(self) -> bool:
        """Whether the bot is a member, as opposed to being available only as a user app."""
        return not self.group if self.guild is None else self.guild.has_bot

    def payload(self, permissions: int | None = None) -> Json:
        last = str(self.last_message) if self.last_message else None
        if self.guild is None:
            members = self.group or ((self.recipient,) if self.recipient else ())
            people = [member.user.payload() for member in members]
            direct = {
                "id": str(self.id),
                "type": 1,
                "flags": 0,
                "last_message_id": last,
                "recipients": people,
            }
            if self.group:
                direct |= {"type": 3, "name": self.name, "icon": None, "owner_id": str(self.group[0].id)}
            return direct
        body: Json = {
            "id": str(self.id),
            "guild_id": str(self.guild.id),
            "name": self.name,
            "type": 0,
            "position": 0,
            "topic": None,
            "nsfw": False,
            "parent_id": None,
            "rate_limit_per_user": 0,
            "permission_overwrites": [],
            "last_message_id": last,
            "last_pin_timestamp": None,
            "flags": 0,
        }
        if self.thread_of is not None:
            body |= {
                "type": 11,
                "parent_id": str(self.thread_of.id),
                "owner_id": str(self.guild.owner_id),
                "message_count": 0,
                "member_count": 1,
                "thread_metadata": {
                    "archived": self.archived,
                    "locked": self.archived,
                    "auto_archive_duration": 1440,
                    "archive_timestamp": timestamp(0),
                },
            }
        if permissions is not None:
            body["permissions"] = str(permissions)
        return body


@dataclass
class Guild:
    id: int
    name: str
    owner_id: int
    everyone: Role
    locale: str = "en-US"
    roles: list[Role] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    members: dict[int, Member] = field(default_factory=dict)
    has_bot: bool = True

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner_id),
            "preferred_locale": self.locale,
            "roles": [role.payload() for role in (self.everyone, *self.roles)],
            "emojis": [],
            "stickers": [],
            "features": [],
            "description": None,
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "banner": None,
            "region": "deprecated",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "public_updates_channel_id": None,
            "safety_alerts_channel_id": None,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "nsfw": False,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "vanity_url_code": None,
            "max_members": 500_000,
            "max_video_channel_users": 25,
            "max_stage_video_channel_users": 50,
            "application_id": None,
        }

    def partial(self) -> Json:
        """The short form that interactions contain."""
        return {"id": str(self.id), "locale": self.locale, "features": []}


@dataclass
class Command:
    """A registered command; `body` is what Discord's API returns for it."""

    id: int
    guild_id: int | None
    body: Json

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def type(self) -> int:
        return int(self.body["type"])

    @property
    def description(self) -> str:
        return str(self.body["description"])

    @property
    def options(self) -> list[Json]:
        return list(self.body["options"])

    def authorized_by(self, channel: Channel, *, own: bool) -> list[int]:
        """The installations that provide the command in a channel: 0 the guild's, 1 the member's `own`."""
        types = self.body["integration_types"]
        return [kind for kind, there in ((0, channel.has_bot), (1, own)) if there and kind in types]

    def allowed(self, member: Member, channel: Channel, *, own: bool = False) -> bool:
        """Whether Discord shows the command to `member` in a channel; `own` is whether they have installed the app."""
        contexts = self.body["contexts"]
        if contexts is None:
            # `dm_permission` is the older field that `contexts` replaced.
            contexts = [0, 1] if self.body["dm_permission"] is not False else [0]
        if channel.context not in contexts or not self.authorized_by(channel, own=own):
            return False
        if channel.guild is None:
            return self.guild_id is None
        needed = self.body["default_member_permissions"]
        if self.guild_id not in {None, member.guild.id}:
            return False
        if needed is None:
            return True
        return member.permissions == Permission.ALL or (int(needed) > 0 and member.may(int(needed)))


@dataclass(frozen=True)
class Upload:
    """A file sent with a request."""

    filename: str
    content: bytes


SERVED_TYPES = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "text/csv", "application/json",
        "audio/mpeg", "audio/ogg", "video/mp4", "video/webm", "application/pdf", "application/zip",
    }
)  # fmt: skip
"""Content types of served attachments; everything else, above all markup, is served as plain bytes."""


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_SIZE_END = 24
"""Bytes up to the end of the width and height, which come first in a PNG file."""


def _png_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(PNG_SIGNATURE) or len(content) < PNG_SIZE_END:
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:PNG_SIZE_END])


@dataclass
class Attachment:
    """A file of a message; after the sandbox drops it, `content` is empty and the rest remains."""

    id: int
    filename: str
    content: builtins.bytes = field(repr=False)
    url: str
    description: str | None = None
    ephemeral: bool = False
    size: int = field(init=False)
    """In bytes."""
    dimensions: tuple[int, int] | None = field(init=False)
    """Width and height in pixels of a PNG, from its header."""

    def __post_init__(self) -> None:
        self.size = len(self.content)
        self.dimensions = _png_size(self.content)

    @property
    def bytes(self) -> builtins.bytes:
        return self.content

    @property
    def content_type(self) -> str:
        kind, encoding = mimetypes.guess_type(self.filename)
        if encoding is not None or kind not in SERVED_TYPES:
            return "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    def payload(self) -> Json:
        body: Json = {
            "id": str(self.id),
            "filename": self.filename,
            "size": self.size,
            "url": self.url,
            "proxy_url": self.url,
            "content_type": self.content_type,
            "content_scan_version": 0,
            "flags": 0,
        }
        if self.dimensions:
            body["width"], body["height"] = self.dimensions
        if self.description is not None:
            body["description"] = self.description
        if self.ephemeral:
            body["ephemeral"] = True
        return body


@dataclass(frozen=True)
class Button:
    label: str
    custom_id: str
    """Empty for link buttons."""
    style: int
    disabled: bool
    emoji: str
    url: str = ""

    @classmethod
    def of(cls, component: Json) -> Button:
        return cls(
            label=component.get("label") or "",
            custom_id=component.get("custom_id") or "",
            style=component["style"],
            disabled=bool(component.get("disabled")),
            emoji=(component.get("emoji") or {}).get("name") or "",
            url=component.get("url") or "",
        )


@dataclass(frozen=True)
class Mentions:
    """The mentions in a message that ping someone, according to its `allowed_mentions`."""

    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    everyone: bool = False


@dataclass
class Message:
    id: int
    channel: Channel = field(repr=False)
    author: User = field(repr=False)
    content: str
    embeds: list[Json]
    components: list[Json]
    attachments: list[Attachment]
    flags: int
    created: float
    mentions: Mentions = field(default_factory=Mentions)
    interaction: Interaction | None = field(default=None, repr=False)
    reference: int | None = None
    referenced: Message | None = field(default=None, repr=False)
    """The message that this one replies to, if it was known."""
    kind: int = 0
    tts: bool = False
    nonce: str | None = None
    edited_at: float | None = None
    edits: int = 0
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & rules.EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether the message only shows that the bot is thinking."""
        return bool(self.flags & rules.LOADING)

    @property
    def text(self) -> str:
        """All visible text: content, then each embed's author, title, description, fields and footer."""
        lines = [self.content]
        for embed in self.embeds:
            lines.append(embed.get("author", {}).get("name", ""))
            lines += [embed.get("title") or "", embed.get("description") or ""]
            for part in embed.get("fields", ()):
                lines += [part["name"], part["value"]]
            lines.append(embed.get("footer", {}).get("text", ""))
        lines += [
            str(part["content"]) for part in rules.walk(self.components) if part.get("type") == rules.TEXT
        ]
        return "\n".join(line for line in lines if line)

    @property
    def buttons(self) -> list[Button]:
        return [Button.of(part) for part in rules.walk(self.components) if part.get("type") == rules.BUTTON]

    def button(self, name: str) -> Button:
        """The button with this label or custom id, otherwise the first whose label contains `name`. Raises
        LookupError.
        """
        buttons = self.buttons
        for button in buttons:
            if name in {button.label, button.custom_id}:
                return button
        for button in buttons:
            if name.casefold() in button.label.casefold():
                return button
        known = ", ".join(repr(button.label or button.emoji) for button in buttons) or "none"
        raise LookupError(f"the message has no button {name!r}; buttons there: {known}")

    def visible_to(self, member: Member) -> bool:
        if self.deleted:
            return False
        return not self.ephemeral or (
            self.interaction is not None and self.interaction.member.id == member.id
        )

    def payload(self, *, nested: bool = False) -> Json:
        """`nested`: the form inside a message that replies to this one."""
        body: Json = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.payload(),
            "content": self.content,
            "timestamp": timestamp(self.created),
            "edited_timestamp": None if self.edited_at is None else timestamp(self.edited_at),
            "tts": self.tts,
            "mention_everyone": self.mentions.everyone,
            "mentions": [],
            "mention_roles": [str(role) for role in self.mentions.roles],
            "attachments": [attachment.payload() for attachment in self.attachments],
            "embeds": self.embeds,
            "components": self.components,
            "pinned": False,
            "type": self.kind,
            "flags": self.flags,
        }
        if self.nonce is not None:
            body["nonce"] = self.nonce
        if self.channel.guild is not None:
            people = (self.channel.guild.members.get(user) for user in self.mentions.users)
            body["mentions"] = [person.user.payload() for person in people if person]
        if self.reference is not None:
            body["message_reference"] = {
                "type": 0,
                "message_id": str(self.reference),
                "channel_id": str(self.channel.id),
            }
            if self.channel.guild is not None:
                body["message_reference"]["guild_id"] = str(self.channel.guild.id)
            if not nested:
                referenced = self.referenced if self.referenced and not self.referenced.deleted else None
                body["referenced_message"] = referenced and referenced.payload(nested=True)
        if self.interaction is not None:
            body["application_id"] = body["webhook_id"] = str(self.interaction.application_id)
            body["interaction_metadata"] = self.interaction.metadata()
            original = self.interaction.original
            if original is not None and original.id != self.id:
                body["interaction_metadata"]["original_response_message_id"] = str(original.id)
            if self.interaction.command is not None:
                body["interaction"] = {
                    "id": str(self.interaction.id),
                    "type": self.interaction.type,
                    "name": self.interaction.title,
                    "user": self.interaction.member.user.payload(),
                }
        return body


@dataclass(frozen=True)
class Version:
    """The state of a message at a time (seconds since 1970); `message` is a copy that no longer changes."""

    time: float
    message: Message


@dataclass(frozen=True)
class Field:
    """An input of a modal."""

    label: str
    custom_id: str
    type: int
    required: bool
    value: str
    min_length: int
    max_length: int


@dataclass(frozen=True)
class Modal:
    custom_id: str
    title: str
    components: list[Json]
    interaction: Interaction = field(repr=False)

    @property
    def fields(self) -> list[Field]:
        found = []
        for part in self.components:
            inner = part.get("components") or ([part["component"]] if "component" in part else [])
            found += [
                Field(
                    label=item.get("label") or part.get("label") or "",
                    custom_id=item["custom_id"],
                    type=item["type"],
                    required=item.get("required", True),
                    value=item.get("value") or "",
                    min_length=item.get("min_length") or 0,
                    max_length=item.get("max_length") or 4000,
                )
                for item in inner
            ]
        return found


COMMAND, COMPONENT, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
"""Interaction types."""


class InteractionContext(TypedDict, total=False):
    """The place of an interaction and the objects it refers to; see `Interaction`."""

    channel: Channel
    locale: str
    command: Command | None
    title: str
    source: Message | None
    parent: Interaction | None


@dataclass
class Interaction:
    """An action of a member, and how the bot has answered it so far."""

    id: int
    token: str
    type: int
    member: Member
    channel: Channel
    application_id: int
    created: float
    data: Json
    locale: str
    command: Command | None = None
    title: str = ""
    """The command's full name, sub-commands included."""
    source: Message | None = None
    """The message whose component was used."""
    parent: Interaction | None = None
    """The interaction that opened the modal that this one submits."""
    own: bool = False
    """Whether the member has installed the app for themselves."""
    answered_with: int | None = None
    """The type of the first answer (the callback)."""
    acknowledged: float | None = None
    failed: str | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Modal | None = None
    choices: list[Json] | None = None
    history: list[Version] = field(default_factory=list)

    @property
    def thinking(self) -> bool:
        return self.original is not None and self.original.loading and not self.original.deleted

    @property
    def autocompleted_type(self) -> int:
        """The type of the option that an autocomplete asks about."""

        def focused(options: Sequence[Json]) -> Iterator[int]:
            for option in options:
                if option.get("focused"):
                    yield option["type"]
                yield from focused(option.get("options") or ())

        return next(focused(self.data.get("options") or ()), rules.STRING)

    def metadata(self) -> Json:
        body: Json = {
            "id": str(self.id),
            "type": self.type,
            "user": self.member.user.payload(),
            "authorizing_integration_owners": self.owners(),
        }
        if self.type == COMMAND and self.command is not None:
            body |= {"name": self.title, "command_type": self.command.type}
            if self.command.type == rules.USER_MENU:
                body["target_user"] = self.data["resolved"]["users"][self.data["target_id"]]
            elif self.command.type == rules.MESSAGE_MENU:
                body["target_message_id"] = self.data["target_id"]
        if self.source is not None:
            body["interacted_message_id"] = str(self.source.id)
        if self.type == SUBMIT and self.parent is not None:
            body["triggering_interaction_metadata"] = self.parent.metadata()
        return body

    @property
    def first(self) -> Interaction:
        """The command interaction that this one derives from."""
        first = self
        while before := first.parent or (first.source.interaction if first.source else None):
            first = before
        return first

    def owners(self) -> dict[str, str]:
        """The guild (0 in direct messages) and the member whose installations provided the command."""
        first = self.first
        guild = (
            {"0": str(self.channel.guild.id) if self.channel.guild else "0"} if self.channel.has_bot else {}
        )
        if first.command is None or not first.own or 1 not in first.command.body["integration_types"]:
            return guild
        return guild | {"1": str(first.member.id)}

    @property
    def alone(self) -> bool:
        """Whether only the member sees the answers: the app is theirs, and the guild does not let user apps answer
        publicly.
        """
        return not self.channel.has_bot and (
            self.channel.guild is not None and not self.member.may(Permission.USE_EXTERNAL_APPS)
        )

    def payload(self, app_permissions: int, attachment_bytes: int) -> Json:
        """The payload that the gateway delivers."""
        body: Json = {
            "id": str(self.id),
            "application_id": str(self.application_id),
            "type": self.type,
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel_id": str(self.channel.id),
            "channel": self.channel.payload(self.member.permissions),
            "app_permissions": str(app_permissions),
            "attachment_size_limit": attachment_bytes,
            "authorizing_integration_owners": self.owners(),
            "context": self.channel.context,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "locale": self.locale,
        }
        if self.channel.guild is None:
            body["user"] = self.member.user.payload()
        else:
            body |= {
                "guild_id": str(self.channel.guild.id),
                "guild": self.channel.guild.partial(),
                "guild_locale": self.channel.guild.locale,
                "member": self.member.payload(permissions=True),
            }
        if self.source is not None:
            body["message"] = self.source.payload()
        return body
