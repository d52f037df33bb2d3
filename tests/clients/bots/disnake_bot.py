import io
import os

import disnake
from disnake import ui
from disnake.ext import commands

disnake.http.Route.BASE = os.environ["CLIENT_API"]


class Menus(ui.View):
    def __init__(self):
        super().__init__(timeout=None)

    @ui.string_select(custom_id="strings", options=["one", "two"], max_values=2)
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


class Form(ui.Modal):
    def __init__(self):
        super().__init__(title="Form", components=[ui.TextInput(label="Note", custom_id="note")])

    async def callback(self, interaction):
        await interaction.response.send_message(f"form {interaction.text_values['note']}")


bot = commands.InteractionBot(intents=disnake.Intents(guilds=True))


async def suggest(_, text: str):
    return [x for x in ("alpha", "beta") if x.startswith(text)]


@bot.slash_command(description="Go")
async def go(interaction, text: str = commands.Param(description="Text", autocomplete=suggest)):
    await interaction.response.send_message(f"go {text}")


@bot.slash_command(description="Menus")
async def menus(interaction):
    await interaction.response.send_message("choose", view=Menus())


@bot.slash_command(description="Form")
async def form(interaction):
    await interaction.response.send_modal(Form())


@bot.slash_command(description="File")
async def file(interaction):
    await interaction.response.defer()
    await interaction.edit_original_response(
        content="file", file=disnake.File(io.BytesIO(b"hello"), "note.txt")
    )


bot.run(os.environ["CLIENT_TOKEN"])
