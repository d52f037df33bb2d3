from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox import Limits, Sandbox
from tests.sandbox import openapi
from tests.sandbox.client import StudyBot, running


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox without rate limits; whatever a bot sent it is held against Discord's description at the end."""
    async with Sandbox(limits=Limits.without_rates()) as box:
        yield box
    openapi.check(box.log)


@pytest.fixture
async def bot(box: Sandbox) -> AsyncIterator[StudyBot]:
    async with running(box) as bot:
        yield bot
