"""A text that a group writes on together: its buttons and menus, which work after any restart, and its votes."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self
from weakref import WeakValueDictionary

import discord

from bot.admins import manages_server
from bot.client import Interaction
from bot.failures import Refused
from bot.store import Board, Round
from cogs.next import messages
from cogs.shared.asking import caller, drawn
from cogs.shared.buttons import NOBODY, Button, Buttons, DynamicItem, ReportingItem, ReportingMenu
from cogs.shared.looking import token_name, view_of
from cogs.shared.reply import show as show_reply
from cogs.shared.sheet import shown
from cogs.shared.text import CHOICE, clip, code, percent
from models.results import NextToken
from models.sampling import UNCHANGED, Sampling
from models.service import AskNext
from texts import say

TEMPERATURES = (0.0, 0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0)
TOP_KS = (0, 1, 2, 3, 5, 10, 20, 50, 100)
TOP_PS = (0.95, 0.9, 0.8, 0.5)
MIN_PS = (0.02, 0.05, 0.1, 0.3)
_ID = r"(?P<board>\d+):(?P<version>\d+)"


class BoardGone(Refused):
    """The board was deleted by the person who started it, or after long inactivity."""


class BoardLocked(Refused):
    """Only the person who started the board may change it at the moment."""


class NotYourBoard(Refused):
    """Only the person who started the board, or someone who manages the server, may lock and unlock it."""


class BoardChanged(Refused):
    """Someone else changed the board first."""


class NoVotes(Refused):
    """No one has voted for the next token yet."""


_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
"""One for each board that is being changed, so that the newest state is the last to be shown."""


async def look(interaction: Interaction, board: Board) -> NextToken:
    """Show the possible next tokens on a board."""
    request = AskNext(caller(interaction), board.text, board.sampling, taken=board.taken, model=board.model)
    return await interaction.client.service.inside.next(request)


def named(board: Board, seen: NextToken) -> Board:
    """The board with the model that provides its tokens."""
    return replace(board, model=seen.reading.model)


async def show(interaction: Interaction, board: Board, seen: NextToken, said: str = "") -> None:
    """Show a board with its controls; `said` describes the latest change."""
    votes = sum((await interaction.client.store.boards.votes(board)).values()) if board.voting else 0
    reply = await drawn(interaction, lambda: messages.board(board, seen, said, votes))
    await show_reply(interaction, reply, view=Buttons(*_items(board, seen)))


class BoardItem:
    """The common part of a board's buttons and menus: the board, the version they were shown for, and permissions."""

    board_id: int
    version: int

    async def change(self, interaction: Interaction) -> None:
        """Apply this item's change and show the resulting board."""
        store = interaction.client.store.boards
        lock = _locks.setdefault(self.board_id, asyncio.Lock())
        async with lock:
            board = await store.get(self.board_id)
            if board is None:
                raise BoardGone
            self.check(interaction, board)
            await interaction.response.defer()
            late = board.version != self.version
            said = ""
            if not late:
                after, said = await self.decided(interaction, board)
                kept = await store.change(board, after)
                late = kept is None
                board = kept or await store.get(self.board_id) or board
            await show(interaction, board, await look(interaction, board), said)
        if late:
            raise BoardChanged

    def check(self, interaction: Interaction, board: Board) -> None:
        """Raises Refused if this person may not use the item."""
        if board.locked and interaction.user.id != board.user_id:
            raise BoardLocked

    async def decided(self, _interaction: Interaction, board: Board, /) -> tuple[Board, str]:
        """The board after the change, and a description of the change."""
        return self.changed(board), ""

    def changed(self, board: Board) -> Board:
        """The board after a change that needs neither a model nor votes."""
        raise NotImplementedError


class BoardButton(BoardItem, ReportingItem[Button], template=NOBODY):
    name: ClassVar[str]
    emoji: ClassVar[str | None] = None
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, board_id: int, version: int) -> None:
        label = say(f"board-{self.name}")
        custom_id = f"board-{self.name}:{board_id}:{version}"
        super().__init__(Button(label=label, emoji=self.emoji, style=self.style, custom_id=custom_id))
        self.board_id, self.version = board_id, version

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["board"]), int(match["version"]))

    async def pressed(self, interaction: Interaction) -> None:
        await self.change(interaction)


