"""What can be set: config.toml and the environment, as typed settings.

The sections of the models and their lanes come from the registry of slots, so that a kind of model that is added
there can be set here. This module loads neither discord.py nor a model, so that `check` answers at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    Strict,
    ValidationInfo,
    create_model,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

import texts
from models.sections import PATH, ModelSection, Rule, Section
from models.slots import SLOTS, LaneLimits, Slot, in_display_order
from models.specs import Spec

SectionT = TypeVar("SectionT", bound=ModelSection)

PREFIX = "TOKENWISE_"
LONGEST_HOST = 253
_HOST = re.compile(r"[\w](?:[\w-]{0,61}\w)?(?:\.\w(?:[\w-]{0,61}\w)?)*\.?")
API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:  # brackets that do not match, or a port that is no number
        return False


def is_host(value: str) -> bool:
    """Whether a text can be the name or the address of a host."""
    try:
        ip_address(value)
    except ValueError:
        return len(value) <= LONGEST_HOST and _HOST.fullmatch(value) is not None
    return True


Place = Annotated[Path, Strict(False)]
ShardId = Annotated[int, Field(ge=0)]
Snowflake = Annotated[int, AfterValidator(Rule("setting-ids", lambda number: 0 < number < 2**63))]


def _id_in_header(value: object) -> object:
    """The id in the name of a table, which TOML has as text."""
    if not (isinstance(value, str) and value.isascii() and value.isdecimal()):
        raise ValueError(texts.say("setting-ids"))
    return int(value)


TableId = Annotated[Snowflake, BeforeValidator(_id_in_header)]
RestUrl = Annotated[
    str,
    AfterValidator(Rule("setting-rest-url", lambda url: is_url(url, ("https", "http")))),
    AfterValidator(lambda url: url.rstrip("/")),
]
GatewayUrl = Annotated[
    str, AfterValidator(Rule("setting-gateway-url", lambda url: not url or is_url(url, ("wss", "ws"))))
]
_DATABASE_URL = re.compile(r"(sqlite|postgresql)[\w+]*://[^\s\0]*")


def is_database_url(value: str) -> bool:
    """Whether a text is the URL of a database, or empty."""
    if not _DATABASE_URL.fullmatch(value):
        return not value
    try:
        parts = urlsplit(value)
        return parts.port != 0 and (not parts.hostname or is_host(parts.hostname))
    except ValueError:
        return False


DatabaseUrl = Annotated[str, AfterValidator(Rule("setting-database-url", is_database_url))]
Host = Annotated[str, AfterValidator(Rule("setting-host", is_host))]


class Database(Section):
    url: DatabaseUrl = Field(
        "",
        description="The database of likes and what else the bot keeps. Empty: an SQLite file under `data_dir`.",
        repr=False,
    )
    connections: int = Field(
        8, ge=1, le=100, description="Most connections to a server at a time; SQLite has one."
    )


class Discord(Section):
    api_url: RestUrl = Field(
        API_URL, description="Discord's REST API. A proxy or the sandbox can stand in its place."
    )
    gateway_url: GatewayUrl = Field(
        "", description="Discord's gateway. Empty: the one that the REST API names."
    )
    shard_count: int = Field(
        0, ge=0, le=100_000, description="Shards of all processes together. 0: as many as Discord recommends."
    )
    shard_ids: list[ShardId] = Field(
        [],
        description="The shards of this process, numbered from 0; needs `shard_count`. Empty: all. `run --shards` wins.",
    )
    guild_ids: list[Snowflake] = Field(
        [],
        description="Test servers to register the commands in, where they show at once. Empty: everywhere.",
    )
    channel_ids: list[Snowflake] = Field(
        [],
        description="Channels, or categories of them, where commands are answered; threads count as their channel. "
        "Empty: everywhere.",
    )
    token_file: Place | None = Field(
        None,
        description="A file that holds the bot's token and nothing else. DISCORD_TOKEN wins over it.",
        json_schema_extra=PATH,
    )
    admin_role_ids: list[Snowflake] = Field(
        [], description="Roles that may reload models, besides the owner of the application and its team."
    )
    home_guild_ids: list[Snowflake] = Field(
        [],
        description="Servers where members with the permission Manage Server may reload models too. Empty: none.",
    )
    pictures: Literal["both", "dark", "light"] = Field(
        "both",
        description="The colours of pictures: for Discord's dark theme, for its light one, or slate, which suits both.",
    )

    @field_validator("shard_ids")
    @classmethod
    def _within_the_count(cls, value: list[int], info: ValidationInfo) -> list[int]:
        count = info.data.get("shard_count", 0)
        if value and (max(value) >= count or len(set(value)) < len(value)):
            raise ValueError(texts.say("setting-shard-ids", count=str(count)))
        return value

    @field_validator("token_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


PerUser = Annotated[int, Field(ge=1, le=100)]
Commands = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Characters = Annotated[int, Field(ge=1, le=6000)]
NewTokens = Annotated[int, Field(ge=1, le=8192)]


class OwnLimits(Section):
    """What holds for the people with a role, or in a channel, instead of the general limits."""

    per_user: PerUser | None = None
    commands: Commands | None = None
    seconds: Seconds | None = None
    max_new_tokens: NewTokens | None = None
    prompt_characters: Characters | None = None
    text_characters: Characters | None = None


class Limits(Section):
    per_user: PerUser = Field(2, description="Questions that one person may have running or waiting.")
    commands: Commands = Field(30, description="Commands that one person may send in `seconds`.")
    seconds: Seconds = Field(20, description="The span that `commands` counts in, in seconds.")
    drain_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="How long running answers may go on when the bot is told to stop, in seconds.",
    )
    prompt_characters: Characters = Field(2000, description="Longest prompt of /generate.")
    text_characters: Characters = Field(6000, description="Longest text of the other commands.")
    roles: dict[TableId, OwnLimits] = Field(
        {}, description="Limits of the people with a role: a table [limits.roles.ID] for each."
    )
    channels: dict[TableId, OwnLimits] = Field(
        {},
        description="Limits in a channel or a category of channels: a table [limits.channels.ID] for each.",
    )


Workers = Annotated[int, Field(ge=1, le=64)]
Queue = Annotated[
    int,
    Field(ge=0, le=1000, description="Questions that may wait; one more is told that the bot is busy."),
]
# An interaction's token is void after 15 minutes.
Timeout = Annotated[
    float, Field(gt=0, le=840, description="Seconds from question to answer, waiting included.")
]
_USUAL = LaneLimits()


class Lane(Section):
    workers: Workers = Field(_USUAL.workers, description=_USUAL.description)
    queue: Queue = _USUAL.queue
    timeout: Timeout = _USUAL.timeout


def _lane_section(slot: Slot) -> type[Lane]:
    """The table of a slot's lane, with the slot's own defaults."""
    limits = slot.lane
    return create_model(
        f"{slot.name.capitalize()}Lane",
        __base__=Lane,
        workers=(Workers, Field(limits.workers, description=limits.description)),
        queue=(Queue, limits.queue),
        timeout=(Timeout, limits.timeout),
    )


class Health(Section):
    enabled: bool = Field(
        False, description="Whether to answer /livez, /readyz, /healthz and, for Prometheus, /metrics."
    )
    host: Host = Field(
        "127.0.0.1", description="The address to listen on; loopback, unless something else watches."
    )
    port: int = Field(8086, ge=1, le=65535, description="The port to listen on.")


class Log(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least level that is logged."
    )

    @field_validator("level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Audit(Section):
    enabled: bool = Field(
        False, description="Whether to note who used which command, where, and how it ended."
    )
    file: Place | None = Field(
        None,
        description="The file of these notes, in JSON lines. Empty: audit.jsonl under `data_dir`.",
        json_schema_extra=PATH,
    )
    max_bytes: int = Field(
        10_000_000, ge=1000, le=10_000_000_000, description="The size at which a new file is begun, in bytes."
    )
    keep: int = Field(5, ge=1, le=1000, description="Older files that are kept, as FILE.1, FILE.2 and so on.")

    @field_validator("file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


class _General(BaseSettings):
    """What is set before the models, in the order of config.toml."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    token: SecretStr | None = Field(None, repr=False)
    data_dir: Place = Field(
        Path("data"),
        description="Where everything that the bot keeps lies.",
        json_schema_extra=PATH,
        validate_default=False,
    )
    database: Database = Database()
    discord: Discord = Discord()
    limits: Limits = Limits()


