"""Standings: locked and saved many at once, always in the order of the customers' ids."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.rfm import Rfm
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.overrides import OverrideHold
from services.valuation.domain.tiers import DemotionWarning, Held
from services.valuation.domain.window import Window
from services.valuation.persistence import tier_history, tier_overrides
from services.valuation.persistence.rows import insert_rows, run_rows, update_rows
from services.valuation.persistence.tables import standings
from shared.db.statements import statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in standings.columns]
_ADD = insert_rows(standings)
_SAVE = update_rows(standings, "customer_id", _NAMES[1:])
_BY_ID = statement(sa.select(standings).where(standings.c.customer_id == sa.bindparam("customer_id")))
_LOCK = statement(
    sa.text(
        "SELECT * FROM standings WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY customer_id FOR UPDATE"
    )
)
# Rows that another worker holds are its own to do; the rest is taken in the order of the ids.
_LOCK_DUE = statement(
    sa.text(
        "WITH due AS (SELECT customer_id FROM standings WHERE next_review_at <= CAST(:at AS timestamptz)"
        " ORDER BY next_review_at, customer_id LIMIT CAST(:limit AS integer))"
        " SELECT s.* FROM standings AS s JOIN due USING (customer_id)"
        " WHERE s.next_review_at <= CAST(:at AS timestamptz)"
        " ORDER BY s.customer_id FOR UPDATE OF s SKIP LOCKED"
    )
)
_LOCK_AFTER = statement(
    sa.text(
        "SELECT * FROM standings WHERE CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid)"
        " ORDER BY customer_id LIMIT CAST(:limit AS integer) FOR UPDATE"
    )
)
_READ_AFTER = statement(
    sa.text(
        "SELECT * FROM standings WHERE CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid)"
        " ORDER BY customer_id LIMIT CAST(:limit AS integer)"
    )
)
_COUNT = statement(sa.text("SELECT count(*) FROM standings"))
_NEXT_DUE = statement(sa.text("SELECT min(next_review_at) FROM standings WHERE next_review_at IS NOT NULL"))


async def add_many(work: Work, added: Sequence[Standing]) -> None:
    """Add standings with their events and history."""
    await run_rows(work, _ADD, _NAMES, [_row(one) for one in added])
    await _publish(work, added, {})


async def save_many(
    work: Work, changed: Sequence[Standing], causes: Mapping[UUID, Work] = MappingProxyType({})
) -> None:
    """Write locked standings with their events and history; `causes` are commands that events follow from."""
    await run_rows(work, _SAVE, _NAMES, [_row(one) for one in changed])
    await _publish(work, changed, causes)


async def find(session: Session, customer_id: UUID) -> Standing | None:
    """The standing as last written, or None."""
    row = await session.fetch_one(_BY_ID, customer_id=customer_id)
    return None if row is None else _standing(row)


async def lock_many(work: Work, customer_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Those that exist, locked until the command ends."""
    if not customer_ids:
        return {}
    rows = await work.fetch_all(_LOCK, ids=list(customer_ids))
    return {row["customer_id"]: _standing(row) for row in rows}


async def lock_due(work: Work, at: datetime, limit: int) -> list[Standing]:
    """At most `limit` standings whose review is due at `at`, leaving out what others hold."""
    return [_standing(row) for row in await work.fetch_all(_LOCK_DUE, at=at, limit=limit)]


async def lock_after(work: Work, after: UUID | None, limit: int) -> list[Standing]:
    """The next `limit` standings in the order of the customers' ids, locked."""
    return [_standing(row) for row in await work.fetch_all(_LOCK_AFTER, after=after, limit=limit)]


async def read_after(session: Session, after: UUID | None, limit: int) -> list[Standing]:
    """The next `limit` standings in the order of the customers' ids."""
    return [_standing(row) for row in await session.fetch_all(_READ_AFTER, after=after, limit=limit)]


async def count(session: Session) -> int:
    """How many customers there are."""
    customers: int = await session.fetch_value(_COUNT)
    return customers


async def next_due_at(session: Session) -> datetime | None:
    """The earliest review."""
    due: datetime | None = await session.fetch_value(_NEXT_DUE)
    return due


async def _publish(work: Work, written: Sequence[Standing], causes: Mapping[UUID, Work]) -> None:
    await tier_history.add_many(work, [change for one in written for change in one.take_changes()])
    await tier_overrides.end_many(work, [end for one in written for end in one.take_ended_overrides()])
    for one in written:
        causes.get(one.id, work).record(*one.take_events())


def _row(standing: Standing) -> tuple[Any, ...]:
    rfm, window, held = standing.rfm, standing.window, standing.held
    return (
        standing.id,
        standing.sequence,
        standing.last_occurred_at,
        rfm.first_day,
        rfm.last_day,
        rfm.purchase_days,
        rfm.purchases,
        rfm.spend_minor,
        rfm.first_day_spend_minor,
        rfm.margin_minor,
        window.opens_on,
        window.margin_minor,
        window.oldest,
        window.has_loss,
        held.tier,
        held.since,
        held.warning.warned_at if held.warning else None,
        held.warning.demotes_at if held.warning else None,
        standing.next_review_at,
        standing.rule_version,
        standing.override.id if standing.override else None,
        standing.override.until if standing.override else None,
    )


def _standing(row: Mapping[str, Any]) -> Standing:
    warned_at, override_id = row["warned_at"], row["override_id"]
    return Standing(
        id=row["customer_id"],
        sequence=row["sequence"],
        last_occurred_at=row["last_occurred_at"],
        rfm=Rfm(
            first_day=row["first_day"],
            last_day=row["last_day"],
            purchase_days=row["purchase_days"],
            purchases=row["purchases"],
            spend_minor=row["spend_minor"],
            first_day_spend_minor=row["first_day_spend_minor"],
            margin_minor=row["margin_minor"],
        ),
        window=Window(
            row["window_opens_on"], row["window_margin_minor"], row["window_oldest"], row["window_has_loss"]
        ),
        held=Held(
            row["tier"],
            row["tier_since"],
            None if warned_at is None else DemotionWarning(warned_at, row["demotes_at"]),
        ),
        next_review_at=row["next_review_at"],
        rule_version=row["rule_version"],
        override=None if override_id is None else OverrideHold(override_id, row["override_until"]),
    )