class Draw(BoardButton, template=f"board-draw:{_ID}"):
    """Samples a token from the model with the current settings."""

    name = "draw"
    emoji = "🎲"

    async def decided(self, interaction: Interaction, board: Board, /) -> tuple[Board, str]:
        seed = random.SystemRandom().getrandbits(32)
        seen = await look(interaction, replace(board, sampling=replace(board.sampling, seed=seed)))
        if seen.drawn is None:
            return board, ""
        token = seen.drawn
        said = say("board-drawn", token=token_name(token.piece), share=percent(token.kept))
        return replace(board, taken=(*board.taken, token.piece.id)), said


class Undo(BoardButton, template=f"board-undo:{_ID}"):
    name = "undo"

    def changed(self, board: Board) -> Board:
        return replace(board, taken=board.taken[:-1])


class StartVote(BoardButton, template=f"board-vote:{_ID}"):
    """Starts a game: the group votes for each token without seeing the model's probabilities."""

    name = "vote"
    emoji = "🗳️"

    def changed(self, board: Board) -> Board:
        return replace(board, voting=True, rounds=())


class CountVotes(BoardButton, template=f"board-count:{_ID}"):
    """Takes the token with the most votes; ties go to the most likely one."""

    name = "count"
    style = discord.ButtonStyle.primary

    async def decided(self, interaction: Interaction, board: Board, /) -> tuple[Board, str]:
        votes = await interaction.client.store.boards.votes(board)
        if not votes:
            raise NoVotes
        seen = await look(interaction, replace(board, sampling=UNCHANGED))
        options = {option.piece.id: option for option in seen.options}
        likeliest = seen.options[0]
        known = [number for number in votes if number in options]
        if not known:
            raise NoVotes
        chosen = options[max(known, key=lambda number: (votes[number], options[number].probability))]
        this = Round(chosen.piece.id, chosen.probability, likeliest.piece.id, likeliest.probability)
        rounds = (*board.rounds, this)
        said = messages.counted(rounds, chosen, likeliest, votes)
        return replace(board, taken=(*board.taken, chosen.piece.id), rounds=rounds), said


class EndVote(BoardButton, template=f"board-end:{_ID}"):
    name = "end"

    async def decided(self, _interaction: Interaction, board: Board, /) -> tuple[Board, str]:
        return replace(board, voting=False, rounds=()), messages.score(board.rounds)


class _LockButton(BoardButton, template=NOBODY):
    def check(self, interaction: Interaction, board: Board) -> None:
        if interaction.user.id != board.user_id and not manages_server(interaction):
            raise NotYourBoard


class Lock(_LockButton, template=f"board-lock:{_ID}"):
    name = "lock"
    emoji = "🔒"

    def changed(self, board: Board) -> Board:
        return replace(board, locked=True)


class Unlock(_LockButton, template=f"board-unlock:{_ID}"):
    name = "unlock"
    emoji = "🔓"

    def changed(self, board: Board) -> Board:
        return replace(board, locked=False)


class Layers(BoardButton, template=f"board-layers:{_ID}"):
    """Opens the text so far in the logit lens, in a new message."""

    name = "layers"

    async def pressed(self, interaction: Interaction) -> None:
        board = await interaction.client.store.boards.get(self.board_id)
        if board is None:
            raise BoardGone
        seen = await look(interaction, board)
        await view_of(interaction, "lens").look(interaction, board.text + seen.added)


class BoardMenu(BoardItem, ReportingMenu, template=NOBODY):
    name: ClassVar[str]

    def __init__(
        self,
        board_id: int,
        version: int,
        options: Sequence[discord.SelectOption] = (),
        least: int = 1,
        most: int = 1,
    ) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id=f"board-{self.name}:{board_id}:{version}",
                placeholder=say(f"board-{self.name}"),
                options=list(options),
                min_values=least,
                max_values=most,
            )
        )
        self.board_id, self.version = board_id, version

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["board"]), int(match["version"]))

    async def pressed(self, interaction: Interaction) -> None:
        await self.change(interaction)


class Take(BoardMenu, template=f"board-take:{_ID}"):
    name = "take"

    def changed(self, board: Board) -> Board:
        return replace(board, taken=(*board.taken, int(self.item.values[0])))


class Temperature(BoardMenu, template=f"board-temperature:{_ID}"):
    name = "temperature"

    def changed(self, board: Board) -> Board:
        return replace(board, sampling=replace(board.sampling, temperature=float(self.item.values[0])))


class TopK(BoardMenu, template=f"board-top-k:{_ID}"):
    name = "top-k"

    def changed(self, board: Board) -> Board:
        return replace(board, sampling=replace(board.sampling, top_k=int(self.item.values[0])))


