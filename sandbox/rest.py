"""The HTTP API: its routes, and what applies to all of them (authorization, rate limits, faults, the log).

https://docs.discord.com/developers/reference
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from sandbox import rules
from sandbox.gateway import Gateway
from sandbox.interactions import Interactions, check_message
from sandbox.log import Request
from sandbox.ratelimits import Limits, RateLimiter, Verdict
from sandbox.rules import ApiError, Json
from sandbox.state import Channel, Command, Guild, Message, Permission, Upload
from sandbox.world import World

logger = logging.getLogger(__name__)

MOST_JSON = 4 << 20
"""Bytes of a body without files: more than a hundred commands of the largest size take."""
MOST_FIELDS = 100
PATIENCE = 30.0
"""Seconds that a body may take to arrive."""
NONCE_SECONDS = 300.0
"""How long a nonce keeps a message from being sent twice; Discord says "a few minutes"."""
FORWARD = 1
"""The type of a message reference that forwards."""
PREFIXES = ("/api/v10", "/api/v9", "/api")
VIA = "1.1 sandbox"
"""Discord is behind a proxy, and clients take a 429 without this header for a ban."""


@dataclass
class Call:
    """A request that is being read and handled."""

    method: str
    path: str
    route: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object = None
    uploads: dict[int, Upload] = field(default_factory=dict)

    @property
    def json(self) -> Json:
        if not isinstance(self.body, dict):
            raise ApiError(400, 50109, "The request body contains invalid JSON.")
        return self.body

    def number(self, name: str) -> int:
        value = rules.snowflake(self.parameters[name])
        if value is None:
            form = rules.Form()
            form.wrong((name,), "NUMBER_TYPE_COERCE", f'Value "{self.parameters[name]}" is not snowflake.')
            form.close()
        return value or 0

    def whole(self, name: str, *, low: int, high: int, default: int) -> int:
        """The integer in the query string under `name`."""
        value = self.query.get(name)
        form = rules.Form()
        number = form.whole({name: _digits(value)}, name, (), low=low, high=high)
        form.close()
        return default if number is None else number


def _digits(text: str | None) -> int | str | None:
    return rules.snowflake(text) if rules.snowflake(text) is not None else text


Reply = tuple[int, object]
"""Status and JSON body; None for an empty body."""
Handler = Callable[[Call], Reply]


@dataclass
class Fault:
    """An injected failure: answer matching requests with `status`, delay them, or cut their connection.

    `skip` matching requests pass first; then `times` are hit. With `applied` the request still takes effect and only
    its answer is lost. `retry_after` (seconds) belongs to a status of 429.
    """

    method: str | None = None
    path_contains: str = ""
    status: int | None = None
    times: int = 1
    skip: int = 0
    delay: float = 0.0
    retry_after: float = 1.0
    applied: bool = False
    cut: bool = False
    body: str | None = None
    """Sent instead of the response, as `content_type`: a proxy's page, or truncated JSON."""
    content_type: str = "application/json"
    hits: int = 0

    def hit(self, method: str, path: str) -> bool:
        """Whether this request has to fail; counts it."""
        if self.hits >= self.times or self.method not in {None, method} or self.path_contains not in path:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        return True


