"""Reading the settings: a TOML file, the environment, and the token.

The environment overrides the file: `TOKENWISE_LANES__LANGUAGE__QUEUE=4` sets `queue` in `[lanes.language]`.
Relative paths in the file start from the file's folder, those in the environment from the working directory. The
token comes only from `DISCORD_TOKEN` or from a file that contains nothing else.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

import texts
from bot.redaction import TOKEN_SHAPE
from bot.settings.check import allowed, shown
from bot.settings.schema import (
    PREFIX,
    ConfigError,
    Settings,
    env_name,
    keys,
    place_of,
    section_by_id,
    section_of,
)
from models.files.names import STARTER, path_of, starter_folder
from models.sections import SongsSection

DEFAULT_PATH = Path("config.toml")
LONGEST_VALUE, DEEPEST = 4000, 20
"""Limits for the length of a variable and the nesting of tables: more than any real setting needs."""
NAME_MAX, PATH_MAX = 255, 3500
"""Limits for a file name in bytes and a path in characters: below the system's, because names are appended."""
TOKEN_KEY = re.compile(r"(.*_)?token", re.IGNORECASE)


class Environment(EnvSettingsSource):
    """The environment, in which lists may also be written without brackets: `1, 2`."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            decoded = super().decode_complex_value(field_name, field, value)
        except ValueError:
            if section_of(field):
                return value  # not a table; validation reports it
            parts = [part.strip() for part in value.split(",") if part.strip()]
            return [int(part) if part.isdecimal() else part for part in parts]
        # One id alone is valid JSON, but not a list.
        return decoded if section_of(field) or isinstance(decoded, list | dict) else [decoded]


def load(path: Path | None = None) -> Settings:
    """The settings from a file (by default config.toml in the working directory) and the environment.

    Raises ConfigError with one line per problem.
    """
    path = path or DEFAULT_PATH
    content = _read(path)
    problems = [*_take_tokens(content), *_unknown_variables()]
    if oversized := _oversized_variables():  # which would make pydantic raise other exceptions
        raise ConfigError([*problems, *oversized])
    content.setdefault("data_dir", Settings.model_fields["data_dir"].default.as_posix())
    environment = {key: value for key, value in Environment(Settings)().items() if key != "token"}
    if impossible := [*_impossible_places(content, Settings), *_impossible_places(environment, Settings)]:
        raise ConfigError([*problems, *impossible])
    try:
        merged = _merged(_anchored(content, Settings, path.parent), _anchored(environment, Settings, Path()))
        settings = Settings(**_with_starters(merged, Settings, starter_folder(str(merged["data_dir"]))))
    except ValidationError as failure:
        problems += [line for error in failure.errors() if (line := _problem(error))]
        raise ConfigError(problems) from None
    try:
        token = _token(settings)
    except ConfigError as failure:
        problems += failure.problems
    if problems:
        raise ConfigError(problems)
    settings = settings.model_copy(update={"token": token})
    settings.come_from(_whole(path))  # the working directory may change
    songs = settings.section(SongsSection)
    texts.use_words(songs.words.model_dump() if songs else {})
    return settings


def load_again(settings: Settings) -> Settings:
    """The settings reread from their file and the environment; unchanged if they do not come from a file.

    Raises ConfigError like `load`, with the file's name instead of its path.
    """
    if settings.path is None:
        return settings
    try:
        return load(settings.path)
    except ConfigError as error:
        path, name = str(settings.path), settings.path.name
        raise ConfigError([line.replace(path, name) for line in error.problems]) from None


def _read(path: Path) -> dict[str, Any]:
    if reason := _why_impossible(str(path)):
        said = texts.say(reason)
        raise ConfigError(
            [texts.say("setting-no-path", where="--config", value=shown(str(path)), reason=said)]
        )
    if not path.is_file():
        message = "setting-file-is-folder" if path.is_dir() else "setting-file-missing"
        raise ConfigError([texts.say(message, path=str(path))])
    try:
        content = TomlConfigSettingsSource(Settings, path).toml_data
        too_deep = _depth(content) > DEEPEST
    except RecursionError:
        too_deep = True
    except UnicodeDecodeError:
        raise ConfigError([texts.say("setting-file-no-text", path=str(path))]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([texts.say("setting-file-no-toml", path=str(path), reason=str(error))]) from None
    except OSError as error:
        reason = str(error.strerror)
        raise ConfigError([texts.say("setting-file-unreadable", path=str(path), reason=reason)]) from None
    except ValueError:  # Python does not parse numbers with more than 4,300 digits
        raise ConfigError(_long_numbers(path)) from None
    if too_deep:
        reason = texts.say("setting-too-deep")
        raise ConfigError([texts.say("setting-file-no-toml", path=str(path), reason=reason)])
    return content


def _long_numbers(path: Path) -> list[str]:
    """A problem for each number in the file that is too long to parse."""
    problems, table = [], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if header := re.fullmatch(r"\s*\[([\w.-]+)\]\s*(#.*)?", line):
            table = f"{header[1]}."
        elif number := re.match(r"\s*([\w.-]+)\s*=.*?(\d[\d_]{4299,})", line):
            key, digits = f"{table}{number[1]}", str(len(number[2]))
            problems.append(texts.say("setting-number-too-long", key=key, digits=digits))
    return problems or [texts.say("setting-file-no-toml", path=str(path), reason="")]


def _depth(value: Any, level: int = 0) -> int:
    """How deeply tables and lists are nested, up to the limit."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_depth(item, level + 1) for item in inner), default=level) if level <= DEEPEST else level


