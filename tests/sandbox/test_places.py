"""Members that write, several guilds and channels, and what the bot and its people may do there."""

from __future__ import annotations

import asyncio

import discord
import pytest
from discord import app_commands

from sandbox import Sandbox, SandboxError
from sandbox.state import Permission
from tests.sandbox.test_stock_bots import Plain, running

MANAGE = Permission.MANAGE_MESSAGES


class Listening(Plain):
    """Hears messages, with or without the intent for what they say."""

    def __init__(self, *, content: bool = False, messages: bool = True) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=messages, dm_messages=messages, message_content=content
        )
        discord.Client.__init__(self, intents=intents, guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.seen = asyncio.Queue()
        self.asked(_nothing)

    async def on_message(self, message: discord.Message) -> None:
        self.seen.put_nowait(message)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self.seen.put_nowait(guild)

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        self.seen.put_nowait(channel)


async def _nothing(interaction: discord.Interaction) -> None:
    await interaction.response.send_message(f"{interaction.guild} {interaction.channel}")


async def test_what_members_write_is_heard_without_its_content(box: Sandbox) -> None:
    bot = Listening()
    async with running(box, bot):
        box.say("secret")
        heard = await bot.next()
        assert (heard.content, heard.author.id) == ("", box.student.id)
        assert isinstance(heard.author, discord.Member)
        box.say(f"<@{box.bot.id}> hello", member=box.admin)
        assert (await bot.next()).clean_content.endswith("hello")
        box.say("to you", channel=box.direct(box.student))
        direct = await bot.next()
        assert (direct.content, direct.guild) == ("to you", None)


async def test_with_the_intent_everything_is_heard() -> None:
    async with Sandbox(privileged=True) as box:
        bot = Listening(content=True)
        async with running(box, bot):
            first = box.say("all of it")
            assert (await bot.next()).content == "all of it"
            box.say("an answer", reply_to=first)
            assert (await bot.next()).reference.message_id == first.id


async def test_without_the_intents_for_messages_nothing_is_heard(box: Sandbox) -> None:
    bot = Listening(messages=False)
    async with running(box, bot):
        box.say("secret")
        await box.ask("/go")
        assert not box.events("MESSAGE_CREATE")
        assert bot.seen.empty()


def test_what_discord_would_not_send(box: Sandbox) -> None:
    for text in ("", " ", "x" * 2001):
        with pytest.raises(SandboxError):
            box.say(text)
    box.set_permissions(box.student, Permission.VIEW_CHANNEL)
    with pytest.raises(SandboxError, match="may not write"):
        box.say("hello")
    box.say("an owner may", member=box.admin)


async def test_several_guilds_and_channels(box: Sandbox) -> None:
    before = box.add_guild("Before", ["one", "two"])
    bot = Listening()
    async with running(box, bot):
        assert {guild.name for guild in bot.guilds} == {"Sandbox", "Before"}
        after = box.add_guild("After")
        assert (await bot.next()).id == after.id
        lounge = box.add_channel("lounge")
        assert (await bot.next()).id == lounge.id
        places = (box.channel, lounge, before.channels[1], after.channels[0])
        for place in places:
            answer = await box.ask("/go", channel=place)
            assert place.guild is not None
            assert answer.text == f"{place.guild.name} {place.name}"
            (delivered,) = [
                event for event in box.events("INTERACTION_CREATE") if event.data["id"] == str(answer.id)
            ]
            assert delivered.data["guild_id"] == str(place.guild.id)
            assert delivered.data["channel_id"] == str(place.id)
        assert {guild.id async for guild in bot.fetch_guilds()} == {box.guild.id, before.id, after.id}
        box.say("over here", channel=before.channels[0])
        while not isinstance(heard := await bot.next(), discord.Message) or heard.author.id != box.student.id:
            pass
        assert heard.guild is not None
        assert heard.guild.id == before.id


async def test_commands_of_a_guild_are_offered_there_alone(box: Sandbox) -> None:
    other = box.add_guild("Other")
    bot = Listening()

    async def setup_hook() -> None:
        bot.tree.copy_global_to(guild=discord.Object(other.id))
        bot.tree.clear_commands(guild=None)
        await bot.tree.sync(guild=discord.Object(other.id))

    bot.setup_hook = setup_hook  # type: ignore[method-assign]
    async with running(box, bot):
        assert (await box.ask("/go", channel=other.channels[0])).text == "Other general"
        with pytest.raises(Exception, match="go"):
            box.send("/go")


async def test_roles_and_permissions_can_be_set(box: Sandbox) -> None:
    bot = Listening()
    async with running(box, bot):
        box.set_roles(box.student, ["Helper"])
        await box.ask("/go")
        delivered = box.events("INTERACTION_CREATE")[-1].data
        assert delivered["member"]["roles"] == [str(role.id) for role in box.student.roles]
        box.set_permissions(box.bot, Permission.VIEW_CHANNEL | MANAGE)
        await box.ask("/go")
        delivered = box.events("INTERACTION_CREATE")[-1].data
        assert int(delivered["app_permissions"]) == Permission.VIEW_CHANNEL | MANAGE
        channel = bot.get_channel(box.channel.id)
        assert isinstance(channel, discord.TextChannel)
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send("x")
        assert refused.value.code == 50013
        box.set_permissions(box.bot, 0)
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send("x")
        assert refused.value.code == 50001


def test_a_person_is_the_same_in_every_guild() -> None:
    box = Sandbox()
    other = box.add_guild("Other")
    here, there = box.add_member("Ada"), box.add_member("Ada", guild=other, permissions=MANAGE)
    assert here.user is there.user
    assert (here.guild, there.guild) == (box.guild, other)
    assert (here.may(MANAGE), there.may(MANAGE)) == (False, True)
    with pytest.raises(ValueError, match="called Ada already"):
        box.add_member("Ada", guild=other)


@pytest.mark.parametrize("shard", [(0, 1), (0, 4), (3, 4), (11, 16)])
def test_a_guild_of_any_shard_can_be_had(shard: tuple[int, int]) -> None:
    box = Sandbox()
    guilds = [box.add_guild(name, shard=shard) for name in ("One", "Two")]
    assert [(guild.id >> 22) % shard[1] for guild in guilds] == [shard[0]] * 2
    assert len({guild.id for guild in (*guilds, box.guild)}) == 3
