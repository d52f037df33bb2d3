import os

import hikari

TEXT = hikari.OptionType.STRING
SELECTS = {
    "users": hikari.ComponentType.USER_SELECT_MENU,
    "roles": hikari.ComponentType.ROLE_SELECT_MENU,
    "mentionables": hikari.ComponentType.MENTIONABLE_SELECT_MENU,
}

bot = hikari.GatewayBot(
    os.environ["CLIENT_TOKEN"], rest_url=os.environ["CLIENT_API"], intents=hikari.Intents.GUILDS, banner=None
)


@bot.listen()
async def register(_: hikari.StartingEvent) -> None:
    application = await bot.rest.fetch_application()
    go = bot.rest.slash_command_builder("go", "Go")
    go.add_option(
        hikari.CommandOption(type=TEXT, name="text", description="Text", is_required=True, autocomplete=True)
    )
    builders = [
        go,
        *(bot.rest.slash_command_builder(name, name.title()) for name in ("menus", "form", "file")),
    ]
    await bot.rest.set_application_commands(application, builders)


@bot.listen(hikari.CommandInteractionCreateEvent)
async def command(event):
    interaction = event.interaction
    match interaction.command_name:
        case "go":
            await interaction.create_initial_response(4, f"go {interaction.options[0].value}")
        case "menus":
            rows = [bot.rest.build_message_action_row() for _ in range(5)]
            menu = rows[0].add_text_menu("strings", max_values=2)
            menu.add_option("one", "one").add_option("two", "two")
            for row, (name, kind) in zip(rows[1:], SELECTS.items(), strict=False):
                row.add_select_menu(kind, name, max_values=2 if name == "mentionables" else 1)
            rows[4].add_channel_menu("channels")
            await interaction.create_initial_response(4, "choose", components=rows)
        case "form":
            row = bot.rest.build_modal_action_row().add_text_input("note", "Note")
            await interaction.create_modal_response("Form", "form", components=[row])
        case "file":
            await interaction.create_initial_response(5)
            await interaction.edit_initial_response("file", attachment=hikari.Bytes(b"hello", "note.txt"))


@bot.listen(hikari.AutocompleteInteractionCreateEvent)
async def suggest(event):
    typed = event.interaction.options[0].value
    names = [x for x in ("alpha", "beta") if x.startswith(typed)]
    await event.interaction.create_response(
        [hikari.impl.AutocompleteChoiceBuilder(name=x, value=x) for x in names]
    )


@bot.listen(hikari.ComponentInteractionCreateEvent)
async def chosen(event):
    interaction, resolved = event.interaction, event.interaction.resolved
    names = list(interaction.values)
    if resolved:
        known = {
            **{key: value.username for key, value in resolved.users.items()},
            **{key: value.name for key, value in resolved.roles.items()},
            **{key: value.name for key, value in resolved.channels.items()},
        }
        names = [known[hikari.Snowflake(value)] for value in interaction.values]
    await interaction.create_initial_response(4, f"{interaction.custom_id} {','.join(names)}")


@bot.listen(hikari.ModalInteractionCreateEvent)
async def submitted(event):
    value = event.interaction.components[0].components[0].value
    await event.interaction.create_initial_response(4, f"form {value}")


bot.run(check_for_updates=False)
