import io
import os

import discord
from discord import ui

discord.http.Route.API_BASE_URL = os.environ["CLIENT_API"]


class Menus(ui.View):
    def __init__(self):
        super().__init__(timeout=None)

    @ui.string_select(
        custom_id="strings", options=[discord.SelectOption(label=x) for x in ("one", "two")], max_values=2
    )
    async def strings(self, select, interaction):
        await interaction.response.send_message("strings " + ",".join(select.values))

    @ui.user_select(custom_id="users")
    async def users(self, select, interaction):
        await interaction.response.send_message("users " + ",".join(x.name for x in select.values))

    @ui.role_select(custom_id="roles")
    async def roles(self, select, interaction):
        await interaction.response.send_message("roles " + ",".join(x.name for x in select.values))

    @ui.channel_select(custom_id="channels")
    async def channels(self, select, interaction):
        await interaction.response.send_message("channels " + ",".join(x.name for x in select.values))

    @ui.mentionable_select(custom_id="mentionables", max_values=2)
    async def mentionables(self, select, interaction):
        await interaction.response.send_message("mentionables " + ",".join(x.name for x in select.values))


class Form(discord.ui.Modal):
    def __init__(self):
        super().__init__(discord.ui.InputText(label="Note", custom_id="note"), title="Form")

    async def callback(self, interaction):
        await interaction.response.send_message(f"form {self.children[0].value}")


bot = discord.Bot(intents=discord.Intents(guilds=True))


async def suggest(context):
    return [x for x in ("alpha", "beta") if x.startswith(context.value)]


@bot.slash_command(description="Go")
@discord.option("text", str, description="Text", autocomplete=suggest)
async def go(context, text):
    await context.respond(f"go {text}")


@bot.slash_command(description="Menus")
async def menus(context):
    await context.respond("choose", view=Menus())


@bot.slash_command(description="Form")
async def form(context):
    await context.send_modal(Form())


@bot.slash_command(description="File")
async def file(context):
    await context.defer()
    await context.edit(content="file", file=discord.File(io.BytesIO(b"hello"), "note.txt"))


bot.run(os.environ["CLIENT_TOKEN"])