def _oversized_variables() -> list[str]:
    """A problem for each variable that is too long or too deeply nested for any key."""
    return [
        texts.say("setting-too-long", where=name, size=len(value))
        for name, value in sorted(os.environ.items())
        if name.upper().startswith(PREFIX)
        and (len(value) > LONGEST_VALUE or value.count("[") + value.count("{") > DEEPEST * DEEPEST)
    ]


def _impossible_places(table: Mapping[str, Any], model: type[BaseModel], above: str = "") -> list[str]:
    """A problem for each path or address that is invalid on any machine."""
    problems: list[str] = []
    for name, value in table.items():
        if (field := model.model_fields.get(name)) is None:
            continue
        if isinstance(value, dict) and (section := section_of(field)):
            problems += _impossible_places(value, section, f"{above}{name}.")
        elif place_of(field):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str) and (reason := _why_impossible(item)):
                    where, said = f"{above}{name}", texts.say(reason)
                    problems.append(texts.say("setting-no-path", where=where, value=shown(item), reason=said))
    return problems


def _why_impossible(place: str) -> str:
    """The message that says why a path or address is invalid; "" if it is valid."""
    if "\0" in place or "%00" in place:
        return "setting-path-null"
    if any(len(os.fsencode(part)) > NAME_MAX for part in re.split(r"[/\\]", place)) or len(place) > PATH_MAX:
        return "setting-path-too-long"
    try:
        urlsplit(place).port  # noqa: B018 - any part may be invalid
        if "://" not in place:
            Path(place).expanduser()
    except RuntimeError:
        return "setting-path-no-home"
    except ValueError:
        return "setting-path-no-address"
    return ""


def _take_tokens(table: dict[str, Any], above: str = "") -> list[str]:
    """Remove tokens and anything that looks like one, so that nothing can print them later; a problem for each."""
    problems = []
    for name, value in list(table.items()):
        if isinstance(value, dict):
            problems += _take_tokens(value, f"{above}{name}.")
        elif TOKEN_KEY.fullmatch(name) or any(
            isinstance(item, str) and TOKEN_SHAPE.fullmatch(item)
            for item in (value if isinstance(value, list) else [value])
        ):
            del table[name]
            problems.append(texts.say("setting-token-misplaced", where=f"{above}{name}"))
    return problems


def _unknown_variables() -> list[str]:
    """A problem for each TOKENWISE_ variable that matches no key."""
    known = [env_name(key) for key, _ in keys()]
    sections = {env_name(key.rpartition(".")[0]) for key, _ in keys() if "." in key} | {env_name("lanes")}
    problems = []
    for variable in sorted(os.environ):
        name = variable.upper()
        if not name.startswith(PREFIX) or name in known or name in sections:
            continue
        if TOKEN_KEY.fullmatch(name):
            problems.append(texts.say("setting-token-misplaced", where=variable))
        elif similar := _most_similar(name.removeprefix(PREFIX), [key.removeprefix(PREFIX) for key in known]):
            problems.append(texts.say("setting-variable-misspelt", name=variable, similar=PREFIX + similar))
        else:
            problems.append(texts.say("setting-variable-unknown", name=variable))
    return problems


def _most_similar(name: str, known: Sequence[str]) -> str:
    """The known name that this one may misspell; "" if there is none."""
    return next(iter(difflib.get_close_matches(name, known, 1)), "")


