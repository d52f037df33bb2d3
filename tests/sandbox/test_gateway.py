"""The gateway on the wire: identifying, losing the connection, resuming, and every way to be thrown out."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any

import aiohttp
import discord
import pytest

from sandbox import Limits, ManualClock, Sandbox
from sandbox.gateway import BACKLOG, KEPT_EVENTS, RESUMABLE, Connection, zstd_stream
from sandbox.server import TOKEN
from tests.sandbox.client import StudyBot, fail_to_start, running


class Wire:
    """A gateway client without any library: what is sent and received, as it is."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._inflate = zlib.decompressobj()

    async def receive(self) -> Any:
        """The next payload, or the close code."""
        frame = await self.socket.receive(timeout=5)
        if frame.type is aiohttp.WSMsgType.TEXT:
            return json.loads(frame.data)
        if frame.type is aiohttp.WSMsgType.BINARY:
            assert frame.data.endswith(b"\x00\x00\xff\xff")
            return json.loads(self._inflate.decompress(frame.data))
        return self.socket.close_code

    async def send(self, operation: int, data: Any) -> None:
        await self.socket.send_json({"op": operation, "d": data})

    async def identify(self, **changes: Any) -> Any:
        data = {"token": TOKEN, "intents": 1, "properties": {}} | changes
        await self.send(2, {key: value for key, value in data.items() if value is not None})
        return await self.receive()


@pytest.fixture
async def session() -> Any:
    async with aiohttp.ClientSession() as session:
        yield session


async def connect(box: Sandbox, session: aiohttp.ClientSession, query: str = "v=10&encoding=json") -> Wire:
    wire = Wire(await session.ws_connect(f"{box.gateway_url}?{query}"))
    hello = await wire.receive()
    assert hello["op"] == 10
    assert hello["d"]["heartbeat_interval"] == 41250
    return wire


async def test_a_session_from_hello_to_goodbye(box: Sandbox, session: aiohttp.ClientSession) -> None:
    wire = await connect(box, session, "v=10&encoding=json&compress=zlib-stream")
    await wire.send(1, None)
    assert (await wire.receive())["op"] == 11
    ready = await wire.identify(shard=[0, 1])
    assert (ready["op"], ready["t"], ready["s"]) == (0, "READY", 1)
    assert ready["d"]["guilds"] == [{"id": str(box.guild.id), "unavailable": True}]
    assert ready["d"]["resume_gateway_url"] == box.gateway_url
    guild = await wire.receive()
    assert (guild["t"], guild["s"], guild["d"]["name"]) == ("GUILD_CREATE", 2, "Sandbox")
    # Without the members intent a bot is told of nobody but itself.
    assert [member["user"]["id"] for member in guild["d"]["members"]] == [str(box.bot.id)]
    await wire.send(3, {"status": "idle"})
    await wire.send(8, {"guild_id": str(box.guild.id), "query": "ad", "limit": 5, "nonce": "n"})
    chunk = await wire.receive()
    assert [member["user"]["username"] for member in chunk["d"]["members"]] == ["admin"]
    assert chunk["d"]["nonce"] == "n"
    assert [one.connected for one in box.sessions] == [True]
    await wire.socket.close(code=1000)
    await box.until(lambda box: not box.sessions)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"shard": [1, 1]}, 4010),
        ({"shard": "0"}, 4010),
        ({"intents": 1 << 30}, 4013),
        ({"intents": None}, 4013),
        ({"intents": 1 << 1}, 4014),
    ],
)
async def test_who_may_not_identify(
    box: Sandbox, session: aiohttp.ClientSession, changes: dict[str, Any], code: int
) -> None:
    wire = await connect(box, session)
    assert await wire.identify(**changes) == code
    assert box.sessions == []


async def test_more_ways_to_be_thrown_out(box: Sandbox, session: aiohttp.ClientSession) -> None:
    wire = await connect(box, session)
    await wire.send(3, {})
    assert await wire.receive() == 4003
    wire = await connect(box, session)
    await wire.socket.send_str("{nonsense")
    assert await wire.receive() == 4002
    wire = await connect(box, session)
    await wire.send(1, "x" * 4096)
    assert await wire.receive() == 4002
    wire = await connect(box, session)
    assert (await wire.identify())["t"] == "READY"
    assert (await wire.identify())["t"] == "GUILD_CREATE"
    assert await wire.receive() == 4005
    wire = await connect(box, session)
    await wire.identify()
    await wire.receive()
    await wire.send(99, None)
    assert await wire.receive() == 4001
    old = Wire(await session.ws_connect(f"{box.gateway_url}?v=6"))
    assert await old.receive() == 4012


