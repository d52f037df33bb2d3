import {
  ActionRowBuilder, AttachmentBuilder, ChannelSelectMenuBuilder, Client, GatewayIntentBits, MentionableSelectMenuBuilder,
  ModalBuilder, RoleSelectMenuBuilder, StringSelectMenuBuilder, TextInputBuilder, TextInputStyle, UserSelectMenuBuilder,
} from "discord.js";

const [, api, version] = process.env.CLIENT_API.match(/^(.*)\/v(\d+)$/);
const client = new Client({ intents: [GatewayIntentBits.Guilds], rest: { api, version } });

const row = (component) => new ActionRowBuilder().addComponents(component);

client.once("clientReady", async () => {
  const text = { type: 3, name: "text", description: "Text", required: true, autocomplete: true };
  await client.application.commands.set([
    { name: "go", description: "Go", options: [text] },
    ...["menus", "form", "file"].map((name) => ({ name, description: name })),
  ]);
});

const commands = {
  go: (interaction) => interaction.reply(`go ${interaction.options.getString("text")}`),
  menus: (interaction) =>
    interaction.reply({
      content: "choose",
      components: [
        row(new StringSelectMenuBuilder().setCustomId("strings").setMaxValues(2)
          .addOptions(["one", "two"].map((value) => ({ label: value, value })))),
        row(new UserSelectMenuBuilder().setCustomId("users")),
        row(new RoleSelectMenuBuilder().setCustomId("roles")),
        row(new ChannelSelectMenuBuilder().setCustomId("channels")),
        row(new MentionableSelectMenuBuilder().setCustomId("mentionables").setMaxValues(2)),
      ],
    }),
  form: (interaction) =>
    interaction.showModal(
      new ModalBuilder().setCustomId("form").setTitle("Form").addComponents(
        row(new TextInputBuilder().setCustomId("note").setLabel("Note").setStyle(TextInputStyle.Short)),
      ),
    ),
  file: async (interaction) => {
    await interaction.deferReply();
    await interaction.editReply({
      content: "file",
      files: [new AttachmentBuilder(Buffer.from("hello"), { name: "note.txt" })],
    });
  },
};

client.on("interactionCreate", async (interaction) => {
  if (interaction.isChatInputCommand()) await commands[interaction.commandName](interaction);
  else if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused();
    const names = ["alpha", "beta"].filter((name) => name.startsWith(typed));
    await interaction.respond(names.map((name) => ({ name, value: name })));
  } else if (interaction.isModalSubmit()) await interaction.reply(`form ${interaction.fields.getTextInputValue("note")}`);
  else if (interaction.isAnySelectMenu()) {
    const names = {
      strings: () => interaction.values,
      users: () => interaction.users.map((user) => user.username),
      roles: () => interaction.roles.map((role) => role.name),
      channels: () => interaction.channels.map((channel) => channel.name),
      mentionables: () => [...interaction.users.map((user) => user.username), ...interaction.roles.map((role) => role.name)],
    };
    await interaction.reply(`${interaction.customId} ${names[interaction.customId]().join(",")}`);
  }
});

await client.login(process.env.CLIENT_TOKEN);
