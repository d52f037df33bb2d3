"""Reloading a model, from the current settings or in another revision."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from bot.failures import NoRevisions, NoSection, RevisionOfFolder, SettingsWrong
from bot.settings.load import load_again
from bot.settings.schema import ConfigError, Settings
from models.failures import Failure
from models.files.items import Kind
from models.results import Reload
from models.sections import ModelSection
from models.service import Caller, LoadProgress, ReloadModel
from models.specs import Spec

if TYPE_CHECKING:
    from bot.client import Tokenwise


log = logging.getLogger(__name__)


class ReloadRequest(NamedTuple):
    """The new spec of a slot, and whether to download it first."""

    section: ModelSection
    spec: Spec
    fetch: bool


async def reload(
    bot: Tokenwise, caller: Caller, slot: str, revision: str | None, *, told: bool = False
) -> AsyncGenerator[LoadProgress | Reload, None]:
    """Reload a slot from the current settings file; with a `revision`, load that one and download it if necessary.

    On success the other processes of the bot are told to do the same, unless `told` (the request came from one of
    them).

    Raises Refused, with the errors in the settings, if they are invalid now, and ModelError if the model cannot be
    downloaded or loaded; then the old one keeps serving.
    """
    section, spec, fetch = await asyncio.to_thread(reload_request, bot.settings, slot, revision)
    items: asyncio.Queue[LoadProgress | Reload | BaseException | None] = asyncio.Queue()

    async def work() -> None:
        """Continues after the caller is cancelled: the limits must change together with the model."""
        try:
            async with aclosing(bot.service.reload(ReloadModel(caller, slot, spec, fetch))) as steps:
                async for step in steps:
                    if isinstance(step, Reload):
                        bot.settings = bot.settings.model_copy(update={slot: section})
                        if not told:
                            more = {"revision": revision} if revision else {}
                            await bot.store.neighbours.tell(reload=slot, **more)
                    items.put_nowait(step)
        except Exception as error:  # noqa: BLE001 - it is raised in the caller
            items.put_nowait(error)
        finally:
            items.put_nowait(None)

    bot.keep(work())
    while (item := await items.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


async def reload_like_others(bot: Tokenwise, slot: str, revision: str | None) -> None:
    """Reload a slot because another process has done so. If that fails, the old model keeps serving here."""
    caller = Caller(f"reload {slot} {time.monotonic_ns()}", 0)
    try:
        if bot.service.shared:  # it reloaded for this process as well; only the limits remain
            request = await asyncio.to_thread(reload_request, bot.settings, slot, revision)
            bot.settings = bot.settings.model_copy(update={slot: request.section})
            return
        async with aclosing(reload(bot, caller, slot, revision, told=True)) as items:
            async for item in items:
                if isinstance(item, Reload):
                    log.info("%s: reloaded, like in another process", slot)
    except Failure as error:
        log.error("%s: another process has loaded a model that fails to load here: %s", slot, error)  # noqa: TRY400


def reload_request(settings: Settings, slot: str, revision: str | None) -> ReloadRequest:
    """The spec of a slot from the current settings file, optionally in another revision.

    Settings without a file stay unchanged. Reads the file; raises subclasses of Refused.
    """
    try:
        section = load_again(settings).model_section(slot)
    except ConfigError as error:
        raise SettingsWrong("; ".join(error.problems)) from None
    if section is None:
        raise NoSection(slot)
    if revision is not None:
        if "revision" not in type(section).model_fields:
            raise NoRevisions(slot)
        section = section.model_copy(update={"revision": revision})
    # The other sections and the lanes stay unchanged until the bot restarts.
    spec = settings.spec_of(slot, section)
    if revision is not None and spec.items(slot)[0].kind is Kind.PATH:
        raise RevisionOfFolder
    return ReloadRequest(section, spec, fetch=revision is not None)
