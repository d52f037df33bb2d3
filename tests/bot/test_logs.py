"""What is logged: one line each, and never a token."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import aiohttp
import pytest

from bot import logs
from bot.redaction import HIDDEN

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.G3mplX.abcdefghijklmnopqrstuvwxyz0123456789AB"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.setup("DEBUG", "sandbox-token", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def test_the_token_is_hidden_wherever_it_stands(output: io.StringIO) -> None:
    log = logging.getLogger("bot.test")
    log.info("plain sandbox-token")
    log.info("argument %s and %r", "sandbox-token", {"Authorization": f"Bot {TOKEN}"})
    try:
        int(f"in a traceback: {TOKEN} sandbox-token")
    except ValueError:
        log.exception("failed")
    text = output.getvalue()
    assert "sandbox-token" not in text
    assert TOKEN not in text
    assert text.count(HIDDEN) >= 5
    assert "Traceback" in text


@pytest.mark.parametrize(
    "url",
    [
        "https://discord.com/api/v10/interactions/123/aW50ZXJhY3Rpb246MTIz/callback?with_response=1",
        "https://discord.com/api/v10/webhooks/456/aW50ZXJhY3Rpb246MTIz/messages/@original",
        "https://discord.com/api/v10/webhooks/456/aW50ZXJhY3Rpb246MTIz?wait=1",
    ],
)
def test_tokens_of_interactions_are_hidden(output: io.StringIO, url: str) -> None:
    logging.getLogger("discord.webhook").warning("POST %s returned 500", url)
    assert "aW50ZXJhY3Rpb246MTIz" not in output.getvalue()
    assert "returned 500" in output.getvalue()


def test_ordinary_text_stays(output: io.StringIO) -> None:
    line = "words: glove-wiki-gigaword-50 is ready after 1.2 s (sentence-transformers/all-MiniLM-L6-v2)"
    logging.getLogger("bot.client").info(line)
    assert line in output.getvalue()


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("no"), aiohttp.ServerDisconnectedError(), TimeoutError()]
)
def test_a_broken_connection_is_one_line(output: io.StringIO, error: Exception) -> None:
    log = logging.getLogger("discord.client")
    log.error("Attempting a reconnect in %.2fs", 1.5, exc_info=error)
    (line,) = output.getvalue().splitlines()
    assert "Attempting a reconnect in 1.50s" in line
    assert type(error).__name__ in line


def test_a_mistake_keeps_its_traceback(output: io.StringIO) -> None:
    try:
        int("x")
    except ValueError:
        logging.getLogger("discord.client").exception("Ignoring exception")
    assert "Traceback" in output.getvalue()


def test_payloads_are_not_logged(output: io.StringIO) -> None:
    logging.getLogger("discord.gateway").debug("WebSocket Event: %s", {"content": "confidential"})
    logging.getLogger("aiosqlite").debug("executing %s", "confidential")
    logging.getLogger("sqlalchemy.engine.Engine").info("INSERT %s", "confidential")
    logging.getLogger("alembic.runtime.migration").info("Context impl %s.", "SQLiteImpl")
    assert output.getvalue() == ""