async def test_sending_too_fast(session: aiohttp.ClientSession) -> None:
    async with Sandbox(limits=Limits(gateway_rate=(3, 60.0))) as box:
        wire = await connect(box, session)
        for _ in range(4):
            await wire.send(1, None)
        assert [await wire.receive() for _ in range(4)][-1] == 4008


async def test_silence_is_not_life(session: aiohttp.ClientSession) -> None:
    async with Sandbox(limits=Limits(heartbeat_seconds=0.02)) as box:
        wire = Wire(await session.ws_connect(box.gateway_url))
        assert (await wire.receive())["op"] == 10
        assert await wire.receive() == 4009


async def test_shards(session: aiohttp.ClientSession) -> None:
    async with Sandbox(shards=2) as box:
        mine = (box.guild.id >> 22) % 2
        wire = await connect(box, session)
        assert await wire.identify() == 4011
        wires = [await connect(box, session) for _ in range(2)]
        for number, wire in enumerate(wires):
            ready = await wire.identify(shard=[number, 2])
            assert len(ready["d"]["guilds"]) == (1 if number == mine else 0)
        await box.ready()
        assert (await wires[mine].receive())["t"] == "GUILD_CREATE"
        async with session.get(
            f"{box.api_url}/gateway/bot", headers={"Authorization": f"Bot {box.token}"}
        ) as answer:
            body = await answer.json()
        assert (body["shards"], body["session_start_limit"]["remaining"]) == (2, 998)


async def test_a_resumed_session_gets_what_it_missed(box: Sandbox, session: aiohttp.ClientSession) -> None:
    wire = await connect(box, session)
    ready = await wire.identify(intents=1 | 1 << 9)
    assert await box.drop() == 1
    assert box.sessions[0].connected is False
    headers = {"Authorization": f"Bot {box.token}"}
    url = f"{box.api_url}/channels/{box.channel.id}/messages"
    async with session.post(url, json={"content": "missed"}, headers=headers) as response:
        assert response.status == 200
    again = await connect(box, session)
    await again.send(6, {"token": box.token, "session_id": ready["d"]["session_id"], "seq": 1})
    replayed = [await again.receive() for _ in range(3)]
    assert [event["t"] for event in replayed] == ["GUILD_CREATE", "MESSAGE_CREATE", "RESUMED"]
    assert [event["s"] for event in replayed] == [2, 3, 4]
    assert replayed[1]["d"]["content"] == "missed"
    assert box.sessions[0].resumes == 1

    # A second resume takes the session over from the first connection.
    third = await connect(box, session)
    await third.send(6, {"token": box.token, "session_id": ready["d"]["session_id"], "seq": 4})
    assert (await third.receive())["t"] == "RESUMED"
    assert await again.receive() == 1006


@pytest.mark.parametrize("data", [{"session_id": "unknown", "seq": 0}, {"seq": None}])
async def test_what_cannot_be_resumed(
    box: Sandbox, session: aiohttp.ClientSession, data: dict[str, Any]
) -> None:
    wire = await connect(box, session)
    ready = await wire.identify()
    await box.drop(4000)
    again = await connect(box, session)
    await again.send(6, {"token": box.token, "session_id": ready["d"]["session_id"]} | data)
    invalid = await again.receive()
    assert (invalid["op"], invalid["d"]) == (9, False)
    assert (await again.identify())["t"] == "READY"


