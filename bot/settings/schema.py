"""The settings from config.toml and the environment, as typed models.

The sections of the models and their lanes come from the registry of slots, so a new kind of model there can be
configured here. This module does not load discord.py or a model, so `check` answers at once.
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
    """The configuration is invalid; `problems` has one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:  # unbalanced brackets, or a port that is not a number
        return False


def is_host(value: str) -> bool:
    """Whether a text is a valid host name or IP address."""
    try:
        ip_address(value)
    except ValueError:
        return len(value) <= LONGEST_HOST and _HOST.fullmatch(value) is not None
    return True


Place = Annotated[Path, Strict(False)]
ShardId = Annotated[int, Field(ge=0)]
Snowflake = Annotated[int, AfterValidator(Rule("setting-ids", lambda number: 0 < number < 2**63))]


def _id_in_header(value: object) -> object:
    """The id in the name of a table, which is a string in TOML."""
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


def is_cluster_address(value: str) -> bool:
    """Whether a text can be the address of a Ray cluster."""
    if value == "auto":
        return True
    try:
        parts = urlsplit(f"tcp://{value}")
        return value == parts.netloc and bool(parts.port) and is_host(parts.hostname or "")
    except ValueError:
        return False


DatabaseUrl = Annotated[str, AfterValidator(Rule("setting-database-url", is_database_url))]
Host = Annotated[str, AfterValidator(Rule("setting-host", is_host))]


class Database(Section):
    url: DatabaseUrl = Field(
        "",
        description="The database for likes and everything else the bot stores. Empty: an SQLite file under `data_dir`.",
        repr=False,
    )
    connections: int = Field(
        8, ge=1, le=100, description="Maximum number of connections to a server; SQLite uses one."
    )


class Discord(Section):
    api_url: RestUrl = Field(
        API_URL, description="Discord's REST API. Can point to a proxy or to the sandbox instead."
    )
    gateway_url: GatewayUrl = Field("", description="Discord's gateway. Empty: ask the REST API.")
    shard_count: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Total number of shards across all processes. 0: as many as Discord recommends.",
    )
    shard_ids: list[ShardId] = Field(
        [],
        description="The shards that this process runs, numbered from 0; needs `shard_count`. Empty: all. `run --shards` overrides it.",
    )
    guild_ids: list[Snowflake] = Field(
        [],
        description="Register commands only in these (test) servers, where they appear at once. Empty: everywhere.",
    )
    channel_ids: list[Snowflake] = Field(
        [],
        description="Answer commands only in these channels or categories; threads count as their channel. "
        "Empty: everywhere.",
    )
    token_file: Place | None = Field(
        None,
        description="A file that contains only the bot's token. DISCORD_TOKEN overrides it.",
        json_schema_extra=PATH,
    )
    admin_role_ids: list[Snowflake] = Field(
        [],
        description="Roles whose members may reload models, in addition to the application's owner and team.",
    )
    home_guild_ids: list[Snowflake] = Field(
        [],
        description="Servers where members with the Manage Server permission may also reload models. Empty: none.",
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
    """Limits for people with a role, or in a channel, that replace the general ones."""

    per_user: PerUser | None = None
    commands: Commands | None = None
    seconds: Seconds | None = None
    max_new_tokens: NewTokens | None = None
    prompt_characters: Characters | None = None
    text_characters: Characters | None = None


class Limits(Section):
    per_user: PerUser = Field(2, description="Requests that one person may have running or waiting.")
    commands: Commands = Field(30, description="Commands that one person may send within `seconds`.")
    seconds: Seconds = Field(20, description="The period for `commands`, in seconds.")
    drain_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="How long running answers may continue when the bot is told to stop, in seconds.",
    )
    prompt_characters: Characters = Field(2000, description="Maximum length of a /generate prompt.")
    text_characters: Characters = Field(6000, description="Maximum length of a text for the other commands.")
    roles: dict[TableId, OwnLimits] = Field(
        {}, description="Limits for people with a role: one table [limits.roles.ID] per role."
    )
    channels: dict[TableId, OwnLimits] = Field(
        {},
        description="Limits in a channel or category: one table [limits.channels.ID] each.",
    )


