"""What Discord does and refuses, and a stand-in is tempted not to."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox import Limits, Sandbox, coverage, rules
from sandbox.gateway import ACKNOWLEDGED_AFTER
from sandbox.rules import ApiError

EMBED = {"title": "t"}


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox(limits=Limits.without_rates()) as box:
        yield box


@pytest.fixture
async def http(box: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {box.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


class Connected:
    """A raw gateway connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token

    async def until(self, **wanted: Any) -> dict[str, Any]:
        while True:
            payload: dict[str, Any] = json.loads((await self.socket.receive(timeout=5)).data)
            if all(payload.get(key) == value for key, value in wanted.items()):
                return payload

    async def identify(self, intents: int) -> dict[str, Any]:
        data = {"token": self.token, "intents": intents, "properties": {}}
        await self.socket.send_json({"op": 2, "d": data})
        return (await self.until(t="READY"))["d"]  # type: ignore[no-any-return]


@contextlib.asynccontextmanager
async def connected(box: Sandbox, http: aiohttp.ClientSession) -> AsyncIterator[Connected]:
    async with http.ws_connect(f"{box.gateway_url}?v=10&encoding=json") as socket:
        connection = Connected(socket, box.token)
        await connection.until(op=10)
        yield connection


def refused(**body: Any) -> dict[str, Any]:
    with pytest.raises(ApiError) as caught:
        rules.check_message(body, uploads={}, kept={})
    return caught.value.body()["errors"]  # type: ignore[no-any-return]


def test_a_token_has_the_shape_of_discords(box: Sandbox) -> None:
    first, second, third = box.token.split(".")
    assert base64.b64decode(first + "==").isdigit()
    assert len(second) == 6
    assert len(third) >= 27


async def test_a_heartbeat_is_answered_after_a_moment(box: Sandbox, http: aiohttp.ClientSession) -> None:
    async with connected(box, http) as connection:
        began = time.perf_counter()
        await connection.socket.send_json({"op": 1, "d": None})
        await connection.until(op=11)
        assert ACKNOWLEDGED_AFTER <= time.perf_counter() - began + 0.001 < 1


@pytest.mark.parametrize("wrapped", [True, False])
async def test_forms_without_files_are_read(box: Sandbox, http: aiohttp.ClientSession, wrapped: bool) -> None:
    fields = {"payload_json": json.dumps({"content": "of a form"})} if wrapped else {"content": "of a form"}
    async with http.post(f"{box.api_url}/channels/{box.channel.id}/messages", data=fields) as answer:
        assert answer.status == 200
    assert box.sent_messages[-1].content == "of a form"


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_fields_of_embeds_are_not_blank(blank: str) -> None:
    assert "fields" in refused(embeds=[EMBED | {"fields": [{"name": blank, "value": "x"}]}])["embeds"]["0"]
    assert "fields" in refused(embeds=[EMBED | {"fields": [{"name": "x", "value": blank}]}])["embeds"]["0"]


def test_names_of_files_lose_what_discord_takes_away() -> None:
    assert [rules.safe_filename(name) for name in ("_a b.png", "__x.txt", ".y", "a_b.png")] == [
        "a_b.png", "x.txt", "y", "a_b.png",
    ]  # fmt: skip
    image = {"image": {"url": "attachment://my picture.png"}}
    with pytest.raises(ApiError):
        rules.check_message({"embeds": [EMBED | image]}, uploads={0: "my picture.png"}, kept={})
    image = {"image": {"url": "attachment://my_picture.png"}}
    rules.check_message({"embeds": [EMBED | image]}, uploads={0: "my picture.png"}, kept={})


async def test_a_nonce_can_keep_a_message_from_coming_twice(
    box: Sandbox, http: aiohttp.ClientSession
) -> None:
    url = f"{box.api_url}/channels/{box.channel.id}/messages"
    ids = []
    for body in (
        {"nonce": "n", "enforce_nonce": True},
        {"nonce": "n", "enforce_nonce": True},
        {"nonce": "n"},
    ):
        async with http.post(url, json={"content": "x", **body}) as answer:
            ids.append((await answer.json())["id"])
    assert ids[0] == ids[1] != ids[2]
    async with http.post(url, json={"content": "x", "nonce": "n" * 26}) as answer:
        assert answer.status == 400


