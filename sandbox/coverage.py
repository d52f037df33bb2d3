"""Discord's API operations that the sandbox supports: a table for the documentation, from the OpenAPI description.

python -m sandbox.coverage OPENAPI.json > docs/sandbox-coverage.md
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from sandbox.server import Server

PAGE = Path(__file__).resolve().parent.parent / "docs" / "sandbox-coverage.md"
METHODS = ("get", "post", "put", "patch", "delete")
_HEAD = """# What the sandbox has of Discord's API

Made from Discord's OpenAPI description by `python -m sandbox.coverage`. A request for an operation that is not there is
answered with 404, and the sandbox says so in its log and on its page. Of messages it lacks polls, stickers and forwards,
which it refuses in the same way. Requests about threads, reactions and webhooks of channels are not there either.
"""


def there() -> set[tuple[str, str]]:
    """Method and path of every supported operation; parameters are written as {}."""
    return {(method, nameless(route)) for method, route, _ in Server().rest._routes()}  # noqa: SLF001 - of the same package


def nameless(route: str) -> str:
    """A path with anonymous parameters."""
    return re.sub(r"\{[^}]*\}|@original", "{}", route)


def table(operations: Iterable[tuple[str, str]]) -> str:
    """The page: supported operations, then unsupported ones."""
    known = there()
    every = sorted(set(operations), key=lambda operation: (operation[1], METHODS.index(operation[0].lower())))
    have = [one for one in every if (one[0], nameless(one[1])) in known]
    lack = [one for one in every if one not in have]
    parts = [_HEAD, f"{len(have)} of {len(every)} operations are there.\n"]
    for title, operations_ in (("There", have), ("Not there", lack)):
        rows = "\n".join(f"| {method} | `{path}` |" for method, path in operations_)
        parts.append(f"## {title}\n\n| method | path |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def described(description: Path) -> list[tuple[str, str]]:
    """Method and path of every operation in an OpenAPI description."""
    paths = json.loads(description.read_text(encoding="utf-8"))["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in METHODS if method in item]


if __name__ == "__main__":
    sys.stdout.write(table(described(Path(sys.argv[1]))))
