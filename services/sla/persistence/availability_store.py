"""Availability objectives with their versions, breaches and alerts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.sla.domain.availability.errors import ObjectiveChangedError, ObjectiveNotFoundError
from services.sla.domain.availability.measurement import MonthlyAvailability
from services.sla.domain.availability.objective import Objective, ObjectiveVersion
from services.sla.domain.errors import NameTakenError
from services.sla.persistence.tables import (
    availability_alerts as alerts,
)
from services.sla.persistence.tables import (
    availability_breaches as breaches,
)
from services.sla.persistence.tables import (
    availability_objective_versions as versions,
)
from services.sla.persistence.tables import (
    availability_objectives as objectives,
)
from shared.db.statements import Composed, Statement, insert, statement
from shared.db.work import Session, Work

_AT = sa.DateTime(timezone=True)
_ID = sa.bindparam("objective_id", type_=sa.Uuid)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_OFFERING = sa.bindparam("offering", type_=sa.Text)
_ADD = statement(insert(objectives))
_ADD_VERSION = statement(insert(versions))
_GET = statement(sa.select(objectives).where(objectives.c.id == _ID))
_LOCK = statement(sa.select(objectives).where(objectives.c.id == _ID).with_for_update())
_VERSIONS = statement(
    sa.select(versions).where(versions.c.objective_id == sa.any_(_IDS)).order_by(versions.c.number)
)
_BUMP = statement(
    sa.update(objectives)
    .where(objectives.c.id == _ID)
    .values(version=objectives.c.version + 1, evaluate_at=sa.bindparam("now", type_=_AT))
)
_KNOWN = statement(sa.select(sa.exists().where(objectives.c.offering == _OFFERING)))
# Whoever reports something lowers the mark up to which breaches were looked for, and calls the worker.
_TOUCH = statement(
    sa.update(objectives)
    .where(objectives.c.offering == _OFFERING)
    .values(
        evaluated_until=sa.func.least(objectives.c.evaluated_until, sa.bindparam("since", type_=_AT)),
        evaluate_at=sa.func.least(objectives.c.evaluate_at, sa.bindparam("look_at", type_=_AT)),
    )
)
_DUE = objectives.c.evaluate_at.is_not(None)
_CLAIM = statement(
    sa.select(objectives)
    .where(_DUE, objectives.c.evaluate_at <= sa.bindparam("now", type_=_AT))
    .order_by(objectives.c.evaluate_at)
    .limit(sa.bindparam("limit", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_CLAIM_ONE = statement(
    sa.select(objectives)
    .where(objectives.c.id == _ID, objectives.c.evaluate_at <= sa.bindparam("now", type_=_AT))
    .with_for_update(skip_locked=True)
)
_DUE_IDS = statement(
    sa.select(objectives.c.id)
    .where(_DUE, objectives.c.evaluate_at <= sa.bindparam("now", type_=_AT))
    .order_by(objectives.c.evaluate_at)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_POSTPONE = statement(
    sa.update(objectives).where(objectives.c.id == _ID).values(evaluate_at=sa.bindparam("look_at", type_=_AT))
)
_NEXT = statement(sa.select(sa.func.min(objectives.c.evaluate_at)).where(_DUE))
_SAVE = statement(
    sa.update(objectives)
    .where(objectives.c.id == _ID)
    .values(
        sequence=sa.bindparam("events", type_=sa.BigInteger),
        last_occurred_at=sa.bindparam("at", type_=_AT),
        evaluated_until=sa.bindparam("until", type_=_AT),
        evaluate_at=sa.bindparam("look_at", type_=_AT),
    )
)
_ADD_BREACH = Statement(
    "INSERT INTO availability_breaches (objective_id, month, version_number, breached_at, fired_at) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING month",
    ("objective_id", "month", "version_number", "breached_at", "fired_at"),
    {},
)
_BREACHES = statement(sa.select(breaches).where(breaches.c.objective_id == _ID).order_by(breaches.c.month))
_RAISED = statement(
    sa.select(alerts.c.rule, alerts.c.raised_at)
    .where(alerts.c.objective_id == _ID, alerts.c.cleared_at.is_(None))
    .order_by(alerts.c.rule)
)
_RAISE = Statement(
    "INSERT INTO availability_alerts (objective_id, rule, raised_at) VALUES ($1, $2, $3) "
    "ON CONFLICT DO NOTHING RETURNING rule",
    ("objective_id", "rule", "raised_at"),
    {},
)
_CLEAR = statement(
    sa.update(alerts)
    .where(
        alerts.c.objective_id == _ID,
        alerts.c.rule == sa.bindparam("cleared_rule", type_=sa.SmallInteger),
        alerts.c.cleared_at.is_(None),
    )
    .values(cleared_at=sa.bindparam("at", type_=_AT))
)


def _page(key: tuple[bool, bool]) -> sa.Select[Any]:
    after, by_offering = key
    query = sa.select(objectives).order_by(objectives.c.name).limit(sa.bindparam("limit", type_=sa.Integer))
    if after:
        query = query.where(objectives.c.name > sa.bindparam("after", type_=sa.Text))
    return query.where(objectives.c.offering == _OFFERING) if by_offering else query


_PAGE = Composed(_page)


async def add(work: Work, objective: Objective) -> None:
    """A new objective without versions. Raises `NameTakenError`."""
    try:
        await work.execute(
            _ADD,
            id=objective.id,
            name=objective.name,
            offering=objective.offering,
            timezone=objective.timezone,
            version=1,
            sequence=0,
            last_occurred_at=None,
            created_at=objective.created_at,
            evaluated_until=objective.evaluated_until,
            evaluate_at=objective.created_at,
        )
    except asyncpg.UniqueViolationError:
        raise NameTakenError(f"There is an availability objective named {objective.name} already.") from None


async def add_version(work: Work, objective_id: UUID, version: ObjectiveVersion) -> None:
    await work.execute(
        _ADD_VERSION,
        objective_id=objective_id,
        number=version.number,
        effective_from=version.effective_from,
        effective_until=version.effective_until,
        document=version.to_json(),
        created_at=work.now,
        created_by=str(work.actor),
    )


async def lock(work: Work, objective_id: UUID, expected_version: int) -> Objective:
    """Raises `ObjectiveNotFoundError`, `ObjectiveChangedError`."""
    row = await work.fetch_one(_LOCK, objective_id=objective_id)
    if row is None:
        raise ObjectiveNotFoundError
    if row["version"] != expected_version:
        raise ObjectiveChangedError
    return (await _with_versions(work, [row]))[0]


async def bump(work: Work, objective_id: UUID) -> None:
    """It has one version more, and is looked at again."""
    await work.execute(_BUMP, objective_id=objective_id, now=work.now)


async def get(session: Session, objective_id: UUID) -> Objective:
    """Raises `ObjectiveNotFoundError`."""
    row = await session.fetch_one(_GET, objective_id=objective_id)
    if row is None:
        raise ObjectiveNotFoundError
    return (await _with_versions(session, [row]))[0]


async def page(session: Session, *, offering: str | None, after: str | None, limit: int) -> list[Objective]:
    """By name."""
    given: dict[str, Any] = {} if after is None else {"after": after}
    if offering is not None:
        given["offering"] = offering
    rows = await session.fetch_all(_PAGE((after is not None, offering is not None)), limit=limit, **given)
    return await _with_versions(session, rows)


async def knows_offering(session: Session, offering: str) -> bool:
    """Whether any objective is for it."""
    known: bool = await session.fetch_value(_KNOWN, offering=offering)
    return known


async def touch(work: Work, offering: str, *, since: datetime, look_at: datetime) -> None:
    """Something was reported that happened from `since` on: look for breaches again at `look_at`."""
    await work.execute(_TOUCH, offering=offering, since=since, look_at=look_at)


async def claim(work: Work, limit: int) -> list[Objective]:
    """Objectives to look at that no other worker holds."""
    return await _with_versions(work, await work.fetch_all(_CLAIM, now=work.now, limit=limit))


async def claim_one(work: Work, objective_id: UUID) -> list[Objective]:
    """That objective, or nothing when it is not to be looked at or is another worker's."""
    rows = await work.fetch_all(_CLAIM_ONE, objective_id=objective_id, now=work.now)
    return await _with_versions(work, rows)