async def test_members_by_guild_and_intent(box: Sandbox, http: aiohttp.ClientSession) -> None:
    async with connected(box, http) as connection:
        await connection.identify(1)
        guild = str(box.guild.id)
        for request in (
            {"guild_id": "1", "query": "", "limit": 0},
            {"guild_id": guild, "query": "", "limit": 0},
            {"guild_id": guild, "user_ids": [str(box.admin.id), "5"], "nonce": "mine"},
            {"guild_id": guild, "query": "stu", "limit": 1},
        ):
            await connection.socket.send_json({"op": 8, "d": request})
        first = await connection.until(t="GUILD_MEMBERS_CHUNK")
        assert (first["d"]["nonce"], first["d"]["not_found"]) == ("mine", ["5"])
        assert [one["user"]["id"] for one in first["d"]["members"]] == [str(box.admin.id)]
        second = await connection.until(t="GUILD_MEMBERS_CHUNK")
        assert [one["user"]["id"] for one in second["d"]["members"]] == [str(box.student.id)]
        await connection.socket.send_json({"op": 31, "d": {"guild_ids": [guild, "7"]}})
        sounds = await connection.until(t="SOUNDBOARD_SOUNDS")
        assert sounds["d"] == {"guild_id": guild, "soundboard_sounds": []}


@pytest.mark.parametrize("code", [4007, 4009])
async def test_some_ends_end_the_session(box: Sandbox, http: aiohttp.ClientSession, code: int) -> None:
    async with connected(box, http) as connection:
        session = (await connection.identify(1))["session_id"]
        await box.drop(code)
    async with connected(box, http) as connection:
        data = {"token": box.token, "session_id": session, "seq": 1}
        await connection.socket.send_json({"op": 6, "d": data})
        assert (await connection.until(op=9))["d"] is False


async def test_a_sequence_that_never_was_ends_the_session(box: Sandbox, http: aiohttp.ClientSession) -> None:
    async with connected(box, http) as connection:
        session = (await connection.identify(1))["session_id"]
        await box.drop(4000)
    async with connected(box, http) as connection:
        data = {"token": box.token, "session_id": session, "seq": 10_000}
        await connection.socket.send_json({"op": 6, "d": data})
        closed = await connection.socket.receive(timeout=5)
        assert closed.data == 4007


async def test_the_undocumented_intent_is_taken(box: Sandbox, http: aiohttp.ClientSession) -> None:
    async with connected(box, http) as connection:
        assert await connection.identify(1 | 1 << 17)
    async with connected(box, http) as connection:
        data = {"token": box.token, "intents": 1 << 18, "properties": {}}
        await connection.socket.send_json({"op": 2, "d": data})
        assert (await connection.socket.receive(timeout=5)).data == 4013


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/channels/1/messages/2/reactions/x/@me"), ("POST", "/channels/1/threads")]
)
async def test_what_is_not_there_is_told_loudly(
    box: Sandbox, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    async with http.request(method, box.api_url + path, json={}) as answer:
        assert answer.status == 404
        assert await answer.json() == {"message": "404: Not Found", "code": 0}
    assert f"The sandbox does not support {method} {path}" in caplog.text
    assert any(getattr(entry, "kind", "") == "lacking" for entry in box.log)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("polls", {"poll": {"question": {"text": "?"}}}),
        ("stickers", {"sticker_ids": ["1"]}),
        ("forwards", {"message_reference": {"type": 1, "message_id": "1"}}),
    ],
)
async def test_parts_of_messages_that_are_not_there_are_told_loudly(
    box: Sandbox,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    what: str,
    body: dict[str, Any],
) -> None:
    url = f"{box.api_url}/channels/{box.channel.id}/messages"
    async with http.post(url, json={"content": "x", **body}) as answer:
        assert answer.status == 400
        assert what in (await answer.json())["message"]
    assert f"does not support {what}" in caplog.text


