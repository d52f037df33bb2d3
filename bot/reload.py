"""Loading a model anew: with what the settings say by now, or in another revision."""

from __future__ import annotations

from typing import Any

import texts
from bot.client import Tokenwise
from bot.errors import Refused
from bot.settings.schema import ConfigError, Section, Settings
from models.failures import Stopped
from models.files import fetching
from models.files.items import Kind
from models.lanes import Job
from models.results import Reload
from models.specs import PretrainedSpec, Progress, Spec


def reload(bot: Tokenwise, slot: str, revision: str | None, job: Job, progress: Progress) -> Reload:
    """Fill a slot with what the settings file says now; with a `revision`, with that one, downloaded if need be.

    For a worker thread. Refused, in the words of the settings, if they are wrong by now, and ModelError if the
    model cannot be had or loaded; the old one serves on then.
    """
    section = _section(bot.settings, slot)
    spec = bot.settings.model_copy(update={slot: section}).specs()[slot]
    if revision is not None:
        spec = _revised(slot, spec, revision)
        section = section.model_copy(update={"revision": revision})
        _fetch(slot, spec, job, progress)
    found = bot.hub.reload(slot, progress, spec)
    # From now on its limits hold, too. On the loop, where nobody else changes them at the same time.
    bot.loop.call_soon_threadsafe(_adopt, bot, slot, section)
    return found


def _adopt(bot: Tokenwise, slot: str, section: Section) -> None:
    bot.settings = bot.settings.model_copy(update={slot: section})


def _section(settings: Settings, slot: str) -> Any:
    """The section of a slot as the settings file has it now; as it was, for settings that come from no file."""
    try:
        section = getattr(settings.afresh(), slot)
    except ConfigError as error:
        raise Refused(
            f"The settings are wrong by now, so nothing was changed. {'; '.join(error.problems)}"
        ) from None
    if section is None:
        raise Refused(f"The settings have no section [{slot}], so there is nothing to load.")
    return section


def _revised(slot: str, spec: Spec, revision: str) -> PretrainedSpec:
    if not isinstance(spec, PretrainedSpec):
        raise Refused(f"Only the language model and the encoder come in revisions; leave it out for {slot}.")
    revised = spec.revised(revision)
    if revised.items(slot)[0].kind is Kind.PATH:
        raise Refused("The settings name a folder on this machine, which has no revisions. Leave it out.")
    return revised


def _fetch(slot: str, spec: Spec, job: Job, progress: Progress) -> None:
    def watch(what: str, done: int, total: int | None) -> None:
        if job.stop.is_set() or job.remaining <= 0:
            raise Stopped("There was not enough time to download it; ask again, and it goes on from there.")
        size = f" of {texts.size(total)}" if total else ""
        progress(f"downloading {what}, {texts.size(done)}{size}", done / total if total else None)

    for item in spec.items(slot):
        progress(f"asking for {item.label}", None)
        fetching.fetch(item, watch, update=True)
