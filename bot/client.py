"""The Discord client: opens what the cogs need, loads them, and closes everything in order."""

from __future__ import annotations

import asyncio
import logging
import pkgutil
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias, cast

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot import endpoints, reconnecting, transport
from bot.audit import FILE, AuditLog
from bot.errors import report
from bot.events import ANSWERED, CommandLog, Events, GatewayChanged
from bot.failures import (
    BadToken,
    BrokenExtension,
    CommandsElsewhere,
    GatewayClosed,
    IntentsRefused,
    LoginRefused,
    Unclaimed,
)
from bot.health import HealthServer, Snapshot
from bot.interactions import Interactions
from bot.limits import allowance, check_place
from bot.pace import Pace
from bot.registration import CommandRegister
from bot.reload import reload_like_others
from bot.settings.schema import Settings
from bot.shutdown import Shutdown, Step, cancelled, finish_interactions, open_interactions, owner
from bot.store import Store
from bot.unclaimed import form_of, is_unclaimed
from models.failures import Stopping
from models.hub import Hub
from models.lanes import GRACE, Lanes
from models.local import LocalService
from models.service import Service
from models.slots import LaneLimits

log = logging.getLogger(__name__)

# The bot never uses voice, so do not warn about missing voice libraries.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

Interaction: TypeAlias = "discord.Interaction[Tokenwise]"

COGS = Path(__file__).resolve().parent.parent / "cogs"
EXTENSIONS = tuple(
    f"{COGS.name}.{package.name}"
    for package in pkgutil.iter_modules([str(COGS)])
    if package.ispkg and package.name != "shared"
)
"""Every feature is a package in `cogs/` with a `setup`."""

DRAWING = "drawing"
DRAWING_LANE = LaneLimits(workers=2, queue=1000, timeout=60.0)
"""The lane for pictures of answers. It admits every request that a model has admitted."""

DRAWING_POLL = 0.2
"""Seconds between checks for unfinished pictures during shutdown."""

CLOSING = 5.0
"""Most seconds for closing one thing during shutdown."""

SYNC_WAIT = 5.0
"""Seconds that startup waits for the registration of commands, which then continues in the background."""
LONGEST_RATELIMIT = 60.0
"""Most seconds that a request waits for a rate limit; the daily limit of registrations can demand hours."""

FIRST_RETRY, LONGEST_RETRY = 2.0, 60.0
UNREACHABLE = (
    OSError,
    TimeoutError,
    aiohttp.ClientError,
    discord.GatewayNotFound,
    discord.DiscordServerError,
    discord.RateLimited,
)
AUTHENTICATION_FAILED = 4004


def local_service(settings: Settings, hub: Hub | None = None) -> LocalService:
    """The models in this process, as configured; `hub` replaces the default one."""
    hub = hub or Hub(settings.specs())
    lanes = {slot: settings.lane(slot) for slot in hub.slots}
    return LocalService(hub, lanes, settings.limits.per_user)


def make_service(settings: Settings) -> Service:
    """The models, in this process or on a cluster, as configured."""
    if settings.inference.backend == "local":
        return local_service(settings)
    from models.ray.service import RayService, SlotLimits  # noqa: PLC0415 - few need it

    limits = {slot: SlotLimits(spec, settings.lane(slot).timeout) for slot, spec in settings.specs().items()}
    return RayService(settings.inference.address, limits, settings.limits.per_user)


def _shards(settings: Settings) -> dict[str, Any]:
    """The shards of this process, as discord.py expects them."""
    discord_ = settings.discord
    counted = {"shard_count": discord_.shard_count} if discord_.shard_count else {}
    return counted | ({"shard_ids": discord_.shard_ids} if discord_.shard_ids else {})