async def due_ids(session: Session, now: datetime, limit: int) -> list[UUID]:
    return [row["id"] for row in await session.fetch_all(_DUE_IDS, now=now, limit=limit)]


async def postpone(work: Work, objective_id: UUID, look_at: datetime) -> None:
    """Out of the others' way until then."""
    await work.execute(_POSTPONE, objective_id=objective_id, look_at=look_at)


async def next_evaluation_at(session: Session) -> datetime | None:
    at: datetime | None = await session.fetch_value(_NEXT)
    return at


async def save(work: Work, objective: Objective, *, evaluate_at: datetime | None) -> None:
    """What an evaluation changed."""
    await work.execute(
        _SAVE,
        objective_id=objective.id,
        events=objective.sequence,
        at=objective.last_occurred_at,
        until=objective.evaluated_until,
        look_at=evaluate_at,
    )


async def add_breach(work: Work, objective_id: UUID, found: MonthlyAvailability) -> bool:
    """Whether it is the first time for this month."""
    added = await work.fetch_value(
        _ADD_BREACH,
        objective_id=objective_id,
        month=str(found.month),
        version_number=found.version.number,
        breached_at=found.breached_at,
        fired_at=work.now,
    )
    return added is not None


async def announced_breaches(session: Session, objective_id: UUID) -> dict[str, Any]:
    """Rows by month, of breaches that were published."""
    rows = await session.fetch_all(_BREACHES, objective_id=objective_id)
    return {row["month"]: row for row in rows}


async def raised_alerts(session: Session, objective_id: UUID) -> dict[int, datetime]:
    """Rules that alert now, with when they began to."""
    rows = await session.fetch_all(_RAISED, objective_id=objective_id)
    return {row["rule"]: row["raised_at"] for row in rows}


async def raise_alert(work: Work, objective_id: UUID, rule: int) -> bool:
    """Whether it was not raised yet."""
    raised = await work.fetch_value(_RAISE, objective_id=objective_id, rule=rule, raised_at=work.now)
    return raised is not None


async def clear_alert(work: Work, objective_id: UUID, rule: int) -> None:
    await work.execute(_CLEAR, objective_id=objective_id, cleared_rule=rule, at=work.now)


async def _with_versions(session: Session, rows: Iterable[Any]) -> list[Objective]:
    found = [_objective(row) for row in rows]
    by_id = {objective.id: objective for objective in found}
    if by_id:
        for row in await session.fetch_all(_VERSIONS, ids=list(by_id)):
            by_id[row["objective_id"]].versions.append(
                ObjectiveVersion.from_json(
                    row["document"], row["number"], row["effective_from"], row["effective_until"]
                )
            )
    return found


def _objective(row: Any) -> Objective:
    return Objective(
        id=row["id"],
        name=row["name"],
        offering=row["offering"],
        timezone=row["timezone"],
        version=row["version"],
        sequence=row["sequence"],
        last_occurred_at=row["last_occurred_at"],
        created_at=row["created_at"],
        evaluated_until=row["evaluated_until"],
    )
