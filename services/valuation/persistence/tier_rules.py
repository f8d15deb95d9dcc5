"""Versions of the tier rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.errors import TierRulesNotFoundError
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.rule_change import RuleBook
from services.valuation.domain.tiers import Tier, TierRules
from services.valuation.persistence.tables import tier_rules
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

_LOCK_NUMBER = 4_077_310
NEWEST = 2**31 - 1

_IN_FORCE = statement(
    sa.select(tier_rules)
    .where(tier_rules.c.effective_from <= sa.bindparam("at", type_=tier_rules.c.effective_from.type))
    .order_by(tier_rules.c.effective_from.desc(), tier_rules.c.version.desc())
    .limit(sa.bindparam("one", 1, type_=sa.Integer))
)
_BY_VERSIONS = statement(
    sa.text("SELECT * FROM tier_rules WHERE version = ANY(CAST(:versions AS integer[]))")
)
_BY_VERSION = statement(sa.select(tier_rules).where(tier_rules.c.version == sa.bindparam("wanted")))
_PAGE = statement(
    sa.select(tier_rules)
    .where(tier_rules.c.version < sa.bindparam("before"))
    .order_by(tier_rules.c.version.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_TURN = statement(sa.text("SELECT pg_advisory_xact_lock(CAST(:number AS bigint))"))
_LATEST = statement(sa.text("SELECT version, effective_from FROM tier_rules ORDER BY version DESC LIMIT 1"))
_ADD = statement(insert(tier_rules))
_TO_REVIEW = statement(
    sa.text(
        "SELECT * FROM tier_rules WHERE reviewed_at IS NULL AND effective_from <= CAST(:at AS timestamptz)"
        " ORDER BY effective_from, version LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
)
_NEXT_REVIEW = statement(sa.text("SELECT min(effective_from) FROM tier_rules WHERE reviewed_at IS NULL"))
_ADVANCE = statement(
    update(tier_rules, "reviewed_through", "reviewed_at").where(
        tier_rules.c.version == sa.bindparam("wanted")
    )
)


@dataclass(frozen=True)
class StoredRules:
    """Rules with their provenance and how far customers were reviewed under them."""

    rules: TierRules
    created_at: datetime
    created_by: str
    reviewed_through: UUID | None
    reviewed_at: datetime | None


async def in_force(session: Session, at: datetime) -> TierRules:
    """The rules in effect at `at`."""
    row = await session.fetch_one(_IN_FORCE, at=at)
    if row is None:
        raise TierRulesNotFoundError(f"no tier rules are in effect at {at.isoformat()}")
    return _stored(row).rules


async def book_of(session: Session, standings: Iterable[Standing], in_force: TierRules) -> RuleBook:
    """The rules that these standings are judged by: those in force, and older ones where some still are."""
    wanted = {one.rule_version for one in standings} - {None, in_force.version}
    if not wanted:
        return RuleBook(in_force)
    rows = await session.fetch_all(_BY_VERSIONS, versions=sorted(wanted))
    return RuleBook(in_force, {row["version"]: _stored(row).rules for row in rows})


async def find(session: Session, version: int) -> StoredRules | None:
    row = await session.fetch_one(_BY_VERSION, wanted=version)
    return None if row is None else _stored(row)


async def page(session: Session, before: int, limit: int) -> list[StoredRules]:
    """At most `limit` versions below `before`, newest first."""
    return [_stored(row) for row in await session.fetch_all(_PAGE, before=before, limit=limit)]


async def lock_latest(work: Work) -> tuple[int, datetime]:
    """The newest version and when it takes effect; nobody else adds one until the command ends."""
    await work.execute(_TURN, number=_LOCK_NUMBER)
    row = await work.fetch_one(_LATEST)
    if row is None:
        raise TierRulesNotFoundError
    return row["version"], row["effective_from"]


async def add(work: Work, rules: TierRules) -> StoredRules:
    """Add a version."""
    stored = StoredRules(rules, work.now, str(work.actor), None, None)
    await work.execute(
        _ADD,
        version=rules.version,
        tiers=[{"name": tier.name, "threshold_minor": tier.threshold_minor} for tier in rules.tiers],
        window_days=rules.window_days,
        band=rules.band,
        grace_days=rules.grace_days,
        tenure_days=rules.tenure_days,
        effective_from=rules.effective_from,
        created_at=stored.created_at,
        created_by=stored.created_by,
        reviewed_through=None,
        reviewed_at=None,
    )
    return stored


async def lock_to_review(work: Work, at: datetime) -> StoredRules | None:
    """A version in effect under which customers are still to be reviewed; None when another worker has it."""
    row = await work.fetch_one(_TO_REVIEW, at=at)
    return None if row is None else _stored(row)


async def advance(work: Work, version: int, through: UUID | None, reviewed_at: datetime | None) -> None:
    """Remember how far the review came; `reviewed_at` ends it."""
    await work.execute(_ADVANCE, wanted=version, reviewed_through=through, reviewed_at=reviewed_at)


async def next_review_at(session: Session) -> datetime | None:
    """When the next version takes effect that nobody was reviewed under."""
    due: datetime | None = await session.fetch_value(_NEXT_REVIEW)
    return due


def _stored(row: Mapping[str, Any]) -> StoredRules:
    rules = TierRules(
        version=row["version"],
        tiers=tuple(Tier(tier["name"], tier["threshold_minor"]) for tier in row["tiers"]),
        window_days=row["window_days"],
        band=Decimal(row["band"]),
        grace_days=row["grace_days"],
        tenure_days=row["tenure_days"],
        effective_from=row["effective_from"],
    )
    return StoredRules(
        rules, row["created_at"], row["created_by"], row["reviewed_through"], row["reviewed_at"]
    )
