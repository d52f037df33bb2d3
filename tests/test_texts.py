"""Every failure has a sentence, every sentence is used, and no sentence is built where a failure is raised."""

from __future__ import annotations

import ast
import importlib
import pickle
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from fluent.syntax import FluentParser, FluentSerializer
from fluent.syntax import ast as ftl
from fluent.syntax.visitor import Visitor

import texts
from bot import errors
from bot.failures import StartupError
from models.failures import Failure, StarterFailure

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("models", "bot", "cogs")


class Variables(Visitor):
    """The facts that a pattern uses."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ftl.VariableReference) -> None:  # noqa: N802 - the visitor's own naming
        self.names.add(node.id.name)


def variables(node: ftl.BaseNode) -> set[str]:
    found = Variables()
    found.visit(node)
    return found.names


def messages() -> dict[str, ftl.Message]:
    found: dict[str, ftl.Message] = {}
    for file in sorted(texts.FOLDER.glob("*.ftl")):
        for entry in FluentParser().parse(file.read_text(encoding="utf-8")).body:
            assert not isinstance(entry, ftl.Junk), f"{file.name}: {entry.content}"
            if isinstance(entry, ftl.Message):
                assert entry.id.name not in found, f"{entry.id.name} is there twice"
                found[entry.id.name] = entry
    return found


MESSAGES = messages()


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def failures() -> list[type[Failure]]:
    """Every kind of failure; all modules are imported, so that none is missed."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not module.name.endswith("__main__"):
                try:
                    importlib.import_module(module.name)
                except ModuleNotFoundError as error:
                    if error.name != "ray":  # an extra
                        raise
    found: list[type[Failure]] = []
    waiting = [Failure]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.partition(".")[0] in PACKAGES:
            found.append(kind)
    return sorted(set(found), key=lambda kind: kind.__name__)


FAILURES = failures()
RAISED = {
    (node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
    for _, tree in modules()
    for node in ast.walk(tree)
    if isinstance(node, ast.Raise) and node.exc is not None
}
RAISED_NAMES = {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in RAISED}


def code(kind: type[Failure]) -> str:
    return kind.__new__(kind).code


def made(kind: type[Failure]) -> Failure:
    """A failure with some fact of each type."""
    samples: dict[Any, Any] = {str: "a word", int: 1234, float: 2.5, bool: True}
    hints = get_type_hints(kind)
    facts: dict[str, Any] = {}
    for name in kind.__dict__.get("__dataclass_fields__", ()):
        wanted = hints[name]
        facts[name] = samples.get(wanted, ("a", "b", "c") if "tuple" in str(wanted) else "a word")
    return kind(**facts)


@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.__name__)
def test_every_failure_has_its_sentence(kind: type[Failure]) -> None:
    if kind.__name__ not in RAISED_NAMES and code(kind) not in MESSAGES:
        assert kind.__subclasses__(), f"{kind.__name__} is neither raised nor a base of others"
        return
    message = MESSAGES.get(code(kind))
    assert message is not None, f"{kind.__name__} has no sentence {code(kind)}"
    assert {attribute.id.name for attribute in message.attributes} <= {"admin"}


@pytest.mark.parametrize(
    "kind", [kind for kind in FAILURES if code(kind) in MESSAGES], ids=lambda kind: kind.__name__
)
def test_its_facts_are_those_that_the_sentence_needs(
    kind: type[Failure], caplog: pytest.LogCaptureFixture
) -> None:
    failure = made(kind)
    assert variables(MESSAGES[failure.code]) <= failure.facts.keys()
    assert str(failure)
    assert "{" not in str(failure)
    assert "is incomplete" not in caplog.text


@pytest.mark.parametrize(
    "kind",
    [kind for kind in FAILURES if code(kind) in MESSAGES and kind.__module__.startswith("models.")],
    ids=lambda kind: kind.__name__,
)
def test_a_failure_travels_between_processes(kind: type[Failure]) -> None:
    failure = made(kind)
    copy = pickle.loads(pickle.dumps(failure))  # noqa: S301 - it was made here
    assert type(copy) is kind
    assert copy.facts == failure.facts
    assert str(copy) == str(failure)


def test_every_sentence_is_used() -> None:
    constants: set[str] = set()
    prefixes: set[str] = set()
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                constants.add(node.value)
            elif (
                isinstance(node, ast.JoinedStr)
                and isinstance(first := node.values[0], ast.Constant)
                and isinstance(first.value, str)
            ):
                prefixes.add(first.value)
    kinds = {code(kind) for kind in FAILURES}
    unused = [
        name
        for name in MESSAGES
        if name not in kinds
        and name not in constants
        and not any(prefix.endswith("-") and name.startswith(prefix) for prefix in prefixes)
    ]
    assert not unused


