"""The HTTP API without a library in between: routes, authorization, rate limits, faults, files."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest

from sandbox import Limits, ManualClock, Permission, Sandbox
from tests.sandbox.client import StudyBot, fail_to_start


class Http:
    def __init__(self, box: Sandbox, session: aiohttp.ClientSession) -> None:
        self._box = box
        self._session = session

    async def __call__(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **options: Any
    ) -> tuple[int, Any, aiohttp.ClientResponse]:
        headers = {"Authorization": f"Bot {token or self._box.token}"} | options.pop("headers", {})
        if body is not None:
            options["json"] = body
        url = path if path.startswith("http") else self._box.api_url + path
        async with self._session.request(method, url, headers=headers, **options) as response:
            json = response.headers.get("Content-Type") == "application/json"
            return response.status, await response.json() if json else await response.text(), response


@pytest.fixture
async def http(box: Sandbox) -> AsyncIterator[Http]:
    async with aiohttp.ClientSession() as session:
        yield Http(box, session)


async def test_who_and_where(box: Sandbox, http: Http) -> None:
    for path, key, value in [
        ("/users/@me", "bot", True),
        ("/users/@me", "username", "Sandboxed Bot"),
        ("/oauth2/applications/@me", "id", str(box.world.application_id)),
        ("/gateway", "url", box.gateway_url),
        (f"/users/{box.admin.id}", "username", "admin"),
        (f"/guilds/{box.guild.id}", "name", "Sandbox"),
        (f"/guilds/{box.guild.id}/members/{box.student.id}", "roles", []),
        (f"/channels/{box.channel.id}", "name", "general"),
    ]:
        status, body, response = await http("GET", path)
        assert (status, body[key]) == (200, value), path
        assert response.headers["Content-Type"] == "application/json"
        assert "Access-Control-Allow-Origin" not in response.headers
    for path, count in [("channels", 1), ("roles", 3), ("members?limit=1000", 3)]:
        assert len((await http("GET", f"/guilds/{box.guild.id}/{path}"))[1]) == count, path


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, 0),
        ("DELETE", "/users/@me", 404, 0),
        ("GET", "/users/1", 404, 10013),
        ("GET", "/guilds/1", 404, 10004),
        ("GET", "/guilds/{guild}/members/1", 404, 10007),
        ("GET", "/channels/1", 404, 10003),
        ("GET", "/channels/{channel}/messages/1", 404, 10008),
        ("GET", "/applications/1/commands", 403, 20012),
        ("GET", "/applications/{app}/guilds/1/commands", 403, 50001),
        ("GET", "/applications/{app}/commands/1", 404, 10063),
        ("POST", "/interactions/1/token/callback", 404, 10062),
        ("POST", "/webhooks/{app}/token", 404, 10015),
        ("PATCH", "/webhooks/{app}/token/messages/@original", 404, 10015),
        ("GET", "/channels/x", 400, 50035),
        ("POST", "/users/@me/channels", 400, 50033),
    ],
)
async def test_what_is_not_there(
    box: Sandbox, http: Http, method: str, path: str, status: int, code: int
) -> None:
    places = {"{app}": box.world.application_id, "{guild}": box.guild.id, "{channel}": box.channel.id}
    for name, number in places.items():
        path = path.replace(name, str(number))
    answer = await http(method, path, {} if method in {"POST", "PATCH"} else None)
    assert (answer[0], answer[1]["code"]) == (status, code)
    logged = box.requests(method, path)
    assert [request.status for request in logged] == [status]


async def test_a_wrong_token_opens_nothing(box: Sandbox, http: Http) -> None:
    status, body, _ = await http("GET", "/users/@me", token="wrong")
    assert (status, body) == (401, {"message": "401: Unauthorized", "code": 0})
    assert box.rest.limiter.invalid == 1
    with pytest.raises(discord.LoginFailure):
        await fail_to_start(box, StudyBot(), "wrong")


async def test_only_loopback_names_are_answered(box: Sandbox, http: Http) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", f"localhost.evil:{box.port}"):
        assert (await http("GET", "/gateway", headers={"Host": host}))[0] == 421
    for origin in ("https://evil.example", "null"):
        assert (await http("GET", "/gateway", headers={"Origin": origin}))[0] == 421
    assert (await http("GET", "/gateway", headers={"Origin": box.url}))[0] == 200
    for host in ("localhost", f"127.0.0.1:{box.port}", "[::1]:80"):
        assert (await http("GET", "/gateway", headers={"Host": host}))[0] == 200


async def test_messages_of_channels(box: Sandbox, http: Http) -> None:
    path = f"/channels/{box.channel.id}/messages"
    _, sent, _ = await http("POST", path, {"content": "  one  ", "nonce": 7})
    assert (sent["content"], sent["nonce"], sent["edited_timestamp"]) == ("one", "7", None)
    _, reply, _ = await http(
        "POST", path, {"content": "two", "message_reference": {"message_id": sent["id"]}}
    )
    assert (reply["type"], reply["message_reference"]["message_id"]) == (19, sent["id"])
    _, edited, _ = await http("PATCH", f"{path}/{sent['id']}", {"content": "three"})
    assert edited["edited_timestamp"] is not None
    assert [message["content"] for message in (await http("GET", path))[1]] == ["two", "three"]
    assert (await http("DELETE", f"{path}/{sent['id']}"))[0] == 204
    assert (await http("GET", f"{path}/{sent['id']}"))[1]["code"] == 10008
    assert (await http("POST", path, {"content": ""}))[1]["code"] == 50006
    assert (await http("POST", path, {"content": "psst", "flags": 64}))[0] == 400
    assert (await http("POST", f"/channels/{box.channel.id}/typing", {}))[0] == 204
    assert [message.content for message in box.sent_messages] == ["three", "two"]


@pytest.mark.parametrize(
    "embed",
    [
        {"timestamp": "yesterday"},
        {"timestamp": 5},
        {"footer": {"text": "x", "icon_url": "somewhere"}},
        {"author": {"name": "x", "url": "somewhere"}},
        {"author": {"name": "x", "url": "attachment://a.png"}},
        {"author": {"name": "x", "icon_url": "somewhere"}},
        {"image": {"url": None}},
        {"thumbnail": {"url": ""}},
    ],
)
async def test_parts_of_embeds(box: Sandbox, http: Http, embed: dict[str, Any]) -> None:
    path = f"/channels/{box.channel.id}/messages"
    right = {"timestamp": "2020-01-01T00:00:00Z", "author": {"name": "x", "url": "https://x"}}
    assert (await http("POST", path, {"embeds": [{"title": "x"} | right]}))[0] == 200
    assert (await http("POST", path, {"embeds": [{"title": "x"} | embed]}))[1]["code"] == 50035


async def test_layouts(box: Sandbox, http: Http) -> None:
    text = {"type": 10, "content": "x"}
    picture = {"type": 11, "media": {"url": "https://x"}}
    gallery = {"type": 12, "items": [{"media": {"url": "https://x"}}]}

    async def post(*components: Any) -> int:
        body = {"flags": 1 << 15, "components": components}
        return (await http("POST", f"/channels/{box.channel.id}/messages", body))[0]

    section = {"type": 9, "components": [text], "accessory": picture}
    assert await post({"type": 17, "components": [section, gallery, text, {"type": 14}]}) == 200
    for wrong in (
        picture,
        section | {"accessory": None},
        section | {"accessory": text},
        section | {"components": []},
        section | {"components": [text] * 4},
        section | {"components": [picture]},
        {"type": 17, "components": [{"type": 17, "components": [text]}]},
        {"type": 17, "components": []},
        {"type": 12, "items": [{"media": {"url": "attachment://missing.png"}}]},
        {"type": 12, "items": []},
        {"type": 13, "file": {"url": "https://x"}},
    ):
        assert await post(wrong) == 400, wrong


@pytest.mark.parametrize(
    ("emoji", "status"),
    [
        ({"name": "🔒"}, 200),
        ({"name": "1️⃣"}, 200),
        ({"name": "party", "id": "1234"}, 200),
        ({"id": "1234"}, 400),
        ({"name": "party"}, 400),
        ({"name": ":lock:"}, 400),
        ({"name": "party", "id": "x"}, 400),
    ],
)
async def test_emojis(box: Sandbox, http: Http, emoji: dict[str, Any], status: int) -> None:
    path = f"/channels/{box.channel.id}/messages"
    button = {"type": 2, "style": 1, "custom_id": "b", "emoji": emoji}
    option = {"label": "l", "value": "v", "emoji": emoji}
    for part in (button, {"type": 3, "custom_id": "s", "options": [option]}):
        body = {"components": [{"type": 1, "components": [part]}]}
        assert (await http("POST", path, body))[0] == status


async def test_an_ephemeral_message_is_not_in_the_channel(box: Sandbox, bot: StudyBot, http: Http) -> None:
    message = (await box.ask("/count private:true")).message
    assert message is not None
    path = f"/channels/{box.channel.id}/messages/{message.id}"
    for method in ("GET", "PATCH", "DELETE"):
        assert (await http(method, path, {"content": "x"} if method == "PATCH" else None))[0] == 404
    guilds = [guild.id async for guild in bot.fetch_guilds()]
    assert guilds == [box.guild.id]
    assert await bot.fetch_application_emojis() == []


async def test_permissions_of_the_bot(box: Sandbox, http: Http) -> None:
    path = f"/channels/{box.channel.id}/messages"
    box.bot.roles[0].permissions &= ~Permission.SEND_MESSAGES
    box.guild.everyone.permissions &= ~Permission.SEND_MESSAGES
    assert (await http("POST", path, {"content": "hi"}))[1]["code"] == 50013
    box.bot.roles[0].permissions = box.guild.everyone.permissions = 0
    assert (await http("POST", path, {"content": "hi"}))[1]["code"] == 50001


async def test_files(box: Sandbox, http: Http) -> None:
    async def post(*files: tuple[str, bytes], payload: str = "{}") -> tuple[int, Any]:
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("payload_json", payload)
        for index, (name, content) in enumerate(files):
            form.add_field(
                f"files[{index}]", io.BytesIO(content), filename=name, content_type="application/octet-stream"
            )
        status, body, _ = await http("POST", f"/channels/{box.channel.id}/messages", data=form)
        return status, body

    status, body = await post(
        ("../secret.svg", b"<svg/>"),
        ("a.txt", b"hi"),
        payload='{"attachments": [{"id": 1, "description": "notes"}]}',
    )
    assert status == 200
    image, text = body["attachments"]
    assert (image["filename"], image["content_type"]) == ("secret.svg", "application/octet-stream")
    assert (text["description"], text["content_type"], text["size"]) == (
        "notes",
        "text/plain; charset=utf-8",
        2,
    )
    assert (await http("GET", text["url"]))[1] == "hi"
    assert (await http("GET", text["url"].replace("a.txt", "b.txt")))[0] == 404
    path = f"/channels/{box.channel.id}/messages/{body['id']}"
    _, kept, _ = await http("PATCH", path, {"attachments": [{"id": text["id"]}]})
    assert [one["filename"] for one in kept["attachments"]] == ["a.txt"]
    assert (await http("PATCH", path, {"attachments": []}))[1]["code"] == 50006
    assert (await http("PATCH", path, {"attachments": [{"id": "1"}]}))[1]["code"] == 50035
    assert (await post(*[(f"{number}.txt", b"x") for number in range(11)]))[1]["code"] == 50035
    assert (await post(("big.txt", b"x" * (box.limits.attachment_bytes + 1))))[1]["code"] == 40005
    assert (await post(payload="{nonsense"))[1]["code"] == 50109
    assert (await post(("a.png", b"x"), payload='{"embeds": [{"image": {"url": "attachment://b.png"}}]}'))[
        0
    ] == 400


async def test_commands_one_by_one(box: Sandbox, http: Http) -> None:
    scope = f"/applications/{box.world.application_id}"
    command = {"name": "greet", "description": "Say hello"}
    status, made, _ = await http("POST", f"{scope}/commands", command)
    assert (status, made["type"], made["version"].isdecimal()) == (201, 1, True)
    assert (await http("POST", f"{scope}/commands", command))[0] == 200
    one = f"{scope}/commands/{made['id']}"
    assert (await http("PATCH", one, {"description": "Say good morning"}))[1][
        "description"
    ] == "Say good morning"
    assert (await http("PATCH", one, {"name": "Not Allowed"}))[1]["code"] == 50035
    assert (await http("GET", one))[1]["name"] == "greet"
    guild = f"{scope}/guilds/{box.guild.id}/commands"
    _, own, _ = await http("PUT", guild, [command | {"description": "Ours"}])
    assert own[0]["guild_id"] == str(box.guild.id)
    assert box.commands["greet"].description == "Ours"
    assert len((await http("GET", guild))[1]) == 1
    assert (await http("DELETE", f"{guild}/{own[0]['id']}"))[0] == 204
    assert box.commands["greet"].description == "Say good morning"
    _, other, _ = await http("POST", f"{scope}/commands", {"name": "other", "description": "x"})
    assert (await http("PATCH", f"{scope}/commands/{other['id']}", {"name": "greet"}))[0] == 400
    await http("PUT", f"{scope}/commands", [command | {"dm_permission": False}])
    assert box.commands
    assert box.world.visible_commands(box.student, box.direct(box.student)) == {}
    await http("PUT", f"{scope}/commands", [])
    assert box.commands == {}


async def test_two_hundred_new_commands_a_day(box: Sandbox, http: Http) -> None:
    path = f"/applications/{box.world.application_id}/commands"
    for batch in range(2):
        names = [f"c{batch}-{number}" for number in range(100)]
        assert (await http("PUT", path, [{"name": name, "description": "x"} for name in names]))[0] == 200
    assert (await http("PUT", path, [{"name": "c1-0", "description": "changed"}]))[0] == 200
    assert (await http("PUT", path, [{"name": "new", "description": "x"}]))[1]["code"] == 30034


class TestRateLimits:
    async def test_buckets(self) -> None:
        clock = ManualClock(2e9)
        async with Sandbox(clock=clock) as box, aiohttp.ClientSession() as session:
            http = Http(box, session)
            path = f"/channels/{box.channel.id}/messages"
            left = [
                (await http("POST", path, {"content": "x"}))[2].headers["X-RateLimit-Remaining"]
                for _ in range(5)
            ]
            assert left == ["4", "3", "2", "1", "0"]
            status, body, response = await http("POST", path, {"content": "x"})
            assert (status, body["global"], body["retry_after"]) == (429, False, 5.0)
            assert response.headers["Via"]
            assert response.headers["X-RateLimit-Scope"] == "user"
            assert response.headers["Retry-After"] == "5"
            assert (await http("GET", path))[0] == 200, "another route has another bucket"
            clock.advance(3.5)
            status, body, response = await http("POST", path, {"content": "x"})
            assert (body["retry_after"], response.headers["Retry-After"]) == (1.5, "2"), "never too early"
            clock.advance(1.5)
            assert (await http("POST", path, {"content": "x"}))[0] == 200
            assert len(box.sent_messages) == 6

    async def test_fifty_a_second_over_all(self) -> None:
        async with Sandbox(clock=ManualClock()) as box, aiohttp.ClientSession() as session:
            http = Http(box, session)
            paths = ["/users/@me", "/gateway/bot", f"/channels/{box.channel.id}"]
            statuses = [(await http("GET", paths[number % 3]))[0] for number in range(50)]
            assert set(statuses) == {200}
            status, body, response = await http("GET", "/users/@me")
            assert (status, body["global"], response.headers["X-RateLimit-Scope"]) == (429, True, "global")
            # Interactions do not count.
            assert (await http("POST", "/interactions/1/t/callback", {}))[0] == 404

    async def test_the_stubborn_are_banned(self) -> None:
        clock = ManualClock(2e9)
        limits = Limits(invalid_rate=(3, 600.0))
        async with Sandbox(clock=clock, limits=limits) as box, aiohttp.ClientSession() as session:
            http = Http(box, session)
            assert [(await http("GET", "/users/@me", token="x"))[0] for _ in range(3)] == [401] * 3
            status, _, response = await http("GET", "/users/@me")
            assert status == 429
            assert "Via" not in response.headers
            clock.advance(599)
            for _ in range(3):
                status, body, _ = await http("GET", "/users/@me")
                assert (status, body["retry_after"]) == (429, 1.0)
            clock.advance(1)
            assert (await http("GET", "/users/@me"))[0] == 200

    async def test_discord_py_waits_and_tries_again(self, box: Sandbox, bot: StudyBot) -> None:
        fault = box.fail("PATCH", "@original", 429, retry_after=0.05)
        bot.gate.put_nowait("after a wait")
        bot.gate.put_nowait("end")
        assert (await box.ask("/stream")).text == "after a wait"
        assert fault.hits == 1
        assert [request.status for request in box.requests("PATCH", "@original")] == [429, 200]


class TestFaults:
    async def test_server_errors(self, box: Sandbox, http: Http) -> None:
        fault = box.fail("GET", "/users", 503, times=2, after=1)
        assert [(await http("GET", "/users/@me"))[0] for _ in range(4)] == [200, 503, 503, 200]
        assert fault.hits == 2

    async def test_discord_py_lives_through_one(self, box: Sandbox, bot: StudyBot) -> None:
        channel = bot.get_channel(box.channel.id)
        assert isinstance(channel, discord.TextChannel)
        # 503 is not retried by the stock client: it reaches the bot as an error.
        box.fail("POST", "/messages", 503)
        with pytest.raises(discord.DiscordServerError):
            await channel.send("lost")
        await channel.send("found")
        assert [message.content for message in box.sent_messages] == ["found"]

    async def test_lost_answers(self, box: Sandbox, http: Http) -> None:
        path = f"/channels/{box.channel.id}/messages"
        box.fail("POST", "/messages", 500, applied=True)
        assert (await http("POST", path, {"content": "arrived"}))[0] == 500
        box.fail("POST", "/messages", cut=True)
        with pytest.raises(aiohttp.ClientError):
            await http("POST", path, {"content": "lost"})
        assert [message.content for message in box.sent_messages] == ["arrived"]

    async def test_delays(self, box: Sandbox, http: Http) -> None:
        box.fail("GET", "/gateway", delay=0.05)
        await http("GET", "/gateway")
        assert box.requests("GET", "/gateway")[0].duration >= 0.05


async def test_a_bug_of_the_sandbox_is_an_answer(
    box: Sandbox, http: Http, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(box.world.bot_user, "id", None)
    monkeypatch.setattr(type(box.world.bot_user), "payload", lambda _: 1 / 0)
    assert (await http("GET", "/users/@me"))[0] == 500
    assert "ZeroDivisionError" in caplog.text
