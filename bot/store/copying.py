"""Copying everything from one database to another: counted, verified, and resumable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnClause, Table, TableClause, Text, TypeDecorator, column, func, select, tuple_
from sqlalchemy import table as table_clause
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.failures import CopyDiffers
from bot.store.database import Database
from bot.store.postgresql import go_on_numbering
from bot.store.tables import metadata, without_nul

BATCH = 1000
"""Rows in one transaction."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the table, its number of copied rows, and the total."""


async def copy(source: Database, target: Database, progress: Progress) -> Mapping[str, int]:
    """Copy all tables from SQLite to PostgreSQL; returns the number of rows by table.

    Existing rows stay unchanged, so an interrupted copy can be resumed. Each batch is read back and compared before it
    is committed. `source` is locked against changes. Raises CopyDiffers if the target contains anything else, and
    DatabaseUnusable if one of the databases fails.
    """
    async with source.transaction(alone=True) as reading:
        return {
            table.name: await _copy_table(reading, target, table, progress)
            for table in metadata.sorted_tables
        }


async def _copy_table(reading: AsyncConnection, target: Database, table: Table, progress: Progress) -> int:
    plain, keys = _plain(table)
    key = tuple_(*keys)
    everything = (await reading.execute(select(func.count()).select_from(plain))).scalar_one()
    following = select(plain).order_by(*keys).limit(BATCH)
    copied = 0
    rows = await _records(reading, following)
    while rows:
        first, last = (tuple_(*(row[one.name] for one in keys)) for row in (rows[0], rows[-1]))
        async with target.transaction() as writing:
            await writing.execute(target.insert_new(plain), rows)
            there = select(plain).where(key >= first, key <= last).order_by(*keys)
            if await _records(writing, there) != rows:
                raise CopyDiffers(database=target.name, table=table.name)
        copied += len(rows)
        progress(table.name, copied, everything)
        rows = await _records(reading, following.where(key > last))
    async with target.transaction() as writing:
        if (await writing.execute(select(func.count()).select_from(plain))).scalar_one() != copied:
            raise CopyDiffers(database=target.name, table=table.name)
        if table.autoincrement_column is not None:
            await go_on_numbering(writing, table.name, *keys)
    return copied


def _plain(table: Table) -> tuple[TableClause, list[ColumnClause[Any]]]:
    """The table with its raw stored values, without conversions that round; and the columns that order it."""
    columns: dict[str, ColumnClause[Any]] = {
        one.name: column(one.name, Text() if isinstance(one.type, TypeDecorator) else one.type)
        for one in table.columns
    }
    return table_clause(table.name, *columns.values()), [columns[one.name] for one in table.primary_key]


async def _records(connection: AsyncConnection, question: Any) -> Sequence[dict[str, Any]]:
    rows = (await connection.execute(question)).mappings()
    return [
        {name: without_nul(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]
