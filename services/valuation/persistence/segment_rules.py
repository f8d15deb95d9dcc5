"""Versions of the cuts of segments: appended, the newest holds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.valuation.domain.segments.errors import SegmentRulesNotFoundError
from services.valuation.domain.segments.rules import SegmentRules
from services.valuation.persistence.segment_tables import segment_rules
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

_LOCK_NUMBER = 4_077_312
NEWEST = 2**31 - 1

_TURN = statement(sa.text("SELECT pg_advisory_xact_lock(CAST(:number AS bigint))"))
_ADD = statement(insert(segment_rules))
_BY_VERSION = statement(sa.select(segment_rules).where(segment_rules.c.version == sa.bindparam("wanted")))
_PAGE = statement(
    sa.select(segment_rules)
    .where(segment_rules.c.version <= sa.bindparam("through"))
    .order_by(segment_rules.c.version.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


@dataclass(frozen=True, slots=True)
class StoredSegmentRules:
    """Rules with their provenance."""

    rules: SegmentRules
    created_at: datetime
    created_by: str


async def take_turn(work: Work) -> None:
    """Nobody else adds a version until the command ends."""
    await work.execute(_TURN, number=_LOCK_NUMBER)


async def add(work: Work, rules: SegmentRules) -> StoredSegmentRules:
    """Add a version; it holds at once."""
    stored = StoredSegmentRules(rules, work.now, str(work.actor))
    cuts = {name: value for name, value in asdict(rules).items() if name != "version"}
    await work.execute(
        _ADD, version=rules.version, cuts=cuts, created_at=stored.created_at, created_by=stored.created_by
    )
    return stored


async def newest(session: Session) -> StoredSegmentRules:
    """The version that holds."""
    return (await page(session, NEWEST, 1))[0]


async def require(session: Session, version: int) -> StoredSegmentRules:
    """Raises `SegmentRulesNotFoundError`."""
    row = await session.fetch_one(_BY_VERSION, wanted=version)
    if row is None:
        raise SegmentRulesNotFoundError
    return _stored(row)


async def page(session: Session, through: int, limit: int) -> list[StoredSegmentRules]:
    """At most `limit` versions from `through` down, the newest first."""
    return [_stored(row) for row in await session.fetch_all(_PAGE, through=through, limit=limit)]


def _stored(row: Mapping[str, Any]) -> StoredSegmentRules:
    cuts = row["cuts"]
    rules = SegmentRules(
        version=row["version"],
        recent_days=cuts["recent_days"],
        frequent_days=cuts["frequent_days"],
        large_spend_minor=cuts["large_spend_minor"],
        current_minor=tuple(cuts["current_minor"]),
        potential_minor=tuple(cuts["potential_minor"]),
    )
    return StoredSegmentRules(rules, row["created_at"], row["created_by"])
