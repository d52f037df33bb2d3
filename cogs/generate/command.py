"""/generate: a prompt is continued while everybody watches."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from cogs.generate import messages
from cogs.shared.asking import answered
from cogs.shared.buttons import Buttons, OpenButton, OwnButton, everybodys, own
from cogs.shared.checks import is_admin
from cogs.shared.recent import Recent
from cogs.shared.streaming import Editor
from cogs.shared.text import count, settled
from models.failures import Cancelled, Stopped
from models.results import Generation, State

if TYPE_CHECKING:
    from models.lanes import Job, Ticket
    from models.language.model import LanguageModel

TOKEN_LIFE = 15 * 60
"""Seconds in which an answer may be edited."""
SPARE = 60
"""Seconds of them that are kept for the last edit."""


LOOKED_INTO = 50_000
"""Tokens, read and written, of the texts that can still be looked into. Each takes about 1.5 kB of memory
with all that it was chosen over, and how many a text has is up to the settings.
"""
LIVELY = 0.8
"""Temperature of another try, where the first one was greedy."""


class Stop(OwnButton, template=own("stop")):
    """Ends the generation whose interaction is its argument; for the asker and for admins."""

    name = "stop"
    label = "Stop"
    style = discord.ButtonStyle.danger

    def check(self, interaction: Interaction) -> None:
        if interaction.user.id != self.user_id and not is_admin(interaction):
            raise Refused(
                "Only the person who asked, or somebody who manages this server, may stop this text."
            )

    async def act(self, interaction: Interaction) -> None:
        ticket = _cog(interaction).running.get(self.argument)
        if ticket is None:
            raise Refused(
                "There is nothing left to stop: this text ended, or I was restarted since it began."
            )
        ticket.cancel()
        await interaction.response.defer()


class Tokens(OpenButton, template=everybodys("generated-tokens")):
    """What the model read and wrote, token by token; for whoever presses."""

    name = "generated-tokens"
    label = "Tokens"

    async def pressed(self, interaction: Interaction) -> None:
        result = _cog(interaction).answered.get(self.argument).result
        drawing = interaction.client.draw(interaction, lambda: messages.generated_tokens(result))
        answer = await answered(interaction, drawing, private=True)
        await interaction.edit_original_response(**answer.message())


class Why(OpenButton, template=everybodys("why")):
    """Some steps of the text as a picture and a table: each token with those that it was chosen over."""

    name = "why"
    label = "Why this word"

    async def pressed(self, interaction: Interaction) -> None:
        asked = _cog(interaction).answered.get(self.argument)
        drawing = interaction.client.draw(
            interaction, lambda: messages.why(asked.result, self.page, asked.question.temperature)
        )
        if _is_page(interaction.message):
            await interaction.response.defer()
            answer = await drawing
        else:
            answer = await answered(interaction, drawing, private=True)
        last = messages.pages(asked.result) - 1
        turns = [
            Why(self.argument, page, label)
            for page, label in ((self.page - 1, "◀ Back"), (self.page + 1, "Next ▶"))
            if 0 <= page <= last
        ]
        await interaction.edit_original_response(**answer.message(), view=Buttons(*turns) if turns else None)


def _is_page(message: discord.Message | None) -> bool:
    """Whether the button was pressed under an answer of its own, not under the text."""
    return message is not None and any(file.filename == messages.WHY_PICTURE for file in message.attachments)


class Continue(OpenButton, template=everybodys("continue")):
    """Goes on with a text that stopped before its end, in a new message."""

    name = "continue"
    label = "Continue"

    async def pressed(self, interaction: Interaction) -> None:
        await _cog(interaction).go_on(interaction, self.argument)


class Again(OpenButton, template=everybodys("again")):
    """Another try with another seed, in a new message."""

    name = "again"
    label = "Again"

    async def pressed(self, interaction: Interaction) -> None:
        await _cog(interaction).once_more(interaction, self.argument)


def _cog(interaction: Interaction) -> Generate:
    cog = interaction.client.get_cog(Generate.__cog_name__)
    assert isinstance(cog, Generate)  # noqa: S101 - the buttons come and go with it
    return cog


def random_seed() -> int:
    return random.randrange(2**32)


@dataclass(frozen=True, slots=True)
class Question:
    """What the language model is asked; `written` and `text` are what its earlier answers came to."""

    prompt: str
    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int
    written: tuple[int, ...] = ()
    text: str = ""
    model: str = ""
    """Which model wrote it: to another its token ids mean nothing."""


@dataclass(frozen=True, slots=True)
class Answered:
    question: Question
    result: Generation


def _tokens(asked: Answered) -> int:
    return len(asked.result.input_ids) + len(asked.result.output_ids)


def _continued(question: Question, job: Job, model: LanguageModel, **told: Any) -> Generation:
    """On the worker's thread; `told` are the other arguments of the model's `generate`."""
    if question.written and question.model != model.name:
        raise Refused(
            "By now another model writes here, which cannot go on with this text. Ask with a prompt of your own."
        )
    return model.generate(
        question.prompt,
        written=question.written,
        max_new_tokens=question.max_new_tokens,
        temperature=question.temperature,
        top_p=question.top_p,
        seed=question.seed,
        stop=job.stop,
        deadline=job.deadline,
        **told,
    )


class Generate(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self.running: dict[int, Ticket[Generation]] = {}
        """Generations that wait or run, by the id of their interaction."""
        self.answered: Recent[Answered] = Recent(LOOKED_INTO, weigh=_tokens)

    @app_commands.command(
        extras={"example": "/generate prompt:Write an email apologizing to Sarah temperature:0.8 seed:7"}
    )
    @app_commands.describe(
        prompt="The text to continue, for example: Write an email apologizing to Sarah",
        max_new_tokens="How many tokens to write at most",
        temperature="0 always takes the likeliest token (greedy); 0.7 varies; above 1 gets wild",
        top_p="Choose among the likeliest tokens that share this much probability; 1 means all",
        seed="The same seed and options give the same text again; left out, I choose one and show it",
    )
    async def generate(
        self,
        interaction: Interaction,
        prompt: Range[str, 1, 6000],
        max_new_tokens: Range[int, 1, 8192] | None = None,
        temperature: Range[float, 0.0, 2.0] = 0.0,
        top_p: Range[float, 0.01, 1.0] = 1.0,
        seed: Range[int, 0, 4294967295] | None = None,
    ) -> None:
        """Let the language model continue a text, token by token."""
        tokens = self._validated(prompt, max_new_tokens)
        await self.answer(
            interaction,
            Question(prompt, tokens, temperature, top_p, random_seed() if seed is None else seed),
        )

    async def answer(self, interaction: Interaction, question: Question) -> None:
        """Write in view of everybody until the text ends, somebody stops it, or there is no time left."""
        loop = asyncio.get_running_loop()
        prompt, before, written = question.prompt, question.text, ""

        def show(text: str) -> None:
            nonlocal written
            first, written = not settled(before + written).strip(), text
            content = messages.writing(prompt, before + text)
            editor.show(content=content, at_once=first and bool(settled(before + text).strip()))

        def place(position: int) -> None:
            if not written:
                editor.show(content=messages.waiting(prompt, position, loading=self._loading()))

        def work(job: Job, model: LanguageModel) -> Generation:
            return _continued(
                question,
                job,
                model,
                user=interaction.user.id,
                on_text=lambda text: loop.call_soon_threadsafe(show, text),
                # Where the cache has no room for it yet, a text that runs waits once more.
                on_position=lambda position: loop.call_soon_threadsafe(place, position),
            )

        ticket: Ticket[Generation] = self.bot.ask(
            interaction, "language", work, timeout=self._seconds(interaction)
        )
        editor = Editor(interaction.edit_original_response, on_gone=ticket.cancel)
        editor.show(view=Buttons(Stop(interaction.user.id, interaction.id)))
        place(ticket.position)
        ticket.on_position(place)
        self.running[interaction.id] = ticket
        forget = self.bot.at_shutdown(
            lambda: editor.show(content=messages.ending(prompt, before + written), at_once=True)
        )
        view: Buttons | None = None
        try:
            await interaction.response.defer(thinking=True)
            editor.start()
            try:
                result = await ticket
                answer = messages.generation(result, question.temperature, before)
                # What is kept for the buttons goes with the process.
                view = None if self.bot.stopping.is_set() else self._looking(question, result)
            except (Cancelled, Stopped) as nothing:
                answer = messages.unwritten(prompt, before + written, str(nothing))
            except Exception:
                # The failure itself is for the asker alone; everybody else keeps what was written.
                if written.strip():
                    why = "This text could not be written to its end."
                    broken = messages.unwritten(prompt, before + written, why)
                    await editor.finish(lambda: {**broken.message(), "view": None})
                else:
                    await editor.close()
                    with contextlib.suppress(discord.HTTPException):
                        await interaction.delete_original_response()
                raise
            await editor.finish(lambda: {**answer.message(), "view": view})
        finally:
            ticket.cancel()
            forget()
            del self.running[interaction.id]

    def _looking(self, question: Question, result: Generation) -> Buttons:
        """The buttons under a finished text: what it consists of, why it is as it is, and how it goes on."""
        number = self.answered.keep(Answered(question, result))
        items: list[OpenButton] = [Tokens(number)]
        if result.steps:
            items.append(Why(number))
        if result.finish not in {"eos", "context"}:
            items.append(Continue(number))
        return Buttons(*items, Again(number))

    async def go_on(self, interaction: Interaction, number: int) -> None:
        asked = self.answered.get(number)
        result = asked.result
        question = replace(
            asked.question,
            written=(*asked.question.written, *result.output_ids),
            text=asked.question.text + result.text,
            model=result.model,
        )
        await self.answer(interaction, question)

    async def once_more(self, interaction: Interaction, number: int) -> None:
        question = self.answered.get(number).question
        # Greedily the same text would come again.
        temperature = question.temperature or LIVELY
        await self.answer(interaction, replace(question, temperature=temperature, seed=random_seed()))

    def _validated(self, prompt: str, max_new_tokens: int | None) -> int:
        """The number of tokens to write; raises Refused for what cannot be continued."""
        limits, language = self.bot.settings.limits, self.bot.settings.language
        if not prompt.strip():
            raise Refused("The prompt is empty. Write the beginning of a text, and I go on with it.")
        if len(prompt) > limits.prompt_characters:
            raise Refused(
                f"The prompt may have at most {count(limits.prompt_characters, 'character')};"
                f" yours has {len(prompt):,}."
            )
        if language is None:
            raise Refused("No language model is set up here, so I cannot write. Try /help for what I can do.")
        if max_new_tokens is None:
            return min(language.default_new_tokens, language.max_new_tokens)
        if max_new_tokens > language.max_new_tokens:
            raise Refused(
                f"I write at most {count(language.max_new_tokens, 'token')} at a time. Ask for fewer."
            )
        return max_new_tokens

    def _loading(self) -> bool:
        return any(status.state is State.LOADING for status in self.bot.hub.status("language"))

    def _seconds(self, interaction: Interaction) -> float:
        """Time for the answer: the lane's own, or what Discord leaves for it."""
        age = (discord.utils.utcnow() - interaction.created_at).total_seconds()
        left = TOKEN_LIFE - SPARE - age
        if not 0 < left <= TOKEN_LIFE - SPARE:  # a clock is off: that must not end every text at once
            left = TOKEN_LIFE - SPARE
        return min(left, self.bot.settings.lanes.language.timeout)