Workers = Annotated[int, Field(ge=1, le=64)]
Queue = Annotated[
    int,
    Field(ge=0, le=1000, description="Requests that may wait. Further ones are told that the bot is busy."),
]
# An interaction's token expires after 15 minutes.
Timeout = Annotated[
    float, Field(gt=0, le=840, description="Seconds from request to answer, including waiting.")
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


Replicas = Annotated[int, Field(ge=1, le=1000, description="Number of copies of the model.")]
MostReplicas = Annotated[
    int,
    Field(ge=0, le=1000, description="Maximum number of copies under load. 0: the same as `replicas`."),
]
Cpus = Annotated[float, Field(ge=0, le=1000, description="CPUs that each copy reserves.")]
Gpus = Annotated[
    float, Field(ge=0, le=100, description="GPUs that each copy reserves; less than 1 shares one.")
]
Ongoing = Annotated[
    int,
    Field(ge=0, le=1000, description="Requests that each copy serves at once. 0: `workers` of the lane."),
]
Queued = Annotated[
    int | None,
    Field(
        ge=0,
        le=100_000,
        description="Requests that may wait for all copies together. None: `queue` of the lane.",
    ),
]


class Deployment(Section):
    """How a slot is deployed on a cluster."""

    replicas: Replicas = 1
    max_replicas: MostReplicas = 0
    cpus: Cpus = 1.0
    gpus: Gpus = 0.0
    max_ongoing_requests: Ongoing = 0
    max_queued_requests: Queued = None


def _deployment_section(slot: Slot) -> type[Deployment]:
    """The table of a slot's deployment, with the slot's own defaults."""
    return create_model(f"{slot.name.capitalize()}Deployment", __base__=Deployment, cpus=(Cpus, slot.cpus))


ClusterAddress = Annotated[str, AfterValidator(Rule("setting-cluster-address", is_cluster_address))]


class _Inference(Section):
    backend: Literal["local", "ray"] = Field(
        "local", description='Where the models run: "local" in the bot\'s process, "ray" on a Ray cluster.'
    )
    address: ClusterAddress = Field(
        "auto", description='The cluster: "auto" for the one on this machine, or HOST:PORT.'
    )


class Health(Section):
    enabled: bool = Field(
        False, description="Whether to serve /livez, /readyz, /healthz and, for Prometheus, /metrics."
    )
    host: Host = Field(
        "127.0.0.1",
        description="The address to listen on. Keep loopback unless monitoring runs on another machine.",
    )
    port: int = Field(8086, ge=1, le=65535, description="The port to listen on.")


class Log(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The lowest level that is logged."
    )

    @field_validator("level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Audit(Section):
    enabled: bool = Field(
        False, description="Whether to record who used which command, where, and with what result."
    )
    file: Place | None = Field(
        None,
        description="The audit log, in JSON lines. Empty: audit.jsonl under `data_dir`.",
        json_schema_extra=PATH,
    )
    max_bytes: int = Field(
        10_000_000,
        ge=1000,
        le=10_000_000_000,
        description="The size at which a new file is started, in bytes.",
    )
    keep: int = Field(
        5, ge=1, le=1000, description="Number of older files to keep, as FILE.1, FILE.2 and so on."
    )

    @field_validator("file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


class _General(BaseSettings):
    """The settings before the models, in the order of config.toml."""

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
        description="The folder for everything the bot stores.",
        json_schema_extra=PATH,
        validate_default=False,
    )
    database: Database = Database()
    discord: Discord = Discord()
    limits: Limits = Limits()


if TYPE_CHECKING:

    class Lanes(Section):
        """One lane per slot, under the slot's name."""

        def __getattr__(self, slot: str, /) -> Lane: ...

    class Inference(_Inference):
        """Where the models run, and a deployment for each slot, under its name."""

        def __getattr__(self, slot: str, /) -> Deployment: ...

    class _Models(_General):
        """One section per slot, under the slot's name; None if the settings have none."""

        inference: Inference
        lanes: Lanes

        def __getattr__(self, slot: str, /) -> ModelSection | None: ...

else:
    _lane_sections = {slot.name: _lane_section(slot) for slot in in_display_order()}
    Lanes = create_model(
        "Lanes", __base__=Section, **{name: (section, section()) for name, section in _lane_sections.items()}
    )
    _deployments = {slot.name: _deployment_section(slot) for slot in in_display_order()}
    Inference = create_model(
        "Inference",
        __base__=_Inference,
        **{name: (section, section()) for name, section in _deployments.items()},
    )
    _Models = create_model(
        "_Models",
        __base__=_General,
        inference=(Inference, Inference()),
        lanes=(Lanes, Lanes()),
        **{slot.name: (slot.section | None, None) for slot in in_display_order()},
    )


class Settings(_Models):
    """All settings. The bot runs without models whose section is missing."""

    health: Health = Health()
    log: Log = Log()
    audit: Audit = Audit()

    _path: Path | None = PrivateAttr(None)

    @property
    def path(self) -> Path | None:
        """The file that these settings come from, if any."""
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
        # `load` merges the file and the environment, because their relative paths have different bases.
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    def section(self, kind: type[SectionT]) -> SectionT | None:
        """The section of one kind of model; None if it is missing."""
        return next((value for _, value in self if isinstance(value, kind)), None)

    def lane(self, slot: str) -> Lane:
        """The lane of a slot. Raises AttributeError if there is no such slot."""
        lane: Lane = getattr(self.lanes, slot)
        return lane

    def model_section(self, slot: str) -> ModelSection | None:
        """The section of a slot; None if it is missing."""
        section: ModelSection | None = getattr(self, slot)
        return section

    def spec_of(self, slot: str, section: ModelSection) -> Spec:
        """The spec for a slot with this section."""
        return section.spec(self.data_dir, self.workers(slot))

    def deployment(self, slot: str) -> Deployment:
        """How a slot is deployed on a cluster. Raises AttributeError if there is no such slot."""
        deployment: Deployment = getattr(self.inference, slot)
        return deployment

    def workers(self, slot: str) -> int:
        """The number of requests that one replica of a slot's model answers concurrently."""
        on_cluster = self.inference.backend == "ray" and self.deployment(slot).max_ongoing_requests
        return on_cluster or self.lane(slot).workers

    def specs(self) -> dict[str, Spec]:
        """The specs by slot, in load order."""
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
    """The section in a field, if the field is not a single value."""
    if get_origin(field.annotation) is dict:
        return None
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def section_by_id(field: FieldInfo) -> type[Section] | None:
    """The section type of a field with one section per id."""
    match get_origin(field.annotation), get_args(field.annotation):
        case kind, (_, section) if kind is dict and issubclass(section, Section):
            return section  # type: ignore[no-any-return]
    return None


def place_of(field: FieldInfo) -> str:
    """The kind of place that a key names: "path", "name", "vectors" or "address"; "" if none."""
    extra = field.json_schema_extra
    return str(extra.get("place", "")) if isinstance(extra, dict) else ""


def env_name(key: str) -> str:
    """The environment variable that sets a key."""
    return PREFIX + key.replace(".", "__").upper()
