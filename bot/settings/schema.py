"""config.toml and the environment, as typed settings.

A value from the environment wins over the file: `TOKENWISE_LANES__LANGUAGE__QUEUE=4` is `queue` of
`[lanes.language]`. Paths in the file count from the file's folder, paths in the environment from the
working directory. The token comes from `DISCORD_TOKEN` or from a file that holds nothing else, and from
nowhere else.

This module loads neither discord.py nor a model, so that `check` answers at once.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.failures import NotThere
from models.files import finding, names
from models.specs import EncoderSpec, LanguageSpec, SongsSpec, Spec, TokenizersSpec, WordsSpec

DEFAULT_PATH = Path("config.toml")
PREFIX = "TOKENWISE_"
API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg"

TOKEN_SHAPE = re.compile(r"[\w-]{18,}\.[\w-]{4,8}\.[\w-]{20,}")
"""What a bot token looks like: id, time and signature in base64, with points between."""
TOKEN_KEY = re.compile(r"(.*_)?token", re.IGNORECASE)
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
MISPLACED = (
    "the token must not stand here; set DISCORD_TOKEN, or let discord.token_file name a file that holds it"
    " (and reset a token that others may have read)"
)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Rule(NamedTuple):
    """A validator that can say what it allows."""

    words: str
    holds: Callable[[Any], object]

    def __call__(self, value: Any) -> Any:
        if not self.holds(value):
            raise ValueError(self.words)
        return value


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    parts = urlsplit(value)
    return parts.scheme in schemes and bool(parts.hostname)


# What kind of place a setting names; read by `_anchored` and `inspect`.
PATH: dict[str, Any] = {"place": "path"}
NAME: dict[str, Any] = {"place": "name"}
VECTORS: dict[str, Any] = {"place": "vectors"}
ADDRESS: dict[str, Any] = {"place": "address"}
PLACES = {
    "path": "a file or folder",
    "name": "a hub name, or a local file or folder",
    "vectors": "a local file or folder, an https:// address, a gensim data set, or a hub name",
    "address": "a file, or its https:// address",
}

Place = Annotated[Path, Strict(False)]
Name = Annotated[str, Field(min_length=1)]
Snowflake = Annotated[
    int, AfterValidator(Rule("ids, which are whole numbers", lambda number: 0 < number < 2**63))
]
Device = Annotated[
    str,
    AfterValidator(
        Rule('"auto", "cpu", "mps", "cuda" or "cuda:N"', re.compile(r"auto|cpu|mps|cuda(:\d+)?").fullmatch)
    ),
]
RestUrl = Annotated[
    str,
    AfterValidator(
        Rule("a URL that starts with https:// or http://", lambda url: _is_url(url, ("https", "http")))
    ),
    AfterValidator(lambda url: url.rstrip("/")),
]
GatewayUrl = Annotated[
    str,
    AfterValidator(
        Rule(
            "a URL that starts with wss:// or ws://, or nothing",
            lambda url: not url or _is_url(url, ("wss", "ws")),
        )
    ),
]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class Section(BaseModel):
    # Strict, so that `queue = "16"` in the file is a mistake. The environment has nothing but text, which
    # its source reads as the type that is wanted.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Discord(Section):
    api_url: RestUrl = Field(
        API_URL, description="Discord's REST API. A proxy or the sandbox can stand in its place."
    )
    gateway_url: GatewayUrl = Field(
        "", description="Discord's gateway. Empty: the one that the REST API names."
    )
    guild_ids: list[Snowflake] = Field(
        [],
        description="Test servers to register the commands in, where they show at once. Empty: everywhere.",
    )
    token_file: Place | None = Field(
        None,
        description="A file that holds the bot's token and nothing else. DISCORD_TOKEN wins over it.",
        json_schema_extra=PATH,
    )
    admin_role_ids: list[Snowflake] = Field(
        [], description="Roles that may reload models, besides members with the permission Manage Server."
    )

    @field_validator("token_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


class Limits(Section):
    per_user: int = Field(
        2, ge=1, le=100, description="Questions that one person may have running or waiting."
    )
    commands: int = Field(30, ge=1, le=1000, description="Commands that one person may send in `seconds`.")
    seconds: float = Field(20, gt=0, le=3600, description="The span that `commands` counts in, in seconds.")
    drain_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="How long running answers may go on when the bot is told to stop, in seconds.",
    )
    prompt_characters: int = Field(2000, ge=1, le=6000, description="Longest prompt of /generate.")
    text_characters: int = Field(6000, ge=1, le=6000, description="Longest text of the other commands.")


class Lane(Section):
    workers: int = Field(1, ge=1, le=64, description="Threads. A model itself serves one at a time.")
    queue: int = Field(
        32, ge=0, le=1000, description="Questions that may wait; one more is told that the bot is busy."
    )
    # An interaction's token is void after 15 minutes.
    timeout: float = Field(20, gt=0, le=840, description="Seconds from question to answer, waiting included.")


class LanguageLane(Lane):
    workers: int = Field(8, ge=1, le=64, description="Texts that are written at once, in one batch.")
    queue: int = Field(16, ge=0, le=1000, description=str(Lane.model_fields["queue"].description))
    timeout: float = Field(300, gt=0, le=840, description=str(Lane.model_fields["timeout"].description))


class Lanes(Section):
    language: LanguageLane = LanguageLane()
    tokenizers: Lane = Lane()
    encoder: Lane = Lane()
    words: Lane = Lane()
    songs: Lane = Lane()


class Language(Section):
    name: Name = Field(description="A causal language model.", json_schema_extra=NAME)
    device: Device = Field("auto", description="Where it runs. auto: a GPU if there is one.")
    dtype: Dtype = Field("auto", description="Its numbers. auto: what suits the device.")
    revision: str | None = Field(None, description="Branch, tag or commit on the hub.")
    kv_tokens: int = Field(
        16384,
        ge=64,
        le=10_000_000,
        description="Tokens of prompts and texts, of everybody together, that are kept in memory (KV cache).",
    )
    together: bool = Field(
        default=True,
        description="Whether texts are written in one batch. false: each alone, which is slower for several.",
    )
    int8: bool = Field(
        default=False,
        description="Whether weights are kept as bytes: for bfloat16 on a CPU; quicker for one, a little less exact.",
    )
    max_new_tokens: int = Field(
        400, ge=1, le=8192, description="Most tokens that /generate may be asked for."
    )
    default_new_tokens: int = Field(
        100, ge=1, le=8192, description="Tokens that /generate makes unless asked."
    )

    @field_validator("default_new_tokens")
    @classmethod
    def _within_the_limit(cls, value: int, info: ValidationInfo) -> int:
        limit = info.data.get("max_new_tokens", value)
        if value > limit:
            raise ValueError(f"at most language.max_new_tokens, which is {limit}")
        return value


class Tokenizers(Section):
    names: Annotated[list[Name], Field(min_length=1)] = Field(
        description="The tokenizers that /tokens compares.", json_schema_extra=NAME
    )


class Encoder(Section):
    name: Name = Field(
        description="A model that gives every token a vector in its context.", json_schema_extra=NAME
    )
    tokenizer: str = Field("", description="Its tokenizer. Empty: the model's own.", json_schema_extra=NAME)
    device: Device = Field("auto", description="Where it runs. auto: a GPU if there is one.")
    dtype: Dtype = Field("auto", description="Its numbers. auto: what suits the device.")
    revision: str | None = Field(None, description="Branch, tag or commit on the hub.")


class Words(Section):
    name: Name = Field(
        description="Word vectors, of which file, address or data set.", json_schema_extra=VECTORS
    )


class Songs(Section):
    songs: Name = Field(description="The table of songs: id, title, artist.", json_schema_extra=ADDRESS)
    playlists: Name = Field(description="The playlists, a line of song ids each.", json_schema_extra=ADDRESS)
    tags: str | None = Field(
        None,
        description="Tag ids, a line for each line of the table. Empty: none.",
        json_schema_extra=ADDRESS,
    )
    tag_names: str | None = Field(
        None,
        description="The names of the tags: id, tag. Empty: tags go by their ids.",
        json_schema_extra=ADDRESS,
    )
    vector_size: int = Field(32, ge=1, le=1024, description="Numbers in a song's vector.")
    window: int = Field(20, ge=1, le=10_000, description="Songs to each side that count as company.")
    negative: int = Field(50, ge=1, le=1000, description="Random songs that each pair is told apart from.")
    min_count: int = Field(1, ge=1, le=1_000_000, description="Plays below which a song is left out.")
    epochs: int = Field(5, ge=1, le=1000, description="Passes over the playlists.")
    seed: int = Field(
        1, ge=0, lt=2**32, description="Seed of the training; the same seed gives the same vectors."
    )

    @field_validator("tags", "tag_names", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value


class Health(Section):
    enabled: bool = Field(False, description="Whether to answer /healthz.")
    host: Name = Field(
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


class Settings(BaseSettings):
    """Everything that can be set. A model's section that is left out means that the bot does without it."""

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
    discord: Discord = Discord()
    limits: Limits = Limits()
    lanes: Lanes = Lanes()
    language: Language | None = None
    tokenizers: Tokenizers | None = None
    encoder: Encoder | None = None
    words: Words | None = None
    songs: Songs | None = None
    health: Health = Health()
    log: Log = Log()

    _path: Path | None = PrivateAttr(None)

    def afresh(self) -> Settings:
        """What the file says by now, and the environment; these settings themselves if they come from no file.

        ConfigError as from `load`, with the name of the file instead of its path.
        """
        if self._path is None:
            return self
        try:
            return load(self._path)
        except ConfigError as error:
            path, name = str(self._path), self._path.name
            raise ConfigError([line.replace(path, name) for line in error.problems]) from None

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # it is called with these names
        cls, _settings: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **_others: object
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load` merges the file and the environment itself, because they count paths from different folders.
        return (init_settings,)

    def specs(self) -> dict[str, Spec]:
        """What the hub is to load, by slot."""
        found: dict[str, Spec] = {}
        if it := self.tokenizers:
            found["tokenizers"] = TokenizersSpec(tuple(it.names))
        if self.words:
            found["words"] = WordsSpec(self.words.name, self.data_dir)
        if self.songs:
            found["songs"] = SongsSpec(
                **dict(self.songs), cache=self.data_dir / "songs", data_dir=self.data_dir
            )
        if self.encoder:
            found["encoder"] = EncoderSpec(**dict(self.encoder))
        if self.language:
            keys = ("name", "device", "dtype", "revision", "kv_tokens", "together", "int8")
            found["language"] = LanguageSpec(
                **{key: getattr(self.language, key) for key in keys}, batch=self.lanes.language.workers
            )
        return found


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
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def env_name(key: str) -> str:
    return PREFIX + key.replace(".", "__").upper()


def allowed(field: FieldInfo) -> str:
    """What a key may hold, in words."""
    if place := _place(field):
        one = PLACES[place]
        return f"a list with at least one of: {one}" if get_origin(field.annotation) is list else one
    return _allowed(field.annotation, field.metadata)


def _allowed(kind: Any, metadata: list[Any]) -> str:
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        return _allowed(kind, [part for item in more for part in getattr(item, "metadata", [item])])
    if get_origin(kind) is list:
        return f"a list of: {_allowed(get_args(kind)[0], [])}"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(json.dumps(choice) for choice in get_args(kind))
    for item in metadata:
        if isinstance(rule := getattr(item, "func", None), Rule):
            return rule.words
    words = {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "text in quotes")
    signs = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    limits = [
        f"{sign} {bound:,}"
        for name, sign in signs.items()
        for item in metadata
        if (bound := getattr(item, name, None)) is not None
    ]
    return f"{words}, {' and '.join(limits)}" if limits else words


class Environment(EnvSettingsSource):
    """The environment, where a list may also be written without brackets: `1, 2`."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            found = super().decode_complex_value(field_name, field, value)
        except ValueError:
            if section_of(field):
                return value  # no table, as the validation will say
            parts = [part.strip() for part in value.split(",") if part.strip()]
            return [int(part) if part.isdecimal() else part for part in parts]
        # One id is JSON too, but no list.
        return found if section_of(field) or isinstance(found, list) else [found]


def load(path: Path | None = None) -> Settings:
    """The settings from a file (by default config.toml in the working directory) and the environment.

    ConfigError with a line for every problem that there is.
    """
    path = path or DEFAULT_PATH
    content = _read(path)
    problems = [*_take_tokens(content), *_unknown_variables()]
    content.setdefault("data_dir", Settings.model_fields["data_dir"].default.as_posix())
    environment = {key: value for key, value in Environment(Settings)().items() if key != "token"}
    try:
        settings = Settings(
            **_merged(_anchored(content, Settings, path.parent), _anchored(environment, Settings, Path()))
        )
    except ValidationError as failure:
        problems += [line for error in failure.errors() if (line := _problem(dict(error)))]
        raise ConfigError(problems) from None
    try:
        token = _token(settings)
    except ConfigError as failure:
        problems += failure.problems
    if problems:
        raise ConfigError(problems)
    settings = settings.model_copy(update={"token": token})
    # Whole, because what the working directory is may change.
    settings._path = Path(os.path.abspath(path))  # noqa: PTH100, SLF001 - symbolic links stay; it is our own
    return settings


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        wrong = "this is a folder" if path.is_dir() else "there is no such file"
        raise ConfigError([f"{path}: {wrong}; name a file with --config"])
    try:
        return TomlConfigSettingsSource(Settings, path).toml_data
    except UnicodeDecodeError:
        raise ConfigError(
            [f"{path}: this is no text, so it is no TOML; settings are text in UTF-8"]
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: this is no TOML: {error}"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: it cannot be read: {error.strerror}"]) from None


def _take_tokens(table: dict[str, Any], above: str = "") -> list[str]:
    """Remove whatever is or looks like a token, so that nothing later can print it; a problem for each."""
    problems = []
    for name, value in list(table.items()):
        if isinstance(value, dict):
            problems += _take_tokens(value, f"{above}{name}.")
        elif TOKEN_KEY.fullmatch(name) or any(
            isinstance(item, str) and TOKEN_SHAPE.fullmatch(item)
            for item in (value if isinstance(value, list) else [value])
        ):
            del table[name]
            problems.append(f"{above}{name}: {MISPLACED}")
    return problems


def _unknown_variables() -> list[str]:
    """A problem for each variable that is meant for the bot and that no key answers to."""
    known = [env_name(key) for key, _ in keys()]
    sections = {env_name(key.rpartition(".")[0]) for key, _ in keys() if "." in key} | {env_name("lanes")}
    problems = []
    for variable in sorted(os.environ):
        name = variable.upper()
        if not name.startswith(PREFIX) or name in known or name in sections:
            continue
        if TOKEN_KEY.fullmatch(name):
            problems.append(f"{variable}: {MISPLACED}")
        else:
            problems.append(f"{variable}: no key has this name{_suggestion(name, known, PREFIX)}")
    return problems


def _suggestion(name: str, known: list[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name.removeprefix(prefix), [it.removeprefix(prefix) for it in known], 1)
    return f"; did you mean {prefix}{close[0]}?" if close else ""


def _problem(error: dict[str, Any]) -> str:
    """One line for one of pydantic's errors; empty if `_unknown_variables` has said it already."""
    key = ".".join(str(part) for part in error["loc"] if not isinstance(part, int))
    variable = next((name for name in os.environ if name.upper() == env_name(key)), None)
    if error["type"] == "extra_forbidden":
        known = [name for name, _ in keys()]
        if isinstance(error["input"], dict):
            # A table is mistaken for another table, not for one of the keys in it.
            tables = {name.rpartition(".")[0] for name in known} - {""}
            known = sorted(tables | {name.partition(".")[0] for name in tables})
        return "" if variable else f"{key}: there is no such key{_suggestion(key, known)}"
    where = f"{key} (from {variable})" if variable else key
    if error["type"] == "missing":
        return f"{where}: this is missing; allowed: {allowed(dict(keys())[key])}"
    if error["type"] == "value_error":
        rule = str(error["ctx"]["error"])
    elif field := dict(keys()).get(key):
        rule = allowed(field)
    else:
        rule = f"a table, which begins with the line [{key}]"
    return f"{where}: got {_shown(error['input'])}; allowed: {rule}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    if TOKEN_SHAPE.search(text):
        return "something that looks like a token"
    return text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees of tables as one; where both have a value, `above` wins."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _anchored(table: Mapping[str, Any], model: type[BaseModel], base: Path) -> dict[str, Any]:
    """The table with its relative paths made absolute, counted from `base`."""
    anchored = dict(table)
    for name, value in table.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        if isinstance(value, dict) and (section := section_of(field)):
            anchored[name] = _anchored(value, section, base)
        elif place := _place(field):
            anchored[name] = (
                [_rooted(item, place, base) for item in value]
                if isinstance(value, list)
                else _rooted(value, place, base)
            )
    return anchored


def _place(field: FieldInfo) -> str:
    """What kind of place a setting names: one of `PLACES`, or nothing."""
    extra = field.json_schema_extra
    return str(extra.get("place", "")) if isinstance(extra, dict) else ""


def _rooted(value: Any, place: str, base: Path) -> Any:
    if not isinstance(value, str | Path) or not str(value):
        return value
    if str(value).startswith("file:"):
        return str(names.path_of(value))
    if "://" in str(value):
        return value
    path = base / Path(value).expanduser()
    value = str(value)
    looks_like_a_path = value.startswith(("/", "./", "../", "~")) or value.count("/") > 1 or "\\" in value
    if place in {"path", "address"} or looks_like_a_path or path.exists():
        return os.path.abspath(path)  # noqa: PTH100 - as it was written: symbolic links stay
    return value


def _token(settings: Settings) -> SecretStr | None:
    """The token from DISCORD_TOKEN, or from the file that DISCORD_TOKEN_FILE or the settings name."""
    if text := os.environ.get("DISCORD_TOKEN", "").strip():
        source = "DISCORD_TOKEN"
    else:
        named = os.environ.get("DISCORD_TOKEN_FILE", "").strip()
        source = "DISCORD_TOKEN_FILE" if named else "discord.token_file"
        file = Path(named) if named else settings.discord.token_file
        if file is None:
            return None
        try:
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds no text"
            raise ConfigError([f"{source}: {file} cannot be read: {reason}"]) from None
        if not text:
            raise ConfigError([f"{source}: {file} is empty; it must hold the token and nothing else"])
    if len(text.split()) != 1 or not text.isprintable():
        raise ConfigError([f"{source}: this is no token: a token is one word without blanks or line ends"])
    return SecretStr(text)


# Checking --------------------------------------------------------------------------------------------------


def inspect(settings: Settings) -> tuple[list[str], list[str]]:
    """What is wrong with the world that the settings describe, as problems and warnings, a line each."""
    problems = []
    for key, field in keys():
        value = value_of(settings, key)
        for item in value if isinstance(value, list) else [value]:
            if item and (place := _place(field)) and place != "path":
                problems += _place_problem(key, item, place)
    warnings = [
        f"{key}: {name} is not here yet, so /recommend will not answer"
        + (f"; “{names.fetch_command('songs')}” downloads it" if names.is_remote(name) else "")
        for key in ("songs.songs", "songs.playlists", "songs.tags", "songs.tag_names")
        if (name := value_of(settings, key)) and not _is_there(name, settings)
    ]
    home = settings.data_dir
    while not home.exists():
        home = home.parent
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        problems.append(f"data_dir: {settings.data_dir} cannot be written to")
    if settings.token is None:
        warnings.append("no token: set DISCORD_TOKEN before `run`; the demo and the questions here need none")
    url = urlsplit(settings.discord.api_url)
    if url.scheme == "http" and url.hostname not in {"127.0.0.1", "::1", "localhost"}:
        warnings.append(f"discord.api_url: the token travels to {url.hostname} without encryption")
    return problems, warnings


def _is_there(address: str, settings: Settings) -> bool:
    try:
        return finding.local(address, settings.data_dir, slot="songs").is_file()
    except NotThere:
        return False


def _place_problem(key: str, name: str, place: str) -> list[str]:
    if Path(name).is_absolute():
        # The files of songs may come later; the bot does without them until then.
        return (
            [] if place == "address" or Path(name).exists() else [f"{key}: there is no file or folder {name}"]
        )
    if names.is_remote(name) and place != "name":
        return [] if _is_url(name, ("https", "http")) else [f"{key}: {_shown(name)} is no complete address"]
    if HUB_NAME.fullmatch(name):
        return []
    return [f"{key}: {_shown(name)} is not {PLACES[place]}"]


def value_of(settings: Settings, key: str) -> Any:
    """The value of a key by its full name; None in a section that is left out."""
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part, None)
    return value


def effective(settings: Settings) -> list[str]:
    """The settings in force as `key = value` lines. The token is "set" or "not set"."""
    lines = [f"token: {'set' if settings.token else 'not set'}"]
    for key, _ in keys():
        section = key.rpartition(".")[0]
        if section and value_of(settings, section) is None:
            continue
        lines.append(f"{key} = {json.dumps(value_of(settings, key), ensure_ascii=False, default=str)}")
    return lines