def test_the_table_of_operations_agrees_with_the_routes() -> None:
    page = coverage.PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\w+) \| `([^`]+)` \|$", page, re.MULTILINE)
    assert len(listed) > 200
    assert page == coverage.table(listed)


SELECT = {"type": 5, "custom_id": "s"}
ROWS: dict[str, Any] = {
    "a premium button without a product": {"type": 2, "style": 6},
    "a premium button with a label": {"type": 2, "style": 6, "sku_id": "1", "label": "x"},
    "too many people chosen": SELECT | {"default_values": [{"id": "1", "type": "user"}] * 2},
    "a role chosen among people": SELECT | {"default_values": [{"id": "1", "type": "role"}]},
    "too many options chosen": {
        "type": 3,
        "custom_id": "s",
        "options": [{"label": x, "value": x, "default": True} for x in "ab"],
    },
    "a kind of channel that is none": {"type": 8, "custom_id": "s", "channel_types": [99]},
}


@pytest.mark.parametrize("what", ROWS)
def test_components_that_discord_refuses(what: str) -> None:
    assert refused(components=[{"type": 1, "components": [ROWS[what]]}])


@pytest.mark.parametrize(
    "part",
    [
        {"type": 14, "spacing": 9},
        {"type": 14, "spacing": 0},
        {"type": 17, "accent_color": 1 << 24, "components": [{"type": 10, "content": "x"}]},
        {"type": 17, "accent_color": -1, "components": [{"type": 10, "content": "x"}]},
    ],
)
def test_layouts_that_discord_refuses(part: dict[str, Any]) -> None:
    assert refused(flags=1 << 15, components=[part])


COMMAND = {"name": "a", "description": "b"}


@pytest.mark.parametrize(
    "more",
    [
        {"contexts": [3]},
        {"contexts": [0, 0]},
        {"integration_types": [2]},
        {"integration_types": "0"},
        {"name_localizations": {"de": "x" * 33}},
        {"name_localizations": {"de": "Groß Wort"}},
        {"name_localizations": {"xx": "x"}},
        {"description_localizations": {"de": "x" * 101}},
        {"options": [{"type": 7, "name": "c", "description": "d", "channel_types": [98]}]},
        {"options": [{"type": 3, "name": "c", "description": "d", "channel_types": [0]}]},
        {
            "options": [
                {"type": 3, "name": "c", "description": "d", "description_localizations": {"fr": "x" * 101}}
            ]
        },
        {"options": [{"type": 3, "name": "c", "description": "d", "choices": [{"name": " ", "value": "v"}]}]},
    ],
)
def test_commands_that_discord_refuses(more: dict[str, Any]) -> None:
    rules.check_command(COMMAND)
    with pytest.raises(ApiError):
        rules.check_command(COMMAND | more)


def test_suggestions_have_names() -> None:
    with pytest.raises(ApiError):
        rules.check_choices({"choices": [{"name": " ", "value": "x"}]}, rules.STRING)


async def test_bodies_are_bounded_while_they_are_read(box: Sandbox, http: aiohttp.ClientSession) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(2000):
            sent += 1 << 17
            yield b" " * (1 << 17)

    url = f"{box.api_url}/channels/{box.channel.id}/messages"
    with contextlib.suppress(aiohttp.ClientError):
        async with http.post(url, data=endless(), headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 413
    assert sent < 64 << 20


async def test_a_body_that_never_ends_is_given_up(
    box: Sandbox, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.rest.PATIENCE", 0.1)

    async def half() -> AsyncIterator[bytes]:
        yield b'{"content": '
        await asyncio.sleep(5)

    url = f"{box.api_url}/channels/{box.channel.id}/messages"
    with contextlib.suppress(aiohttp.ClientError):
        async with http.post(url, data=half(), headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 408


async def test_a_request_that_is_never_whole_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.server.IDLE", 0.2)
    async with Sandbox() as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
        writer.write(b"GET /api/v10/gateway HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


def test_hundreds_of_thousands_of_mentions_get_a_short_answer() -> None:
    began = time.perf_counter()
    for body in (
        {"content": "x", "allowed_mentions": {"users": ["x"] * 300_000}},
        {"content": "x", "allowed_mentions": {"parse": ["x"] * 300_000}},
        {"content": "x", "attachments": [{"id": "x"}] * 300_000},
    ):
        with pytest.raises(ApiError) as caught:
            rules.check_message(body, uploads={}, kept={})
        assert len(json.dumps(caught.value.body())) < 50_000
    assert time.perf_counter() - began < 3


@pytest.mark.parametrize("host", ["LOCALHOST", "LocalHost", "127.0.0.1"])
async def test_loopback_is_written_as_one_likes(box: Sandbox, http: aiohttp.ClientSession, host: str) -> None:
    async with http.get(f"{box.api_url}/gateway", headers={"Host": f"{host}:{box.port}"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}]
)
async def test_pages_of_others_reach_nothing(
    box: Sandbox, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    for path in ("/api/v10/gateway", "/api/v10/users/@me", "/gateway"):
        async with http.get(box.url + path, headers=headers) as answer:
            assert answer.status == 421
