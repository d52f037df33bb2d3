"""The gateway: WebSocket sessions that identify, receive events, lose their connection and resume.

https://docs.discord.com/developers/events/gateway
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

import aiohttp
from aiohttp import web

from sandbox import rules
from sandbox.clock import Clock
from sandbox.log import Change, Direction, Entry, Event
from sandbox.ratelimits import Limits
from sandbox.rules import Json
from sandbox.state import Channel, Guild, Member, Message, Role, shard_of
from sandbox.world import World


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    REQUEST_SOUNDS = 31


class CloseCode(IntEnum):
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class Intent:
    GUILDS = 1 << 0
    MEMBERS = 1 << 1
    PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15
    PRIVILEGED = MEMBERS | PRESENCES | MESSAGE_CONTENT
    # Bits 18, 19, 22 and 23 are not assigned; 17 is in use although it is undocumented.
    KNOWN = (1 << 18) - 1 | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25


MAX_PAYLOAD = 4096
"""Bytes of a client's largest payload."""
ENDING = frozenset({1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014})
"""Close codes after which a session cannot be resumed."""
ACKNOWLEDGED_AFTER = 0.02
"""Seconds to the answer of a heartbeat. Clients measure it, and take an answer at the same instant for a lost one."""
MOST_MEMBERS = 100
"""Members that a request by prefix or by ids gets at most."""
CHUNK = 1000
"""Members in one event."""
CLOSING = 2.0
"""Seconds that a client has to answer a close."""
KEPT_EVENTS = 1000
"""Events kept for replay when a session resumes."""
BACKLOG = 10_000
"""Payloads that may wait for a client that does not read, before its connection is cut."""
RESUMABLE = 300.0
"""Seconds after which a lost connection can no longer be resumed; Discord publishes no figure."""
DAY = 86_400.0
_EMPTY: Json = {"content": "", "embeds": [], "attachments": [], "components": []}
"""What is left of a message for a bot that may not read it."""


class Encoder(Protocol):
    def __call__(self, text: str) -> bytes | str: ...


def zlib_stream() -> Encoder:
    """One zlib stream for the whole connection, flushed after each payload."""
    stream = zlib.compressobj()
    return lambda text: stream.compress(text.encode()) + stream.flush(zlib.Z_SYNC_FLUSH)


def zstd_stream() -> Encoder | None:
    """The same with Zstandard, from the standard library (3.14) or `zstandard`; None if neither is installed."""
    with contextlib.suppress(ImportError):
        zstd = importlib.import_module("compression.zstd")
        stream = zstd.ZstdCompressor()
        return lambda text: bytes(stream.compress(text.encode(), mode=zstd.ZstdCompressor.FLUSH_BLOCK))
    with contextlib.suppress(ImportError):
        zstandard = importlib.import_module("zstandard")
        writer = zstandard.ZstdCompressor().compressobj()
        flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        return lambda text: bytes(writer.compress(text.encode()) + writer.flush(flush))
    return None


@dataclass
class Session:
    """The state that outlives a connection: the shard that identified, and the events that can be replayed."""

    id: str
    shard: tuple[int, int]
    intents: int
    identified: float
    sequence: int = 0
    ready: bool = False
    resumes: int = 0
    events: deque[tuple[int, Json]] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS), repr=False)
    connection: Connection | None = field(default=None, repr=False)
    lost: float = 0.0
    """When its last connection ended."""

    @property
    def connected(self) -> bool:
        return self.connection is not None

    def dispatch(self, name: str, data: Json) -> None:
        """Number the event, store it, and send it if the session is connected."""
        self.sequence += 1
        payload = {"op": Op.DISPATCH, "t": name, "s": self.sequence, "d": data}
        self.events.append((self.sequence, payload))
        if self.connection is not None:
            self.connection.send(payload)


