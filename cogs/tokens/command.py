# ruff: noqa: PLC0415 - what explains tokenizers imports transformers, which takes seconds: workers may wait for that
"""/tokens: how tokenizers split a text, and what is behind that; /decode: back from ids to text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from cogs.shared.asking import answered, choices, suggested
from cogs.shared.buttons import Buttons, OpenButton, everybodys
from cogs.shared.recent import Kept
from cogs.shared.reply import Reply
from cogs.shared.text import clip, count, inline
from cogs.tokens import inspection, messages

if TYPE_CHECKING:
    from models.lanes import Job
    from models.tokenizers.tokenizer import Tokenizer, Tokenizers

MOST_IDS = 2000
_NUMBERS = re.compile(r"[\s,;\[\]()]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What /tokens was asked: a text, and one tokenizer or all."""

    text: str
    tokenizer: str | None


class Look(OpenButton, template=r"(?!)"):
    """Shows one tokenizer of an answer more closely, to whoever presses; its page is the number of the tokenizer."""

    def show(self, tokenizer: Tokenizer, text: str) -> Reply:
        """On the worker's thread, so models that take long to import may be imported there."""
        raise NotImplementedError

    async def pressed(self, interaction: Interaction) -> None:
        asked = _cog(interaction).asked.get(self.argument)

        def work(_job: Job, model: Tokenizers) -> tuple[Reply, int]:
            names = model.names if asked.tokenizer is None else [asked.tokenizer]
            return self.show(model.get(names[min(self.page, len(names) - 1)]), asked.text), len(names)

        ticket = interaction.client.ask(interaction, "tokenizers", work)
        if interaction.message is not None and interaction.message.flags.ephemeral:
            await interaction.response.defer()
            answer, pages = await ticket
        else:
            answer, pages = await answered(interaction, ticket, private=True)
        turns = [
            type(self)(self.argument, page, label)
            for page, label in ((self.page - 1, "◀ Tokenizer before"), (self.page + 1, "Next tokenizer ▶"))
            if 0 <= page < pages
        ]
        await interaction.edit_original_response(**answer.message(), view=Buttons(*turns) if turns else None)


class Ids(Look, template=everybodys("token-ids")):
    name = "token-ids"
    label = "Ids and CSV"

    def show(self, tokenizer: Tokenizer, text: str) -> Reply:
        return inspection.ids(tokenizer.tokenize(text))


class Bytes(Look, template=everybodys("token-bytes")):
    name = "token-bytes"
    label = "Bytes"

    def show(self, tokenizer: Tokenizer, text: str) -> Reply:
        return inspection.split(tokenizer.tokenize(text))


class Specials(Look, template=everybodys("token-specials")):
    name = "token-specials"
    label = "Special tokens"

    def show(self, tokenizer: Tokenizer, text: str) -> Reply:
        from models.tokenizers.explaining import special_tokens

        return inspection.specials(special_tokens(tokenizer, tokenizer.ids(text)))


class How(Look, template=everybodys("token-how")):
    name = "token-how"
    label = "How it works"

    def show(self, tokenizer: Tokenizer, text: str) -> Reply:
        from models.tokenizers.explaining import method

        return inspection.method(method(tokenizer, text))


class Cost(Look, template=everybodys("token-cost")):
    """All tokenizers beside each other, also where one was asked about: one cost alone says little."""

    name = "token-cost"
    label = "Cost"

    async def pressed(self, interaction: Interaction) -> None:
        text = _cog(interaction).asked.get(self.argument).text
        ticket = interaction.client.ask(
            interaction, "tokenizers", lambda _job, model: inspection.cost(model.compare(text))
        )
        answer = await answered(interaction, ticket, private=True)
        await interaction.edit_original_response(**answer.message())


def _cog(interaction: Interaction) -> Tokens:
    cog = interaction.client.get_cog(Tokens.__cog_name__)
    assert isinstance(cog, Tokens)  # noqa: S101 - the buttons come and go with it
    return cog


class Tokens(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self.asked: Kept[Asked] = Kept()

    @app_commands.command(extras={"example": "/tokens text:CAPITALIZATION and other stuff"})
    @app_commands.describe(
        text="Any text: try capitals, emoji, code, several languages",
        tokenizer="Look at one tokenizer with its token ids; leave it out to compare all of them",
    )
    async def tokens(
        self, interaction: Interaction, text: Range[str, 1, 6000], tokenizer: Range[str, 1, 100] | None = None
    ) -> None:
        """See how a language model's tokenizer cuts a text into pieces."""
        if not text:
            raise Refused("The text is empty. Write something, if only a space.")
        limit = self.bot.settings.limits.text_characters
        if len(text) > limit:
            raise Refused(f"The text may have at most {count(limit, 'character')}; yours has {len(text):,}.")

        # Long texts take a while to draw too, so that happens on the worker's thread.
        def work(_job: Job, model: Tokenizers) -> Reply:
            if tokenizer is None:
                return messages.comparison(model.compare(text), model.failures)
            return messages.pieces(model.get(tokenizer).tokenize(text), drawn=True)

        answer = await answered(interaction, self.bot.ask(interaction, "tokenizers", work))
        number = self.asked.keep(Asked(text, tokenizer))
        looks = Buttons(*(look(number) for look in (Ids, Bytes, Specials, How, Cost)))
        await interaction.edit_original_response(**answer.message(), view=looks)

    @app_commands.command(extras={"example": "/decode tokenizer:phi-1_5 ids:16594 281 3053"})
    @app_commands.describe(
        tokenizer="Whose ids they are; the same number is another token elsewhere",
        ids="One id or several, such as 16594, 281 or [16594, 281]",
    )
    async def decode(
        self, interaction: Interaction, tokenizer: Range[str, 1, 100], ids: Range[str, 1, 6000]
    ) -> None:
        """Turn token ids back into text, one by one and together."""
        numbers = _numbers(ids)

        def work(_job: Job, model: Tokenizers) -> Reply:
            chosen = model.get(tokenizer)
            return messages.decoded(chosen.name, chosen.decode(numbers), chosen.pieces(numbers))

        answer = await answered(interaction, self.bot.ask(interaction, "tokenizers", work))
        await interaction.edit_original_response(**answer.message())

    @tokens.autocomplete("tokenizer")
    @decode.autocomplete("tokenizer")
    async def tokenizers(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        names: list[str] = await suggested(interaction, "tokenizers", lambda model: list(model.names))
        return choices([(name, name) for name in names if current.casefold() in name.casefold()])


def _numbers(typed: str) -> list[int]:
    """The ids in what somebody typed or pasted; Refused where that is none."""
    parts = [part for part in _NUMBERS.split(typed.removeprefix("tensor")) if part]
    # int() itself takes more than anybody means by a number.
    wrong = next((part for part in parts if not re.fullmatch(r"[0-9]{1,9}", part)), None)
    if wrong is not None:
        raise Refused(
            f"“{inline(clip(wrong, 40))}” is no token id. Write numbers such as 16594, 281, with commas or blanks."
        )
    if not parts:
        raise Refused("Write at least one token id, such as 16594.")
    if len(parts) > MOST_IDS:
        raise Refused(f"I decode at most {MOST_IDS:,} ids at a time; these are {len(parts):,}.")
    return [int(part) for part in parts]
