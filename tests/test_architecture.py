"""The rules about what may import what, read off the imports themselves."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from bot.client import EXTENSIONS

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "models": {"discord", "bot", "cogs", "sandbox", "demo"},
    "cogs": {"torch", "transformers", "gensim", "sandbox", "demo"},
    "texts": {"bot", "cogs", "models", "sandbox", "demo", "discord", "torch", "transformers", "gensim"},
    "demo": {"bot", "cogs", "sandbox", "discord"},
    "sandbox": {"bot", "cogs", "models", "discord", "torch", "transformers", "gensim"},
    # It starts the others as programs, and knows no more of them than their command lines.
    "cluster": {"bot", "cogs", "models", "demo", "discord", "torch", "transformers", "gensim"},
    # The process names cogs only as extensions to load, by their dotted names.
    "bot": {"cogs"},
}
CONTRACT = {"service", "results", "failures", "sampling", "sections", "slots"}
"""The modules of `models/` that say what can be asked and set, and hold no model."""
DATABASES = {"sqlite3", "aiosqlite", "sqlalchemy", "alembic", "asyncpg", "psycopg"}


def imported_packages(source: str, package: str) -> set[str]:
    """Top-level names a module imports, wherever in the file the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(package if node.level else (node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_know_only_whom_they_may_know(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules, f"{package}/ holds no module"
    for module in modules:
        wrong = imported_packages(module.read_text(encoding="utf-8"), package) & FORBIDDEN[package]
        assert not wrong, f"{module.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"


def imported_modules(source: str) -> set[str]:
    """Dotted names of the modules that a module imports, and of what it imports from packages."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_cogs_see_the_contract_of_the_models_and_no_model() -> None:
    for module in sorted((ROOT / "cogs").rglob("*.py")):
        for name in imported_modules(module.read_text(encoding="utf-8")):
            package, _, rest = name.partition(".")
            if package == "models":
                assert rest.partition(".")[0] in CONTRACT, f"{module.relative_to(ROOT)} imports {name}"


def test_every_feature_has_a_package_that_is_loaded() -> None:
    folders = {path.parent.name for path in (ROOT / "cogs").glob("*/__init__.py")} - {"shared"}
    assert {name.removeprefix("cogs.") for name in EXTENSIONS} == folders
    assert not [path.name for path in (ROOT / "cogs").glob("*.py") if path.name != "__init__.py"]


def test_only_the_store_knows_what_a_database_is() -> None:
    store = ROOT / "bot" / "store"
    for package in ("bot", "cluster", "cogs", "models", "demo", "sandbox", "texts"):
        for module in sorted((ROOT / package).rglob("*.py")):
            if store not in module.parents:
                wrong = imported_packages(module.read_text(encoding="utf-8"), package) & DATABASES
                assert not wrong, f"{module.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"


def test_the_reader_of_imports_sees_every_form() -> None:
    source = "import a.b\ndef f():\n    from c.d import e\nfrom . import g\nimport h as i, j"
    assert imported_packages(source, "own") == {"a", "c", "own", "h", "j"}


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (line for group in groups for line in group):
        name = re.split(r"[\[<>=]", requirement)[0]
        assert f"| {name} |" in text, f"docs/architecture.md gives no reason for {name}"
