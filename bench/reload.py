"""Cost of reloading models: event-loop lag for other requests, and memory growth.

    python -m bench.reload [--reloads 100] [--slots words encoder language]

The baseline is the same load without reloads, before and after, in the same process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.lag import percentile
from bot.client import local_service
from bot.settings.load import load
from models import memory
from models.hub import Hub
from models.local import LocalService
from models.service import AskWords, Caller, CompareTokenizers, EmbedText, Generate, ReloadModel
from models.specs import Spec

DEMO = Path(__file__).resolve().parent.parent / "demo" / "config.toml"
TICK = 0.005
"""Seconds between two measurements."""


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--slots", nargs="+", default=["words", "encoder", "language", "tokenizers"])
    parser.add_argument("--config", type=Path, default=DEMO)
    arguments = parser.parse_args()
    memory.use_few_arenas()
    with tempfile.TemporaryDirectory() as folder:
        settings = load(arguments.config).model_copy(update={"data_dir": Path(folder)})
        specs = settings.specs()
        service = local_service(settings, Hub(specs))
        await service.start()
        await service.loaded()
        try:
            await _measure(service, specs, arguments.reloads, arguments.slots)
        finally:
            await service.drain(5)
            await service.close()


async def _measure(service: LocalService, specs: Mapping[str, Spec], reloads: int, slots: list[str]) -> None:
    quiet = await _lag_during(service, asyncio.sleep(10))
    for slot in slots:  # exclude the memory of first-time loading from the growth
        await _reload(service, slot, specs[slot])
    before = memory.process()
    peaks: list[int] = []

    async def reload_all() -> None:
        for _, slot in zip(range(reloads), itertools.cycle(slots), strict=False):
            await _reload(service, slot, specs[slot])
            peaks.append(memory.process())

    began = time.monotonic()
    busy = await _lag_during(service, reload_all())
    seconds = time.monotonic() - began
    quarter = len(peaks) // 4 or 1
    early, late = sum(peaks[:quarter]) / quarter, sum(peaks[-quarter:]) / quarter
    table = Table(title=f"{reloads} reloads of {', '.join(slots)} in {seconds:.0f} s, questions beside them")
    for column in ("", "without", "with reloads", "ratio"):
        table.add_column(column, justify="right")
    for name, share in (("loop lag p50, ms", 0.5), ("loop lag p99, ms", 0.99), ("loop lag worst, ms", 1.0)):
        one, other = percentile(quiet, share) * 1e3, percentile(busy, share) * 1e3
        table.add_row(name, f"{one:.1f}", f"{other:.1f}", f"{other / max(one, 1e-3):.1f}")
    table.add_row("memory, MB", f"{before / 1e6:.0f}", f"{late / 1e6:.0f}", f"{late / before:.2f}")
    table.add_row(
        "memory, first and last quarter, MB", f"{early / 1e6:.0f}", f"{late / 1e6:.0f}", f"{late / early:.2f}"
    )
    Console().print(table)


async def _reload(service: LocalService, slot: str, spec: Spec) -> None:
    request = ReloadModel(Caller("reload", 0), slot, spec)
    async for _ in service.reload(request):
        pass


async def _lag_during(service: LocalService, work: object) -> list[float]:
    """The loop's lag in seconds at each tick during the work and requests."""
    late: list[float] = []
    async with _asking(service):
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        while not task.done():
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            late.append(max(0.0, time.monotonic() - due))
        await task
    return late


@contextlib.asynccontextmanager
async def _asking(service: LocalService) -> AsyncIterator[None]:
    """Four people who ask continuously: one generates, the others send quick requests."""

    async def generate() -> None:
        for number in itertools.count():
            asker = Caller(f"generate-{number}", 1)
            async for _ in service.language.generate(Generate(asker, "The tokenizer", 40)):
                pass

    async def ask(user: int) -> None:
        for number in itertools.count():
            asker = Caller(f"ask-{user}-{number}", user)
            await service.tokenizers.compare(CompareTokenizers(asker, "CAPITALIZATION and other stuff"))
            await service.words.ask(AskWords(asker, "king", 10))
            await service.encoder.embed(EmbedText(asker, "I sat on the river bank"))

    tasks = [asyncio.create_task(generate()), *(asyncio.create_task(ask(user)) for user in (2, 3, 4))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result


if __name__ == "__main__":
    asyncio.run(main())
