"""Loading a model again: with what the settings say now, or in another revision."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.failures import NoSection, Refused
from bot.settings.schema import ConfigError, Section, Settings
from models.files import fetching
from models.results import Reload
from models.service import Caller, LoadProgress, ReloadModel
from models.specs import EncoderSpec, LanguageSpec, Spec

if TYPE_CHECKING:
    from bot.client import Tokenwise


async def reload(
    bot: Tokenwise, caller: Caller, slot: str, revision: str | None
) -> AsyncGenerator[LoadProgress | Reload, None]:
    """Fill a slot with what the settings file says now; with a `revision`, with that one, downloaded if need be.

    Refused, in the words of the settings, if they are wrong by now, and ModelError if the model cannot be had or
    loaded; the old one serves on then.
    """
    section, spec = await asyncio.to_thread(_wanted, bot.settings, slot, revision)
    request = ReloadModel(caller, slot, spec, fetch=revision is not None)
    async with aclosing(bot.service.reload(request)) as items:
        async for item in items:
            if isinstance(item, Reload):
                # From now on its limits hold, too.
                bot.settings = bot.settings.model_copy(update={slot: section})
            yield item


def _wanted(settings: Settings, slot: str, revision: str | None) -> tuple[Section, Spec]:
    section = _section(settings, slot)
    spec = settings.model_copy(update={slot: section}).specs()[slot]
    if revision is not None:
        spec = _revised(slot, spec, revision)
        section = section.model_copy(update={"revision": revision})
    return section, spec


def _section(settings: Settings, slot: str) -> Any:
    """The section of a slot as the settings file has it now; as it was, for settings that come from no file."""
    try:
        section = getattr(settings.afresh(), slot)
    except ConfigError as error:
        raise Refused(
            f"The settings are wrong by now, so nothing was changed. {'; '.join(error.problems)}"
        ) from None
    if section is None:
        raise NoSection(slot)
    return section


def _revised(slot: str, spec: Spec, revision: str) -> LanguageSpec | EncoderSpec:
    if not isinstance(spec, LanguageSpec | EncoderSpec):
        raise Refused(f"Only the language model and the encoder come in revisions; leave it out for {slot}.")
    revised = replace(spec, revision=revision)
    if fetching.items(slot, revised)[0].kind == "path":
        raise Refused("The settings name a folder on this machine, which has no revisions. Leave it out.")
    return revised
