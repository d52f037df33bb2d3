"""Every failure is one sentence, for the asker alone, and tells nothing that is none of their business."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from bot.errors import cause, sentence
from bot.failures import Refused, StoreUnavailable
from models.failures import BadInput, Cancelled, LaneFull, Late, NotReady, Stopping
from sandbox import Sandbox
from tests.bot.conftest import Start

COMMAND: Any = SimpleNamespace(name="tokens")


def http_error(kind: type[discord.HTTPException], status: int, code: int) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="because")
    return kind(response, {"code": code, "message": "no"})


def invoked(error: Exception) -> app_commands.CommandInvokeError:
    return app_commands.CommandInvokeError(COMMAND, error)


def converted(value: Any, inner: Exception | None) -> app_commands.TransformerError:
    transformer: Any = SimpleNamespace(_error_display_name="Song")
    error = app_commands.TransformerError(value, discord.AppCommandOptionType.string, transformer)
    error.__cause__ = inner
    return error


def unavailable(reason: str) -> StoreUnavailable:
    error = StoreUnavailable()
    error.__cause__ = sqlite3.OperationalError(reason)
    return error


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Refused("Write a word."), "Write a word."),
        (LaneFull(3, 2), "I am busy: 2 requests are already waiting."),
        (invoked(Refused("Write a word.")), "Write a word."),
        (invoked(NotReady("The words are loading.")), "The words are loading."),
        (BadInput("There is no id 99."), "There is no id 99."),
        (ExceptionGroup("one", [BadInput("Inside.")]), "Inside."),
        (Late(), "That took too long"),
        (TimeoutError(), "That took too long"),
        (Cancelled(), "Stopped before"),
        (Stopping(), "I am restarting"),
        (app_commands.CommandOnCooldown(app_commands.Cooldown(1, 9), 3.2), "in 4 s"),
        (app_commands.MissingPermissions(["manage_guild"]), "you need: Manage Server"),
        (app_commands.BotMissingPermissions(["attach_files"]), "In this channel I need: Attach Files"),
        (app_commands.MissingRole(7), "a role that you do not have"),
        (app_commands.NoPrivateMessage(), "only in a server"),
        (app_commands.CheckFailure("secret reason"), "You are not allowed to use this here."),
        (converted("nosuch", None), "I do not understand 'nosuch' here"),
        (converted("nosuch", Refused("No such song.")), "No such song."),
        (app_commands.CommandNotFound("old", []), "This command has changed"),
        (http_error(discord.HTTPException, 413, 40005), "too large for Discord"),
        (http_error(discord.Forbidden, 403, 50013), "does not let me"),
        (http_error(discord.DiscordServerError, 503, 0), "Discord is having problems"),
        (http_error(discord.HTTPException, 429, 0), "Discord is having problems"),
        (discord.RateLimited(90.0), "Discord is having problems"),
        (unavailable("disk full in /secret"), "cannot reach my database"),
        (aiohttp.ServerDisconnectedError(), "lost the connection to Discord"),
        (MemoryError(), "not enough memory"),
        (OutOfMemoryError("CUDA"), "not enough memory"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_each_failure_has_its_sentence(error: Exception, expected: str) -> None:
    text = sentence(error)
    assert text is not None
    assert expected in text
    assert "\n" not in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "error",
    [
        http_error(discord.NotFound, 404, 10062),
        http_error(discord.NotFound, 404, 10008),
        http_error(discord.NotFound, 404, 10015),
        http_error(discord.HTTPException, 401, 50027),
        http_error(discord.HTTPException, 400, 40060),
        asyncio.CancelledError(),
        invoked(http_error(discord.NotFound, 404, 10062)),
    ],
)
def test_nothing_is_said_where_nobody_listens(error: BaseException) -> None:
    assert sentence(error) is None


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("/secret/file.py"), http_error(discord.HTTPException, 400, 50035)]
)
def test_what_nobody_foresaw_is_logged_under_the_reference(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    text = sentence(invoked(error))
    assert text is not None
    found = re.fullmatch(r"Something went wrong on my side \(reference ([0-9a-f]{6})\)\.", text)
    assert found
    (record,) = caplog.records
    assert found[1] in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_sentence_fits_a_message() -> None:
    text = sentence(Refused("word " * 1000))
    assert text is not None
    assert len(text) <= 2000
    assert text.endswith("…")


def test_wrappers_are_taken_off() -> None:
    inner = Refused("inner")
    assert cause(invoked(converted("x", inner))) is inner
    assert cause(inner) is inner


# Over the wire --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["nothing", "deferring", "deferring privately", "deleting"])
async def test_a_failure_is_told_to_the_asker_alone_and_leaves_no_placeholder(
    box: Sandbox, start: Start, after: str
) -> None:
    run = await start()
    answer = box.send_command("fail", {"how": "refused", "after": after})
    await answer.until(lambda answer: "Write something" in answer.text)
    await run.bot.idle()
    assert answer.ephemeral
    assert [message.content for message in answer.messages] == ["The text is empty. Write something."]
    assert not answer.interaction.thinking


@pytest.mark.parametrize(("after", "shown"), [("showing", "half of a text"), ("answering", "an answer")])
async def test_what_is_on_show_stays_there(box: Sandbox, start: Start, after: str, shown: str) -> None:
    await start()
    answer = box.send_command("fail", {"how": "busy", "after": after})
    await answer.until(lambda answer: answer.followups)
    assert answer.message is not None
    assert answer.message.content == shown
    assert answer.followups[0].content == "I am busy: 3 requests are already waiting. Try again in a minute."
    assert answer.followups[0].ephemeral


async def test_a_placeholder_that_cannot_be_deleted_is_written_into(box: Sandbox, start: Start) -> None:
    await start()
    box.fail("DELETE", "@original", 403)
    answer = box.send_command("fail", {"how": "refused", "after": "deferring"})
    await answer.until(lambda answer: "Write something" in answer.text)
    assert not answer.followups


async def test_a_placeholder_that_cannot_be_looked_at_is_deleted(box: Sandbox, start: Start) -> None:
    await start()
    box.fail("GET", "@original", 403)
    answer = box.send_command("fail", {"how": "refused", "after": "deferring"})
    await answer.until(lambda answer: answer.followups)
    assert answer.message is None
    assert answer.followups[0].ephemeral


@pytest.mark.parametrize("garbage", ["null", "[]", "{}", '"late"'])
async def test_a_proxy_that_answers_with_no_message_is_no_reason_for_silence(
    box: Sandbox, start: Start, monkeypatch: pytest.MonkeyPatch, garbage: str
) -> None:
    adapter = discord.webhook.async_.AsyncWebhookAdapter
    usual = adapter.request

    async def request(self: Any, route: Any, *args: Any, **kwargs: Any) -> Any:
        answer = await usual(self, route, *args, **kwargs)
        return json.loads(garbage) if route.method == "GET" else answer

    monkeypatch.setattr(adapter, "request", request)
    await start()
    answer = box.send_command("fail", {"how": "refused", "after": "deferring"})
    await answer.until(lambda answer: answer.followups)
    assert answer.message is None
    assert answer.followups[0].ephemeral


async def test_a_failing_button_reads_the_same(box: Sandbox, start: Start) -> None:
    await start()
    shown = await box.ask("/button")
    assert shown.message is not None
    pressed = box.send_press(shown.message, "Break")
    await pressed.until(lambda answer: answer.followups)
    assert pressed.followups[0].content == "The text is empty. Write something."
    assert pressed.followups[0].ephemeral
    assert shown.message.content == "press"


async def test_nothing_internal_reaches_discord(
    box: Sandbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    await start()
    for how in ("unforeseen", "database"):
        answer = await box.ask_command("fail", {"how": how})
        assert answer.ephemeral
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
    assert "/secret/path/to/file.py" in caplog.text


async def test_missing_permissions_are_named(box: Sandbox, start: Start) -> None:
    await start()
    refused = await box.ask("/managed")
    assert refused.ephemeral
    assert refused.text == "To use this, you need: Manage Server."
    assert (await box.ask("/managed", member=box.admin)).text == "managed"


async def test_a_connection_that_breaks_while_telling_breaks_nothing_else(
    box: Sandbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await start()
    fault = box.fail("POST", "/callback", 403)
    box.send_command("fail", {"how": "refused"})
    await box.until(lambda _: fault.hits)
    assert (await box.ask("/echo text:well")).text == "well"
    assert "could not report Refused" in caplog.text
