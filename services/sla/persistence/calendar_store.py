"""Calendars and their versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from services.sla.domain.errors import (
    CalendarChangedError,
    CalendarNotFoundError,
    CalendarVersionNotFoundError,
    NameTakenError,
)
from services.sla.persistence.tables import calendar_versions, calendars
from shared.db.statements import Composed, insert, statement
from shared.db.work import Session, Work

_ADD = statement(insert(calendars))
_ADD_VERSION = statement(insert(calendar_versions))
_ID = sa.bindparam("calendar_id", type_=sa.Uuid)
_LOCK = statement(sa.select(calendars).where(calendars.c.id == _ID).with_for_update())
_BUMP = statement(sa.update(calendars).where(calendars.c.id == _ID).values(version=calendars.c.version + 1))
_GET = statement(sa.select(calendars).where(calendars.c.id == _ID))
_LATEST = statement(
    sa.select(calendar_versions, calendars.c.name)
    .join(calendars, calendars.c.id == calendar_versions.c.calendar_id)
    .where(calendar_versions.c.calendar_id == _ID)
    .order_by(calendar_versions.c.number.desc())
    .limit(1)
)
_VERSION = statement(
    sa.select(calendar_versions, calendars.c.name)
    .join(calendars, calendars.c.id == calendar_versions.c.calendar_id)
    .where(
        calendar_versions.c.calendar_id == _ID,
        calendar_versions.c.number == sa.bindparam("number", type_=sa.Integer),
    )
)


def _page(after: bool) -> sa.Select[Any]:
    query = sa.select(calendars).order_by(calendars.c.name).limit(sa.bindparam("limit", type_=sa.Integer))
    return query.where(calendars.c.name > sa.bindparam("after", type_=sa.Text)) if after else query


def _version_page(after: bool) -> sa.Select[Any]:
    query = (
        sa.select(calendar_versions, calendars.c.name)
        .join(calendars, calendars.c.id == calendar_versions.c.calendar_id)
        .where(calendar_versions.c.calendar_id == _ID)
        .order_by(calendar_versions.c.number)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    if after:
        query = query.where(calendar_versions.c.number > sa.bindparam("after", type_=sa.Integer))
    return query


_PAGE = Composed(_page)
_VERSION_PAGE = Composed(_version_page)


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """A calendar: its name and how many versions it has (`version` is behind the ETag)."""

    id: UUID
    name: str
    version: int
    created_at: datetime


async def add(work: Work, calendar_id: UUID, name: str) -> StoredCalendar:
    """Raises `NameTakenError`."""
    try:
        await work.execute(_ADD, id=calendar_id, name=name, version=1, created_at=work.now)
    except asyncpg.UniqueViolationError:
        raise NameTakenError(f"There is a calendar named {name} already.") from None
    return StoredCalendar(calendar_id, name, 1, work.now)


async def lock(work: Work, calendar_id: UUID, expected_version: int) -> StoredCalendar:
    """Raises `CalendarNotFoundError`, `CalendarChangedError`."""
    found = _calendar(await work.fetch_one(_LOCK, calendar_id=calendar_id))
    if found.version != expected_version:
        raise CalendarChangedError
    return found


async def bump(work: Work, calendar_id: UUID) -> None:
    await work.execute(_BUMP, calendar_id=calendar_id)


async def add_version(work: Work, **columns: Any) -> None:
    await work.execute(_ADD_VERSION, **columns, created_at=work.now, created_by=str(work.actor))


async def get(session: Session, calendar_id: UUID) -> StoredCalendar:
    """Raises `CalendarNotFoundError`."""
    return _calendar(await session.fetch_one(_GET, calendar_id=calendar_id))


async def latest(session: Session, calendar_id: UUID) -> Any:
    """The row of the newest version. Raises `CalendarNotFoundError`."""
    row = await session.fetch_one(_LATEST, calendar_id=calendar_id)
    if row is None:
        raise CalendarNotFoundError
    return row


async def version(session: Session, calendar_id: UUID, number: int) -> Any:
    """The row of one version. Raises `CalendarVersionNotFoundError`."""
    row = await session.fetch_one(_VERSION, calendar_id=calendar_id, number=number)
    if row is None:
        raise CalendarVersionNotFoundError
    return row


async def page(session: Session, *, after: str | None, limit: int) -> list[StoredCalendar]:
    """By name."""
    given = {} if after is None else {"after": after}
    return [_calendar(row) for row in await session.fetch_all(_PAGE(after is not None), limit=limit, **given)]


async def version_page(session: Session, calendar_id: UUID, *, after: int | None, limit: int) -> list[Any]:
    """Rows of versions, oldest first. Raises `CalendarNotFoundError`."""
    await get(session, calendar_id)
    given = {} if after is None else {"after": after}
    return await session.fetch_all(
        _VERSION_PAGE(after is not None), calendar_id=calendar_id, limit=limit, **given
    )


def _calendar(row: Any) -> StoredCalendar:
    if row is None:
        raise CalendarNotFoundError
    return StoredCalendar(row["id"], row["name"], row["version"], row["created_at"])