def _problem(error: ErrorDetails) -> str:
    """One line for one of pydantic's errors; empty if `_unknown_variables` has already reported it."""
    key = ".".join(str(part) for part in error["loc"] if not isinstance(part, int) and part != "[key]")
    variable = next((name for name in os.environ if name.upper() == env_name(key)), None)
    fields = {**dict(keys()), **_keys_by_id(key)}
    if error["type"] == "extra_forbidden":
        known = list(fields)
        if isinstance(error["input"], dict):
            # A misspelt table matches other tables, not the keys in them.
            tables = {name.rpartition(".")[0] for name in known} - {""}
            known = sorted(tables | {name.partition(".")[0] for name in tables})
        if variable:
            return ""
        if inside := _keys_by_id(key):
            # Compare only the last part: the rest is long, and the same for all of them.
            table, _, last = key.rpartition(".")
            similar = _most_similar(last, [name.rpartition(".")[2] for name in inside])
            similar = f"{table}.{similar}" if similar else ""
        else:
            similar = _most_similar(key, known)
        if similar:
            return texts.say("setting-key-misspelt", key=key, similar=similar)
        return texts.say("setting-key-unknown", key=key)
    where = texts.say("setting-from-variable", key=key, name=variable) if variable else key
    if error["type"] == "missing":
        return texts.say("setting-missing", where=where, allowed=allowed(fields[key]))
    if error["type"] == "value_error":
        rule = str(error["ctx"]["error"])
    else:
        rule = allowed(fields[key]) if key in fields else texts.say("setting-table", key=key)
    return texts.say("setting-not-allowed", where=where, value=shown(error["input"]), allowed=rule)


def _keys_by_id(key: str) -> dict[str, FieldInfo]:
    """The allowed keys of a table for an id, if a key is in one: `limits.roles.ID.per_user` and so on."""
    for name, field in keys():
        if (section := section_by_id(field)) and key.startswith(f"{name}."):
            table = f"{name}.{key.removeprefix(f'{name}.').partition('.')[0]}"
            return {f"{table}.{inner}": inside for inner, inside in section.model_fields.items()}
    return {}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two trees of tables; `above` takes precedence."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _anchored(table: Mapping[str, Any], model: type[BaseModel], base: Path) -> dict[str, Any]:
    """The table with its paths made absolute, relative to `base`."""
    anchored = dict(table)
    for name, value in table.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        if isinstance(value, dict) and (section := section_of(field)):
            anchored[name] = _anchored(value, section, base)
        elif place := place_of(field):
            anchored[name] = (
                [_rooted(item, place, base) for item in value]
                if isinstance(value, list)
                else _rooted(value, place, base)
            )
    return anchored


def _with_starters(table: Mapping[str, Any], model: type[BaseModel], folder: Path) -> dict[str, Any]:
    """The table with the names of starter models replaced by their folders in `folder`."""
    changed = dict(table)
    for name, value in table.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        if isinstance(value, dict) and (section := section_of(field)):
            changed[name] = _with_starters(value, section, folder)
        elif place_of(field) in {"name", "vectors"}:
            items = value if isinstance(value, list) else [value]
            found = [
                str(folder / item.removeprefix(STARTER))
                if isinstance(item, str) and item.startswith(STARTER)
                else item
                for item in items
            ]
            changed[name] = found if isinstance(value, list) else found[0]
    return changed


def _rooted(value: Any, place: str, base: Path) -> Any:
    if not isinstance(value, str | Path) or not str(value):
        return value
    if str(value).startswith("file:"):
        return str(path_of(value))
    if "://" in str(value):
        return value
    path = base / Path(value).expanduser()
    value = str(value)
    looks_like_a_path = value.startswith(("/", "./", "../", "~")) or value.count("/") > 1 or "\\" in value
    if place in {"path", "address"} or looks_like_a_path or path.exists():
        return str(_whole(path))
    return value


def _whole(path: Path) -> Path:
    """The absolute path; symbolic links are not resolved."""
    return Path(os.path.normpath(path.absolute()))


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
        text = _token_in(file, source)
    if len(text.split()) != 1 or not text.isprintable():
        raise ConfigError([texts.say("setting-no-such-token", source=source)])
    return SecretStr(text)


def _token_in(file: Path, source: str) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigError([texts.say("setting-token-file-no-text", source=source, path=str(file))]) from None
    except OSError as error:
        reason = str(error.strerror)
        problem = texts.say("setting-token-file-unreadable", source=source, path=str(file), reason=reason)
        raise ConfigError([problem]) from None
    if not text:
        raise ConfigError([texts.say("setting-token-file-empty", source=source, path=str(file))])
    return text
