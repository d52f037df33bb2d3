"""The Discord client: opens what the cogs need, loads them, and closes everything in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.errors import report
from bot.failures import StartupError
from bot.health import HealthServer, finite
from bot.registration import CommandRegister
from bot.settings.schema import GATEWAY_URL, Lane, Limits, Settings
from bot.store.likes import Likes
from models.failures import Failure, NotReady, Stopping
from models.hub import Hub
from models.lanes import GRACE, Job, Lanes, Ticket
from models.local import torch_threads, usable_cores
from models.results import State

log = logging.getLogger(__name__)

# The bot never speaks, so nobody needs to hear that the libraries for it are missing.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

T = TypeVar("T")
Interaction: TypeAlias = "discord.Interaction[Tokenwise]"

EXTENSIONS = (
    "cogs.generate",
    "cogs.tokens",
    "cogs.vectors",
    "cogs.similar",
    "cogs.songs",
    "cogs.models",
    "cogs.help",
    "cogs.privacy",
)

LOAD_ORDER = ("tokenizers", "words", "songs", "encoder", "language")
"""The light ones first, and one after another: torch, transformers and gensim are imported on the way,
which two threads had better not do at once.
"""
TORCH_SLOTS = ("language", "encoder")
LOADING_QUEUE = 16
PATIENCE = 20.0
"""Seconds after which a load no longer keeps the next one waiting; it may hang."""
DRAWING = Lane(workers=1, queue=32, timeout=20)
"""For pictures of what a model answered before, which wait for no model."""
POLL = 0.25
"""Seconds between a waiting worker's looks at its stop event."""

SYNC_WAIT = 5.0
"""Seconds that the start waits for the registration of commands; then it goes on beside it."""
LONGEST_RATELIMIT = 60.0
"""Seconds that a request waits for a rate limit; the daily limit of registrations asks for hours."""
MANY_PEOPLE = 256
"""From so many people on, those who have been silent are forgotten."""

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
BAD_TOKEN = (
    "Discord refused the token. Copy it anew from the bot's page in the developer portal into DISCORD_TOKEN."  # noqa: S105
)

HANDLERS = (
    "CommandTree-invoker",
    "discord-ui-view-dispatch",
    "discord-ui-modal-dispatch",
    "discord-ui-dynamic-item",
)
"""How discord.py names the tasks that answer interactions; it keeps no list of them."""


class Tree(app_commands.CommandTree["Tokenwise"]):
    """The commands, with one pace for everybody and one handler of failures."""

    def __init__(self, client: Tokenwise) -> None:
        super().__init__(client)
        self._paces: dict[int, app_commands.Cooldown] = {}

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        bot = interaction.client
        interaction.extras["asked"] = time.monotonic()
        if interaction.type is discord.InteractionType.autocomplete:
            return not bot.stopping.is_set()
        if bot.stopping.is_set():
            await report(interaction, Stopping())
            return False
        self._pace(interaction.user.id, bot.settings.limits)
        return True

    def _pace(self, user: int, limits: Limits) -> None:
        """Count a command of this person; CommandOnCooldown if it is one too many."""
        if len(self._paces) > MANY_PEOPLE:
            self._paces = {who: pace for who, pace in self._paces.items() if pace.get_tokens() < pace.rate}
        pace = self._paces.setdefault(user, app_commands.Cooldown(limits.commands, limits.seconds))
        if wait := pace.update_rate_limit():
            raise app_commands.CommandOnCooldown(pace, wait)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await report(interaction, error)


def log_command(interaction: Interaction, outcome: str) -> None:
    """The one line about a command: which, how it ended, and how long it took; not who, nor what was said."""
    ticket: Ticket[Any] | None = interaction.extras.get("ticket")
    command = f"/{interaction.command.qualified_name}" if interaction.command else interaction.type.name
    log.info(
        "%s: %s, latency %.3f s, queue %.3f s, run %.3f s",
        command,
        outcome,
        time.monotonic() - interaction.extras.get("asked", time.monotonic()),
        ticket.queue_seconds if ticket else 0.0,
        ticket.run_seconds if ticket else 0.0,
    )