class Connection:
    """One WebSocket: a queue of payloads to send, so that sending never waits, and a task that empties it."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, gateway: Gateway, encode: Encoder
    ) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.closing = False
        """Whether the sandbox itself ends the connection."""
        self._request = request
        self._gateway = gateway
        self._encode = encode
        self._queue: asyncio.Queue[Json | int | None] = asyncio.Queue()
        self._sends: deque[float] = deque()

    def send(self, payload: Json) -> None:
        if self._queue.qsize() < BACKLOG:
            self._queue.put_nowait(payload)
        else:
            self.cut()

    def close(self, code: int) -> None:
        """Close with `code` after what is queued."""
        self.closing = True
        self._queue.put_nowait(code)

    def cut(self) -> None:
        """Drop the connection without a close frame, as when a cable is pulled."""
        self.closing = True
        if self._request.transport is not None:
            self._request.transport.abort()

    async def end(self, code: int) -> None:
        """Close at once; cut the connection if the client does not answer the close."""
        self.closing = True
        try:
            async with asyncio.timeout(CLOSING):
                await self.socket.close(code=code)
        except TimeoutError:
            self.cut()

    async def finish(self, writer: asyncio.Task[None]) -> None:
        """Let the writer empty its queue, but do not wait for a client that does not read."""
        self._queue.put_nowait(None)
        if not (await asyncio.wait({writer}, timeout=CLOSING))[0]:
            self.cut()
        await writer

    async def write(self) -> None:
        with contextlib.suppress(ConnectionError, aiohttp.ClientConnectionError):
            while (item := await self._queue.get()) is not None:
                if isinstance(item, int):
                    await self.end(item)
                    return
                frame = self._encode(json.dumps(item, separators=(",", ":")))
                self._gateway.record(self, "sent", item)
                if isinstance(frame, bytes):
                    await self.socket.send_bytes(frame)
                else:
                    await self.socket.send_str(frame)

    def too_fast(self, now: float, count: int, per: float) -> bool:
        self._sends.append(now)
        while self._sends[0] <= now - per:
            self._sends.popleft()
        return len(self._sends) > count


class Gateway:
    """All sessions. `privileged`: whether privileged intents are granted. `shards`: the minimum a client must have.

    `concurrency`: how many shards may start a session at once (`max_concurrency`); None announces 1 without enforcing
    it.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        limits: Limits,
        token: str,
        *,
        privileged: bool,
        shards: int,
        concurrency: int | None = None,
    ) -> None:
        self.url = ""
        self.shards = shards
        self.concurrency = concurrency or 1
        self._enforced = concurrency is not None
        self._begun: dict[int, float] = {}
        self._starts: deque[float] = deque()
        self.sessions: list[Session] = []
        self._world = world
        self._clock = clock
        self._limits = limits
        self._token = token
        self._privileged = privileged
        self._connections: set[Connection] = set()
        world.log.subscribe(self._forward)

    @property
    def starts(self) -> int:
        """Sessions started in the last day."""
        while self._starts and self._starts[0] <= self._clock.time() - DAY:
            self._starts.popleft()
        return len(self._starts)

    # --- for drivers

    def dispatch(self, name: str, data: Json, *, guild: int | None, intent: int = 0) -> None:
        """Send an event to every session of the shard responsible for `guild` (None: direct messages, shard 0)."""
        for session in self.sessions:
            if self._responsible(session, guild) and session.intents & intent == intent:
                session.dispatch(name, data)

    @staticmethod
    def _responsible(session: Session, guild: int | None) -> bool:
        """Whether a session's shard gets the events of a guild (None: direct messages)."""
        number, count = session.shard
        return number == (0 if guild is None else shard_of(guild, count))

    def drop(self, code: int | None, *, resumable: bool) -> int:
        """Close every connection with `code`, or cut it if None; returns how many there were."""
        connections = list(self._connections)
        for connection in connections:
            if (not resumable or code in ENDING) and connection.session is not None:
                self._forget(connection.session)
            if code is None:
                connection.cut()
            else:
                connection.close(code)
        return len(connections)

    def reconnect(self) -> None:
        for connection in self._connections:
            connection.send({"op": Op.RECONNECT, "t": None, "s": None, "d": None})

    def invalidate(self, *, resumable: bool) -> None:
        for connection in self._connections:
            if connection.session is not None and not resumable:
                self._forget(connection.session)
            connection.send({"op": Op.INVALID_SESSION, "t": None, "s": None, "d": resumable})

    async def stop(self) -> None:
        await asyncio.gather(
            *(connection.end(aiohttp.WSCloseCode.GOING_AWAY) for connection in self._connections)
        )

    def record(self, connection: Connection, direction: Direction, payload: Json) -> None:
        data = payload.get("d")
        if isinstance(data, dict) and "token" in data and payload.get("op") != Op.DISPATCH:
            data = {key: value for key, value in data.items() if key != "token"}
        session = connection.session.id if connection.session else ""
        operation = payload.get("op", -1)
        self._world.log.append(
            Event(self._clock.time(), direction, session, operation, payload.get("t"), payload.get("s"), data)
        )

    # --- the protocol

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=CLOSING, max_msg_size=1 << 20)
        await socket.prepare(request)
        encode: Encoder | None = None
        if request.query.get("compress") == "zlib-stream":
            encode = zlib_stream()
        elif request.query.get("compress") == "zstd-stream":
            encode = zstd_stream()
        connection = Connection(socket, request, self, encode or (lambda text: text))
        self._connections.add(connection)
        self._world.changed("gateway.connect", None)
        writer = asyncio.create_task(connection.write(), name="sandbox-gateway-writer")
        try:
            if request.query.get("v", "10") not in {"9", "10"}:
                connection.close(CloseCode.INVALID_VERSION)
            else:
                interval = int(self._limits.heartbeat_seconds * 1000)
                connection.send({"op": Op.HELLO, "t": None, "s": None, "d": {"heartbeat_interval": interval}})
            await self._listen(connection)
        finally:
            self._connections.discard(connection)
            await connection.finish(writer)
            session = connection.session
            if session is not None and session.connection is connection:
                session.connection = None
                session.lost = self._clock.time()
                # A client that closes normally gives up its session; after any other end it can resume.
                if socket.close_code in {1000, 1001} and not connection.closing:
                    self._forget(session)
            self._world.changed("gateway.disconnect", session)
        return socket

    async def _listen(self, connection: Connection) -> None:
        patience = self._limits.heartbeat_seconds * 1.5
        while True:
            try:
                frame = await connection.socket.receive(timeout=patience)
            except TimeoutError:
                if connection.session is not None:
                    self._forget(connection.session)
                connection.close(CloseCode.SESSION_TIMED_OUT)
                return
            if frame.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                return
            text = frame.data if isinstance(frame.data, str) else bytes(frame.data).decode(errors="replace")
            code = self._receive(connection, text)
            if code is not None:
                connection.close(code)

    def _receive(self, connection: Connection, text: str) -> CloseCode | None:
        """Handle a payload; returns the code to close with if the connection must end."""
        if connection.too_fast(self._clock.time(), *self._limits.gateway_rate):
            return CloseCode.RATE_LIMITED
        try:
            payload = json.loads(text) if len(text.encode()) <= MAX_PAYLOAD else None
        except (ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            return CloseCode.DECODE_ERROR
        operation, data = payload.get("op"), payload.get("d")
        if not isinstance(operation, int):
            return CloseCode.DECODE_ERROR
        self.record(connection, "received", payload)
        return self._act(connection, operation, data)

    def _act(self, connection: Connection, operation: int, data: object) -> CloseCode | None:
        if operation == Op.HEARTBEAT:
            acknowledgement = {"op": Op.HEARTBEAT_ACK, "t": None, "s": None, "d": None}
            asyncio.get_running_loop().call_later(ACKNOWLEDGED_AFTER, connection.send, acknowledgement)
            return None
        if operation in {Op.IDENTIFY, Op.RESUME}:
            return self._authenticate(connection, operation, data)
        if connection.session is None:
            return CloseCode.NOT_AUTHENTICATED
        if operation == Op.REQUEST_MEMBERS:
            self._members(connection.session, data if isinstance(data, dict) else {})
            return None
        if operation == Op.REQUEST_SOUNDS:
            self._sounds(connection.session, data if isinstance(data, dict) else {})
            return None
        return None if operation in {Op.PRESENCE, Op.VOICE_STATE} else CloseCode.UNKNOWN_OPCODE

    def _authenticate(self, connection: Connection, operation: int, data: object) -> CloseCode | None:
        if connection.session is not None:
            return CloseCode.ALREADY_AUTHENTICATED
        if not isinstance(data, dict) or data.get("token") != self._token:
            return CloseCode.AUTHENTICATION_FAILED
        return (
            self._identify(connection, data) if operation == Op.IDENTIFY else self._resume(connection, data)
        )

    def _identify(self, connection: Connection, data: Json) -> CloseCode | None:
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~Intent.KNOWN:
            return CloseCode.INVALID_INTENTS
        if intents & Intent.PRIVILEGED and not self._privileged:
            return CloseCode.DISALLOWED_INTENTS
        shard = data.get("shard", [0, 1])
        if not (
            isinstance(shard, list)
            and [type(part) for part in shard] == [int, int]
            and 0 <= shard[0] < shard[1]
        ):
            return CloseCode.INVALID_SHARD
        if shard[1] < self.shards:
            return CloseCode.SHARDING_REQUIRED
        self._expire()
        self._starts.append(self._clock.time())
        if self._is_too_soon(shard[0]):
            connection.send({"op": Op.INVALID_SESSION, "t": None, "s": None, "d": False})
            return None
        session = Session(secrets.token_hex(16), (shard[0], shard[1]), intents, self._clock.time())
        session.connection = connection
        connection.session = session
        self.sessions.append(session)
        world = self._world
        mine = [guild for guild in world.joined.values() if self._responsible(session, guild.id)]
        session.dispatch(
            "READY",
            {
                "v": 10,
                "user": world.bot_user.payload() | {"verified": True, "mfa_enabled": False, "email": None},
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in mine],
                "session_id": session.id,
                "session_type": "normal",
                "resume_gateway_url": self.url,
                "shard": shard,
                "application": {"id": str(world.application_id), "flags": 0},
                "private_channels": [],
                "relationships": [],
                "presences": [],
                "user_settings": {},
                "geo_ordered_rtc_regions": [],
                "_trace": ["sandbox"],
            },
        )
        if intents & Intent.GUILDS:
            for guild in mine:
                session.dispatch("GUILD_CREATE", self._guild(session, guild))
        session.ready = True
        world.changed("gateway.ready", session)
        return None

    def _is_too_soon(self, shard: int) -> bool:
        """Whether another shard with the same remainder has just started a session; if not, this one is recorded.

        https://docs.discord.com/developers/events/gateway#sharding-max-concurrency
        """
        key, now = shard % self.concurrency, self._clock.time()
        if self._enforced and now - self._begun.get(key, float("-inf")) < self._limits.identify_seconds:
            return True
        self._begun[key] = now
        return False

    def _guild(self, session: Session, guild: Guild) -> Json:
        bot = self._world.bot_in(guild)
        members = guild.members.values() if session.intents & Intent.MEMBERS else [bot]
        return guild.payload() | {
            "unavailable": False,
            "large": False,
            "joined_at": bot.payload()["joined_at"],
            "member_count": len(guild.members),
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in guild.channels],
            "threads": [],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def _resume(self, connection: Connection, data: Json) -> CloseCode | None:
        self._expire()
        session = next((known for known in self.sessions if known.id == data.get("session_id")), None)
        sequence = data.get("seq")
        # The oldest event kept shows whether any that the client missed has been dropped.
        if session is not None and isinstance(sequence, int) and sequence > session.sequence:
            self._forget(session)
            return CloseCode.INVALID_SEQUENCE
        if (
            session is None
            or not isinstance(sequence, int)
            or not session.events[0][0] - 1 <= sequence <= session.sequence
        ):
            connection.send({"op": Op.INVALID_SESSION, "t": None, "s": None, "d": False})
            return None
        if session.connection is not None:
            session.connection.cut()
        session.connection = connection
        session.resumes += 1
        connection.session = session
        for number, payload in session.events:
            if number > sequence:
                connection.send(payload)
        session.dispatch("RESUMED", {"_trace": ["sandbox"]})
        self._world.changed("gateway.resume", session)
        return None

    def _members(self, session: Session, data: Json) -> None:
        """Answer a request for members by ids, by the prefix of their names, or for all of them.

        https://discord.com/developers/docs/events/gateway-events#request-guild-members
        """
        guild = self._world.joined.get(rules.snowflake(data.get("guild_id")) or 0)
        if guild is None or not self._responsible(session, guild.id) or not session.intents & Intent.GUILDS:
            return
        members = list(guild.members.values())
        wanted, limit = data.get("user_ids"), data.get("limit")
        answer: Json = {"guild_id": str(guild.id)}
        if data.get("nonce") is not None:
            answer["nonce"] = data["nonce"]
        if wanted is not None:
            listed = (wanted if isinstance(wanted, list) else [wanted])[:MOST_MEMBERS]
            ids = {rules.snowflake(number) for number in listed}
            members = [member for member in members if member.id in ids]
            answer["not_found"] = [
                str(number) for number in sorted({id_ for id_ in ids if id_} - guild.members.keys())
            ]
        elif prefix := str(data.get("query") or "").casefold():
            members = [member for member in members if member.name.casefold().startswith(prefix)]
            most = limit if isinstance(limit, int) and 0 < limit < MOST_MEMBERS else MOST_MEMBERS
            members = members[:most]
        elif not session.intents & Intent.MEMBERS:
            return  # without the intent, a request for all members is not answered
        elif isinstance(limit, int) and limit > 0:
            members = members[:limit]
        chunks = [members[start : start + CHUNK] for start in range(0, len(members), CHUNK)] or [[]]
        for number, chunk in enumerate(chunks):
            body = {
                "members": [one.payload() for one in chunk],
                "chunk_index": number,
                "chunk_count": len(chunks),
            }
            if data.get("presences") and session.intents & Intent.PRESENCES:
                body["presences"] = []
            session.dispatch("GUILD_MEMBERS_CHUNK", answer | body)

    def _sounds(self, session: Session, data: Json) -> None:
        """The soundboards of guilds, which are empty here."""
        listed = data.get("guild_ids")
        for number in listed if isinstance(listed, list) else []:
            if (id_ := rules.snowflake(number)) in self._world.joined and self._responsible(session, id_):
                session.dispatch("SOUNDBOARD_SOUNDS", {"guild_id": str(number), "soundboard_sounds": []})

    def _expire(self) -> None:
        """Forget sessions that were not resumed in time: a killed client never closes its session."""
        since = self._clock.time() - RESUMABLE
        self.sessions = [known for known in self.sessions if known.connected or known.lost > since]

    def _forget(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)

    # --- changes in the world

    def _forward(self, entry: Entry) -> None:
        """Dispatch changes of guilds and messages, except ephemeral messages and those that only show that the bot is
        thinking.
        """
        match entry:
            case Change(kind=kind, subject=Message() as message) if kind.startswith("message."):
                self._forward_message(kind, message)
            case Change(kind="guild.create", subject=Guild() as guild):
                for session in self.sessions:
                    if self._responsible(session, guild.id) and session.intents & Intent.GUILDS:
                        # Only a guild that was unavailable before reports its availability.
                        data = {
                            key: value
                            for key, value in self._guild(session, guild).items()
                            if key != "unavailable"
                        }
                        session.dispatch("GUILD_CREATE", data)
            case Change(kind="channel.create", subject=Channel(guild=Guild() as guild) as channel):
                self.dispatch("CHANNEL_CREATE", channel.payload(), guild=guild.id, intent=Intent.GUILDS)
            case Change(
                kind="role.create" | "role.update" as kind, subject=(Guild() as guild, Role() as role)
            ):
                data = {"guild_id": str(guild.id), "role": role.payload()}
                name = f"GUILD_ROLE_{kind.partition('.')[2].upper()}"
                self.dispatch(name, data, guild=guild.id, intent=Intent.GUILDS)
            case Change(kind="member.update", subject=Member() as member):
                data = member.payload() | {"guild_id": str(member.guild.id)}
                # A bot receives its own member updates even without the intent for members.
                intent = Intent.GUILDS if member.user is self._world.bot_user else Intent.MEMBERS
                self.dispatch("GUILD_MEMBER_UPDATE", data, guild=member.guild.id, intent=intent)

    def _forward_message(self, kind: str, message: Message) -> None:
        if message.ephemeral or (message.loading and not message.deleted):
            return
        channel = message.channel
        guild = channel.guild
        intent = Intent.GUILD_MESSAGES if guild else Intent.DIRECT_MESSAGES
        name = {"create": "CREATE", "update": "UPDATE", "delete": "DELETE"}[kind.partition(".")[2]]
        data: Json = {"id": str(message.id), "channel_id": str(channel.id)}
        if not message.deleted:
            data = message.payload()
        if guild is not None:
            data["guild_id"] = str(guild.id)
            if message.interaction is None and not message.deleted:
                data["member"] = guild.members[message.author.id].payload(user=False)
        for session in self.sessions:
            if not self._responsible(session, guild.id if guild else None) or not session.intents & intent:
                continue
            hidden = not message.deleted and not self._may_read(session, message)
            session.dispatch(f"MESSAGE_{name}", data | _EMPTY if hidden else data)

    def _may_read(self, session: Session, message: Message) -> bool:
        """Whether a bot receives a message's content: its own, direct messages, those that mention it, or all with the
        intent.

        https://discord.com/developers/docs/events/gateway#message-content-intent
        """
        bot = self._world.bot_user
        return bool(
            session.intents & Intent.MESSAGE_CONTENT
            or message.author is bot
            or message.channel.guild is None
            or bot.id in message.mentions.users
        )
