"""Many rows in one statement: arrays, one a column, unnested by the database."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from shared.db.statements import Statement
from shared.db.work import Session

# Below it, a prepared statement's single round trip is cheaper.
COPIED_FROM = 20
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(table: sa.Table, *, suffix: str = "") -> Statement:
    """INSERT of many rows of `table`, all columns; `suffix` is ON CONFLICT or RETURNING as text.

    JSONB columns take JSON text: the driver would read a list of lists as an array of two dimensions.
    """
    names = [column.name for column in table.columns]
    listed = ", ".join(names)
    values = ", ".join(f"{name}::jsonb" if _is_json(table, name) else name for name in names)
    return Statement(
        f"INSERT INTO {table.name} ({listed}) "  # noqa: S608 - names of our own tables
        f"SELECT {values} FROM unnest({_places(table, names)}) AS r ({listed}) {suffix}",
        tuple(names),
        {},
    )


def update_rows(table: sa.Table, key: str, columns: Sequence[str]) -> Statement:
    """UPDATE of `columns` of many rows of `table`, each found by its `key` column."""
    names = [key, *columns]
    changes = ", ".join(f"{name} = r.{name}" for name in columns)
    return Statement(
        f"UPDATE {table.name} AS t SET {changes} "  # noqa: S608 - names of our own tables
        f"FROM unnest({_places(table, names)}) AS r ({', '.join(names)}) WHERE t.{key} = r.{key}",
        tuple(names),
        {},
    )


async def run_rows(
    session: Session, statement: Statement, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> int:
    """Run a statement of this module on `rows`, whose values stand in the order of `names`."""
    if not rows:
        return 0
    columns = zip(*rows, strict=True)
    return await session.execute(statement, **dict(zip(names, map(list, columns), strict=True)))


async def add_rows(
    session: Session, table: sa.Table, few: Statement, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows: by the statement `few`, or from some number on by COPY, which costs a third a row.

    Only for tables without JSONB, which COPY's binary form does not take.
    """
    if len(rows) < COPIED_FROM:
        await run_rows(session, few, names, rows)
        return
    await session.connection.copy_records_to_table(table.name, records=rows, columns=list(names))


def _places(table: sa.Table, names: Sequence[str]) -> str:
    types = [
        "text" if _is_json(table, name) else table.c[name].type.compile(dialect=_DIALECT) for name in names
    ]
    return ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1))


def _is_json(table: sa.Table, name: str) -> bool:
    return isinstance(table.c[name].type, postgresql.JSONB)
