"""Attainment: how many promises were kept, by what they are grouped by. From the clocks, so corrections count."""

from typing import Any

import sqlalchemy as sa

from services.sla.persistence.clock_reads import ClockFilter, conditions
from services.sla.persistence.tables import clocks, policy_versions
from shared.db.statements import Composed
from shared.db.work import Session

GROUPS = ("metric", "agreement", "priority", "tier", "category", "channel", "queue", "subject_kind")
_AT_WORK = clocks.c.run_state == sa.any_(sa.literal_column("ARRAY['running', 'paused']"))


def _count(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(*conditions)


def _report(key: tuple[frozenset[str], tuple[str, ...]]) -> sa.Select[Any]:
    names, groups = key
    columns = [clocks.c[name] for name in groups]
    breached = clocks.c.breached_at.is_not(None)
    return (
        sa.select(
            *columns,
            sa.func.count().label("clocks"),
            _count(clocks.c.state == sa.literal_column("'met'")).label("met"),
            _count(breached).label("missed"),
            _count(clocks.c.state == sa.literal_column("'cancelled'")).label("cancelled"),
            _count(_AT_WORK).label("open"),
            _count(_AT_WORK, breached).label("open_breached"),
            _count(clocks.c.warned_at.is_not(None)).label("warned"),
        )
        .join(policy_versions, policy_versions.c.id == clocks.c.policy_version_id)
        .where(*conditions(names))
        .group_by(*columns)
        .order_by(*columns)
    )


_REPORT = Composed(_report)


async def attainment(session: Session, wanted: ClockFilter, groups: tuple[str, ...]) -> list[Any]:
    """One row a group. A breach counts as missed from its instant on, whether the clock is over or not."""
    given = wanted.given()
    return await session.fetch_all(_REPORT((frozenset(given), groups)), **given)
