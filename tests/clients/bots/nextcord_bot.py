import io
import os

import nextcord
from nextcord import ui

nextcord.http.Route.BASE = os.environ["CLIENT_API"]


class Menus(ui.View):
    def __init__(self):
        super().__init__(timeout=None)

    @ui.string_select(
        custom_id="strings", options=[nextcord.SelectOption(label=x) for x in ("one", "two")], max_values=2
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


class Form(ui.Modal):
    def __init__(self):
        super().__init__("Form")
        self.note = ui.TextInput(label="Note", custom_id="note")
        self.add_item(self.note)

    async def callback(self, interaction):
        await interaction.response.send_message(f"form {self.note.value}")


client = nextcord.Client(intents=nextcord.Intents(guilds=True))


@client.slash_command(description="Go")
async def go(interaction: nextcord.Interaction, text: str = nextcord.SlashOption(description="Text")):
    await interaction.response.send_message(f"go {text}")


@go.on_autocomplete("text")
async def suggest(interaction: nextcord.Interaction, text: str):
    await interaction.response.send_autocomplete([x for x in ("alpha", "beta") if x.startswith(text)])


@client.slash_command(description="Menus")
async def menus(interaction: nextcord.Interaction):
    await interaction.response.send_message("choose", view=Menus())


@client.slash_command(description="Form")
async def form(interaction: nextcord.Interaction):
    await interaction.response.send_modal(Form())


@client.slash_command(description="File")
async def file(interaction: nextcord.Interaction):
    await interaction.response.defer()
    await interaction.edit_original_message(
        content="file", file=nextcord.File(io.BytesIO(b"hello"), "note.txt")
    )


client.run(os.environ["CLIENT_TOKEN"])
