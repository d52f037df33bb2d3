"""What Discord refuses, rule by rule."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sandbox import EventLog, ManualClock, rules
from sandbox.drawing import Painter
from sandbox.rules import ApiError, Json
from sandbox.world import World
from tests.sandbox import openapi


def refused(check: Callable[[], object]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        check()
    return caught.value


def status(check: Callable[[], object]) -> int | None:
    """The status of the refusal; None if there is none."""
    try:
        check()
    except ApiError as error:
        return error.status
    return None


def message(body: Json, **options: Any) -> None:
    rules.check_message(body, **{"uploads": {}, "kept": {}} | options)


def paths(error: ApiError) -> dict[str, list[str]]:
    """The codes of form errors by dotted path."""
    found: dict[str, list[str]] = {}

    def walk(node: Json, path: str) -> None:
        for key, value in node.items():
            if key == "_errors":
                found[path] = [one["code"] for one in value]
            else:
                walk(value, f"{path}.{key}" if path else key)

    walk(error.errors or {}, "")
    return found


def embed(**fields: Any) -> Json:
    return {"embeds": [fields]}


def field(name: str = "n", value: str = "v") -> Json:
    return {"name": name, "value": value}


@pytest.mark.parametrize(
    ("at", "limit"),
    [
        (lambda n: {"content": "x" * n}, 2000),
        (lambda n: embed(title="x" * n), 256),
        (lambda n: embed(description="x" * n), 4096),
        (lambda n: embed(footer={"text": "x" * n}), 2048),
        (lambda n: embed(author={"name": "x" * n}), 256),
        (lambda n: embed(fields=[field(name="x" * n)]), 256),
        (lambda n: embed(fields=[field(value="x" * n)]), 1024),
        (lambda n: embed(fields=[field()] * n), 25),
        (lambda n: {"embeds": [{"title": "x"}] * n}, 10),
        (
            lambda n: embed(title="x" * 256, description="x" * 4096, footer={"text": "x" * (n - 256 - 4096)}),
            6000,
        ),
        (lambda n: {"components": [row(button(str(number))) for number in range(n)]}, 5),
        (lambda n: {"components": [row(*(button(str(number)) for number in range(n)))]}, 5),
        (lambda n: {"components": [row(button("x" * n))]}, 100),
        (lambda n: {"components": [row(button("x", label="x" * n))]}, 80),
        (lambda n: {"components": [row(select(options=n))]}, 25),
        (lambda n: {"components": [row(select(placeholder="x" * n))]}, 150),
    ],
)
def test_limits_hold_to_the_character(at: Callable[[int], Json], limit: int) -> None:
    message(at(limit))
    error = refused(lambda: message(at(limit + 1)))
    assert (error.status, error.code) == (400, 50035)
    assert error.body()["message"] == "Invalid Form Body"
    if openapi.available():
        openapi.validate("POST", "/channels/1/messages", at(limit))


def button(custom_id: str, **changes: Any) -> Json:
    return {"type": 2, "style": 1, "label": "x", "custom_id": custom_id} | changes


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def select(options: int = 1, **changes: Any) -> Json:
    offered = [{"label": str(number), "value": str(number)} for number in range(options)]
    return {"type": 3, "custom_id": "s", "options": offered} | changes


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"content": {}}, "content", "STRING_TYPE_CONVERT"),
        ({"embeds": "x"}, "embeds", "LIST_TYPE_CONVERT"),
        ({"embeds": ["x"]}, "embeds.0", "MODEL_TYPE_CONVERT"),
        (embed(color=1 << 24), "embeds.0.color", "NUMBER_TYPE_RANGE"),
        (embed(color="red"), "embeds.0.color", "NUMBER_TYPE_COERCE"),
        (embed(fields=[field(name="")]), "embeds.0.fields.0.name", "BASE_TYPE_REQUIRED"),
        (embed(image={"url": "javascript://x"}), "embeds.0.image.url", "URL_TYPE_INVALID_SCHEME"),
        (embed(image={"url": "attachment://x.png"}), "embeds.0.image.url", "ATTACHMENT_NOT_FOUND"),
        ({"flags": 1 << 4}, "flags", "MESSAGE_FLAGS_INVALID"),
        ({"components": [button("x")]}, "components.0.type", "UNION_TYPE_CHOICES"),
        ({"components": [{"type": 10, "content": "x"}]}, "components.0.type", "UNION_TYPE_CHOICES"),
        ({"components": [row()]}, "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        ({"components": [row(button("x"), button("x"))]}, "components.0", "COMPONENT_CUSTOM_ID_DUPLICATED"),
        (
            {"components": [row(select(), select(custom_id="t"))]},
            "components.0.components.0",
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
        ),
        (
            {"components": [row(button("x", label=""))]},
            "components.0.components.0",
            "COMPONENT_LABEL_REQUIRED",
        ),
        ({"components": [row(button("x", style=5))]}, "components.0.components.0", "COMPONENT_CUSTOM_ID_URL"),
        ({"components": [row(button("x", style=7))]}, "components.0.components.0.style", "NUMBER_TYPE_RANGE"),
        (
            {"components": [row(select(min_values=2, max_values=1))]},
            "components.0.components.0.max_values",
            "COMPONENT_SELECT_RANGE",
        ),
        ({"attachments": [{"id": "5"}]}, "attachments.0.id", "ATTACHMENT_NOT_FOUND"),
        ({"allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0", "BASE_TYPE_CHOICES"),
        (
            {"allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (
            {"flags": 1 << 15, "content": "x"},
            "content",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        ),
    ],
)
def test_errors_stand_where_the_mistake_is(body: Json, path: str, code: str) -> None:
    assert code in paths(refused(lambda: message(body)))[path]
    assert f"data.{path}" in paths(refused(lambda: message(body, inside=("data",))))


def test_new_components_have_limits_of_their_own() -> None:
    v2 = {"flags": 1 << 15}
    text = {"type": 10, "content": "x" * 4000}
    section = {"type": 9, "components": [text], "accessory": button("a")}
    message(v2 | {"components": [{"type": 17, "components": [section, row(button("b"))]}]})
    assert "components" in paths(
        refused(lambda: message(v2 | {"components": [text, {"type": 10, "content": "x"}]}))
    )
    many = [{"type": 17, "components": [{"type": 14}] * 20}] * 2
    assert paths(refused(lambda: message(v2 | {"components": many})))["components"] == ["COMPONENT_MAX_TOTAL"]
    message({"components": [text]}, was_v2=True)


def test_attachments_are_those_kept_and_those_uploaded() -> None:
    uploads = {number: f"{number}.png" for number in range(6)}
    kept = {1000 + number: f"old{number}.png" for number in range(5)}
    message(embed(image={"url": "attachment://5.png"}), uploads=uploads)
    message({"attachments": [{"id": 1000}, {"id": "0", "description": "first"}]}, uploads=uploads, kept=kept)
    assert "attachments" in paths(refused(lambda: message({}, uploads=uploads, kept=kept)))


# --- commands


def command(**changes: Any) -> Json:
    return {"name": "ask", "description": "Ask"} | changes


def option(name: str = "text", kind: int = 3, **changes: Any) -> Json:
    return {"name": name, "description": "What", "type": kind} | changes


def choices(count: int, value: Any = "v") -> list[Json]:
    return [{"name": f"n{number}", "value": value} for number in range(count)]


@pytest.mark.parametrize(
    "name", ["tokens", "likes-list", "a_b", "it's", "größe", "мир", "数", "हिन्दी", "x" * 32]
)
def test_names_that_discord_takes(name: str) -> None:
    rules.check_command(command(name=name))


@pytest.mark.parametrize("name", ["", "Tokens", "two words", "x" * 33, "a.b", "🎵", "a/b"])
def test_names_that_discord_does_not_take(name: str) -> None:
    assert "name" in paths(refused(lambda: rules.check_command(command(name=name))))


@given(st.text(max_size=40))
def test_valid_names_are_short_lower_case_and_without_blanks(name: str) -> None:
    if rules.valid_name(name):
        assert 1 <= len(name) <= 32
        assert name == name.lower()
        assert not any(character.isspace() for character in name)
        rules.check_command(command(name=name))
    else:
        refused(lambda: rules.check_command(command(name=name)))


@pytest.mark.parametrize(
    "good",
    [
        command(options=[option(required=True), option("n", 4, min_value=1, max_value=9)]),
        command(options=[option(choices=choices(25)), option("m", 6)]),
        command(options=[option(autocomplete=True, min_length=0, max_length=6000)]),
        command(options=[option("g", 2, options=[option("s", 1, options=[option()])]), option("t", 1)]),
        command(default_member_permissions=32, description="x" * 100),
        command(type=2, name="Menu With Blanks", description=""),
    ],
)
def test_commands_that_discord_takes(good: Json) -> None:
    rules.check_command(good)
    if openapi.available():
        openapi.validate("POST", "/applications/1/commands", good)


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (command(description=""), "description"),
        (command(description="x" * 101), "description"),
        (command(options=[option(required=False), option("b", required=True)]), "options.1"),
        (command(options=[option(), option()]), "options.1.name"),
        (command(options=[option(f"o{number}") for number in range(26)]), "options"),
        (command(options=[option(kind=12)]), "options.0.type"),
        (command(options=[option(choices=choices(26))]), "options.0.choices"),
        (command(options=[option(choices=choices(1, "x" * 101))]), "options.0.choices.0.value"),
        (command(options=[option(choices=choices(1, 5))]), "options.0.choices.0.value"),
        (command(options=[option(kind=4, choices=choices(1, 1.5))]), "options.0.choices.0.value"),
        (command(options=[option(choices=choices(1) * 2)]), "options.0.choices.1.name"),
        (command(options=[option(kind=6, choices=choices(1))]), "options.0.choices"),
        (command(options=[option(choices=choices(1), autocomplete=True)]), "options.0.autocomplete"),
        (command(options=[option(kind=5, autocomplete=True)]), "options.0.autocomplete"),
        (command(options=[option(min_value=1)]), "options.0.min_value"),
        (command(options=[option(kind=4, min_length=1)]), "options.0.min_length"),
        (command(options=[option(max_length=6001)]), "options.0.max_length"),
        (command(options=[option("s", 1), option()]), "options"),
        (command(options=[option("s", 1, options=[option("t", 1)])]), "options.0.options.0.type"),
        (command(options=[option("g", 2, options=[option()])]), "options.0.options.0.type"),
        (command(default_member_permissions="many"), "default_member_permissions"),
        (command(type=2, description="no"), "description"),
    ],
)
def test_commands_that_discord_does_not_take(bad: Json, path: str) -> None:
    assert path in paths(refused(lambda: rules.check_command(bad)))


def test_a_command_holds_eight_thousand_characters() -> None:
    def long(last: int) -> Json:
        values = [{"name": f"{number:02}" + "n" * 98, "value": "v" * 100} for number in range(19)]
        more = [option(f"o{number}", choices=values, description="d" * 50) for number in range(2)]
        return command(options=[*more, option("p", description="d", choices=choices(1, "v" * last))])

    used = rules._characters(long(0))
    rules.check_command(long(min(8000 - used, 100)))
    heavy = command(options=[option(f"o{n}", choices=long(1)["options"][0]["choices"]) for n in range(3)])
    assert paths(refused(lambda: rules.check_command(heavy)))[""] == ["APPLICATION_COMMAND_TOO_LARGE"]


def test_bulk_overwrites() -> None:
    many = [command(name=f"c{number}") for number in range(100)]
    assert rules.check_commands(many) == many
    rules.check_commands([*many, command(type=2, name="c0", description="")])
    assert refused(lambda: rules.check_commands([*many, command()])).code == 30032
    twins = refused(lambda: rules.check_commands([command(), command()]))
    assert paths(twins)["1.name"] == ["APPLICATION_COMMANDS_DUPLICATE_NAME"]
    assert refused(lambda: rules.check_commands({"name": "x"})).code == 50035


# --- modals and autocomplete


def modal(**changes: Any) -> Json:
    field = {"type": 4, "custom_id": "f", "label": "F", "style": 1}
    return {"title": "T", "custom_id": "m", "components": [row(field | changes.pop("field", {}))]} | changes


def test_modals() -> None:
    rules.check_modal(modal(title="x" * 45, field={"label": "x" * 45, "max_length": 4000}))
    label = {"type": 18, "label": "L", "component": {"type": 4, "custom_id": "f", "style": 2}}
    rules.check_modal(modal(components=[{"type": 10, "content": "read"}, label]))
    rows = [row({"type": 4, "custom_id": str(n), "label": "F", "style": 1}) for n in range(6)]
    for bad, path in [
        (None, "data"),
        (modal(title="x" * 46), "data.title"),
        (modal(title=""), "data.title"),
        (modal(field={"label": "x" * 46}), "data.components.0.components.0.label"),
        (modal(field={"style": 3}), "data.components.0.components.0.style"),
        (modal(components=rows), "data.components"),
        (modal(components=[]), "data.components"),
        (modal(components=[rows[0], rows[0]]), "data.components.1.components.0"),
        (modal(components=[row(button("x"))]), "data.components.0.components"),
        (modal(components=[button("x")]), "data.components.0.type"),
        (modal(components=[label | {"label": "x" * 46}]), "data.components.0.label"),
    ]:
        assert path in paths(refused(partial(rules.check_modal, bad))), path


@given(st.integers(0, 40), st.integers(1, 120))
def test_autocomplete_takes_25_choices_of_100_characters(count: int, length: int) -> None:
    offered = {"choices": [{"name": "n" * length, "value": "v"}] * count}
    if count > 25 or (count and length > 100):
        refused(lambda: rules.check_choices(offered, rules.STRING))
    else:
        assert len(rules.check_choices(offered, rules.STRING)) == count


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        (3, "x", True),
        (3, 1, False),
        (4, 1, True),
        (4, 1.5, False),
        (4, True, False),
        (10, 1.5, True),
        (3, None, False),
    ],
)
def test_choices_have_the_options_type(kind: int, value: Any, good: bool) -> None:
    body = {"choices": [{"name": "n", "value": value}]}
    if good:
        rules.check_choices(body, kind)
    else:
        assert "data.choices.0.value" in paths(refused(lambda: rules.check_choices(body, kind)))
    assert "data.choices" in paths(refused(lambda: rules.check_choices(None, kind)))


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["content", "embeds", "fields", "name", "title", "components", "type", "custom_id", "options", "choices",
             "value", "url", "image", "flags", "attachments", "id", "parse", "users", "style", "footer", "text",
             "emoji", "label", "placeholder", "description", "color", "inline", "accessory"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["content", "embeds", "components", "attachments", "flags", "allowed_mentions"]), json
    )
)
def test_any_json_is_taken_or_refused(body: Json) -> None:
    for check in (
        lambda: message(body),
        lambda: rules.check_modal(body),
        lambda: rules.check_commands([body]),
    ):
        assert status(check) in {None, 400}


PARTS: dict[str, Json] = {
    "embed": {
        "title": "t", "description": "d", "color": 1, "url": "https://x", "fields": [field()],
        "image": {"url": "https://x/y.png"}, "thumbnail": {"url": "https://x"}, "footer": {"text": "f"},
        "author": {"name": "a"},
    },
    "field": field() | {"inline": True},
    "button": button("b", emoji={"name": "x"}, disabled=False),
    "select": select(placeholder="p", min_values=1, max_values=1),
    "mentions": {"parse": ["roles"], "users": ["1"], "replied_user": True},
}  # fmt: skip


@given(st.sampled_from(sorted(PARTS)), st.data())
def test_what_is_taken_can_be_stored_and_shown(name: str, data: st.DataObject) -> None:
    """One key of a good part is replaced by anything: if it passes the rules, nothing after them may stumble."""
    part = dict(PARTS[name])
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(json)
    body: Json = {
        "embed": {"embeds": [part]},
        "field": embed(fields=[part]),
        "button": {"content": "c", "components": [row(part)]},
        "select": {"content": "c", "components": [row(part)]},
        "mentions": {"content": "<@1> <@&2>", "allowed_mentions": part},
    }[name]
    world = World(ManualClock(), EventLog(), "Bot")
    try:
        message(body)
        stored = world.create_message(world.channel, body, {})
    except ApiError:
        return
    assert stored.payload()["id"] == str(stored.id)
    assert isinstance(stored.text, str)
    assert len(stored.buttons) == (name == "button")
    Console(file=io.StringIO()).print(Painter(world.guild).message(stored, {}))