class Rest:
    """`token` is the bot's. Of the `faults`, the first that matches a request is applied to it."""

    def __init__(
        self, world: World, gateway: Gateway, interactions: Interactions, limits: Limits, token: str
    ) -> None:
        self.faults: list[Fault] = []
        self.limiter = RateLimiter(world.clock, limits)
        self._world = world
        self._gateway = gateway
        self._interactions = interactions
        self._limits = limits
        self._token = token
        self._created_commands = 0

    def install(self, app: web.Application) -> None:
        for prefix in PREFIXES:
            for method, route, handler in self._routes():
                app.router.add_route(method, prefix + route, self._wrap(route, handler))
            app.router.add_route("*", prefix + "/{tail:.*}", self._wrap("", self._unknown))
        app.router.add_get("/attachments/{channel}/{attachment}/{filename}", self._attachment)

    def _routes(self) -> Iterator[tuple[str, str, Handler]]:
        yield "GET", "/gateway", self._get_gateway
        yield "GET", "/gateway/bot", self._get_gateway_bot
        yield "GET", "/users/@me", self._get_me
        yield "POST", "/users/@me/channels", self._open_direct
        yield "GET", "/users/@me/guilds", self._get_guilds
        yield "GET", "/users/{user_id}", self._get_user
        for route in ("/oauth2/applications/@me", "/applications/@me"):
            yield "GET", route, self._get_application
        for scope in ("/applications/{application_id}", "/applications/{application_id}/guilds/{guild_id}"):
            yield "GET", f"{scope}/commands", self._get_commands
            yield "PUT", f"{scope}/commands", self._put_commands
            yield "POST", f"{scope}/commands", self._post_command
            yield "GET", f"{scope}/commands/{{command_id}}", self._get_command
            yield "PATCH", f"{scope}/commands/{{command_id}}", self._patch_command
            yield "DELETE", f"{scope}/commands/{{command_id}}", self._delete_command
        yield "GET", "/applications/{application_id}/emojis", self._get_emojis
        yield "POST", "/interactions/{webhook_id}/{webhook_token}/callback", self._callback
        yield "POST", "/webhooks/{webhook_id}/{webhook_token}", self._follow_up
        message = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
        yield "GET", message, self._get_webhook_message
        yield "PATCH", message, self._edit_webhook_message
        yield "DELETE", message, self._delete_webhook_message
        yield "GET", "/guilds/{guild_id}", self._get_guild
        yield "GET", "/guilds/{guild_id}/channels", self._get_guild_channels
        yield "GET", "/guilds/{guild_id}/roles", self._get_roles
        yield "GET", "/guilds/{guild_id}/members", self._get_members
        yield "GET", "/guilds/{guild_id}/members/{user_id}", self._get_member
        yield "GET", "/channels/{channel_id}", self._get_channel
        yield "POST", "/channels/{channel_id}/typing", self._typing
        yield "GET", "/channels/{channel_id}/messages", self._get_messages
        yield "POST", "/channels/{channel_id}/messages", self._post_message
        message = "/channels/{channel_id}/messages/{message_id}"
        yield "GET", message, self._get_message
        yield "PATCH", message, self._patch_message
        yield "DELETE", message, self._delete_message

    # --- what applies to every route

    def _wrap(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            received, started = self._world.clock.time(), time.perf_counter()
            call = Call(
                method=request.method,
                path=request.path,
                route=route,
                parameters=dict(request.match_info),
                query=dict(request.query),
                headers={
                    key: value for key, value in request.headers.items() if key.lower() != "authorization"
                },
            )
            fault = next((fault for fault in self.faults if fault.hit(call.method, call.path)), None)
            headers: dict[str, str] = {}
            try:
                await _read(request, call, 10 * self._limits.attachment_bytes + (1 << 20))
                if fault is not None and fault.delay:
                    await asyncio.sleep(fault.delay)
                status, answer = self._answer(request, call, handler, fault, headers)
            except ApiError as error:
                status, answer = error.status, error.body()
            except Exception:
                # As with Discord the client retries; the cause is in the sandbox's own log.
                logger.exception("%s %s failed", call.method, call.path)
                status, answer = 500, {"message": "500: Internal Server Error", "code": 0}
            self.limiter.note(status)
            self._world.log.append(
                Request(
                    time=received,
                    method=call.method,
                    path=call.path,
                    route=route,
                    query=call.query,
                    headers=call.headers,
                    body=call.body,
                    files=[(upload.filename, len(upload.content)) for upload in call.uploads.values()],
                    status=status,
                    answer=answer,
                    duration=time.perf_counter() - started,
                )
            )
            if fault is not None and fault.cut and request.transport is not None:
                request.transport.abort()
            if fault is not None and fault.body is not None:
                sent = {"Content-Type": fault.content_type, **headers}
                return web.Response(status=status, body=fault.body.encode(), headers=sent)
            return _response(status, answer, headers)

        return handle

    def _answer(
        self, request: web.Request, call: Call, handler: Handler, fault: Fault | None, headers: dict[str, str]
    ) -> Reply:
        open_to_all = call.route.startswith(("/interactions/", "/webhooks/")) or call.route in {
            "/gateway",
            "",
        }
        verdict = self.limiter.ask(call.method, call.route, call.parameters, authorized=not open_to_all)
        headers.update(verdict.headers)
        if fault is not None and (fault.status is not None or fault.cut or fault.body is not None):
            if fault.applied:
                handler(call)
            if fault.body is not None:
                return fault.status or 200, fault.body
            if fault.status == web.HTTPTooManyRequests.status_code:
                return _too_many(Verdict({"X-RateLimit-Scope": "shared"}, fault.retry_after), headers)
            return fault.status or 500, {"message": "This failure was asked for", "code": 0}
        if verdict.retry_after is not None:
            return _too_many(verdict, headers)
        if not open_to_all and request.headers.get("Authorization") != f"Bot {self._token}":
            raise ApiError(401, 0, "401: Unauthorized")
        return handler(call)

    def _unknown(self, call: Call) -> Reply:
        self._lacks(f"{call.method} {call.path.removeprefix('/api/v10')}")
        raise ApiError(404, 0, "404: Not Found")

    def _lacks(self, what: str) -> None:
        """Report clearly that the sandbox lacks a feature of Discord, so that people do not look for their own
        mistake.
        """
        logger.warning("The sandbox does not support %s. On Discord this may work.", what)
        self._world.changed("lacking", what)

    def _check_lacking(self, body: Json) -> None:
        """Reject message parts that Discord supports but the sandbox does not."""
        reference = body.get("message_reference")
        forwarded = isinstance(reference, dict) and reference.get("type") == FORWARD
        for what, there in (
            ("polls", body.get("poll")),
            ("stickers", body.get("sticker_ids")),
            ("forwards", forwarded),
        ):
            if there:
                self._lacks(what)
                raise ApiError(400, 50035, f"The sandbox does not support {what}.")

    async def _attachment(self, request: web.Request) -> web.Response:
        number = rules.snowflake(request.match_info["attachment"])
        attachment = self._world.attachments.get(number or 0)
        if attachment is None or attachment.filename != request.match_info["filename"]:
            raise web.HTTPNotFound
        headers = {
            "Content-Type": attachment.content_type,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        if attachment.content_type == "application/octet-stream":
            headers["Content-Disposition"] = f'attachment; filename="{attachment.filename}"'
        return web.Response(body=attachment.content, headers=headers)

    # --- application, users and guild

    def _get_gateway(self, _: Call) -> Reply:
        return 200, {"url": self._gateway.url}

    def _get_gateway_bot(self, _: Call) -> Reply:
        left = {"total": 1000, "remaining": max(1000 - self._gateway.starts, 0), "reset_after": 86_400_000}
        return 200, {
            "url": self._gateway.url,
            "shards": self._gateway.shards,
            "session_start_limit": left | {"max_concurrency": self._gateway.concurrency},
        }

    def _get_me(self, _: Call) -> Reply:
        return 200, self._world.bot_user.payload() | {
            "verified": True,
            "mfa_enabled": False,
            "locale": "en-US",
        }

    def _get_application(self, _: Call) -> Reply:
        world = self._world
        return 200, {
            "id": str(world.application_id),
            "name": world.bot_user.name,
            "description": "",
            "icon": None,
            "bot": world.bot_user.payload(),
            "bot_public": False,
            "bot_require_code_grant": False,
            "owner": world.admin.user.payload(),
            "team": None,
            "verify_key": "0" * 64,
            "flags": 0,
            "summary": "",
            "approximate_guild_count": len(world.joined),
            "approximate_user_install_count": len(world.installed),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "integration_types_config": {"0": {}, "1": {}},
        }

    def _get_guilds(self, call: Call) -> Reply:
        before, after = (rules.snowflake(call.query.get(key)) for key in ("before", "after"))
        return 200, [
            {
                "id": str(guild.id),
                "name": guild.name,
                "icon": None,
                "banner": None,
                "owner": False,
                "permissions": str(self._world.bot_in(guild).permissions),
                "features": [],
                "approximate_member_count": len(guild.members),
                "approximate_presence_count": len(guild.members),
            }
            for guild in sorted(self._world.joined.values(), key=lambda one: one.id)
            if (before is None or guild.id < before) and (after is None or guild.id > after)
        ]

    def _get_emojis(self, call: Call) -> Reply:
        self._scope(call)
        return 200, {"items": []}

    def _get_user(self, call: Call) -> Reply:
        wanted = call.number("user_id")
        for guild in self._world.joined.values():
            if (member := guild.members.get(wanted)) is not None:
                return 200, member.user.payload()
        raise ApiError(404, 10013, "Unknown User")

    def _guild(self, call: Call) -> Guild:
        guild = self._world.joined.get(call.number("guild_id"))
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        return guild

    def _get_guild(self, call: Call) -> Reply:
        return 200, self._guild(call).payload()

    def _get_guild_channels(self, call: Call) -> Reply:
        return 200, [channel.payload() for channel in self._guild(call).channels]

    def _get_roles(self, call: Call) -> Reply:
        return 200, self._guild(call).payload()["roles"]

    def _get_members(self, call: Call) -> Reply:
        guild = self._guild(call)
        limit = call.whole("limit", low=1, high=1000, default=1)
        after = rules.snowflake(call.query.get("after")) or 0
        members = sorted(guild.members.values(), key=lambda member: member.id)
        return 200, [member.payload() for member in members if member.id > after][:limit]

    def _get_member(self, call: Call) -> Reply:
        member = self._guild(call).members.get(call.number("user_id"))
        if member is None:
            raise ApiError(404, 10007, "Unknown Member")
        return 200, member.payload()

    # --- channels and messages

    def _channel(self, call: Call, permissions: int = 0) -> Channel:
        channel = self._world.channels.get(call.number("channel_id"))
        if channel is None:
            raise ApiError(404, 10003, "Unknown Channel")
        if not channel.has_bot:
            raise ApiError(403, 50001, "Missing Access")
        if channel.guild is not None:
            bot = self._world.bot_in(channel.guild)
            if not bot.may(Permission.VIEW_CHANNEL):
                raise ApiError(403, 50001, "Missing Access")
            if not bot.may(permissions):
                raise ApiError(403, 50013, "Missing Permissions")
        return channel

    def _open_direct(self, call: Call) -> Reply:
        number = rules.snowflake(call.json.get("recipient_id"))
        member = self._world.guild.members.get(number or 0)
        if member is None or member.user.bot:
            raise ApiError(400, 50033, "Invalid Recipient(s)")
        return 200, self._world.direct_channel(member).payload()

    def _get_channel(self, call: Call) -> Reply:
        return 200, self._channel(call).payload()

    def _typing(self, call: Call) -> Reply:
        self._world.changed("typing", self._channel(call, Permission.SEND_MESSAGES))
        return 204, None

    def _get_messages(self, call: Call) -> Reply:
        channel = self._channel(call, Permission.READ_HISTORY)
        limit = call.whole("limit", low=1, high=100, default=50)
        found = [
            message
            for message in self._world.messages.values()
            if message.channel is channel and not message.deleted and not message.ephemeral
        ]
        before, after, around = (
            rules.snowflake(call.query.get(key)) for key in ("before", "after", "around")
        )
        if around is not None:
            older = [message for message in found if message.id < around][-(limit // 2) :]
            found = older + [message for message in found if message.id >= around][: limit - limit // 2]
        elif after is not None:
            # The oldest of the later messages; otherwise Discord returns the newest.
            found = [message for message in found if message.id > after][:limit]
        elif before is not None:
            found = [message for message in found if message.id < before]
        return 200, [message.payload() for message in found[: -limit - 1 : -1]]

    def _post_message(self, call: Call) -> Reply:
        needed = Permission.SEND_MESSAGES | (Permission.ATTACH_FILES if call.uploads else 0)
        channel = self._channel(call, needed)
        body = call.json
        self._check_lacking(body)
        if body.get("enforce_nonce") and (earlier := self._same_nonce(channel, body.get("nonce"))):
            return 200, earlier.payload()
        check_message(self._limits, body, call.uploads, None)
        form = rules.Form()
        if (body.get("flags") or 0) & rules.EPHEMERAL:
            form.wrong(("flags",), "MESSAGE_FLAGS_INVALID", "Only messages of interactions can be ephemeral.")
        reference = form.child(body, "message_reference", ()) or {}
        target = form.snowflake(reference, "message_id", ("message_reference",))
        if target is not None and not self._can_reply_to(channel, target):
            if reference.get("fail_if_not_exists", True):
                form.wrong(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
            target = None
        form.close()
        message = self._world.create_message(
            channel, body, call.uploads, kind=19 if target is not None else 0, reference=target
        )
        self._world.announce("message.create", message)
        return 200, message.payload()

    def _same_nonce(self, channel: Channel, nonce: object) -> Message | None:
        """The message that the bot sent with this nonce in the last minutes."""
        since = self._world.clock.time() - NONCE_SECONDS
        return next(
            (
                message
                for message in reversed(self._world.messages.values())
                if nonce is not None
                and message.channel is channel
                and message.nonce == str(nonce)
                and message.created > since
            ),
            None,
        )

    def _can_reply_to(self, channel: Channel, number: int) -> bool:
        """Whether a message in `channel` may reply to the one with this id."""
        message = self._world.messages.get(number)
        return message is not None and message.channel is channel and not message.deleted

    def _get_message(self, call: Call) -> Reply:
        channel = self._channel(call, Permission.READ_HISTORY)
        message = self._world.message(channel.id, call.number("message_id"))
        if message.ephemeral:
            raise ApiError(404, 10008, "Unknown Message")
        return 200, message.payload()

    def _patch_message(self, call: Call) -> Reply:
        message = self._world.message(self._channel(call).id, call.number("message_id"))
        if message.ephemeral:
            raise ApiError(404, 10008, "Unknown Message")
        if message.author is not self._world.bot_user:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        check_message(self._limits, call.json, call.uploads, message)
        self._world.edit_message(message, call.json, call.uploads)
        return 200, message.payload()

    def _delete_message(self, call: Call) -> Reply:
        message = self._world.message(self._channel(call).id, call.number("message_id"))
        if message.ephemeral:
            raise ApiError(404, 10008, "Unknown Message")
        if message.author is not self._world.bot_user and not self._world.bot_in(message.channel.guild).may(
            Permission.MANAGE_MESSAGES
        ):
            raise ApiError(403, 50013, "Missing Permissions")
        self._world.delete_message(message)
        return 204, None

    # --- commands

    def _scope(self, call: Call) -> int | None:
        if call.number("application_id") != self._world.application_id:
            raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
        if "guild_id" not in call.parameters:
            return None
        if (guild := call.number("guild_id")) not in self._world.joined:
            raise ApiError(403, 50001, "Missing Access")
        return guild

    def _command(self, call: Call) -> Command:
        guild = self._scope(call)
        command = self._world.commands.get(call.number("command_id"))
        if command is None or command.guild_id != guild:
            raise ApiError(404, 10063, "Unknown application command")
        return command

    def _get_commands(self, call: Call) -> Reply:
        return 200, [command.body for command in self._world.commands_of(self._scope(call))]

    def _count_new(self, bodies: list[Json], guild: int | None) -> None:
        known = {(command.type, command.name) for command in self._world.commands_of(guild)}
        new = sum((body.get("type") or rules.CHAT, body["name"]) not in known for body in bodies)
        if self._created_commands + new > self._limits.daily_commands:
            most = self._limits.daily_commands
            raise ApiError(
                400, 30034, f"Max number of daily application command creates has been reached ({most})"
            )
        self._created_commands += new

    def _put_commands(self, call: Call) -> Reply:
        guild = self._scope(call)
        bodies = rules.check_commands(call.body)
        self._count_new(bodies, guild)
        return 200, [command.body for command in self._world.overwrite_commands(bodies, guild)]

    def _post_command(self, call: Call) -> Reply:
        guild = self._scope(call)
        body = rules.check_command(call.body)
        kind = body.get("type") or rules.CHAT
        alike = [command for command in self._world.commands_of(guild) if command.type == kind]
        known = any(command.name == body["name"] for command in alike)
        if not known and len(alike) >= rules.COMMANDS.get(kind, 100):
            raise ApiError(400, 30032, "Maximum number of application commands reached (100).")
        self._count_new([body], guild)
        command = self._world.put_command(body, guild)
        self._world.changed("commands.update", [command])
        return 200 if known else 201, command.body

    def _get_command(self, call: Call) -> Reply:
        return 200, self._command(call).body

    def _patch_command(self, call: Call) -> Reply:
        command = self._command(call)
        body = rules.check_command({**command.body, **call.json, "type": command.type})
        taken = any(
            other.name == body["name"] and other.type == command.type and other is not command
            for other in self._world.commands_of(command.guild_id)
        )
        if taken:
            form = rules.Form()
            form.wrong(
                ("name",), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique"
            )
            form.close()
        self._world.replace_command(command, body)
        return 200, command.body

    def _delete_command(self, call: Call) -> Reply:
        command = self._command(call)
        del self._world.commands[command.id]
        self._world.changed("commands.update", [])
        return 204, None

    # --- interactions

    def _callback(self, call: Call) -> Reply:
        if isinstance(data := call.json.get("data"), dict):
            self._check_lacking(data)
        interaction = self._interactions.respond(
            call.number("webhook_id"), call.parameters["webhook_token"], call.json, call.uploads
        )
        if call.query.get("with_response", "").lower() not in {"1", "true"}:
            return 204, None
        about: Json = {
            "id": str(interaction.id),
            "type": interaction.type,
            "channel_id": str(interaction.channel.id),
        }
        if interaction.channel.guild is not None:
            about["guild_id"] = str(interaction.channel.guild.id)
        resource: Json = {"type": interaction.answered_with}
        original = interaction.original
        if original is not None:
            about |= {
                "response_message_id": str(original.id),
                "response_message_loading": original.loading,
                "response_message_ephemeral": original.ephemeral,
            }
            if interaction.answered_with in {4, 7}:
                resource["message"] = original.payload()
        return 200, {"interaction": about, "resource": resource}

    def _follow_up(self, call: Call) -> Reply:
        interaction = self._interactions.webhook(call.number("webhook_id"), call.parameters["webhook_token"])
        self._check_lacking(call.json)
        message = self._interactions.follow_up(interaction, call.json, call.uploads)
        # Webhooks of interactions always return the message.
        return 200, message.payload()

    def _get_webhook_message(self, call: Call) -> Reply:
        interaction = self._interactions.webhook(call.number("webhook_id"), call.parameters["webhook_token"])
        return 200, self._interactions.message(interaction, call.parameters["message_id"]).payload()

    def _edit_webhook_message(self, call: Call) -> Reply:
        interaction = self._interactions.webhook(call.number("webhook_id"), call.parameters["webhook_token"])
        message = self._interactions.edit(interaction, call.parameters["message_id"], call.json, call.uploads)
        return 200, message.payload()

    def _delete_webhook_message(self, call: Call) -> Reply:
        interaction = self._interactions.webhook(call.number("webhook_id"), call.parameters["webhook_token"])
        self._interactions.delete(interaction, call.parameters["message_id"])
        return 204, None


def _response(status: int, answer: object, headers: Mapping[str, str]) -> web.Response:
    if answer is None:
        return web.Response(status=status, headers=headers)
    body = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
    # No charset: clients compare the header with exactly this value.
    return web.Response(status=status, body=body, headers={**headers, "Content-Type": "application/json"})


def _too_many(verdict: Verdict, headers: dict[str, str]) -> Reply:
    wait = verdict.retry_after or 0.0
    if not verdict.banned:
        headers["Via"] = VIA
    headers.update(verdict.headers)
    headers["Retry-After"] = str(max(math.ceil(wait), 1))
    return 429, {"message": "You are being rate limited.", "retry_after": wait, "global": verdict.everywhere}


def _parse(content: bytes) -> object:
    """Strict JSON, without NaN and without lone surrogates, which could not be sent on.

    Raises ValueError and RecursionError.
    """
    body = json.loads(content.decode(), parse_constant=_refuse)
    json.dumps(body, ensure_ascii=False).encode()
    return body


def _refuse(constant: str) -> None:
    raise ValueError(constant)


async def _read(request: web.Request, call: Call, most: int) -> None:
    """Parse the body: JSON, or a multipart form with `payload_json` and `files[n]`."""
    if not request.can_read_body:
        return
    kind = request.content_type
    multipart = kind == "multipart/form-data"
    most = most if multipart else MOST_JSON
    if (request.content_length or 0) > most:
        raise ApiError(413, 40005, "Request entity too large")
    try:
        async with asyncio.timeout(PATIENCE):
            if multipart:
                await _read_form(request, call, most)
            elif kind == "application/json":
                call.body = _parse(await _bounded(request, most))
            elif kind == "application/x-www-form-urlencoded":
                call.body = _fields(await _bounded(request, most))
    except (ValueError, RecursionError):
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None
    except TimeoutError:
        raise ApiError(408, 0, "The request body did not arrive.") from None
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, 40005, "Request entity too large") from None


async def _bounded(request: web.Request, most: int) -> bytes:
    """The body, limited in size, because a chunked request does not announce its length."""
    content = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        content += chunk
        if len(content) > most:
            raise ApiError(413, 40005, "Request entity too large")
    return bytes(content)


def _fields(content: bytes) -> object:
    """A form without files: the content of `payload_json`, or the fields as text."""
    fields = dict(parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    return _parse(fields["payload_json"].encode()) if "payload_json" in fields else fields


async def _read_form(request: web.Request, call: Call, most: int) -> None:
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        name = part.name or ""
        content = bytearray()
        # A chunked body does not announce its length.
        while chunk := await part.read_chunk(1 << 16):
            content += chunk
            most -= len(chunk)
            if most < 0:
                raise ApiError(413, 40005, "Request entity too large")
        if name == "payload_json":
            call.body = _parse(bytes(content))
        elif found := re.fullmatch(r"files?\[(\d{1,2})\]|file", name):
            call.uploads[int(found[1] or 0)] = Upload(part.filename or "file", bytes(content))
    if call.body is None:
        call.body = {}
