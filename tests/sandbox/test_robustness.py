"""What a broken client sends, and what days of running leave behind, must not break the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from sandbox import Limits, ManualClock, Sandbox, Upload
from sandbox.state import AUTOCOMPLETE, COMMAND
from sandbox.world import LIVE

JUNK: list[Any] = [
    None,
    True,
    -1,
    0.5,
    10**30,
    "",
    "x",
    "9" * 5000,
    [],
    {},
    [None],
    [[]],
    [{"type": []}],
    {"x": {}},
]

BUTTON = {"type": 2, "style": 1, "label": "l", "custom_id": "c", "emoji": {"name": "🔒"}}
SELECT = {"type": 3, "custom_id": "s", "options": [{"label": "l", "value": "v"}], "min_values": 1}
MESSAGE: dict[str, Any] = {
    "content": "x",
    "flags": 0,
    "nonce": "1",
    "embeds": [
        {
            "title": "t",
            "color": 1,
            "url": "https://x",
            "fields": [{"name": "n", "value": "v", "inline": True}],
            "footer": {"text": "f", "icon_url": "https://x"},
            "image": {"url": "https://x"},
            "timestamp": "2020-01-01T00:00:00Z",
        }
    ],
    "components": [{"type": 1, "components": [BUTTON]}, {"type": 1, "components": [SELECT]}],
    "allowed_mentions": {"parse": ["users"], "roles": ["1"], "replied_user": True},
    "attachments": [],
    "message_reference": {"message_id": "1", "fail_if_not_exists": False},
}
LAYOUT: dict[str, Any] = {
    "flags": 1 << 15,
    "components": [
        {
            "type": 17,
            "components": [
                {
                    "type": 9,
                    "components": [{"type": 10, "content": "x"}],
                    "accessory": {"type": 11, "media": {"url": "https://x"}},
                },
                {"type": 12, "items": [{"media": {"url": "https://x"}}]},
                {"type": 1, "components": [BUTTON]},
            ],
        }
    ],
}
MODAL: dict[str, Any] = {
    "custom_id": "m",
    "title": "t",
    "components": [
        {"type": 1, "components": [{"type": 4, "custom_id": "a", "label": "l", "style": 1, "max_length": 3}]},
        {"type": 18, "label": "l", "component": SELECT},
    ],
}
CHOICES: dict[str, Any] = {"choices": [{"name": "n", "value": "v"}]}
COMMAND_BODY: dict[str, Any] = {
    "name": "c",
    "description": "d",
    "type": 1,
    "options": [
        {
            "type": 1,
            "name": "s",
            "description": "d",
            "options": [
                {"type": 3, "name": "x", "description": "d", "choices": [{"name": "n", "value": "v"}]}
            ],
        }
    ],
    "default_member_permissions": "8",
    "contexts": [0, 1],
}


def spoilt(node: Any, junk: Any) -> Iterator[Any]:
    """Every copy of `node` in which one part, however deep, is `junk`."""
    yield junk
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    for key in keys:
        for inner in spoilt(node[key], junk):
            copy = dict(node) if isinstance(node, dict) else list(node)
            copy[key] = inner
            yield copy


class Sender:
    def __init__(self, box: Sandbox, session: aiohttp.ClientSession) -> None:
        self._box = box
        self._session = session

    async def __call__(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None) -> int:
        """The status; whatever it is, it comes with JSON or with nothing."""
        headers = {"Authorization": f"Bot {self._box.token}", "Content-Type": "application/json"}
        content = json.dumps(body).encode() if raw is None else raw
        url = self._box.api_url + path
        async with self._session.request(method, url, data=content, headers=headers) as response:
            if response.status != 204:
                assert response.headers["Content-Type"] == "application/json", await response.text()
                await response.json()
            return response.status


@pytest.fixture
async def box() -> Any:
    """Without any rate, and without holding what is sent against Discord's description: it is wrong on purpose."""
    limits = Limits(
        rates={}, default_rate=None, global_rate=None, invalid_rate=(10**9, 1.0), daily_commands=10**9
    )
    async with Sandbox(limits=limits) as box:
        yield box


@pytest.fixture
async def send(box: Sandbox) -> Any:
    async with aiohttp.ClientSession() as session:
        yield Sender(box, session)


@pytest.mark.parametrize("body", [MESSAGE, LAYOUT], ids=["message", "layout"])
async def test_no_message_is_too_strange(box: Sandbox, send: Sender, body: Any) -> None:
    path = f"/channels/{box.channel.id}/messages"
    assert await send("POST", path, body) == 200
    mine = box.sent_messages[0].id
    for junk in JUNK:
        for wrong in spoilt(body, junk):
            assert await send("POST", path, wrong) < 500, wrong
            assert await send("PATCH", f"{path}/{mine}", wrong) < 500, wrong
    assert await send("GET", path) == 200, "whatever was let in can be read"