@pytest.mark.parametrize("changes", [{"seq": 1}, {"seq": "5"}, {"seq": 1.5}, {"session_id": []}])
async def test_what_can_no_longer_be_resumed(
    box: Sandbox, session: aiohttp.ClientSession, changes: dict[str, Any]
) -> None:
    wire = await connect(box, session)
    ready = await wire.identify()
    for _ in range(KEPT_EVENTS):
        box.sessions[0].dispatch("SOMETHING", {})
    await box.drop()
    oldest = box.sessions[0].events[0][0]
    again = await connect(box, session)
    resume = {"token": box.token, "session_id": ready["d"]["session_id"]}
    await again.send(6, resume | {"seq": 5} | changes)
    assert (await again.receive())["op"] == 9
    if changes == {"seq": 1}:
        await again.send(6, resume | {"seq": oldest - 1})
        assert (await again.receive())["s"] == oldest


async def test_sessions_that_nobody_comes_back_for_are_forgotten(session: aiohttp.ClientSession) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as box:
        for _ in range(5):
            wire = await connect(box, session)
            ready = await wire.identify()
            await box.drop()
        assert len(box.sessions) == 5
        clock.advance(RESUMABLE)
        again = await connect(box, session)
        await again.send(6, {"token": box.token, "session_id": ready["d"]["session_id"], "seq": 1})
        assert (await again.receive())["op"] == 9
        await again.identify()
        assert len(box.sessions) == 1
        assert box.gateway.starts == 6
        clock.advance(86_400)
        assert box.gateway.starts == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"op": []}', 4002),
        ('{"op": {}}', 4002),
        ('{"op": "1"}', 4002),
        ("[]", 4002),
        ("[" * 4000, 4002),
        ('{"d": 1}', 4002),
        ('{"op": 2, "d": []}', 4004),
        ('{"op": 6, "d": 5}', 4004),
    ],
)
async def test_nonsense_is_refused_with_a_code(
    box: Sandbox, session: aiohttp.ClientSession, raw: str, code: int
) -> None:
    wire = await connect(box, session)
    await wire.socket.send_str(raw)
    assert await wire.receive() == code


@pytest.mark.parametrize(
    ("wish", "count"),
    [({"limit": 0}, 3), ({"limit": "x"}, 3), ({"user_ids": "x"}, 0), ({"user_ids": [None, "9" * 3000]}, 0)],
)
async def test_members_however_asked_for(
    session: aiohttp.ClientSession, wish: dict[str, Any], count: int
) -> None:
    async with Sandbox(privileged=True) as box:
        wire = await connect(box, session)
        await wire.identify(intents=3)
        await wire.receive()
        await wire.send(8, {"guild_id": str(box.guild.id), **wish})
        assert len((await wire.receive())["d"]["members"]) == count


