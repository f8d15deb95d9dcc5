"""Clocks as people read them: lists with filters, one clock with its cycles."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.sla.domain.clock_status import FINISHED
from services.sla.persistence.tables import (
    calendar_versions,
    calendars,
    clocks,
    policies,
    policy_versions,
    subjects,
)
from shared.db.statements import Composed, statement
from shared.db.work import Session

# What customers may see: promises made to them, not those between teams and with partners.
PROMISED_TO_CUSTOMERS = ("sla", "regulatory")
_EQUAL = ("subject_kind", "subject_id", "customer_id", "metric", "agreement", "priority", "tier", "policy_id")
_AT = sa.DateTime(timezone=True)

_SHOWN = (
    sa.select(
        clocks,
        subjects.c.number.label("subject_number"),
        subjects.c.external_number.label("subject_external_number"),
        policies.c.id.label("policy_id"),
        policies.c.name.label("policy_name"),
        policy_versions.c.number.label("policy_number"),
        calendars.c.id.label("calendar_id"),
        calendars.c.name.label("calendar_name"),
        calendar_versions.c.number.label("calendar_number"),
    )
    .join(subjects, subjects.c.id == clocks.c.subject_id)
    .join(policy_versions, policy_versions.c.id == clocks.c.policy_version_id)
    .join(policies, policies.c.id == policy_versions.c.policy_id)
    .outerjoin(calendar_versions, calendar_versions.c.id == clocks.c.calendar_version_id)
    .outerjoin(calendars, calendars.c.id == calendar_versions.c.calendar_id)
)


@dataclass(frozen=True, slots=True)
class ClockFilter:
    """Each that is given narrows the list. `for_customer`: only what this customer may see."""

    subject_kind: str | None = None
    subject_id: UUID | None = None
    customer_id: UUID | None = None
    metric: str | None = None
    agreement: str | None = None
    priority: str | None = None
    tier: str | None = None
    policy_id: UUID | None = None
    states: tuple[str, ...] = ()
    started_from: datetime | None = None
    started_until: datetime | None = None
    for_customer: UUID | None = None

    def given(self) -> dict[str, Any]:
        """Parameters by name."""
        found: dict[str, Any] = {
            name: getattr(self, name) for name in _EQUAL if getattr(self, name) is not None
        }
        if self.states:
            found["states"] = list(self.states)
            found["over"] = sorted({state in FINISHED for state in self.states})
        for name in ("started_from", "started_until", "for_customer"):
            if getattr(self, name) is not None:
                found[name] = getattr(self, name)
        return found


def _visible() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        clocks.c.customer_id == sa.bindparam("for_customer", type_=sa.Uuid),
        sa.or_(*(clocks.c.agreement == sa.literal_column(f"'{name}'") for name in PROMISED_TO_CUSTOMERS)),
    )


def conditions(names: frozenset[str]) -> list[sa.ColumnElement[bool]]:
    """The WHERE of a set of filters."""
    made: list[sa.ColumnElement[bool]] = []
    for name in _EQUAL:
        if name in names:
            column = policy_versions.c.policy_id if name == "policy_id" else clocks.c[name]
            made.append(column == sa.bindparam(name, type_=column.type))
    if "states" in names:
        made.append(clocks.c.is_over == sa.any_(sa.bindparam("over", type_=ARRAY(sa.Boolean))))
        made.append(clocks.c.state == sa.any_(sa.bindparam("states", type_=ARRAY(sa.Text))))
    if "started_from" in names:
        made.append(clocks.c.started_at >= sa.bindparam("started_from", type_=_AT))
    if "started_until" in names:
        made.append(clocks.c.started_at < sa.bindparam("started_until", type_=_AT))
    if "for_customer" in names:
        made += _visible()
    return made


def _page(key: tuple[frozenset[str], bool]) -> sa.Select[Any]:
    names, after = key
    query = (
        _SHOWN.where(*conditions(names))
        .order_by(clocks.c.started_at, clocks.c.id, clocks.c.cycle)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    if after:
        last = sa.tuple_(
            sa.bindparam("after_at", type_=_AT),
            sa.bindparam("after_id", type_=sa.Uuid),
            sa.bindparam("after_cycle", type_=sa.Integer),
        )
        query = query.where(sa.tuple_(clocks.c.started_at, clocks.c.id, clocks.c.cycle) > last)
    return query


def _cycles(for_customer: bool) -> sa.Select[Any]:
    query = _SHOWN.where(clocks.c.id == sa.bindparam("clock_id", type_=sa.Uuid)).order_by(clocks.c.cycle)
    return query.where(*_visible()) if for_customer else query


_PAGE = Composed(_page)
_CYCLES = Composed(_cycles)
_NAMES = statement(
    _SHOWN.where(clocks.c.subject_id == sa.bindparam("subject_id", type_=sa.Uuid)).order_by(
        clocks.c.agreement, clocks.c.metric, clocks.c.cycle
    )
)


async def page(
    session: Session, wanted: ClockFilter, *, after: tuple[Any, ...] | None, limit: int
) -> list[Any]:
    """Rows by start, then id and cycle."""
    given: Mapping[str, Any] = wanted.given()
    cursor = {} if after is None else dict(zip(("after_at", "after_id", "after_cycle"), after, strict=True))
    query = _PAGE((frozenset(given), after is not None))
    return await session.fetch_all(query, limit=limit, **given, **cursor)


async def cycles(session: Session, clock_id: UUID, *, for_customer: UUID | None) -> list[Any]:
    """All cycles of a clock, oldest first; none when it is unknown or not the customer's to see."""
    given = {} if for_customer is None else {"for_customer": for_customer}
    return await session.fetch_all(_CYCLES(for_customer is not None), clock_id=clock_id, **given)


async def of_subject(session: Session, subject_id: UUID) -> list[Any]:
    """Rows of every cycle of a subject's clocks."""
    return await session.fetch_all(_NAMES, subject_id=subject_id)