async def test_no_command_is_too_strange(box: Sandbox, send: Sender) -> None:
    path = f"/applications/{box.world.application_id}/commands"
    for junk in JUNK:
        for wrong in spoilt(COMMAND_BODY, junk):
            assert await send("POST", path, wrong) < 500, wrong
            assert await send("PUT", path, [wrong]) < 500, wrong
    assert await send("GET", path) == 200


@pytest.mark.parametrize(
    ("kind", "data"), [(4, MESSAGE), (5, MESSAGE), (4, LAYOUT), (8, CHOICES), (9, MODAL)]
)
async def test_no_callback_is_too_strange(box: Sandbox, send: Sender, kind: int, data: Any) -> None:
    for junk in JUNK:
        for wrong in spoilt({"type": kind, "data": data}, junk):
            asked = AUTOCOMPLETE if kind == 8 else COMMAND
            interaction = box.world.add_interaction(asked, box.student, {"type": 1, "options": []})
            path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=1"
            assert await send("POST", path, wrong) < 500, wrong


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nul",
        b"\xff",
        b"[" * 100_000,
        b'{"content": ' * 50_000,
        rb'{"content": "half a pair: \ud83d"}',
        b'{"content": "\xed\xa0\xbd"}',
        b'{"content": "x", "nonce": NaN}',
        b'{"content": "x", "flags": ' + b"1" * 5000 + b"}",
    ],
)
async def test_what_is_no_json(box: Sandbox, send: Sender, raw: bytes) -> None:
    path = f"/channels/{box.channel.id}/messages"
    assert await send("POST", path, raw=raw) == 400
    assert await send("GET", path) == 200


async def test_whole_pairs_pass(box: Sandbox, send: Sender) -> None:
    assert await send("POST", f"/channels/{box.channel.id}/messages", {"content": "\U0001f984"}) == 200
    assert box.sent_messages[0].content == "\U0001f984"


async def test_paths_and_queries(box: Sandbox, send: Sender) -> None:
    there = f"/channels/{box.channel.id}/messages"
    for path in (
        "/channels/" + "9" * 5000,
        f"{there}/x",
        f"{there}?limit=" + "9" * 5000,
        f"{there}?limit=-1",
    ):
        assert await send("GET", path) == 400, path
    for path in (f"{there}?before=x", f"{there}?around=1"):
        assert await send("GET", path) == 200, path


class TestDays:
    """What a sandbox that runs for days keeps."""

    async def test_messages(self, box: Sandbox, send: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sandbox.world.KEPT_MESSAGES", 3)
        path = f"/channels/{box.channel.id}/messages"
        await send("POST", path, {"content": "0"})
        for number in range(1, 6):
            before = box.sent_messages[-1].id
            body = {"content": str(number), "message_reference": {"message_id": str(before)}}
            assert await send("POST", path, body) == 200
        kept = box.sent_messages
        assert [message.content for message in kept] == ["3", "4", "5"]
        # The last one forgotten is still the one that was answered, and holds no other.
        assert kept[0].referenced is not None
        assert (kept[0].referenced.content, kept[0].referenced.referenced) == ("2", None)
        assert await send("GET", path) == 200
        assert await send("GET", f"{path}/{kept[0].referenced.id}") == 404

    async def test_interactions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sandbox.world.KEPT_INTERACTIONS", 3)
        clock = ManualClock()
        async with Sandbox(clock=clock) as box:

            def ask() -> None:
                box.world.add_interaction(COMMAND, box.student, {})

            for _ in range(5):
                ask()
            assert len(box.world.interactions) == 5, "none whose token may be in use is forgotten"
            clock.advance(LIVE + 1)
            last = list(box.world.interactions)[3:]
            ask()
            assert list(box.world.interactions)[:-1] == last

    async def test_files(self, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sandbox.world.KEPT_BYTES", 25)
        files = [box.world.store(box.channel, Upload(f"{number}.txt", bytes(10))) for number in range(4)]
        assert [len(file.bytes) for file in files] == [0, 0, 10, 10]
        assert [file.size for file in files] == [10] * 4
        async with aiohttp.ClientSession() as session:
            statuses = []
            for file in files:
                async with session.get(file.url) as response:
                    statuses.append(response.status)
        assert statuses == [404, 404, 200, 200]


async def test_a_body_in_chunks_is_measured_too(box: Sandbox) -> None:
    most = 10 * box.limits.attachment_bytes
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="files[0]"; filename="a"\r\n\r\n'
        while sent < 3 * most:
            sent += 1 << 20
            yield bytes(1 << 20)

    headers = {"Authorization": f"Bot {box.token}", "Content-Type": "multipart/form-data; boundary=b"}
    url = f"{box.api_url}/channels/{box.channel.id}/messages"
    async with aiohttp.ClientSession() as session:
        try:
            async with session.post(url, data=endless(), headers=headers) as response:
                assert response.status == 413
        except aiohttp.ClientError:
            pass  # it was cut off in the middle
    assert sent < 2 * most
    assert [request.status for request in box.requests("POST", "/messages")] == [413]
