"""Loading a model again: with what the settings say now, or in another revision."""

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
    """What a slot is to hold from now on, and whether it is downloaded first."""

    section: ModelSection
    spec: Spec
    fetch: bool


async def reload(
    bot: Tokenwise, caller: Caller, slot: str, revision: str | None, *, told: bool = False
) -> AsyncGenerator[LoadProgress | Reload, None]:
    """Fill a slot with what the settings file says now; with a `revision`, with that one, downloaded if need be.

    The other processes of the bot are told to do the same once it has worked, unless this one was `told` by them.

    Refused, in the words of the settings, if they are wrong by now, and ModelError if the model cannot be had or
    loaded; the old one serves on then.
    """
    section, spec, fetch = await asyncio.to_thread(reload_request, bot.settings, slot, revision)
    items: asyncio.Queue[LoadProgress | Reload | BaseException | None] = asyncio.Queue()

    async def work() -> None:
        """Goes on although whoever asked is gone: a model that is exchanged brings its limits along."""
        try:
            async with aclosing(bot.service.reload(ReloadModel(caller, slot, spec, fetch))) as steps:
                async for step in steps:
                    if isinstance(step, Reload):
                        bot.settings = bot.settings.model_copy(update={slot: section})
                        if not told:
                            more = {"revision": revision} if revision else {}
                            await bot.store.neighbours.tell(reload=slot, **more)
                    items.put_nowait(step)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            items.put_nowait(error)
        finally:
            items.put_nowait(None)

    bot.keep(work())
    while (item := await items.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


async def reload_like_others(bot: Tokenwise, slot: str, revision: str | None) -> None:
    """Fill a slot as another process of this bot has just done. If that fails, the old model serves on here."""
    caller = Caller(f"reload {slot} {time.monotonic_ns()}", 0)
    try:
        async with aclosing(reload(bot, caller, slot, revision, told=True)) as items:
            async for item in items:
                if isinstance(item, Reload):
                    log.info("%s: loaded, as in another process", slot)
    except Failure as error:
        log.error("%s: another process has loaded a model that this one cannot: %s", slot, error)  # noqa: TRY400


def reload_request(settings: Settings, slot: str, revision: str | None) -> ReloadRequest:
    """What a slot is to hold by the file of these settings as it is now, or in another revision of that.

    Settings that come from no file stand as they are. Reads the file; raises one of the subclasses of Refused.
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
    # The other sections stay as they are until the bot starts again, and so do the lanes.
    spec = settings.spec_of(slot, section)
    if revision is not None and spec.items(slot)[0].kind is Kind.PATH:
        raise RevisionOfFolder
    return ReloadRequest(section, spec, fetch=revision is not None)
