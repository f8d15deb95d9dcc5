"""Versions of the cost rates."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import asyncpg
import sqlalchemy as sa

from services.valuation.domain.costs.cases import CaseKind
from services.valuation.domain.costs.rates import CostRate, CostRates
from services.valuation.persistence.cost_tables import cost_rates
from shared.db.statements import insert, statement
from shared.db.work import Session, Work
from shared.kernel.errors import PreconditionFailedError

_ALL = statement(sa.select(cost_rates).order_by(cost_rates.c.case_kind, cost_rates.c.version.desc()))
_NEWEST = statement(
    sa.text(
        "SELECT DISTINCT ON (case_kind) * FROM cost_rates"
        " WHERE CAST(:kind AS text) IS NULL OR case_kind = CAST(:kind AS text)"
        " ORDER BY case_kind, version DESC"
    )
)
_VERSIONS = statement(
    sa.select(cost_rates)
    .where(cost_rates.c.case_kind == sa.bindparam("kind"), cost_rates.c.version < sa.bindparam("before"))
    .order_by(cost_rates.c.version.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ADD = statement(insert(cost_rates))


async def all_rates(session: Session) -> CostRates:
    """Every version; as many as decisions about costs were ever taken."""
    return CostRates([_rate(row) for row in await session.fetch_all(_ALL)])


async def newest(session: Session) -> list[CostRate]:
    """The newest version of each kind that has one."""
    return [_rate(row) for row in await session.fetch_all(_NEWEST, kind=None)]


async def find(session: Session, kind: CaseKind) -> CostRate | None:
    """The newest version of one kind."""
    row = await session.fetch_one(_NEWEST, kind=kind)
    return None if row is None else _rate(row)


async def versions(session: Session, kind: CaseKind, before: int, limit: int) -> list[CostRate]:
    """At most `limit` versions below `before`, newest first."""
    rows = await session.fetch_all(_VERSIONS, kind=kind, before=before, limit=limit)
    return [_rate(row) for row in rows]


async def add(work: Work, rate: CostRate) -> None:
    """Add a version. Raises `PreconditionFailedError` when somebody else added it in the meantime."""
    try:
        await work.execute(
            _ADD,
            case_kind=rate.case_kind,
            version=rate.version,
            per_hour_minor=rate.per_hour_minor,
            per_case_minor=rate.per_case_minor,
            most_hours=rate.most_hours,
            effective_from=rate.effective_from,
            set_by=str(work.actor),
        )
    except asyncpg.exceptions.UniqueViolationError as error:
        raise PreconditionFailedError from error


def _rate(row: Mapping[str, Any]) -> CostRate:
    most_hours = row["most_hours"]
    return CostRate(
        row["case_kind"],
        row["version"],
        row["per_hour_minor"],
        row["per_case_minor"],
        None if most_hours is None else Decimal(most_hours),
        row["effective_from"],
    )