class Cuts(BoardMenu, template=f"board-cuts:{_ID}"):
    """top_p and min_p in one menu; one value of each may be chosen. If there are several, the strictest applies."""

    name = "cuts"

    def changed(self, board: Board) -> Board:
        chosen = [(name, float(value)) for name, _, value in (one.partition("=") for one in self.item.values)]
        top_p = min((value for name, value in chosen if name == "top_p"), default=1.0)
        min_p = max((value for name, value in chosen if name == "min_p"), default=0.0)
        return replace(board, sampling=replace(board.sampling, top_p=top_p, min_p=min_p))


class Vote(BoardMenu, template=f"board-choose:{_ID}"):
    """A person's vote for the next token. Only the number of votes on the board changes."""

    name = "choose"

    async def pressed(self, interaction: Interaction) -> None:
        store = interaction.client.store.boards
        board = await store.get(self.board_id)
        if board is None:
            raise BoardGone
        if board.version != self.version or not board.voting:
            raise BoardChanged
        token = int(self.item.values[0])
        await store.vote(board, interaction.user.id, token)
        votes = sum((await store.votes(board)).values())
        message = interaction.message
        embed = message.embeds[0] if message and message.embeds else None
        if embed is None:
            await interaction.response.defer()
        else:
            embed.set_footer(text=say("board-votes", votes=votes))
            await interaction.response.edit_message(embed=embed)
        label = next(
            (option.label for option in self.item.options if option.value == self.item.values[0]), ""
        )
        await interaction.followup.send(say("board-your-vote", token=code(label)), ephemeral=True)


BUTTONS: tuple[type[BoardButton], ...] = (
    Draw,
    Undo,
    StartVote,
    CountVotes,
    EndVote,
    Lock,
    Unlock,
    Layers,
)
MENUS: tuple[type[BoardMenu], ...] = (Take, Temperature, TopK, Cuts, Vote)


def _items(board: Board, seen: NextToken) -> list[DynamicItem]:
    """The controls of a board, at most five rows."""
    number, version = board.id, board.version
    lock = (Unlock if board.locked else Lock)(number, version)
    if board.voting:
        # Alphabetical order reveals nothing about the model's probabilities.
        options = sorted(seen.options, key=lambda option: (shown(option.piece).casefold(), option.piece.id))
        chosen = [_option(shown(option.piece), option.piece.id) for option in options]
        return [
            Vote(number, version, chosen),
            CountVotes(number, version),
            EndVote(number, version),
            lock,
        ]
    tokens = [
        _option(
            shown(option.piece),
            option.piece.id,
            say("board-option", share=percent(option.probability), id=option.piece.id),
        )
        for option in seen.options
    ]
    items: list[DynamicItem] = [
        Take(number, version, tokens),
        Temperature(number, version, _temperatures(board.sampling)),
        TopK(number, version, _top_ks(board.sampling)),
        Cuts(number, version, *_cuts(board.sampling)),
        Draw(number, version),
    ]
    if board.taken:
        items.append(Undo(number, version))
    return [*items, StartVote(number, version), lock, Layers(number, version)]


def _option(label: str, value: object, about: str = "", *, default: bool = False) -> discord.SelectOption:
    return discord.SelectOption(
        label=clip(label, CHOICE) or "∅", value=str(value), description=about or None, default=default
    )


def _with(values: tuple[float, ...], current: float) -> list[float]:
    """The values of a menu, with the current one added if it is not among them."""
    return sorted({*values, current})


def _temperatures(sampling: Sampling) -> list[discord.SelectOption]:
    return [
        _option(
            say("board-temperature-value", value=value),
            value,
            say("board-temperature-greedy") if not value else "",
            default=value == sampling.temperature,
        )
        for value in _with(TEMPERATURES, sampling.temperature)
    ]


def _top_ks(sampling: Sampling) -> list[discord.SelectOption]:
    return [
        _option(
            say("board-top-k-value", value=int(value)) if value else say("board-top-k-all"),
            int(value),
            default=value == sampling.top_k,
        )
        for value in _with(TOP_KS, sampling.top_k)
    ]


def _cuts(sampling: Sampling) -> tuple[list[discord.SelectOption], int, int]:
    def options(name: str, values: list[float], current: float) -> list[discord.SelectOption]:
        return [
            _option(say("board-cut", name=name, value=value), f"{name}={value}", default=value == current)
            for value in values
        ]

    top_ps = [value for value in _with(TOP_PS, sampling.top_p) if value < 1]
    min_ps = [value for value in _with(MIN_PS, sampling.min_p) if value > 0]
    return (
        options("top_p", top_ps[::-1], sampling.top_p) + options("min_p", min_ps, sampling.min_p),
        0,
        2,
    )
