"""/tokens: how tokenizers split a text, and details of the process; /decode: from ids back to text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.limits import allowance
from cogs.shared.asking import answered, answered_privately, caller, choices, drawn, suggested
from cogs.shared.buttons import NOBODY, Buttons, OpenButton, open_template
from cogs.shared.components import custom_ids
from cogs.shared.guide import Topic, guide
from cogs.shared.menus import MessageMenu
from cogs.shared.recent import Recent, digest, quotes
from cogs.shared.reply import show
from cogs.shared.text import clip
from cogs.tokens import inspection, messages
from cogs.tokens.refusals import EmptyText, NotATokenId, NoTokenIds, TextTooLong, TooManyTokenIds
from models.results import Aspect
from models.service import Caller, CompareTokenizers, Decode, Explain, ListTokenizers, Service, Tokenize
from texts import say

MOST_IDS = 2000
_BETWEEN_IDS = re.compile(r"[\s,;\[\]()]+")


@dataclass(frozen=True, slots=True)
class Question:
    """The input of /tokens: a text, and one tokenizer or all of them."""

    text: str
    tokenizer: str | None

    @property
    def number(self) -> int:
        return digest(f"{self.tokenizer or ''}\n{self.text}")


class ShowTokenizer(OpenButton, template=NOBODY):
    """Shows details of one tokenizer to the person who presses it; its page is the number of the tokenizer."""

    aspect: ClassVar[Aspect]

    async def pressed(self, interaction: Interaction) -> None:
        question = await _question(interaction, self.argument)
        request = Explain(caller(interaction), question.text, self.aspect, question.tokenizer, self.page)
        tokenizers = interaction.client.service.tokenizers
        turning = not any(ShowCost.name in custom_id for custom_id in custom_ids(interaction.message))
        one = await answered_privately(interaction, tokenizers.explain(request), turning=turning)
        reply = await drawn(interaction, lambda: inspection.explanation(self.aspect, one.found))
        others = ((self.page - 1, say("token-previous")), (self.page + 1, say("token-next")))
        turns = [type(self)(self.argument, page, label) for page, label in others if 0 <= page < one.count]
        await show(interaction, reply, view=Buttons(*turns) if turns else None)


class ShowIds(ShowTokenizer, template=open_template("token-ids")):
    name = "token-ids"
    label = "token-ids"
    aspect = Aspect.PIECES


class ShowBytes(ShowTokenizer, template=open_template("token-bytes")):
    name = "token-bytes"
    label = "token-bytes"
    aspect = Aspect.BYTES


class ShowSpecialTokens(ShowTokenizer, template=open_template("token-specials")):
    name = "token-specials"
    label = "token-specials"
    aspect = Aspect.SPECIAL_TOKENS


class ShowMethod(ShowTokenizer, template=open_template("token-how")):
    name = "token-how"
    label = "token-how"
    aspect = Aspect.METHOD


class ShowCost(OpenButton, template=open_template("token-cost")):
    """Compares all tokenizers, even if the question was about one: a single cost says little."""

    name = "token-cost"
    label = "token-cost"

    async def pressed(self, interaction: Interaction) -> None:
        request = CompareTokenizers(caller(interaction), (await _question(interaction, self.argument)).text)
        comparison = await answered(
            interaction, interaction.client.service.tokenizers.compare(request), private=True
        )
        note = messages.missing(comparison.failures)
        language = (await interaction.client.service.status()).slot("language")
        window = language.window if language else None
        reply = await drawn(interaction, lambda: inspection.cost(comparison.tokenizations, window, note))
        await show(interaction, reply)


BUTTONS: tuple[type[OpenButton], ...] = (ShowIds, ShowBytes, ShowSpecialTokens, ShowMethod, ShowCost)
"""What there is to see behind an answer of /tokens, in the order of its buttons."""


def _questions(interaction: Interaction) -> Recent[Question]:
    cog = interaction.client.get_cog(TokenCommands.__cog_name__)
    if not isinstance(cog, TokenCommands):
        raise TypeError  # the buttons are added and removed with it
    return cog.questions


async def _question(interaction: Interaction, number: int) -> Question:
    """The question under a number, or the one quoted by the message. Raises AnswerForgotten."""
    questions = _questions(interaction)
    if number not in questions:
        request = ListTokenizers(caller(interaction, typing=True))
        names = await suggested(interaction.client.service.tokenizers.names(request))
        for text in quotes(interaction.message):
            for question in (Question(text, name) for name in (None, *names)):
                if question.number == number:
                    return question
    return questions.get(number)


_EXAMPLE = "Hello world"


async def _ids(service: Service, asking: Caller) -> str:
    """Ids of the first tokenizer, for decoding."""
    found = (await service.tokenizers.tokenize(Tokenize(asking, _EXAMPLE))).found
    ids = " ".join(map(str, found.ids))
    return f"/decode tokenizer:{found.name} ids:{ids}"


class TokenCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self.questions: Recent[Question] = Recent()

    @app_commands.command(
        extras=guide(Topic.TOKENS, "/tokens text:CAPITALIZATION and other stuff", "tokenizers")
    )
    @app_commands.describe(
        text="Any text: try capitals, emoji, code, several languages",
        tokenizer="Show one tokenizer; by default all of them are compared",
        private=say("option-private"),
    )
    async def tokens(
        self,
        interaction: Interaction,
        text: Range[str, 1, 6000],
        tokenizer: Range[str, 1, 100] | None = None,
        private: bool = False,
    ) -> None:
        """See how a language model's tokenizer cuts a text into pieces."""
        await self.show_tokens(interaction, text, tokenizer, private=private)

    async def show_tokens(
        self, interaction: Interaction, text: str, tokenizer: str | None = None, *, private: bool
    ) -> None:
        """Answer with the tokens of a text."""
        if not text:
            raise EmptyText
        limit = allowance(interaction).text_characters
        if len(text) > limit:
            raise TextTooLong(limit, len(text))
        tokenizers, asking = self.bot.service.tokenizers, caller(interaction)
        if tokenizer is None:
            comparison = await answered(
                interaction, tokenizers.compare(CompareTokenizers(asking, text)), private=private
            )
            reply = await drawn(interaction, lambda: messages.comparison(comparison))
        else:
            one = await answered(
                interaction, tokenizers.tokenize(Tokenize(asking, text, tokenizer)), private=private
            )
            reply = await drawn(interaction, lambda: messages.pieces(one.found, with_picture=True))
        question = Question(text, tokenizer)
        number = self.questions.keep(question, question.number)
        view = Buttons(*(button(number) for button in BUTTONS))
        await show(interaction, reply, view=view)

    @app_commands.command(
        extras=guide(Topic.TOKENS, "/decode tokenizer:phi-1_5 ids:16594 281 3053", "tokenizers", _ids)
    )
    @app_commands.describe(
        tokenizer="The tokenizer of the ids; in another one, the same id is another token",
        ids="One id or several, such as 16594, 281 or [16594, 281]",
    )
    async def decode(
        self, interaction: Interaction, tokenizer: Range[str, 1, 100], ids: Range[str, 1, 6000]
    ) -> None:
        """Turn token ids back into text, one by one and together."""
        request = Decode(caller(interaction), tokenizer, _parse_ids(ids))
        decoded = await answered(interaction, self.bot.service.tokenizers.decode(request))
        reply = await drawn(interaction, lambda: messages.decoded(decoded))
        await show(interaction, reply)

    @tokens.autocomplete("tokenizer")
    @decode.autocomplete("tokenizer")
    async def complete_tokenizer(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        request = ListTokenizers(caller(interaction, typing=True))
        names = await suggested(self.bot.service.tokenizers.names(request))
        return choices([(name, name) for name in names if current.casefold() in name.casefold()])


class TokensMenu(MessageMenu):
    """Shows the tokens of a message to the person who asks, who need not be its author."""

    label = "menu-tokens"

    async def chosen(self, interaction: Interaction, text: str) -> None:
        cog = interaction.client.get_cog(TokenCommands.__cog_name__)
        if isinstance(cog, TokenCommands):
            await cog.show_tokens(interaction, text, private=True)


def _parse_ids(typed: str) -> tuple[int, ...]:
    """The ids in the typed or pasted text; raises Refused if a part is not an id."""
    parts = [part for part in _BETWEEN_IDS.split(typed.removeprefix("tensor")) if part]
    # int() accepts more formats than people use for ids.
    wrong = next((part for part in parts if not re.fullmatch(r"[0-9]{1,9}", part)), None)
    if wrong is not None:
        raise NotATokenId(clip(wrong, 40))
    if not parts:
        raise NoTokenIds
    if len(parts) > MOST_IDS:
        raise TooManyTokenIds(MOST_IDS, len(parts))
    return tuple(map(int, parts))