if TYPE_CHECKING:

    class Lanes(Section):
        """A lane for each slot, under its name."""

        def __getattr__(self, slot: str, /) -> Lane: ...

    class _Models(_General):
        """A section for each slot, under its name; None where the settings have none."""

        lanes: Lanes

        def __getattr__(self, slot: str, /) -> ModelSection | None: ...

else:
    _lane_sections = {slot.name: _lane_section(slot) for slot in in_display_order()}
    Lanes = create_model(
        "Lanes", __base__=Section, **{name: (section, section()) for name, section in _lane_sections.items()}
    )
    _Models = create_model(
        "_Models",
        __base__=_General,
        lanes=(Lanes, Lanes()),
        **{slot.name: (slot.section | None, None) for slot in in_display_order()},
    )


class Settings(_Models):
    """Everything that can be set. A model's section that is left out means that the bot does without it."""

    health: Health = Health()
    log: Log = Log()
    audit: Audit = Audit()

    _path: Path | None = PrivateAttr(None)

    @property
    def path(self) -> Path | None:
        """The file that these settings come from, if they come from one."""
        return self._path

    def come_from(self, path: Path) -> None:
        self._path = path

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load` merges the file and the environment itself, because they count paths from different folders.
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    def section(self, kind: type[SectionT]) -> SectionT | None:
        """The section of one kind of model; None if it is left out."""
        return next((value for _, value in self if isinstance(value, kind)), None)

    def lane(self, slot: str) -> Lane:
        """The lane of a slot. AttributeError if there is no such slot."""
        lane: Lane = getattr(self.lanes, slot)
        return lane

    def model_section(self, slot: str) -> ModelSection | None:
        """The section of a slot; None if it is left out."""
        section: ModelSection | None = getattr(self, slot)
        return section

    def spec_of(self, slot: str, section: ModelSection) -> Spec:
        """What the hub is to load into a slot, if this is its section."""
        return section.spec(self.data_dir, self.lane(slot).workers)

    def specs(self) -> dict[str, Spec]:
        """What the hub is to load, by slot, in the order in which it is loaded."""
        return {slot: self.spec_of(slot, section) for slot in SLOTS if (section := self.model_section(slot))}


def keys(model: type[BaseModel] = Settings, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key by its full name, such as `lanes.language.queue`, with what pydantic knows about it."""
    for name, field in model.model_fields.items():
        if name == "token":
            continue
        if section := section_of(field):
            yield from keys(section, f"{above}{name}.")
        else:
            yield above + name, field


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, if it is none of the single values."""
    if get_origin(field.annotation) is dict:
        return None
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def section_by_id(field: FieldInfo) -> type[Section] | None:
    """The section of which a field holds one for each id, if it does."""
    match get_origin(field.annotation), get_args(field.annotation):
        case kind, (_, section) if kind is dict and issubclass(section, Section):
            return section  # type: ignore[no-any-return]
    return None


def place_of(field: FieldInfo) -> str:
    """What kind of place a key names: "path", "name", "vectors" or "address"; "" if it names none."""
    extra = field.json_schema_extra
    return str(extra.get("place", "")) if isinstance(extra, dict) else ""


def env_name(key: str) -> str:
    """The environment variable that sets a key."""
    return PREFIX + key.replace(".", "__").upper()
