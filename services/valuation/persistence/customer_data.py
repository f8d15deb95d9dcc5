"""A customer's rows in all tables: merged, erased and exported as `customer_holdings.py` declares."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence.customer_holdings import HOLDINGS, Holding
from shared.db.statements import Statement, statement
from shared.db.work import Session, Work

_TOO_MANY = statement(
    sa.text(
        "SELECT count(*) > CAST(:most AS bigint) FROM (SELECT FROM transactions"
        " WHERE customer_id = CAST(:customer_id AS uuid) LIMIT CAST(:most AS bigint) + 1) AS found"
    )
)
_POINT_ROWS = statement(
    sa.text(
        "UPDATE import_rows SET customer_id = CAST(:customer_id AS uuid), customer_external_id = NULL"
        " WHERE customer_external_id = ANY(CAST(:names AS text[]))"
    )
)
_BLANK_STEPS = statement(
    sa.text(
        "UPDATE tier_contest_steps SET reason = NULL WHERE reason IS NOT NULL AND contest_id IN"
        " (SELECT id FROM tier_contests WHERE customer_id = ANY(CAST(:ids AS uuid[])))"
    )
)
_REPLACE_MESSAGES = statement(
    sa.text(
        "UPDATE import_rejections SET message = 'the customer was erased'"
        " WHERE message = ANY(SELECT 'there is no customer ' || name FROM unnest(CAST(:names AS text[])) AS name)"
    )
)


async def has_more_transactions(session: Session, customer_id: UUID, most: int) -> bool:
    """Whether the customer's ledger has more than `most` rows; reads no more than that."""
    return bool(await session.fetch_value(_TOO_MANY, customer_id=customer_id, most=most))


async def merge(work: Work, merged_id: UUID, survivor_id: UUID) -> dict[str, int]:
    """Move, add or drop the rows of a merged account; how many of which table were moved or added."""
    moved = {}
    for holding in HOLDINGS:
        name = holding.table.name
        if name in _MOVE:
            count = await work.execute(_MOVE[name], merged=merged_id, survivor=survivor_id)
            if count:
                moved[name] = count
        if holding.on_merge != "leave":
            await work.execute(_DELETE[name], ids=[merged_id])
    return moved


async def erase(work: Work, customer_ids: Sequence[UUID], external_ids: Sequence[str]) -> dict[str, int]:
    """Delete or blank the rows of a customer and of the accounts merged into it; how many of which table.

    customer_ids   the customer's first
    external_ids   what imports may still call it
    """
    erased = {}
    for holding in HOLDINGS:
        name = holding.table.name
        if holding.on_erasure != "keep":
            wanted = _DELETE if holding.on_erasure == "delete" else _BLANK
            erased[name] = await work.execute(wanted[name], ids=list(customer_ids))
    erased["tier_contest_steps"] = await work.execute(_BLANK_STEPS, ids=list(customer_ids))
    erased["import_rows"] = await work.execute(
        _POINT_ROWS, customer_id=customer_ids[0], names=list(external_ids)
    )
    erased["import_rejections"] = await work.execute(_REPLACE_MESSAGES, names=list(external_ids))
    return {name: count for name, count in erased.items() if count}


async def read_all(session: Session, customer_ids: Sequence[UUID], most: int) -> dict[str, list[Any]]:
    """All rows of a customer by table, at most `most` of each; without who of the staff wrote them."""
    return {
        holding.table.name: await session.fetch_all(
            _READ[holding.table.name], ids=list(customer_ids), most=most
        )
        for holding in HOLDINGS
    }


def _move(holding: Holding) -> Statement:
    table, by = holding.table.name, holding.by
    keys = [column.name for column in holding.table.primary_key]
    taken = ""
    if by in keys:
        same = "".join(f" AND own.{key} = t.{key}" for key in keys if key != by)
        taken = f" AND NOT EXISTS (SELECT FROM {table} AS own WHERE own.{by} = CAST(:survivor AS uuid){same})"
    return statement(
        sa.text(
            f"UPDATE {table} AS t SET {by} = CAST(:survivor AS uuid)"  # noqa: S608 - names of our own tables
            f" WHERE t.{by} = CAST(:merged AS uuid){taken}"
        )
    )


def _add(holding: Holding) -> Statement:
    table, by = holding.table.name, holding.by
    keys = [column.name for column in holding.table.primary_key]
    others = [column.name for column in holding.table.columns if column.name != by]
    sums = ", ".join(f"{name} = t.{name} + excluded.{name}" for name in others if name not in keys)
    return statement(
        sa.text(
            f"INSERT INTO {table} AS t ({by}, {', '.join(others)})"  # noqa: S608 - names of our own tables
            f" SELECT CAST(:survivor AS uuid), {', '.join(others)} FROM {table} WHERE {by} = CAST(:merged AS uuid)"
            f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sums}"
        )
    )


def _delete(holding: Holding) -> Statement:
    return statement(
        sa.text(
            f"DELETE FROM {holding.table.name} WHERE {holding.by} = ANY(CAST(:ids AS uuid[]))"  # noqa: S608
        )
    )


def _blank(holding: Holding) -> Statement:
    blanks = ", ".join(f"{name} = {_blank_value(holding.table.c[name])}" for name in holding.personal)
    return statement(
        sa.text(
            f"UPDATE {holding.table.name} SET {blanks}"  # noqa: S608 - names of our own tables
            f" WHERE {holding.by} = ANY(CAST(:ids AS uuid[]))"
        )
    )


def _blank_value(column: sa.Column[Any]) -> str:
    if column.nullable:
        return "NULL"
    return "'[]'::jsonb" if isinstance(column.type, JSONB) else "''"


def _read(holding: Holding) -> Statement:
    names = ", ".join(column.name for column in holding.table.columns if not column.name.endswith("_by"))
    key = ", ".join(column.name for column in holding.table.primary_key)
    return statement(
        sa.text(
            f"SELECT {names} FROM {holding.table.name}"  # noqa: S608 - names of our own tables
            f" WHERE {holding.by} = ANY(CAST(:ids AS uuid[])) ORDER BY {key} LIMIT CAST(:most AS bigint)"
        )
    )


_MOVE = {one.table.name: _move(one) for one in HOLDINGS if one.on_merge == "move"}
_MOVE |= {one.table.name: _add(one) for one in HOLDINGS if one.on_merge == "add"}
_DELETE = {one.table.name: _delete(one) for one in HOLDINGS}
_BLANK = {one.table.name: _blank(one) for one in HOLDINGS if one.on_erasure == "blank"}
_READ = {one.table.name: _read(one) for one in HOLDINGS}
