"""A small stock discord.py bot, as anybody would write it, for the tests to sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import discord
import yarl
from discord import app_commands
from discord.ext import commands

from sandbox import Sandbox

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63606060f80f000104010090a3e0a60000000049454e44ae426082"
)


Tree = app_commands.CommandTree[discord.Client]


class Counter(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"count:(?P<number>\d+)"):
    """A button that carries its state in its custom id, and so survives a restart."""

    def __init__(self, number: int) -> None:
        super().__init__(discord.ui.Button(label=f"Count {number}", custom_id=f"count:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Counter:
        assert isinstance(item, discord.ui.Button)
        return cls(int(match["number"]))

    async def callback(self, interaction: discord.Interaction) -> Any:
        await interaction.response.edit_message(view=counter(self.number + 1))


def counter(number: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(Counter(number))
    return view


class Choosing(discord.ui.View):
    @discord.ui.button(label="Private", emoji="🔒")
    async def private(self, interaction: discord.Interaction, _: discord.ui.Button[Choosing]) -> None:
        await interaction.response.send_message("for you alone", ephemeral=True)

    @discord.ui.button(label="Off", disabled=True)
    async def off(self, _interaction: discord.Interaction, _: discord.ui.Button[Choosing]) -> None:
        raise AssertionError("a disabled button was pressed")

    @discord.ui.select(
        custom_id="animals",
        max_values=2,
        options=[discord.SelectOption(label="Cat", value="c"), discord.SelectOption(label="Dog", value="d")],
    )
    async def animals(self, interaction: discord.Interaction, select: discord.ui.Select[Choosing]) -> None:
        await interaction.response.edit_message(content=f"chose {', '.join(select.values)}")

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="people")
    async def people(self, interaction: discord.Interaction, select: discord.ui.UserSelect[Choosing]) -> None:
        await interaction.response.send_message(f"chose {select.values[0].display_name}")


class Feedback(discord.ui.Modal, title="Feedback"):
    name: discord.ui.TextInput[Feedback] = discord.ui.TextInput(label="Your name", max_length=20)
    more: discord.ui.TextInput[Feedback] = discord.ui.TextInput(
        label="More", style=discord.TextStyle.paragraph, required=False
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"thank you, {self.name.value}: {self.more.value}")


class StudyBot(commands.AutoShardedBot):
    """`gate`: what `/stream` waits for between its edits, so that a test decides how far it is."""

    def __init__(self, **options: Any) -> None:
        intents = options.pop("intents", discord.Intents(guilds=True))
        super().__init__(
            "!",
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=0.05,
            **options,
        )
        self.gate: asyncio.Queue[str] = asyncio.Queue()
        self.errors: list[Exception] = []
        self.seen: list[discord.Interaction] = []

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Counter)
        add_answers(self)
        add_components(self.tree)
        add_options(self.tree)
        add_groups(self.tree)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The stock hook sleeps for five seconds before it identifies again."""


