"""Holds request bodies against Discord's own description of its API, where that file is present.

It does not know everything (see `sandbox/rules.py` for the rest), but what it refuses, Discord refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012, SchemaRegistry

from sandbox import Request
from sandbox.log import Entry

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "discord" / "openapi.json"
URI = "urn:discord"


def available() -> bool:
    return FILE.is_file()


def require() -> None:
    """Skip the calling test, saying so, where the description is absent."""
    if not available():
        pytest.skip(
            f"Discord's API description is not at {FILE.parent.name}/{FILE.name} beside the repository"
        )


@cache
def _description() -> dict[str, Any]:
    description: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    snowflake = description["components"]["schemas"]["SnowflakeType"]
    # Discord takes integers too, and discord.py sends them.
    description["components"]["schemas"]["SnowflakeType"] = {
        "anyOf": [snowflake, {"type": "integer", "minimum": 0}]
    }
    return description


@cache
def _registry() -> SchemaRegistry:
    registry: SchemaRegistry = Registry().with_resource(URI, DRAFT202012.create_resource(_description()))
    return registry


@cache
def _validator(path: str, method: str) -> jsonschema.protocols.Validator | None:
    """The validator of a described operation's JSON body; None where it takes none."""
    operation = _description()["paths"][path].get(method.lower())
    if operation is None:
        raise AssertionError(f"Discord describes no {method} {path}")
    if "requestBody" not in operation:
        return None
    pointer = "/".join(
        part.replace("~", "~0").replace("/", "~1")
        for part in ("paths", path, method.lower(), "requestBody", "content", "application/json", "schema")
    )
    return jsonschema.Draft202012Validator({"$ref": f"{URI}#/{pointer}"}, registry=_registry())


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Described paths as patterns, those with fewest parameters first, so that `@me` comes before `{user_id}`."""
    paths = sorted(_description()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), path) for path in paths]


def described(path: str) -> str | None:
    """The described path that `path` (with or without the `/api/v10` before it) is an instance of."""
    bare = re.sub(r"^/api(/v\d+)?", "", path)
    return next((path for pattern, path in _patterns() if pattern.fullmatch(bare)), None)


def validate(method: str, path: str, body: Any) -> None:
    """Raise AssertionError if Discord's description does not allow this request."""
    known = described(path)
    assert known is not None, f"Discord describes no {path}"
    validator = _validator(known, method)
    if validator is None:
        return
    error = best_match(validator.iter_errors(body))
    assert error is None, f"{method} {known}: {error.json_path}: {error.message[:500]}"


def check(log: Iterable[Entry]) -> int:
    """Validate the body of every request in `log` that succeeded; returns how many there were. 0 without the file."""
    checked = 0
    if available():
        for entry in log:
            if isinstance(entry, Request) and entry.body is not None and entry.status < 400:
                validate(entry.method, entry.path, entry.body)
                checked += 1
    return checked