class Tree(app_commands.CommandTree["Tokenwise"]):
    """The command tree, with shared rate limits and a shared failure handler."""

    def __init__(self, client: Tokenwise) -> None:
        # People may install the bot as a user app. A command that needs a server reports that itself.
        super().__init__(
            client,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
        )
        self._pace = Pace()

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        bot = interaction.client
        bot.interactions.began(interaction)
        if interaction.type is discord.InteractionType.autocomplete:
            return not bot.stopping.is_set()
        if bot.stopping.is_set():
            await report(interaction, Stopping())
            return False
        try:
            check_place(interaction)
        except CommandsElsewhere as refused:
            await report(interaction, refused)
            return False
        allowed = allowance(interaction)
        self._pace.count(interaction.user.id, allowed.commands, allowed.seconds, allowed.pace_of)
        return True

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await report(interaction, error)


class Tokenwise(commands.AutoShardedBot):
    """The bot. It gives cogs the settings, the models (`service`), a lane for pictures (`drawing`) and people's data
    (`store`).
    """

    store: Store

    def __init__(
        self, settings: Settings, service: Service | None = None, *, forget_commands: bool = False
    ) -> None:
        """`service` provides the models; by default those that the settings describe. `forget_commands` registers the
        commands even if nothing changed, for a Discord that does not remember them.
        """
        intents = discord.Intents.none()
        intents.guilds = True
        self.events = Events()
        super().__init__(
            **_shards(settings),
            command_prefix=commands.when_mentioned,  # without message intents, no messages arrive
            help_command=None,
            tree_cls=Tree,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=LONGEST_RATELIMIT,
            http_trace=transport.trace(self.events),
        )
        endpoints.use_rest(settings.discord.api_url)
        reconnecting.use()
        self._began = time.monotonic()
        self._sessions = reconnecting.Sessions()
        self.settings = settings
        self.interactions = Interactions(self.events)
        CommandLog(self.events)
        self.forms: dict[str, Callable[[Interaction], Awaitable[None]]] = {}
        """What answers a form that was sent, by its custom_id."""
        self.command_ids: dict[str, int] = {}
        """Ids of the commands by name, for mentions such as `</tokens:ID>`."""
        self.service: Service = service or make_service(settings)
        self.service.listen(self.events.emit)
        self.drawing = Lanes({DRAWING: DRAWING_LANE}, settings.limits.per_user)
        self._forget_commands = forget_commands
        self._health = HealthServer(self) if settings.health.enabled else None
        self._audit: AuditLog | None = None
        self._registration: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        drain = settings.limits.drain_seconds + GRACE
        self._shutdown = Shutdown(
            (
                Step("draining", self._drain, drain + CLOSING),
                Step("telling", lambda: finish_interactions(GRACE), GRACE + CLOSING),
                Step("cogs", self._unload, CLOSING),
                Step("drawing", self.drawing.close, CLOSING),
                Step("health", self._close_health, CLOSING),
                Step("audit", self._close_audit, CLOSING),
                Step("database", self._close_store, CLOSING),
                Step("connection", self._disconnect, CLOSING),
                # Last, because freeing their memory blocks the loop.
                Step("models", self.service.close, 2 * CLOSING),
            )
        )
        self.at_shutdown = self._shutdown.notify
        self.request_stop = self._shutdown.request

    @property
    def stopping(self) -> asyncio.Event:
        """Set when a shutdown begins."""
        return self._shutdown.begun

    @property
    def connected(self) -> bool:
        """Whether the bot is connected to Discord's gateway."""
        return self.is_ready() and any(not shard.is_closed() for shard in self.shards.values())

    @property
    def uptime(self) -> float:
        """Seconds since the bot was started."""
        return time.monotonic() - self._began

    async def idle(self) -> None:
        """Wait until no interaction is being answered and no job is running."""
        while handlers := open_interactions():
            await asyncio.wait(handlers)
        await self.service.idle()
        await self.drawing.idle()

    async def health(self) -> dict[str, Any]:
        """The bot's state for /healthz, without personal data or secrets."""
        return (await Snapshot.of(self)).report()

    # Opening

    async def setup_hook(self) -> None:
        database = self.settings.database
        self.store = await Store.open(self.settings.data_dir, database.url, database.connections)
        await self.store.neighbours.listen(self._heard)
        if self.settings.audit.enabled:
            audit = self.settings.audit
            path = audit.file or self.settings.data_dir / FILE
            self._audit = AuditLog(self.events, path, audit.max_bytes, audit.keep)
        if self._health:
            self.store.watch(self._health.observe_transaction)
            await self._health.start(self.settings.health.host, self.settings.health.port)
        for extension in EXTENSIONS:
            await self._load(extension)
        await self.service.start()
        self._registration = asyncio.create_task(self._register(), name="tokenwise-register")
        # Usually done before anyone can ask; waiting for Discord must not keep the bot offline.
        await asyncio.wait({self._registration}, timeout=SYNC_WAIT)

    async def _load(self, extension: str) -> None:
        try:
            await self.load_extension(extension)
        except commands.ExtensionError as error:
            inner = error.original if isinstance(error, commands.ExtensionFailed) else error
            log.debug("%s", extension, exc_info=inner)
            reason = " ".join(str(inner).split())
            raise BrokenExtension(extension, type(inner).__name__, reason) from error

    async def _register(self) -> None:
        register = CommandRegister(self.settings.data_dir / "commands.json")
        if self._forget_commands:
            register.forget()
        self.command_ids = register.ids
        if 0 in (self.settings.discord.shard_ids or [0]):
            await register.sync(self.tree, self.settings.discord.guild_ids)
        else:
            await register.look_up(self.tree, self.settings.discord.guild_ids)
        self.command_ids = register.ids

    async def start(self, token: str, *, reconnect: bool = True) -> None:
        """Log in and stay connected, however long Discord is unavailable.

        Raises StartupError, with one sentence, if that can never succeed.
        """
        transport.use(self.http, self.interactions.acknowledged)
        try:
            await self._persist(lambda: self._log_in_afresh(token))
            await self._persist(lambda: self.connect(reconnect=reconnect))
        except discord.LoginFailure as error:
            raise BadToken from error
        except discord.PrivilegedIntentsRequired as error:
            raise IntentsRefused from error
        except discord.ConnectionClosed as error:
            if error.code == AUTHENTICATION_FAILED:
                raise BadToken from error
            raise GatewayClosed(str(error.code)) from error
        except discord.HTTPException as error:
            raise LoginRefused(self.settings.discord.api_url, str(error.status)) from error

    async def _persist(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Retry until Discord can be reached. discord.py handles later disconnects."""
        pause = FIRST_RETRY
        while True:
            try:
                await attempt()
            except UNREACHABLE as error:
                reason, wait = " ".join(str(error).split()) or type(error).__name__, pause
            except discord.HTTPException as error:
                # Exiting would only make the service manager retry, and prolong a ban.
                if error.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                reason, wait = "429, too many requests", transport.retry_after(error, LONGEST_RETRY)
            else:
                return
            log.warning("Discord cannot be reached (%s); trying again in %.0f s", reason, wait)
            await asyncio.sleep(wait * random.uniform(1.0, 1.2))
            pause = min(2 * pause, LONGEST_RETRY)

    async def _log_in_afresh(self, token: str) -> None:
        # Each login opens an HTTP session; close that of a failed one.
        await self.http.close()
        self.http.connector = discord.utils.MISSING
        await self.login(token)

    async def launch_shards(self) -> None:
        """Ask Discord for its limits, the gateway and, unless configured, the number of shards."""
        count, url, limit = await self.http.get_bot_gateway()
        if cast("int | None", self.shard_count) is None:  # discord.py declares only its later type
            self.shard_count = count
        own = len(self.shard_ids or range(self.shard_count))
        self._sessions.allow(
            int(limit.get("max_concurrency") or 1), int(limit.get("total") or 1000), own, self.shard_count
        )
        if int(limit.get("remaining", own)) < own:
            # One session more, and Discord would reset the token.
            seconds = float(limit.get("reset_after", 0)) / 1000
            log.warning("no sessions left for today; waiting for %.0f s", seconds)
            await asyncio.sleep(seconds)
        # A client with a fixed number of shards connects to the default gateway.
        endpoints.use_gateway(self.settings.discord.gateway_url, url)
        await super().launch_shards()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:  # noqa: ARG002
        """Wait until a new session does not collide with one started by this or another process."""
        turn = f"identify {self.application_id} {self._sessions.key(shard_id or 0)}"
        await self.store.neighbours.take(turn)
        await self._sessions.begin(shard_id or 0)
        self._give_back_later(turn)

    def _give_back_later(self, turn: str) -> None:
        async def give_back() -> None:
            await asyncio.sleep(reconnecting.APART + reconnecting.MARGIN)
            await self.store.neighbours.give_back(turn)

        self.keep(give_back())

    def _heard(self, news: dict[str, str]) -> None:
        """Do what another process asks all processes of the bot to do."""
        if (slot := news.get("reload")) and slot in self.service.slots:
            self.keep(reload_like_others(self, slot, news.get("revision")))

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background until it finishes or the bot stops."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def on_shard_resumed(self, _shard_id: int) -> None:
        self.events.emit(GatewayChanged("resumed"))

    async def on_shard_disconnect(self, _shard_id: int) -> None:
        self.events.emit(GatewayChanged("disconnected"))

    async def on_shard_connect(self, shard_id: int) -> None:
        self.events.emit(GatewayChanged("connected"))
        endpoints.keep_gateway(self._get_websocket(shard_id=shard_id), self.settings.discord.gateway_url)

    async def on_ready(self) -> None:
        log.info("ready as %s; servers: %d, shards: %s", self.user, len(self.guilds), sorted(self.shards))

    async def on_interaction(self, interaction: Interaction) -> None:
        if submitted := self.forms.get(form_of(interaction)):
            await submitted(interaction)
        elif is_unclaimed(interaction):
            await report(interaction, Unclaimed())

    async def on_interaction_failure(self, interaction: Interaction, error: BaseException) -> None:
        self.interactions.done(interaction, type(error).__name__)

    async def on_app_command_completion(self, interaction: Interaction, _: Any) -> None:
        self.interactions.done(interaction, ANSWERED)

    # Closing

    async def wait_for_stop(self) -> None:
        await self._shutdown.wanted.wait()

    async def close(self) -> None:
        """Shut down in order. Later calls wait for the same shutdown."""
        await self._shutdown.run()

    async def _drain(self) -> None:
        """Let running work finish, until the time is up or a second signal arrives."""
        self.service.stop_admitting()
        seconds = self.settings.limits.drain_seconds
        if not await self._shutdown.unless_hurried(self._finish_work(seconds)):
            await asyncio.gather(self.service.drain(0), self.drawing.drain(0))

    async def _finish_work(self, seconds: float) -> None:
        """Let the models finish, then the answers made from their results, within `seconds` in total."""
        until = time.monotonic() + seconds
        await self.service.drain(seconds)
        while (handlers := open_interactions()) and (left := until - time.monotonic()) > 0:
            done, _ = await asyncio.wait(
                handlers, timeout=min(left, DRAWING_POLL), return_when=asyncio.FIRST_COMPLETED
            )
            if not done and not self.drawing.status[DRAWING].running:
                break
        await self.drawing.drain(max(0.0, until - time.monotonic()))

    async def _unload(self) -> None:
        await cancelled(self._background)
        if self._registration:
            self._registration.cancel()
            await asyncio.wait({self._registration})
        for extension in tuple(self.extensions):
            await self.unload_extension(extension)

    async def _disconnect(self) -> None:
        await super().close()
        # discord.py does not cancel its tasks that wait for the list of servers or for a form.
        await cancelled(
            {
                task
                for task in asyncio.all_tasks()
                if (waiting := owner(task)) is self._connection or isinstance(waiting, discord.ui.Modal)
            }
        )

    async def _close_audit(self) -> None:
        if self._audit:
            await asyncio.to_thread(self._audit.close)

    async def _close_health(self) -> None:
        if self._health:
            await self._health.close()

    async def _close_store(self) -> None:
        if hasattr(self, "store"):
            await self.store.close()
