"""What the page's server lets in and gives out, looked at without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import yarl

from sandbox import Sandbox, page
from sandbox.page import FOLDER, Page
from tests.page.client import ShowBot
from tests.sandbox.client import running

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES = sorted(path.name for path in FOLDER.iterdir())


class Socket:
    """What a page says and is told, as JSON."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.asked = 0

    async def told(self, kind: str) -> dict[str, Any]:
        """The next frame of that kind."""
        async with asyncio.timeout(10):
            while True:
                frame: dict[str, Any] = await self.socket.receive_json()
                if frame["type"] == kind:
                    return frame

    async def ask(self, what: str, **content: Any) -> dict[str, Any]:
        """Ask, and wait for `done` or `refused`."""
        self.asked += 1
        await self.socket.send_json({"do": what, "ask": self.asked, **content})
        async with asyncio.timeout(10):
            while True:
                frame: dict[str, Any] = await self.socket.receive_json()
                if frame["type"] in {"done", "refused"} and frame["ask"] == self.asked:
                    return frame


@contextlib.asynccontextmanager
async def connected(box: Sandbox, **query: str) -> AsyncIterator[Socket]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{box.url}/page/socket", params=query, headers={"Origin": box.url}) as socket,
    ):
        yield Socket(socket)


# --- files


async def test_every_file_comes_with_its_type_and_a_policy(box: Sandbox) -> None:
    assert {"index.html", "main.js", "style.css", "icon.svg"} <= set(FILES)
    async with aiohttp.ClientSession() as session:
        for path in ("/", *(f"/page/{name}" for name in FILES)):
            async with session.get(box.url + path) as answer:
                assert answer.status == 200, path
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "script-src 'self'" in policy
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                suffix = path.rpartition(".")[2] if "." in path else "html"
                kind = {
                    "html": "text/html",
                    "js": "text/javascript",
                    "css": "text/css",
                    "svg": "image/svg+xml",
                }
                assert answer.content_type == kind[suffix]
                body = await answer.text()
                assert "<script>" not in body
                assert "http://" not in body.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    "path",
    [
        "/page/..%2fpage.py", "/page/%2e%2e%2fpage.py", "/page/../page.py", "/page/..%5cpage.py", "/page/.",
        "/page/%2e%2e", "/page/page.py", "/page/a%00.js", "/page//etc/passwd", "/page/%2fetc%2fhosts.js", "/page/",
        "/page/none.js", "/main.js",
    ],
)  # fmt: skip
async def test_nothing_else_is_given_out(box: Sandbox, path: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(yarl.URL(box.url + path, encoded=True)) as answer,
    ):
        assert answer.status == 404


# --- who may come in


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/socket"])
async def test_other_names_of_this_machine_are_refused(box: Sandbox, path: str) -> None:
    """A name of a stranger's that leads to loopback would make the stranger's page one of our own."""
    for host in (
        "evil.example",
        f"evil.example:{box.port}",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
    ):
        async with (
            aiohttp.ClientSession() as session,
            session.get(box.url + path, headers={"Host": host}) as answer,
        ):
            assert answer.status == 421
            assert "main.js" not in await answer.text()


async def test_the_socket_is_for_the_page_itself(box: Sandbox) -> None:
    for origin in (
        None, "null", "http://evil.example", f"http://127.0.0.1:{box.port + 1}", "http://127.0.0.1", f"https://127.0.0.1:{box.port}",
        f"http://localhost:{box.port}", f"http://127.0.0.1:{box.port}.evil.example",
    ):  # fmt: skip
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(
                    f"{box.url}/page/socket", headers={"Origin": origin} if origin else {}
                )
            assert refused.value.status in {403, 421}, origin
    # By whatever name of loopback the page was opened, it is the same page.
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{box.url}/page/socket",
            headers={"Host": f"localhost:{box.port}", "Origin": f"http://localhost:{box.port}"},
        ) as socket,
    ):
        assert (await socket.receive_json())["type"] == "state"


# --- what is asked for


async def test_nonsense_is_refused_and_the_connection_stays(box: Sandbox) -> None:
    async with connected(box) as tab:
        nonsense = [
            "", "{", "[]", "1", "null", '"x"', "{}", '{"ask": 1}', '{"do": "watch"}', '{"do": "fly", "ask": 1}',
            '{"do": ["watch"], "ask": 1}', '{"do": null, "ask": 1}', '{"do": "watch", "ask": "x"}', '{"do": "watch", "ask": 1e999}',
            '{"do": "command", "ask": 1}', '{"do": "command", "ask": 1, "name": 5, "options": 5}',
            '{"do": "command", "ask": 1, "name": "x", "options": {}}', '{"do": "line", "ask": 1, "line": "/"}',
            '{"do": "line", "ask": 1, "line": "\\ud800"}', '{"do": "press", "ask": 1, "message": "x", "component": "y"}',
            '{"do": "press", "ask": 1, "message": 1e999, "component": "y"}', '{"do": "press", "ask": 1, "message": 1, "component": "y"}',
            '{"do": "select", "ask": 1, "message": 1, "component": "y", "values": 3}', '{"do": "menu", "ask": 1, "name": "x", "target": 0}',
            '{"do": "submit", "ask": 1, "interaction": 0, "values": {}}', '{"do": "submit", "ask": 1, "interaction": [], "values": {}}',
            '{"do": "earlier", "ask": 1, "before": "x"}', '{"do": "entry", "ask": 1, "number": 10}{', "[" * 100_000,
            '{"do": "autocomplete", "ask": 1, "name": "x", "options": [[1]], "focused": 1}',
        ]  # fmt: skip
        for text in nonsense:
            await tab.socket.send_str(text)
            refused = await tab.told("refused")
            assert refused["why"], text
        await tab.socket.send_bytes(b"\x00")
        assert (await tab.ask("entry", number=10**9))["type"] == "done"


