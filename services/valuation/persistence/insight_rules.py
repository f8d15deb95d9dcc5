"""Versions of the insight rules: the newest holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.valuation.domain.insights.errors import InsightRulesNotFoundError
from services.valuation.domain.insights.rules import InsightRules, rules_of
from services.valuation.persistence.insight_tables import insight_rules
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

_LOCK_NUMBER = 4_077_316

_IN_FORCE = statement(sa.text("SELECT * FROM insight_rules ORDER BY version DESC LIMIT 1"))
_PAGE = statement(
    sa.select(insight_rules)
    .where(insight_rules.c.version < sa.bindparam("before"))
    .order_by(insight_rules.c.version.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_TURN = statement(sa.text("SELECT pg_advisory_xact_lock(CAST(:number AS bigint))"))
_ADD = statement(insert(insight_rules))


@dataclass(frozen=True)
class StoredInsightRules:
    """Rules with their provenance."""

    rules: InsightRules
    created_at: datetime
    created_by: str


async def in_force(session: Session) -> InsightRules:
    """The newest version."""
    row = await session.fetch_one(_IN_FORCE)
    if row is None:
        raise InsightRulesNotFoundError
    return rules_of(row["version"], row["document"])


async def lock_latest(work: Work) -> InsightRules:
    """The newest version; nobody else adds one until the command ends."""
    await work.execute(_TURN, number=_LOCK_NUMBER)
    return await in_force(work)


async def page(session: Session, before: int, limit: int) -> list[StoredInsightRules]:
    """At most `limit` versions below `before`, the newest first."""
    return [_stored(row) for row in await session.fetch_all(_PAGE, before=before, limit=limit)]


async def add(work: Work, rules: InsightRules) -> StoredInsightRules:
    """Add a version."""
    stored = StoredInsightRules(rules, work.now, str(work.actor))
    await work.execute(
        _ADD,
        version=rules.version,
        document=rules.document(),
        created_at=stored.created_at,
        created_by=stored.created_by,
    )
    return stored


def _stored(row: Mapping[str, Any]) -> StoredInsightRules:
    return StoredInsightRules(rules_of(row["version"], row["document"]), row["created_at"], row["created_by"])
