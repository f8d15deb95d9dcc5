"""The catalogue: policy and calendar versions, written once, kept in memory by every process."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.sla.domain.calendars import ResolvedCalendar
from services.sla.domain.catalogue import CalendarVersion, Catalogue
from services.sla.domain.policies import PolicyVersion
from services.sla.domain.policy_document import read_policy
from services.sla.persistence.tables import calendar_versions, calendars, catalogue, policies, policy_versions
from shared.db.statements import statement
from shared.db.work import Session, Work

_NEXT_REVISION = statement(
    sa.update(catalogue).values(revision=catalogue.c.revision + 1).returning(catalogue.c.revision)
)
_REVISION = statement(sa.select(catalogue.c.revision))
_POLICY_VERSIONS = statement(
    sa.select(policy_versions, policies.c.name)
    .join(policies, policies.c.id == policy_versions.c.policy_id)
    .where(
        policy_versions.c.revision > sa.bindparam("after", type_=sa.BigInteger),
        policy_versions.c.revision <= sa.bindparam("up_to", type_=sa.BigInteger),
    )
    .order_by(policy_versions.c.revision)
)
_CALENDAR_VERSIONS = statement(
    sa.select(calendar_versions, calendars.c.name)
    .join(calendars, calendars.c.id == calendar_versions.c.calendar_id)
    .where(
        calendar_versions.c.revision > sa.bindparam("after", type_=sa.BigInteger),
        calendar_versions.c.revision <= sa.bindparam("up_to", type_=sa.BigInteger),
    )
    .order_by(calendar_versions.c.revision)
)


class Catalogues:
    """The newest catalogue this process has seen. Versions never change, so only newer ones are ever read."""

    def __init__(self) -> None:
        self._policies: list[PolicyVersion] = []
        self._calendars: list[CalendarVersion] = []
        self._catalogue = Catalogue(0, (), ())
        self._turn = asyncio.Lock()

    async def at(self, session: Session, revision: int) -> Catalogue:
        """A catalogue that holds at least everything up to `revision`."""
        if self._catalogue.revision >= revision:
            return self._catalogue
        async with self._turn:
            if self._catalogue.revision < revision:
                await self._read_up_to(session, revision)
            return self._catalogue

    async def newest(self, session: Session) -> Catalogue:
        """The catalogue as it is now."""
        return await self.at(session, await session.fetch_value(_REVISION))

    async def _read_up_to(self, session: Session, revision: int) -> None:
        """Commit order is revision order, so all up to a visible revision is there; what this transaction
        itself may be adding above it is not committed, and not kept."""
        bounds = {"after": self._catalogue.revision, "up_to": revision}
        newer = await session.fetch_all(_POLICY_VERSIONS, **bounds)
        newer_calendars = await session.fetch_all(_CALENDAR_VERSIONS, **bounds)
        self._policies += [policy_version_of(row) for row in newer]
        self._calendars += [calendar_version_of(row) for row in newer_calendars]
        self._catalogue = Catalogue(revision, self._policies, self._calendars)


async def take_revision(work: Work) -> int:
    """The revision of a version that this transaction adds; others wait until it commits."""
    revision: int = await work.fetch_value(_NEXT_REVISION)
    return revision


def policy_version_of(row: Any) -> PolicyVersion:
    """Of a row with the policy's name."""
    content = read_policy(row["document"])
    calendar_id = row["document"].get("calendar_id")
    return PolicyVersion(
        id=row["id"],
        policy_id=row["policy_id"],
        name=row["name"],
        number=row["number"],
        agreement=content.agreement,
        match=content.match,
        calendar_id=None if calendar_id is None else UUID(calendar_id),
        targets=content.targets,
        effective_from=row["effective_from"],
        effective_until=row["effective_until"],
        revision=row["revision"],
    )


def calendar_version_of(row: Any) -> CalendarVersion:
    """Of a row with the calendar's name; nothing is asked of installed holiday or time-zone data."""
    effective_from: datetime = row["effective_from"]
    return CalendarVersion(
        id=row["id"],
        calendar_id=row["calendar_id"],
        name=row["name"],
        number=row["number"],
        effective_from=effective_from,
        revision=row["revision"],
        resolved=ResolvedCalendar.from_json(row["resolved"]),
    )