async def test_files_are_taken_as_base64_only(box: Sandbox, bot: ShowBot) -> None:
    assert bot.is_ready()
    async with connected(box) as tab:
        for file in (
            {"filename": "a.txt", "content": "?"},
            {"filename": "a.txt"},
            {},
            {"content": 5, "filename": "a"},
        ):
            assert (await tab.ask("command", name="read", options={"file": file}))["type"] == "refused"
        good = {"filename": "a.txt", "content": "aGk="}
        assert (await tab.ask("command", name="read", options={"file": good}))["type"] == "done"
        assert "a.txt: hi" in (await tab.told("message"))["message"]["content"]


async def test_what_is_private_to_one_cannot_be_used_by_another(box: Sandbox, bot: ShowBot) -> None:
    assert bot.is_ready()
    private = await box.ask("/count private:True")
    assert private.message is not None
    opened = await box.ask("/form")
    async with connected(box, member=str(box.admin.id)) as admin:
        state = await admin.told("state")
        assert state["me"] == str(box.admin.id)
        assert "counting" not in json.dumps(state)
        message = str(private.message.id)
        for what, content in (
            ("press", {"message": message, "component": "count:0"}),
            ("select", {"message": message, "component": "count:0", "values": []}),
            ("menu", {"name": "Quote", "target": message}),
            ("submit", {"interaction": str(opened.id), "values": {"Your name": "Eve"}}),
        ):
            assert (await admin.ask(what, **content))["type"] == "refused", what
        earlier = await admin.ask("earlier", before=str(10**20))
        assert earlier["messages"] == []
        # Changes are not told either; what comes next is public.
        await box.press(private.message, "Count 0")
        await box.ask("/echo text:public")
        assert (await admin.told("message"))["message"]["content"] == "public"
    async with connected(box, member=str(box.student.id)) as student:
        assert "counting" in json.dumps(await student.told("state"))
        assert (await student.ask("press", message=message, component="count:1"))["type"] == "done"
    assert len(box.world.interactions) == 5


async def test_a_command_for_managers_cannot_be_called_by_others(box: Sandbox, bot: ShowBot) -> None:
    assert bot.is_ready()
    async with connected(box) as student:
        state = await student.told("state")
        assert "manage" not in [command["name"] for command in state["commands"]]
        assert (await student.ask("command", name="manage", options={}))["type"] == "refused"
        assert (await student.ask("line", line="/manage"))["type"] == "refused"
    async with connected(box, member=str(box.bot.id)) as somebody:
        # Nobody can be the bot: an unknown member is replaced by the student.
        assert (await somebody.told("state"))["me"] == str(box.student.id)
    assert not box.world.interactions


async def test_the_token_does_not_travel_on_the_wire(box: Sandbox) -> None:
    async with running(box, ShowBot()), connected(box) as tab:
        await box.ask("/echo text:hello")
        await tab.ask("watch", on=False)
        await tab.socket.send_json({"do": "watch", "ask": 99, "on": True})
        entries = (await tab.told("wire"))["entries"]
        assert {entry["kind"] for entry in entries} >= {"rest", "gateway", "interaction"}
        for entry in entries:
            whole = await tab.ask("entry", number=entry["number"])
            assert box.token not in json.dumps(whole)


# --- a page that does not read


async def test_a_page_that_does_not_read_is_cut_off(
    box: Sandbox, served: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "BACKLOG", 20)
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{box.url}/page/socket", headers={"Origin": box.url})
        assert (await socket.receive_json())["type"] == "state"
        (visit,) = served._visits
        # One after the other, so that the socket takes what it can: then the page falls behind.
        for _ in range(5000):
            message = box.world.create_message(box.channel, {"content": "x" * 2000}, {})
            box.world.announce("message.create", message)
            await asyncio.sleep(0)
            assert visit._outgoing.qsize() <= 20
            if not served._visits:
                break
        assert not served._visits
        while (frame := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert frame.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE}
        await socket.close()
    # A page that reconnects receives the state.
    async with connected(box) as tab:
        assert len((await tab.told("state"))["messages"]) == 100