def test_every_sentence_that_is_said_is_there_with_its_facts() -> None:
    for path, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = node.args[0]
            if called != "say" or not isinstance(name, ast.Constant) or not isinstance(name.value, str):
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            assert name.value in MESSAGES, f"{where} says {name.value}, which is not there"
            if any(keyword.arg is None for keyword in node.keywords):
                continue
            given = {keyword.arg for keyword in node.keywords}
            message = MESSAGES[name.value]
            assert message.value is not None
            assert given == variables(message.value), f"{where}: {name.value}"


def test_no_sentence_is_built_where_it_is_raised() -> None:
    names = {kind.__name__ for kind in FAILURES}
    built = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            func = node.exc.func
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            arguments = [*node.exc.args, *(keyword.value for keyword in node.exc.keywords)]
            parts = [part for argument in arguments for part in ast.walk(argument)]
            if name in names and any(map(_is_prose, parts)):
                built.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not built


def _is_prose(node: ast.AST) -> bool:
    """Whether a literal holds two words in a row; separators such as "; " do not."""
    return isinstance(node, ast.Constant) and bool(re.search(r"[a-z] [a-z]", str(node.value)))


OPERATORS = re.compile(
    r"""
    \b[A-Z]{2,}_[A-Z_]+\b                             # variables of the environment
    | (?<!\w)--\w | \bpython\s-m | \bpip\b | \bgit\b | \bmodels\sreload\b | “[^”]*\bfetch\b   # commands
    | \bfetch\sit\b | \b(?:in|into|of|with)\s(?:the|these)\ssettings\b
    | \[(?:songs|words|tokenizers|language|encoder|limits)\b | \b(?:songs|words|tokenizers|language|encoder|lanes|limits|discord|database|health|audit)\.[a-z]\w*
    | \b\w+\.(?:toml|md|npy|txt|json|safetensors|gguf|bin|zip|db)\b  # files
    """,
    re.VERBOSE,
)
"""What means something to the people who run the bot alone: their commands, files, and keys of the settings."""
NOT_FOR_STUDENTS = {
    # Only who may reload a model meets these.
    "NoSection", "NoRevisions", "RevisionOfFolder", "SettingsWrong",
    # Only who has the terminal meets these.
    "DatabaseOnServer", "NoDatabaseFile", "WouldOverwrite", "DatabaseInUse", "BackupFailed", "CopyDiffers",
    "NotAWebAddress",
}  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in FAILURES
        if code(kind) in MESSAGES
        and not issubclass(kind, StartupError | StarterFailure)
        and not kind.__module__.startswith("bot.cli")
        and kind.__name__ not in NOT_FOR_STUDENTS
    ],
    ids=lambda kind: kind.__name__,
)
def test_students_do_not_read_what_is_for_the_people_who_run_the_bot(kind: type[Failure]) -> None:
    failure = made(kind)
    assert not OPERATORS.search(errors.told(failure)), errors.told(failure)
    assert failure.hint in errors.told(failure, admin=True)


def test_answers_do_not_say_what_is_for_the_people_who_run_the_bot() -> None:
    said = {
        str(node.args[0].value)
        for path, tree in modules()
        if "cogs" in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in {"say", "columns"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(said) > 100
    for name in said & MESSAGES.keys():
        value = MESSAGES[name].value
        assert value is not None
        found = OPERATORS.search(FluentSerializer().serialize_entry(ftl.Message(ftl.Identifier("x"), value)))
        assert not found, f"{name}: {found}"


def test_a_language_is_one_file() -> None:
    assert [file.name for file in texts.FOLDER.glob("*.ftl")] == ["en.ftl"]


def test_a_fact_of_any_length_can_be_said() -> None:
    for length in (10, 2500, 2501, 100_000):
        said = texts.say("cannot-read-option", value="x" * length)
        assert said.startswith("I do not understand x")
        assert len(said) < 2700


def test_a_sequence_reads_as_people_list_things() -> None:
    said = [texts.say("cannot-read-option", value=tuple("abc"[:count])) for count in (1, 2, 3)]
    assert [one.removeprefix("I do not understand ").partition(" here")[0] for one in said] == [
        "a",
        "a or b",
        "a, b or c",
    ]


def test_hints_are_apart_from_sentences() -> None:
    with_hint = next(message for message in MESSAGES.values() if message.attributes)
    name = with_hint.id.name
    facts = dict.fromkeys(variables(with_hint), "something")
    assert texts.hint(name, facts)
    assert texts.hint(name, facts) not in texts.say(name, **facts)
    assert texts.hint("late", {}) == ""
