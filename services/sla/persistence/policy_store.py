"""Policies and their versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from services.sla.domain.errors import (
    NameTakenError,
    PolicyChangedError,
    PolicyNotFoundError,
    PolicyVersionNotFoundError,
)
from services.sla.persistence.tables import policies, policy_versions
from shared.db.statements import Composed, insert, statement
from shared.db.work import Session, Work

_ADD = statement(insert(policies))
_ADD_VERSION = statement(insert(policy_versions))
_ID = sa.bindparam("policy_id", type_=sa.Uuid)
_LOCK = statement(sa.select(policies).where(policies.c.id == _ID).with_for_update())
_BUMP = statement(sa.update(policies).where(policies.c.id == _ID).values(version=policies.c.version + 1))
_GET = statement(sa.select(policies).where(policies.c.id == _ID))
_LATEST = statement(
    sa.select(policy_versions, policies.c.name)
    .join(policies, policies.c.id == policy_versions.c.policy_id)
    .where(policy_versions.c.policy_id == _ID)
    .order_by(policy_versions.c.number.desc())
    .limit(1)
)
_VERSION = statement(
    sa.select(policy_versions, policies.c.name)
    .join(policies, policies.c.id == policy_versions.c.policy_id)
    .where(
        policy_versions.c.policy_id == _ID,
        policy_versions.c.number == sa.bindparam("number", type_=sa.Integer),
    )
)


def _page(after: bool) -> sa.Select[Any]:
    query = sa.select(policies).order_by(policies.c.name).limit(sa.bindparam("limit", type_=sa.Integer))
    return query.where(policies.c.name > sa.bindparam("after", type_=sa.Text)) if after else query


def _version_page(after: bool) -> sa.Select[Any]:
    query = (
        sa.select(policy_versions, policies.c.name)
        .join(policies, policies.c.id == policy_versions.c.policy_id)
        .where(policy_versions.c.policy_id == _ID)
        .order_by(policy_versions.c.number)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    if after:
        query = query.where(policy_versions.c.number > sa.bindparam("after", type_=sa.Integer))
    return query


_PAGE = Composed(_page)
_VERSION_PAGE = Composed(_version_page)


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy: its name and how many versions it has (`version` is behind the ETag)."""

    id: UUID
    name: str
    version: int
    created_at: datetime


async def add(work: Work, policy_id: UUID, name: str) -> StoredPolicy:
    """Raises `NameTakenError`."""
    try:
        await work.execute(_ADD, id=policy_id, name=name, version=1, created_at=work.now)
    except asyncpg.UniqueViolationError:
        raise NameTakenError(f"There is a policy named {name} already.") from None
    return StoredPolicy(policy_id, name, 1, work.now)


async def lock(work: Work, policy_id: UUID, expected_version: int) -> StoredPolicy:
    """Raises `PolicyNotFoundError`, `PolicyChangedError`."""
    found = _policy(await work.fetch_one(_LOCK, policy_id=policy_id))
    if found.version != expected_version:
        raise PolicyChangedError
    return found


async def bump(work: Work, policy_id: UUID) -> None:
    await work.execute(_BUMP, policy_id=policy_id)


async def add_version(work: Work, **columns: Any) -> None:
    await work.execute(_ADD_VERSION, **columns, created_at=work.now, created_by=str(work.actor))


async def get(session: Session, policy_id: UUID) -> StoredPolicy:
    """Raises `PolicyNotFoundError`."""
    return _policy(await session.fetch_one(_GET, policy_id=policy_id))


async def latest(session: Session, policy_id: UUID) -> Any:
    """The row of the newest version. Raises `PolicyNotFoundError`."""
    row = await session.fetch_one(_LATEST, policy_id=policy_id)
    if row is None:
        raise PolicyNotFoundError
    return row


async def version(session: Session, policy_id: UUID, number: int) -> Any:
    """The row of one version. Raises `PolicyVersionNotFoundError`."""
    row = await session.fetch_one(_VERSION, policy_id=policy_id, number=number)
    if row is None:
        raise PolicyVersionNotFoundError
    return row


async def page(session: Session, *, after: str | None, limit: int) -> list[StoredPolicy]:
    """By name."""
    given = {} if after is None else {"after": after}
    return [_policy(row) for row in await session.fetch_all(_PAGE(after is not None), limit=limit, **given)]


async def version_page(session: Session, policy_id: UUID, *, after: int | None, limit: int) -> list[Any]:
    """Rows of versions, oldest first. Raises `PolicyNotFoundError`."""
    await get(session, policy_id)
    given = {} if after is None else {"after": after}
    return await session.fetch_all(
        _VERSION_PAGE(after is not None), policy_id=policy_id, limit=limit, **given
    )


def _policy(row: Any) -> StoredPolicy:
    if row is None:
        raise PolicyNotFoundError
    return StoredPolicy(row["id"], row["name"], row["version"], row["created_at"])