async def test_a_client_that_does_not_read_holds_nobody_up() -> None:
    tasks = asyncio.all_tasks()
    async with Sandbox() as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
        writer.write(
            b"GET /gateway HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        identify = json.dumps({"op": 2, "d": {"token": box.token, "intents": 1}}).encode()
        writer.write(bytes([0x81, 0x80 | len(identify)]) + bytes(4) + identify)  # a masked frame
        await box.until(lambda box: box.sessions)
        asleep = box.sessions[0]
        for _ in range(BACKLOG + 1):
            asleep.dispatch("SOMETHING", {"text": "x" * 4000})
        await box.until(lambda _: not asleep.connected)
        async with asyncio.timeout(10):
            await box.stop()
    assert asyncio.all_tasks() == tasks
    writer.close()


async def test_stopping_waits_for_nobody_who_does_not_read() -> None:
    async with Sandbox() as box, aiohttp.ClientSession() as session:
        wire = await connect(box, session)
        await wire.identify()
        for _ in range(BACKLOG // 2):
            box.sessions[0].dispatch("SOMETHING", {"text": "x" * 4000})
        async with asyncio.timeout(10):
            await box.stop()


async def test_a_subscriber_that_fails_stops_nothing(
    box: Sandbox, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(_: object) -> None:
        raise ZeroDivisionError

    box.log.subscribe(stumble)
    heard: list[object] = []
    box.log.subscribe(heard.append)
    wire = await connect(box, session)
    await wire.identify(intents=1 | 1 << 9)
    await wire.receive()
    headers = {"Authorization": f"Bot {box.token}"}
    url = f"{box.api_url}/channels/{box.channel.id}/messages"
    async with session.post(url, json={"content": "x"}, headers=headers) as response:
        assert response.status == 200
    assert (await wire.receive())["t"] == "MESSAGE_CREATE"
    assert heard
    assert "ZeroDivisionError" in caplog.text


async def test_no_token_is_written_down(box: Sandbox, session: aiohttp.ClientSession) -> None:
    wire = await connect(box, session)
    await wire.identify()
    async with session.get(f"{box.api_url}/users/@me", headers={"Authorization": f"Bot {box.token}"}):
        pass
    assert box.events(op=2)[0].data == {"intents": 1, "properties": {}}
    assert box.token not in repr(list(box.log))


class TestDiscordPy:
    """How the stock client lives through it."""

    async def test_resume_in_the_middle_of_a_stream(self, box: Sandbox, bot: StudyBot) -> None:
        answer = box.send("/stream")
        bot.gate.put_nowait("one")
        await answer.until(lambda now: now.text == "one")
        await box.drop()
        lost = box.send("/echo text:while away")
        bot.gate.put_nowait("two")
        bot.gate.put_nowait("end")
        await answer.until(lambda now: now.text == "two")
        assert (await lost.visible()).text == "while away"
        assert box.sessions[0].resumes == 1
        assert len(box.events("READY")) == 1

    @pytest.mark.usefixtures("bot")
    async def test_reconnect_is_obeyed(self, box: Sandbox) -> None:
        box.reconnect()
        await box.until(lambda box: box.sessions and box.sessions[0].resumes == 1)
        assert (await box.ask("/echo text:back")).text == "back"

    @pytest.mark.usefixtures("bot")
    async def test_an_invalid_session_is_replaced_by_a_new_one(self, box: Sandbox) -> None:
        first = box.sessions[0].id
        box.invalidate()
        await box.until(lambda box: len(box.events("READY")) == 2)
        assert first not in {session.id for session in box.sessions}
        assert (await box.ask("/echo text:back")).text == "back"

    @pytest.mark.usefixtures("bot")
    async def test_a_dropped_session_that_cannot_be_resumed(self, box: Sandbox) -> None:
        await box.drop(4000, resumable=False)
        await box.until(lambda box: box.events(op=9))
        await box.until(lambda box: len(box.events("READY")) == 2)
        assert (await box.ask("/echo text:back")).text == "back"

    async def test_a_fatal_close_ends_the_client(self, box: Sandbox) -> None:
        client = asyncio.create_task(fail_to_start(box, StudyBot(), box.token))
        await box.ready()
        await box.drop(4013)
        with pytest.raises(discord.ConnectionClosed) as caught:
            await client
        assert caught.value.code == 4013

    async def test_privileged_intents(self) -> None:
        everything = discord.Intents.all()
        async with Sandbox(privileged=True) as box, running(box, StudyBot(intents=everything)) as bot:
            channel = bot.get_channel(box.channel.id)
            assert isinstance(channel, discord.TextChannel)
            assert {member.name for member in channel.guild.members} >= {"admin", "student"}
            waiting = asyncio.ensure_future(bot.wait_for("message", timeout=5))
            sent = await channel.send("hello")
            assert (await waiting).id == sent.id
        async with Sandbox() as box:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await fail_to_start(box, StudyBot(intents=everything), box.token)


async def test_zstd_streams_where_a_compressor_is_there(box: Sandbox, session: aiohttp.ClientSession) -> None:
    if zstd_stream() is None:
        # Plain text is allowed, and what a client gets that asks for what is not there.
        wire = await connect(box, session, "v=10&encoding=json&compress=zstd-stream")
        assert (await wire.identify())["t"] == "READY"
    else:
        socket = await session.ws_connect(f"{box.gateway_url}?compress=zstd-stream")
        assert (await socket.receive_bytes())[:4] == b"\x28\xb5\x2f\xfd"


async def test_the_send_window_slides() -> None:
    clock = ManualClock(0)
    async with Sandbox(clock=clock) as box, aiohttp.ClientSession() as session:
        await connect(box, session)
        connection: Connection = next(iter(box.gateway._connections))
        assert not any(connection.too_fast(float(second), 3, 10.0) for second in range(3))
        assert connection.too_fast(3.0, 3, 10.0)
        assert not connection.too_fast(20.0, 3, 10.0)