class Tokenwise(commands.AutoShardedBot):
    """The bot. Cogs find in it the settings, the models (`hub`), the lanes (`executor`) and the likes."""

    likes: Likes

    def __init__(self, settings: Settings, *, hub: Hub | None = None, forget_commands: bool = False) -> None:
        """`hub` stands in for the one that the settings describe. `forget_commands` registers the commands
        although nothing changed, for a Discord that does not remember them.
        """
        intents = discord.Intents.none()
        intents.guilds = True
        super().__init__(
            command_prefix=commands.when_mentioned,  # without message intents no message ever comes
            help_command=None,
            tree_cls=Tree,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=LONGEST_RATELIMIT,
        )
        Route.BASE = settings.discord.api_url
        self.settings = settings
        self.stopping = asyncio.Event()
        """Set when a shutdown begins."""
        self.command_ids: dict[str, int] = {}
        """Ids of the commands by name, for mentions such as `</tokens:ID>`."""
        self.hub = hub or Hub(settings.specs())
        lanes: dict[str, Lane] = {slot: getattr(settings.lanes, slot) for slot in self.hub.slots}
        # A thread for each slot, so that a load that hangs is in nobody's way.
        loading = Lane(workers=max(1, len(lanes)), queue=LOADING_QUEUE, timeout=840)
        self.executor = Lanes(
            lanes | {"loading": loading, "drawing": DRAWING}, settings.limits.per_user, background={"loading"}
        )
        self._forget_commands = forget_commands
        self._begun_loads = {slot: threading.Event() for slot in self.hub.slots}
        self._first_loads = {slot: threading.Event() for slot in self.hub.slots}
        self._health = HealthServer(self.health)
        self._tell: dict[object, Callable[[], object]] = {}
        self._registration: asyncio.Task[None] | None = None
        self._shutdown: asyncio.Task[None] | None = None
        self._stop_wanted = asyncio.Event()
        self._hurry = asyncio.Event()

    # What cogs use

    def ask(
        self,
        interaction: Interaction,
        lane: str,
        work: Callable[[Job, Any], T],
        *,
        timeout: float | None = None,
    ) -> Ticket[T]:
        """Admit `work(job, model)` for the asker, with the model that the slot of the lane's name holds.

        Raises `Busy`, `Stopping` or `NotReady` at once. A model that is still loading is waited for
        within the job's deadline. What is asked while somebody types counts against nobody's limit.
        """
        if lane not in self._first_loads:
            raise NotReady("I was set up without what this needs. Try /help for what I can do.")

        def run(job: Job) -> T:
            self._wait_for_model(lane, job)
            with self.hub.lease(lane) as model:
                job.check()
                answer = work(job, model)
                del model  # the lease frees a model that was replaced meanwhile, if nothing holds it
                return answer

        typing = interaction.type is discord.InteractionType.autocomplete
        ticket = self.executor.admit(lane, run, user=interaction.user.id, timeout=timeout, privileged=typing)
        interaction.extras["ticket"] = ticket
        return ticket

    def draw(self, interaction: Interaction, work: Callable[[], T]) -> Ticket[T]:
        """Admit `work()` for the asker: a picture or a file that needs no model. Raises `Busy` or `Stopping`."""
        return self.executor.admit("drawing", lambda _: work(), user=interaction.user.id)

    def at_shutdown(self, tell: Callable[[], object]) -> Callable[[], object]:
        """Have `tell()` called on the loop when a shutdown begins; call what this returns to take it back."""
        key = object()
        self._tell[key] = tell
        return lambda: self._tell.pop(key, None)

    async def loaded(self) -> None:
        """Return when every model was loaded, or failed to, for the first time."""
        while not all(event.is_set() for event in self._first_loads.values()):  # noqa: ASYNC110 - threads set them
            await asyncio.sleep(POLL)

    async def idle(self) -> None:
        """Return when no interaction is being answered and no job runs."""
        while handlers := self._open_interactions():
            await asyncio.wait(handlers)
        await self.executor.idle()

    def health(self) -> dict[str, Any]:
        """How the bot is, for /healthz: nothing about people, nothing secret."""
        connected = self.is_ready() and any(not shard.is_closed() for shard in self.shards.values())
        return {
            "ready": connected and not self.stopping.is_set(),
            "stopping": self.stopping.is_set(),
            "latency_seconds": finite(self.latency),
            "shards": len(self.shards),
            "servers": len(self.guilds),
            "slots": [
                {
                    "slot": it.slot,
                    "name": it.name,
                    "state": it.state,
                    "generation": it.generation,
                    "leases": it.leases,
                }
                for it in self.hub.status()
            ],
            "lanes": {name: asdict(lane) for name, lane in self.executor.status.items()},
        }

    # Opening

    async def setup_hook(self) -> None:
        self.likes = await Likes.open(self.settings.data_dir / "tokenwise.db")
        if self.settings.health.enabled:
            await self._health.start(self.settings.health.host, self.settings.health.port)
        for extension in EXTENSIONS:
            try:
                await self.load_extension(extension)
            except commands.ExtensionError as error:
                inner = error.original if isinstance(error, commands.ExtensionFailed) else error
                log.debug("%s", extension, exc_info=inner)
                reason = " ".join(str(inner).split())
                raise StartupError(
                    f"{extension} cannot be loaded: {type(inner).__name__}: {reason}"
                ) from error
        self._start_loading()
        self._registration = asyncio.create_task(self._register(), name="tokenwise-register")
        # Usually done before anybody can ask; a Discord that makes us wait must not keep the bot offline.
        await asyncio.wait({self._registration}, timeout=SYNC_WAIT)

    async def _register(self) -> None:
        register = CommandRegister(self.settings.data_dir / "commands.json")
        if self._forget_commands:
            register.forget()
        self.command_ids = register.ids
        await register.sync(self.tree, self.settings.discord.guild_ids)
        self.command_ids = register.ids

    def _start_loading(self) -> None:
        before = None
        for slot in sorted(self.hub.slots, key=LOAD_ORDER.index):
            self.executor.admit(
                "loading", partial(self._load, slot, before), user=0, timeout=math.inf, privileged=True
            )
            before = slot

    def _load(self, slot: str, before: str | None, job: Job) -> None:
        """On a thread of the loading lane; `before` is the slot whose turn is first."""
        try:
            if before is not None:
                self._wait_for_turn(before, job)
            self._begun_loads[slot].set()
            job.check()
            if slot in TORCH_SLOTS:
                self._share_cores()
            status = self.hub.load(slot)
            log.info("%s: %s is ready after %.1f s", slot, status.name, status.load_seconds)
        except Failure as error:
            # What a shutdown interrupts is no failure.
            log.log(logging.INFO if self.stopping.is_set() else logging.ERROR, "%s: %s", slot, error)
        except Exception:
            log.exception("%s: loading failed", slot)
        finally:
            self._first_loads[slot].set()

    def _share_cores(self) -> None:
        import torch  # noqa: PLC0415 - takes seconds, which this thread has

        # All texts are written by one thread, whatever their number.
        workers = sum(
            1 if slot == "language" else getattr(self.settings.lanes, slot).workers
            for slot in TORCH_SLOTS
            if slot in self.hub.slots
        )
        # What OMP_NUM_THREADS says is in force already; it may ask for fewer.
        torch.set_num_threads(min(torch.get_num_threads(), torch_threads(usable_cores(), workers)))

    def _wait_for_turn(self, before: str, job: Job) -> None:
        """On a loading thread: return when another slot was loaded, or failed to, or takes so long that it may hang."""
        while not self._begun_loads[before].wait(POLL):
            job.check()
        until = time.monotonic() + PATIENCE
        while not self._first_loads[before].wait(min(POLL, PATIENCE)) and time.monotonic() < until:
            job.check()

    def _wait_for_model(self, slot: str, job: Job) -> None:
        """On a worker thread: return when the slot is not being filled any more, at the start or after draining."""
        loaded = self._first_loads[slot]
        while not loaded.is_set() or self.hub.status(slot)[0].state is State.LOADING:
            if job.remaining <= 0:
                raise NotReady("The model for this is still loading. Ask again in a minute.")
            job.check()
            pause = max(0.0, min(POLL, job.remaining))
            with contextlib.suppress(NotReady):  # what it is, the lease says
                self.hub.wait(slot, pause) if loaded.is_set() else loaded.wait(pause)

    async def start(self, token: str, *, reconnect: bool = True) -> None:
        """Log in and stay connected, however long Discord takes to be there.

        StartupError, in one sentence, if that can never succeed.
        """
        try:
            await self._persist(lambda: self._log_in_afresh(token))
            await self._persist(lambda: self.connect(reconnect=reconnect))
        except discord.LoginFailure as error:
            raise StartupError(BAD_TOKEN) from error
        except discord.PrivilegedIntentsRequired as error:
            raise StartupError("Discord refused the bot's intents.") from error
        except discord.ConnectionClosed as error:
            if error.code == AUTHENTICATION_FAILED:
                raise StartupError(BAD_TOKEN) from error
            raise StartupError(f"Discord closed the gateway for good (code {error.code}).") from error
        except discord.HTTPException as error:
            url = self.settings.discord.api_url
            raise StartupError(f"{url} refused the login with status {error.status}.") from error

    async def _persist(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Try until Discord can be reached. Later breaks are discord.py's business."""
        pause = FIRST_RETRY
        while True:
            try:
                await attempt()
            except UNREACHABLE as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                log.warning("Discord cannot be reached (%s); trying again in %.0f s", reason, pause)
                await asyncio.sleep(pause * random.uniform(0.9, 1.1))
                pause = min(2 * pause, LONGEST_RETRY)
            else:
                return

    async def _log_in_afresh(self, token: str) -> None:
        # Each login opens a session of its own; that of a failed one must not be left open.
        await self.http.close()
        self.http.connector = discord.utils.MISSING
        await self.login(token)

    async def launch_shards(self) -> None:
        """Ask Discord for the number of shards and the gateway; the configured gateway wins."""
        if cast("int | None", self.shard_count) is None:  # discord.py declares what it becomes
            self.shard_count, url, _ = await self.http.get_bot_gateway()
            # A client that knows its number of shards connects here, and so does every new session.
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._configured_gateway() or url)
        await super().launch_shards()

    def _configured_gateway(self) -> str:
        url = self.settings.discord.gateway_url
        return "" if url.rstrip("/") == GATEWAY_URL else url

    async def on_shard_connect(self, shard_id: int) -> None:
        # Discord names another gateway for resuming, which would go around a proxy.
        if url := self._configured_gateway():
            self._get_websocket(shard_id=shard_id).gateway = yarl.URL(url)

    async def on_ready(self) -> None:
        log.info("ready as %s in %d servers", self.user, len(self.guilds))

    async def on_interaction_failure(self, interaction: Interaction, error: BaseException) -> None:
        log_command(interaction, type(error).__name__)

    async def on_app_command_completion(self, interaction: Interaction, _: Any) -> None:
        log_command(interaction, "answered")

    # Closing

    def request_stop(self) -> None:
        """Begin to shut down; asked again, hurry."""
        if self._stop_wanted.is_set():
            self._hurry.set()
        self._stop_wanted.set()

    async def wait_for_stop(self) -> None:
        await self._stop_wanted.wait()

    async def close(self) -> None:
        """Shut down in order. Whoever calls it later waits for the same shutdown."""
        if self._shutdown is None:
            self._shutdown = asyncio.create_task(self._close_in_order(), name="tokenwise-shutdown")
        await asyncio.shield(self._shutdown)

    async def _close_in_order(self) -> None:
        self.stopping.set()
        self.executor.stop_admitting()
        for tell in tuple(self._tell.values()):
            tell()
        steps: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("draining", self._drain),
            ("telling", self._finish_handlers),
            ("cogs", self._unload),
            ("executor", self.executor.close),
            ("health", self._health.close),
            ("database", self._close_likes),
            ("connection", self._disconnect),
            # Last, because freeing their memory takes so long that the loop must have nothing else to do.
            ("models", self._close_hub),
        ]
        for name, step in steps:
            try:
                await step()
            except Exception:
                log.exception("shutdown: %s failed", name)

    async def _drain(self) -> None:
        """Let what runs end, until the time is over or somebody is in a hurry."""
        draining = asyncio.create_task(self.executor.drain(self.settings.limits.drain_seconds))
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({draining, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not draining.done():
            draining.cancel()
            await self.executor.drain(0)

    async def _finish_handlers(self) -> None:
        """Let every open interaction say its last word."""
        if handlers := self._open_interactions():
            _, late = await asyncio.wait(handlers, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _open_interactions(self) -> set[asyncio.Task[Any]]:
        own = asyncio.current_task()
        return {
            task for task in asyncio.all_tasks() if task.get_name().startswith(HANDLERS) and task is not own
        }

    async def _unload(self) -> None:
        if self._registration:
            self._registration.cancel()
            await asyncio.wait({self._registration})
        for extension in tuple(self.extensions):
            await self.unload_extension(extension)

    async def _disconnect(self) -> None:
        await super().close()
        # discord.py leaves its tasks that wait for the list of servers, or for a form, to themselves.
        waiting = {
            task
            for task in asyncio.all_tasks()
            if (owner := _owner(task)) is self._connection or isinstance(owner, discord.ui.Modal)
        }
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _close_hub(self) -> None:
        self.hub.close()

    async def _close_likes(self) -> None:
        if hasattr(self, "likes"):
            await self.likes.close()


def _owner(task: asyncio.Task[Any]) -> object:
    """The object whose method a task runs."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame.f_locals.get("self") if frame else None


async def serve(bot: Tokenwise, token: str) -> int:
    """Run the bot until SIGINT, SIGTERM or a failure that cannot pass; the exit code."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, bot.request_stop)
    try:
        async with bot:
            running = asyncio.create_task(bot.start(token), name="tokenwise-run")
            wanted = asyncio.create_task(bot.wait_for_stop())
            await asyncio.wait({running, wanted}, return_when=asyncio.FIRST_COMPLETED)
            if wanted.done():
                log.info("stopping")
            wanted.cancel()
            # The shards have tasks of their own, so that open interactions still get through.
            running.cancel()
            try:
                await running
            except StartupError as error:
                log.error("%s", error)  # noqa: TRY400 - one line for whoever runs the bot
                return 1
            except asyncio.CancelledError:
                pass
            except Exception:
                log.exception("the bot failed")
                return 1
        return 0
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
