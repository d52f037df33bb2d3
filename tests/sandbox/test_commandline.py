"""Typed commands: taken apart, filled in, completed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sandbox import Command, CommandLineError, EventLog, ManualClock
from sandbox.commandline import Filling, complete, find, likely_typos, parse, reads_back, targets, usage
from sandbox.rules import Json
from sandbox.world import World


def option(name: str, kind: int = 3, **changes: Any) -> Json:
    return {"name": name, "description": f"The {name}", "type": kind, **changes}


BODIES: list[Json] = [
    {
        "name": "tokens",
        "description": "See tokens",
        "options": [option("text", required=True, max_length=40), option("n", 4, min_value=1, max_value=9)],
    },
    {
        "name": "paint",
        "description": "Paint",
        "options": [
            option("colour", choices=[{"name": "Red", "value": "r"}, {"name": "Dark blue", "value": "b"}]),
            option("size", 10),
            option("loud", 5),
            option("who", 6),
            option("rank", 8),
            option("where", 7),
            option("either", 9),
            option("file", 11),
            option("song", autocomplete=True),
            option("motto", min_length=2),
        ],
    },
    {
        "name": "likes",
        "description": "Liked songs",
        "options": [
            option("list", 1),
            option("add", 1, options=[option("song", required=True)]),
            option("of", 2, options=[option("genre", 1, options=[option("name")])]),
        ],
    },
    {"name": "likely", "description": "Not the same", "options": []},
]


@pytest.fixture(scope="module")
def world() -> World:
    world = World(ManualClock(), EventLog(), "Bot")
    world.overwrite_commands(BODIES, None)
    return world


@pytest.fixture(scope="module")
def commands(world: World) -> dict[str, Command]:
    return world.visible_commands(world.student)


Commands = dict[str, Command]


@pytest.mark.parametrize(
    ("line", "title", "values"),
    [
        (
            "/tokens text:CAPITALIZATION and other stuff n:5",
            "tokens",
            {"text": "CAPITALIZATION and other stuff", "n": "5"},
        ),
        ("/tokens n:5 text: king - man + woman ", "tokens", {"n": "5", "text": "king - man + woman"}),
        ("/tokens hello there n:2", "tokens", {"text": "hello there", "n": "2"}),
        (
            "/tokens text:see https://example.org n: it",
            "tokens",
            {"text": "see https://example.org", "n": "it"},
        ),
        ("/tokens https://example.org", "tokens", {"text": "https://example.org"}),
        ("/tokens text:a context:b", "tokens", {"text": "a context:b"}),
        ("/tokens", "tokens", {}),
        ("/tokens text:", "tokens", {"text": ""}),
        ("  /likes   add   song:Jump  ", "likes add", {"song": "Jump"}),
        ("/likes of genre name:jazz", "likes of genre", {"name": "jazz"}),
        ("/likes list", "likes list", {}),
        ("/likely", "likely", {}),
        ("/tokens text:two\nlines", "tokens", {"text": "two\nlines"}),
    ],
)
def test_lines_are_taken_apart(commands: Commands, line: str, title: str, values: dict[str, str]) -> None:
    parsed = parse(line, commands)
    assert (parsed.target.title, dict(parsed.values)) == (title, values)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("tokens text:x", "starts with a slash"),
        ("/", "There is no command /"),
        ("/token text:x", r"no command /token\. Did you mean /tokens\?"),
        ("/xyz", "Commands: /likely, /likes add, /likes list, /likes of genre, /paint, /tokens"),
        ("/likes", r"one of its sub-commands: /likes add, /likes list, /likes of genre\."),
        ("/likes of", "/likes of genre"),
        ("/tokens txt:x", r"no option txt; its options: text, n\."),
        ("/tokens text:a n:1 text:b", "The option text is given twice"),
        ("/likes list now", "takes no options"),
    ],
)
def test_lines_that_make_no_sense(commands: Commands, line: str, complaint: str) -> None:
    with pytest.raises(CommandLineError, match=complaint):
        parse(line, commands)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/paint sizes:1", []),  # refused: it stands where an option must
        ("/paint colour:red lound:yes", [("lound", "loud")]),
        ("/paint song:a Wher: b FILE: c", [("Wher", "where"), ("FILE", "file")]),
        ("/paint song:see file://x and note: it", []),
        ("/tokens text:the texts: all", []),
        ("/tokens text:N: 5", [("N", "n")]),
    ],
)
def test_what_is_almost_an_option(commands: Commands, line: str, found: list[tuple[str, str]]) -> None:
    try:
        parsed = parse(line, commands)
    except CommandLineError:
        assert not found
    else:
        assert list(likely_typos(parsed)) == found


def test_text_that_would_be_read_as_another_option_cannot_be_a_value(commands: Commands) -> None:
    paint = find("paint", commands)
    assert reads_back(paint, "song", "Bohemian Rhapsody by Queen: live")
    assert not reads_back(paint, "song", "Tell me who: a song")
    assert not reads_back(paint, "song", " Jump")


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@given(st.lists(words, min_size=1, max_size=6).map(" ".join), st.integers(1, 9))
def test_what_is_typed_arrives(commands: Commands, text: str, n: int) -> None:
    assume(not re.search(r"(^|\s)(text|n):", text))
    for line in (f"/tokens text:{text} n:{n}", f"/tokens n:{n} text:{text}"):
        assert dict(parse(line, commands).values) == {"text": text, "n": str(n)}


def fill(world: World, commands: Commands, line: str, focused: str | None = None) -> Json:
    parsed = parse(line, commands)
    filling = Filling(parsed.target, world.guild, lambda upload: world.store(world.channel, upload))
    return filling.data(parsed.values, focused=focused)


def values(data: Json) -> Json:
    return {one["name"]: one["value"] for one in data["options"]}


def test_values_get_their_type(world: World, commands: Commands) -> None:
    data = fill(
        world, commands, "/paint colour:dark blue size:1.5 loud:no who:@Admin rank:admin where:#general"
    )
    role = world.admin.roles[0]
    assert values(data) == {
        "colour": "b",
        "size": 1.5,
        "loud": False,
        "who": str(world.admin.id),
        "rank": str(role.id),
        "where": str(world.channel.id),
    }
    resolved = data["resolved"]
    assert resolved["users"][str(world.admin.id)]["username"] == "admin"
    assert resolved["members"][str(world.admin.id)]["permissions"] == str(world.admin.permissions)
    assert "user" not in resolved["members"][str(world.admin.id)]
    assert resolved["roles"][str(role.id)]["name"] == "Admin"
    assert resolved["channels"][str(world.channel.id)]["permissions"]
    assert (data["name"], data["type"], data["id"]) == ("paint", 1, str(commands["paint"].id))
    everyone = values(fill(world, commands, "/paint either:everyone"))
    assert everyone == {"either": str(world.guild.id)}


def test_files_are_sent_along(world: World, commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    data = fill(world, commands, f"/paint file:{tmp_path / 'notes.txt'}")
    number = values(data)["file"]
    assert data["resolved"]["attachments"][number]["filename"] == "notes.txt"
    assert world.attachments[int(number)].bytes == b"hello"


def test_sub_commands_are_nested(world: World, commands: Commands) -> None:
    data = fill(world, commands, "/likes of genre name:jazz")
    inner = {"name": "genre", "type": 1, "options": [{"name": "name", "type": 3, "value": "jazz"}]}
    assert data["options"] == [{"name": "of", "type": 2, "options": [inner]}]
    assert fill(world, commands, "/likes list")["options"] == [{"name": "list", "type": 1, "options": []}]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("/tokens", r"/tokens needs text, as in /tokens text:… \[n:…\]"),
        ("/tokens text:", "needs text"),
        ("/paint motto:", r"motto is empty; it takes at least 2 characters\."),
        ("/paint motto:x", "motto takes at least 2 characters, not 1"),
        (f"/tokens text:{'x' * 41}", "at most 40 characters, not 41"),
        ("/tokens text:x n:five", "n is a whole number, not 'five'"),
        ("/tokens text:x n:1.5", "whole number"),
        ("/tokens text:x n:0", "at least 1"),
        ("/tokens text:x n:10", "at most 9"),
        ("/paint size:nan", "between"),
        ("/paint colour:green", r"colour is one of: Red, Dark blue\."),
        ("/paint loud:maybe", "loud is true or false"),
        ("/paint who:nobody", "who is a member, and there is none called nobody"),
        ("/paint where:nowhere", "where is a channel"),
        ("/paint file:/no/such/file", r"file takes a file: /no/such/file cannot be read \(No such file"),
    ],
)
def test_values_that_discord_would_not_let_one_send(
    world: World, commands: Commands, line: str, complaint: str
) -> None:
    with pytest.raises(CommandLineError, match=complaint):
        fill(world, commands, line)


def test_autocomplete_sends_what_is_there(world: World, commands: Commands) -> None:
    data = fill(world, commands, "/paint size:2 loud:may song:met", focused="song")
    assert data["options"] == [
        {"name": "size", "type": 10, "value": 2.0},
        {"name": "song", "type": 3, "value": "met", "focused": True},
    ]


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("", []),
        ("hello", []),
        ("/", ["/likely", "/likes add", "/likes list", "/likes of genre", "/paint", "/tokens"]),
        ("/likes", ["/likes add", "/likes list", "/likes of genre"]),
        ("/tokens ", ["text:", "n:"]),
        ("/tokens te", ["text:"]),
        ("/tokens text:hello ", ["n:"]),
        ("/tokens text:hello", []),
        ("/tokens n:3 ", ["text:"]),
        ("/paint colour:", ["Red", "Dark blue"]),
        ("/paint colour:da", ["Dark blue"]),
        ("/paint loud:", ["true", "false"]),
        ("/likes add ", ["song:"]),
        ("/likes list ", []),
    ],
)
def test_completion(commands: Commands, line: str, labels: list[str]) -> None:
    assert [suggestion.label for suggestion in complete(line, commands).suggestions] == labels


def test_completion_asks_the_bot(commands: Commands) -> None:
    completions = complete("/paint size:2 song:heavy met", commands)
    assert (completions.asks, completions.typed) == ("song", "heavy met")
    assert complete("/paint song:x size:", commands).asks is None


def test_suggestions_replace_what_was_typed(commands: Commands) -> None:
    for line, done in [
        ("/tok", "/tokens "),
        ("/tokens te", "/tokens text:"),
        ("/paint colour:da", "/paint colour:Dark blue "),
    ]:
        suggestion = complete(line, commands).suggestions[0]
        assert line[: len(line) - suggestion.replace] + suggestion.text == done


def test_usage(commands: Commands) -> None:
    assert usage(find("tokens", commands)) == "/tokens text:… [n:…]"
    assert set(targets(commands)) == {
        "tokens",
        "paint",
        "likes list",
        "likes add",
        "likes of genre",
        "likely",
    }
