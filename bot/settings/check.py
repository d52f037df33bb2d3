"""Allowed values in words, problems with files that the settings name, and the settings in force."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import texts
from bot.redaction import TOKEN_SHAPE, without_password
from bot.settings.schema import Settings, is_url, keys, place_of
from models.failures import ModelError, NotThere
from models.files import finding
from models.files.items import Kind
from models.files.names import HUB_NAME, exists, fetch_command, is_remote
from models.sections import Rule
from models.specs import PretrainedSpec

PLACES = {
    "path": "setting-path",
    "name": "setting-name",
    "vectors": "setting-vectors",
    "address": "setting-address",
}
"""The messages that describe each kind of place."""
KINDS = {int: "setting-whole-number", float: "setting-number", bool: "setting-bool"}
BOUNDS = {
    "ge": "setting-at-least",
    "gt": "setting-more-than",
    "le": "setting-at-most",
    "lt": "setting-less-than",
}
LONGEST = 80
"""Most characters of a value to show in a problem."""


def allowed(field: FieldInfo) -> str:
    """The allowed values of a key, in words."""
    if place := place_of(field):
        one = texts.say(PLACES[place])
        return texts.say("setting-places", place=one) if get_origin(field.annotation) is list else one
    return _allowed(field.annotation, field.metadata)


def _allowed(kind: Any, metadata: Sequence[Any]) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        more = [part for item in arguments[1:] for part in getattr(item, "metadata", [item])]
        return _allowed(arguments[0], more)
    if origin in {Union, UnionType} and NoneType in arguments:
        return _allowed(next(one for one in arguments if one is not NoneType), metadata)
    if origin in {list, dict, Literal}:
        return _allowed_of_many(origin, arguments)
    for item in metadata:
        if isinstance(rule := getattr(item, "func", None), Rule):
            return rule.words
    return _bounded(texts.say(KINDS.get(kind, "setting-text")), metadata)


def _allowed_of_many(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin is list:
        return texts.say("setting-list", item=_allowed(arguments[0], []))
    if origin is dict:
        return texts.say("setting-tables")
    return texts.say("setting-choice", choices=", ".join(json.dumps(choice) for choice in arguments))


def _bounded(what: str, metadata: Sequence[Any]) -> str:
    bounds = [
        texts.say(message, bound=bound)
        for name, message in BOUNDS.items()
        for item in metadata
        if (bound := getattr(item, name, None)) is not None
    ]
    match bounds:
        case [only]:
            return texts.say("setting-bounded", what=what, bound=only)
        case [low, high]:
            return texts.say("setting-between", what=what, low=low, high=high)
    return what


def inspect(settings: Settings) -> tuple[list[str], list[str]]:
    """Problems and warnings about files and models that the settings name, one line each."""
    problems = []
    for key, field in keys():
        value = value_of(settings, key)
        for item in value if isinstance(value, list) else [value]:
            if item and (place := place_of(field)) and place != "path":
                problems += _place_problem(key, item, place)
    warnings = [
        _missing_file(key, name)
        for key, field in keys()
        if place_of(field) == "address"
        and (name := value_of(settings, key))
        and not _is_there(name, settings, _slot_of(key))
    ]
    home = settings.data_dir
    while not home.exists():
        home = home.parent
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        problems.append(texts.say("setting-data-dir-locked", path=str(settings.data_dir)))
    if settings.token is None:
        warnings.append(texts.say("setting-no-token"))
    shards = settings.discord
    if 0 < len(shards.shard_ids) < shards.shard_count and not settings.database.url.startswith("postgresql"):
        warnings.append(texts.say("setting-shards-apart"))
    url = urlsplit(settings.discord.api_url)
    if url.scheme == "http" and url.hostname not in {"127.0.0.1", "::1", "localhost"}:
        warnings.append(texts.say("setting-not-encrypted", host=str(url.hostname)))
    return problems, warnings


def missing_models(settings: Settings) -> list[str]:
    """The configured models that are missing or incomplete on this machine, one line each.

    `inspect` reports missing paths and song files.
    """
    addresses = {value_of(settings, key) for key, field in keys() if place_of(field) == "address"}
    lines = []
    for slot, spec in settings.specs().items():
        for item in spec.items(slot):
            absent = item.kind is Kind.PATH and not exists(item.name) and not finding.is_starter(item.name)
            if item.name in addresses or absent:
                continue
            try:
                finding.look(item, weights=isinstance(spec, PretrainedSpec) and item.name == spec.name)
            except ModelError as error:
                lines.append(texts.say("terminal-model-problem", slot=slot, problem=str(error)))
    return lines


def _slot_of(key: str) -> str:
    """The slot whose section contains a key."""
    return key.partition(".")[0]


def _is_there(address: str, settings: Settings, slot: str) -> bool:
    try:
        return finding.local(address, settings.data_dir, slot=slot).exists()
    except NotThere:
        return False


def _missing_file(key: str, name: str) -> str:
    slot = _slot_of(key)
    if is_remote(name):
        command = fetch_command(slot)
        return texts.say("setting-file-to-fetch", key=key, name=name, slot=slot, command=command)
    return texts.say("setting-file-not-here", key=key, name=name, slot=slot)


def _place_problem(key: str, name: str, place: str) -> list[str]:
    if Path(name).is_absolute():
        # Song files may be added later; the bot runs without them.
        there = place == "address" or Path(name).exists() or finding.is_starter(name)
        return [] if there else [texts.say("setting-nothing-there", key=key, name=name)]
    if is_remote(name) and place != "name":
        complete = is_url(name, ("https", "http"))
        return [] if complete else [texts.say("setting-address-incomplete", key=key, value=shown(name))]
    if HUB_NAME.fullmatch(name):
        return []
    return [texts.say("setting-no-such-place", key=key, value=shown(name), place=texts.say(PLACES[place]))]


def value_of(settings: Settings, key: str) -> Any:
    """The value of a key by its full name; None if its section is missing."""
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part, None)
    return value


def effective(settings: Settings) -> list[str]:
    """The settings in force as `key = value` lines. The token is "set" or "not set", and passwords are ***."""
    lines = [texts.say("setting-token-set" if settings.token else "setting-token-not-set")]
    for key, _ in keys():
        section = key.rpartition(".")[0]
        if section and value_of(settings, section) is None:
            continue
        lines.append(f"{key} = {_written(value_of(settings, key))}")
    return lines


def shown(value: Any) -> str:
    """A value for display in a problem: on one line, not too long, and without secrets."""
    text = _written(value)
    if TOKEN_SHAPE.search(text):
        return texts.say("setting-like-a-token")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _written(value: Any) -> str:
    return json.dumps(_without_passwords(value), ensure_ascii=False, default=str)


def _without_passwords(value: Any) -> Any:
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, BaseModel):
        return _without_passwords(value.model_dump(exclude_none=True))
    if isinstance(value, list):
        return [_without_passwords(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_passwords(item) for name, item in value.items()}
    return value