def add_answers(bot: StudyBot) -> None:
    tree = bot.tree

    @tree.command(description="Say it again")
    @app_commands.describe(text="what to say", times="how often")
    async def echo(
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, 3000],
        times: app_commands.Range[int, 1, 9] = 1,
    ) -> None:
        bot.seen.append(interaction)
        try:
            await interaction.response.send_message(
                " ".join([text] * times), allowed_mentions=discord.AllowedMentions.all()
            )
        except discord.HTTPException as error:
            bot.errors.append(error)
            await interaction.response.send_message(f"refused: {error.code}", ephemeral=True)

    @tree.command(description="Think, then answer as the gate says")
    async def stream(interaction: discord.Interaction, private: bool = False) -> None:
        await interaction.response.defer(ephemeral=private)
        while (text := await bot.gate.get()) != "end":
            await interaction.edit_original_response(content=text)

    @tree.command(description="Type, but never answer")
    async def silent(interaction: discord.Interaction) -> None:
        bot.seen.append(interaction)
        assert interaction.channel_id is not None
        await bot.http.send_typing(interaction.channel_id)

    @tree.command(description="A picture in an embed, and a file")
    async def picture(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        embed = discord.Embed(title="A map", description="**bold** `code`", colour=0x3366FF)
        embed.add_field(name="Left", value="1").add_field(name="Right", value="2").set_footer(text="the foot")
        embed.set_image(url="attachment://map.png")
        files = [
            discord.File(io.BytesIO(PNG), "map.png"),
            discord.File(io.BytesIO(b"<b>hi</b>"), "my page.html"),
        ]
        await interaction.edit_original_response(embed=embed, attachments=files)

    @tree.command(description="Several messages")
    async def several(interaction: discord.Interaction, private: bool = False) -> None:
        await interaction.response.defer(ephemeral=private)
        await interaction.followup.send("first", ephemeral=not private)
        await interaction.followup.send("second", ephemeral=True, wait=True)
        await interaction.delete_original_response()


def add_components(tree: Tree) -> None:
    @tree.command(description="Buttons and menus")
    async def choose(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("choose", view=Choosing())

    @tree.command(description="A counter that survives restarts")
    async def count(interaction: discord.Interaction, private: bool = False) -> None:
        await interaction.response.send_message("counting", view=counter(0), ephemeral=private)

    @tree.command(description="A form")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Feedback())


def add_options(tree: Tree) -> None:
    @tree.command(description="Find a song")
    async def song(interaction: discord.Interaction, title: str, year: int | None = None) -> None:
        await interaction.response.send_message(f"{title} {year}", ephemeral=True)

    @song.autocomplete("title")
    async def titles(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        if current == "silence":
            raise RuntimeError("no suggestions")
        year = interaction.namespace.year
        return [
            app_commands.Choice(name=f"{current} {number} ({year})", value=f"{current}{number}")
            for number in "12"
        ]

    @tree.command(description="People and places")
    async def meet(
        interaction: discord.Interaction,
        member: discord.Member,
        role: discord.Role | None = None,
        place: discord.TextChannel | None = None,
        loud: bool = False,
    ) -> None:
        named = [member.display_name, role and role.name, place and place.name, loud]
        await interaction.response.send_message(" ".join(map(str, named)))

    @tree.command(description="For those who manage the server")
    @app_commands.default_permissions(manage_guild=True)
    async def manage(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("managed", ephemeral=True)

    @tree.command(description="Read a file")
    async def read(interaction: discord.Interaction, file: discord.Attachment) -> None:
        await interaction.response.send_message(f"{file.filename}: {(await file.read()).decode()}")

    @tree.context_menu(name="Who is this")
    async def who(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(member.display_name)

    @tree.context_menu(name="Quote")
    async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"> {message.content}")


def add_groups(tree: Tree) -> None:
    group = app_commands.Group(name="likes", description="Liked songs")

    @group.command(name="add", description="Like a song")
    async def add(interaction: discord.Interaction, song: str) -> None:
        await interaction.response.send_message(f"liked {song}")

    @group.command(name="list", description="Liked songs")
    async def listing(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("none")

    tree.add_command(group)


@contextlib.contextmanager
def pointed_at(box: Sandbox) -> Iterator[None]:
    """discord.py talks to `box` instead of Discord."""
    base, gateway = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    discord.http.Route.BASE = box.api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(box.gateway_url)
    try:
        yield
    finally:
        discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@contextlib.asynccontextmanager
async def running(box: Sandbox, bot: StudyBot | None = None) -> AsyncIterator[StudyBot]:
    """A bot logged in at `box`, ready and synced; closed at the end."""
    bot = bot or StudyBot()
    with pointed_at(box):
        task = asyncio.create_task(bot.start(box.token))
        try:
            await box.commands_synced()
            await box.ready()
            await bot.wait_until_ready()
            yield bot
        finally:
            await bot.close()
            await task


async def fail_to_start(box: Sandbox, bot: StudyBot, token: str) -> None:
    """Run a bot that cannot come up, until it gives up."""
    with pointed_at(box):
        async with bot:
            await asyncio.wait_for(bot.start(token), 10)
