import io
import os

import discord
import yarl
from discord import app_commands, ui

discord.http.Route.BASE = os.environ["CLIENT_API"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["CLIENT_GATEWAY"])


def names(values):
    return ",".join(getattr(value, "name", value) for value in values)


class Menus(ui.View):
    def __init__(self):
        super().__init__(timeout=None)

    @ui.select(
        cls=ui.Select,
        custom_id="strings",
        options=[discord.SelectOption(label=x) for x in ("one", "two")],
        max_values=2,
    )
    async def strings(self, interaction, select):
        await interaction.response.send_message("strings " + names(select.values))

    @ui.select(cls=ui.UserSelect, custom_id="users")
    async def users(self, interaction, select):
        await interaction.response.send_message("users " + names(select.values))

    @ui.select(cls=ui.RoleSelect, custom_id="roles")
    async def roles(self, interaction, select):
        await interaction.response.send_message("roles " + names(select.values))

    @ui.select(cls=ui.ChannelSelect, custom_id="channels")
    async def channels(self, interaction, select):
        await interaction.response.send_message("channels " + names(select.values))

    @ui.select(cls=ui.MentionableSelect, custom_id="mentionables", max_values=2)
    async def mentionables(self, interaction, select):
        await interaction.response.send_message("mentionables " + names(select.values))


class Form(ui.Modal, title="Form"):
    note = ui.TextInput(label="Note", custom_id="note")

    async def on_submit(self, interaction):
        await interaction.response.send_message(f"form {self.note.value}")


class Bot(discord.Client):
    def __init__(self):
        super().__init__(intents=discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self):
        await self.tree.sync()


bot = Bot()


@bot.tree.command(description="Go")
async def go(interaction: discord.Interaction, text: str):
    await interaction.response.send_message(f"go {text}")


@go.autocomplete("text")
async def suggest(_: discord.Interaction, text: str):
    return [app_commands.Choice(name=x, value=x) for x in ("alpha", "beta") if x.startswith(text)]


@bot.tree.command(description="Menus")
async def menus(interaction: discord.Interaction):
    await interaction.response.send_message("choose", view=Menus())


@bot.tree.command(description="Form")
async def form(interaction: discord.Interaction):
    await interaction.response.send_modal(Form())


@bot.tree.command(description="File")
async def file(interaction: discord.Interaction):
    await interaction.response.defer()
    attached = discord.File(io.BytesIO(b"hello"), "note.txt")
    await interaction.edit_original_response(content="file", attachments=[attached])


bot.run(os.environ["CLIENT_TOKEN"])
