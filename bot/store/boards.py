"""Texts that a group continues token by token, with everyone's votes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from bot.store.database import Database
from bot.store.tables import boards, votes
from models.sampling import UNCHANGED, Sampling

KEPT = timedelta(days=30)
"""How long a board is kept after its last change."""


@dataclass(frozen=True, slots=True)
class Round:
    """A token that a group voted for, and the model's most likely token, each with its probability."""

    chosen: int
    chosen_probability: float
    likeliest: int
    likeliest_probability: float


@dataclass(frozen=True, slots=True)
class Board:
    """`taken` are the ids of `model` after `text`. `version` increases with every change. Only `user_id` can change a
    `locked` board.
    """

    id: int
    user_id: int
    text: str
    model: str = ""
    taken: tuple[int, ...] = ()
    sampling: Sampling = UNCHANGED
    locked: bool = False
    voting: bool = False
    rounds: tuple[Round, ...] = ()
    version: int = 0


class Boards:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, board: Board) -> None:
        """Store a new board; boards unchanged for a long time are deleted."""
        old = datetime.now(UTC) - KEPT
        await self._database.write(
            delete(boards).where(boards.c.since < old), insert(boards).values(id=board.id, **_row(board))
        )

    async def get(self, board_id: int) -> Board | None:
        rows = await self._database.read(
            select(*(boards.c[name] for name in _NAMES)).where(boards.c.id == board_id)
        )
        return _board(dict(zip(_NAMES, rows[0], strict=True))) if rows else None

    async def change(self, before: Board, after: Board) -> Board | None:
        """Replace `before` with `after`; None if someone else changed the board in between. Votes for earlier steps no
        longer count.
        """
        after = replace(after, version=before.version + 1)
        (changed,) = await self._database.write(
            update(boards)
            .where(boards.c.id == before.id, boards.c.version == before.version)
            .values(**_row(after))
        )
        return after if changed else None

    async def vote(self, board: Board, user_id: int, token_id: int) -> None:
        """A person's vote for the next token; it replaces an earlier one."""
        await self._database.write(
            delete(votes).where(votes.c.board_id == board.id, votes.c.user_id == user_id),
            insert(votes).values(
                board_id=board.id, user_id=user_id, step=len(board.taken), token_id=token_id
            ),
        )

    async def votes(self, board: Board) -> Mapping[int, int]:
        """The number of votes for each token at the board's current step."""
        rows = await self._database.read(
            select(votes.c.token_id, func.count())
            .where(votes.c.board_id == board.id, votes.c.step == len(board.taken))
            .group_by(votes.c.token_id)
        )
        return {int(token): int(count) for token, count in rows}

    async def export(self, user_id: int) -> dict[str, list[dict[str, Any]]]:
        """The boards that a person started and their votes, as JSON values."""
        began = await self._database.read(
            select(boards.c.text, boards.c.model, boards.c.taken, boards.c.since).where(
                boards.c.user_id == user_id
            )
        )
        gave = await self._database.read(
            select(votes.c.board_id, votes.c.step, votes.c.token_id).where(votes.c.user_id == user_id)
        )
        return {
            "boards": [
                {"text": text, "model": model, "taken": json.loads(taken), "changed_at": since.isoformat()}
                for text, model, taken, since in began
            ],
            "votes": [{"board": str(board), "step": step, "token_id": token} for board, step, token in gave],
        }

    async def count(self, user_id: int) -> int:
        """The number of a person's boards."""
        (row,) = await self._database.read(
            select(func.count()).select_from(boards).where(boards.c.user_id == user_id)
        )
        return int(row[0])


_NAMES = tuple(column.name for column in boards.columns if column.name != "since")


def _row(board: Board) -> dict[str, Any]:
    return {
        "user_id": board.user_id,
        "version": board.version,
        "text": board.text,
        "model": board.model,
        "taken": json.dumps(board.taken),
        "rounds": json.dumps(
            [
                (one.chosen, one.chosen_probability, one.likeliest, one.likeliest_probability)
                for one in board.rounds
            ]
        ),
        "temperature": board.sampling.temperature,
        "top_k": board.sampling.top_k,
        "top_p": board.sampling.top_p,
        "min_p": board.sampling.min_p,
        "locked": board.locked,
        "voting": board.voting,
        "since": datetime.now(UTC),
    }


def _board(row: Mapping[str, Any]) -> Board:
    return Board(
        row["id"],
        row["user_id"],
        row["text"],
        row["model"],
        tuple(json.loads(row["taken"])),
        Sampling(row["temperature"], top_k=row["top_k"], top_p=row["top_p"], min_p=row["min_p"]),
        row["locked"],
        row["voting"],
        tuple(Round(*one) for one in json.loads(row["rounds"])),
        row["version"],
    )
