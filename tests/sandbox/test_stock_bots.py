"""Small bots of the kinds that people write, with the stock client, and what they read of what the sandbox tells."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import discord
import pytest
from discord import app_commands, ui
from discord.ext import commands

from sandbox import Sandbox, SandboxError, Upload
from tests.sandbox.client import PNG, pointed_at

Context = commands.Context[Any]
Seen = asyncio.Queue[Any]
"""What a bot's handlers put aside for the test."""


class Plain(discord.Client):
    """Neither shards nor cogs: a client and a tree."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True), guild_ready_timeout=0.05)
        self.tree: app_commands.CommandTree[discord.Client] = app_commands.CommandTree(self)
        self.seen: Seen = asyncio.Queue()

    async def setup_hook(self) -> None:
        await self.tree.sync()

    def asked(self, handler: Callable[[discord.Interaction], Coroutine[Any, Any, None]]) -> None:
        """Register `handler` as `/go`."""
        self.tree.command(name="go", description="Go")(handler)

    async def next(self) -> Any:
        return await asyncio.wait_for(self.seen.get(), 5)


@contextlib.asynccontextmanager
async def running(box: Sandbox, bot: discord.Client) -> AsyncIterator[None]:
    with pointed_at(box):
        task = asyncio.create_task(bot.start(box.token))
        try:
            await box.ready()
            await box.commands_synced()
            await bot.wait_until_ready()
            yield
        finally:
            await bot.close()
            await task


@pytest.fixture
def bot() -> Plain:
    return Plain()


class TestModals:
    async def test_every_kind_of_input(self, box: Sandbox, bot: Plain) -> None:
        class Form(ui.Modal, title="Form"):
            who: Any = ui.Label(text="Who", component=ui.UserSelect(custom_id="who", max_values=2))
            role: Any = ui.Label(text="Role", component=ui.RoleSelect(custom_id="role", required=False))
            place: Any = ui.Label(text="Place", component=ui.ChannelSelect(custom_id="place"))
            file: Any = ui.Label(text="File", component=ui.FileUpload(custom_id="file", max_values=2))
            note: Any = ui.Label(text="Note", component=ui.TextInput(custom_id="note", default="as it was"))

            async def on_submit(self, interaction: discord.Interaction) -> None:
                parts = (self.who, self.role, self.place, self.file, self.note)
                bot.seen.put_nowait([getattr(part.component, "values", None) for part in parts[:4]])
                await interaction.response.send_message(self.note.component.value)

        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            await interaction.response.send_modal(Form())

        async with running(box, bot):
            modal = (await box.ask("/go")).modal
            with pytest.raises(SandboxError, match="File must be filled in"):
                await box.submit(modal, {})
            people = [box.admin, box.student]
            values = {"Who": people, "Place": box.channel, "File": Upload("a.txt", b"hi")}
            assert (await box.submit(modal, values)).text == "as it was"
            who, role, place, files = await bot.next()
            assert all(isinstance(one, discord.Member) for one in who)
            assert {one.id for one in who} == {one.id for one in people}
            assert (role, place[0].id) == ([], box.channel.id)
            assert await files[0].read() == b"hi"

    async def test_choices(self, box: Sandbox, bot: Plain) -> None:
        class Form(ui.Modal, title="Form"):
            pick: Any = ui.Label(
                text="Pick",
                component=ui.Select(
                    custom_id="p",
                    options=[discord.SelectOption(label=x, default=x == "b") for x in "ab"],
                ),
            )
            one: Any = ui.Label(
                text="One",
                component=ui.RadioGroup(
                    custom_id="o", options=[discord.RadioGroupOption(label=x, value=x) for x in "ab"]
                ),
            )
            some: Any = ui.Label(
                text="Some",
                component=ui.CheckboxGroup(
                    custom_id="s", options=[discord.CheckboxGroupOption(label=x, value=x) for x in "ab"]
                ),
            )
            agreed: Any = ui.Label(text="Agreed", component=ui.Checkbox(custom_id="c"))

            async def on_submit(self, interaction: discord.Interaction) -> None:
                got = (self.pick.component.values, self.one.component.value, self.some.component.values)
                bot.seen.put_nowait((*got, self.agreed.component.value))
                await interaction.response.send_message("thank you")

        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            await interaction.response.send_modal(Form())

        async with running(box, bot):
            modal = (await box.ask("/go")).modal
            with pytest.raises(SandboxError, match="One does not offer 'c'"):
                await box.submit(modal, {"One": "c", "Some": ["a"]})
            await box.submit(modal, {"One": "b", "Some": ["a", "b"]})
            assert await bot.next() == (["b"], "b", ["a", "b"], False)
            modal = (await box.ask("/go")).modal
            await box.submit(modal, {"Pick": "a", "One": "a", "Some": ["b"], "Agreed": True})
            assert await bot.next() == (["a"], "a", ["b"], True)


class TestMessages:
    async def test_a_reply_knows_what_it_answers(self, box: Sandbox, bot: Plain) -> None:
        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            assert isinstance(interaction.channel, discord.TextChannel)
            first = await interaction.channel.send("first")
            second = await first.reply("second")
            bot.seen.put_nowait(second)
            await first.delete()
            bot.seen.put_nowait(await interaction.channel.fetch_message(second.id))
            await interaction.response.send_message("done")

        async with running(box, bot):
            await box.ask("/go")
            before, after = (await bot.next()).reference, (await bot.next()).reference
            assert before.resolved.content == "first"
            assert isinstance(after.resolved, discord.DeletedReferencedMessage)

    async def test_history_goes_page_by_page(self, box: Sandbox, bot: Plain) -> None:
        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            await interaction.response.defer()

        async with running(box, bot):
            channel = bot.get_channel(box.channel.id)
            assert isinstance(channel, discord.TextChannel)
            sent = [await channel.send(str(number)) for number in range(130)]
            contents = [str(number) for number in range(130)]
            assert [one.content async for one in channel.history(limit=125)] == contents[:4:-1]
            assert [one.content async for one in channel.history(limit=None, oldest_first=True)] == contents
            around = [one.content async for one in channel.history(limit=5, around=sent[50])]
            assert around[::-1] == contents[48:53]
            assert [one.content async for one in channel.history(after=sent[127])] == contents[128:]

    async def test_layouts_show_the_files_that_came_with_them(self, box: Sandbox, bot: Plain) -> None:
        class Layout(ui.LayoutView):
            frame: Any = ui.Container(
                ui.Section(ui.TextDisplay("hello"), accessory=ui.Thumbnail("attachment://a.png")),
                ui.MediaGallery(discord.MediaGalleryItem("attachment://a.png", description="a picture")),
                ui.File("attachment://n.txt"),
            )
            row: ui.ActionRow[Layout] = ui.ActionRow()

            @row.button(label="Go")
            async def again(self, interaction: discord.Interaction, _: ui.Button[Layout]) -> None:
                bot.seen.put_nowait(interaction.message)
                await interaction.response.edit_message(view=self)

        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            files = [discord.File(io.BytesIO(PNG), "a.png"), discord.File(io.BytesIO(b"hi"), "n.txt")]
            with contextlib.suppress(discord.HTTPException):
                await interaction.response.send_message(view=Layout(), files=files[:1])
            files = [discord.File(io.BytesIO(PNG), "a.png"), discord.File(io.BytesIO(b"hi"), "n.txt")]
            await interaction.response.send_message(view=Layout(), files=files)

        async with running(box, bot):
            answer = await box.ask("/go")
            assert [one.status for one in box.requests("POST", "/callback")] == [400, 200]
            assert answer.message is not None
            await box.press(answer.message, "Go")
            section, gallery, file = (await bot.next()).components[0].children
            assert await bot.http.get_from_cdn(section.accessory.media.url) == PNG
            picture = gallery.items[0].media
            assert (picture.url, picture.width, picture.content_type) == (
                section.accessory.media.url,
                1,
                "image/png",
            )
            assert (file.name, file.size) == ("n.txt", 2)

    async def test_what_a_message_says_of_its_interaction(self, box: Sandbox, bot: Plain) -> None:
        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("one")
            bot.seen.put_nowait(await interaction.followup.send("two", wait=True))

        @bot.tree.context_menu(name="Who")
        async def _(interaction: discord.Interaction, member: discord.Member) -> None:
            await interaction.response.send_message(member.display_name)
            bot.seen.put_nowait(await interaction.original_response())

        @bot.tree.context_menu(name="Quote")
        async def _(interaction: discord.Interaction, message: discord.Message) -> None:
            await interaction.response.send_message(message.content)
            bot.seen.put_nowait(await interaction.original_response())

        async with running(box, bot):
            answer = await box.ask("/go")
            assert answer.message is not None
            about = (await bot.next()).interaction_metadata
            assert about.original_response_message_id == answer.message.id
            await box.use_menu("Who", box.admin)
            assert (await bot.next()).interaction_metadata.target_user.id == box.admin.id
            await box.use_menu("Quote", answer.message)
            assert (await bot.next()).interaction_metadata.target_message_id == answer.message.id


class TestPlaces:
    async def test_direct_messages(self, box: Sandbox, bot: Plain) -> None:
        class Once(ui.View):
            @ui.button(label="Press")
            async def press(self, interaction: discord.Interaction, _: ui.Button[Once]) -> None:
                await interaction.response.edit_message(content="pressed", view=None)

        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            bot.seen.put_nowait(interaction)
            await interaction.response.send_message("hello", view=Once())
            await interaction.user.send("psst")

        async with running(box, bot):
            answer = await box.ask("/go", channel=box.direct(box.student))
            interaction = await bot.next()
            assert isinstance(interaction.channel, discord.DMChannel)
            assert interaction.context.dm_channel
            assert interaction.channel.recipient == interaction.user
            assert interaction.user.id == box.student.id
            assert answer.message is not None
            assert (await box.press(answer.message, "Press")).text == "pressed"
            await box.until(lambda box: [one.content for one in box.sent_messages] == ["psst"])

    async def test_a_deferred_button(self, box: Sandbox, bot: Plain) -> None:
        class Two(ui.View):
            @ui.button(label="Change")
            async def change(self, interaction: discord.Interaction, _: ui.Button[Two]) -> None:
                await interaction.response.defer()
                await interaction.edit_original_response(content="changed")
                more = await interaction.followup.send("more", wait=True, ephemeral=True)
                await more.edit(content="a file", attachments=[discord.File(io.BytesIO(b"x"), "x.txt")])
                await interaction.delete_original_response()
                bot.seen.put_nowait(more.id)

            @ui.button(label="Think")
            async def think(self, interaction: discord.Interaction, _: ui.Button[Two]) -> None:
                await interaction.response.defer(thinking=True, ephemeral=True)
                await interaction.edit_original_response(content="thought")

        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("first", view=Two())

        async with running(box, bot):
            answer = await box.ask("/go")
            assert answer.message is not None
            thought = await box.press(answer.message, "Think")
            await thought.until(lambda now: now.text == "thought")
            assert thought.ephemeral
            assert answer.text == "first"
            changed = await box.press(answer.message, "Change")
            number = await bot.next()
            assert answer.messages == []
            assert [(one.id, one.content, one.ephemeral) for one in changed.followups] == [
                (number, "a file", True)
            ]
            assert [one.filename for one in changed.followups[0].attachments] == ["x.txt"]

    async def test_selects_of_people_and_places(self, box: Sandbox, bot: Plain) -> None:
        class Menus(ui.View):
            @ui.select(cls=ui.RoleSelect, custom_id="r", min_values=0, max_values=2)
            async def roles(self, interaction: discord.Interaction, select: ui.RoleSelect[Menus]) -> None:
                bot.seen.put_nowait(select.values)
                await interaction.response.defer()

            @ui.select(cls=ui.ChannelSelect, custom_id="c")
            async def places(self, interaction: discord.Interaction, select: ui.ChannelSelect[Menus]) -> None:
                bot.seen.put_nowait([channel.resolve() for channel in select.values])
                await interaction.response.defer()

            @ui.select(cls=ui.MentionableSelect, custom_id="m", max_values=3)
            async def anyone(
                self, interaction: discord.Interaction, select: ui.MentionableSelect[Menus]
            ) -> None:
                bot.seen.put_nowait(select.values)
                await interaction.response.defer()

        @bot.asked
        async def _(interaction: discord.Interaction) -> None:
            await interaction.response.send_message(view=Menus())

        async with running(box, bot):
            message = (await box.ask("/go")).message
            assert message is not None
            role = box.guild.roles[0]
            await box.select(message, "r", [role])
            assert [one.id for one in await bot.next()] == [role.id]
            await box.select(message, "r", [])
            assert await bot.next() == []
            await box.select(message, "c", [box.channel])
            assert isinstance((await bot.next())[0], discord.TextChannel)
            await box.select(message, "m", [role, box.admin])
            assert {type(one) for one in await bot.next()} == {discord.Member, discord.Role}


class TestBots:
    async def test_hybrid_commands_in_a_cog(self, box: Sandbox) -> None:
        # mypy cannot solve the types of hybrid decorators.
        class Cog(commands.Cog):
            @commands.hybrid_command(description="Ping")  # type: ignore[arg-type]
            async def ping(self, ctx: Context, text: str = "a") -> None:
                async with ctx.typing():
                    message = await ctx.send(f"pong {text}")
                await message.edit(content=f"{message.content}!")

            @commands.hybrid_group(description="Group", fallback="show")  # type: ignore[arg-type]
            async def group(self, ctx: Context) -> None:
                await ctx.send("shown", ephemeral=True)

            @group.command(description="Meet")  # type: ignore[arg-type]
            async def meet(self, ctx: Context, who: discord.Member, where: discord.TextChannel) -> None:
                await ctx.reply(f"{who.display_name} in {where.name}", silent=True)

        class Bot(commands.Bot):
            async def setup_hook(self) -> None:
                await self.add_cog(Cog())
                await self.tree.sync()

        bot = Bot(
            commands.when_mentioned,
            intents=discord.Intents(guilds=True, guild_messages=True),
            guild_ready_timeout=0.05,
        )
        async with running(box, bot):
            pinged = box.send("/ping text:b")
            await pinged.until(lambda now: now.text == "pong b!")
            shown = await box.ask("/group show")
            assert (shown.text, shown.ephemeral) == ("shown", True)
            met = await box.ask("/group meet who:Admin where:general")
            assert met.text == "Admin in general"

    async def test_views_that_outlive_the_bot(self, box: Sandbox) -> None:
        class Lasting(ui.View):
            def __init__(self) -> None:
                super().__init__(timeout=None)

            @ui.button(label="Vote", custom_id="vote")
            async def vote(self, interaction: discord.Interaction, _: ui.Button[Lasting]) -> None:
                assert interaction.message is not None
                await interaction.response.send_message(f"for {interaction.message.content}", ephemeral=True)

        class Bot(commands.AutoShardedBot):
            async def setup_hook(self) -> None:
                self.add_view(Lasting())
                await self.tree.sync()

        def fresh() -> Bot:
            bot = Bot("!", intents=discord.Intents(guilds=True), guild_ready_timeout=0.05)

            @bot.tree.command(description="Start a vote")
            async def poll(interaction: discord.Interaction, what: str) -> None:
                await interaction.response.send_message(what, view=Lasting())

            return bot

        async with running(box, fresh()):
            message = (await box.ask("/poll what:tea")).message
        assert message is not None
        async with running(box, fresh()):
            voted = await box.press(message, "Vote", member=box.admin)
            assert (voted.text, voted.ephemeral) == ("for tea", True)

    async def test_two_bots_with_one_token_are_both_told(self, box: Sandbox) -> None:
        """As when an old copy was left running: the first to answer wins, the other one learns so."""
        first, second = Plain(), Plain()
        refused: asyncio.Queue[int] = asyncio.Queue()
        for bot in (first, second):

            @bot.asked
            async def _(interaction: discord.Interaction) -> None:
                try:
                    await interaction.response.send_message("here")
                except discord.HTTPException as error:
                    refused.put_nowait(error.code)

        async with running(box, first), second:
            with pointed_at(box):
                task = asyncio.create_task(second.start(box.token))
                await box.until(lambda box: len(box.events("READY")) == 2)
                await second.wait_until_ready()
            assert (await box.ask("/go")).text == "here"
            assert await asyncio.wait_for(refused.get(), 5) == 40060
            await second.close()
            await task

    async def test_the_bot_reads_its_own_messages_with_their_author(self, box: Sandbox) -> None:
        class Bot(commands.Bot):
            async def setup_hook(self) -> None:
                await self.tree.sync()

        bot = Bot("!", intents=discord.Intents(guilds=True, guild_messages=True), guild_ready_timeout=0.05)

        @bot.tree.command(description="Go")
        async def go(interaction: discord.Interaction) -> None:
            await interaction.response.defer()

        async with running(box, bot):
            channel = bot.get_channel(box.channel.id)
            assert isinstance(channel, discord.TextChannel)
            waiting = asyncio.ensure_future(bot.wait_for("message", timeout=5))
            await channel.send("mine")
            heard = await waiting
            assert isinstance(heard.author, discord.Member)
            assert box.events("MESSAGE_CREATE")[0].data["member"]["roles"] == [
                str(role.id) for role in box.bot.roles
            ]
